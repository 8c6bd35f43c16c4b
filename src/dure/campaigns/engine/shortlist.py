"""What prices can still change, once they hardly move: two or three edges of one person in five.

Let every price stay inside a span [low, high]. An edge is worth at least its reduced value at the *high* prices and at most the one at
the *low* prices. A person whose (cap+1)-th largest least is t has that many edges worth t or more at any prices of the span: an edge
that is worth at most less than t is never among the best cap+1. It is never chosen, it is nobody's rival, and its critical price lies
below its span. Only the others are *listed*.

Where the cap-th largest least lies above what each of the others is worth at most, nothing can change at all: the person is
*settled*, the critical prices of the chosen lie above their spans and those of the others below. What settled people choose is
added up once. A look at the listed edges of those who are not settled sees what a look at all would, as long as prices and windows
stay inside.

Spans are drawn narrower as windows narrow, for which only the unsettled are gone through. Where a price leaves its span, it gets a new
one, and people with an edge to that campaign are gone through again.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from dure.campaigns.engine.market import (
    F32,
    F64,
    MESSAGES,
    U32,
    WEIGHED,
    WON,
    WORTH,
    Edges,
    Listed,
    Terms,
    _last_and_next,
    costs_of,
    listed_places,
    parts_of,
    rooms_of,
    weighed_value,
)

AROUND = 2.0
"""A span reaches so many widths of the window beyond both of its ends."""
LEAST = 0.003
"""And at least so far, as a share of the price."""
LOOSE = 2.0
"""Spans so many times as wide as they would be drawn now are drawn anew."""
ROUNDING = np.float32(1e-5)
"""Single precision may put a reduced value this far, as a share of the value, from where the bounds see it."""
SOME = np.float32(1e-30)
"""More than nothing: a reduced value of 0 chooses nothing."""
DEAR, CHEAP = 0, 2
"""Columns of what an edge asks of its campaign, beside its weight: the ends of its span."""


@numba.njit(inline="always", cache=True)
def _count(i, bits, sign, campaign, value, cost, costly, jitter, salt, first, asked, place, sums):
    """Add what a settled person chooses, or take it out."""
    for k in range(listed_places(bits, campaign.shape[1], place)):
        e = place[k]
        j = campaign[i, e]
        sums[j, MESSAGES] += sign
        if costly:
            sums[j, WON] += sign * cost[i, e]
        sums[j, WORTH] += sign * value[i, e]
        sums[j, WEIGHED] += sign * weighed_value(i, e, campaign, value, jitter, salt, first, asked)


@numba.njit(parallel=True, cache=True)
def _enlist(
    campaign, value, cost, costly, room, roomy, cap, jitter, salt, first, asked, money_low, money_high, left, narrower, bounds,
    listed, settled, sums,
):  # fmt: skip
    """Settle and list anew who has an edge to a campaign that `left` its span, and, where spans are `narrower`, who is not settled."""
    degree = campaign.shape[1]
    some_left = left.any()
    for part in numba.prange(bounds.shape[0] - 1):
        place = np.empty(degree + 1, np.int64)
        least, most_worth, best = (
            np.empty(degree, np.float32),
            np.empty(degree, np.float32),
            np.empty(cap + 1, np.float32),
        )
        for i in range(bounds[part], bounds[part + 1]):
            if settled[i] or not narrower:
                if not some_left:
                    continue
                touched = False
                for e in range(degree):
                    touched |= left[campaign[i, e]]
                if not touched:
                    continue
            if settled[i]:
                _count(i, listed[i], -1.0, campaign, value, cost, costly, jitter, salt, first, asked, place, sums[part])
            most = min(cap, room[i]) if roomy else cap
            bits, sure = np.uint32(0), True
            if most > 0:
                for e in range(degree):
                    j = campaign[i, e]
                    w = weighed_value(i, e, campaign, value, jitter, salt, first, asked)
                    dear, cheap = w - ROUNDING * w - asked[j, DEAR], w + ROUNDING * w - asked[j, CHEAP]
                    if costly:
                        dear -= money_high[j] * cost[i, e]
                        cheap -= money_low[j] * cost[i, e]
                    there = value[i, e] > 0.0
                    least[e] = dear if there else np.float32(-np.inf)
                    most_worth[e] = cheap if there else np.float32(-np.inf)
                last, next_best = _last_and_next(least, degree, most, best)
                wanted, rivals = np.int32(0), np.int32(0)
                bar = max(last, SOME)
                for e in range(degree):
                    wanted += least[e] >= bar
                    rivals += most_worth[e] >= last
                sure = wanted == rivals and wanted <= most
                if sure:
                    for e in range(degree):
                        bits |= np.uint32(least[e] >= bar) << np.uint32(e)
                else:
                    for e in range(degree):
                        bits |= np.uint32(most_worth[e] >= next_best) << np.uint32(e)
            listed[i], settled[i] = bits, sure
            if sure:
                _count(i, bits, 1.0, campaign, value, cost, costly, jitter, salt, first, asked, place, sums[part])


class Shortlist:
    """What matters to looks with these terms, while prices and windows stay inside its spans."""

    def __init__(self, edges: Edges, terms: Terms) -> None:
        self.edges, self.terms = edges, terms
        campaigns = len(terms.weight)
        self._bounds = parts_of(edges.people)
        self._bits: U32 = np.zeros(edges.people, np.uint32)
        self._settled = np.zeros(edges.people, np.bool_)
        self._sums: F64 = np.zeros((len(self._bounds) - 1, campaigns, 4))
        # Of the price of a message and of the price of a won: no span yet, so that every price is outside.
        self.low, self.high = np.full((2, campaigns), np.inf, np.float32), np.full((2, campaigns), -np.inf, np.float32)

    def serves(self, terms: Terms) -> bool:
        """Whether looks with these terms may go by this list."""
        mine = self.terms
        same = (terms.cap, terms.jitter, terms.salt) == (mine.cap, mine.jitter, mine.salt)
        return same and np.array_equal(terms.weight, mine.weight)

    def covering(self, *, unit_price: F32, money_price: F32, low: F32, width: F32, by_money: bool) -> Listed:
        """What a look at these prices through these windows has to see; spans are drawn anew where they are left or have become too wide.
        Windows that begin at infinity are none."""
        prices, kind = np.stack([unit_price, money_price]), int(by_money)
        least, most = prices.copy(), prices.copy()
        some = np.isfinite(low)
        least[kind] = np.where(some, np.minimum(low, prices[kind]), prices[kind])
        most[kind] = np.where(some, np.maximum(low + width, prices[kind]), prices[kind])
        around = np.zeros_like(prices)
        around[kind] = np.maximum(np.where(some, AROUND * width, 0), LEAST * np.abs(prices[kind]))
        outside = (least < self.low) | (most > self.high)
        inside = ~outside[kind]
        wide = (self.high[kind] - self.low[kind])[inside].sum()
        narrower = bool(inside.any() and wide > LOOSE * (most - least + 2 * around)[kind, inside].sum())
        if narrower:
            self.low[kind] = np.where(inside, np.maximum(self.low, least - around)[kind], self.low[kind])
            self.high[kind] = np.where(inside, np.minimum(self.high, most + around)[kind], self.high[kind])
        self.low = np.where(outside, least - around, self.low)
        self.high = np.where(outside, most + around, self.high)
        if narrower or outside.any():
            self._enlist(outside[0] | outside[1], narrower)
        return Listed(self._bits, self._settled, self._sums.sum(axis=0))

    def near(self, *, unit_price: F32, money_price: F32) -> Listed:
        """Who is settled at these prices, and what may come in question for the others when a price moves by a hair."""
        nothing = np.full(len(unit_price), np.inf, np.float32), np.zeros(len(unit_price), np.float32)
        return self.covering(
            unit_price=unit_price, money_price=money_price, low=nothing[0], width=nothing[1], by_money=False
        )

    def parts(self) -> list[tuple[int, int, F64]]:
        """Where the parts of the people begin and end, and what the settled of each choose, as `Listed.sums`."""
        return list(zip(self._bounds[:-1].tolist(), self._bounds[1:].tolist(), self._sums, strict=True))

    def _enlist(self, left: NDArray[np.bool_], narrower: bool) -> None:
        asked = np.stack([self.high[0], self.terms.weight, self.low[0], np.zeros_like(self.low[0])], axis=1)
        _enlist(
            self.edges.campaign, self.edges.value, *costs_of(self.edges), *rooms_of(self.edges), self.terms.cap,
            np.float32(self.terms.jitter), np.uint64(self.terms.salt), self.edges.first, asked, self.low[1], self.high[1],
            left, narrower, self._bounds, self._bits, self._settled, self._sums,
        )  # fmt: skip
