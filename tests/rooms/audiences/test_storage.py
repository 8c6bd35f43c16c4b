"""The index on disk: killed at any moment, it starts from the last good one; damaged, it is refused; older, it undoes nothing."""

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dure.audiences.engine.containers import Damaged
from dure.audiences.engine.expression import All, Between, Everybody, Is, Not
from dure.audiences.engine.index import Change, Index
from dure.audiences.population import people
from dure.audiences.storage.build import build
from dure.audiences.storage.folder import Folder, Older
from dure.audiences.storage.log import ChangeLog

SOME, SEED = 150_000, 9
WITHDRAWN = Is("consent", ("marketing",))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return people.write(SOME, SEED, tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def in_memory() -> Index:
    parts = list(people.synthesize(SOME, SEED))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Index.of(people.SCHEMA, columns.pop("person"), columns)


@pytest.fixture
def folder(tmp_path: Path, source: Path) -> Folder:
    made = Folder(tmp_path / "index")
    build(source, people.SCHEMA, made, shard_blocks=2)
    return made


def test_what_was_built_answers_like_the_one_in_memory(folder: Folder, in_memory: Index) -> None:
    index = folder.open()
    for asked in (
        Everybody(),
        All(
            (
                Is("region", ("11",)),
                Between("age", 25, 39),
                Is("taste", ("coffee", "dessert")),
                Not(Between("visits", 3, None)),
            )
        ),
        Not(Between("last_seen", 0, 30)),
        Between("spend", 17, 200),
    ):
        assert index.count(asked) == in_memory.count(asked)
        assert np.array_equal(index.persons(index.resolve(asked)), in_memory.persons(in_memory.resolve(asked)))


def test_a_build_of_another_version_is_none_until_the_next(folder: Folder, source: Path) -> None:
    assert folder.is_ready
    manifest = folder.path / "builds" / folder.current / "manifest.json"
    text = manifest.read_bytes().partition(b"\n")[2].replace(b'"version":2', b'"version":1')
    manifest.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
    assert not folder.is_ready
    with pytest.raises(Damaged):
        folder.open()
    build(source, people.SCHEMA, folder, shard_blocks=2)
    assert folder.is_ready


def test_two_builds_of_the_same_people_are_the_same_bytes(folder: Folder, source: Path) -> None:
    def contents() -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in (folder.path / "builds" / folder.current).iterdir()}

    first = contents()
    build(source, people.SCHEMA, folder, shard_blocks=2)
    assert contents() == first


def test_a_withdrawal_outlives_a_build_that_did_not_see_it(folder: Folder, source: Path) -> None:
    index = folder.open()
    before = index.count(WITHDRAWN)
    person = int(index.persons(index.resolve(WITHDRAWN))[0])
    last = folder.changes.append([Change(0, person, "consent", "marketing", holds=False)])
    assert folder.open().count(WITHDRAWN) == before - 1
    build(source, people.SCHEMA, folder, sequence=0)  # its reader began before the withdrawal
    assert folder.open().count(WITHDRAWN) == before - 1
    build(source, people.SCHEMA, folder, sequence=last)  # says that it saw it; then the people are believed
    assert folder.open().count(WITHDRAWN) == before


def test_a_build_older_than_the_log_is_never_put_in_use(folder: Folder, source: Path) -> None:
    for person in range(1, 6):
        last = folder.changes.append([Change(0, person, "", None, holds=False)])
        build(source, people.SCHEMA, folder, sequence=last)
    in_use = folder.current
    with pytest.raises(Older):
        build(source, people.SCHEMA, folder, sequence=0)
    assert folder.current == in_use
    assert folder.open().sequence == last


BUILDING = """
import signal
import sys
from pathlib import Path
from dure.audiences.population import people
from dure.audiences.storage.build import build
from dure.audiences.storage.folder import Folder

def says(where, _=None):
    print(where, flush=True)
    if str(where) == sys.argv[3]:
        signal.pause()  # here it is killed
says("begins")
build(Path(sys.argv[1]), people.SCHEMA, Folder(Path(sys.argv[2])), shard_blocks=1, progress=says)
says("done")
"""


