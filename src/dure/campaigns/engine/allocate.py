"""Plan a week of messages: who hears from whom, so that the whole is worth the most.

    max  sum v_e x_e    at most `cap` messages a person, each campaign and each shop within its messages and its money,
                        each campaign at least its floor, x in {0, 1}

Every campaign gets a price for a message (and for a won of expected discount, where money is limited); each person then takes
the best `cap` edges after prices. Prices are *cleared*: one look at everybody gives each campaign's demand curve near its
price (`market.observe`), and the new price is the smallest at which demand fits the budget. Dearer rivals only raise the
price at which an edge stays chosen, so there is no step size. They begin at the one price at which
about as much is wanted as there is, with a wide lottery that narrows: where values are alike, they would else climb by its width a look.

For every non-negative prices D = sum price * budget + sum over people of their best reduced values bounds every plan from above
(Lagrangian duality), so `Plan.gap` = (D - value) / D is a certificate that needs no other solver.

The looks come through `Look`, so that the same clearing runs over one machine's arrays and over partitions of a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dure.campaigns.engine.market import BUCKETS, F32, F64, Demand, Edges, Terms, no_window, observe, sampled
from dure.campaigns.engine.plan import complete, value_of
from dure.campaigns.engine.propensity import propensities
from dure.campaigns.engine.shortlist import Shortlist

UNLIMITED = np.inf
LEVELS = ((64, 20), (16, 6), (1, 12))
"""(one person in so many, looks): coarse prices are cheap, and the last looks, at everybody, go by short lists and end when
prices are `CLOSE`."""
CLOSE, BLURRED = 2e-4, 0.2
"""How far amiss the last but one prices may be, as a share of what is chosen; how much a look's blur counts beside that."""
HALVINGS = 10
SURE = 0.02
"""As a share of it, how far a price at which demand fits may be from where it belongs."""
WIDE = 0.4
"""The lottery of the first looks; it narrows to the plan's own."""
SMALL = 20_000
"""Below so many people a sample says too little about a single campaign: all are looked at from the start."""


class Infeasible(ValueError):
    """Floors that no plan can meet. `campaigns` are the ones that fall short, worst first."""

    def __init__(self, campaigns: tuple[int, ...], reason: str) -> None:
        super().__init__(reason)
        self.campaigns = campaigns


@dataclass(frozen=True, slots=True)
class Budgets:
    """What may be spent. Arrays over campaigns: `messages`, `money` (won; inf where unlimited), `floor` (messages it must get).
    `shop[j]` is the shop of campaign j; `shop_messages` and `shop_money` (arrays over shops) bind all campaigns of a shop together."""

    messages: F64
    money: F64 | None = None
    floor: F64 | None = None
    shop: NDArray[np.int32] | None = None
    shop_messages: F64 | None = None
    shop_money: F64 | None = None

    @property
    def campaigns(self) -> int:
        return int(self.messages.shape[0])

    def scaled(self, share: float) -> Budgets:
        """The budgets of a sample of the people."""

        def part(a: F64 | None) -> F64 | None:
            return None if a is None else a * share

        return replace(
            self,
            messages=self.messages * share,
            money=part(self.money),
            floor=part(self.floor),
            shop_messages=part(self.shop_messages),
            shop_money=part(self.shop_money),
        )


@dataclass(slots=True)
class Prices:
    """Won for a message (`unit`) and won for a won of expected discount (`money`), over campaigns, as people see them: a campaign's
    own price plus its shop's. `unit_shop` and `money_shop` (over shops) are the shops' parts. Below zero only where a floor lifts."""

    unit: F32
    money: F32
    unit_shop: F32 = field(default_factory=lambda: np.zeros(0, np.float32))
    money_shop: F32 = field(default_factory=lambda: np.zeros(0, np.float32))
    unit_width: F32 = field(default_factory=lambda: np.zeros(0, np.float32))
    money_width: F32 = field(default_factory=lambda: np.zeros(0, np.float32))

    def copy(self) -> Prices:
        """The same prices, to move without moving these."""
        return Prices(
            self.unit.copy(),
            self.money.copy(),
            self.unit_shop.copy(),
            self.money_shop.copy(),
            self.unit_width,
            self.money_width,
        )

    @classmethod
    def none(cls, campaigns: int) -> Prices:
        return cls(np.zeros(campaigns, np.float32), np.zeros(campaigns, np.float32))


class Look(Protocol):
    """Everybody, as the clearing sees them: one demand at given prices and windows."""

    people: int

    def __call__(
        self,
        terms: Terms,
        *,
        unit_price: F32,
        money_price: F32,
        low: F32,
        width: F32,
        by_money: bool,
        stride: int,
        begin: int,
    ) -> Demand: ...


