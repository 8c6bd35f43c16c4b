"""One look at every person at the present prices: what they would choose, and how each campaign's demand depends on its price.

Pure and compiled (numba). The same function runs over one machine's arrays and over one partition of a cluster.

An edge is a person and a campaign that may write to them, worth `value` won and costing one message and `cost` won. A
person takes the `cap` edges with the largest positive *reduced value*

    r = value - unit_price[campaign] - money_price[campaign] * cost.

An edge stays chosen exactly while its price lies below its *critical price*: with t the best reduced value that it has to
beat (the (cap+1)-th of the person when the edge is chosen, the cap-th when it is not, never below 0), that is
(r - t) above the present unit price. A histogram of critical prices is therefore the campaign's whole demand curve near
its price, and clearing it needs no step size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

CAP_MOST = 8
DEGREE_MOST = 32
BUCKETS = 32
RUN = 16
"""People who are looked at together: near in memory, and a sample of such runs costs what its share of the people costs."""

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Edges:
    """Who may be written to by whom. Row i is the person `first + i`; `campaign` and `value` have shape (people, degree).

    A value of 0 or less is no edge: that is how a row of fewer edges ends, and how consents, refusals, holdouts, quiet weeks and
    frequency caps reach the plan. `cost` (won, same shape) is None where a message costs nothing but itself. `room` (uint8,
    per person) says how many messages the person may still get this week; None means `cap` for everybody.
    """

    campaign: U16
    value: F32
    cost: F32 | None = None
    room: NDArray[np.uint8] | None = None
    first: int = 0

    def __post_init__(self) -> None:
        people, degree = self.campaign.shape
        if degree > DEGREE_MOST:
            raise ValueError(f"{degree} edges a person; the plan is one bit an edge in 32 bits")
        if self.value.shape != (people, degree) or (self.cost is not None and self.cost.shape != (people, degree)):
            raise ValueError("campaign, value and cost must have one shape")
        if self.room is not None and self.room.shape != (people,):
            raise ValueError("room is one number a person")

    @property
    def people(self) -> int:
        return int(self.campaign.shape[0])

    @property
    def degree(self) -> int:
        return int(self.campaign.shape[1])

    def part(self, begin: int, end: int) -> Edges:
        """The people from `begin` up to `end`, without copying."""
        return Edges(
            self.campaign[begin:end],
            self.value[begin:end],
            None if self.cost is None else self.cost[begin:end],
            None if self.room is None else self.room[begin:end],
            self.first + begin,
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """How values are looked at: `cap` messages a person; `weight` a campaign (fairness); `jitter` is the width of the
    lottery: each value is multiplied by 1 + jitter * (U - 1/2), U a hash of person, campaign and `salt`."""

    cap: int
    weight: F32
    jitter: float = 0.0
    salt: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.cap <= CAP_MOST:
            raise ValueError(f"cap is 1 to {CAP_MOST}, not {self.cap}")
        if not 0.0 <= self.jitter < 1.0:
            raise ValueError(f"jitter is 0 up to 1, not {self.jitter}")

    def exact(self) -> Terms:
        """The same without lottery and weights: true values, for the certificate."""
        return Terms(self.cap, np.ones_like(self.weight))


@dataclass(frozen=True, slots=True)
class Demand:
    """What a look saw. `histogram[j, b]`: quantity of campaign j whose critical price lies in bucket b of its window;
    `above[j]`: beyond the window; `used[j]`, `spent[j]`: messages and won chosen at the present prices; `best`: the sum of
    the chosen reduced values (the people's part of the dual bound); `worth[j]`: the sum of chosen values."""

    histogram: F64
    above: F64
    used: F64
    spent: F64
    worth: F64
    best: float

    def __add__(self, other: Demand) -> Demand:
        return Demand(
            self.histogram + other.histogram,
            self.above + other.above,
            self.used + other.used,
            self.spent + other.spent,
            self.worth + other.worth,
            self.best + other.best,
        )


MESSAGES, WON, WORTH, WEIGHED = range(4)
"""The columns of what settled people choose."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a look may leave out (`shortlist`). `bits` (uint32 a person): the edges to look at, of `settled` people (bool) those that
    they choose; `sums` (campaigns, 4): messages, won, worth and weighed values of what they choose."""

    bits: U32
    settled: NDArray[np.bool_]
    sums: F64


_NO_COST = np.zeros((1, 1), np.float32)
_NO_ROOM = np.zeros(1, np.uint8)
_NOTHING = Listed(np.zeros(1, np.uint32), np.zeros(1, np.bool_), np.zeros((1, 4)))


def costs_of(edges: Edges) -> tuple[F32, bool]:
    """Costs as compiled functions take them: an array, and whether it says anything."""
    return (_NO_COST, False) if edges.cost is None else (edges.cost, True)


def rooms_of(edges: Edges) -> tuple[NDArray[np.uint8], bool]:
    """Rooms in the same way."""
    return (_NO_ROOM, False) if edges.room is None else (edges.room, True)


@numba.njit(inline="always", cache=True)
def lottery(person: int, campaign: int, salt: int) -> float:
    """A number of [0, 1) that only (person, campaign, salt) decide: splitmix64 of the three. The fair tie-break."""
    z = np.uint64(person) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(campaign) * np.uint64(0xD1B54A32D192ED03)
    z = z ^ np.uint64(salt)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@numba.njit(inline="always", cache=True)
def _last_and_next(reduced, found, cap, best):
    """The cap-th and the (cap+1)-th largest reduced value, none below 0; `best` is room for cap+1 of them. Written without
    branches, which a processor cannot guess here."""
    if cap <= 2:
        first, second, third = np.float32(0), np.float32(0), np.float32(0)
        for e in range(found):
            r = reduced[e]
            down = min(first, r)
            first = max(first, r)
            third = max(third, min(second, down))
            second = max(second, down)
        return (second, third) if cap == 2 else (first, second)
    for c in range(cap + 1):
        best[c] = 0.0
    for e in range(found):
        r = reduced[e]
        for c in range(cap + 1):
            down = min(best[c], r)
            best[c] = max(best[c], r)
            r = down
    return best[cap - 1], best[cap]


PRICE, WEIGHT, LEFT, SCALE = range(4)
"""What an edge asks of its campaign lies in one line of the cache: the price of a message, the weight of its values, where its
window begins and how many buckets it has a won (both from the present price on)."""


@numba.njit(inline="always", cache=True)
def weighed_value(i, e, campaign, value, jitter, salt, first, asked):
    """Of row i's edge e, with its luck in the lottery."""
    j = campaign[i, e]
    w = value[i, e] * asked[j, WEIGHT]
    if jitter > 0.0:
        w *= np.float32(1.0 + jitter * (lottery(first + i, j, salt) - 0.5))
    return w


@numba.njit(inline="always", cache=True)
def reduced_value(i, e, campaign, value, cost, costly, jitter, salt, first, asked, money_price):
    """Of row i's edge e; -inf where there is no edge."""
    j, v = campaign[i, e], value[i, e]
    r = weighed_value(i, e, campaign, value, jitter, salt, first, asked) - asked[j, PRICE]
    if costly:
        r -= money_price[j] * cost[i, e]
    return r if v > 0.0 else np.float32(-np.inf)


@numba.njit(inline="always", cache=True)
def listed_places(bits, degree, place):
    """The edges of a short list, written to `place` (of room degree + 1) without branches; how many."""
    found = 0
    for e in range(degree):
        place[found] = e
        found += (bits >> np.uint32(e)) & np.uint32(1)
    return found


@numba.njit(parallel=True, cache=True, fastmath={"contract", "arcp", "nsz"})
def _observe(
    campaign, value, cost, costly, room, roomy, listed, short, settled, cap, jitter, salt, first, asked, money_price, by_money, run_from, stride, threads
):  # fmt: skip
    people, degree = campaign.shape
    campaigns = asked.shape[0]
    furthest = np.float32(0)
    for j in range(campaigns):
        furthest = min(furthest, asked[j, LEFT])
    histogram = np.zeros((threads, campaigns, BUCKETS), np.float32)
    # Beyond the window, messages, won and worth of one campaign, side by side for the same reason.
    sums = np.zeros((threads, campaigns, 4), np.float64)
    best_sum = np.zeros(threads, np.float64)
    runs = (first + people + RUN - 1) // RUN
    looked = max(0, (runs - run_from + stride - 1) // stride)
    for thread in numba.prange(threads):
        place, reduced = np.empty(degree + 1, np.int64), np.empty(degree + 1, np.float32)
        best = np.empty(cap + 1, np.float32)
        total = 0.0
        for n in range(looked * thread // threads, looked * (thread + 1) // threads):
            begin = (run_from + n * stride) * RUN - first
            for i in range(max(0, begin), min(people, begin + RUN)):
                if listed and settled[i]:
                    continue
                most = cap
                if roomy:
                    most = min(cap, room[i])
                    if most == 0:
                        continue
                found = degree
                if listed:
                    found = listed_places(short[i], degree, place)
                    for k in range(found):
                        reduced[k] = reduced_value(
                            i, place[k], campaign, value, cost, costly, jitter, salt, first, asked, money_price
                        )
                else:
                    for e in range(degree):
                        reduced[e] = reduced_value(
                            i, e, campaign, value, cost, costly, jitter, salt, first, asked, money_price
                        )
                last, next_best = _last_and_next(reduced, found, most, best)
                near = np.float32(-3.0e38) if by_money else last + furthest
                left = most
                for k in range(found):
                    r = reduced[k]
                    if r < near:
                        continue
                    e = place[k] if listed else k
                    j = campaign[i, e]
                    chosen = left > 0 and r > 0.0 and r >= last
                    if chosen:
                        left -= 1
                        total += r
                        sums[thread, j, 1] += 1.0
                        sums[thread, j, 3] += value[i, e]
                        if costly:
                            sums[thread, j, 2] += cost[i, e]
                    slack = r - (next_best if chosen else last)
                    amount = np.float32(1.0)
                    if by_money:
                        amount = cost[i, e]
                        if amount <= 0.0:
                            continue
                        slack /= amount
                    bucket = (slack - asked[j, LEFT]) * asked[j, SCALE]
                    if bucket >= BUCKETS:
                        sums[thread, j, 0] += amount
                    elif bucket >= 0.0:
                        histogram[thread, j, int(bucket)] += amount
        best_sum[thread] = total
    return histogram, sums, best_sum


def no_window(campaigns: int) -> tuple[F32, F32]:
    """`low` and `width` for a look that asks only what is chosen: half the work of one that draws demand curves."""
    return np.full(campaigns, np.inf, np.float32), np.ones(campaigns, np.float32)


def observe(
    edges: Edges,
    terms: Terms,
    *,
    unit_price: F32,
    money_price: F32,
    low: F32,
    width: F32,
    by_money: bool = False,
    begin: int = 0,
    stride: int = 1,
    listed: Listed | None = None,
) -> Demand:
    """Look once at everybody in every `stride`-th run of sixteen people, from run `begin` of the country on. Prices, `low` and `width`
    (of the window over unit prices, or over money prices with `by_money`) have shape (campaigns,). `listed` says what
    need not be looked at, for which the caller answers (`shortlist`); with it goes everybody. Linear in edges; memory: one histogram a
    thread."""
    if by_money and edges.cost is None:
        raise ValueError("edges without costs have no price of money")
    left = low - (money_price if by_money else unit_price)
    scale = BUCKETS / np.maximum(width, 1e-12)
    first_run = edges.first // RUN
    known = listed or _NOTHING
    histogram, sums, best = _observe(
        edges.campaign,
        edges.value,
        *costs_of(edges),
        *rooms_of(edges),
        listed is not None,
        known.bits,
        known.settled,
        terms.cap,
        np.float32(terms.jitter),
        np.uint64(terms.salt),
        edges.first,
        np.stack([unit_price, terms.weight, left, scale], axis=1).astype(np.float32),
        money_price,
        by_money,
        first_run + (begin - first_run) % stride,
        stride,
        numba.get_num_threads(),
    )
    above, used, spent, worth = np.ascontiguousarray(np.moveaxis(sums.sum(axis=0), 1, 0))
    total = float(best.sum())
    if listed is not None:
        messages, won, settled_worth, weighed = listed.sums.T
        used, spent, worth = used + messages, spent + won, worth + settled_worth
        above = above + np.where(np.isfinite(low), won if by_money else messages, 0)
        total += float(weighed.sum() - messages @ unit_price.astype(np.float64) - won @ money_price.astype(np.float64))
    return Demand(histogram.sum(axis=0, dtype=np.float64), above, used, spent, worth, total)


def parts_of(people: int) -> NDArray[np.int64]:
    """Where the parts begin and end that the threads go through, (parts + 1,)."""
    parts = max(1, min(numba.get_num_threads(), people // 1_000))
    return np.arange(parts + 1, dtype=np.int64) * people // parts


def sampled(people: int, begin: int, stride: int) -> int:
    """How many of `people`, numbered from 0, a look at every `stride`-th run from run `begin` on sees."""
    runs = np.arange(begin, -(-people // RUN), stride)
    return int(np.minimum(people - runs * RUN, RUN).sum())
