"""More than one core upon one question: blocks are handed out in small portions to whoever is free.

Compiled code lets go of the interpreter, so plain threads are enough. A question too small for it stays with whoever asks; on a
machine that has more to do than it has cores nobody helps, because waiting for a helper that is put aside costs more than it
brings; and nobody waits for a helper that is busy with somebody else's question.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

PORTION = 48
"""Blocks handed out at a time."""
WORTH = 3_000
"""Blocks times steps from which help is worth its call, about a millisecond."""


@dataclass(slots=True)
class Machine:
    """What the engine is told of the machine that it runs on: how many may help, and whether it has more to do than it can."""

    hands: int = 1
    is_busy: Callable[[], bool] = lambda: False
    helpers: ThreadPoolExecutor | None = None


machine = Machine()
Found = TypeVar("Found")


def shared(work: Callable[[int, int], Found], blocks: int, steps: int) -> list[Found]:
    """What `work(begin, end)` finds in portions of the blocks, in no order."""
    if machine.hands == 1 or blocks <= PORTION or blocks * steps < WORTH or machine.is_busy():
        return [work(0, blocks)]
    portions = iter(range(0, blocks, PORTION))  # one at a time takes from it: the interpreter's lock sees to it

    def some() -> list[Found]:
        return [work(begin, min(begin + PORTION, blocks)) for begin in portions]

    helping = [_pool().submit(some) for _ in range(machine.hands - 1)]
    found = some()
    for helper in helping:
        if not helper.cancel():
            found += helper.result()
    return found


def _pool() -> ThreadPoolExecutor:
    if machine.helpers is None:
        machine.helpers = ThreadPoolExecutor(machine.hands - 1, thread_name_prefix="dure-count")
    return machine.helpers


def be_alone() -> None:
    """After a fork the helpers are the parent's."""
    machine.helpers = None
