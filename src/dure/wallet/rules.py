"""How much a wallet may hold and move, and when its balance goes back. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dure.kit.clock import KST
from dure.kit.money import BPS
from dure.wallet.values import Limits, Room, TopUpState, WalletState, Why

TRANSITIONS: dict[WalletState, frozenset[WalletState]] = {
    WalletState.ACTIVE: frozenset({WalletState.FROZEN, WalletState.CLOSED}),
    WalletState.FROZEN: frozenset({WalletState.ACTIVE, WalletState.CLOSED}),
    WalletState.CLOSED: frozenset(),
}

WONDERS = timedelta(minutes=30)
"""How long a wallet's page says that a top-up did not happen."""

TOP_UP_TRANSITIONS: dict[TopUpState, frozenset[TopUpState]] = {
    TopUpState.OPEN: frozenset({TopUpState.PAID, TopUpState.FAILED}),
    TopUpState.PAID: frozenset(),
    TopUpState.FAILED: frozenset(),
}

LEAST_REFUND_BPS = 2_000
"""The terms may not ask for less than 80 % to be used before the rest goes back (전자금융거래법 §19②3)."""


def may_move(now: WalletState, to: WalletState) -> bool:
    """Whether a wallet in state `now` may reach `to`."""
    return to in TRANSITIONS[now]


def may_end(now: TopUpState, to: TopUpState) -> bool:
    """Whether a top-up in state `now` may reach `to`."""
    return to in TOP_UP_TRANSITIONS[now]


def day_begins(at: datetime) -> datetime:
    """Midnight in Korea, from which a day's limits count."""
    return at.astimezone(KST).replace(hour=0, minute=0, second=0, microsecond=0)


def room_in(limits: Limits, *, named: bool, balance: int, coming: int, topped_up_today: int, paid_today: int) -> Room:
    """What may still be put in and paid today. `coming` is what open top-ups would add: it counts as held, so that two
    of them at once cannot pass the limit together."""
    most = limits.holding_named if named else limits.holding_anonymous
    holding = max(0, most - balance - coming)
    return Room(
        holding=holding,
        top_up=max(0, min(holding, limits.top_up_a_day - topped_up_today)),
        pay=max(0, limits.pay_a_day - paid_today),
    )


def right_to_return(
    limits: Limits,
    *,
    balance: int,
    peak: int,
    last: int,
    last_at: datetime | None,
    open_for_all: Why | None,
    at: datetime,
) -> tuple[Why, int] | None:
    """By what right how much of `balance` goes back now, the strongest right first; None where there is none.

    `peak` is the balance right after the last top-up, of `last` won at `last_at`. All that is left goes back where the
    operator opened it for everybody, or where it is at most the stated share of the peak; otherwise a last top-up of
    which nothing was spent yet goes back within its days.
    """
    if balance <= 0:
        return None
    if open_for_all is not None:
        return open_for_all, balance
    if balance * BPS <= peak * max(limits.refund_bps, LEAST_REFUND_BPS):
        return Why.USED, balance
    if (
        last_at is not None
        and balance >= peak
        and last <= balance
        and at < last_at + timedelta(days=limits.unused_days)
    ):
        return Why.UNUSED, last
    return None


def refill(*, balance: int, below: int, amount: int, most_a_day: int, refilled_today: int, room: int) -> int:
    """The won that an automatic top-up puts in now; 0 where the balance is enough, the day's limit used or no room left."""
    wanted = balance < below and refilled_today + amount <= most_a_day and amount <= room
    return amount if wanted else 0


def drawn(amount: int, lefts: Sequence[int]) -> tuple[list[int], int]:
    """How much of `amount` each source gives back, the first ones first; and what no source can take."""
    parts = []
    for left in lefts:
        part = min(amount, left)
        parts.append(part)
        amount -= part
    return parts, amount
