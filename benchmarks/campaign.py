"""`make bench-campaign`: from "send" to gate-checked, assigned and queued, for a million people; then out to a local gateway.

Everything is the product's own way: `submit_campaign` and `start_campaign`, then workers of their own that run `dispatch`,
speaking SOLAPI's contract to a gateway that lives in another process and writes down what it hears. Beside it in the same run:
row by row through the ORM on fewer people (extrapolated: the file says so), and a batch in the manner of listmonk: next ten
thousand subscribers by SQL, rendered, posted, the last id written down; no receipts, no gate at the moment of sending.

`--kills 30` instead kills the worker with -9 so many times in the middle of its work, in small batches so that there is work
left to kill, and compares the gateway's journal with what was owed.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

HOME = Path(__file__).resolve().parent.parent / ".dure-test"
RESULTS = Path(__file__).parent / "results"
AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
DATABASE = "bench_campaign"
FIRST_NUMBER = 10_000_000
TEXT = "오랜만이에요"
SMALL_BATCH = 200
"""Of the worker that is killed: there must be work left to kill."""
KILLED_AMONG = 20_000
AT_WORK = 0.8
"""Of the kills, at least so many must hit a worker with a batch in its hands, or they prove nothing."""


# The gateway ---------------------------------------------------------------------------------------------------------


class Gateway(ThreadingHTTPServer):
    """Takes what SOLAPI takes, and remembers each message: when it came, its key, its number."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.journal: list[tuple[float, str, str]] = []
        self.guard = threading.Lock()
        self.connections = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.guard:
            self.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self.guard:
            self.connections -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silence: whoever is killed hangs up in the middle of a word."""


class Desk(BaseHTTPRequestHandler):
    """`POST …/send-many/detail`, `GET …/list`, and what the measuring asks: `GET /journal`, `GET /connections`."""

    protocol_version = "HTTP/1.1"
    server: Gateway
    wbufsize = 1 << 16

    def log_message(self, *args: Any) -> None:
        """Silence: a line each would be what is measured."""

    def do_POST(self) -> None:
        came = time.time()
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        rows = [(came, m["customFields"]["key"], m["to"]) for m in said["messages"]]
        with self.server.guard:
            begin = len(self.server.journal)
            self.server.journal += rows
        taken = [{"messageId": f"M{begin + n}", "customFields": {"key": key}} for n, (_, key, _) in enumerate(rows)]
        self._answer({"groupInfo": {"groupId": f"G{begin}"}, "messageList": taken, "failedMessageList": []})

    def do_GET(self) -> None:
        if self.path.startswith("/journal"):
            self._answer({"rows": self.server.journal})
            return
        if self.path == "/connections":
            self._answer({"open": self.server.connections, "heard": len(self.server.journal)})
            return
        query = dict(part.split("=", 1) for part in self.path.partition("?")[2].split("&") if "=" in part)
        begin, most = int(query.get("startKey", 0)), int(query["limit"])
        rows = self.server.journal[begin : begin + most]
        listed = [
            {"messageId": f"M{begin + n}", "statusCode": "2000", "customFields": {"key": key}}
            for n, (_, key, _) in enumerate(rows)
        ]
        more = str(begin + most) if begin + most < len(self.server.journal) else None
        self._answer({"messageList": listed, "nextKey": more})

    def _answer(self, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


@contextmanager
def gateway() -> Iterator[str]:
    """A gateway in a process of its own."""
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.campaign", "--gateway"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def quiet(url: str) -> None:
    """Until the gateway has read to its end what a killed worker had said: nobody but who asks here is connected."""
    pause = threading.Event()
    with httpx.Client(trust_env=False, timeout=60) as http:
        while http.get(f"{url}/connections").json()["open"] > 1:
            pause.wait(0.005)


def hear_more(url: str, while_it: Callable[[], bool]) -> None:
    """Until the gateway has taken another batch."""
    with httpx.Client(trust_env=False, timeout=60) as http:
        known = first = http.get(f"{url}/connections").json()["heard"]
        while known == first and while_it():
            known = http.get(f"{url}/connections").json()["heard"]


def journal(url: str) -> list[tuple[float, str, str]]:
    with httpx.Client(trust_env=False, timeout=60) as http:
        return [tuple(row) for row in http.get(f"{url}/journal").json()["rows"]]


# The database --------------------------------------------------------------------------------------------------------


@contextmanager
def django_on_the_test_server() -> Iterator[None]:
    (HOME / "static").mkdir(parents=True, exist_ok=True)
    os.environ |= {"DURE_HOME": str(HOME), "DJANGO_SETTINGS_MODULE": "dure.project.settings"}
    import django

    django.setup()
    from dure.project import postgres

    with postgres.borrowed(HOME):
        yield


@contextmanager
def database(name: str = DATABASE) -> Iterator[None]:
    """A fresh database on the test server, dropped afterwards."""
    with django_on_the_test_server():
        from django.db import connection
        from django.test.utils import setup_databases, teardown_databases

        from tests.mould import Mould

        connection.settings_dict["TEST"]["NAME"] = name
        # Before: dropping what a killed run left behind takes its time.
        connection.settings_dict["OPTIONS"]["options"] = ""
        mould = Mould()
        old = setup_databases(verbosity=0, interactive=False)
        mould.fill()
        connection.close()
        try:
            yield
        finally:
            teardown_databases(old, verbosity=0)


def worker(url: str, at: datetime) -> None:
    """What the product's worker does for texts, until nothing is due at this instant."""
    with django_on_the_test_server():
        from django.db import connection

        from dure.messaging.values import Medium
        from dure.people import actions as people
        from dure.project import collector

        collector.leave_loaded_alone()
        connection.settings_dict["NAME"] = DATABASE
        connection.settings_dict["OPTIONS"]["options"] = ""
        carried_by(url)
        while people.dispatch(medium=Medium.TEXT, seconds=3600, read_clock=lambda: at):
            pass


