"""Who may be written to, when; how long the law keeps something; what of a secret is kept."""

import calendar
import hashlib
import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from dure.kit.clock import KST
from dure.messaging.values import AD_MARK, Medium, MessageKind
from dure.people.values import MEDIUM_PURPOSE, Purpose

NIGHT_BEGINS, NIGHT_ENDS = time(21), time(8)


class Ban(StrEnum):
    """Why a message may not go out."""

    NO_CONSENT = "no_consent"
    NIGHT = "night"
    NOT_MARKED = "not_marked"
    GONE = "gone"
    STALE = "stale"
    NO_ADDRESS = "no_address"
    REFUSED_ALL = "refused_all"
    REFUSED = "refused"
    REFUSED_TOPIC = "refused_topic"
    REFUSED_MEDIUM = "refused_medium"
    NOT_TOLD = "not_told"
    NOT_CERTIFIED = "not_certified"
    MEDIUM_CLOSED = "medium_closed"
    QUIET = "quiet"
    ENOUGH_TODAY = "enough_today"
    ENOUGH_THIS_WEEK = "enough_this_week"
    ENOUGH_FROM_SENDER = "enough_from_sender"


def is_night(at: datetime) -> bool:
    """21:00 up to 08:00 Korean time (정보통신망법 §50③)."""
    here = at.astimezone(KST).time()
    return here >= NIGHT_BEGINS or here < NIGHT_ENDS


def night_after(at: datetime) -> datetime:
    """When the next night begins."""
    here = at.astimezone(KST)
    tonight = datetime.combine(here.date(), NIGHT_BEGINS, KST)
    return tonight if here < tonight else tonight + timedelta(days=1)


def ban_on(kind: MessageKind, *, title: str, held: Collection[Purpose], at: datetime) -> Ban | None:
    """What forbids this message, given the consents that hold. Information about what the person asked for needs none.

    An advertisement needs consent before it is sent (정보통신망법 §50①), a title that begins with exactly (광고) (§50④,
    시행령 별표 6), and at night a separate consent (§50③).
    """
    if kind == MessageKind.INFORMATION:
        return None
    if Purpose.ADVERTISING not in held:
        return Ban.NO_CONSENT
    if not title.startswith(AD_MARK):
        return Ban.NOT_MARKED
    if Purpose.NIGHT not in held and is_night(at):
        return Ban.NIGHT
    return None


def secret_hash(secret: str) -> bytes:
    """What we keep of a device's secret. It is 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).digest()


def pseudonym(contact: str, secret: str) -> str:
    """A keyed hash of a contact: finds what the law keeps about it again, and tells nothing without the key."""
    key = hashlib.sha256(b"dure.people.pseudonym" + secret.encode()).digest()
    return hmac.new(key, contact.casefold().encode(), hashlib.sha256).hexdigest()


def months_after(day: date, months: int) -> date:
    """The same day `months` later, or the month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


# The gate: may this text go to this person, by this medium, in this moment? One table, read from top to bottom.


class Case(NamedTuple):
    """Everything that the gate looks at for one person and one text by one medium.

    `ad_told_at`, `medium_told_at`, `night_told_at`: when the person last heard of the consent that holds; None where none holds.
    `refused`: the last word to this sender was no. `sale_ended_at`: the newest sale to this sender of the same goods in which the
    contact for this medium was taken down. `handed_day`, `handed_week`: advertisements handed over in the last 24 hours and 7
    days, from all shops; `sender_week` from this one. `local` is the person's own wall clock, `korean` Korea's, each in minutes.
    """

    advertising: bool
    medium: Medium
    gone: bool
    reachable: bool
    in_time: bool
    refused_all: bool
    refused: bool
    refused_medium: bool
    refused_topic: bool
    ad_told_at: datetime | None
    medium_told_at: datetime | None
    night_told_at: datetime | None
    sale_ended_at: datetime | None
    handed_day: int
    handed_week: int
    sender_week: int
    own_day: int | None
    own_week: int | None
    quiet_from: int | None
    quiet_until: int | None
    local: int
    korean: int
    certified: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The operator's own limits on advertising to one person, over all shops and from one."""

    day: int
    week: int
    sender_week: int


NIGHT_FROM, NIGHT_UNTIL, BRAND_UNTIL = 21 * 60, 8 * 60, 20 * 60 + 50
TOLD_EVERY_MONTHS = 24
SALE_MONTHS = 6


def within(minute: int, begins: int, ends: int) -> bool:
    """Whether a minute of the day lies in hours that may run past midnight; equal ends are no hours."""
    return begins <= minute < ends if begins <= ends else minute >= begins or minute < ends


@lru_cache(maxsize=256)
@lru_cache(1_024)
def months_before(at: datetime, months: int) -> datetime:
    """The same wall clock in Korea `months` earlier, on the month's last day where it has no such day."""
    here = at.astimezone(KST)
    day = months_after(here.date(), -months)
    return datetime.combine(day, here.time(), KST)