class Local:
    """This machine's arrays. Looks at everybody through narrow windows go by a short list of the edges that can still matter, and
    see what a look at all edges would."""

    def __init__(self, edges: Edges) -> None:
        self.edges, self.people = edges, edges.people
        self.shortlist: Shortlist | None = None

    def __call__(
        self,
        terms: Terms,
        *,
        unit_price: F32,
        money_price: F32,
        low: F32,
        width: F32,
        by_money: bool,
        stride: int,
        begin: int,
    ) -> Demand:
        listed = None
        # While windows are as wide as prices, nearly every edge lies in one and a list would leave nothing out.
        windows = np.isfinite(low).all()
        narrow = windows and width.sum() < (money_price if by_money else unit_price).sum()
        known = self.shortlist is not None and self.shortlist.serves(terms)
        if stride == 1 and (narrow or (known and not windows)):
            if self.shortlist is None or not self.shortlist.serves(terms):
                self.shortlist = Shortlist(self.edges, terms)
            listed = self.shortlist.covering(
                unit_price=unit_price, money_price=money_price, low=low, width=width, by_money=by_money
            )
        return observe(
            self.edges,
            terms,
            unit_price=unit_price,
            money_price=money_price,
            low=low,
            width=width,
            by_money=by_money,
            begin=begin,
            stride=stride,
            listed=listed,
        )


def clear(
    look: Look,
    terms: Terms,
    budgets: Budgets,
    *,
    start: Prices | None = None,
    levels: tuple[tuple[int, int], ...] = LEVELS,
    progress: Callable[[float], None] | None = None,
) -> Prices:
    """The prices at which demand fits every budget as nearly as the last look tells.

    `start` are yesterday's prices: after a change of budgets a few looks at everybody suffice (`levels=((1, 4),)`).
    """
    if look.people < SMALL:
        levels = ((1, sum(n for _, n in levels)),)
    prices = start.copy() if start else Prices.none(budgets.campaigns)
    # Windows as wide as a typical value: they narrow by themselves, and yesterday's prices may be far from today's.
    typical = np.float32(_typical_value(look, terms, budgets))
    if start is None and budgets.shop_messages is None:
        prices.unit[:] = going_rate(look, terms, budgets, typical=float(typical))
    prices.unit_width = _first_width(look, terms, budgets, start, typical)
    prices.money_width = np.where(prices.money > 0, np.minimum(1, 2 * prices.money), 1).astype(np.float32)
    kinds = [False, True] if budgets.money is not None or budgets.shop_money is not None else [False]
    steps = sum(n / stride for stride, n in levels) * len(kinds)
    done = 0.0
    for level, (stride, looks) in enumerate(levels):
        for n in range(looks):
            # As an auction whose bids begin in large steps: where values are alike, prices climb by the lottery's width a look.
            left = 1 - (n / looks if len(levels) == 1 else level / (len(levels) - 1))
            eased = terms if start else replace(terms, jitter=max(terms.jitter, WIDE * left**3))
            begin = n % stride
            part = budgets.scaled(sampled(look.people, begin, stride) / look.people)
            # A sample misses budgets by chance, and a wide lottery has prices of its own.
            close = stride == 1 and eased.jitter == terms.jitter
            for by_money in kinds:
                amiss = _clear_once(look, eased, part, prices, by_money=by_money, stride=stride, begin=begin)
                done += 1 / stride
                if progress:
                    progress(min(1.0, done / steps))
                close = close and amiss < CLOSE
            if close:
                break
    if progress:
        progress(1.0)
    return prices


def _first_width(look: Look, terms: Terms, budgets: Budgets, start: Prices | None, typical: np.float32) -> F32:
    """As wide as a typical value; from yesterday's prices where demand still fits, as narrow as what one look can tell. Where money or
    shops have a say, what fits is not seen from messages alone."""
    wide = np.full(budgets.campaigns, typical, np.float32)
    if start is None or not (budgets.money is budgets.shop_money is budgets.shop_messages is None):
        return wide
    low, width = no_window(budgets.campaigns)
    seen = look(
        terms, unit_price=start.unit, money_price=start.money, low=low, width=width, by_money=False, stride=1, begin=0
    )
    limited = np.isfinite(budgets.messages)
    there = np.where(limited, budgets.messages, 1)
    missed = np.where(limited, np.abs(seen.used - there), 0)
    # What some campaigns get more of is there for the rivals of all others.
    least = max(SURE, 4 * float(missed.sum() / max(1, there.sum())))
    return np.asarray(np.maximum(wide, start.unit) * np.clip(2 * missed / np.maximum(there, 1), least, 1), np.float32)