def carried_by(url: str) -> None:
    from dure.messaging import providers
    from dure.messaging.providers.solapi import Solapi
    from dure.messaging.values import Medium

    providers.choose({Medium.TEXT: Solapi(url, "SANDBOX", "SANDBOX-SECRET", "0212345678", "PF", "CERT-1")})


def start_worker(url: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "benchmarks.campaign", "--worker", url])


def turn_at(turn: int) -> datetime:
    """A worker lives two minutes later than that of the turn before, so that what was put back meanwhile is due."""
    return AT + timedelta(minutes=2 * turn)


class Nursery:
    """Has everything imported and forks workers: a kill then costs no start of the interpreter, and thirty are done in
    a minute or two. A worker is a process of its own, with connections of its own."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.campaign", "--nursery", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _says(self, what: str) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def worker(self, turn: int) -> int:
        """Start the worker of a turn: its process id."""
        return self._says(f"start {turn}")

    def works(self) -> bool:
        """Whether it is still at it."""
        return self._says("works") == 1

    def ended(self) -> int:
        """Wait for its end: its exit code, below zero for the signal it died of."""
        return self._says("end")

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def nurse(url: str) -> None:
    """The nursery's own process: `start TURN`, `works` and `end`, a line and a number as an answer each."""
    with django_on_the_test_server():
        from django.db import connection

        from dure.messaging.values import Medium
        from dure.people import actions as people

        connection.settings_dict["NAME"] = DATABASE
        connection.settings_dict["OPTIONS"]["options"] = ""
        child = 0
        for line in sys.stdin:
            what, _, turn = line.strip().partition(" ")
            if what == "start":
                child = os.fork()
                if not child:
                    carried_by(url)
                    at = turn_at(int(turn))
                    while people.dispatch(
                        medium=Medium.TEXT, limit=SMALL_BATCH, seconds=3600, read_clock=lambda at=at: at
                    ):
                        pass
                    os._exit(0)
                answer = child
            elif what == "works":
                state = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                answer = int(state is None)
            else:
                answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            print(answer, flush=True)


