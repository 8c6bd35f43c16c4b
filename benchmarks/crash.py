"""Kill Dure again and again while guests order, pay, use coupons and get money back; then count what is missing.

    make crash            (or: python -m benchmarks.crash --kills 54 --clients 16)

PostgreSQL, the web, the worker and the practice provider run as processes of their own and are killed with -9 at random
under a load of real HTTP clients. What was acknowledged to a client is written to a journal: a file of this program,
outside everything that is killed. Afterwards the faults stop, the product has to come to rest by itself, and then the
journal, the database, the provider's own books and `dure verify` must tell one story.

The control runs the same with `synchronous_commit = off` and kills PostgreSQL only: it must lose something that was
acknowledged, or this program could not see a loss.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row

from benchmarks.orders import RESULTS, TABLES, Connection, Seat, Wrong, settle

Row = dict[str, Any]
PATIENCE = 300.0
REST_SECONDS = 420.0
WARM_UP = 100
ACKNOWLEDGED_BETWEEN = 12
RECOVERY_SECONDS = 240.0
"""Within which somebody must be answered again after a kill: on a busy machine a web takes a minute to start."""
LEAST_A_KILL = 10
"""Acknowledged things a kill, below which a run has too little load to prove anything."""
COUPONS_EACH = 60
COUPON_WON = 1_000
KINDS = ("counter", "provider", "coupon", "refund")
BROKEN = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError, IndexError)


class Journal:
    """What clients were told, in a file that nothing but this program writes; and what is still open for them."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1, encoding="utf-8")
        self.said: list[Row] = []
        self.counts: Counter[str] = Counter()

    def acknowledged(self, what: str, **facts: Any) -> None:
        """Write one thing that a client was told has happened."""
        row = {"what": what, "at": round(time.time(), 3), **facts}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        self.said.append(row)
        self.counts[what] += 1

    def close(self) -> None:
        self._file.close()


# The product as processes --------------------------------------------------------------------------------------------


