"""What an order may do next, and what it costs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dure.kit import money
from dure.ordering.values import BillState, CallState, ConcessionState, OrderState, PartState, VisitState

ORDER_TOTAL_MAX = 10_000_000
STALE_AFTER = timedelta(minutes=30)
UNPAID_FOR = timedelta(minutes=30)
TAKEN_FOR = timedelta(minutes=15)
WAYS_MAX = 20
CONCESSION_WAITS = timedelta(hours=24)
BEAT = timedelta(seconds=5)
UNWATCHED_SAID_AFTER = timedelta(seconds=60)
UNWATCHED_PAUSES_AFTER = timedelta(seconds=180)
UNWATCHED_PAUSE = timedelta(minutes=30)
IN_KITCHEN = (OrderState.RECEIVED, OrderState.ACCEPTED, OrderState.COOKING, OrderState.READY)
ENDED = (OrderState.SERVED, OrderState.REFUSED, OrderState.GIVEN_UP)

TRANSITIONS: Mapping[OrderState, tuple[OrderState, ...]] = {
    OrderState.WAITING: (OrderState.RECEIVED, OrderState.GIVEN_UP, OrderState.REFUSED),
    OrderState.RECEIVED: (OrderState.ACCEPTED, OrderState.COOKING, OrderState.READY, OrderState.REFUSED),
    OrderState.ACCEPTED: (OrderState.COOKING, OrderState.READY, OrderState.REFUSED),
    OrderState.COOKING: (OrderState.READY, OrderState.SERVED, OrderState.REFUSED),
    OrderState.READY: (OrderState.SERVED, OrderState.REFUSED),
    OrderState.SERVED: (OrderState.REFUSED,),
    OrderState.REFUSED: (),
    OrderState.GIVEN_UP: (),
}
BILL_TRANSITIONS: Mapping[BillState, tuple[BillState, ...]] = {
    BillState.OPEN: (BillState.SETTLED, BillState.VOID),
    BillState.SETTLED: (BillState.RETURNED,),
    BillState.VOID: (),
    BillState.RETURNED: (),
}
PART_TRANSITIONS: Mapping[PartState, tuple[PartState, ...]] = {
    PartState.TAKEN: (PartState.PAID, PartState.GIVEN_BACK, PartState.WAIVED),
    PartState.PAID: (PartState.RETURNED,),
    PartState.GIVEN_BACK: (),
    PartState.RETURNED: (),
    PartState.WAIVED: (),
}
VISIT_TRANSITIONS: Mapping[VisitState, tuple[VisitState, ...]] = {
    VisitState.OPEN: (VisitState.CLOSED, VisitState.MERGED),
    VisitState.CLOSED: (),
    VisitState.MERGED: (),
}
CALL_TRANSITIONS: Mapping[CallState, tuple[CallState, ...]] = {
    CallState.OPEN: (CallState.ANSWERED,),
    CallState.ANSWERED: (),
}
CONCESSION_TRANSITIONS: Mapping[ConcessionState, tuple[ConcessionState, ...]] = {
    ConcessionState.WAITING: (ConcessionState.DONE, ConcessionState.DECLINED, ConcessionState.EXPIRED),
    ConcessionState.DONE: (),
    ConcessionState.DECLINED: (),
    ConcessionState.EXPIRED: (),
}
RECALLS: Mapping[OrderState, OrderState] = {
    OrderState.ACCEPTED: OrderState.RECEIVED,
    OrderState.COOKING: OrderState.ACCEPTED,
    OrderState.READY: OrderState.COOKING,
    OrderState.SERVED: OrderState.READY,
}


def may_move(before: OrderState, after: OrderState) -> bool:
    """Whether an order may go from one state to another, forwards."""
    return after in TRANSITIONS[before]


def bill_may_move(before: BillState, after: BillState) -> bool:
    """Whether a bill may go from one state to another."""
    return after in BILL_TRANSITIONS[before]


def part_may_move(before: PartState, after: PartState) -> bool:
    """Whether a part of a bill may go from one state to another."""
    return after in PART_TRANSITIONS[before]


def visit_may_move(before: VisitState, after: VisitState) -> bool:
    """Whether a visit may go from one state to another."""
    return after in VISIT_TRANSITIONS[before]


def concession_may_move(before: ConcessionState, after: ConcessionState) -> bool:
    """Whether a concession may go from one state to another."""
    return after in CONCESSION_TRANSITIONS[before]


def needs_second_person(won: int, *, given_today: int, limit: int, day_limit: int) -> bool:
    """Whether somebody who may give `limit` won at once and `day_limit` won a day by themselves, and gave `given_today`, has
    to ask a second person (OWASP ASVS 2.3.5)."""
    return won > limit or given_today + won > day_limit


def call_may_move(before: CallState, after: CallState) -> bool:
    """Whether a call for staff may go from one state to another."""
    return after in CALL_TRANSITIONS[before]


def unit_prices(unit_price: int, quantity: int, discount: int) -> list[int]:
    """Won of each unit of a line after its discount, which the units share by largest remainder. Whoever strikes or splits
    some units from the end leaves the others at exactly these prices."""
    return [unit_price - off for off in money.split(discount, [1] * quantity)]


def next_share(left: int, ways: int, alive: int) -> int:
    """Won of the next equal part, where `left` won are not yet taken and `alive` of `ways` parts are. All parts sum to the
    bill; they differ by one won at most, the earlier ones being the larger."""
    return money.split(left, [1] * (ways - alive))[0] if left and ways > alive else 0


def part_of(amount: int, left: int, left_of_it: int) -> int:
    """What `amount` of `left` won carries of a tax or another part of them: in proportion, and all of it at the end."""
    return left_of_it * amount // left if 0 < amount <= left else 0


def shares_back(won: int, held: Sequence[int], weights: Sequence[int]) -> list[int]:
    """Who gets how much of `won` that go back, where each still holds `held`: by `weights` first (what they paid of that
    very line), then by what they hold; nobody more than they hold. Raises ValueError where that is less than `won`."""
    if won > sum(held):
        raise ValueError("more goes back than was paid")
    first = min(won, sum(min(h, w) for h, w in zip(held, weights, strict=True)))
    capped = [min(h, w) for h, w in zip(held, weights, strict=True)]
    back = money.split(first, capped) if first else [0] * len(held)
    rest = [h - b for h, b in zip(held, back, strict=True)]
    more = money.split(won - first, rest) if won > first else [0] * len(held)
    return [b + m for b, m in zip(back, more, strict=True)]


def is_unwatched(since: datetime | None, *, at: datetime, after: timedelta) -> bool:
    """Whether orders wait without a kitchen screen for longer than `after`; `since`: since when they do, if they do."""
    return since is not None and at - since > after


def is_stale(*, last_active_at: datetime, all_done: bool, at: datetime) -> bool:
    """Whether whoever scans now are other guests: everything was served and paid, and nobody touched it for long."""
    return all_done and at - last_active_at >= STALE_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A group of options of an item: at least `least` and at most `most` of `options`."""

    least: int
    most: int
    options: frozenset[str]


def fits(chosen: Sequence[str], groups: Sequence[Choice]) -> bool:
    """Whether `chosen` is a right choice: nothing twice, nothing foreign, every group within its bounds."""
    picked = set(chosen)
    known = frozenset().union(*(group.options for group in groups)) if groups else frozenset()
    return (
        len(picked) == len(chosen)
        and picked <= known
        and all(group.least <= len(picked & group.options) <= group.most for group in groups)
    )


def choice_text(item: str, options: Sequence[str], note: str) -> str:
    """One comparable text for an item with its options, so that the same choice is one line in the basket."""
    return "|".join((item, *sorted(options), note))
