"""What an offer takes off a price, and which coupons together take off most. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product

from dure.kit import money
from dure.kit.clock import KST
from dure.offers.values import Line, OfferKind, OfferState, RedemptionState, Stacking

DAY_MINUTES = 24 * 60
CHOICES_MAX = 8

_S = OfferState
TRANSITIONS: Mapping[OfferState, tuple[OfferState, ...]] = {
    _S.DRAFT: (_S.REVIEW, _S.ENDED),
    _S.REVIEW: (_S.RUNNING, _S.DRAFT, _S.ENDED),
    _S.RUNNING: (_S.PAUSED, _S.ENDED),
    _S.PAUSED: (_S.RUNNING, _S.ENDED),
    _S.ENDED: (),
}


REDEMPTION_TRANSITIONS: Mapping[RedemptionState, tuple[RedemptionState, ...]] = {
    RedemptionState.RESERVED: (RedemptionState.COMMITTED, RedemptionState.RELEASED),
    RedemptionState.COMMITTED: (RedemptionState.RETURNED,),
    RedemptionState.RELEASED: (),
    RedemptionState.RETURNED: (),
}


def may_move(before: OfferState, after: OfferState) -> bool:
    """Whether an offer may go from one state to another."""
    return after in TRANSITIONS[before]


def redemption_may_move(before: RedemptionState, after: RedemptionState) -> bool:
    """Whether the use of a coupon may go from one state to another."""
    return after in REDEMPTION_TRANSITIONS[before]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """An offer's terms in won, per cent or units by `kind`. No item and no section means everything; no day, every day
    (0 is Monday); no minute, all day. Minutes count from midnight in Korea; a window may pass midnight and then belongs
    to the day on which it began."""

    kind: OfferKind
    value: int
    ceiling: int | None = None
    minimum_spend: int = 0
    buy: int = 0
    items: frozenset[str] = frozenset()
    sections: frozenset[str] = frozenset()
    days: frozenset[int] = frozenset()
    from_minute: int | None = None
    until_minute: int | None = None
    stacking: Stacking = Stacking.ALONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A coupon as the choice among coupons sees it."""

    coupon_id: int
    offer_id: int
    terms: Terms
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """A coupon on a bill: the won it takes off each line."""

    candidate: Candidate
    lines: tuple[int, ...]

    @property
    def discount(self) -> int:
        return sum(self.lines)


def holds_at(terms: Terms, at: datetime) -> bool:
    """Whether the offer's days and hours include this instant, by Korean time."""
    local = at.astimezone(KST)
    minute, begin, end = local.hour * 60 + local.minute, terms.from_minute, terms.until_minute
    if begin is None or end is None:
        return _on_day(terms, local)
    if begin < end:
        return begin <= minute < end and _on_day(terms, local)
    if minute >= begin:
        return _on_day(terms, local)
    return minute < end and _on_day(terms, local - timedelta(days=1))


def _on_day(terms: Terms, local: datetime) -> bool:
    return not terms.days or local.weekday() in terms.days


def fits(terms: Terms, line: Line) -> bool:
    """Whether the offer speaks of this line."""
    anything = not terms.items and not terms.sections
    return anything or line.item in terms.items or line.section in terms.sections


def spend_on(terms: Terms, lines: Iterable[Line]) -> int:
    """Won, before any discount, of the lines that the offer speaks of: what its minimum spend is compared with."""
    return sum(line.total for line in lines if fits(terms, line))


def discounts(terms: Terms, lines: Sequence[Line], left: Sequence[int] | None = None) -> tuple[int, ...]:
    """Won off each line, where `left` won of each are still to be paid (all of them, if nothing is said).

    Nothing below the minimum spend; never more than a line still costs; a percentage is of what is left, rounded down;
    a discount on several lines is shared by largest remainder of what each of them would give.
    """
    rest = [line.total for line in lines] if left is None else list(left)
    nothing = (0,) * len(lines)
    if spend_on(terms, lines) < max(1, terms.minimum_spend):
        return nothing
    if terms.kind in (OfferKind.AMOUNT, OfferKind.PERCENT):
        weights = [won if fits(terms, line) else 0 for line, won in zip(lines, rest, strict=True)]
        off = terms.value if terms.kind == OfferKind.AMOUNT else sum(weights) * terms.value // 100
    else:
        units = _free_units(terms, lines)
        weights = [min(n * line.unit_price, won) for n, line, won in zip(units, lines, rest, strict=True)]
        off = sum(weights)
    if terms.ceiling is not None:
        off = min(off, terms.ceiling)
    off = min(off, sum(weights))
    return tuple(money.split(off, weights)) if off > 0 else nothing


