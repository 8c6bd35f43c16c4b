"""Paid orders a second over HTTP, beside pgbench running the very statements that one order and its payment run.

    make bench-orders            (or: python -m benchmarks.orders --seconds 20 --clients 16)

Everything runs on this machine in one go: a fresh PostgreSQL, the web with its two processes, the provider sandbox, the
load generator, then pgbench alone on the same database with the same number of connections and the same durability. The
statements are not written by hand: they are what Django sent for one order, placed by a guest and settled by a cashier,
with fresh keys.

The load generator shares the processors, as pgbench does: it is one process that parses a status line and a length, and what
it and each other part took of an order's processor time is in the result (`cpu_ms_per_order`). The same ratio of processor
times (`cpu_ratio`) says more than that of rates where other programs share the machine. The clients wait for their
answers (a closed loop), so p50 and p95 are those of a server that never rests; the kitchen is measured at one that does.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psutil

RESULTS = Path(__file__).parent / "results"
SHOPS, TABLES, LOOKED = 4, 8, 50


# A small HTTP client: one kept connection, so that the generator costs as little of the two cores as it can.


class Connection:
    """One kept-alive HTTP/1.1 connection to a loopback port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(
        self, method: str, path: str, *, cookies: str = "", form: dict[str, str] | None = None, accept: str = "*/*"
    ) -> tuple[int, dict[str, str], bytes]:
        if self.writer is None or self.reader is None or self.reader.at_eof():
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        body = urlencode(form).encode() if form is not None else b""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: {cookies}\r\nAccept: {accept}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        raw = await self.reader.readuntil(b"\r\n\r\n")
        status, *lines = raw.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        if "chunked" in headers.get("transfer-encoding", ""):
            content = b""
            while size := int(await self.reader.readline(), 16):
                content += await self.reader.readexactly(size)
                await self.reader.readline()
            await self.reader.readline()
        else:
            content = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(status.split()[1]), headers, content


@dataclass
class Seat:
    """A guest at a table, and the cashier who takes the money: what their browsers carry."""

    code: str
    shop: str
    lines: str
    total: int
    guest_cookies: str
    guest_token: str
    staff_cookies: str
    staff_token: str
    table_id: int = 0
    sent: int = 0
    latencies: list[float] = field(default_factory=list)


class Wrong(RuntimeError):
    """The server answered something that a paid order never answers."""


def _order_form(seat: Seat, how: str) -> dict[str, str]:
    seat.sent += 1
    return {
        "csrfmiddlewaretoken": seat.guest_token,
        "key": f"bench-{seat.code}-{how}-{os.getpid()}-{seat.sent}",
        "how": how,
        "lines": seat.lines,
        "expected_total": str(seat.total),
    }


async def at_counter(web: Connection, sandbox: Connection, seat: Seat) -> None:
    """Two requests: the guest orders, the cashier takes the money."""
    path = f"/t/{seat.code}/orders"
    status, _, body = await web.ask(
        "POST", path, cookies=seat.guest_cookies, form=_order_form(seat, "counter"), accept="application/json"
    )
    if status != 201:
        raise Wrong(f"POST {path} answered {status}: {body[:300]!r}")
    bill = json.loads(body)["bill"]
    path = f"/console/{seat.shop}/bills/{bill}/settlement"
    form = {"csrfmiddlewaretoken": seat.staff_token}
    status, _, body = await web.ask("POST", path, cookies=seat.staff_cookies, form=form)
    if status not in (302, 303):
        raise Wrong(f"POST {path} answered {status}: {body[:300]!r}")


async def through_provider(web: Connection, sandbox: Connection, seat: Seat) -> None:
    """Three requests: the guest orders (the web asks the provider `ready`), presses pay at the provider, and comes back
    (the web asks `approve`)."""
    path = f"/t/{seat.code}/orders"
    status, headers, body = await web.ask("POST", path, cookies=seat.guest_cookies, form=_order_form(seat, "provider"))
    if status not in (302, 303):
        raise Wrong(f"POST {path} answered {status}: {body[:300]!r}")
    page = urlsplit(headers["location"])
    status, headers, body = await sandbox.ask("POST", f"{page.path}/approval", form={})
    if status not in (302, 303):
        raise Wrong(f"POST {page.path}/approval at the sandbox answered {status}: {body[:300]!r}")
    back = urlsplit(headers["location"])
    status, headers, body = await web.ask("GET", f"{back.path}?{back.query}", cookies=seat.guest_cookies)
    if status not in (302, 303) or not headers["location"].startswith("/orders/"):
        raise Wrong(f"GET {back.path} answered {status}: {body[:300]!r}")


