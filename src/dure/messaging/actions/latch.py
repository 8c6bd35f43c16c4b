"""The egress latch: a database restored from a backup sends nothing.

The database knows its instance and an epoch that grows whenever it sends; a file under DURE_HOME, outside the database and its
backups, knows the same. A copy on another machine lacks the file; an older copy on this one is behind it. Processes that send
from one database share one DURE_HOME.
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from dure.kit import ids
from dure.messaging.models import Latch


def _file() -> Path:
    return Path(settings.HOME) / "latch" / f"{connection.settings_dict['NAME']}.json"


def _outside() -> dict[str, Any] | None:
    try:
        found = json.loads(_file().read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _keep_outside(instance: str, epoch: int) -> None:
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"instance": instance, "epoch": epoch}))
    draft.replace(path)


@transaction.atomic
def turn_latch(*, at: datetime) -> bool:
    """Whether this database may send; if so, its epoch grows here and outside. An empty database is a new Dure's."""
    latch = Latch.objects.select_for_update().order_by("pk").first()
    if latch is None:
        ours = Latch(pk=1, instance=ids.new_public_id("ins"), epoch=1, turned_at=at)
        # Of several who begin at once one writes it, and the others wait here until it is written, outside too.
        Latch.objects.bulk_create([ours], ignore_conflicts=True)
        latch = Latch.objects.select_for_update().get(pk=1)
        if latch.instance == ours.instance:
            _keep_outside(latch.instance, latch.epoch)
            return True
    outside = _outside()
    # A crash between file and commit leaves the file one ahead of us, never more.
    same = outside is not None and outside["instance"] == latch.instance and outside["epoch"] - latch.epoch in (0, 1)
    if not same:
        return False
    latch.epoch = max(latch.epoch, outside["epoch"] if outside else 0) + 1
    latch.turned_at = at
    # The file first: were the database first, a copy of it could look newer than the world outside.
    _keep_outside(latch.instance, latch.epoch)
    latch.save(update_fields=["epoch", "turned_at"])
    return True


@transaction.atomic
def open_latch(*, at: datetime) -> None:
    """An operator says that this copy is the one that lives on. It becomes another instance, so that the old one, should it
    wake, is latched instead where they share a disk. What was waiting when the copy was made is not sent: stop or resume it."""
    latch = Latch.objects.select_for_update().order_by("pk").first()
    epoch = latch.epoch + 1 if latch else 1
    Latch.objects.update_or_create(
        pk=1, defaults={"instance": ids.new_public_id("ins"), "epoch": epoch, "turned_at": at}
    )
    _keep_outside(Latch.objects.get(pk=1).instance, epoch)
