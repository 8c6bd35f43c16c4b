"""The same plan on Apache Spark, when one machine is too small: a part of the people a partition, the same compiled functions.

A look is one job: every partition observes its own people and the driver adds up what they saw, a few megabytes. Counts are whole
numbers, so after as many looks prices of messages are bit for bit those of one machine. Whole messages follow in two jobs: each partition
serves its people within the share of every budget that they ask for, then what is left goes round once more. Pure: the session's RDD
is handed in, and nothing here imports Spark.
"""

from __future__ import annotations

from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.campaigns.engine.allocate import LEVELS, Budgets, Plan, Prices, bound, clear
from dure.campaigns.engine.market import F32, F64, Demand, Edges, Terms, no_window, observe
from dure.campaigns.engine.plan import Left, Serving, split, tally, together, whole


class Cluster:
    """A `Look` over an RDD of Edges, one a partition, whose `first` numbers people from 0 without gaps."""

    def __init__(self, parts: Any) -> None:
        self.parts = parts
        self.people: int = parts.map(lambda edges: edges.people).sum()

    def __call__(
        self, terms: Terms, *, unit_price: F32, money_price: F32, low: F32, width: F32, by_money: bool, stride: int, begin: int
    ) -> Demand:  # fmt: skip
        at = self.parts.context.broadcast((terms, unit_price, money_price, low, width))

        def look(edges: Edges) -> Demand:
            terms, unit_price, money_price, low, width = at.value
            return observe(
                edges,
                terms,
                unit_price=unit_price,
                money_price=money_price,
                low=low,
                width=width,
                by_money=by_money,
                stride=stride,
                begin=begin,
            )

        seen: Demand = self.parts.map(look).treeReduce(add)
        at.unpersist()
        return seen


def solve_on(
    parts: Any, budgets: Budgets, terms: Terms, *, start: Prices | None = None, levels: tuple[tuple[int, int], ...] = LEVELS
) -> Plan:  # fmt: skip
    """As `allocate.solve`, over an RDD of Edges (see `Cluster`); cache it. Raises ValueError for floors, which need everybody in
    one place."""
    if budgets.floor is not None:
        raise ValueError("floors are planned on one machine")
    look = Cluster(parts)
    prices = clear(look, terms, budgets, start=start, levels=levels)
    chosen, used, spent, worth = _completed(parts, budgets, terms, prices)
    return Plan(chosen, prices, worth, bound(look, terms, budgets, prices), used, spent, terms.weight)


def _completed(
    parts: Any, budgets: Budgets, terms: Terms, prices: Prices
) -> tuple[NDArray[np.uint32], NDArray[np.int64], F64, float]:
    n = budgets.campaigns
    shop = budgets.shop if budgets.shop is not None else np.zeros(n, np.int32)
    shops = int(shop.max(initial=0)) + 1
    at = parts.context.broadcast((terms, prices, shop))

    def asked(number: int, inside: Any) -> Any:
        terms, prices, _ = at.value
        low, width = no_window(n)
        for edges in inside:
            seen = observe(edges, terms, unit_price=prices.unit, money_price=prices.money, low=low, width=width)
            yield number, seen.used, seen.spent

    asks = sorted(parts.mapPartitionsWithIndex(asked).collect(), key=lambda one: one[0])
    used_in, spent_in = np.stack([one[1] for one in asks]), np.stack([one[2] for one in asks])
    shop_used = np.stack([np.bincount(shop, row, minlength=shops) for row in used_in])
    shop_spent = np.stack([np.bincount(shop, row, minlength=shops) for row in spent_in])

    def shares(left: Left) -> list[Left]:
        each = [split(a, asks) for a, asks in zip(left, (used_in, spent_in, shop_used, shop_spent), strict=True)]
        return [(each[0][p], each[1][p], each[2][p], each[3][p]) for p in range(len(asks))]

    budget = (
        whole(budgets.messages, n),
        whole(budgets.money, n),
        whole(budgets.shop_messages, shops),
        whole(budgets.shop_money, shops),
    )
    places = {one[0]: place for place, one in enumerate(asks)}
    given = parts.context.broadcast(shares(budget))

    def first(number: int, inside: Any) -> Any:
        terms, prices, shop = at.value
        for edges in inside:
            left = tuple(a.copy() for a in given.value[places[number]])
            serving = Serving(edges, terms, prices, shop)
            serving.first(left)
            yield number, serving, left

    served = parts.mapPartitionsWithIndex(first).cache()
    lefts = [left for _, left in sorted(served.map(lambda one: (one[0], one[2])).collect(), key=lambda one: one[0])]
    rest = together(tuple(np.stack([left[kind] for left in lefts]) for kind in range(4)))  # type: ignore[arg-type]
    again = parts.context.broadcast(shares(rest))

    def late(one: tuple[int, Serving, Left]) -> Any:
        number, serving, _ = one
        serving.late(tuple(a.copy() for a in again.value[places[number]]))
        return serving.edges.first, serving.chosen, tally(serving.edges, serving.chosen, n)

    done = sorted(served.map(late).collect(), key=lambda one: one[0])
    served.unpersist()
    used, spent, worth = (sum(one[2][kind] for one in done) for kind in range(3))
    return np.concatenate([one[1] for one in done]), used, spent, float(worth.sum())
