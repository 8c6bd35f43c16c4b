"""The seals' heads outside the database: one line of JSON a seal, appended and forced to the disk, never written again.

Whoever holds SQL alone cannot reach it. `DURE_SEALS` puts the folder elsewhere: on a disk, or a mount of another machine,
that the database's people cannot write to.
"""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from dure.ledger.values import Head


def file() -> Path:
    """Where this database's heads lie."""
    return Path(settings.SEALS) / f"{connection.settings_dict['NAME']}.jsonl"


def known() -> list[Head]:
    """Every head that was written down, oldest first. A line that a crash cut short is no head."""
    try:
        lines = file().read_text().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            said = json.loads(line)
            found.append(Head(int(said["number"]), int(said["last_entry"]), str(said["hash"])))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def keep(heads: Sequence[Head], *, at: datetime) -> None:
    """Write these heads down behind the others; they are on the disk when this returns."""
    path = file()
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(
        json.dumps(
            {
                "number": head.number,
                "last_entry": head.last_entry,
                "hash": head.hash,
                "at": at.astimezone(UTC).isoformat(timespec="seconds"),
            }
        )
        + "\n"
        for head in heads
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        # A line that a crash cut short must not swallow the next one.
        torn = os.fstat(descriptor).st_size and not path.read_bytes().endswith(b"\n")
        os.write(descriptor, (("\n" if torn else "") + text).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_aside(*, at: datetime) -> Path | None:
    """An operator put another database in this one's place: its seals begin their own file. Where the old one lies now."""
    path = file()
    if not path.exists():
        return None
    kept = path.with_suffix(f".{at:%Y%m%dT%H%M%S}")
    path.rename(kept)
    return kept