@pytest.mark.parametrize("after", ["begins", "65536", "131072", "150000"])
def test_a_build_killed_at_any_moment_leaves_the_last_good_index(folder: Folder, source: Path, after: str) -> None:
    in_use, good = folder.current, folder.open().count(Everybody())
    with subprocess.Popen(
        [sys.executable, "-c", BUILDING, str(source), str(folder.path), after], stdout=subprocess.PIPE, text=True
    ) as building:
        assert building.stdout
        assert after in (line.strip() for line in building.stdout)
        building.send_signal(signal.SIGKILL)
    assert building.returncode == -signal.SIGKILL
    assert folder.current == in_use
    assert folder.open().count(Everybody()) == good
    build(source, people.SCHEMA, folder, shard_blocks=2)
    assert sorted(p.name for p in (folder.path / "builds").iterdir() if p.name.endswith(".part")) == []
    assert folder.current != in_use


APPENDING = """
import sys
from pathlib import Path
from dure.audiences.engine.index import Change
from dure.audiences.storage.log import ChangeLog

log = ChangeLog(Path(sys.argv[1]))
person = 0
while True:
    person += 1
    print(log.append([Change(0, person, "consent", "marketing", False)]), flush=True)
"""


@pytest.mark.parametrize("kills_after", [1, 40, 200])
def test_what_a_killed_append_promised_is_there(tmp_path: Path, kills_after: int) -> None:
    file = tmp_path / "changes.log"
    promised = 0
    with subprocess.Popen([sys.executable, "-c", APPENDING, str(file)], stdout=subprocess.PIPE, text=True) as writing:
        assert writing.stdout
        for line in writing.stdout:
            promised = int(line)
            if promised >= kills_after:
                break
        writing.kill()
    found = list(ChangeLog(file).since(0))
    assert [change.sequence for change in found] == list(range(1, len(found) + 1))
    assert len(found) >= promised >= kills_after
    assert ChangeLog(file).append([Change(0, 7, "", None, holds=False)]) == len(found) + 1


def test_half_a_line_is_cut_off_and_a_changed_one_refused(tmp_path: Path) -> None:
    log = ChangeLog(tmp_path / "changes.log")
    log.append([Change(0, person, "visits", 3) for person in (1, 2, 3)])
    whole = (tmp_path / "changes.log").read_bytes()
    (tmp_path / "changes.log").write_bytes(whole[:-5])
    assert [change.person for change in log.since(0)] == [1, 2]
    assert log.append([Change(0, 9, "visits", 4)]) == 3
    assert [change.person for change in log.since(0)] == [1, 2, 9]
    (tmp_path / "changes.log").write_bytes(whole.replace(b"visits", b"visitz", 1))
    with pytest.raises(Damaged):
        list(log.since(0))


@pytest.mark.parametrize("name", ["0000.roaring", "0001.roaring", "persons.u32", "places.u32", "manifest.json"])
@pytest.mark.parametrize("how", ["a bit", "the end", "all"])
def test_a_damaged_index_is_refused(folder: Folder, name: str, how: str) -> None:
    file = folder.path / "builds" / folder.current / name
    content = bytearray(file.read_bytes())
    if how == "a bit":
        content[len(content) // 2] ^= 1
    file.write_bytes({"a bit": content, "the end": content[:-1], "all": b""}[how])
    with pytest.raises(Damaged):
        folder.open()


def test_without_a_build_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Folder(tmp_path).open()


def test_an_id_that_comes_twice_or_does_not_fit_is_refused(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(people.write(1_000, 1, tmp_path))
    for ids in (np.ones(1_000, np.int64), np.arange(1_000), np.arange(1, 1_001) * 10**7):
        bad = table.set_column(0, "person", [ids])
        pq.write_table(bad, tmp_path / "bad.parquet")
        with pytest.raises(ValueError, match=r"twice|ids are"):
            build(tmp_path / "bad.parquet", people.SCHEMA, Folder(tmp_path / "index"))
        assert Folder(tmp_path / "index").current == ""
        assert list((tmp_path / "index" / "builds").iterdir()) == []