def fill(people: int) -> Any:
    """A shop with so many friends whose numbers are proven and who said yes to its advertising, by text too."""
    from django.db import connection

    from dure.messaging import actions as messaging
    from dure.people.values import Purpose, shop_sender
    from dure.shops import actions as shops
    from dure.shops import fence
    from tests.cast import noodle_house

    shop = shops.update_shop(shop=noodle_house(), by="bench", at=AT, phone="02-123-4567")
    with fence.across_shops(), connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(
            "INSERT INTO people_person (public_id, password, is_superuser, name, phone, phone_verified, language, is_staff, is_active, created_at) "
            "SELECT 'per_' || lpad(n::text, 26, '0'), '!', false, '', '+8210' || (%s + n)::text, true, 'ko', false, true, %s FROM generate_series(1, %s) n",
            [FIRST_NUMBER, AT, people],
        )
        for purpose in (Purpose.ADVERTISING, Purpose.ADVERTISING_PHONE):
            cursor.execute(
                "INSERT INTO people_consent (person_id, sender, purpose, granted, text_version, source, proof, at) "
                "SELECT id, %s, %s, true, 'bench', 'bench', '{}', %s FROM people_person WHERE password = '!'",
                [shop_sender(shop.public_id), purpose, AT - timedelta(days=1)],
            )
        cursor.execute("SELECT * FROM regulars_relation LIMIT 0")
        known = {column.name for column in cursor.description or ()}
        said = {"shop_id": str(shop.pk), "person_id": "id", "public_id": "'rel_' || lpad(id::text, 26, '0')", "nickname": "'친구 ' || id",
                "joined_at": "%(then)s", "visits": "3", "first_visit_at": "%(then)s", "last_visit_at": "%(then)s"}  # fmt: skip
        cursor.execute(_relations(cursor, known, said), {"then": AT - timedelta(days=60)})
        cursor.execute("ANALYZE people_person, people_consent, people_standing, regulars_relation")
    messaging.fund_messages(
        account=f"messages:{shop.public_id}", source="subsidy:messages", won=100 * people, key="bench", at=AT
    )
    return shop


def _relations(cursor: Any, known: set[str], said: dict[str, str]) -> str:
    """An INSERT for every column of the table that has no default of its own."""
    cursor.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'regulars_relation' "
        "AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'"
    )
    nothing = {"text": "''", "integer": "0", "bigint": "0", "smallint": "0", "boolean": "false", "jsonb": "'{}'"}
    for name, kind in cursor.fetchall():
        said.setdefault(name, nothing.get(kind, "now()"))
    columns = [name for name in said if name in known]
    return (
        f"INSERT INTO regulars_relation ({', '.join(columns)}) SELECT {', '.join(said[c] for c in columns)} "
        "FROM people_person WHERE password = '!'"
    )


# Measuring -----------------------------------------------------------------------------------------------------------


@contextmanager
def watched(steps: dict[str, float]) -> Iterator[None]:
    """Inside the block the parts of a start are timed, each under its name."""
    from dure.campaigns import queries
    from dure.campaigns.engine import assign
    from dure.messaging import actions as messaging
    from dure.people import actions as people

    def timing(name: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **more: Any) -> Any:
            begin = time.perf_counter()
            try:
                return do(*args, **more)
            finally:
                steps[name] = round(steps.get(name, 0) + time.perf_counter() - begin, 3)

        return timed

    parts = (
        ("freeze: who agreed", queries, "people_of"),
        ("assign and hold out", assign, "assign"),
        ("queue in the outbox", messaging, "queue_people"),
        ("gate: the first look", people, "gate_sending"),
    )
    before = [getattr(module, function) for _, module, function in parts]
    for name, module, function in parts:
        setattr(module, function, timing(name, getattr(module, function)))
    try:
        yield
    finally:
        for (_, module, function), was in zip(parts, before, strict=True):
            setattr(module, function, was)


def a_campaign(shop: Any) -> Any:
    from dure.campaigns import actions as campaigns
    from dure.campaigns.values import Goal

    return campaigns.draft_campaign(
        shop=shop, goal=Goal.WIN_BACK, name="bench", audience={"stages": []}, title=TEXT, body="보고 싶어요",
        media=("text", "inbox"), by="bench", at=AT,
    )  # fmt: skip


def send(shop: Any) -> tuple[Any, dict[str, float], float]:
    """The campaign after "send", the seconds of its parts and of all."""
    from dure.campaigns import actions as campaigns
    from dure.shops import fence

    steps: dict[str, float] = {}
    with fence.across_shops():
        draft = a_campaign(shop)
        with watched(steps):
            begin = time.perf_counter()
            campaign = campaigns.submit_campaign(campaign=draft, send_at=AT, by="bench", at=AT)
            campaign = campaigns.start_campaign(campaign=campaign, at=AT)
            seconds = time.perf_counter() - begin
    return campaign, steps, seconds


