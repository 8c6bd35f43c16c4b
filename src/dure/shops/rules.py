"""What follows from hours, roles and names."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from dure.kit.clock import KST
from dure.shops.values import ABILITIES, COUNTER, WALLET, Ability, Category, Opening, OpeningWhy, Role

LOOK_AHEAD_DAYS = 8
SPANS_A_DAY = 4

_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{16}")
_PUBLIC_ID = re.compile(r"[a-z]{2,5}_[0-9a-z]{26}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
_EVERY_DAY = "0123456"

Hours = Mapping[str, Sequence[str]]


def may(role: Role | str | None, ability: Ability) -> bool:
    """Whether somebody with `role` in a shop (None: no role) may do this there."""
    return role is not None and ability in ABILITIES[Role(role)]


def ways_left(offered: Sequence[str], *, online: bool, off: Collection[str]) -> list[str]:
    """The ways by phone that a shop takes, of those that the operator offers, in the operator's order."""
    return [way for way in offered if way not in off] if online else []


def everybody_can_pay(offered: Sequence[str], *, online: bool, off: Collection[str]) -> bool:
    """Whether one way is left that every guest has: the counter, or a provider. A wallet is not everybody's."""
    return COUNTER not in off or any(way != WALLET for way in ways_left(offered, online=online, off=off))


def could_be_code(text: str) -> str | None:
    """The code as printed, from what was scanned or typed; None where it cannot be one."""
    code = text.upper()
    return code if _CODE.fullmatch(code) else None


def could_be_public_id(text: str) -> bool:
    """Whether asking the database for this id makes sense."""
    return _PUBLIC_ID.fullmatch(text) is not None


def usual_hours(category: str) -> dict[str, list[str]]:
    """The opening hours that a new shop of a category starts with."""
    pair = {Category.CAFE: ["08:00", "22:00"], Category.BAKERY: ["08:00", "21:00"], Category.PUB: ["17:00", "02:00"]}
    return {day: list(pair.get(Category(category), ["11:00", "22:00"])) for day in _EVERY_DAY}


def read_hours(hours: object) -> dict[str, list[str]]:
    """Hours as the shop keeps them: for each weekday ("0" is Monday) pairs of opening and closing in order. Only a day's
    last closing may be past midnight, written as a time not after its opening. Raises ValueError."""
    if not isinstance(hours, Mapping):
        raise ValueError("hours are a mapping of weekdays")
    kept: dict[str, list[str]] = {}
    for day, times in hours.items():
        if (
            str(day) not in _EVERY_DAY
            or len(str(day)) != 1
            or not isinstance(times, Sequence)
            or isinstance(times, str)
        ):
            raise ValueError(f"no such day: {day!r}")
        texts = [str(clock) for clock in times]
        if len(texts) % 2 or len(texts) > 2 * SPANS_A_DAY or not all(_CLOCK.fullmatch(text) for text in texts):
            raise ValueError(f"hours of day {day} are pairs of HH:MM")
        before_last = texts[:-1]
        if any(earlier >= later for earlier, later in pairwise(before_last)):
            raise ValueError(f"hours of day {day} are not in order")
        if "24:00" in texts[::2]:
            raise ValueError("a day does not open at its end")
        if texts and texts[0] < texts[-1] <= texts[-2]:
            raise ValueError(f"hours of day {day} overlap")
        if texts:
            kept[str(day)] = texts
    return kept


def opening(*, hours: Hours, paused_until: datetime | None, closed_at: datetime | None, at: datetime) -> Opening:
    """Whether a shop takes orders at `at`: within its hours (closing excluded), not paused, not closed for good."""
    if closed_at is not None and closed_at <= at:
        return Opening(open=False, why=OpeningWhy.CLOSED)
    spans = _spans(hours, at)
    if paused_until is not None and at < paused_until:
        return Opening(open=False, why=OpeningWhy.PAUSED, opens_at=_first_open(spans, paused_until))
    now = next((span for span in spans if span[0] <= at < span[1]), None)
    if now is None:
        return Opening(open=False, why=OpeningWhy.HOURS, opens_at=_first_open(spans, at))
    never = now[1] - at > timedelta(days=LOOK_AHEAD_DAYS - 1)
    return Opening(open=True, why=OpeningWhy.OPEN, closes_at=None if never else now[1])


def business_day(day_starts_at: time, at: datetime) -> date:
    """The day that `at` belongs to for a shop in Korea whose days turn at `day_starts_at`: 01:30 is still yesterday."""
    since_midnight = timedelta(hours=day_starts_at.hour, minutes=day_starts_at.minute)
    return (at.astimezone(KST) - since_midnight).date()


def business_number_holds(digits: str) -> bool:
    """Whether ten digits are a Korean business registration number (weights 1 3 7 1 3 7 1 3 5, the ninth's carry added)."""
    if not re.fullmatch(r"\d{10}", digits):
        return False
    figures = [int(digit) for digit in digits]
    weighed = sum(figure * weight for figure, weight in zip(figures, (1, 3, 7, 1, 3, 7, 1, 3, 5), strict=False))
    return (10 - (weighed + figures[8] * 5 // 10) % 10) % 10 == figures[9]


def _first_open(spans: list[tuple[datetime, datetime]], at: datetime) -> datetime | None:
    return next((max(start, at) for start, end in spans if end > at), None)


def _spans(hours: Hours, at: datetime) -> list[tuple[datetime, datetime]]:
    """Opening spans around `at`, in order, those that touch made one."""
    spans: list[tuple[datetime, datetime]] = []
    for start, end in sorted(_raw_spans(hours, at.astimezone(KST).date())):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans


def _raw_spans(hours: Hours, today: date) -> Iterator[tuple[datetime, datetime]]:
    for offset in range(-1, LOOK_AHEAD_DAYS + 1):
        day = today + timedelta(days=offset)
        times = hours.get(str(day.weekday()), ())
        for opens, closes in zip(times[::2], times[1::2], strict=True):
            start, end = _instant(day, opens), _instant(day, closes)
            yield start, end if end > start else end + timedelta(days=1)


def _instant(day: date, clock: str) -> datetime:
    hour, minute = int(clock[:2]), int(clock[3:])
    return (datetime.combine(day, time(), KST) + timedelta(hours=hour, minutes=minute)).astimezone(UTC)
