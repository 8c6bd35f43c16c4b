"""Toss Payments' core API (contract: README.md in this folder)."""

from datetime import timedelta
from typing import Any

from django.conf import settings

from dure.payments.providers.toss.client import Toss

READ_SECONDS = 5.0
_open: dict[tuple[str, str, float, int], Toss] = {}


def provider() -> Toss:
    """The provider of the settings, with one connection pool per process."""
    chosen: dict[str, Any] = settings.TOSS
    days = int(chosen.get("cancel_days", 0))
    patience = float(chosen.get("read_seconds", READ_SECONDS))
    wanted = (chosen["host"], chosen["secret_key"], patience, days)
    if wanted not in _open:
        _open[wanted] = Toss(*wanted[:3], cancel_window=timedelta(days=days) if days else None)
    return _open[wanted]


def close() -> None:
    """Close every connection; the next call opens new ones."""
    while _open:
        _open.popitem()[1].close()