Way = Callable[[Connection, Connection, Seat], Awaitable[None]]


async def press(way: Way, seats: list[Seat], port: int, seconds: float) -> tuple[float, list[float]]:
    """Every seat orders and pays, again and again, for `seconds`. Orders a second, and each order's milliseconds."""
    stop = time.monotonic() + seconds
    latencies: list[float] = []

    async def one(seat: Seat) -> None:
        web, sandbox = Connection(port), Connection(port + 1)
        while (begun := time.monotonic()) < stop:
            await way(web, sandbox, seat)
            latencies.append((time.monotonic() - begun) * 1000)

    begun = time.monotonic()
    await asyncio.gather(*(one(seat) for seat in seats))
    return len(latencies) / (time.monotonic() - begun), latencies


async def to_the_kitchen(seat: Seat, board: str, stream: str, port: int, rounds: int) -> list[float]:
    """Milliseconds from sending a paid order's last request to holding the board that shows it, as a kitchen screen
    does: wait for the stream to ring, then ask for the board again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {stream} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    rung = asyncio.Event()

    async def listen() -> None:
        while line := await reader.readline():
            if line.strip() == b"event: changed":
                rung.set()

    ear = asyncio.create_task(listen())
    web, sandbox, screen = Connection(port), Connection(port + 1), Connection(port)
    waits = []
    try:
        for _ in range(rounds):
            _, _, body = await screen.ask("GET", board, cookies=seat.staff_cookies)
            tickets = body.count(b"data-order=")
            rung.clear()
            begun = time.monotonic()
            await at_counter(web, sandbox, seat)
            while body.count(b"data-order=") <= tickets:
                await asyncio.wait_for(rung.wait(), 10)
                rung.clear()
                _, _, body = await screen.ask("GET", board, cookies=seat.staff_cookies)
            waits.append((time.monotonic() - begun) * 1000)
    finally:
        ear.cancel()
        writer.close()
    return waits


# The neighbourhood that is measured, built through the rooms' own actions.


def settle(seats_wanted: int, in_shops: int = SHOPS) -> tuple[list[Seat], Seat, str]:
    """Shops, tables, menus, cashiers and phones; then a seat in a shop that is otherwise quiet, and that shop's live stream."""
    from django.conf import settings
    from django.test import Client

    from dure.kit import clock, ids
    from dure.menu.models import Item, Section
    from dure.people.models import Person
    from dure.shops import actions as shops
    from dure.shops import fence
    from dure.web.ui import live

    settings.ALLOWED_HOSTS = ["*"]
    always = {str(day): ["00:00", "24:00"] for day in range(7)}
    seats: list[Seat] = []
    stream = ""
    for number in range(in_shops + 1):
        owner = Person.objects.create_user(f"bench-{number}@dure.example")
        shop = shops.open_shop(
            name=f"두레국수 {number}", pay_timing="first", owner=owner, tables=TABLES, at=clock.now(), hours=always
        )
        stream = live.url(f"shop:{shop.id}")
        with fence.within_shop(shop.id):
            section = Section.objects.create(shop=shop, public_id=ids.new_public_id("sec"), name={"ko": "메뉴"})
            items = [
                Item.objects.create(
                    shop=shop, section=section, public_id=ids.new_public_id("itm"), name={"ko": name}, price=price
                )
                for name, price in (("칼국수", 8_000), ("만두", 5_000))
            ]
        cashier = Client(enforce_csrf_checks=True)
        cashier.force_login(owner, backend="dure.people.sessions.ByPassword")
        cashier.get("/accounts/email/")
        cashier.get(f"/console/{shop.public_id}/tables")
        staff_token = cashier.cookies["csrftoken"].value if "csrftoken" in cashier.cookies else ""
        for table in shop.tables.order_by("position"):
            guest = Client(enforce_csrf_checks=True)
            page = guest.get(f"/t/{table.code}")
            if page.status_code != 200:
                raise Wrong(f"the menu answered {page.status_code}")
            lines = json.dumps([{"item": item.public_id, "options": [], "quantity": 1} for item in items])
            seats.append(
                Seat(
                    code=table.code,
                    shop=shop.public_id,
                    lines=lines,
                    total=13_000,
                    guest_cookies="; ".join(f"{k}={m.value}" for k, m in guest.cookies.items()),
                    guest_token=guest.cookies["csrftoken"].value,
                    staff_cookies="; ".join(f"{k}={m.value}" for k, m in cashier.cookies.items()),
                    staff_token=staff_token,
                    table_id=table.id,
                )
            )
    by_table = [seats[shop * TABLES + table] for table in range(TABLES) for shop in range(in_shops)]
    return by_table[:seats_wanted], seats[-1], stream


