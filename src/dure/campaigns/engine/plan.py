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

from dure.campaigns.engine.market import (
    F64,
    RUN,
    Edges,
    Terms,
    _last_and_next,
    costs_of,
    no_window,
    observe,
    reduced_value,
    rooms_of,
)

if TYPE_CHECKING:
    from dure.campaigns.engine.allocate import Budgets, Prices

Left = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Messages and won left to campaigns, then messages and won left to shops."""
SCRAMBLE = 2_654_435_761
_NOBODY = np.zeros(1, np.bool_)
NO_END = np.int64(1) << np.int64(62)
TOLERANCES = (0.0, 0.5, 1.0, 2.0, 8.0, 1e30)
"""How much a message of a campaign below its floor may cost others, in typical values, sweep by sweep."""


@numba.njit(inline="always", cache=True)
def _take(j, s, won, messages, money, shop_messages, shop_money):
    """One message of campaign j of shop s, if all four budgets still have it: whether they had."""
    if messages[j] < 1 or shop_messages[s] < 1 or money[j] < won or shop_money[s] < won:
        return False
    messages[j] -= 1
    shop_messages[s] -= 1
    money[j] -= won
    shop_money[s] -= won
    return True


@numba.njit(cache=True)
def _serve(
    campaign, value, cost, costly, room, roomy, cap, jitter, salt, first, asked, money_price, shop,
    begin, end, only_gain, late, waiting, messages, money, shop_messages, shop_money, chosen,
):  # fmt: skip
    """One sweep over the rows begin..end. Budgets are counted down in place; `chosen` gains bits. `late`: only over those who are
    `waiting`, and few budgets are left."""
    degree = campaign.shape[1]
    reduced, best_of = np.empty(degree, np.float32), np.empty(cap + 1, np.float32)
    people = end - begin
    runs = (people + RUN - 1) // RUN
    step = SCRAMBLE % runs if runs > 1 else 1
    while runs > 1 and _shared_divisor(step, runs) != 1:
        step += 1
    at = 0
    for _ in range(runs):
        for i in range(begin + at * RUN, min(begin + at * RUN + RUN, end)):
            if late and not waiting[i]:
                continue
            most = min(cap, room[i]) if roomy else cap
            bits = chosen[i]
            for e in range(degree):
                most -= (bits >> np.uint32(e)) & np.uint32(1)
            if most <= 0:
                continue
            if late:
                # What was there for this person may be sold out since.
                some = False
                for e in range(degree):
                    some |= messages[campaign[i, e]] >= 1 and not (bits >> np.uint32(e)) & np.uint32(1)
                if not some:
                    continue
            for e in range(degree):
                reduced[e] = reduced_value(i, e, campaign, value, cost, costly, jitter, salt, first, asked, money_price)
            if not late:
                # Nearly everybody gets the best that they ask for.
                last, _ = _last_and_next(reduced, degree, most, best_of)
                refused = False
                for e in range(degree):
                    if most > 0 and reduced[e] > 0.0 and reduced[e] >= last:
                        reduced[e] = -np.inf
                        j = campaign[i, e]
                        won = np.int64(np.ceil(cost[i, e])) if costly else np.int64(0)
                        if _take(j, shop[j], won, messages, money, shop_messages, shop_money):
                            bits |= np.uint32(1) << np.uint32(e)
                            most -= 1
                        else:
                            refused = True
                chosen[i] = bits
                if not refused:
                    continue
            for _ in range(degree):
                r = np.float32(-np.inf)
                for e in range(degree):
                    r = max(r, reduced[e])
                if most == 0 or r == -np.inf or (only_gain and r <= 0.0):
                    break
                best = 0
                while reduced[best] != r:
                    best += 1
                reduced[best] = -np.inf
                if (bits >> np.uint32(best)) & np.uint32(1):
                    continue
                j = campaign[i, best]
                won = np.int64(np.ceil(cost[i, best])) if costly else np.int64(0)
                if _take(j, shop[j], won, messages, money, shop_messages, shop_money):
                    bits |= np.uint32(1) << np.uint32(best)
                    most -= 1
            chosen[i] = bits
        at = (at + step) % runs


@numba.njit(parallel=True, cache=True)
def _waiting(
    campaign, value, cost, costly, room, roomy, cap, jitter, salt, first, asked, money_price, shop,
    only_gain, messages, shop_messages, chosen, threads,
):  # fmt: skip
    """Who has room and an edge, not sent yet, to a campaign with something left (and worth its price, `only_gain`)."""
    people, degree = campaign.shape
    waiting = np.zeros(people, np.bool_)
    there = np.zeros(messages.shape[0], np.bool_)
    for j in range(messages.shape[0]):
        there[j] = messages[j] >= 1 and shop_messages[shop[j]] >= 1
    for thread in numba.prange(threads):
        for i in range(people * thread // threads, people * (thread + 1) // threads):
            some = False
            for e in range(degree):
                some |= there[campaign[i, e]]
            if not some:
                continue
            most = min(cap, room[i]) if roomy else cap
            for e in range(degree):
                most -= (chosen[i] >> np.uint32(e)) & np.uint32(1)
            if most <= 0:
                continue
            for e in range(degree):
                if there[campaign[i, e]] and not (chosen[i] >> np.uint32(e)) & np.uint32(1):
                    r = reduced_value(i, e, campaign, value, cost, costly, jitter, salt, first, asked, money_price)
                    if r > 0.0 or (r > -np.inf and not only_gain):
                        waiting[i] = True
                        break
    return waiting


@numba.njit(cache=True)
def _shared_divisor(a, b):
    while b:
        a, b = b, a % b
    return a


@numba.njit(parallel=True, cache=True)
def _serve_parts(
    campaign, value, cost, costly, room, roomy, cap, jitter, salt, first, asked, money_price, shop,
    edges_of_parts, nobody, messages, money, shop_messages, shop_money, chosen,
):  # fmt: skip
    for p in numba.prange(messages.shape[0]):
        _serve(
            campaign, value, cost, costly, room, roomy, cap, jitter, salt, first, asked, money_price, shop,
            edges_of_parts[p], edges_of_parts[p + 1], True, False, nobody, messages[p], money[p], shop_messages[p],
            shop_money[p], chosen,
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
    used, spent, worth = _tally(
        edges.campaign, edges.value, *costs_of(edges), chosen, campaigns, numba.get_num_threads()
    )
    return used.sum(axis=0), spent.sum(axis=0), worth.sum(axis=0)


def value_of(edges: Edges, chosen: NDArray[np.uint32], campaigns: int = 65_536) -> float:
    """The true worth of a plan, in won."""
    return float(tally(edges, chosen, campaigns)[2].sum())


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
    bounds = np.array([0] + [end for _, end in _parts(edges.people)], np.int64)
    _serve_parts(*_seen(edges, terms, prices, shop), bounds, _NOBODY, *left, chosen)
    rest = together(left)
    serve_late(edges, terms, prices, shop, rest, chosen)
    used, spent, worth = tally(edges, chosen, n)
    if budgets.floor is not None and bool((used < budgets.floor).any()):
        floor = np.floor(budgets.floor).astype(np.int64)
        typical = worth.sum() / max(1, used.sum())
        for tolerance in TOLERANCES:
            _lift(
                edges.campaign, edges.value, *costs_of(edges), *rooms_of(edges), terms.cap, shop, tolerance * typical, floor,
                used, *rest, chosen,
            )  # fmt: skip
        used, spent, worth = tally(edges, chosen, n)
    return chosen, used, spent


def _seen(edges: Edges, terms: Terms, prices: Prices, shop: NDArray[np.int32]) -> tuple[Any, ...]:
    """The arguments that every sweep begins with."""
    return (
        edges.campaign, edges.value, *costs_of(edges), *rooms_of(edges), terms.cap, np.float32(terms.jitter),
        np.uint64(terms.salt), edges.first, np.stack([prices.unit, terms.weight], axis=1), prices.money, shop,
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
    _serve(*_seen(edges, terms, prices, shop), 0, edges.people, True, False, _NOBODY, *left, chosen)
    return chosen


def serve_late(
    edges: Edges, terms: Terms, prices: Prices, shop: NDArray[np.int32], left: Left, chosen: NDArray[np.uint32]
) -> None:
    """Give what is left to whoever still has room: first where it is worth its price, then wherever it is worth anything."""
    seen = _seen(edges, terms, prices, shop)
    for only_gain in (True, False):
        waiting = _waiting(*seen, only_gain, left[0], left[2], chosen, numba.get_num_threads())
        _serve(*seen, 0, edges.people, only_gain, True, waiting, *left, chosen)


def _parts(people: int) -> list[tuple[int, int]]:
    threads = max(1, min(numba.get_num_threads(), people // 1_000 or 1))
    return [(people * t // threads, people * (t + 1) // threads) for t in range(threads)]


def _asked(edges: Edges, terms: Terms, prices: Prices, part: tuple[int, int]) -> tuple[F64, F64]:
    low, width = no_window(len(prices.unit))
    seen = observe(edges.part(*part), terms, unit_price=prices.unit, money_price=prices.money, low=low, width=width)
    return seen.used, seen.spent
