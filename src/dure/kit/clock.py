"""The one clock. Only pages, jobs and commands read it; everything below takes `at=`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

KST = ZoneInfo("Asia/Seoul")


def _wall() -> datetime:
    return datetime.now(UTC)


_read: Callable[[], datetime] = _wall


def now() -> datetime:
    """This instant, in UTC."""
    return _read()


@contextmanager
def showing(read: Callable[[], datetime]) -> Iterator[None]:
    """Replace the clock while the block runs, for every thread: a town lives eight weeks in minutes."""
    global _read
    before, _read = _read, read
    try:
        yield
    finally:
        _read = before
