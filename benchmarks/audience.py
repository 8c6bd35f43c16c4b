"""How fast forty million people are counted, beside what else could count them; everything in one run on one machine.

    make bench-audience            (or: python -m benchmarks.audience --people 4000000)

The synthetic country is written to Parquet (people in the order of their ids, as in any table), the index is built from it, and
200 random audiences of one to eight conditions, from a 읍면동 to the nation, are counted by Dure and by each peer that is
installed. Dure's every answer is compared with DuckDB's. A peer too slow for all of it gets fewer audiences or people: the table
says how many.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dure.audiences.engine import draw, hands
from dure.audiences.engine.containers import gathered
from dure.audiences.engine.expression import All, Between, Expression, Is, Not
from dure.audiences.engine.expression import Any as AnyOf
from dure.audiences.engine.index import Index
from dure.audiences.population import people as population
from dure.audiences.population import regions, tastes
from dure.audiences.storage.folder import Folder

RESULTS = Path(__file__).parent / "results"
AUDIENCES, SEED = 200, 20_240_601
FROZEN = 1_000_000


def audiences(seed: int = SEED) -> list[Expression]:
    """The questions: a place (or none), and conditions of the kinds that owners ask for."""
    chance = np.random.default_rng(seed)
    here = regions.country()

    def place() -> Expression | None:
        level = chance.integers(0, 5)
        if level == 0:
            return None
        if level == 1:
            return Is("region", (here.provinces[chance.integers(17)].code,))
        if level == 2:
            some = chance.choice(len(here.districts), size=chance.integers(1, 4), replace=False)
            return Is("region", tuple(here.districts[at].code for at in some))
        dong = here.dongs[chance.integers(len(here.dongs))]
        if level == 3:
            return Is("region", (dong.code,))
        return Is("region", regions.dongs_within(dong.lon, dong.lat, float(chance.integers(2, 15))) or (dong.code,))

    def condition() -> Expression:
        kind = chance.integers(0, 9)
        if kind == 0:
            return Is("sex", (("f", "m")[chance.integers(2)],))
        if kind <= 2:
            low = int(chance.integers(14, 70))
            return Between("age", low, low + int(chance.integers(3, 25)))
        if kind <= 4:
            return Is("taste", _some(tastes.KEYS, int(chance.integers(1, 4))))
        if kind == 5:
            return Between("last_seen", None, int(chance.integers(1, 120)))
        if kind == 6 and chance.random() < 0.5:
            return Between("visits", int(chance.integers(1, 12)), None)
        if kind == 6:
            least = int(chance.integers(5, 300))
            return Between("spend", least, least + int(chance.integers(20, 400)))
        if kind == 7:
            name, values = (("visited", population.VISITED), ("hours", population.HOURS))[chance.integers(2)]
            return Is(name, _some(values, int(chance.integers(1, 3))))
        name, values = (("channel", population.CHANNELS), ("consent", population.CONSENTS))[chance.integers(2)]
        return Is(name, _some(values, 1))

    def _some(values: tuple[str, ...], many: int) -> tuple[str, ...]:
        return tuple(values[at] for at in chance.choice(len(values), size=many, replace=False))

    made: list[Expression] = []
    for _ in range(AUDIENCES):
        where = place()
        parts: list[Expression] = [where] if where else []
        for _ in range(int(chance.integers(1, 9)) - len(parts)):
            part = condition()
            turn = chance.random()
            if turn < 0.12:
                part = Not(part)
            elif turn < 0.2:
                part = AnyOf((part, condition()))
            parts.append(part)
        made.append(All(tuple(parts)))
    return made


def as_sql(expression: Expression, *, bit_and: str = "&") -> str:
    """The same question on the columns of the Parquet file, for any SQL."""
    match expression:
        case All(parts):
            return "(" + " AND ".join(as_sql(part) for part in parts) + ")"
        case AnyOf(parts):
            return "(" + " OR ".join(as_sql(part) for part in parts) + ")"
        case Not(part):
            return f"(NOT {as_sql(part)})"
        case Between(trait, low, high):
            return f"({trait} BETWEEN {max(0, low or 0)} AND {10**6 if high is None else high})"
        case Is("region", values):
            bounds = [(int(v) * 10 ** (10 - len(str(v))), (int(v) + 1) * 10 ** (10 - len(str(v))) - 1) for v in values]
            return "(" + " OR ".join(f"region BETWEEN {low} AND {high}" for low, high in bounds) + ")"
        case Is("sex", values):
            return f"(sex = {('f', 'm').index(str(values[0]))})"
        case Is(trait, values):
            told = next(t for t in population.SCHEMA if t.name == trait)
            return f"(({trait} {bit_and} {sum(1 << told.values.index(v) for v in values)}) <> 0)"
    raise AssertionError(expression)


@dataclass
class Timed:
    """Milliseconds of each audience, and the counts."""

    ms: list[float]
    counts: list[int]

    def told(self) -> dict[str, Any]:
        """p50, p95 and the worst."""
        cuts = statistics.quantiles(self.ms, n=100, method="inclusive")
        return {
            "audiences": len(self.ms), "p50_ms": _round(cuts[49]), "p95_ms": _round(cuts[94]), "max_ms": _round(max(self.ms)),
        }  # fmt: skip


def _round(ms: float) -> float:
    return round(ms, 3)


def timed(
    ask: Callable[[Any], int], questions: list[Any], *, again: int = 1, clock: Callable[[], float] = time.perf_counter
) -> Timed:
    """Each question's best of `again` askings."""
    ms, counts = [], []
    for question in questions:
        best = float("inf")
        for _ in range(again):
            begun = clock()
            count = ask(question)
            best = min(best, (clock() - begun) * 1000)
        ms.append(best)
        counts.append(int(count))
    return Timed(ms, counts)