class Withdrawals(threading.Thread):
    """People who change their minds while everything goes out: how long until their no is acknowledged, and when."""

    def __init__(self, shop: Any, *, pause: float) -> None:
        super().__init__()
        self.shop, self.pause, self.over = shop, pause, threading.Event()
        self.seconds: list[float] = []
        self.acknowledged: dict[str, float] = {}

    def run(self) -> None:
        from django.db import connection

        from dure.people import actions as people
        from dure.people.models import Person
        from dure.people.values import Purpose, shop_sender

        dice = random.Random(1)
        ids = list(Person.objects.filter(password="!").values_list("pk", flat=True))
        while not self.over.wait(self.pause):
            person = Person.objects.get(pk=dice.choice(ids))
            begin = time.perf_counter()
            people.withdraw_consent(
                person=person, sender=shop_sender(self.shop.public_id), purpose=Purpose.ADVERTISING, source="bench", proof={}, by="bench", at=AT,
            )  # fmt: skip
            self.seconds.append(time.perf_counter() - begin)
            self.acknowledged[str(person.phone)] = time.time()
        connection.close()


def illegal(rows: list[tuple[float, str, str]], acknowledged: dict[str, float]) -> int:
    """Texts that the gateway heard after the no of their reader was acknowledged."""
    last: dict[str, float] = {}
    for came, _, number in rows:
        last[number] = max(came, last.get(number, 0))
    return sum(last.get(f"0{phone.removeprefix('+82')}", 0) > told for phone, told in acknowledged.items())


def dispatching(shop: Any, most: int, workers: int) -> dict[str, Any]:
    """So many workers until `most` texts went out (or all), with people withdrawing all the while."""
    with gateway() as url:
        leaving = Withdrawals(shop, pause=0.05)
        children = [start_worker(url) for _ in range(workers)]
        leaving.start()
        while any(child.poll() is None for child in children) and _handed() < most:
            leaving.over.wait(0.5)
        for child in children:
            child.send_signal(signal.SIGKILL)
            child.wait()
        leaving.over.set()
        leaving.join()
        rows = journal(url)
    first, last = min(came for came, _, _ in rows), max(came for came, _, _ in rows)
    # The first batch's own making lies before the first arrival; what came with it is not counted.
    counted = sum(came > first for came, _, _ in rows)
    seconds = sorted(leaving.seconds)
    return {
        "workers": workers,
        "messages": len(rows),
        "messages a second": round(counted / max(last - first, 1e-9)),
        "batches of": 10_000,
        "duplicates": len(rows) - len({key for _, key, _ in rows}),
        "withdrawals": len(seconds),
        "withdrawal p50, seconds": round(seconds[len(seconds) // 2], 3),
        "withdrawal p99, seconds": round(seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))], 3),
        "sent after a withdrawal": illegal(rows, leaving.acknowledged),
    }


def _handed() -> int:
    from dure.messaging.models import HandOver

    return sum(HandOver.objects.exclude(ended_at=None).values_list("count", flat=True))


def row_by_row(shop: Any, few: int) -> dict[str, float]:
    """The usual way: for each person a look at the consent, a coin, a row; then for each row one request."""
    from dure.messaging import actions as messaging
    from dure.messaging.models import Outgoing
    from dure.messaging.values import Fate, Medium, MessageKind
    from dure.people import queries as people_queries
    from dure.people.models import Person
    from dure.people.values import Purpose, Topic, shop_sender

    sender = shop_sender(shop.public_id)
    slow = messaging.open_sending(
        key="rows", reference="rows", sender=sender, sender_name=shop.name, kind=MessageKind.ADVERTISING, media=[Medium.TEXT],
        title=TEXT, body="보고 싶어요", not_before=AT, expires_at=AT + timedelta(days=1), at=AT, topic=Topic.COMEBACK, contact="02-1",
    )  # fmt: skip
    begin = time.perf_counter()
    for person in Person.objects.filter(password="!")[:few]:
        if people_queries.consent_holds(person, sender, Purpose.ADVERTISING) and hash((person.pk, "x")) % 10:
            Outgoing.objects.create(sending=slow, recipient=person.pk, medium=Medium.TEXT, due_at=AT, won=0)
    queued = time.perf_counter() - begin
    with gateway() as url, httpx.Client(base_url=url, trust_env=False) as http:
        begin = time.perf_counter()
        rows = list(Outgoing.objects.filter(sending=slow))
        for row in rows:
            person = Person.objects.get(pk=row.recipient)
            message = {"to": person.phone, "text": TEXT, "customFields": {"key": f"o{row.pk}"}}
            http.post("/messages/v4/send-many/detail", json={"messages": [message]})
            row.fate = Fate.ARRIVED
            row.save()
        sent = time.perf_counter() - begin
    return {"queue seconds": queued / few, "messages a second": len(rows) / sent}


