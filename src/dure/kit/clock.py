"""The one clock. Only pages, jobs and commands read it; everything below takes `at=`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

KST = ZoneInfo("Asia/Seoul")


def wall() -> datetime:
    """What this machine's own clock shows, in UTC: for what is compared with other clocks than ours, as the queue's is."""
    return datetime.now(UTC)


def _moved() -> datetime:
    return wall() + ahead()


_read: Callable[[], datetime] = _moved
_followed: Path | None = None
_known: tuple[int, timedelta] = (0, timedelta())


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


def follow(file: Path | None) -> None:
    """Show from now on what the machine's clock shows and as many seconds more as stand in `file`, whenever it changes:
    so every program of a demo jumps at once. None: the machine's clock alone."""
    global _followed
    _followed = file


def followed() -> Path | None:
    """The file of a demo's clock; None where the clock is the machine's and nobody moves it."""
    return _followed


def ahead() -> timedelta:
    """How far this clock stands ahead of the machine's."""
    global _known
    if _followed is None:
        return timedelta()
    try:
        stamp = _followed.stat().st_mtime_ns
    except FileNotFoundError:
        return timedelta()
    if stamp != _known[0]:
        _known = stamp, timedelta(seconds=float(_followed.read_text()))
    return _known[1]


def keep_ahead(file: Path, by: timedelta) -> None:
    """Write down for everybody who follows `file` how far they stand ahead."""
    draft = file.with_suffix(".new")
    draft.write_text(f"{by.total_seconds()}\n")
    draft.replace(file)
