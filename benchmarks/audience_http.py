"""How soon a slider is answered: owners who all slide at once, counted over HTTP from a twin of forty million.

    make bench-builder           (or: python -m benchmarks.audience_http --people 4000000 --owners 20 --seconds 30)

The twin is drawn from a synthetic country of that many people, once: a home that has it already is used as it is (`--home`). The
product's own web server (granian) answers on loopback, with the demo neighbourhood in PostgreSQL behind it. Each owner has a
login and one connection of their own and does what the builder's script does: it moves one end of a slider, waits for the answer,
and asks again for where the slider is by then, every `--pause` milliseconds; when the slider rests, every `--rest` counts, the
picture (pyramid, map, districts, suggestions) is asked for too. Whatever is not answered with 200 fails the run.
"""

import argparse
import http.client
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path
from typing import Any

from benchmarks.menu import wait_until_up

RESULTS = Path(__file__).parent / "results"
GOAL_MS = 100
TASTES = ("coffee", "dessert", "noodles", "korean", "beer", "healthy", "takeout", "office", "pet")
REGIONS = ("11440", "11", "26", "41135", "48", "5011000000", "", "", "")


def conditions(chance: random.Random) -> dict[str, Any]:
    """What an owner has chosen before they take the slider."""
    found: dict[str, Any] = {}
    place = chance.choice(REGIONS)
    if place and len(place) < 10:
        found["region"] = place
    elif place:
        found["near_to"] = str(chance.choice((1, 3, 5, 10)))
    if chance.random() < 0.7:
        found["taste"] = chance.sample(TASTES, chance.randint(1, 3))
    if chance.random() < 0.4:
        found["sex"] = chance.choice("fm")
    if chance.random() < 0.3:
        found["no.channel"] = "email"
    return found


class Owner(threading.Thread):
    """One owner at one slider: milliseconds of every answer, and everything that went wrong."""

    def __init__(self, number: int, port: int, shop: str, session: str, until: float, pause: float, rest: int) -> None:
        super().__init__(daemon=True)
        self.chance = random.Random(number)
        self.port, self.shop, self.session, self.until, self.pause, self.rest = port, shop, session, until, pause, rest
        self.counts: list[float] = []
        self.pictures: list[float] = []
        self.wrong: list[str] = []
        self.rests = threading.Event()

    def run(self) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        chosen = conditions(self.chance)
        name, high = "age", 104
        low_end, high_end = 20, 45
        asked = 0
        while time.monotonic() < self.until:
            if asked % 40 == 0:
                chosen = conditions(self.chance)
                name, high = self.chance.choice((("age", 104), ("last_seen", 364), ("spend", 1023)))
                low_end, high_end = high // 5, high // 2
            low_end = max(0, min(high_end, low_end + self.chance.randint(-3, 3)))
            high_end = min(high, max(low_end, high_end + self.chance.randint(-3, 3)))
            fields = {**chosen, f"{name}_from": low_end, f"{name}_to": high_end}
            begun = time.monotonic()
            self._ask(line, "count", fields, self.counts)
            asked += 1
            if self.rest and asked % self.rest == 0:
                self._ask(line, "picture", fields, self.pictures)
            self.rests.wait(max(0.0, self.pause - (time.monotonic() - begun)))

    def _ask(self, line: http.client.HTTPConnection, what: str, fields: dict[str, Any], times: list[float]) -> None:
        path = f"/console/{self.shop}/audiences/{what}?{urllib.parse.urlencode(fields, doseq=True)}"
        headers = {"Cookie": f"sessionid={self.session}", "Accept": "application/json", "Accept-Encoding": "gzip"}
        begun = time.perf_counter()
        try:
            line.request("GET", path, headers=headers)
            answer = line.getresponse()
            body = answer.read()
        except OSError as error:
            self.wrong.append(repr(error))
            line.close()
            return
        times.append((time.perf_counter() - begun) * 1000)
        if answer.status != http.client.OK or (what == "count" and b'"people"' not in body):
            self.wrong.append(f"{answer.status} {path}")


def sessions(home: Path, owners: int) -> tuple[str, list[str]]:
    """The demo's noodle house, and a login of its own for each owner (a manager of that shop, made here)."""
    program = """
import sys, django; django.setup()
from django.contrib.sessions.backends.base import SessionBase
from importlib import import_module
from django.conf import settings
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from dure.kit import clock
from dure.people import actions as people
from dure.people.models import Person
from dure.shops import actions as shops, fence, queries
from dure.shops.values import Role
store = import_module(settings.SESSION_ENGINE).SessionStore
shop = next(one for one in queries.open_shops() if one.name == "두레국수")
print(shop.public_id)
for number in range(int(sys.argv[1])):
    email = f"bench-{number}@dure.example"
    person = Person.objects.filter(email=email).first() or people.open_account(email=email, password=None, name=email, at=clock.now())
    with fence.within_shop(shop.pk):
        if not queries.staff_of(shop).filter(person=person).exists():
            shops.hire(shop=shop, person=person, role=Role.MANAGER, by="benchmark", at=clock.now())
    session = store()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "dure.people.sessions.ByPassword"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    print(session.session_key)
"""
    from dure.project import postgres

    with postgres.borrowed(home) as server:
        env = {**os.environ, "DURE_HOME": str(home), "DURE_DATABASE_URL": server.dsn}
        env["DJANGO_SETTINGS_MODULE"] = "dure.project.settings"
        said = subprocess.run(
            [sys.executable, "-c", program, str(owners)], env=env, check=True, capture_output=True, text=True
        ).stdout.split()
    return said[0], said[1:]


