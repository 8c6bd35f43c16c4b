"""Fair among shops: what the smallest shop gets counts.

A shop's *satisfaction* is what the plan is worth to it, beside what it would have alone: its best people within its budget, had
it no rivals. Alpha-fairness weighs each shop's values by satisfaction ** -alpha and plans again, a few times, from the prices of
the time before. alpha 0 is the most value in all; 1 (the default) is proportional fairness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dure.campaigns.engine.allocate import LEVELS, Budgets, Local, Plan, Prices, clear, finish, refuse_floors, solve
from dure.campaigns.engine.market import F32, F64, Edges, Terms
from dure.campaigns.engine.plan import tally

ROUNDS = 4
AGAIN = ((4, 3), (1, 2))
"""Looks for a round after the first: prices move little."""
WARM = ((1, 4),)
"""Looks at everybody that suffice from yesterday's prices."""
STEEPEST = 8.0
"""No shop's values weigh more than this times the median's: one starved shop must not bend everybody's week."""


@dataclass(frozen=True, slots=True)
class Fairness:
    """How the shops fare. Arrays over shops that may write to anybody at all: `satisfaction` in [0, 1]."""

    satisfaction: F64

    @property
    def gini(self) -> float:
        """0: all alike; towards 1: one has everything."""
        s = np.sort(self.satisfaction)
        total = s.sum()
        if total <= 0:
            return 0.0
        n = len(s)
        return float((2 * np.arange(1, n + 1) - n - 1) @ s / (n * total))

    @property
    def worst_tenth(self) -> float:
        """The satisfaction that nine in ten shops exceed."""
        return float(np.quantile(self.satisfaction, 0.1)) if len(self.satisfaction) else 0.0

    @property
    def deciles(self) -> list[float]:
        """The satisfaction that 0 %, 10 % … 100 % of the shops do not exceed: eleven numbers."""
        s = self.satisfaction if len(self.satisfaction) else np.zeros(1)
        return [float(one) for one in np.quantile(s, np.linspace(0, 1, 11))]

    @property
    def median(self) -> float:
        return float(np.median(self.satisfaction)) if len(self.satisfaction) else 0.0


def stand_alone(edges: Edges, budgets: Budgets) -> F64:
    """What each campaign would be worth without rivals: the sum of its best values within its messages (and, where money
    binds, within its money at the average cost). Shape (campaigns,), won."""
    campaign, value = edges.campaign.ravel(), edges.value.ravel()
    order = np.argsort(campaign, kind="stable")
    counts = np.bincount(campaign, minlength=budgets.campaigns)
    begins = np.concatenate([[0], np.cumsum(counts)])
    alone = np.zeros(budgets.campaigns)
    for j in np.flatnonzero(counts):
        mine = value[order[begins[j] : begins[j + 1]]]
        mine = mine[mine > 0]
        most = budgets.messages[j]
        if budgets.money is not None and edges.cost is not None and np.isfinite(budgets.money[j]):
            cost = edges.cost.ravel()[order[begins[j] : begins[j + 1]]]
            most = min(most, budgets.money[j] / max(1e-9, float(cost.mean())))
        most = int(min(most, len(mine)))
        if most:
            alone[j] = np.partition(mine, len(mine) - most)[len(mine) - most :].sum(dtype=np.float64)
    return alone


def worth_of(edges: Edges, budgets: Budgets, chosen: NDArray[np.uint32]) -> F64:
    """The true worth of a plan to each campaign, (campaigns,) won."""
    return tally(edges, chosen, budgets.campaigns)[2]


def satisfaction(edges: Edges, budgets: Budgets, chosen: NDArray[np.uint32], alone: F64) -> Fairness:
    """How each shop fares under a plan."""
    worth = tally(edges, chosen, budgets.campaigns)[2]
    got, could = _by_shop(worth, budgets), _by_shop(alone, budgets)
    there = could > 0
    return Fairness(np.clip(got[there] / could[there], 0, 1))


def solve_fair(
    edges: Edges,
    budgets: Budgets,
    terms: Terms,
    *,
    alpha: float = 1.0,
    alone: F64 | None = None,
    start: Prices | None = None,
    weight: F32 | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Plan, Plan, Fairness, Fairness]:
    """(the fair plan, the plan of most value, how shops fare under each). What fairness costs is the difference of their
    values. `start` and `weight` are yesterday's prices and weights: after a change of budgets a few looks suffice. Raises
    Infeasible as `solve` does."""
    levels = WARM if start is not None else LEVELS
    most = solve(edges, budgets, terms, start=start, levels=levels, progress=progress)
    if alone is None:
        alone = stand_alone(edges, budgets)
    before = satisfaction(edges, budgets, most.chosen, alone)
    if alpha == 0:
        return most, most, before, before
    refuse_floors(edges, budgets, terms)
    plan, weighed = most, terms
    if weight is not None and start is not None:
        weighed = replace(terms, weight=weight)
        look = Local(edges)
        plan = finish(edges, budgets, weighed, clear(look, weighed, budgets, start=start, levels=WARM), look.shortlist)
    for _ in range(1 if weight is not None else ROUNDS):
        weight = _weights(edges, budgets, plan, alone, alpha, weighed.weight)
        weighed = replace(terms, weight=weight)
        look = Local(edges)
        prices = clear(look, weighed, budgets, start=plan.prices, levels=AGAIN)
        plan = finish(edges, budgets, weighed, prices, look.shortlist)
    return plan, most, satisfaction(edges, budgets, plan.chosen, alone), before


def _weights(edges: Edges, budgets: Budgets, plan: Plan, alone: F64, alpha: float, last: F32) -> F32:
    worth = tally(edges, plan.chosen, budgets.campaigns)[2]
    got, could = _by_shop(worth, budgets), _by_shop(alone, budgets)
    there = could > 0
    share = np.where(there, got / np.where(there, could, 1), 1.0)
    share = np.maximum(share, 1e-3)
    weight = share**-alpha
    weight /= np.median(weight[there]) if there.any() else 1.0
    weight = np.clip(weight, 1 / STEEPEST, STEEPEST)
    each = weight[budgets.shop] if budgets.shop is not None else weight
    # Half the way a round, in proportion: whole steps swing to and fro.
    return np.sqrt(each * last).astype(np.float32)


def _by_shop(a: F64, budgets: Budgets) -> F64:
    if budgets.shop is None:
        return a
    return np.asarray(np.bincount(budgets.shop, a, minlength=int(budgets.shop.max()) + 1), np.float64)