BUILD = """
import json, resource, sys, time
from pathlib import Path
from dure.audiences.population import people
from dure.audiences.storage.build import build
from dure.audiences.storage.folder import Folder
from rich.progress import Progress
begun = time.perf_counter()
with Progress() as bar:
    task = bar.add_task("build", total=None)
    build(Path(sys.argv[1]), people.SCHEMA, Folder(Path(sys.argv[2])),
          progress=lambda done, all: bar.update(task, completed=done, total=all))
took = time.perf_counter() - begun
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"build_s": round(took, 1), "cpu_s": round(used.ru_utime + used.ru_stime, 1),
                  "peak_mb": round(used.ru_maxrss / 1024)}))
"""


def built(file: Path, folder: Path) -> dict[str, float]:
    """The build in a process of its own, so that its peak memory is its own."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(file), str(folder)], stdout=subprocess.PIPE, check=True, text=True
    )
    told: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    told["size_mb"] = round(sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6)
    told["bitmaps_mb"] = round(sum(f.stat().st_size for f in folder.rglob("*.roaring")) / 1e6)
    return told


def dense_and(people: int) -> float:
    """Milliseconds of one AND of two bitmaps of everybody with nothing saved: what memory allows."""
    chance = np.random.default_rng(1)
    a, b = (chance.integers(0, 2**64, people // 64 + 1, dtype=np.uint64) for _ in range(2))
    out = np.empty_like(a)
    return timed(lambda _: int(np.bitwise_and(a, b, out=out)[0] >= 0), [None] * 50).told()["p50_ms"]  # type: ignore[no-any-return]


def duckdb_scan(file: Path, questions: list[Expression]) -> Timed:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute("CREATE TABLE people AS SELECT * FROM read_parquet(?)", [str(file)])
    return timed(
        lambda q: connection.execute(f"SELECT count(*) FROM people WHERE {as_sql(q)}").fetchone()[0], questions
    )


def chdb_scan(file: Path, questions: list[Expression]) -> tuple[Timed, dict[str, Any]] | None:
    try:
        from chdb import session
    except ImportError:
        return None
    with tempfile.TemporaryDirectory(prefix="dure-chdb-") as scratch:
        house = session.Session(scratch)
        columns = (
            "person Int64, region Int64, sex Int8, age Int16, taste Int64, visited Int64, hours Int64, last_seen Int16, "
            "visits Int16, spend Int16, channel Int64, consent Int64"
        )
        house.query("CREATE DATABASE bench")
        house.query(f"CREATE TABLE bench.people ({columns}) ENGINE = MergeTree ORDER BY region")
        house.query(
            f"INSERT INTO bench.people SELECT * FROM file('{file}', Parquet) SETTINGS max_memory_usage = 6000000000"
        )

        def ask(question: Expression) -> int:
            return int(
                str(house.query(f"SELECT count() FROM bench.people WHERE {as_clickhouse(question)}", "CSV")).strip()
            )

        scan = timed(ask, questions)
        # What ClickHouse has for this: a bitmap a value, and functions upon them. Two national tastes and their AND.
        house.query(
            "CREATE TABLE bench.bits ENGINE = MergeTree ORDER BY taste AS SELECT number AS taste, groupBitmapState(toUInt32(person)) "
            "AS who FROM bench.people CROSS JOIN numbers(8) AS tastes WHERE bitTest(taste, number) GROUP BY number"
        )
        pair = (
            "SELECT bitmapAndCardinality((SELECT groupBitmapMergeState(who) FROM bench.bits WHERE taste = {}), "
            "(SELECT groupBitmapMergeState(who) FROM bench.bits WHERE taste = {}))"
        )
        both = timed(
            lambda p: int(str(house.query(pair.format(*p), "CSV")).strip()),
            [(a, b) for a in range(4) for b in range(4, 8)],
        )
        house.close()
    return scan, both.told()


def as_clickhouse(expression: Expression) -> str:
    """ClickHouse spells the AND of bits as a function."""
    import re

    return re.sub(r"\((\w+) & (\d+)\) <> 0", r"bitAnd(\1, \2) != 0", as_sql(expression))


def postgres_scan(file: Path, people: int, questions: list[Expression], home: Path) -> Timed:
    """A table with the usual indexes on PostgreSQL 18, as list managers have it."""
    import psycopg
    import pyarrow.parquet as pq

    from dure.project import postgres

    server = postgres.start(home)
    try:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("SET max_parallel_workers_per_gather = 2")
            connection.execute(
                "CREATE UNLOGGED TABLE bench_people (person bigint, region bigint, sex smallint, age smallint, taste bigint, "
                "visited bigint, hours bigint, last_seen smallint, visits smallint, spend smallint, channel bigint, consent bigint)"
            )
            left = people
            with connection.cursor() as cursor, cursor.copy("COPY bench_people FROM STDIN") as copy:
                for batch in pq.ParquetFile(file).iter_batches(65_536):
                    piece = batch.slice(0, left)
                    left -= piece.num_rows
                    rows = zip(*(column.to_pylist() for column in piece.columns), strict=True)
                    copy.write("".join("\t".join(map(str, row)) + "\n" for row in rows))
                    if not left:
                        break
            connection.execute("ALTER TABLE bench_people ADD PRIMARY KEY (person)")
            for column in ("region", "age", "last_seen", "visits"):
                connection.execute(f"CREATE INDEX ON bench_people ({column})")
            connection.execute("VACUUM ANALYZE bench_people")

            def ask(question: Expression) -> int:
                found = connection.execute(f"SELECT count(*) FROM bench_people WHERE {as_sql(question)}").fetchone()
                return int(found[0]) if found else 0

            return timed(ask, questions)
    finally:
        postgres.stop(home)


def frozen(connection: Any, index: Index) -> dict[str, Any]:
    """A million recipients into a table with its key, as a campaign keeps them, by COPY in binary; and everybody meant as
    one bitmap, as `audiences.freeze_audience` keeps them."""
    few = index.ids(Is("region", ("1111051500",)))  # compiled
    draw.sample(few, len(few) // 2, "bench")
    gathered(few)
    connection.execute(
        "CREATE TABLE bench_recipient (campaign bigint, person bigint, arm smallint, PRIMARY KEY (campaign, person))"
    )
    begun = time.perf_counter()
    who = index.ids(Is("consent", ("marketing",)))
    chosen = draw.sample(who, min(FROZEN, len(who)), "bench")
    rows = np.empty(
        len(chosen),
        np.dtype([("n", ">i2"), ("l1", ">i4"), ("c", ">i8"), ("l2", ">i4"), ("p", ">i8"), ("l3", ">i4"), ("a", ">i2")]),
    )
    rows["n"], rows["l1"], rows["l2"], rows["l3"], rows["c"], rows["a"] = 3, 8, 8, 2, 1, 0
    rows["p"] = np.sort(chosen)
    with connection.cursor() as cursor, cursor.copy("COPY bench_recipient FROM STDIN (FORMAT binary)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for first in range(0, len(rows), 50_000):
            copy.write(rows[first : first + 50_000].tobytes())
        copy.write(b"\xff\xff")
    rows_s = time.perf_counter() - begun
    connection.execute("CREATE TABLE bench_frozen (recipients bytea)")
    begun = time.perf_counter()
    written = gathered(index.ids(Is("consent", ("marketing",))), 1 << 31)
    connection.execute("INSERT INTO bench_frozen VALUES (%b)", [written])
    bitmap = {"people": len(who), "s": round(time.perf_counter() - begun, 2), "mb": round(len(written) / 1e6, 1)}
    return {"recipients": len(chosen), "s": round(rows_s, 2), "all_as_bitmap": bitmap}


def main() -> int:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--people", type=int, default=40_000_000)
    said.add_argument("--postgres-people", type=int, default=2_000_000, help="PostgreSQL's share of them")
    said.add_argument(
        "--peer-audiences", type=int, default=AUDIENCES, help="how many audiences the slow peers are asked"
    )
    said.add_argument("--country", type=Path, help="a folder with people.parquet, made with the same number of people")
    said.add_argument("--part", choices=sorted(PARTS), help=argparse.SUPPRESS)
    said.add_argument("--scratch", type=Path, help=argparse.SUPPRESS)
    options = said.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options)))
        return 0
    with tempfile.TemporaryDirectory(prefix="dure-bench-") as scratch:
        options.scratch = Path(scratch)
        options.country = options.country or options.scratch / "country"
        return measure(options)


def apart(part: str, options: Any) -> dict[str, Any]:
    """One part in a process of its own, so that nobody counts in what another left in memory."""
    command = [sys.executable, "-m", "benchmarks.audience", "--part", part, "--scratch", str(options.scratch)]
    for name in ("people", "postgres_people", "peer_audiences", "country"):
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def measure(options: Any) -> int:
    from rich.progress import Progress

    file = options.country / "people.parquet"
    if not file.exists():
        with Progress() as bar:
            task = bar.add_task("people", total=options.people)
            population.write(options.people, SEED, options.country, lambda done, _: bar.update(task, completed=done))
    load = round(os.getloadavg()[0], 1)
    result: dict[str, Any] = {"people": options.people, "cores": len(os.sched_getaffinity(0)), "load_before": load}
    build = built(file, options.scratch / "index")
    dure = apart("dure", options)
    result["dure"] = {**dure["counted"], **build, "open_s": dure["open_s"]}
    result.update(dure["more"])
    duck = apart("duckdb", options)
    result["duckdb_scan"] = duck["told"]
    result["exact"] = duck["counts"] == dure["counts"]
    clickhouse = apart("chdb", options)
    result["chdb_scan"] = clickhouse.get("told", "not installed")
    if clickhouse:
        result["chdb_group_bitmap_and_of_two"] = clickhouse["and_of_two"]
        result["chdb_agrees"] = clickhouse["counts"] == dure["counts"][: len(clickhouse["counts"])]
    listed = apart("postgresql", options)
    result["postgresql"] = listed["told"]
    result["freeze"] = apart("freeze", options)
    result["http"] = "not measured in this run"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "audience.json").write_text(json.dumps(result, indent=2) + "\n")
    show(result)
    return 0 if result["exact"] else 1


def part_dure(options: Any) -> dict[str, Any]:
    """Everything that Dure counts by itself."""
    begun = time.perf_counter()
    hands.machine.hands = len(os.sched_getaffinity(0))
    index = Folder(options.scratch / "index").open()
    open_s = round(time.perf_counter() - begun, 2)
    questions = audiences()
    for question in questions:  # compiled, and the files in memory
        index.count(question)
    counted = timed(index.count, questions, again=5)
    # On a machine that does other things too the clock measures them: what one core works on each question, alone.
    hands.machine.hands = 1
    worked = timed(index.count, questions, again=3, clock=time.thread_time)
    hands.machine.hands = len(os.sched_getaffinity(0))
    dense = dense_and(options.people)
    national = All((Is("taste", ("coffee",)), Is("taste", ("korean",))))
    one = timed(index.count, [national] * 30).told()["p50_ms"]
    pyramid = All((Is("taste", ("coffee",)),))
    index.portrait(pyramid)  # the stretches are found once a build
    for name in ("taste", "last_seen"):
        index.breakdown(Is("region", ("50",)), name)
    more: dict[str, Any] = {
        "dense_and_ms": dense,
        "and_of_two_tastes": {"ms": one, "times_dense": round(one / dense, 2)},
    }
    more["breakdown_ms"] = {
        name: timed(lambda n: len(index.breakdown(pyramid, n)), [name] * 5).told()["p50_ms"]
        for name in ("region", "age", "sex", "taste", "last_seen")
    }
    # What a builder's page asks at each move of a slider: the count, the pyramid by sex and age, and where they live.
    portraits = timed(lambda q: index.portrait(q).people, questions, again=3)
    assert portraits.counts == counted.counts
    more["builder_answer"] = portraits.told()
    more["one_core_cpu"] = worked.told()
    return {"counted": counted.told(), "counts": counted.counts, "open_s": open_s, "more": more}


def part_duckdb(options: Any) -> dict[str, Any]:
    found = duckdb_scan(options.country / "people.parquet", audiences())
    return {"told": found.told(), "counts": found.counts}


def part_chdb(options: Any) -> dict[str, Any]:
    found = chdb_scan(options.country / "people.parquet", audiences()[: options.peer_audiences])
    return {"told": found[0].told(), "counts": found[0].counts, "and_of_two": found[1]} if found else {}


def part_postgresql(options: Any) -> dict[str, Any]:
    people = min(options.people, options.postgres_people)
    file, home = options.country / "people.parquet", options.scratch / "home"
    listed = postgres_scan(file, people, audiences()[: options.peer_audiences], home)
    return {"told": {**listed.told(), "people": people}}


def part_freeze(options: Any) -> dict[str, Any]:
    import psycopg

    from dure.project import postgres

    home = options.scratch / "freezer"
    server = postgres.start(home)
    try:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            return frozen(connection, Folder(options.scratch / "index").open(check=False))
    finally:
        postgres.stop(home)


PARTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "dure": part_dure, "duckdb": part_duckdb, "chdb": part_chdb, "postgresql": part_postgresql,
    "freeze": part_freeze,
}  # fmt: skip


def show(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{result['people']:,} people, {AUDIENCES} audiences, exact: {result['exact']}")
    for heading in ("who", "p50 ms", "p95 ms", "times Dure (p50)"):
        table.add_column(heading, justify="left" if heading == "who" else "right")
    base = result["dure"]["p50_ms"]
    for name, key in (("Dure", "dure"), ("DuckDB, scan", "duckdb_scan"), ("ClickHouse (chDB), scan", "chdb_scan"),
                      ("ClickHouse, groupBitmap, AND of two", "chdb_group_bitmap_and_of_two"), ("PostgreSQL 18", "postgresql")):  # fmt: skip
        told = result.get(key)
        if isinstance(told, dict):
            people = f" ({told['people']:,} people)" if "people" in told else ""
            table.add_row(name + people, f"{told['p50_ms']}", f"{told['p95_ms']}", f"{told['p50_ms'] / base:.1f}")
        elif told:
            table.add_row(name, told, "", "")
    Console().print(table)
    print(
        json.dumps({k: v for k, v in result.items() if k not in ("duckdb_scan", "chdb_scan", "postgresql")}, indent=1)
    )


if __name__ == "__main__":
    sys.exit(main())
