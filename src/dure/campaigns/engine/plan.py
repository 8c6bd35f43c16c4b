"""From prices to messages: a plan in whole messages that keeps every budget exactly.

People are visited in scrambled runs of sixteen (near in memory, far in order, so that no district is served first). Each takes
its best edges after prices while their campaigns and shops have budget left. The threads each serve a part of the people with
the share of every budget that this part asks for; what then is left over goes to whoever still has room, and a last round
lifts campaigns to their floors where it costs least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numpy.typing import NDArray

from dure.campaigns.engine.market import _NONE_F32, _NONE_U8, F64, Edges, Terms, _look_at, no_window, observe

if TYPE_CHECKING:
    from dure.campaigns.engine.allocate import Budgets, Prices

Left = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Messages and won left to campaigns, then messages and won left to shops."""
RUN = 16
SCRAMBLE = 2_654_435_761
NO_END = np.int64(1) << np.int64(62)
TOLERANCES = (0.0, 0.5, 1.0, 2.0, 8.0, 1e30)
"""How much a message of a campaign below its floor may cost others, in typical values, sweep by sweep."""


@numba.njit(cache=True)
def _serve(
    campaign, value, cost, costly, room, roomy, cap, weight, jitter, salt, first, unit_price, money_price, shop,
    begin, end, only_gain, late, messages, money, shop_messages, shop_money, chosen,
):  # fmt: skip
    """One sweep over the rows begin..end. Budgets are counted down in place; `chosen` gains bits. `late`: few budgets are left."""
    degree = campaign.shape[1]
    reduced = np.empty(degree, np.float32)
    people = end - begin
    runs = (people + RUN - 1) // RUN
    step = SCRAMBLE % runs if runs > 1 else 1
    while runs > 1 and _shared_divisor(step, runs) != 1:
        step += 1
    at = 0
    for _ in range(runs):
        for i in range(begin + at * RUN, min(begin + at * RUN + RUN, end)):
            most = min(cap, room[i]) if roomy else cap
            bits = chosen[i]
            for e in range(degree):
                most -= (bits >> np.uint32(e)) & np.uint32(1)
            if most <= 0:
                continue
            if late:
                # Nearly all campaigns are sold out by now: most people need no look at their values.
                some = False
                for e in range(degree):
                    if (
                        messages[campaign[i, e]] >= 1
                        and value[i, e] > 0.0
                        and not (bits >> np.uint32(e)) & np.uint32(1)
                    ):
                        some = True
                        break
                if not some:
                    continue
            _look_at(i, campaign, value, cost, costly, weight, jitter, salt, first, unit_price, money_price, reduced)
            for _ in range(degree):
                r = np.float32(-np.inf)
                for e in range(degree):
                    r = max(r, reduced[e])
                if r == -np.inf or (only_gain and r <= 0.0):
                    break
                best = 0
                while reduced[best] != r:
                    best += 1
                reduced[best] = -np.inf
                if (bits >> np.uint32(best)) & np.uint32(1):
                    continue
                j = campaign[i, best]
                s = shop[j]
                won = np.int64(np.ceil(cost[i, best])) if costly else np.int64(0)
                if messages[j] < 1 or shop_messages[s] < 1 or money[j] < won or shop_money[s] < won:
                    continue
                messages[j] -= 1
                shop_messages[s] -= 1
                money[j] -= won
                shop_money[s] -= won
                bits |= np.uint32(1) << np.uint32(best)
                most -= 1
                if most == 0:
                    break
            chosen[i] = bits
        at = (at + step) % runs


@numba.njit(cache=True)
def _shared_divisor(a, b):
    while b:
        a, b = b, a % b
    return a


@numba.njit(parallel=True, cache=True)
def _serve_parts(
    campaign, value, cost, costly, room, roomy, cap, weight, jitter, salt, first, unit_price, money_price, shop,
    edges_of_parts, messages, money, shop_messages, shop_money, chosen,
):  # fmt: skip
    for p in numba.prange(messages.shape[0]):
        _serve(
            campaign, value, cost, costly, room, roomy, cap, weight, jitter, salt, first, unit_price, money_price, shop,
            edges_of_parts[p], edges_of_parts[p + 1], True, False, messages[p], money[p], shop_messages[p], shop_money[p], chosen,
        )  # fmt: skip


