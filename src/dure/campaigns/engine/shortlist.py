"""Which edges can still matter: once prices hardly move, three in twenty.

Let every price stay inside a span [low, high]. A person whose (cap+1)-th best reduced value at the *high* prices is t has at least
that many edges worth t or more at any prices of the span. An edge that is worth less than t even at the *low* prices is then
never among the best cap+1: it is never chosen, it is nobody's rival, and its critical price lies below its span. A look at the
edges that are left sees bit for bit what a look at all would, as long as prices and the lower ends of windows stay inside.

Where a price leaves its span, it gets a new one, and only people with an edge to that campaign are gone through again.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from dure.campaigns.engine.market import F32, U32, Edges, Terms, _last_and_next, costs_of, rooms_of

AROUND = 2.0
"""A span reaches so many widths of the window to both sides of its price."""
LOOSE, LONG = 4.0, 6.0
"""Spans so many times as wide as they would be drawn now are drawn anew, where the list has more than so many edges a person."""
ROUNDING = 1e-5
"""Single precision may put a reduced value this far, as a share of the value, from where the bounds see it."""


@numba.njit(inline="always", cache=True)
def _bound(i, e, campaign, value, cost, costly, weight, luck, unit_price, money_price):
    """The reduced value of row i's edge e with this luck in the lottery, at these prices."""
    j, v = campaign[i, e], value[i, e]
    r = v * weight[j] * luck - unit_price[j]
    if costly:
        r -= money_price[j] * cost[i, e]
    return r if v > 0.0 else np.float32(-np.inf)


@numba.njit(parallel=True, cache=True)
def _enlist(
    campaign, value, cost, costly, room, roomy, cap, weight, unlucky, lucky, unit_low, unit_high, money_low, money_high, moved, short, threads
):  # fmt: skip
    people, degree = campaign.shape
    for thread in numba.prange(threads):
        reduced, best = np.empty(degree, np.float32), np.empty(cap + 1, np.float32)
        for i in range(people * thread // threads, people * (thread + 1) // threads):
            touched = False
            for e in range(degree):
                touched |= moved[campaign[i, e]]
            if not touched:
                continue
            most = min(cap, room[i]) if roomy else cap
            bits = np.uint32(0)
            if most > 0:
                for e in range(degree):
                    reduced[e] = _bound(i, e, campaign, value, cost, costly, weight, unlucky, unit_high, money_high)
                _, least = _last_and_next(reduced, degree, most, best)
                for e in range(degree):
                    reduced[e] = _bound(i, e, campaign, value, cost, costly, weight, lucky, unit_low, money_low)
                for e in range(degree):
                    bits |= np.uint32(reduced[e] >= least) << np.uint32(e)
            short[i] = bits


class Shortlist:
    """The edges that matter to looks with the weights of `terms` and a lottery no wider than theirs: one bit an edge, uint32 a person."""

    def __init__(self, edges: Edges, terms: Terms) -> None:
        self.edges, self.terms = edges, terms
        self.bits: U32 = np.zeros(edges.people, np.uint32)
        # Of the price of a message and of the price of a won: no span yet, so that every price is outside.
        campaigns = len(terms.weight)
        self.low, self.high = np.full((2, campaigns), np.inf, np.float32), np.full((2, campaigns), -np.inf, np.float32)

    def serves(self, terms: Terms) -> bool:
        """Whether looks with these terms may go by this list."""
        mine = self.terms
        return terms.cap == mine.cap and terms.jitter <= mine.jitter and np.array_equal(terms.weight, mine.weight)

    @property
    def edges_a_person(self) -> float:
        """How long the list is, on a sample."""
        return float(np.bitwise_count(self.bits[::61]).mean())

    def covering(self, *, unit_price: F32, money_price: F32, low: F32, width: F32, by_money: bool) -> U32:
        """The list for a look at these prices whose windows begin at `low`, spans drawn anew where they leave it."""
        prices, kind = np.stack([unit_price, money_price]), int(by_money)
        least = prices.copy()
        least[kind] = np.minimum(low, prices[kind])
        outside = (least < self.low) | (prices > self.high)
        span = self.high[kind] - self.low[kind]
        if not outside.all() and span.sum() > LOOSE * 2 * AROUND * width.sum() and self.edges_a_person > LONG:
            outside[kind] = True
        moved = outside[0] | outside[1]
        if moved.any():
            around = np.zeros_like(prices)
            around[kind] = AROUND * width
            self.low = np.where(outside, least - around, self.low)
            self.high = np.where(outside, prices + around, self.high)
            self._enlist(moved)
        return self.bits

    def _enlist(self, moved: NDArray[np.bool_]) -> None:
        luck = self.terms.jitter / 2 + ROUNDING
        _enlist(
            self.edges.campaign, self.edges.value, *costs_of(self.edges), *rooms_of(self.edges), self.terms.cap,
            self.terms.weight, np.float32(1 - luck), np.float32(1 + luck),
            self.low[0], self.high[0], self.low[1], self.high[1], moved, self.bits, numba.get_num_threads(),
        )  # fmt: skip