def like_listmonk(shop: Any, many: int) -> dict[str, float]:
    """listmonk's way (campaigns' next subscribers by SQL, a counter instead of receipts), ten thousand at a time."""
    from django.db import connection

    from dure.people.values import Purpose, shop_sender

    after, count = 0, 0
    with (
        gateway() as url,
        httpx.Client(base_url=url, trust_env=False, timeout=60) as http,
        connection.cursor() as cursor,
    ):
        begin = time.perf_counter()
        while count < many:
            cursor.execute(
                "SELECT p.id, p.phone FROM people_person p JOIN people_standing s ON s.person_id = p.id AND s.sender = %s "
                "AND s.purpose = %s AND s.granted WHERE p.id > %s ORDER BY p.id LIMIT 10000",
                [shop_sender(shop.public_id), Purpose.ADVERTISING, after],
            )
            rows = cursor.fetchall()
            if not rows:
                break
            messages = [
                {
                    "to": phone,
                    "text": f"(광고){shop.name}\n{TEXT}\n무료수신거부 https://x/{number}",
                    "customFields": {"key": str(number)},
                }
                for number, phone in rows
            ]
            http.post("/messages/v4/send-many/detail", json={"messages": messages})
            after, count = rows[-1][0], count + len(rows)
            cursor.execute("UPDATE shops_shop SET cooking_minutes = cooking_minutes WHERE id = %s", [shop.pk])
        seconds = time.perf_counter() - begin
    return {"messages a second": count / seconds}


def measure(people: int, few: int, most: int, workers: int) -> dict[str, Any]:
    begin = time.perf_counter()
    shop = fill(people)
    filled = time.perf_counter() - begin
    _, steps, seconds = send(shop)
    steps["everything else"] = round(seconds - sum(steps.values()), 3)
    going = dispatching(shop, most, workers)
    rows, batch = row_by_row(shop, few), like_listmonk(shop, min(most, people))
    return {
        "people": people,
        "cores": os.cpu_count(),
        "seconds to fill the tables": round(filled, 1),
        "send to gate-checked, assigned and queued, seconds": round(seconds, 2),
        "of these": steps,
        "dispatch": going,
        "row by row through the ORM": {
            "people": few,
            "queue seconds for all, extrapolated": round(rows["queue seconds"] * people, 1),
            "times slower to queue, extrapolated": round(rows["queue seconds"] * people / seconds, 1),
            "messages a second": round(rows["messages a second"]),
            "times slower to send": round(going["messages a second"] / rows["messages a second"], 1),
        },
        "in the manner of listmonk": {
            "messages a second": round(batch["messages a second"]),
            "times faster than Dure": round(batch["messages a second"] / max(going["messages a second"], 1), 2),
            "what it leaves out": "receipts, the gate at the moment of sending, holdout, caps, safety against a kill",
        },
    }


