"""When a friend is a regular. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dure.regulars.values import Stage

FLOWERS = (
    ("목련", "Magnolia"), ("진달래", "Azalea"), ("민들레", "Dandelion"), ("해바라기", "Sunflower"), ("동백", "Camellia"),
    ("수국", "Hydrangea"), ("코스모스", "Cosmos"), ("라일락", "Lilac"), ("국화", "Aster"), ("매화", "Plum"),
    ("제비꽃", "Violet"), ("연꽃", "Lotus"), ("유채", "Canola"), ("백합", "Lily"), ("모란", "Peony"), ("들국화", "Daisy"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RegularRule:
    """A shop's own words: regular = `visits` in `days`; lapsed = away for `lapsed_days`."""

    visits: int = 7
    days: int = 90
    lapsed_days: int = 45


def stage_of(
    *, visits: int, visits_in_window: int, last_visit_at: datetime | None, rule: RegularRule, at: datetime
) -> Stage:
    """LAPSED beats REGULAR: somebody who stayed away is missed however often they came before."""
    if last_visit_at is not None and at - last_visit_at >= timedelta(days=rule.lapsed_days):
        return Stage.LAPSED
    if visits_in_window >= rule.visits:
        return Stage.REGULAR
    return Stage.RETURNING if visits >= 2 else Stage.NEW


def nickname(number: int) -> str:
    """What a shop calls its `number`th friend without learning who it is: `목련 1` … `들국화 1`, `목련 2` …"""
    flower = FLOWERS[(number - 1) % len(FLOWERS)][0]
    return f"{flower} {(number - 1) // len(FLOWERS) + 1}"


HAND_STAMPS_OF_STAFF = 30
HAND_STAMPS_OF_FRIEND = 3


def stamps_for(spent: int, won_per_stamp: int) -> int:
    """Stamps for a visit: one for each full `won_per_stamp` spent, or one for the visit where that is 0."""
    if spent <= 0:
        return 0
    return spent // won_per_stamp if won_per_stamp else 1


def hand_stamps_fit(*, count: int, by_staff_today: int, for_friend_today: int) -> bool:
    """Whether a member of staff may give `count` more stamps by hand today, and this friend may get them."""
    return by_staff_today + count <= HAND_STAMPS_OF_STAFF and for_friend_today + count <= HAND_STAMPS_OF_FRIEND


def taken_from(lots: Sequence[int], points: int) -> tuple[list[int], int]:
    """How many of `points` come from each lot, in the order given, and how many are missing."""
    taken = []
    for remaining in lots:
        taken.append(min(remaining, points))
        points -= taken[-1]
    return taken, points