def _typical_value(look: Look, terms: Terms, budgets: Budgets) -> float:
    """A first width of the windows: what one chosen message is worth on average, with no prices at all."""
    zero = np.zeros(budgets.campaigns, np.float32)
    stride = max(1, look.people // SMALL)
    low, width = no_window(budgets.campaigns)
    seen = look(terms, unit_price=zero, money_price=zero, low=low, width=width, by_money=False, stride=stride, begin=0)
    return float(seen.best / max(seen.used.sum(), 1.0)) * 2 or 1.0


def going_rate(look: Look, terms: Terms, budgets: Budgets, *, typical: float | None = None) -> float:
    """The one price for all, in won, at which a few more messages are wanted than there are; 0 where there are enough. The clearing
    starts there: from nothing it would climb by hardly more than the lottery's width a look where all values are alike. `typical`:
    won that a message is about worth, where the caller knows it."""
    typical = _typical_value(look, terms, budgets) if typical is None else typical
    stride = max(1, look.people // SMALL)
    there = float(budgets.messages.sum()) * sampled(look.people, 0, stride) / look.people
    low, width = no_window(budgets.campaigns)
    free = np.zeros(budgets.campaigns, np.float32)

    def wanted(price: float) -> float:
        asked = np.full(budgets.campaigns, price, np.float32)
        seen = look(
            terms, unit_price=asked, money_price=free, low=low, width=width, by_money=False, stride=stride, begin=0
        )
        return float(seen.used.sum())

    if wanted(0.0) <= there:
        return 0.0
    cheap, dear = 0.0, typical
    while wanted(dear) > there:
        cheap, dear = dear, 2 * dear
    for _ in range(HALVINGS):
        price = (cheap + dear) / 2
        cheap, dear = (price, dear) if wanted(price) > there else (cheap, price)
    return cheap


def _clear_once(
    look: Look, terms: Terms, budgets: Budgets, prices: Prices, *, by_money: bool, stride: int, begin: int
) -> float:
    """Move the prices once; how far they were amiss before."""
    now, width = (prices.money, prices.money_width) if by_money else (prices.unit, prices.unit_width)
    lifted = budgets.floor is not None and not by_money
    low = (now - width / 2).astype(np.float32)
    if not lifted:
        low = np.maximum(low, np.float32(0))
    seen = look(
        terms,
        unit_price=prices.unit,
        money_price=prices.money,
        low=low,
        width=width,
        by_money=by_money,
        stride=stride,
        begin=begin,
    )
    amiss = _amiss(budgets, prices, seen)
    # What a look cannot tell apart is amiss as well: a price is known to a part of its window.
    blur = float((width * (seen.spent if by_money else seen.used)).sum() / BUCKETS / max(seen.worth.sum(), 1e-30))
    curve = _Curve(low.astype(np.float64), width.astype(np.float64), seen)
    own_budget = budgets.money if by_money else budgets.messages
    own = np.zeros(budgets.campaigns) if own_budget is None else curve.price_for(own_budget)
    own = np.maximum(own, 0)
    priced = own
    shop_budget = budgets.shop_money if by_money else budgets.shop_messages
    if shop_budget is not None and budgets.shop is not None:
        last = prices.money_shop if by_money else prices.unit_shop
        if not last.size:
            last = np.full(len(shop_budget), np.inf, np.float32)
            np.minimum.at(last, budgets.shop, now)
        follows = now <= last[budgets.shop]
        # A follower paid its shop's price and no more. Where it asks for less than its own budget even at its window's lower
        # end, it has no price of its own: the window only says that it lies below.
        own = np.where(follows & (own <= curve.low), 0, own)
        shared = curve.shared_price_for(shop_budget, budgets.shop, own, follows)
        priced = np.maximum(own, shared[budgets.shop])
        if by_money:
            prices.money_shop = shared.astype(np.float32)
        else:
            prices.unit_shop = shared.astype(np.float32)
    if lifted and budgets.floor is not None:
        at_floor = curve.price_for(budgets.floor)
        priced = np.where(budgets.floor > 0, np.minimum(priced, at_floor), priced)
    moved = np.abs(priced - now)
    missed = curve.missed(priced)
    grown = np.where(missed, width * 2, np.maximum(3 * moved, width / 8))
    floor_of_width = 1e-7 + 1e-4 * np.abs(priced)
    now[:] = priced
    width[:] = np.maximum(grown, floor_of_width)
    # At the new prices too: what had none until now, and was asked for too much, has one.
    return max(amiss, _amiss(budgets, prices, seen), BLURRED * blur)


class _Curve:
    """Each campaign's demand as its own price moves: piecewise linear in its window, known only as a step outside."""

    def __init__(self, low: F64, width: F64, seen: Demand) -> None:
        self.low, self.width = low, width
        self.step = width / BUCKETS
        # demand at the left edge of bucket b; the last column is demand at the window's upper end
        tail = np.cumsum(seen.histogram[:, ::-1], axis=1)[:, ::-1]
        self.at_edge = np.concatenate([tail + seen.above[:, None], seen.above[:, None]], axis=1)

    def price_for(self, budget: F64) -> F64:
        """The smallest price with demand <= budget; the window's end where it lies beyond."""
        fits = self.at_edge <= budget[:, None]
        first = np.where(fits.any(axis=1), fits.argmax(axis=1), BUCKETS)
        rows = np.arange(len(budget))
        before = np.maximum(first - 1, 0)
        here, there = self.at_edge[rows, before], self.at_edge[rows, np.minimum(first, BUCKETS)]
        part = np.where(here > there, (here - budget) / np.maximum(here - there, 1e-12), 1.0)
        price = np.where(first == 0, self.low, self.low + (before + np.clip(part, 0, 1)) * self.step)
        price = np.where(fits.any(axis=1), price, self.low + self.width)
        return np.asarray(np.where(np.isinf(budget), 0.0, price))

    def demand_at(self, price: F64) -> F64:
        """Demand at one price a campaign, linear between edges, constant outside the window."""
        place = np.clip((price - self.low) / np.maximum(self.step, 1e-30), 0, BUCKETS)
        left = np.minimum(place.astype(np.int64), BUCKETS - 1)
        rows = np.arange(len(price))
        here, there = self.at_edge[rows, left], self.at_edge[rows, left + 1]
        return np.asarray(here + (there - here) * (place - left))

    def shared_price_for(self, budget: F64, shop: NDArray[np.int32], own: F64, follows: NDArray[np.bool_]) -> F64:
        """For each shop the smallest price m such that its campaigns, each at max(own, m), fit together; bisection within the
        windows of those that `follow` the shop's price, beyond which nothing is known: in one look it moves no further."""
        high, low = np.zeros(len(budget)), np.full(len(budget), np.inf)
        np.maximum.at(high, shop[follows], (self.low + self.width)[follows])
        np.minimum.at(low, shop[follows], np.maximum(self.low, 0)[follows])
        low = np.where(np.isinf(low) | np.isinf(budget), 0.0, low)
        everywhere = np.zeros(len(budget))
        np.maximum.at(everywhere, shop, self.low + self.width)
        high = np.where(high > 0, high, everywhere)

        def too_many(price: F64) -> NDArray[np.bool_]:
            asked = np.bincount(shop, self.demand_at(np.maximum(own, price[shop])), minlength=len(budget))
            return np.asarray(asked > budget)

        least, needed = low, too_many(low)
        for _ in range(40):
            middle = (low + high) / 2
            over = too_many(middle)
            low, high = np.where(over, middle, low), np.where(over, high, middle)
        return np.where(needed, high, least)

    def missed(self, price: F64) -> NDArray[np.bool_]:
        """Whether the price sits at an end of its window, so that the next window has to be wider."""
        return np.asarray((price >= self.low + self.width) | ((price <= self.low) & (price > 0)))


def bound(look: Look, terms: Terms, budgets: Budgets, prices: Prices) -> float:
    """D: no plan that keeps the budgets is worth more. One look at everybody, at true values."""
    low, width = no_window(budgets.campaigns)
    seen = look(
        terms.exact(),
        unit_price=prices.unit,
        money_price=prices.money,
        low=low,
        width=width,
        by_money=False,
        stride=1,
        begin=0,
    )
    return seen.best + float(sum(_times(price, budget) for price, budget, _ in _constraints(budgets, prices, seen)))


def _constraints(budgets: Budgets, prices: Prices, seen: Demand) -> Iterator[tuple[F64, F64, F64]]:
    """Of every kind of budget: what its owners pay, what they have, what they use at the prices at which was `seen`."""
    for price, shop_price, own, shared, used in (
        (prices.unit, prices.unit_shop, budgets.messages, budgets.shop_messages, seen.used),
        (prices.money, prices.money_shop, budgets.money, budgets.shop_money, seen.spent),
    ):
        own_price = price.astype(np.float64)
        if shared is not None and budgets.shop is not None and shop_price.size:
            # A shop's price is paid once, by the shop; a campaign that stands above it pays the rest itself.
            yield (
                shop_price.astype(np.float64),
                shared,
                np.bincount(budgets.shop, used, minlength=len(shared)).astype(np.float64),
            )
            own_price -= shop_price[budgets.shop]
        if own is not None:
            yield np.maximum(own_price, 0), own, used
        if budgets.floor is not None and price is prices.unit:
            yield np.minimum(own_price, 0), budgets.floor, used


def _amiss(budgets: Budgets, prices: Prices, seen: Demand) -> float:
    """By how much demand misses the budgets that have a price, at that price, as a share of what is chosen: how far from their end the
    prices are at most."""
    missed = paid = 0.0
    for price, budget, used in _constraints(budgets, prices, seen):
        asked = price != 0
        # A message too many or too few is no price's fault.
        missed += float(np.abs(price[asked] * np.maximum(np.abs(used - budget)[asked] - 1, 0)).sum())
        paid += float((price[asked] * used[asked]).sum())
    return missed / max(seen.best + paid, 1e-30)


def _times(price: F64, budget: F64) -> float:
    """price x budget, where a price of nothing for what is unlimited is nothing."""
    return float(np.sum(np.where(price != 0, price * np.where(np.isinf(budget), 0, budget), 0.0))) + (
        np.inf if bool(np.any((price > 0) & np.isinf(budget))) else 0.0
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """`chosen[i]`: bit e is set when row i's edge e is sent (uint32). `value`: its true worth; `bound`: what no plan exceeds;
    `used`, `spent`: messages and won a campaign; `weight`: what fairness made of each campaign's values."""

    chosen: NDArray[np.uint32]
    prices: Prices
    value: float
    bound: float
    used: NDArray[np.int64]
    spent: F64
    weight: F32

    @property
    def gap(self) -> float:
        """How far from the best possible plan this one is at most, as a share of it."""
        return (self.bound - self.value) / self.bound if self.bound > 0 else 0.0

    @property
    def certificate(self) -> str:
        return (
            f"plan {self.value:,.0f}, nothing better than {self.bound:,.0f}: within {self.gap:.4%} of the best possible"
        )

    def propensity(self, edges: Edges, terms: Terms) -> F32:
        """With which probability the lottery would have chosen each edge at these prices and this plan's weights: shape (people,
        degree). `edges` may be a part of the people. For estimates that need no other experiment. Raises ValueError without a
        lottery."""
        return propensities(edges, replace(terms, weight=self.weight), self.prices)


def solve(
    edges: Edges,
    budgets: Budgets,
    terms: Terms,
    *,
    start: Prices | None = None,
    levels: tuple[tuple[int, int], ...] = LEVELS,
    progress: Callable[[float], None] | None = None,
) -> Plan:
    """Clear the prices, choose for everybody, certify. The plan keeps every budget exactly. Raises Infeasible."""
    refuse_floors(edges, budgets, terms)
    look = Local(edges)
    prices = clear(look, terms, budgets, start=start, levels=levels, progress=progress)
    return finish(edges, budgets, terms, prices, look.shortlist)


def finish(edges: Edges, budgets: Budgets, terms: Terms, prices: Prices, shortlist: Shortlist | None = None) -> Plan:
    """The whole-message plan at these prices, with its certificate. `shortlist`: of the looks that cleared them, if there is one."""
    chosen, used, spent = complete(edges, budgets, terms, prices, shortlist)
    if budgets.floor is not None:
        short = np.flatnonzero(used < np.floor(budgets.floor))
        if short.size:
            order = short[np.argsort((budgets.floor - used)[short])[::-1]]
            raise Infeasible(tuple(int(j) for j in order), f"{short.size} campaigns cannot get their floor")
    certified = bound(Local(edges), terms, budgets, prices)
    return Plan(chosen, prices, value_of(edges, chosen), certified, used, spent, terms.weight)


def refuse_floors(edges: Edges, budgets: Budgets, terms: Terms) -> None:
    """Refuse floors that cannot be met by counting alone: more than the budget, than those who may be written to, than
    all the attention there is."""
    if budgets.floor is None:
        return
    reach = np.bincount(edges.campaign[edges.value > 0].ravel(), minlength=budgets.campaigns)
    most = np.minimum(budgets.messages, reach)
    short = np.flatnonzero(budgets.floor > most)
    if short.size:
        raise Infeasible(tuple(int(j) for j in short), f"{short.size} floors lie above budget or reach")
    attention = edges.people * terms.cap if edges.room is None else int(np.minimum(edges.room, terms.cap).sum())
    if budgets.floor.sum() > attention:
        raise Infeasible(
            tuple(int(j) for j in np.argsort(budgets.floor)[::-1][:10]), "floors promise more attention than there is"
        )