@numba.njit(cache=True)
def _lift(campaign, value, cost, costly, room, roomy, cap, shop, tolerance, floor, used, messages, money, shop_messages, shop_money, chosen):  # fmt: skip
    """Give messages to campaigns below their floor: free room first, else in the place of a message whose campaign stays at or
    above its own floor and that is worth at most `tolerance` more. Money must still suffice."""
    people, degree = campaign.shape
    for i in range(people):
        bits = chosen[i]
        taken = 0
        for e in range(degree):
            taken += np.int64((bits >> np.uint32(e)) & np.uint32(1))
        most = min(cap, room[i]) if roomy else cap
        for e in range(degree):
            if value[i, e] <= 0.0 or (bits >> np.uint32(e)) & np.uint32(1):
                continue
            j = campaign[i, e]
            s = shop[j]
            if used[j] >= floor[j] or messages[j] < 1:
                continue
            won = np.int64(np.ceil(cost[i, e])) if costly else np.int64(0)
            if money[j] < won:
                continue
            out = -1
            if taken >= most:
                if most == 0:
                    continue
                for d in range(degree):
                    sent = (bits >> np.uint32(d)) & np.uint32(1)
                    spare = sent and used[campaign[i, d]] > floor[campaign[i, d]]
                    if spare and (out < 0 or value[i, d] < value[i, out]):
                        out = d
                if out < 0 or value[i, out] - value[i, e] > tolerance:
                    continue
            back = np.int64(0)
            same_shop = out >= 0 and shop[campaign[i, out]] == s
            if out >= 0 and costly:
                back = np.int64(np.ceil(cost[i, out]))
            if shop_messages[s] + (1 if same_shop else 0) < 1 or shop_money[s] + (back if same_shop else 0) < won:
                continue
            if out >= 0:
                o = campaign[i, out]
                bits &= ~(np.uint32(1) << np.uint32(out))
                used[o] -= 1
                messages[o] += 1
                money[o] += back
                shop_messages[shop[o]] += 1
                shop_money[shop[o]] += back
            else:
                taken += 1
            bits |= np.uint32(1) << np.uint32(e)
            used[j] += 1
            messages[j] -= 1
            money[j] -= won
            shop_messages[s] -= 1
            shop_money[s] -= won
        chosen[i] = bits