# pgbench with the statements of one order and its settlement.

SEQUENCES = {
    "ordering_order": 7_100_001,
    "ordering_bill": 7_200_001,
    "payments_payment": 7_300_001,
    "ledger_entry": 7_400_001,
}
NUMBERED = {*SEQUENCES, "ordering_daynumber"}


def scripts(seats: list[Seat], folder: Path) -> tuple[list[Path], int]:
    """One pgbench script a seat: everything the web asked the database for one order and its settlement; and how many
    statements that were."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with connection.cursor() as cursor:
        for table, start in SEQUENCES.items():
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {start})")
        cursor.execute("SELECT set_config('dure.shop', '*', false)")
        cursor.execute("UPDATE ordering_daynumber SET last = last + 8100000")
        cursor.execute("SELECT set_config('dure.shop', '', false)")
    made, statements = [], 0
    for number, seat in enumerate(seats):
        guest, staff = _browsers(seat)
        with CaptureQueriesContext(connection) as captured:
            _order_here(seat, guest, staff)
        statements = len(captured.captured_queries)
        path = folder / f"seat-{number}.sql"
        path.write_text(as_script([query["sql"] for query in captured.captured_queries]))
        made.append(path)
    return made, statements


def _browsers(seat: Seat) -> tuple[Any, Any]:
    """The guest's and the cashier's, in this very process: all of Django, but no socket."""
    from django.test import Client

    guest, staff = Client(), Client()
    guest.cookies.load(seat.guest_cookies)
    staff.cookies.load(seat.staff_cookies)
    return guest, staff


def _order_here(seat: Seat, guest: Any, staff: Any) -> None:
    """One paid order at the counter."""
    form = _order_form(seat, "counter")
    placed = guest.post(f"/t/{seat.code}/orders", form, headers={"accept": "application/json"})
    if placed.status_code != 201:
        raise Wrong(f"the order was answered {placed.status_code}")
    paid = staff.post(f"/console/{seat.shop}/bills/{placed.json()['bill']}/settlement", {})
    if paid.status_code not in (302, 303):
        raise Wrong(f"the settlement was answered {paid.status_code}")


def time_inside(seat: Seat) -> dict[str, float]:
    """Where an order's milliseconds go inside one process that nobody else asks: Python's own processor time, and waiting for
    the database."""
    from django.db import connection

    waited = 0.0

    def stop_watch(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        nonlocal waited
        begun = time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            waited += time.perf_counter() - begun

    guest, staff = _browsers(seat)
    for _ in range(5):
        _order_here(seat, guest, staff)
    with connection.execute_wrapper(stop_watch):
        begun, processor = time.perf_counter(), time.thread_time()
        for _ in range(LOOKED):
            _order_here(seat, guest, staff)
        lasted, processor = time.perf_counter() - begun, time.thread_time() - processor
    each = {"all": lasted, "python": processor, "statements": waited}
    return {name: round(seconds * 1000 / LOOKED, 2) for name, seconds in each.items()}


def as_script(statements: list[str]) -> str:
    """The statements with fresh keys and the ids that the database gives out, each on one line."""
    lines = ["\\set fresh random(1, 9000000000000000000)"]
    given: dict[str, str] = {}
    for statement in statements:
        sql = " ".join(statement.split()).rstrip(";")
        sql = re.sub(r"(?<=(?:ord|bil|pay|cpn)_)[0-9a-hjkmnp-tv-z]{26}", ":fresh", sql)
        sql = re.sub(r"bench-[0-9A-Z]+-counter-\d+-\d+", "bench-:fresh", sql)
        sql = re.sub(r"\b(7[1-4]\d{5}|81\d{5})\b", lambda m: given.get(m[1], m[1]), sql)
        table = re.match(r'INSERT INTO "?(\w+)"?', sql)
        name = table[1] if table else ""
        if name in NUMBERED and "RETURNING" in sql:
            wanted = "last" if name == "ordering_daynumber" else "id"
            lines.append(f"{sql} \\gset {name}_")
            given_here = f":{name}_{wanted}"
            lines_after = list(statements[statements.index(statement) + 1 :])
            for found in _ids_used(name, lines_after):
                given.setdefault(found, given_here)
        else:
            lines.append(f"{sql};")
    return "\n".join(lines) + "\n"


def _ids_used(table: str, statements: list[str]) -> Iterator[str]:
    start = SEQUENCES.get(table)
    if table == "ordering_daynumber":
        pattern = r"\b81\d{5}\b"
    elif start is None:
        return
    else:
        pattern = rf"\b{str(start)[:2]}\d{{5}}\b"
    for statement in statements:
        yield from re.findall(pattern, statement)


def pgbench(made: list[Path], clients: int, seconds: int) -> dict[str, float]:
    """Orders a second of the captured statements, with as many connections as there were clients; how long each took, and how
    much processor time of pgbench and PostgreSQL."""
    from django.db import connection

    from dure.project import postgres

    def spent() -> float:
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return _busy(_groups())["postgres"] + ended.ru_utime + ended.ru_stime

    parameters = connection.get_connection_params()
    before = spent()
    files = [argument for path in made for argument in ("-f", str(path))]
    command = [
        postgres.program("pgbench"), "-n", "-M", "simple", "-c", str(clients), "-j", "2", "-T", str(seconds),
        *files, "-h", parameters["host"], "-U", parameters["user"], parameters["dbname"],
    ]  # fmt: skip
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGPASSWORD": parameters.get("password", "")},
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    if not found or done.returncode or (failed and int(failed[1])):
        raise Wrong(f"pgbench: {done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    orders = re.search(r"transactions actually processed: (\d+)", done.stdout)
    each = (spent() - before) * 1000 / int(orders[1]) if orders and int(orders[1]) else 0.0
    latency = re.search(r"latency average = ([\d.]+)", done.stdout)
    return {"tps": float(found[1]), "latency_ms": float(latency[1]) if latency else 0.0, "cpu_ms": each}


# The machine's own accounting: whose processor time it was.


def _busy(groups: dict[str, list[psutil.Process]]) -> dict[str, float]:
    spent: dict[str, float] = {}
    for name, processes in groups.items():
        spent[name] = 0.0
        for process in processes:
            try:
                times = process.cpu_times()
                spent[name] += times.user + times.system + times.children_user + times.children_system
            except psutil.NoSuchProcess:
                continue
    return spent


def _groups() -> dict[str, list[psutil.Process]]:
    groups: dict[str, list[psutil.Process]] = {"load": [psutil.Process()], "web": [], "sandbox": [], "postgres": []}
    from dure.project import postgres

    own = postgres.locate(Path(os.environ["DURE_HOME"])).pid
    if own is not None:
        # The server itself too: it keeps the account of the connections that have ended.
        groups["postgres"] = [psutil.Process(own), *psutil.Process(own).children()]
    for process in psutil.Process().children(recursive=True):
        words = " ".join(process.cmdline())
        if " sandbox" in words:
            groups["sandbox"].append(process)
        elif " web" in words or "granian" in words or "multiprocessing" in words:
            groups["web"].append(process)
    return groups


@contextmanager
def product(home: Path, port: int) -> Iterator[None]:
    """PostgreSQL, the web and the sandbox, as `dure run` starts them, on a home of their own."""
    from dure.project import postgres

    server = postgres.start(home)
    environment = {**os.environ, "DURE_DATABASE_URL": server.dsn}
    dure = [sys.executable, "-m", "dure.project.cli"]
    for step in (["migrate"], ["manage", "collectstatic", "--noinput"]):
        subprocess.run([*dure, *step], check=True, env=environment, stdout=subprocess.DEVNULL)
    parts = [
        subprocess.Popen([*dure, part], env=environment, stdout=subprocess.DEVNULL, stderr=sys.stderr)
        for part in ("web", "sandbox")
    ]
    try:
        yield
    finally:
        for part in parts:
            part.terminate()
        for part in parts:
            part.wait(20)
        postgres.stop(home)


def percentile(values: list[float], per_cent: float) -> float:
    """The `per_cent` percentile of `values`, in their unit."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(per_cent * 10) - 1]


