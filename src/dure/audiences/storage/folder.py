"""The index on disk: builds side by side, a pointer to the one in use, and the changes since.

    builds/<name>/manifest.json     schema, regions, and of every file its size and SHA-256; written last
    builds/<name>/0000.roaring …    shards: each all bitmaps of some blocks, one after the other, in the portable format
    builds/<name>/0000.words …      the long lists of each shard once more, as plain words, in the order of rows and blocks
    builds/<name>/persons.u32       the id of each person, in order        places.u32   the way back, by id
    CURRENT                         the name of the build in use; replaced whole
    changes.log                     see `log`

A build is written under a name of its own, synced, and only then pointed to. Whatever is killed when: the pointer leads to a whole
build, or to none if there never was one. Opening maps the files, so that processes share one copy and nothing is read twice.
"""

import fcntl
import hashlib
import json
import mmap
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.audiences.engine.containers import Damaged, Row, row_of, thick, thickened
from dure.audiences.engine.index import Builder, Index
from dure.audiences.engine.kernel import BLOCK, WORDS
from dure.audiences.engine.layout import places
from dure.audiences.engine.traits import Kind, Schema, Trait
from dure.audiences.storage.log import ChangeLog, sync_folder

FORMAT, VERSION = "dure-audience", 2
SHARD_BLOCKS = 256
"""Blocks in a shard: 16.8 million people."""
NOBODY = np.uint32(2**32 - 1)
PERSON_MAX = 2**32 - 2
KEPT = 2
"""Builds that stay: the one in use, and the one before it, in which somebody may still be reading."""


class Older(ValueError):
    """A build that has not seen all that was forgotten from the log: putting it in use would undo withdrawals."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of bitmaps, and one of words: which blocks, and of each row where its bitmap begins, its length, how many people
    are in it, and how many of its lists are among the words."""

    file: str
    first_block: int
    blocks: int
    size: int
    sha256: str
    rows: list[tuple[int, int, int, int]]
    words_size: int
    words_sha256: str


def write_shard(builder: Builder, folder: Path, number: int) -> Shard:
    """Packs what the builder took into `folder/<number>.roaring` and `.words`, synced."""
    file, beside = folder / f"{number:04d}.roaring", folder / f"{number:04d}.words"
    digest, words_digest, at, words_at, rows = hashlib.sha256(), hashlib.sha256(), 0, 0, []
    with file.open("wb") as out, beside.open("wb") as words_out:
        for bitmap, people in zip(builder.bitmaps(), builder.people.tolist(), strict=True):
            padded = bitmap + bytes(-len(bitmap) % 8)
            out.write(padded)
            digest.update(padded)
            words = thick(row_of(np.frombuffer(padded, np.uint8), builder.first_block + builder.blocks))
            written = words.tobytes()
            words_out.write(written)
            words_digest.update(written)
            rows.append((at, len(bitmap), people, len(words)))
            at += len(padded)
            words_at += len(written)
        for whole in (out, words_out):
            whole.flush()
            os.fsync(whole.fileno())
    first, blocks = builder.first_block, builder.blocks
    return Shard(file.name, first, blocks, at, digest.hexdigest(), rows, words_at, words_digest.hexdigest())


