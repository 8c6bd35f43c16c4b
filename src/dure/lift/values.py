"""Words of the lift room."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What may be said of a campaign. WORKED: more came because of it. PROBABLY: more likely than not, one more round will
    tell. UNKNOWN: chance alone could have done it. HURT: fewer came, or people left."""

    WORKED = "worked"
    PROBABLY = "probably"
    UNKNOWN = "unknown"
    HURT = "hurt"


class Footing(StrEnum):
    """What a judgement rests on: the campaign ALONE, or together with a FAMILY of campaigns of similar shops."""

    ALONE = "alone"
    FAMILY = "family"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A campaign's effect on the rate of coming: best guess, and the 90 % range as it is shown. `typical` is the family's
    mean where there is one."""

    verdict: Verdict
    footing: Footing
    low: float
    guess: float
    high: float
    shops: int = 0
    typical: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the sentence speaks of: people written to, won spent on it and won earned more because of it (best guess)."""

    reached: int
    held: int
    coupon: bool
    spent: int
    earned: int
    needed: int | None = None