def main() -> int:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--seconds", type=int, default=15)
    said.add_argument("--clients", type=int, default=16)
    said.add_argument("--port", type=int, default=8460)
    options = said.parse_args()
    with tempfile.TemporaryDirectory(prefix="dure-bench-") as scratch:
        home = Path(scratch) / "home"
        os.environ.update(
            DURE_HOME=str(home), DURE_PORT=str(options.port), DJANGO_SETTINGS_MODULE="dure.project.settings"
        )
        os.environ["DURE_SANDBOX_URL"] = f"http://127.0.0.1:{options.port + 1}"
        with product(home, options.port):
            return measure(options, Path(scratch))


def measure(options: Any, scratch: Path) -> int:
    import django

    django.setup()
    asyncio.run(_up(options.port))
    load_before = os.getloadavg()[0]
    seats, quiet, stream = settle(options.clients)
    board = f"/console/{quiet.shop}/kitchen/board"
    print(
        f"{options.clients} clients, {options.seconds} s each; two processes of the web, PostgreSQL, load: one machine"
    )
    asyncio.run(press(at_counter, seats, options.port, 3))
    before, begun = _busy(_groups()), time.monotonic()
    dure, counter = asyncio.run(press(at_counter, seats, options.port, options.seconds))
    after, lasted = _busy(_groups()), time.monotonic() - begun
    provider, online = asyncio.run(press(through_provider, seats, options.port, options.seconds))
    kitchen = asyncio.run(to_the_kitchen(quiet, board, stream, options.port, 60))
    inside = time_inside(quiet)
    made, statements = scripts(seats, scratch)
    plain = pgbench(made, options.clients, options.seconds)
    spent = {name: after.get(name, 0) - before.get(name, 0) for name in after}
    result = {
        "dure_per_s": round(dure, 1),
        "provider_per_s": round(provider, 1),
        "pgbench_per_s": round(plain["tps"], 1),
        "ratio": round(dure / plain["tps"], 3),
        "p50_ms": round(percentile(counter, 50), 1),
        "p95_ms": round(percentile(counter, 95), 1),
        "provider_p50_ms": round(percentile(online, 50), 1),
        "provider_p95_ms": round(percentile(online, 95), 1),
        "pgbench_ms": round(plain["latency_ms"], 1),
        "kitchen_p50_ms": round(percentile(kitchen, 50), 1),
        "kitchen_p95_ms": round(percentile(kitchen, 95), 1),
        "clients": options.clients,
        "seconds": options.seconds,
        "statements": statements,
        "cpu_ms_per_order": {name: round(seconds * 1000 / len(counter), 1) for name, seconds in spent.items()},
        "pgbench_cpu_ms_per_order": round(plain["cpu_ms"], 1),
        "cpu_ratio": round(plain["cpu_ms"] * len(counter) / (sum(spent.values()) * 1000), 3),
        "inside_ms": inside,
        "cores_busy": {name: round(seconds / lasted, 2) for name, seconds in spent.items()},
        "load_average": [round(load_before, 1), round(os.getloadavg()[0], 1)],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "orders.json").write_text(json.dumps(result, indent=2) + "\n")
    show(result)
    return 0


