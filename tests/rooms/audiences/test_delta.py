"""Small changes hold within a second for whoever asks next, in every process, and no older build takes them back."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dure.audiences import queries
from dure.audiences.engine.expression import Is
from dure.audiences.engine.index import Change
from dure.audiences.population import people
from dure.audiences.storage.build import build
from dure.audiences.storage.folder import Folder

CONSENTED = Is("consent", ("network",))
WITHDRAWING = """
import sys
from pathlib import Path
from dure.audiences.engine.index import Change
from dure.audiences.storage.log import ChangeLog

log = ChangeLog(Path(sys.argv[1]) / "changes.log")
print("ready", flush=True)
for line in sys.stdin:
    log.append([Change(0, int(line), "consent", "network", holds=False)])
    print("withdrawn", flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Folder:
    settings.HOME = tmp_path
    made = Folder(queries.index_folder("network"))
    build(people.write(70_000, 4, tmp_path / "people"), people.SCHEMA, made)
    return made


def test_what_another_process_withdraws_is_out_of_the_very_next_count_within_a_second(folder: Folder) -> None:
    before = queries.index("network")
    consented = before.ids(CONSENTED).tolist()
    opened = before.breakdown(CONSENTED, "age")
    with subprocess.Popen(
        [sys.executable, "-c", WITHDRAWING, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "ready\n"
        took = []
        for nth, person in enumerate(consented[:5], start=1):
            began = time.perf_counter()
            print(person, file=other.stdin, flush=True)
            assert other.stdout.readline() == "withdrawn\n"
            after = queries.index("network")
            assert person not in after.ids(CONSENTED)
            took.append(time.perf_counter() - began)
            assert after.count(CONSENTED) == len(consented) - nth
        other.stdin.close()
    # Event by event, with nothing waited for; the first may have met the compiler, and a starved machine one or two more.
    assert min(took) < 1
    assert before.count(CONSENTED) == len(consented), "whoever asks meanwhile has one answer"
    assert sum(opened.values()) - sum(queries.index("network").breakdown(CONSENTED, "age").values()) == 5


def test_an_index_that_was_thrown_away_and_built_anew_is_another(folder: Folder) -> None:
    """Its builds and changes begin to be numbered again, and what was known of the old ones is not taken for them."""
    for _ in range(2):
        first, second = queries.index("network").ids(CONSENTED).tolist()[:2]
        folder.changes.append([Change(0, person, "consent", "network", holds=False) for person in (first, second)])
        assert not {first, second} & set(queries.index("network").ids(CONSENTED).tolist())
        shutil.rmtree(folder.path)
        build(folder.path.parent.parent / "people" / "people.parquet", people.SCHEMA, folder)
        assert queries.index("network").ids(CONSENTED).tolist()[:2] == [first, second]


def test_the_changes_outlive_the_process_that_asked(folder: Folder) -> None:
    person = int(queries.index("network").ids(CONSENTED)[0])
    with subprocess.Popen(
        [sys.executable, "-c", WITHDRAWING, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        other.communicate(f"{person}\n")
    assert person not in folder.open().ids(CONSENTED)
    build(
        folder.path.parent.parent / "people" / "people.parquet", people.SCHEMA, folder
    )  # whoever built had not seen it
    assert person not in queries.index("network").ids(CONSENTED)
