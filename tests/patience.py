"""Waiting for a condition, never for a time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(ask: Callable[[], T], *, within: float = 30.0) -> T:
    """The first true answer of `ask`; the test fails when there is none `within` that many seconds."""
    end = time.monotonic() + within
    pause = threading.Event()
    while not (answer := ask()):
        assert time.monotonic() < end, f"it did not come true within {within:g} s (last answer: {answer!r})"
        pause.wait(0.02)
    return answer