def by_sale(case: Case) -> bool:
    """The exception for who bought lately: contact from the sale itself, same seller, same goods, within six months."""
    ended = case.sale_ended_at
    return ended is not None and ended <= case.at and ended > months_before(case.at, SALE_MONTHS)


def _consented(case: Case) -> bool:
    return case.ad_told_at is not None and (MEDIUM_PURPOSE[case.medium] is None or case.medium_told_at is not None)


def _night(case: Case) -> bool:
    return within(case.korean, NIGHT_FROM, NIGHT_UNTIL) or within(case.local, NIGHT_FROM, NIGHT_UNTIL)


def _untold(case: Case) -> bool:
    """Of a consent that this text rests on the person has not heard for two years (§50⑧)."""
    since = months_before(case.at, TOLD_EVERY_MONTHS)

    def old(told: datetime | None) -> bool:
        return told is not None and told <= since

    if not by_sale(case) and (old(case.ad_told_at) or (MEDIUM_PURPOSE[case.medium] and old(case.medium_told_at))):
        return True
    return old(case.night_told_at) and _night(case) and case.medium is not Medium.MAIL


def _over(count: int, limit: int | None, other: int | None = None) -> bool:
    return (limit is not None and count >= limit) or (other is not None and count >= other)


Forbids = Callable[[Case, Caps], bool]
FOR_ALL: tuple[tuple[Ban, Forbids], ...] = (
    (Ban.GONE, lambda case, caps: case.gone),
    (Ban.STALE, lambda case, caps: not case.in_time),
    (Ban.NO_ADDRESS, lambda case, caps: not case.reachable),
)
FOR_ADVERTISING: tuple[tuple[Ban, Forbids], ...] = (
    (Ban.REFUSED_ALL, lambda case, caps: case.refused_all),
    (Ban.REFUSED, lambda case, caps: case.refused),
    (Ban.REFUSED_TOPIC, lambda case, caps: case.refused_topic),
    (Ban.REFUSED_MEDIUM, lambda case, caps: case.refused_medium),
    (Ban.NO_CONSENT, lambda case, caps: not _consented(case) and not by_sale(case)),
    (Ban.NOT_TOLD, lambda case, caps: _untold(case)),
    (Ban.NOT_CERTIFIED, lambda case, caps: not case.certified),
    (
        Ban.MEDIUM_CLOSED,
        lambda case, caps: case.medium is Medium.BRAND and within(case.korean, BRAND_UNTIL, NIGHT_UNTIL),
    ),
    (
        Ban.NIGHT,
        lambda case, caps: case.medium is not Medium.MAIL and _night(case) and case.night_told_at is None,
    ),
    (
        Ban.QUIET,
        lambda case, caps: (
            case.quiet_from is not None
            and case.quiet_until is not None
            and within(case.local, case.quiet_from, case.quiet_until)
        ),
    ),
    (Ban.ENOUGH_TODAY, lambda case, caps: _over(case.handed_day, caps.day, case.own_day)),
    (Ban.ENOUGH_THIS_WEEK, lambda case, caps: _over(case.handed_week, caps.week, case.own_week)),
    (Ban.ENOUGH_FROM_SENDER, lambda case, caps: _over(case.sender_week, caps.sender_week)),
)
OTHER_MEDIUM_MAY = frozenset(
    {Ban.NO_ADDRESS, Ban.REFUSED_MEDIUM, Ban.NO_CONSENT, Ban.NOT_TOLD, Ban.NOT_CERTIFIED, Ban.MEDIUM_CLOSED}
)
"""Bans on this way alone: the next medium that the sending names is looked at by itself."""


def verdict(
    case: Case,
    caps: Caps,
    *,
    for_all: Sequence[tuple[Ban, Forbids]] = FOR_ALL,
    for_advertising: Sequence[tuple[Ban, Forbids]] = FOR_ADVERTISING,
) -> Ban | None:
    """The first rule that forbids this case; None when it may go. Information is bound by the first table alone."""
    for ban, forbids in for_all:
        if forbids(case, caps):
            return ban
    if case.advertising:
        for ban, forbids in for_advertising:
            if forbids(case, caps):
                return ban
    return None


def is_marked(title: str) -> bool:
    """Whether a title begins with exactly (광고)."""
    return title.startswith(AD_MARK)


def sleeps(medium: Medium, at: datetime) -> bool:
    """Whether advertising by this medium waits for the morning where its sending did not ask for the night."""
    here = at.astimezone(KST)
    minute = here.hour * 60 + here.minute
    if medium is Medium.MAIL:
        return False
    return within(minute, BRAND_UNTIL if medium is Medium.BRAND else NIGHT_FROM, NIGHT_UNTIL)


def is_day(month: int, day: int) -> bool:
    """Whether some year has this day; 29 February is one."""
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(2024, month)[1]
