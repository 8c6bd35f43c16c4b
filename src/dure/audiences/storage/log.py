"""What became of people since the index was built: a file that only grows, and is never believed beyond its last whole line.

A change counts when it is on the disk. Each has the next number; a build says up to which number it has seen, and whoever opens
it applies what came after. So a withdrawal outlives every build that was begun before it.
"""

import fcntl
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dure.audiences.engine.containers import Damaged
from dure.audiences.engine.index import Change


class ChangeLog:
    """The changes in one file. Many processes may read it and append to it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def append(self, changes: Iterable[Change]) -> int:
        """Writes the changes with the numbers that come next (their own are passed over); on the disk when this returns.

        Returns the last number. What a kill left half-written is cut off first.
        """
        with self._locked() as held:
            last, end = self._tail(held)
            held.truncate(end)
            held.seek(end)
            lines = []
            for change in changes:
                last += 1
                lines.append(_line(last, change))
            held.write(b"".join(lines))
            held.flush()
            os.fsync(held.fileno())
        return last

    def since(self, sequence: int) -> Iterator[Change]:
        """The changes after a number, in order. Damaged where a whole line in the middle is not what was written."""
        before = 0
        for change, _ in self._lines():
            if change.sequence <= before:
                raise Damaged(f"{self._file.name}: numbers out of order")
            before = change.sequence
            if change.sequence > sequence:
                yield change

    @property
    def last(self) -> int:
        """The number of the last change, 0 where there is none."""
        last = 0
        for change, _ in self._lines():
            last = change.sequence
        return last

    def forget(self, sequence: int) -> None:
        """Lets go of changes up to a number, when no build that may be opened again needs them. The last one stays: it
        keeps the count."""
        with self._locked():
            kept = [change for change, _ in self._lines()]
            kept = [c for c in kept if c.sequence > sequence] or kept[-1:]
            fresh = self._file.with_suffix(".fresh")
            with fresh.open("wb") as out:
                out.write(b"".join(_line(change.sequence, change) for change in kept))
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(self._file)
            sync_folder(self._file.parent)

    def _locked(self) -> Any:
        """The file, held by us alone. Whoever waited while it was replaced opens the new one."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        while True:
            held = self._file.open("a+b")
            fcntl.flock(held, fcntl.LOCK_EX)
            if self._file.exists() and self._file.stat().st_ino == os.fstat(held.fileno()).st_ino:
                return held
            held.close()

    def _tail(self, held: Any) -> tuple[int, int]:
        last = end = 0
        for change, after in self._lines():
            last, end = change.sequence, after
        return last, end

    def _lines(self) -> Iterator[tuple[Change, int]]:
        """Each whole change, and where in the file the next begins."""
        try:
            lines = self._file.open("rb")
        except FileNotFoundError:
            return
        with lines:
            end, size = 0, os.fstat(lines.fileno()).st_size
            for line in lines:
                end += len(line)
                change = _change(line)
                if change is None:
                    if end >= size:
                        return  # the last line, cut off by a kill: it was never promised
                    raise Damaged(f"{self._file.name}: line before byte {end}")
                yield change, end


def sync_folder(folder: Path) -> None:
    """Makes names that were given or changed in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _line(sequence: int, change: Change) -> bytes:
    body = json.dumps(
        [sequence, change.person, change.trait, change.value, change.holds], ensure_ascii=False, separators=(",", ":")
    ).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _change(line: bytes) -> Change | None:
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    body = line[9:-1]
    try:
        if int(line[:8], 16) != zlib.crc32(body):
            return None
        sequence, person, trait, value, holds = json.loads(body)
    except ValueError:
        return None
    return Change(sequence, person, trait, value, holds)
