"""Traits that an operator adds by name, and who has them: a file of the network's people, or a rule asked anew at each build.

    tags.json      name, titles, rule, and whether a twin knows it already, so that owners may ask
    <name>.u32     the ids of its people, in order

Written whole and renamed, the list last: whoever reads meanwhile reads what was before.
"""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dure.audiences.engine.traits import SET_MAX

NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")


@dataclass(frozen=True, slots=True)
class Tag:
    """One of them. `rule` is a definition as text, empty where a file said who. `live`: the twin in use knows it."""

    name: str
    ko: str
    en: str
    rule: str = ""
    live: bool = False


class Tags:
    """All of them, in one folder."""

    def __init__(self, path: Path) -> None:
        self.path, self._list_of_them = path, path / "tags.json"

    @property
    def stamp(self) -> str:
        """Changes whenever one is added, dropped or comes alive; empty while there is none."""
        try:
            found = self._list_of_them.stat()  # asked at every count
        except FileNotFoundError:
            return ""
        return f"{found.st_ino}:{found.st_mtime_ns}"

    def all(self) -> tuple[Tag, ...]:
        """In the order in which they were added."""
        try:
            told = json.loads(self._list_of_them.read_text())
        except FileNotFoundError:
            return ()
        return tuple(Tag(**one) for one in told)

    def ids(self, name: str) -> NDArray[np.uint32]:
        """Who has it."""
        return np.fromfile(self.path / f"{name}.u32", "<u4")

    def put(self, tag: Tag, ids: NDArray[np.uint32]) -> None:
        """Adds one, or says anew who has it. ValueError for a name that is none, and where there are too many."""
        others = [one for one in self.all() if one.name != tag.name]
        if not NAME.fullmatch(tag.name) or len(others) >= SET_MAX:
            raise ValueError(tag.name)
        self._write(f"{tag.name}.u32", np.unique(ids).astype("<u4").tobytes())
        before = {one.name: one for one in self.all()}
        if tag.name in before:
            self._list([replace(tag, live=one.live) if one.name == tag.name else one for one in self.all()])
        else:
            self._list([*others, tag])

    def drop(self, name: str) -> None:
        """Takes one away. Safe to repeat."""
        self._list([one for one in self.all() if one.name != name])
        (self.path / f"{name}.u32").unlink(missing_ok=True)

    def come_alive(self, names: Iterable[str]) -> None:
        """A twin that knows these is in use."""
        known = set(names)
        self._list([replace(one, live=one.name in known) for one in self.all()])

    def _list(self, tags: Iterable[Tag]) -> None:
        self._write("tags.json", json.dumps([asdict(one) for one in tags], ensure_ascii=False).encode())

    def _write(self, name: str, content: bytes) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        fresh = self.path / f"{name}.fresh"
        with fresh.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self.path / name)
        handle = os.open(self.path, os.O_RDONLY)  # names outlive a power cut too
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
