"""Ways to decide who is written to, side by side. The oracles are told the truth; all others see what a platform sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numba
import numpy as np

from dure.campaigns.engine.allocate import Budgets, Local, Plan, Prices, clear, finish, going_rate
from dure.campaigns.engine.fair import STEEPEST, stand_alone
from dure.campaigns.engine.market import Edges, Terms
from dure.campaigns.engine.plan import tally
from dure.town.engine import living
from dure.town.engine.book import Book, Quadratic
from dure.town.engine.living import luck
from dure.town.engine.story import CAP, Heard, edges_of
from dure.town.engine.world import F32, F64, NEVER, U8, U32, Seen, World

JITTER = 0.04
"""The lottery of the plan: who is near the price is drawn by lot, and ties are broken fairly."""
FIRST_LOOKS = ((16, 20), (4, 10), (1, 14))
NEXT_LOOKS = ((4, 6), (1, 8))
MARKET_CAP = 1
"""A second message of the same week is worth half and tires: the market plans one a person."""
PICK = 512
ALIKE = 100_000


class Nobody:
    """Writes to nobody."""

    key, limited, holdout = "none", True, 0.0

    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def plan(self, week: int, room: U8) -> U32:
        return np.zeros(self.seen.people, np.uint32)

    def hear(self, heard: Heard) -> None:
        pass


class Blast(Nobody):
    """Every shop writes to everybody that it may write to, every week."""

    key, limited = "blast", False

    def plan(self, week: int, room: U8) -> U32:
        every = np.uint32((1 << self.seen.shop.shape[1]) - 1)
        return np.where(room > 0, every, np.uint32(0)).astype(np.uint32)


@numba.njit(parallel=True, cache=True)
def _lots(people, degree, week, seed, found):
    for i in numba.prange(people):
        for e in range(degree):
            found[i, e] = luck(i, PICK + e, week, seed)


def lots(people: int, degree: int, week: int, seed: int) -> F32:
    """(n, d): a lot drawn for every edge, in (0, 1]."""
    found = np.empty((people, degree), np.float32)
    _lots(people, degree, week, seed, found)
    return np.asarray(1 - found, np.float32)


@numba.njit(parallel=True, cache=True)
def _ranked(score, start, order, found):
    for s in numba.prange(len(start) - 1):
        mine = order[start[s] : start[s + 1]]
        found[start[s] : start[s + 1]] = mine[np.argsort(-score[mine])]


@numba.njit(cache=True)
def _pick(ranked, start, turns, budget, room, degree, chosen):
    left = room.copy()
    for n in range(len(turns)):
        s = turns[n]
        sent = 0
        for k in range(start[s], start[s + 1]):
            if sent == budget[s]:
                break
            i, e = ranked[k] // degree, ranked[k] % degree
            if left[i] > 0:
                left[i] -= 1
                chosen[i] |= np.uint32(1) << np.uint32(e)
                sent += 1


class Picking(Nobody, ABC):
    """Every shop writes to the best of those who may still be written to, by its own score, in an order drawn anew each week."""

    def __init__(self, seen: Seen, seed: int) -> None:
        super().__init__(seen)
        self.seed = seed
        self.order = np.argsort(seen.shop.ravel(), kind="stable")
        self.start = np.searchsorted(seen.shop.ravel()[self.order], np.arange(seen.shops + 1))

    @abstractmethod
    def score(self, week: int) -> F32:
        """(n, d): higher is better."""

    def plan(self, week: int, room: U8) -> U32:
        ranked = np.empty_like(self.order)
        _ranked(self.score(week).ravel(), self.start, self.order, ranked)
        turns = np.random.default_rng((self.seed, week)).permutation(self.seen.shops)
        chosen = np.zeros(self.seen.people, np.uint32)
        _pick(ranked, self.start, turns, self.seen.budget, room, self.seen.shop.shape[1], chosen)
        return chosen


class Drawn(Picking):
    """Everybody has the same chance."""

    key = "random"

    def score(self, week: int) -> F32:
        return lots(self.seen.people, self.seen.shop.shape[1], week, self.seed)


class Rfm(Picking):
    """Recency, frequency, spend: each shop's own guests first, then those who go out most."""

    key = "rfm"

    def __init__(self, seen: Seen, seed: int) -> None:
        super().__init__(seen, seed)
        self.visits = seen.visits.astype(np.uint16)
        self.last = np.where(seen.last == NEVER, -128, -1 - seen.last.astype(np.int16)).astype(np.int16)
        self.spent = (seen.visits * seen.ticket[seen.shop]).sum(axis=1)

    def score(self, week: int) -> F32:
        steps = np.quantile(self.spent[self.spent > 0], [0.2, 0.4, 0.6, 0.8]) if (self.spent > 0).any() else np.zeros(4)
        money = np.where(self.spent > 0, 1 + np.searchsorted(steps, self.spent), 0).astype(np.float32)[:, None]
        recent = np.clip(5 - (week - 1 - self.last) // 5, 1, 5)
        often = np.minimum(self.visits, 5)
        points = np.where(self.visits > 0, 10 + recent + often, 0).astype(np.float32) + money
        return np.asarray(points + 0.5 * lots(self.seen.people, self.seen.shop.shape[1], week, self.seed), np.float32)

    def hear(self, heard: Heard) -> None:
        rows, edges = edges_of(heard.came)
        np.add.at(self.visits, (rows, edges), 1)
        self.last[rows, edges] = heard.week
        np.add.at(self.spent, rows, self.seen.ticket[self.seen.shop[rows, edges]])


@dataclass(slots=True)
class Market:
    """The week's plan by prices, from last week's prices and weights. `alpha` 0: the most value in all; 1: proportional fairness."""

    seen: Seen
    seed: int
    alpha: float = 1.0
    prices: Prices | None = None
    weight: F32 = field(default_factory=lambda: np.ones(0, np.float32))
    alone: F64 = field(default_factory=lambda: np.zeros(0))
    gaps: list[float] = field(default_factory=list)
    level: float = 1.0

    def plan(self, value: F32, week: int, room: U8, share: float = 0.0) -> U32:
        """Bits (n,). `share` will be held out by a coin, so that many more are planned: as many messages leave the house."""
        edges = Edges(self.seen.shop, value, room=np.minimum(room, MARKET_CAP).astype(np.uint8))
        budgets = Budgets(messages=np.floor(self.seen.budget / (1 - share)))
        if not (value > 0).any():
            return np.zeros(self.seen.people, np.uint32)
        if self.weight.size == 0:
            self.weight = np.ones(self.seen.shops, np.float32)
        terms = Terms(CAP, self.weight, jitter=JITTER, salt=self.seed * 1_000 + week)
        look = Local(edges)
        level = going_rate(look, terms, budgets)
        looks: tuple[tuple[int, int], ...] = NEXT_LOOKS if self.prices else FIRST_LOOKS
        if self.prices is None:
            start = Prices.none(self.seen.shops)
            start.unit[:] = level
        else:
            start = self.prices.copy()
            # Last week's prices, at what messages cost this week; where they cost nothing, as they were.
            start.unit *= np.float32(level / self.level) if level and self.level else np.float32(1)
        prices = clear(look, terms, budgets, start=start, levels=looks)
        self.level = level or self.level
        plan = finish(edges, budgets, terms, prices, look.shortlist)
        self.prices = prices
        self.gaps.append(plan.gap)
        if self.alpha:
            self._weigh(edges, budgets, plan, week)
        return plan.chosen

    def _weigh(self, edges: Edges, budgets: Budgets, plan: Plan, week: int) -> None:
        """Next week's weights from this week's satisfaction: half the way a week, as `fair` goes half the way a round."""
        if week % 4 == 0 or not self.alone.size:
            self.alone = np.maximum(stand_alone(edges, budgets), 1e-9)
        share = np.clip(tally(edges, plan.chosen, budgets.campaigns)[2] / self.alone, 1e-2, 1)
        wanted = share**-self.alpha
        wanted = np.clip(wanted / np.median(wanted), 1 / STEEPEST, STEEPEST)
        self.weight = np.sqrt(wanted * self.weight).astype(np.float32)


class Response(Nobody):
    """Whoever is expected to come most, message or not. With prices it is planned by the market, without everybody gets the
    best two while budgets last, in an order drawn anew each week."""

    def __init__(self, seen: Seen, seed: int, *, prices: bool) -> None:
        super().__init__(seen)
        self.seed, self.key = seed, "response + prices" if prices else "response"
        self.market = Market(seen, seed) if prices else None
        self.book = Book(seen)

    def plan(self, week: int, room: U8) -> U32:
        return planned(self.seen, self.market, self.book.organic, week, room, self.seed)

    def hear(self, heard: Heard) -> None:
        self.book.hear(heard)
        if heard.week % 4 == 3:
            self.book.learn_organic()


def planned(seen: Seen, market: Market | None, value: F32, week: int, room: U8, seed: int) -> U32:
    """By prices, or first come, first served."""
    if market:
        return market.plan(value, week, room)
    chosen = np.zeros(seen.people, np.uint32)
    order = np.random.default_rng((seed, week)).permutation(seen.people)
    _first_come(order, seen.shop, value, np.minimum(room, CAP), np.floor(seen.budget), chosen)
    return chosen


@numba.njit(cache=True)
def _first_come(order, shop, value, room, budget, chosen):
    """One person after another takes the best edges that shops still have messages for."""
    degree = shop.shape[1]
    for i in order:
        tried = np.uint32(0)
        most = np.int64(room[i])
        while most > 0:
            best = -1
            for e in range(degree):
                free = not (tried >> np.uint32(e)) & np.uint32(1) and value[i, e] > 0
                if free and (best < 0 or value[i, e] > value[i, best]):
                    best = e
            if best < 0:
                break
            tried |= np.uint32(1) << np.uint32(best)
            if budget[shop[i, best]] >= 1:
                budget[shop[i, best]] -= 1
                chosen[i] |= np.uint32(1) << np.uint32(best)
                most -= 1


class Oracle(Nobody):
    """Knows everything that is hidden, sensitivities and sleeping dogs included."""

    def __init__(self, world: World, weeks: int, *, prices: bool) -> None:
        super().__init__(world.seen)
        self.world, self.weeks, self.key = world, weeks, "oracle + prices" if prices else "true uplift"
        self.market = Market(world.seen, world.seed) if prices else None
        self.fatigue = np.zeros(world.seen.people, np.float32)

    def plan(self, week: int, room: U8) -> U32:
        dull = np.exp(-living.DULLS * self.fatigue)[:, None]
        season = self.world.season(week, self.weeks)[self.seen.shop]
        return planned(self.seen, self.market, self.world.effect * dull * season, week, room, self.world.seed)

    def hear(self, heard: Heard) -> None:
        self.fatigue = living.FADES * self.fatigue + np.bitwise_count(heard.reached).astype(np.float32)


class FeatureOracle(Oracle):
    """Knows what messages do on average to people who look alike: the best that could be learned from history, age and place. What it
    may not see is who of them is which."""

    def __init__(self, world: World, weeks: int) -> None:
        super().__init__(world, weeks, prices=True)
        self.key = "feature oracle"
        seen, book = world.seen, Book(world.seen)
        dice = np.random.default_rng(world.seed)
        some = min(ALIKE, seen.shop.size // 2)
        rows, edges = dice.integers(0, seen.people, some), dice.integers(0, seen.shop.shape[1], some)
        alike = Quadratic.fitted(book.features(rows, edges), world.effect[rows, edges].astype(float), logarithm=True)
        value = book.score(alike, np.ones(seen.people, np.uint8)) if world.effect.any() else np.zeros_like(world.effect)
        # What a shop's offer is worth beside others' comes to be known as well.
        guessed = np.bincount(seen.shop.ravel(), value.ravel(), seen.shops)
        true = np.bincount(seen.shop.ravel(), world.effect.ravel(), seen.shops)
        factor = np.where(guessed > 1e-9, true / np.maximum(guessed, 1e-9), 1.0)
        self.value = (value * np.clip(factor, 0.2, 5)[seen.shop]).astype(np.float32)

    def plan(self, week: int, room: U8) -> U32:
        dull = np.exp(-living.DULLS * self.fatigue)[:, None]
        return planned(self.seen, self.market, self.value * dull, week, room, self.world.seed)
