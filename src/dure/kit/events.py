"""News travels back up as facts: frozen, past-tense values that a room publishes inside its transaction.

`project/wiring.py` says who hears each: at once (same transaction, only where money or truth would otherwise split) or
afterwards (a job deferred in the same transaction, so it happens if and only if the fact does).
"""

import dataclasses
import importlib
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from dure.kit import jobs


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened. Fields are plain: str, int, bool, datetime, None, or tuples of them."""

    at: datetime


Hears = Callable[[Any], None]
BELL = "dure_live"

_at_once: dict[type[Fact], list[Hears]] = defaultdict(list)
_afterwards: dict[type[Fact], list[str]] = defaultdict(list)


def at_once(fact: type[Fact], *hears: Hears) -> None:
    """`hears` run inside the transaction of whoever publishes `fact`; if one refuses, nothing happened."""
    _at_once[fact].extend(hears)


def afterwards(fact: type[Fact], *hears: Hears) -> None:
    """`hears` run in the worker, each as its own job, at least once: they must bear repetition."""
    for hear in hears:
        path = f"{hear.__module__}:{hear.__qualname__}"
        _afterwards[fact].append(path)


def publish(fact: Fact) -> None:
    """Tell everybody who hears this fact. Must be called inside the transaction that makes it true."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"{type(fact).__name__} was published outside a transaction")
    for hear in _at_once[type(fact)]:
        hear(fact)
    if _afterwards[type(fact)]:
        written = pack(fact)
        for path in _afterwards[type(fact)]:
            jobs.enqueue("kit.hear", hears=path, fact=written)


def listeners() -> dict[type[Fact], tuple[list[Hears], list[str]]]:
    """Who hears what, for the documentation and its test."""
    return {fact: (_at_once[fact], _afterwards[fact]) for fact in {*_at_once, *_afterwards}}


def pack(fact: Fact) -> dict[str, object]:
    """A fact as JSON for the queue."""
    values = {field.name: getattr(fact, field.name) for field in dataclasses.fields(fact)}
    written = {k: {"at": v.isoformat()} if isinstance(v, datetime) else v for k, v in values.items()}
    return {"fact": f"{type(fact).__module__}:{type(fact).__qualname__}", "values": written}


def unpack(written: dict[str, Any]) -> Fact:
    """The fact that `pack` wrote."""
    values = {
        k: datetime.fromisoformat(v["at"]) if isinstance(v, dict) else tuple(v) if isinstance(v, list) else v
        for k, v in written["values"].items()
    }
    fact: Fact = load(written["fact"])(**values)
    return fact


def load(path: str) -> Any:
    """The object at `module:qualname`."""
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def ring(*topics: str) -> None:
    """Wake whoever watches `topics` on a live page, once the transaction has committed.

    Rung after the commit and not in it: a commit that carries a NOTIFY takes a lock that all others queue for until the
    disk has answered. A ring lost to a crash costs nothing but time: pages ask again by themselves.
    """
    transaction.on_commit(lambda: _ring(sorted(set(topics))))


def _ring(topics: list[str]) -> None:
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(['pg_notify(%s, %s)'] * len(topics))}", [v for t in topics for v in (BELL, t)]
        )


@jobs.job("kit.hear")
def hear(hears: str, fact: dict[str, Any]) -> None:
    """Let one listener hear one fact."""
    load(hears)(unpack(fact))
