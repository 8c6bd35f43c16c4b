"""Plant one bug at a time, and see whether the tests notice.

    make bugs             (or: python -m benchmarks.bugs --only wallet --jobs 2)

`bugs.toml` holds small changes to our own code, each like a failure that somebody shipped. The tests named for a bug must
fail with it in place; one that they let pass has survived: a test is missing. Before anything counts, the same tests must pass
without a bug; a change that no longer fits the sources is an error.

Nothing is written into the sources. Tests are collected once (`benchmarks/planting.py`, a pytest plugin), and each bug lives
and dies in a forked process in which the functions it changes have been given other code.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
BANK = Path(__file__).with_name("bugs.toml")
RESULTS = Path(__file__).with_name("results")
ENOUGH = 0.95


class Misfit(Exception):
    """A change that cannot be made, or a test that is red without one."""


@dataclass(frozen=True)
class Bug:
    """`find` stands exactly once in `file` and becomes `put`; `tests` must notice. `like` is where it happened before."""

    name: str
    like: str
    file: str
    find: str
    put: str
    tests: tuple[str, ...]

    def planted(self, text: str) -> str:
        """The file's text with the bug in it; Misfit where it does not fit."""
        if text.count(self.find) != 1 or self.find == self.put:
            raise Misfit(f"{self.name}: what it changes stands {text.count(self.find)} times in {self.file}")
        return text.replace(self.find, self.put)

    def changes(self) -> list[tuple[CodeType, CodeType]]:
        """The functions that it changes: their code as it is, and as it is with the bug. Misfit where it changes none, or
        something that is no function."""
        place = ROOT / self.file
        text = place.read_text(encoding="utf-8")
        pairs = list(_differing(compile(text, place, "exec"), compile(self.planted(text), place, "exec")))
        if not pairs:
            raise Misfit(f"{self.name}: it changes no function of {self.file}")
        return pairs


def _differing(before: CodeType, after: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The functions within `before` whose code is another one in `after`, and those around them."""
    for old, new in zip(_functions(before), _functions(after), strict=True):
        same_inside = len(_functions(old)) == len(_functions(new))
        inner = list(_differing(old, new)) if same_inside else []
        own = (old.co_code, old.co_names, _values(old)) != (new.co_code, new.co_names, _values(new))
        if inner or own or not same_inside:
            yield old, new
        yield from inner


def _functions(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def _values(code: CodeType) -> list[object]:
    return [(type(one), one) for one in code.co_consts if not isinstance(one, CodeType)]


def bank() -> list[Bug]:
    """All bugs, in the file's order."""
    rows = tomllib.loads(BANK.read_text(encoding="utf-8"))["bug"]
    return [Bug(**{**row, "tests": tuple(row["tests"])}) for row in rows]


@contextmanager
def _server() -> Iterator[str]:
    """The server that the tests use, whether or not somebody else is using it; or the one of DURE_DATABASE_URL."""
    from dure.project import postgres

    given = os.environ.get("DURE_DATABASE_URL")
    if given:
        yield given
    else:
        with postgres.borrowed(ROOT / ".dure-test") as server:
            yield server.dsn


def _share(bugs: Sequence[Bug], database: str, dsn: str, said: Path, *, control: bool) -> "subprocess.Popen[bytes]":
    """One pytest that tries these bugs on a database of its own, and appends what it finds to `said`."""
    # A node is named by its beginning, which pytest itself does not take: it gets the file.
    tests = sorted({test if test.endswith("]") else test.partition("::")[0] for bug in bugs for test in bug.tests})
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:xdist",
        "-p",
        "benchmarks.planting",
        "--reuse-db",
        *tests,
    ]
    environment = {
        **os.environ,
        "DURE_DATABASE_URL": dsn,
        "DURE_TEST_DATABASE": database,
        "PLANTED": json.dumps({"bugs": [bug.name for bug in bugs], "said": str(said), "control": control}),
    }
    environment.pop("DURE_THOROUGH", None)
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def run(bugs: Sequence[Bug], jobs: int, *, control: bool) -> list[dict[str, object]]:
    """Try every bug, after the control: what became of each, in the bank's order."""
    with _server() as dsn, tempfile.TemporaryDirectory(prefix="dure-bugs-") as folder:
        shares = [bugs[n::jobs] for n in range(jobs) if bugs[n::jobs]]
        said = [Path(folder) / f"{n}.jsonl" for n in range(len(shares))]
        tried = [_share(share, f"test_bugs_{n}", dsn, said[n], control=control) for n, share in enumerate(shares)]
        codes = [one.wait() for one in tried]
        lines = [line for place in said if place.exists() for line in place.read_text(encoding="utf-8").splitlines()]
        _drop(dsn, len(shares))
    found = {row["name"]: row for row in map(json.loads, lines)}
    wrong = [row["by"] for row in found.values() if row["killed"] is None]
    if wrong or any(codes):
        raise Misfit(f"without any bug: {wrong}" if wrong else f"the tests did not run (exit {codes})")
    return [found[bug.name] for bug in bugs]


def _drop(dsn: str, number: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as server:
        for each in range(number):
            name = sql.Identifier(f"test_bugs_{each}")
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def main(arguments: list[str] | None = None) -> int:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--only", default="", help="bugs whose name or file contains this")
    said.add_argument("--jobs", type=int, default=2)
    said.add_argument("--no-control", action="store_true", help="a first look: nothing is written down")
    options = said.parse_args(arguments)
    bugs = [bug for bug in bank() if options.only in bug.name or options.only in bug.file]
    begun = time.monotonic()
    try:
        for bug in bugs:
            bug.changes()
        found = run(bugs, options.jobs, control=not options.no_control)
    except Misfit as wrong:
        print(f"✗ {wrong}")
        return 2
    alive = [row["name"] for row in found if not row["killed"]]
    result = {
        "killed": len(found) - len(alive),
        "survived": len(alive),
        "of": len(found),
        "seconds": round(time.monotonic() - begun),
        "bugs": found,
    }
    if not options.only and not options.no_control:
        (RESULTS / "bugs.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{result['killed']} of {result['of']} bugs killed in {result['seconds']} s")
    for name in alive:
        print(f"✗ survived: {name}")
    return 1 if len(alive) > len(found) * (1 - ENOUGH) else 0


if __name__ == "__main__":
    sys.exit(main())