def _free_units(terms: Terms, lines: Sequence[Line]) -> list[int]:
    """How many units of each line are free: the dearest after those that must be bought; ties go to the earlier line."""
    free = [0] * len(lines)
    mine = sorted((i for i, line in enumerate(lines) if fits(terms, line)), key=lambda i: (-lines[i].unit_price, i))
    bought = terms.buy if terms.kind == OfferKind.BUY_GET else 0
    given = terms.value
    if bought and sum(lines[i].quantity for i in mine) < bought + given:
        return free
    for i in mine:
        paid = min(bought, lines[i].quantity)
        free[i] = min(given, lines[i].quantity - paid)
        bought, given = bought - paid, given - free[i]
    return free


def discount_of(terms: Terms, lines: Sequence[Line]) -> int:
    """Won off these lines in all."""
    return sum(discounts(terms, lines))


_TURNS = {OfferKind.BUY_GET: 0, OfferKind.FREE_ITEM: 1, OfferKind.PERCENT: 2, OfferKind.AMOUNT: 3}


def applied(candidates: Iterable[Candidate], lines: Sequence[Line]) -> tuple[Use, ...]:
    """These coupons one after the other, each on what the ones before it left: free units first, then percentages, then
    amounts, points last. The order is fixed, so the same coupons always take off the same."""
    turns = sorted(
        candidates,
        key=lambda c: (c.terms.stacking == Stacking.POINTS, _TURNS[c.terms.kind], c.expires_at, c.coupon_id),
    )
    left = [line.total for line in lines]
    uses = []
    for candidate in turns:
        off = discounts(candidate.terms, lines, left)
        left = [won - one for won, one in zip(left, off, strict=True)]
        uses.append(Use(candidate, off))
    return tuple(uses)


def stacks(candidates: Sequence[Candidate]) -> bool:
    """Whether these coupons may be used together: one alone, or at most one of each group."""
    groups = [c.terms.stacking for c in candidates]
    return len(groups) <= 1 or (Stacking.ALONE not in groups and len(set(groups)) == len(groups))


def best_combination(candidates: Iterable[Candidate], lines: Sequence[Line]) -> tuple[Use, ...]:
    """The coupons that together take off most; of equals the fewest, then those that expire first.

    Exact, by trying all, over the CHOICES_MAX different offers of each group that take off most by themselves: with three
    groups at most 9³ + 8 = 737 combinations. Coupons of one offer are alike but for their expiry: the first is tried.
    """
    groups = _choices(candidates, lines)
    alone = groups.pop(Stacking.ALONE, [])
    together = product(*([None, *group] for group in groups.values()))
    tries = [(one,) for one in alone] + [tuple(one for one in picked if one) for picked in together]
    return min((applied(one, lines) for one in tries), key=_worse)


def _worse(uses: Sequence[Use]) -> tuple[int, int, list[datetime], list[int]]:
    expiries = sorted(use.candidate.expires_at for use in uses)
    return (-sum(use.discount for use in uses), len(uses), expiries, [use.candidate.coupon_id for use in uses])


def _choices(candidates: Iterable[Candidate], lines: Sequence[Line]) -> dict[Stacking, list[Candidate]]:
    alike: dict[tuple[int, Terms], Candidate] = {}
    for one in sorted(candidates, key=lambda c: (c.expires_at, c.coupon_id)):
        alike.setdefault((one.offer_id, one.terms), one)
    groups: dict[Stacking, list[Candidate]] = defaultdict(list)
    strength = {one.coupon_id: discount_of(one.terms, lines) for one in alike.values()}
    for one in sorted(alike.values(), key=lambda c: (-strength[c.coupon_id], c.expires_at, c.coupon_id)):
        if strength[one.coupon_id] and len(groups[one.terms.stacking]) < CHOICES_MAX:
            groups[one.terms.stacking].append(one)
    return groups


def best_first(candidates: Iterable[Candidate], lines: Sequence[Line]) -> list[Candidate]:
    """Those that take something off by themselves, the largest discount first, then the one that expires first."""
    useful = [(c, off) for c in candidates if (off := discount_of(c.terms, lines)) > 0]
    return [c for c, off in sorted(useful, key=lambda pair: (-pair[1], pair[0].expires_at, pair[0].coupon_id))]


def shares(amount: int, bps: Mapping[str, int]) -> dict[str, int]:
    """Who pays how much of a discount of `amount` won, by basis points that add up to 10,000 (largest remainder)."""
    if sum(bps.values()) != money.BPS:
        raise ValueError(f"shares must add up to {money.BPS}: {bps}")
    return dict(zip(bps, money.split(amount, list(bps.values())), strict=True))