def told(times: list[float]) -> dict[str, Any]:
    """p50, p95 and the worst, in milliseconds."""
    if len(times) < 2:
        return {"answers": len(times)}
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {
        "answers": len(times),
        "p50_ms": round(cuts[49], 1),
        "p95_ms": round(cuts[94], 1),
        "max_ms": round(max(times), 1),
    }


def run_program(home: Path, port: int, *arguments: str) -> "subprocess.Popen[bytes]":
    """One of Dure's programs on `home`."""
    env = {k: v for k, v in os.environ.items() if k != "DURE_DATABASE_URL"}
    env |= {"DURE_HOME": str(home), "DURE_PORT": str(port), "DURE_PEOPLE": "0", "DURE_TOWN_PACE": "0"}
    return subprocess.Popen([sys.executable, "-m", "dure.project.cli", *arguments], env=env, stdout=subprocess.DEVNULL)


def people_in(home: Path) -> int:
    """People of the twin in this home; 0 where there is none."""
    twin = home / "audiences" / "twin"
    if not (twin / "CURRENT").exists():
        return 0
    manifest = twin / "builds" / (twin / "CURRENT").read_text() / "manifest.json"
    return int(json.loads(manifest.read_bytes().partition(b"\n")[2])["people"])


def main() -> int:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--people", type=int, default=40_000_000)
    said.add_argument("--owners", type=int, default=20)
    said.add_argument("--seconds", type=float, default=30)
    said.add_argument("--pause", type=float, default=120, help="milliseconds from one question of an owner to the next")
    said.add_argument("--rest", type=int, default=20, help="a picture after so many counts; 0: none")
    said.add_argument("--port", type=int, default=8490)
    said.add_argument("--home", type=Path, help="a DURE_HOME to use, and to leave as it is")
    said.add_argument(
        "--running", action="store_true", help="the product of --home answers at --port already; it is left alone"
    )
    said.add_argument("--note", default="", help="what is special about this run, kept with its figures")
    options = said.parse_args()
    with tempfile.TemporaryDirectory(prefix="dure-bench-") as scratch:
        result = measured(options, options.home or Path(scratch) / "home")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "builder.json").write_text(json.dumps(result, indent=2) + "\n")
    show(result)
    return 0


def measured(options: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Start the product on `home`, give it its twin if it has none, and let the owners slide."""
    product = None if options.running else run_program(home, options.port, "run")
    try:
        if product:
            wait_until_up(options.port, product)
        if not people_in(home):
            print(f"drawing a twin of {options.people:,} people, once …", flush=True)
            built = run_program(home, options.port, "audience", "build", "--people", str(options.people))
            if built.wait() != 0:
                raise RuntimeError("the twin was not built")
        people = people_in(home)
        shop, keys = sessions(home, options.owners)
        load = os.getloadavg()[0]
        warm = [Owner(99 + n, options.port, shop, key, time.monotonic() + 3, 0.2, 3) for n, key in enumerate(keys[:4])]
        slide(warm)
        until = time.monotonic() + options.seconds
        owners = [
            Owner(n, options.port, shop, key, until, options.pause / 1000, options.rest) for n, key in enumerate(keys)
        ]
        begun = time.monotonic()
        slide(owners)
        took = time.monotonic() - begun
    finally:
        if product:
            product.send_signal(signal.SIGINT)
            product.wait(60)
    wrong = [fault for owner in (*warm, *owners) for fault in owner.wrong]
    if wrong:
        raise RuntimeError(f"{len(wrong)} answers were wrong, the first: {wrong[0]}")
    counts = [ms for owner in owners for ms in owner.counts]
    return {
        "people": people,
        "owners": options.owners,
        "seconds": round(took, 1),
        "pause_ms": options.pause,
        "load_before": round(load, 1),
        "processors": os.cpu_count(),
        "count": {**told(counts), "a_second": round(len(counts) / took, 1)},
        "picture": told([ms for owner in owners for ms in owner.pictures]),
        "goal_p95_ms": GOAL_MS,
        "note": options.note,
    }


def slide(owners: list[Owner]) -> None:
    """All at once, until each has ended."""
    for owner in owners:
        owner.start()
    for owner in owners:
        owner.join()


def show(result: dict[str, Any]) -> None:
    """The table."""
    print(f"{result['owners']} owners slide for {result['seconds']} s, the twin has {result['people']:,} people")
    for name in ("count", "picture"):
        row = result[name]
        print(
            f"  {name:<8} {row['answers']:>6} answers   p50 {row.get('p50_ms', '–'):>8} ms   p95 {row.get('p95_ms', '–'):>8} ms"
        )
    print(f"  goal: p95 of counts at most {result['goal_p95_ms']} ms; load before {result['load_before']}")


if __name__ == "__main__":
    sys.exit(main())