def kill_often(people: int, kills: int) -> dict[str, Any]:
    """Kill the worker again and again at a random moment; in the end everybody who may have it has it once."""
    from dure.messaging.models import HandOver, Outgoing
    from dure.messaging.values import Fate

    begun = time.monotonic()

    def tell(what: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {what}", flush=True)

    shop = fill(people)
    tell(f"{people} friends")
    send(shop)
    tell("queued")
    dice = random.Random(7)
    in_doubt = 0
    with gateway() as url:
        nursery = Nursery(url)
        leaving = Withdrawals(shop, pause=0.2)
        leaving.start()
        moments: Counter[str] = Counter()
        for turn in range(kills):
            before = HandOver.objects.count()
            child = nursery.worker(turn)
            if turn % 2:  # at any moment of its work
                begins = dice.randint(1, 3)
                while nursery.works() and HandOver.objects.count() < before + begins:
                    leaving.over.wait(0.002)
                leaving.over.wait(dice.uniform(0, 0.1))
            else:  # in the worst: the gateway has just heard of a batch that nobody has written down
                hear_more(url, nursery.works)
                leaving.over.wait(dice.uniform(0, 0.01))
            os.kill(child, signal.SIGKILL)
            killed = nursery.ended() == -signal.SIGKILL
            open_batches = HandOver.objects.filter(ended_at=None).count()
            moments[
                "after its end" if not killed else "with a batch in its hands" if open_batches else "between batches"
            ] += 1
            cleared, found = recover(url, turn)
            in_doubt += found
            tell(f"kill {turn + 1}: {open_batches} batch open, {cleared} cleared up, {found} texts had gone")
        leaving.over.set()
        leaving.join()
        for turn in (kills, kills + 1):
            nursery.worker(turn)
            if nursery.ended():
                raise SystemExit("a worker that nobody killed died")
            recover(url, turn)
            tell("a worker that lives")
        nursery.close()
        rows = journal(url)
    keys = Counter(key for _, key, _ in rows)
    owed = {
        f"o{pk}-text" for pk in Outgoing.objects.filter(medium="text", fate=Fate.ACCEPTED).values_list("pk", flat=True)
    }
    left = Outgoing.objects.filter(medium="text", fate__in=(Fate.WAITING, Fate.HANDING, Fate.UNCERTAIN)).count()
    return {
        "people": people,
        "cores": os.cpu_count(),
        "batches of": SMALL_BATCH,
        "kills": sum(moments.values()),
        "moments": dict(moments),
        "texts gone whose answer was lost": in_doubt,
        "heard by the gateway": len(rows),
        "written down as handed over": len(owed),
        "duplicates": sum(count - 1 for count in keys.values()),
        "lost": len(owed - set(keys)) + left,
        "heard and not written down": len(set(keys) - owed),
        "illegal": illegal(rows, leaving.acknowledged),
        "withdrawals meanwhile": len(leaving.acknowledged),
    }


def recover(url: str, turn: int) -> tuple[int, int]:
    """What the product does a minute later about batches whose worker died: how many there were, and how many texts of
    them the gateway knew."""
    from dure.messaging import actions as messaging
    from dure.messaging import providers
    from dure.messaging.models import Outgoing
    from dure.messaging.values import Fate

    quiet(url)
    carried_by(url)
    in_hand = Outgoing.objects.filter(medium="text", fate=Fate.HANDING).values_list("pk", flat=True)
    before = list(in_hand)
    cleared = messaging.recover_hand_overs(at=turn_at(turn) + timedelta(minutes=1))
    providers.choose({})  # and hang up
    return cleared, Outgoing.objects.filter(pk__in=before, fate=Fate.ACCEPTED).count()


def unproven(result: dict[str, Any]) -> list[str]:
    """Why thirty kills prove nothing or something bad; empty when all is well."""
    wrong = [
        f"{name}: {result[name]}"
        for name in ("duplicates", "lost", "heard and not written down", "illegal")
        if result[name]
    ]
    if result["moments"].get("with a batch in its hands", 0) < AT_WORK * result["kills"]:
        wrong.append(f"too few kills met work: {result['moments']}")
    if not result["texts gone whose answer was lost"]:
        wrong.append("no answer was lost: the hard case was not met")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--most", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--gateway", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    parser.add_argument("--nursery", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.gateway:
        server = Gateway()
        print(server.server_port, flush=True)
        server.serve_forever()
    elif asked.worker:
        worker(asked.worker, AT)
    elif asked.nursery:
        nurse(asked.nursery)
    else:
        with database():
            if asked.kills:
                result, file = kill_often(min(asked.people, KILLED_AMONG), asked.kills), "campaign-kills.json"
            else:
                result, file = measure(asked.people, asked.few, asked.most, asked.workers), "campaign.json"
        print(json.dumps(result, ensure_ascii=False, indent=1))
        wrong = unproven(result) if asked.kills else []
        for line in wrong:
            print(f"✗ {line}")
        if asked.people == 1_000_000:
            (RESULTS / file).write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n")
        if wrong:
            sys.exit(1)


if __name__ == "__main__":
    main()
