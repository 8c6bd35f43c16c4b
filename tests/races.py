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