async def _up(port: int) -> None:
    for _ in range(300):
        try:
            status, _, _ = await Connection(port).ask("GET", "/")
            if status < 500:
                return
        except OSError:
            pass
        await asyncio.sleep(0.1)
    raise Wrong("the web did not come up")


def show(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Paid orders")
    for heading in ("way", "orders/s", "p50 ms", "p95 ms"):
        table.add_column(heading, justify="right" if heading != "way" else "left")
    table.add_row("counter: 2 requests", f"{result['dure_per_s']}", f"{result['p50_ms']}", f"{result['p95_ms']}")
    table.add_row(
        "provider: 3 requests, 2 calls",
        f"{result['provider_per_s']}",
        f"{result['provider_p50_ms']}",
        f"{result['provider_p95_ms']}",
    )
    table.add_row("pgbench, same statements", f"{result['pgbench_per_s']}", f"{result['pgbench_ms']} (mean)", "")
    table.add_row("ratio counter / pgbench", f"{result['ratio']}", "", "")
    table.add_row("order to kitchen screen", "", f"{result['kitchen_p50_ms']}", f"{result['kitchen_p95_ms']}")
    Console().print(table)
    print("an order's processor time at the counter, in ms:", result["cpu_ms_per_order"])
    print(f"pgbench and its PostgreSQL: {result['pgbench_cpu_ms_per_order']}; as a ratio {result['cpu_ratio']}")
    print(f"inside one idle process, in ms: {result['inside_ms']}; {result['statements']} statements an order")
    print("processor cores busy meanwhile:", result["cores_busy"])
    print("load average of the machine before and after (this run's own included):", *result["load_average"])


if __name__ == "__main__":
    sys.exit(main())
