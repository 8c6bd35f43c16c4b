"""A pytest plugin that runs the collected tests once for each seeded bug, in a forked process that has the bug.

Functions keep their identity and get other code, so that whoever imported, decorated or wrapped one has the bug as well. The
parent collects, sets up the test database and the practice provider, and never runs anything with a bug in it.
"""

import gc
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType

import pytest
from _pytest.runner import runtestprotocol

from benchmarks.bugs import Bug, Misfit, bank

KILLED, PASSED, MISFIT = 1, 0, 3


def plant(bug: Bug) -> None:
    """Give every living function that the bug changes its other code."""
    changes = dict(bug.changes())
    planted = 0
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__ in changes:
            one.__code__ = changes[one.__code__]
            planted += 1
    if not planted:
        raise Misfit(f"{bug.name}: nothing that runs has the code it changes")


def _forked(bug: Bug | None, items: Sequence[pytest.Item], after: pytest.Item, said: Path) -> int:
    """Run the items in a child until one fails; what failed goes into `said`."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    code = PASSED
    try:
        if bug:
            plant(bug)
        # What ran before left its module set up, for a test that need not be the next one here.
        items[0].session._setupstate.teardown_exact(items[0])  # noqa: SLF001 - pytest has no other door
        for number, item in enumerate(items):
            following = items[number + 1] if number + 1 < len(items) else after
            failed = [report for report in runtestprotocol(item, log=False, nextitem=following) if report.failed]
            if failed:
                said.write_text(f"{item.name}: {failed[0].longreprtext.splitlines()[-1]}"[:300], encoding="utf-8")
                code = KILLED
                break
    except BaseException as error:  # noqa: BLE001 - it must not come back into the parent's pytest
        said.write_text(f"{type(error).__name__}: {error}"[:300], encoding="utf-8")
        code = MISFIT
    os._exit(code)


def _let_go_of_the_database() -> None:
    from django.db import connection, connections

    connections.close_all()
    connection.close_pool()  # type: ignore[attr-defined]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Instead of running the tests: run those of each bug with it in place."""
    wanted = json.loads(os.environ["PLANTED"])
    bugs = [bug for bug in bank() if bug.name in wanted["bugs"]]
    said, note = Path(wanted["said"]), Path(f"{wanted['said']}.note")
    # Somebody who needs the database and the provider sets both up for all who follow.
    first = next((item for item in session.items if "sandbox" in getattr(item, "fixturenames", ())), session.items[0])
    last = session.items[-1] if session.items[-1] is not first else session.items[0]
    runtestprotocol(first, log=False, nextitem=last)
    with said.open("a", encoding="utf-8") as told:

        def tell(name: str, killed: bool | None, by: str, like: str = "", seconds: float = 0.0) -> None:
            row = {"name": name, "like": like, "killed": killed, "by": by, "seconds": round(seconds, 1)}
            told.write(json.dumps(row, ensure_ascii=False) + "\n")
            told.flush()

        if wanted["control"]:
            _let_go_of_the_database()
            if _forked(None, session.items, last, note) != PASSED:
                tell("the control", None, note.read_text(encoding="utf-8"))
                return True
        for bug in bugs:
            named = [item for item in session.items if item.nodeid.startswith(bug.tests)]
            note.write_text("")
            _let_go_of_the_database()
            begun = time.monotonic()
            code = _forked(bug, named, last, note) if named else MISFIT
            by = note.read_text(encoding="utf-8")
            tell(
                bug.name,
                None if code == MISFIT else code != PASSED,
                by,
                bug.like,
                time.monotonic() - begun,
            )
            os.write(
                2,
                f"  {'survived' if code == PASSED else 'killed'} {time.monotonic() - begun:6.1f} s  {bug.name}\n".encode(),
            )
    return True
