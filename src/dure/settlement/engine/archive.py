"""The zip that holds a shop: tables as JSON lines, files beside them, and a manifest that says what there is.

Nothing in it tells when or where it was written, so the same shop is the same bytes.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

FORMAT, VERSION = "dure-shop", 2
"""Of the file's form. What tables and columns there were when it was written, its `schema` says."""
MANIFEST = "manifest.json"
UNPACKED_MAX = 4_000_000_000
PARTS_MAX = 100_000
LINE_MAX = 10_000_000
_BORN = (1980, 1, 1, 0, 0, 0)


class Unreadable(Exception):
    """Not a shop's archive, or a damaged one."""


class Newer(Exception):
    """An archive of a later form than this program knows."""


class Writer:
    """Writes an archive, part by part; `close` writes the manifest. `schema` names each room's last migration."""

    def __init__(self, file: IO[bytes], shop: str, schema: Mapping[str, str]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._manifest: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "shop": shop,
            "schema": dict(schema),
            "tables": [],
            "files": [],
        }

    def table(self, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """One table; returns how many rows it has."""
        digest, count = hashlib.sha256(), 0
        with self._zip.open(_part(f"tables/{name}.jsonl"), "w", force_zip64=True) as part:
            for row in rows:
                line = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
                digest.update(line)
                part.write(line)
                count += 1
        self._manifest["tables"].append({"name": name, "rows": count, "sha256": digest.hexdigest()})
        return count

    def file(self, name: str, content: bytes) -> None:
        """One file as it is."""
        with self._zip.open(_part(name), "w") as part:
            part.write(content)
        self._manifest["files"].append({"name": name, "sha256": hashlib.sha256(content).hexdigest()})

    def close(self) -> None:
        """The manifest, and the end."""
        text = json.dumps(self._manifest, ensure_ascii=False, indent=1)
        with self._zip.open(_part(MANIFEST), "w") as part:
            part.write(text.encode())
        self._zip.close()


@dataclass(frozen=True, slots=True)
class Table:
    """What the manifest says of a table."""

    name: str
    rows: int
    sha256: str


class Reader:
    """Reads an archive of this version or an earlier one and believes none of it: sizes are bounded, and what the manifest
    says is checked. Raises Unreadable, Newer."""

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
            parts = self._zip.infolist()
            if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_MAX:
                raise Unreadable("unpacks to too much")
            said = json.loads(self._bytes(MANIFEST))
            version = said["version"]
            if said["format"] != FORMAT or type(version) is not int or version < 1:
                raise Unreadable("another format")
            if version > VERSION:
                raise Newer(f"version {version}")
            self.schema = {str(room): str(last) for room, last in said["schema"].items()} if version > 1 else {}
            self.shop = str(said["shop"])
            self.tables = [Table(str(one["name"]), int(one["rows"]), str(one["sha256"])) for one in said["tables"]]
            self.files = {str(one["name"]): str(one["sha256"]) for one in said["files"]}
        except (
            zipfile.BadZipFile,
            KeyError,
            TypeError,
            AttributeError,
            ValueError,
            RecursionError,
            OSError,
            NotImplementedError,
        ) as wrong:
            raise Unreadable(type(wrong).__name__) from wrong

    def rows(self, table: Table) -> Iterator[dict[str, Any]]:
        """The rows of a table, checked: too few, too many or others than were written are Unreadable, at the end."""
        digest, count = hashlib.sha256(), 0
        try:
            with self._zip.open(f"tables/{table.name}.jsonl") as part:
                while line := part.readline(LINE_MAX + 1):
                    if len(line) > LINE_MAX:
                        raise Unreadable("a line is too long")
                    digest.update(line)
                    count += 1
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise Unreadable("a row is no object")
                    yield row
        except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, RecursionError, OSError, EOFError) as wrong:
            raise Unreadable(f"{table.name}: {type(wrong).__name__}") from wrong
        if (count, digest.hexdigest()) != (table.rows, table.sha256):
            raise Unreadable(f"{table.name} is not what was written")

    def file(self, name: str) -> bytes:
        """A file that the manifest names, checked."""
        try:
            content = self._bytes(name)
        except (zipfile.BadZipFile, zlib.error, KeyError, OSError, EOFError, NotImplementedError) as wrong:
            raise Unreadable(name) from wrong
        if hashlib.sha256(content).hexdigest() != self.files[name]:
            raise Unreadable(f"{name} is not what was written")
        return content

    def _bytes(self, name: str) -> bytes:
        with self._zip.open(name) as part:
            content = part.read(LINE_MAX + 1)
        if len(content) > LINE_MAX:
            raise Unreadable(f"{name} is too long")
        return content


def _part(name: str) -> zipfile.ZipInfo:
    part = zipfile.ZipInfo(name, _BORN)
    part.compress_type = zipfile.ZIP_DEFLATED
    part.external_attr = 0o644 << 16
    return part