@numba.njit(parallel=True, cache=True)
def _tally(campaign, value, cost, costly, chosen, campaigns, threads):
    used = np.zeros((threads, campaigns), np.int64)
    spent = np.zeros((threads, campaigns), np.float64)
    worth = np.zeros((threads, campaigns), np.float64)
    people, degree = campaign.shape
    for thread in numba.prange(threads):
        for i in range(people * thread // threads, people * (thread + 1) // threads):
            bits = chosen[i]
            for e in range(degree):
                if (bits >> np.uint32(e)) & np.uint32(1):
                    j = campaign[i, e]
                    used[thread, j] += 1
                    worth[thread, j] += value[i, e]
                    if costly:
                        spent[thread, j] += np.ceil(cost[i, e])
    return used, spent, worth


def tally(edges: Edges, chosen: NDArray[np.uint32], campaigns: int) -> tuple[NDArray[np.int64], F64, F64]:
    """Messages, won (each rounded up) and true value of a plan, by campaign."""
    used, spent, worth = _tally(edges.campaign, edges.value, *_costs(edges), chosen, campaigns, numba.get_num_threads())
    return used.sum(axis=0), spent.sum(axis=0), worth.sum(axis=0)


def value_of(edges: Edges, chosen: NDArray[np.uint32], campaigns: int = 65_536) -> float:
    """The true worth of a plan, in won."""
    return float(tally(edges, chosen, campaigns)[2].sum())


def _costs(edges: Edges) -> tuple[NDArray[np.float32], bool]:
    return (_NONE_F32, False) if edges.cost is None else (edges.cost, True)


def _rooms(edges: Edges) -> tuple[NDArray[np.uint8], bool]:
    return (_NONE_U8, False) if edges.room is None else (edges.room, True)


def whole(budget: F64 | None, size: int) -> NDArray[np.int64]:
    """A budget in whole messages or won; what is unlimited never ends."""
    if budget is None:
        return np.full(size, NO_END, np.int64)
    return np.where(np.isinf(budget), NO_END, np.floor(np.where(np.isinf(budget), 0, budget))).astype(np.int64)


def split(budget: NDArray[np.int64], asked: F64) -> NDArray[np.int64]:
    """Share whole budgets among parts as they ask, by largest remainder: shape (parts, n), columns sum to `budget`."""
    parts = asked.shape[0]
    endless = budget >= NO_END
    total = asked.sum(axis=0)
    share = np.where(total > 0, asked / np.where(total > 0, total, 1), 1 / parts) * np.where(endless, 0, budget)
    shares = np.floor(share).astype(np.int64)
    left = np.where(endless, 0, budget - shares.sum(axis=0))
    rank = np.argsort(np.argsort(-(share - shares), axis=0, kind="stable"), axis=0, kind="stable")
    shares += rank < left
    return np.where(endless, NO_END, shares)


def complete(
    edges: Edges, budgets: Budgets, terms: Terms, prices: Prices
) -> tuple[NDArray[np.uint32], NDArray[np.int64], F64]:
    """The plan at `prices`: chosen bits (people,), messages and won a campaign. Every budget holds exactly; floors as far as
    sweeps of rising cost reach."""
    n = budgets.campaigns
    shop = budgets.shop if budgets.shop is not None else np.zeros(n, np.int32)
    shops = int(shop.max(initial=0)) + 1
    asks = [_asked(edges, terms, prices, part) for part in _parts(edges.people)]
    used_in, spent_in = np.stack([a[0] for a in asks]), np.stack([a[1] for a in asks])

    def by_shop(a: F64) -> F64:
        return np.stack([np.bincount(shop, row, minlength=shops) for row in a])

    left = (
        split(whole(budgets.messages, n), used_in),
        split(whole(budgets.money, n), spent_in),
        split(whole(budgets.shop_messages, shops), by_shop(used_in)),
        split(whole(budgets.shop_money, shops), by_shop(spent_in)),
    )
    chosen = np.zeros(edges.people, np.uint32)
    seen = _seen(edges, terms, prices, shop)
    bounds = np.array([0] + [end for _, end in _parts(edges.people)], np.int64)
    _serve_parts(*seen, bounds, *left, chosen)
    rest = together(left)
    serve_late(edges, terms, prices, shop, rest, chosen)
    used, spent, worth = tally(edges, chosen, n)
    if budgets.floor is not None and bool((used < budgets.floor).any()):
        floor = np.floor(budgets.floor).astype(np.int64)
        typical = worth.sum() / max(1, used.sum())
        for tolerance in TOLERANCES:
            _lift(
                edges.campaign, edges.value, *_costs(edges), *_rooms(edges), terms.cap, shop, tolerance * typical, floor,
                used, *rest, chosen,
            )  # fmt: skip
        used, spent, worth = tally(edges, chosen, n)
    return chosen, used, spent


def _seen(edges: Edges, terms: Terms, prices: Prices, shop: NDArray[np.int32]) -> tuple[Any, ...]:
    return (
        edges.campaign, edges.value, *_costs(edges), *_rooms(edges), terms.cap, terms.weight, np.float32(terms.jitter),
        np.uint64(terms.salt), edges.first, prices.unit, prices.money, shop,
    )  # fmt: skip


def together(parts: Left) -> Left:
    """What the parts have left, each of shape (parts, n), as one."""
    messages, money, shop_messages, shop_money = (
        np.where(a.max(axis=0) >= NO_END // 2, NO_END, a.sum(axis=0)) for a in parts
    )
    return messages, money, shop_messages, shop_money


def serve_first(edges: Edges, terms: Terms, prices: Prices, shop: NDArray[np.int32], left: Left) -> NDArray[np.uint32]:
    """The messages of one part of the people within its share of the budgets, which are counted down in place."""
    chosen = np.zeros(edges.people, np.uint32)
    _serve(*_seen(edges, terms, prices, shop), 0, edges.people, True, False, *left, chosen)
    return chosen


def serve_late(
    edges: Edges, terms: Terms, prices: Prices, shop: NDArray[np.int32], left: Left, chosen: NDArray[np.uint32]
) -> None:
    """Give what is left to whoever still has room: first where it is worth its price, then wherever it is worth anything."""
    for only_gain in (True, False):
        _serve(*_seen(edges, terms, prices, shop), 0, edges.people, only_gain, True, *left, chosen)


def _parts(people: int) -> list[tuple[int, int]]:
    threads = max(1, min(numba.get_num_threads(), people // 1_000 or 1))
    return [(people * t // threads, people * (t + 1) // threads) for t in range(threads)]


def _asked(edges: Edges, terms: Terms, prices: Prices, part: tuple[int, int]) -> tuple[F64, F64]:
    low, width = no_window(len(prices.unit))
    seen = observe(edges.part(*part), terms, unit_price=prices.unit, money_price=prices.money, low=low, width=width)
    return seen.used, seen.spent
