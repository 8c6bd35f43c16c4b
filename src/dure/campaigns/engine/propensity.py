"""The lottery's odds: with which probability each message would have been chosen at these prices, had the salt been another.

A person's reduced values are r_e = a_e (1 + jitter (U_e - 1/2)) - c_e with independent uniform U_e, so each is uniform on an
interval of its own, and

    P(e is chosen) = integral over r > 0 of the density of r_e, times P(fewer than `cap` of the others lie above r).

Between the ends of the intervals that is a polynomial in r of degree at most 31, and Gauss-Legendre quadrature with sixteen
nodes integrates it exactly: no simulation, no smoothing. Most edges are chosen always or never; those near the margin are a
randomised experiment that the plan runs for nothing, and these are the weights with which it may be read (Hajek, AIPW).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from dure.campaigns.engine.market import CAP_MOST, DEGREE_MOST, F32, Edges, Terms, costs_of, rooms_of

if TYPE_CHECKING:
    from dure.campaigns.engine.allocate import Prices

_NODES, _SHARES = np.polynomial.legendre.leggauss(DEGREE_MOST // 2)


@numba.njit(inline="always", cache=True)
def _fewer_above(r, e, low, high, degree, most, count):
    """P(fewer than `most` of the other edges lie above r): a Poisson binomial, cut off at `most`."""
    for c in range(most):
        count[c] = 0.0
    count[0] = 1.0
    for d in range(degree):
        if d == e or high[d] <= r:
            continue
        p = min(1.0, (high[d] - r) / (high[d] - low[d]))
        for c in range(most - 1, 0, -1):
            count[c] = count[c] * (1.0 - p) + count[c - 1] * p
        count[0] *= 1.0 - p
    total = 0.0
    for c in range(most):
        total += count[c]
    return total


@numba.njit(parallel=True, cache=True)
def _propensities(
    campaign, value, cost, costly, room, roomy, cap, weight, jitter, unit_price, money_price, nodes, shares, odds,
):  # fmt: skip
    people, degree = campaign.shape
    for i in numba.prange(people):
        low, high, ends = np.empty(degree), np.empty(degree), np.empty(2 * degree + 2)
        count = np.empty(CAP_MOST)
        most = min(cap, np.int64(room[i])) if roomy else cap
        for e in range(degree):
            j = campaign[i, e]
            a = np.float64(value[i, e]) * weight[j]
            c = np.float64(unit_price[j])
            if costly:
                c += np.float64(money_price[j]) * cost[i, e]
            half = a * jitter / 2 if value[i, e] > 0.0 else 0.0
            low[e], high[e] = (a - c - half, a - c + half) if value[i, e] > 0.0 else (-np.inf, -np.inf)
        for e in range(degree):
            odds[i, e] = 0.0
            if most == 0 or high[e] <= 0.0:
                continue
            surely, maybe = 0, 0
            for d in range(degree):
                if d != e:
                    surely += low[d] >= high[e]
                    maybe += high[d] > low[e]
            if surely >= most:
                continue
            if maybe < most and low[e] >= 0.0:
                odds[i, e] = 1.0
                continue
            begin, n = max(low[e], 0.0), 2
            ends[0], ends[1] = begin, high[e]
            for d in range(degree):
                for end in (low[d], high[d]):
                    if begin < end < high[e]:
                        ends[n] = end
                        n += 1
            ends[:n].sort()
            total = 0.0
            for piece in range(n - 1):
                width = ends[piece + 1] - ends[piece]
                if width <= 0.0:
                    continue
                for k in range(nodes.shape[0]):
                    r = ends[piece] + width * (nodes[k] + 1.0) / 2.0
                    total += shares[k] * width / 2.0 * _fewer_above(r, e, low, high, degree, most, count)
            odds[i, e] = total / (high[e] - low[e])


def propensities(edges: Edges, terms: Terms, prices: Prices) -> F32:
    """P(chosen) of every edge, shape (people, degree), 0 to 1; `terms` and `prices` are those of the plan.

    They are of the choice at solved prices: the few messages by which whole budgets differ from prices (`audit` and the
    certificate bound them) have odds of 0 or 1 that are not theirs, so read effects only where odds lie inside (0, 1). Raises
    ValueError without a lottery.
    """
    if terms.jitter <= 0.0:
        raise ValueError("without a lottery nothing is left to chance")
    odds = np.empty(edges.value.shape, np.float32)
    _propensities(
        edges.campaign, edges.value, *costs_of(edges), *rooms_of(edges), terms.cap, terms.weight, terms.jitter,
        prices.unit, prices.money, _NODES, _SHARES, odds,
    )  # fmt: skip
    return odds