class Folder:
    """One index and its history, in one folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changes = ChangeLog(path / "changes.log")

    @property
    def _builds(self) -> Path:
        return self.path / "builds"

    @contextmanager
    def building(self) -> Iterator[Path]:
        """A fresh folder to build in, ours alone until the end; what an earlier, killed build left is swept away.

        Busy builders wait for one another. What is not published is removed.
        """
        self._builds.mkdir(parents=True, exist_ok=True)
        with (self.path / "building.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in self._builds.glob("*.part"):
                shutil.rmtree(left)
            names = [int(build.name) for build in self._builds.iterdir() if build.name.isdecimal()]
            part = self._builds / f"{max(names, default=0) + 1:06d}.part"
            part.mkdir()
            try:
                yield part
            finally:
                shutil.rmtree(part, ignore_errors=True)

    def publish(
        self,
        part: Path,
        schema: Schema,
        *,
        shards: list[Shard],
        regions: NDArray[np.int64],
        starts: NDArray[np.int64],
        sequence: int,
    ) -> None:
        """Finishes a build of `building` (persons.u32 and the shards are there) and points to it.

        `sequence` is the number of the last change that whoever read the people had seen when they began to read.
        Older where changes after it are gone from the log.
        """
        _write_places(part, int(starts[-1]))
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "sequence": sequence,
            "people": int(starts[-1]),
            "schema": [{**asdict(trait), "kind": trait.kind.value} for trait in schema],
            "regions": regions.tolist(),
            "starts": starts.tolist(),
            "shards": [asdict(shard) for shard in sorted(shards, key=lambda shard: shard.first_block)],
            "files": {
                name: [(part / name).stat().st_size, _digest(part / name)] for name in ("persons.u32", "places.u32")
            },
        }
        text = json.dumps(manifest, ensure_ascii=False, separators=(",", ":")).encode()
        with (part / "manifest.json").open("wb") as out:
            out.write(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
            out.flush()
            os.fsync(out.fileno())
        sync_folder(part)
        first = next(self.changes.since(0), None)
        if first is not None and sequence < first.sequence - 1:
            raise Older(f"the build saw {sequence}, the log begins at {first.sequence}")
        build = part.with_suffix("")
        part.rename(build)
        sync_folder(self._builds)
        pointer = self.path / "CURRENT.fresh"
        with pointer.open("w") as out:
            out.write(build.name)
            out.flush()
            os.fsync(out.fileno())
        pointer.replace(self.path / "CURRENT")
        sync_folder(self.path)
        self._sweep()

    @property
    def current(self) -> str:
        """The name of the build in use; nothing where there is none yet."""
        try:
            return (self.path / "CURRENT").read_text()
        except FileNotFoundError:
            return ""

    @property
    def is_ready(self) -> bool:
        """Whether there is a build in use that this version can read."""
        try:
            return bool(self.current) and bool(_manifest(self._builds / self.current))
        except Damaged:
            return False

    def open(self, *, check: bool = True) -> Index:
        """The index in use, with all changes. FileNotFoundError where there is none; Damaged where it is not what was
        written (`check` reads all of it once, some half a second a gigabyte, and warms it)."""
        build = self.current
        if not build:
            raise FileNotFoundError(self.path / "CURRENT")
        index = opened(self._builds / build, check=check)
        return index.changed(self.changes.since(index.sequence))

    def _sweep(self) -> None:
        """Removes builds that nobody needs, and changes that every build that stays has seen."""
        builds = sorted(build for build in self._builds.iterdir() if build.name.isdecimal())
        for build in builds[:-KEPT]:
            shutil.rmtree(build)
        self.changes.forget(min(map(_seen_by, builds[-KEPT:])))


def opened(build: Path, *, check: bool = True) -> Index:
    """One build as it was published, without later changes. Damaged where it is not what was written."""
    told = _manifest(build)
    try:
        schema = tuple(
            Trait(t["name"], Kind(t["kind"]), tuple(t["values"]), t["low"], t["high"], t["sorted"])
            for t in told["schema"]
        )
        rows = 1 + sum(place.rows for place in places(schema).values())
        people = int(told["people"])
        blocks = max(1, -(-people // BLOCK))
        merged = [
            Row(np.zeros(blocks, np.uint8), np.zeros(blocks, np.uint64), np.zeros(blocks, np.int32))
            for _ in range(rows)
        ]
        in_row = np.zeros(rows, np.int64)
        keep: list[object] = []
        for shard in told["shards"]:
            content = _mapped(build / shard["file"], shard["size"], shard["sha256"] if check else "")
            beside = _mapped(
                (build / shard["file"]).with_suffix(".words"),
                shard["words_size"],
                shard["words_sha256"] if check else "",
            )
            words, words_at = beside.view(np.uint64).reshape(-1, WORDS), 0
            keep += [content, beside]
            if len(shard["rows"]) != rows:
                raise Damaged("another schema")
            span = slice(shard["first_block"], shard["first_block"] + shard["blocks"])
            for number, (at, length, many, lists) in enumerate(shard["rows"]):
                row = row_of(content[at : at + length], blocks)
                if thickened(row, words[words_at : words_at + lists]) != lists:
                    raise Damaged("words")
                words_at += lists
                for whole, piece in zip(_fields(merged[number]), _fields(row), strict=True):
                    whole[span] = piece[span]
                in_row[number] += many
        persons, back = (
            _mapped(build / name, size, sha256 if check else "").view("<u4")
            for name, (size, sha256) in ((name, told["files"][name]) for name in ("persons.u32", "places.u32"))
        )
        return Index(
            schema,
            merged,
            shares=in_row / max(1, people),
            regions=np.array(told["regions"], np.int64),
            starts=np.array(told["starts"], np.int64),
            persons=persons,
            places_of=back,
            sequence=int(told["sequence"]),
            keep=keep,
        )
    except (KeyError, TypeError, ValueError, OSError) as wrong:
        raise wrong if isinstance(wrong, Damaged) else Damaged(f"{build.name}: {wrong}") from wrong


def _seen_by(build: Path) -> int:
    """The last change that a build has seen; none, of one that cannot be read: an older version may still want them all."""
    try:
        return int(_manifest(build)["sequence"])
    except Damaged:
        return 0


def _fields(row: Row) -> Iterable[NDArray[Any]]:
    return row.kinds, row.addresses, row.sizes


def _manifest(build: Path) -> dict[str, Any]:
    try:
        digest, _, text = (build / "manifest.json").read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != digest:
            raise Damaged(f"{build.name}: manifest")
        told: dict[str, Any] = json.loads(text)
    except OSError as wrong:
        raise Damaged(f"{build.name}: {wrong}") from wrong
    if (told.get("format"), told.get("version")) != (FORMAT, VERSION):
        raise Damaged(f"{build.name}: another format or version")
    return told


def _mapped(file: Path, size: int, sha256: str) -> NDArray[np.uint8]:
    with file.open("rb") as opened_file:
        if os.fstat(opened_file.fileno()).st_size != size:
            raise Damaged(f"{file.name}: {size} bytes were written")
        if sha256 and hashlib.file_digest(opened_file, "sha256").hexdigest() != sha256:
            raise Damaged(f"{file.name} is not what was written")
        if size == 0:
            return np.empty(0, np.uint8)
        return np.frombuffer(mmap.mmap(opened_file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        os.fsync(content.fileno())
        return hashlib.file_digest(content, "sha256").hexdigest()


def _write_places(part: Path, people: int) -> None:
    """places.u32 from persons.u32: where each id is, NOBODY where it is nobody's. ValueError where an id comes twice."""
    persons = np.memmap(part / "persons.u32", "<u4", "r") if people else np.empty(0, np.uint32)
    if len(persons) != people:
        raise ValueError(f"{len(persons)} persons, {people} expected")
    highest = int(persons.max()) if people else 0
    if highest > 16 * people + 1_000_000:
        raise ValueError("ids are too far apart for a table by id")
    back = np.full(highest + 1, NOBODY, "<u4")
    for first in range(0, people, 1 << 20):
        piece = persons[first : first + (1 << 20)]
        back[piece] = np.arange(first, first + len(piece), dtype=np.uint32)
    if int((back != NOBODY).sum()) != people:
        raise ValueError("a person comes twice")
    back.tofile(part / "places.u32")
