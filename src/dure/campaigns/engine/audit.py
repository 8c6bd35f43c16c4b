"""Count what a plan breaks, edge by edge, from its bits alone: nothing here is shared with what made the plan.

What may not be is a row or an edge that is not there (value 0 or less, room 0): consents, refusals, holdouts, quiet weeks and
frequency caps. So a sent edge without value counts as `forbidden`, whatever the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numba
import numpy as np
from numpy.typing import NDArray

from dure.campaigns.engine.allocate import Budgets
from dure.campaigns.engine.market import Edges


@dataclass(frozen=True, slots=True)
class Audit:
    """`edges` looked at, and what was found: `crowded` people above their room or the cap, `forbidden` messages where no edge is,
    and campaigns or shops above their messages or won (each edge's cost rounded up), or below their floor."""

    edges: int
    sent: int
    crowded: int
    forbidden: int
    messages: int
    money: int
    shop_messages: int
    shop_money: int
    floor: int

    @property
    def violations(self) -> int:
        """All that was found, together."""
        return sum(getattr(self, f.name) for f in fields(self) if f.name not in ("edges", "sent"))


@numba.njit(parallel=True, cache=True)
def _count(campaign, value, cost, costly, room, roomy, cap, chosen, campaigns, threads):
    people, degree = campaign.shape
    used, spent = np.zeros((threads, campaigns), np.int64), np.zeros((threads, campaigns), np.int64)
    crowded, forbidden = np.zeros(threads, np.int64), np.zeros(threads, np.int64)
    for thread in numba.prange(threads):
        for i in range(people * thread // threads, people * (thread + 1) // threads):
            sent = 0
            for e in range(32):
                if not (chosen[i] >> np.uint32(e)) & np.uint32(1):
                    continue
                sent += 1
                if e >= degree or value[i, e] <= 0.0:
                    forbidden[thread] += 1
                    continue
                for d in range(e):
                    # The same campaign twice to one person is one message too many.
                    if campaign[i, d] == campaign[i, e] and (chosen[i] >> np.uint32(d)) & np.uint32(1):
                        forbidden[thread] += 1
                        break
                used[thread, campaign[i, e]] += 1
                if costly:
                    spent[thread, campaign[i, e]] += np.int64(np.ceil(cost[i, e]))
            most = min(cap, np.int64(room[i])) if roomy else cap
            if sent > most:
                crowded[thread] += 1
    return used, spent, crowded, forbidden


def audit(edges: Edges, budgets: Budgets, cap: int, chosen: NDArray[np.uint32]) -> Audit:
    """Look at every edge of a plan once. Raises ValueError where `chosen` is not one number a person."""
    if chosen.shape != (edges.people,):
        raise ValueError("a plan is one number a person")
    cost, costly = (np.zeros((1, 1), np.float32), False) if edges.cost is None else (edges.cost, True)
    room, roomy = (np.zeros(1, np.uint8), False) if edges.room is None else (edges.room, True)
    n, threads = budgets.campaigns, numba.get_num_threads()
    used_in, spent_in, crowded, forbidden = _count(
        edges.campaign, edges.value, cost, costly, room, roomy, cap, chosen, n, threads
    )
    used, spent = used_in.sum(axis=0), spent_in.sum(axis=0)

    def above(got: NDArray[np.int64], most: NDArray[np.float64] | None) -> int:
        return 0 if most is None else int((got > most).sum())

    def of_shops(got: NDArray[np.int64], most: NDArray[np.float64] | None) -> int:
        if most is None or budgets.shop is None:
            return 0
        together = np.zeros(len(most), np.int64)
        np.add.at(together, budgets.shop, got)
        return above(together, most)

    return Audit(
        edges=edges.people * edges.degree,
        sent=int(used.sum()),
        crowded=int(crowded.sum()),
        forbidden=int(forbidden.sum()),
        messages=above(used, budgets.messages),
        money=above(spent, budgets.money),
        shop_messages=of_shops(used, budgets.shop_messages),
        shop_money=of_shops(spent, budgets.shop_money),
        floor=0 if budgets.floor is None else int((used < np.floor(budgets.floor)).sum()),
    )
