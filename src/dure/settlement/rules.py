"""What a shop is paid, and when. Pure: whole won, Korean days."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import holidays

from dure.kit import money
from dure.kit.clock import KST
from dure.settlement.values import ExportState, Parts, PayoutState, Sale

_S = PayoutState

# UNKNOWN goes back to DUE only when the bank has said that it never heard of the transfer.
TRANSITIONS: dict[PayoutState, frozenset[PayoutState]] = {
    _S.DUE: frozenset({_S.SENDING, _S.PAID}),
    _S.SENDING: frozenset({_S.PAID, _S.REFUSED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({_S.PAID, _S.REFUSED, _S.DUE}),
    _S.REFUSED: frozenset({_S.DUE, _S.PAID}),
    _S.PAID: frozenset(),
}

# RUNNING again: a crash left a file half written, or the worker tried once more.
EXPORT_TRANSITIONS: dict[ExportState, frozenset[ExportState]] = {
    ExportState.ASKED: frozenset({ExportState.RUNNING}),
    ExportState.RUNNING: frozenset({ExportState.RUNNING, ExportState.READY, ExportState.FAILED}),
    ExportState.FAILED: frozenset({ExportState.RUNNING}),
    ExportState.READY: frozenset({ExportState.GONE}),
    ExportState.GONE: frozenset({ExportState.RUNNING}),
}

# How long a transfer may be on its way before the bank is asked about it.
PATIENCE = timedelta(minutes=1)

FEE_VAT_BPS = 1_000


def may_move(now: PayoutState, to: PayoutState) -> bool:
    """Whether a payout in state `now` may reach `to` in one step."""
    return to in TRANSITIONS[now]


def export_may_move(now: ExportState, to: ExportState) -> bool:
    """Whether an export in state `now` may reach `to`."""
    return to in EXPORT_TRANSITIONS[now]


def standing(sale: Sale, left: int, left_tax_free: int) -> Parts:
    """Every won of a sale of which `left` is still paid, `left_tax_free` of it free of tax.

    A sale and its refunds are differences of standings, so refunds in any pieces and order come to the same as one, and
    a sale that went back whole comes to nothing, fees included. Fees are rounded down to the won, each for itself, in
    the shop's favour; the provider's and the platform's bear value-added tax, a card's fee bears none. Money taken at
    the counter costs nothing and is already the shop's.
    """
    whole = left == sale.amount
    discount = sale.discount * left // sale.amount
    if sale.at_counter:
        card = provider = platform = 0
    else:
        card = money.share_of(left, sale.rates.card)
        provider = money.share_of(left, sale.rates.provider)
        platform = money.share_of(left, sale.rates.platform)
    return Parts(
        subtotal=left + discount,
        discount=discount,
        amount=left,
        tax_free=left_tax_free,
        vat=sale.vat if whole else min(money.vat_in(left - left_tax_free), sale.vat),
        card_fee=card,
        provider_fee=provider,
        platform_fee=platform,
        fee_vat=money.share_of(provider + platform, FEE_VAT_BPS),
        kept=left if sale.at_counter else 0,
    )


def total(parts: Iterable[Parts]) -> Parts:
    """All of them added up."""
    summed = Parts()
    for one in parts:
        summed = summed.plus(one)
    return summed


@cache
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("KR", years=year))


def is_business_day(day: date) -> bool:
    """Whether Korean banks work: no Saturday, Sunday or public holiday, substitutes included."""
    return day.weekday() < 5 and day not in _holidays(day.year)


def deposit_day(period_on: date, days: int) -> date:
    """The day on which the sales of `period_on` are paid: `days` business days later (D+n); with 0 the day itself, or
    the next business day."""
    day, left = period_on, days
    while left > 0 or not is_business_day(day):
        day += timedelta(days=1)
        if is_business_day(day) and left > 0:
            left -= 1
    return day


def korean_day(at: datetime) -> date:
    """The calendar day in Korea."""
    return at.astimezone(KST).date()


def end_of(day: date) -> datetime:
    """The instant at which a Korean day is over."""
    return datetime.combine(day + timedelta(days=1), time(), KST).astimezone(UTC)


def month_of(day: date) -> tuple[date, date]:
    """The first and the last day of a month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
