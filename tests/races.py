"""Doing things at the same instant, each on its own connection to the real database."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection


def at_once(*acts: Callable[[], Any], within: float = 30.0) -> list[Any]:
    """Run every act in a thread of its own, released together: each one's result, or the exception it raised."""
    gate = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(number: int) -> None:
        try:
            gate.wait(within)
            results[number] = acts[number]()
        except Exception as refusal:  # noqa: BLE001 - what was raised is the result
            results[number] = refusal
        finally:
            connection.close()

    threads: Sequence[threading.Thread] = [threading.Thread(target=run, args=[n]) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(within)
        assert not thread.is_alive(), f"an act did not end within {within:g} s"
    return results


def somebody_waits_for(what: str) -> bool:
    """Whether some statement that names `what`, a table or a lock, waits for a lock now."""
    return waiting_for(what) > 0


def waiting_for(what: str) -> int:
    """How many statements that name `what` wait for a lock now."""
    with connection.cursor() as cursor:
        # A transaction goes on seeing what it saw at its first look, unless it clears that.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s",
            [f"%{what}%"],
        )
        return int(cursor.fetchone()[0])
