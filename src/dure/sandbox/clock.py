"""What time it is at the practice providers: the machine's, unless the town that practises with them lives ahead of it."""

from collections.abc import Callable
from datetime import UTC, datetime


def wall() -> datetime:
    """The machine's own clock, in UTC: signatures are compared with it, as a real provider would."""
    return datetime.now(UTC)


_read: Callable[[], datetime] = wall


def now() -> datetime:
    """This instant, in UTC."""
    return _read()


def agree_with(read: Callable[[], datetime]) -> None:
    """Show what `read` shows from now on."""
    global _read
    _read = read
