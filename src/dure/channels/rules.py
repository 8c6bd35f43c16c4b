"""What may be said, how often, and when a shop's absence is told. Pure."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta

from dure.channels.values import ANSWER_WITHIN, AWAY_EVERY
from dure.kit.language import clean

BURST, BURST_TIME = 10, timedelta(minutes=1)
DAY_MOST, DAY = 100, timedelta(days=1)


def cleaned(text: str) -> str:
    """What was written with its line breaks, each line clean, no more than one empty line between two."""
    kept: list[str] = []
    for line in unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        words = clean(line)
        if words or (kept and kept[-1]):
            kept.append(words)
    return "\n".join(kept).strip()


def too_fast(written: Sequence[datetime], at: datetime) -> bool:
    """Whether one more line now would be more than a person writes: 10 a minute, 100 a day."""
    return (
        sum(1 for when in written if when > at - BURST_TIME) >= BURST
        or sum(1 for when in written if when > at - DAY) >= DAY_MOST
    )


def may_answer(asked_at: datetime | None, at: datetime) -> bool:
    """A shop answers within a week of the guest's last line; it never begins."""
    return asked_at is not None and at - asked_at <= ANSWER_WITHIN


def says_away(open_now: bool, last_away: datetime | None, at: datetime) -> bool:
    """Outside its hours a shop says so, once in a while and not at every line."""
    return not open_now and (last_away is None or at - last_away >= AWAY_EVERY)