@dataclass
class Product:
    """PostgreSQL, web, worker and sandbox on a home of their own; each can be killed and is started again."""

    home: Path
    port: int
    parts: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    revived: Counter[str] = field(default_factory=Counter)
    environment: dict[str, str] = field(default_factory=dict)
    superuser: str = ""

    def prepare(self) -> None:
        """Create the cluster and bring it up to date, once for the product and its control."""
        self._start_cluster()
        for step in (["migrate"], ["manage", "collectstatic", "--noinput"]):
            self._dure(*step)

    def _start_cluster(self) -> None:
        from dure.project import postgres

        server = postgres.start(self.home)
        self.superuser = server.superuser_dsn
        self.environment = {**os.environ, "DURE_DATABASE_URL": server.dsn}

    def open(self) -> None:
        """Start everything on a prepared home."""
        self._start_cluster()
        for part in ("sandbox", "worker", "web"):
            self.start(part)

    def _dure(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "dure.project.cli", *arguments]
        return subprocess.run(command, check=True, env=self.environment, capture_output=True, text=True)

    def verify(self) -> tuple[int, list[str]]:
        """`dure verify`: its exit code, and the lines that say what is broken."""
        command = [sys.executable, "-m", "dure.project.cli", "verify"]
        done = subprocess.run(command, check=False, env=self.environment, capture_output=True, text=True)
        lines = done.stdout.splitlines()
        return done.returncode, [line for line in lines if line.startswith(("✗", "    "))] + (
            done.stderr.splitlines()[-5:] if done.returncode not in (0, 1) else []
        )

    def set(self, **settings: str) -> None:
        """Change settings of the running cluster, as only its superuser may."""
        with psycopg.connect(self.superuser, autocommit=True) as database:
            for name, value in settings.items():
                database.execute(f"ALTER SYSTEM SET {name} = '{value}'")  # type: ignore[call-overload]
            database.execute("SELECT pg_reload_conf()")

    def start(self, part: str) -> None:
        log = (self.home / f"{part}.log").open("ab")
        self.parts[part] = subprocess.Popen(
            [sys.executable, "-m", "dure.project.cli", part],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()

    def revive(self) -> None:
        """Start again what ended by itself, as `dure run` does: a worker whose database went away ends, for one."""
        for part, process in list(self.parts.items()):
            if process.poll() is not None:
                self.revived[part] += 1
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                self.start(part)

    def kill(self, what: str) -> None:
        """kill -9, and start it again: a part with all of its processes, the postmaster, or one backend of it."""
        from dure.project import postgres

        self.kills[what] += 1
        if what == "postgres":
            server = postgres.locate(self.home)
            if server.pid is not None:
                os.kill(server.pid, signal.SIGKILL)
                gone = threading.Event()
                end = time.monotonic() + 30
                while server.pid is not None and time.monotonic() < end:
                    gone.wait(0.02)
            self._start_postgres()
        elif what == "backend":
            self._kill_backend()
        elif what == "web's child":
            self._kill_child("web")
        else:
            part = self.parts[what]
            os.killpg(part.pid, signal.SIGKILL)
            part.wait()
            self.start(what)

    def _start_postgres(self) -> None:
        """Start it as often as it takes: what the killed one left behind may still be going away."""
        from dure.project import postgres

        end = time.monotonic() + 60
        while True:
            try:
                postgres.start(self.home)
            except postgres.Trouble:
                if time.monotonic() > end:
                    raise
                self.revived["postgres"] += 1
                threading.Event().wait(0.5)
            else:
                return

    def _kill_child(self, part: str) -> None:
        """One of a part's own processes, as a machine short of memory does; the part has to notice."""
        asked = ["pgrep", "-P", str(self.parts[part].pid)]
        found = subprocess.run(asked, check=False, capture_output=True, text=True).stdout.split()
        if found:
            with suppress(ProcessLookupError):
                os.kill(int(found[-1]), signal.SIGKILL)

    def _kill_backend(self) -> None:
        try:
            with psycopg.connect(self.superuser, autocommit=True, connect_timeout=5) as database:
                found = database.execute(
                    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                    " AND datname = current_database() ORDER BY state = 'active' DESC, random() LIMIT 1"
                ).fetchone()
        except psycopg.Error:
            return
        if found:
            with suppress(ProcessLookupError):
                os.kill(found[0], signal.SIGKILL)

    def close(self) -> None:
        from dure.project import postgres

        for part in self.parts.values():
            with suppress(ProcessLookupError):
                os.killpg(part.pid, signal.SIGTERM)
        for part in self.parts.values():
            try:
                part.wait(15)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(part.pid, signal.SIGKILL)
                part.wait()
        postgres.stop(self.home)


# The clients ---------------------------------------------------------------------------------------------------------


@dataclass
class Client:
    """One phone and one cashier, who insist: what was not answered is sent again, the same, until it is."""

    number: int
    seat: Seat
    port: int
    journal: Journal
    stop: Callable[[], bool]
    coupons: bool
    retries: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    unfinished: int = 0
    sent: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        self.web, self.sandbox = Connection(self.port), Connection(self.port + 1)
        self.dice = random.Random(f"{self.seed}:{self.number}")

    async def live(self) -> None:
        """Order, pay and return until it is time to stop; whatever was begun is finished."""
        while not self.stop():
            kind = self.dice.choice([k for k in KINDS if self.coupons or k != "coupon"])
            try:
                await getattr(self, f"_{kind}")()
            except TimeoutError:
                self.unfinished += 1

    async def _ask(self, line: str, method: str, path: str, **more: Any) -> tuple[int, dict[str, str], bytes]:
        """One request, again and again, until somebody answers it with anything but "not now"."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            connection = self.web if line == "web" else self.sandbox
            try:
                answer = await asyncio.wait_for(connection.ask(method, path, **more), 20)
            except BROKEN:
                if connection.writer:
                    connection.writer.close()
                fresh = Connection(connection.port)
                if line == "web":
                    self.web = fresh
                else:
                    self.sandbox = fresh
            else:
                if answer[0] < 500:
                    return answer
            self.retries += 1
            await asyncio.sleep(0.1 + self.dice.random() * 0.3)
        raise TimeoutError

    def _form(self, how: str, coupon: str) -> dict[str, str]:
        self.sent += 1
        return {
            "csrfmiddlewaretoken": self.seat.guest_token,
            "key": f"crash-{self.seat.code}-{os.getpid()}-{self.sent}",
            "how": how,
            "coupon": coupon,
            "lines": self.seat.lines,
        }

    async def _place(self, how: str, coupon: str = "none") -> Row | None:
        form = self._form(how, coupon)
        path = f"/t/{self.seat.code}/orders"
        status, _, body = await self._ask(
            "web", "POST", path, cookies=self.seat.guest_cookies, form=form, accept="application/json"
        )
        if status != 201:
            self.refusals[f"order {status}"] += 1
            return None
        receipt: Row = json.loads(body)
        self.journal.acknowledged("ordered", key=form["key"], order=receipt["order"], bill=receipt["bill"])
        return receipt

    async def _counter(self, coupon: str = "none") -> Row | None:
        receipt = await self._place("counter", coupon)
        if receipt is None:
            return None
        path = f"/console/{self.seat.shop}/bills/{receipt['bill']}/settlement"
        form = {"csrfmiddlewaretoken": self.seat.staff_token}
        status, _, _ = await self._ask("web", "POST", path, cookies=self.seat.staff_cookies, form=form)
        # 409 is "already paid": the first answer was lost, and this one says that it happened.
        if status not in (302, 303, 409):
            self.refusals[f"settlement {status}"] += 1
            return None
        what = "paid with a coupon" if coupon == "best" else "paid at the counter"
        self.journal.acknowledged(what, order=receipt["order"], bill=receipt["bill"])
        return receipt

    async def _coupon(self) -> Row | None:
        return await self._counter("best")

    async def _provider(self) -> Row | None:
        receipt = await self._place("provider")
        if receipt is None or not receipt["go"].startswith("http"):
            return None
        page = urlsplit(receipt["go"])
        status, headers, _ = await self._ask("sandbox", "POST", f"{page.path}/approval", form={})
        if status not in (302, 303):
            self.refusals[f"approval {status}"] += 1
            return None
        back = urlsplit(headers["location"])
        await self._ask("web", "GET", f"{back.path}?{back.query}", cookies=self.seat.guest_cookies)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            path = f"/orders/{receipt['order']}"
            status, _, body = await self._ask("web", "GET", path, cookies=self.seat.guest_cookies)
            if status == 200 and b'id="receipt"' in body:
                self.journal.acknowledged("paid online", order=receipt["order"], bill=receipt["bill"])
                return receipt
            if b'role="alert"' in body or self.stop():
                self.unfinished += 1
                return None
            await asyncio.sleep(0.5)
        raise TimeoutError

    async def _refund(self) -> None:
        paid = await (
            self._provider() if self.dice.random() < 0.5 else self._counter("best" if self.coupons else "none")
        )
        if paid is None:
            return
        form = {"csrfmiddlewaretoken": self.seat.staff_token, "reason": "재료가 떨어졌어요"}
        path = f"/console/{self.seat.shop}/orders/{paid['order']}/refusal"
        status, _, _ = await self._ask("web", "POST", path, cookies=self.seat.staff_cookies, form=form)
        if status in (302, 303):
            self.journal.acknowledged("returned", order=paid["order"], bill=paid["bill"])
        else:
            self.refusals[f"refusal {status}"] += 1


def give_coupons(seats: list[Seat], each: int) -> None:
    """Make each phone's owner somebody, with `each` coupons of 1,000 won."""
    from dure.kit import clock
    from dure.offers import actions as offers
    from dure.offers.values import OfferKind
    from dure.people import actions as people
    from dure.people import queries as persons
    from dure.shops import fence
    from dure.shops.models import Shop

    made: dict[str, Any] = {}
    guests: dict[str, list[int]] = {}
    for seat in seats:
        shop = Shop.objects.get(public_id=seat.shop)
        cookies = dict(part.split("=", 1) for part in seat.guest_cookies.split("; "))
        device = persons.device_by_secret(cookies["device"])
        if device is None:
            raise Wrong("a guest without a phone")
        person = people.ensure_person(device=device, at=clock.now())
        with fence.within_shop(shop.id):
            if seat.shop not in made:
                made[seat.shop] = offers.create_offer(
                    shop=shop,
                    name={"ko": "천 원", "en": "A thousand"},
                    kind=OfferKind.AMOUNT,
                    value=COUPON_WON,
                    per_person=10_000,
                    by="system",
                    at=clock.now(),
                )
        guests.setdefault(seat.shop, []).append(person.pk)
    for shop_id, offer in made.items():
        with fence.within_shop(offer.shop_id):
            for number in range(each):
                offers.issue_coupons(
                    offer=offer, persons=guests[shop_id], key=f"crash:{number}:{shop_id}", at=clock.now()
                )


# The judge -----------------------------------------------------------------------------------------------------------


def judged(said: list[Row], database: "psycopg.Connection[Row]", books: list[Row]) -> dict[str, list[str]]:
    """Where the journal, the database and the provider's own books do not tell one story; by kind of trouble. It asks
    with SQL of its own and uses nothing of the product."""
    orders = {row["public_id"]: row for row in database.execute("SELECT * FROM ordering_order").fetchall()}
    bills = {row["public_id"]: row for row in database.execute("SELECT * FROM ordering_bill").fetchall()}
    keys = Counter(row["key"] for row in orders.values())
    paid: dict[str, list[Row]] = {}
    for row in database.execute(
        "SELECT p.*, coalesce((SELECT sum(amount) FROM payments_refund r WHERE r.payment_id = p.id AND r.state = 'done'), 0)"
        " AS back FROM payments_payment p WHERE p.state = 'approved'"
    ).fetchall():
        paid.setdefault(row["reference"], []).append(row)
    used = Counter(
        row["reference"]
        for row in database.execute(
            "SELECT reference FROM offers_redemption WHERE state IN ('committed', 'returned')"
        ).fetchall()
    )
    lost, doubled, orphans, wrong = [], [], [], []
    for row in said:
        order, bill = orders.get(row["order"]), bills.get(row["bill"] or "")
        if order is None or bill is None:
            lost.append(f"{row['what']}: {row['order']} is gone")
            continue
        if row["what"] == "ordered" and (keys[row["key"]] != 1 or order["key"] != row["key"]):
            doubled.append(f"{row['key']} is {keys[row['key']]} orders")
        if row["what"].startswith("paid") and bill["state"] not in ("settled", "returned"):
            lost.append(f"{row['what']}: {row['bill']} is {bill['state']}")
        if row["what"] == "paid with a coupon" and bill["discount"] and used[row["bill"]] != 1:
            lost.append(f"the coupon of {row['bill']} was used {used[row['bill']]} times")
        if row["what"] == "returned" and (order["state"] != "refused" or bill["refunded"] != bill["total"]):
            lost.append(
                f"returned: {row['order']} is {order['state']}, {bill['refunded']} of {bill['total']} went back"
            )
    for reference, payments in paid.items():
        bill, kept = bills.get(reference), [one for one in payments if one["amount"] > one["back"]]
        if bill is None:
            orphans.append(f"{payments[0]['public_id']} is for {reference}, which is gone")
        elif len(kept) > 1:
            doubled.append(f"{reference} was charged {len(kept)} times")
        elif sum(one["amount"] - one["back"] for one in payments) != bill["total"] - bill["refunded"]:
            orphans.append(f"{reference} keeps {bill['total'] - bill['refunded']}, its payments say otherwise")
    ours = {one["public_id"]: one["amount"] - one["back"] for each in paid.values() for one in each}
    for book in books:
        held = book["total"] - book["canceled"] if book["approvals"] else 0
        if book["approvals"] > 1:
            doubled.append(f"the provider moved {book['partner_order_id']} {book['approvals']} times")
        if ours.get(book["partner_order_id"], 0) != held:
            wrong.append(f"{book['partner_order_id']}: {ours.get(book['partner_order_id'], 0)} here, {held} there")
    off = database.execute(
        "SELECT coalesce(sum(d), 0) AS off FROM (SELECT amount AS d FROM ledger_posting WHERE destination_id IS NOT NULL"
        " UNION ALL SELECT -amount FROM ledger_posting WHERE source_id IS NOT NULL) AS change"
    ).fetchone()
    if off and off["off"]:
        wrong.append(f"the books are off by {off['off']}")
    return {"lost": lost, "doubled": doubled, "orphans": orphans, "wrong": wrong}


OPEN = """
SELECT (SELECT count(*) FROM payments_payment WHERE state = 'approving')
     + (SELECT count(*) FROM payments_refund WHERE state = 'asked') AS open
"""


async def at_rest(product: Product, seconds: float) -> tuple[float, int]:
    """Wait until no payment and no refund is in doubt: after how many seconds, and how many were left."""
    begun, left = time.monotonic(), -1
    while time.monotonic() - begun < seconds:
        with suppress(psycopg.Error), psycopg.connect(product.superuser, connect_timeout=5) as database:
            found = database.execute(OPEN).fetchone()
            left = int(found[0]) if found else -1
            if left == 0:
                break
        product.revive()
        await asyncio.sleep(1)
    return time.monotonic() - begun, left


@contextmanager
def opened(home: Path, port: int) -> Iterator[Product]:
    product = Product(home, port)
    try:
        yield product
    finally:
        product.close()


async def _answers(port: int) -> None:
    for _ in range(600):
        with suppress(*BROKEN):
            status, _, _ = await asyncio.wait_for(Connection(port).ask("GET", "/"), 5)
            if status < 500:
                return
        await asyncio.sleep(0.2)
    raise Wrong(f"nobody answers on port {port}")


async def ordeal(
    product: Product, clients: list[Client], targets: list[str], seconds: float, dice: random.Random
) -> float:
    """Kill every target in turn while the clients live, as many as `seconds` allow; the seconds it took."""
    begun = time.monotonic()
    living = [asyncio.create_task(client.live()) for client in clients]
    journal = clients[0].journal

    async def answered(more: int, within: float) -> None:
        said, end = len(journal.said), time.monotonic() + within
        while len(journal.said) < said + more and time.monotonic() < end:
            product.revive()
            await asyncio.sleep(0.1)

    await answered(WARM_UP, 60)
    for number, target in enumerate(targets, 1):
        if time.monotonic() - begun > seconds:
            break
        await asyncio.to_thread(product.kill, target)
        print(
            f"  {time.monotonic() - begun:4.0f} s  kill {number}/{len(targets)}: {target}; {len(journal.said)} acknowledged",
            flush=True,
        )
        # The next one dies at a random moment, but not before many were answered again: an ordeal without load proves nothing.
        await answered(ACKNOWLEDGED_BETWEEN, RECOVERY_SECONDS)
        await asyncio.sleep(dice.uniform(0.0, 1.0))
    journal.counts["kills over"] += 1
    while not all(life.done() for life in living):
        product.revive()
        await asyncio.wait(living, timeout=1)
    for life in living:
        life.result()
    return time.monotonic() - begun


def run(options: Any, *, control: bool, home: Path) -> Row:
    """One ordeal from an empty database to the judge's words."""
    dice = random.Random(options.seed)
    with opened(home, options.port) as product:
        product.open()
        asyncio.run(_answers(options.port))
        asyncio.run(_answers(options.port + 1))
        import django

        django.setup()
        seats, *_ = settle(options.clients, in_shops=-(-options.clients // TABLES))
        if not control:
            give_coupons(seats, COUPONS_EACH)
        _disconnect_django()
        if control:
            product.set(synchronous_commit="off", wal_writer_delay="10s")
            targets = ["postgres"] * options.control_kills
        else:
            kinds = ["postgres", "web", "worker", "sandbox", "backend", "web's child"]
            targets = [kinds[n % len(kinds)] for n in range(options.kills)]
            dice.shuffle(targets)
        journal = Journal(home / "journal.jsonl")
        over = lambda: journal.counts["kills over"] > 0  # noqa: E731
        clients = [
            Client(n, seat, options.port, journal, over, not control, seed=options.seed) for n, seat in enumerate(seats)
        ]
        seconds = asyncio.run(ordeal(product, clients, targets, options.minutes * 60 / (3 if control else 1), dice))
        if control:
            product.set(synchronous_commit="on")
        asyncio.run(_answers(options.port))
        rest, left = asyncio.run(at_rest(product, 30 if control else REST_SECONDS))
        books = json.loads(asyncio.run(_get(options.port + 1, "/sandbox/payments")))["payments"]
        with psycopg.connect(product.superuser, row_factory=dict_row) as database:
            found = judged(journal.said, database, books)
            totals = database.execute(
                "SELECT (SELECT count(*) FROM ordering_order) AS orders, (SELECT count(*) FROM payments_payment) AS payments,"
                " (SELECT count(*) FROM offers_redemption WHERE state = 'committed') AS redemptions,"
                " (SELECT count(*) FROM payments_refund WHERE state = 'done') AS refunds"
            ).fetchone()
        code, broken = (0, []) if control else product.verify()
        journal.close()
        kept = {name: count for name, count in journal.counts.items() if name != "kills over"}
        return {
            "kills": dict(product.kills),
            "ended_by_themselves": dict(product.revived),
            "seconds": round(seconds, 1),
            "acknowledged": kept,
            "acknowledged_in_all": sum(kept.values()),
            "sent_again": sum(client.retries for client in clients),
            "refused": dict(sum((client.refusals for client in clients), Counter())),
            "left_unfinished": sum(client.unfinished for client in clients),
            "at_rest_after_s": round(rest, 1),
            "still_in_doubt": left,
            "rows": dict(totals or {}),
            **{name: len(lines) for name, lines in found.items()},
            "examples": {name: lines[:5] for name, lines in found.items() if lines},
            "verify": code,
            "verify_says": broken[:20],
        }


async def _get(port: int, path: str) -> str:
    _, _, body = await Connection(port).ask("GET", path)
    return body.decode()


def _disconnect_django() -> None:
    from django.db import connections

    connections.close_all()
    for connection in connections.all():
        connection.close_pool()  # type: ignore[attr-defined]


def show(result: Row) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Killed with -9 under load")
    for heading in ("", "product", "control: synchronous_commit=off"):
        table.add_column(heading, justify="left" if not heading else "right")
    product, control = result["product"], result.get("control") or {}
    for name in (
        "kills", "acknowledged", "acknowledged_in_all", "sent_again", "lost", "doubled", "orphans", "wrong",
        "still_in_doubt", "at_rest_after_s", "verify",
    ):  # fmt: skip
        table.add_row(name.replace("_", " "), str(product.get(name, "")), str(control.get(name, "")))
    Console().print(table)


def failures(result: Row, *, kills: int) -> list[str]:
    """Why this run does not prove what it should; empty when it does."""
    product, said = result["product"], []
    for name in ("lost", "doubled", "orphans", "wrong", "still_in_doubt"):
        if product[name]:
            said.append(f"{name}: {product[name]} {product['examples'].get(name, '')}")
    if product["verify"]:
        said.append(f"dure verify: {product['verify_says']}")
    if sum(product["kills"].values()) < kills or any(
        product["kills"].get(k, 0) < kills // 6 for k in ("postgres", "web")
    ):
        said.append(f"too few kills: {product['kills']}")
    for hazard in ("ordered", "paid at the counter", "paid online", "paid with a coupon", "returned"):
        if not product["acknowledged"].get(hazard):
            said.append(f"nothing was {hazard}: the run proves nothing about it")
    if product["acknowledged_in_all"] < LEAST_A_KILL * sum(product["kills"].values()):
        said.append(f"{product['acknowledged_in_all']} acknowledged: too little load for so many kills")
    if not product["sent_again"]:
        said.append("no request met a killed part")
    if "control" in result and not result["control"]["lost"]:
        said.append("the control lost nothing: a loss would not be seen")
    return said


def main(arguments: list[str] | None = None) -> int:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--kills", type=int, default=54)
    said.add_argument("--control-kills", type=int, default=6)
    said.add_argument(
        "--minutes", type=float, default=20, help="of killing, at most: a busy machine has time for fewer"
    )
    said.add_argument("--clients", type=int, default=16)
    said.add_argument("--port", type=int, default=int(os.environ.get("DURE_PORT", "8460")))
    said.add_argument("--seed", type=int, default=20260101)
    said.add_argument("--write", type=Path, default=RESULTS / "crash.json")
    said.add_argument("--part", choices=["prepared", "product", "control"], help=argparse.SUPPRESS)
    said.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    said.add_argument("--prepared", type=Path, help="keep the empty cluster here, and begin with it where it is there")
    options = said.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="dure-crash-") as folder:
        Path(folder).chmod(0o755)  # where we are root, the server's own account must reach its cluster in here
        if options.part:
            home = options.home
            os.environ.pop("DURE_DATABASE_URL", None)
            os.environ.update(
                DURE_HOME=str(home),
                DURE_PORT=str(options.port),
                DURE_SANDBOX_URL=f"http://127.0.0.1:{options.port + 1}",
                DJANGO_SETTINGS_MODULE="dure.project.settings",
            )
            if options.part == "prepared":
                with opened(home, options.port) as product:
                    product.prepare()
            else:
                options.write.write_text(json.dumps(run(options, control=options.part == "control", home=home)))
            return 0
        print(f"seed {options.seed}; {options.kills} kills, then {options.control_kills} in the control", flush=True)
        result: Row = {
            "seed": options.seed,
            "clients": options.clients,
            "load_at_its_beginning": round(os.getloadavg()[0], 1),
        }
        begun = time.monotonic()
        prepared = options.prepared or Path(folder) / "prepared"
        parts = [
            *([] if prepared.exists() else ["prepared"]),
            "product",
            *(["control"] if options.control_kills else []),
        ]
        for part in parts:
            written = Path(folder) / f"{part}.json"
            home = prepared if part == "prepared" else Path(folder) / part
            if part != "prepared":
                subprocess.run(["cp", "-a", prepared, home], check=True)
            again = [
                f"--{name}={getattr(options, name.replace('-', '_'))}"
                for name in ("kills", "control-kills", "minutes", "clients", "port", "seed")
            ]
            subprocess.run(
                [
                    sys.executable, "-m", "benchmarks.crash", *again, "--part", part, "--home", str(home), "--write", str(written),
                ],
                check=True,
            )  # fmt: skip
            if part != "prepared":
                result[part] = json.loads(written.read_text())
            print(f"{part}: {time.monotonic() - begun:.0f} s", flush=True)
    options.write.parent.mkdir(parents=True, exist_ok=True)
    options.write.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    show(result)
    wrong = failures(result, kills=options.kills)
    for line in wrong:
        print(f"✗ {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
