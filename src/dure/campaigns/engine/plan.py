"""From prices to messages: a plan in whole messages that keeps every budget exactly.

Who is settled (`shortlist`) takes what they choose, visited in scrambled runs of sixteen (near in memory, far in order, so that no
district is served first); the threads each serve a part of the people with the share of every budget that this part asks for. The
choices of all others are in doubt and come after, those first on which most hangs, so that budgets end at those who lose least. What
then is left over goes to those for whom it is almost worth its price, then to whoever still has room, and a last round lifts
campaigns to their floors where it costs least.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numba
import numpy as np
from numpy.typing import NDArray

from dure.campaigns.engine.market import (
    F64,
    MESSAGES,
    RUN,
    WON,
    Edges,
    Terms,
    _last_and_next,
    costs_of,
    listed_places,
    reduced_value,
    rooms_of,
)
from dure.campaigns.engine.shortlist import Shortlist

if TYPE_CHECKING:
    from dure.campaigns.engine.allocate import Budgets, Prices

Left = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Messages and won left to campaigns, then messages and won left to shops."""
SCRAMBLE = 2_654_435_761
_NOTHING = np.zeros(1, np.uint8)
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


@numba.njit(inline="always", cache=True)
def _by_worth(
    i, reduced, most, only_gain, campaign, cost, costly, shop, messages, money, shop_messages, shop_money, bits
):
    """Row i takes up to `most` of its best edges that budgets still have, worth their price where it is to be `only_gain`; edges of
    -inf are none. Its bits, with those that it got."""
    for _ in range(reduced.shape[0]):
        r = np.float32(-np.inf)
        for e in range(reduced.shape[0]):
            r = max(r, reduced[e])
        if most == 0 or r == -np.inf or (only_gain and r <= 0.0):
            break
        best = 0
        while reduced[best] != r:
            best += 1
        reduced[best] = -np.inf
        j = campaign[i, best]
        won = np.int64(np.ceil(cost[i, best])) if costly else np.int64(0)
        if _take(j, shop[j], won, messages, money, shop_messages, shop_money):
            bits |= np.uint32(1) << np.uint32(best)
            most -= 1
    return bits


@numba.njit(inline="always", cache=True)
def _room_left(i, bits, degree, room, roomy, cap):
    most = min(cap, room[i]) if roomy else cap
    for e in range(degree):
        most -= (bits >> np.uint32(e)) & np.uint32(1)
    return most


@numba.njit(cache=True)
def _step(runs):
    """How far apart runs that are visited one after another lie: all are visited once, near ones at different times."""
    step = SCRAMBLE % runs if runs > 1 else 1
    while runs > 1 and _shared_divisor(step, runs) != 1:
        step += 1
    return step


@numba.njit(cache=True)
def _serve_settled(
    campaign, cost, costly, shop, listed, settled, begin, end, messages, money, shop_messages, shop_money, chosen, refused
):  # fmt: skip
    """Who is settled takes what prices leave no doubt about."""
    degree = campaign.shape[1]
    runs = (end - begin + RUN - 1) // RUN
    step, at = _step(runs), 0
    for _ in range(runs):
        for i in range(begin + at * RUN, min(begin + at * RUN + RUN, end)):
            wanted, bits = listed[i], np.uint32(0)
            if not settled[i] or wanted == 0:
                continue
            for e in range(degree):
                if (wanted >> np.uint32(e)) & np.uint32(1):
                    j = campaign[i, e]
                    won = np.int64(np.ceil(cost[i, e])) if costly else np.int64(0)
                    if _take(j, shop[j], won, messages, money, shop_messages, shop_money):
                        bits |= np.uint32(1) << np.uint32(e)
            chosen[i] = bits
            refused[i] = bits != wanted
        at = (at + step) % runs


@numba.njit(parallel=True, cache=True)
def _serve_parts(campaign, cost, costly, shop, listed, settled, bounds, messages, money, shop_messages, shop_money, chosen, refused):  # fmt: skip
    for p in numba.prange(messages.shape[0]):
        _serve_settled(
            campaign, cost, costly, shop, listed, settled, bounds[p], bounds[p + 1], messages[p], money[p],
            shop_messages[p], shop_money[p], chosen, refused,
        )  # fmt: skip


@numba.njit(parallel=True, cache=True)
def _doubtful(
    campaign, value, cost, costly, room, roomy, cap, jitter, salt, first, asked, money_price, listed, settled, bounds, left_over, open_,
    chosen, gain, person, edge,
):  # fmt: skip
    """Of those who are not settled, what they would choose and by how much it beats its best rival; or, of what is `left_over`, the
    best that they did not get of campaigns that are `open_`, and its reduced value. No more than they have room for. Column p of the
    last three, of shape (rows, parts), becomes part p's."""
    degree = campaign.shape[1]
    for p in numba.prange(bounds.shape[0] - 1):
        place, reduced = np.empty(degree + 1, np.int64), np.empty(degree + 1, np.float32)
        best, row = np.empty(cap + 1, np.float32), 0
        runs = (bounds[p + 1] - bounds[p] + RUN - 1) // RUN
        step, at = _step(runs), 0
        for _ in range(runs):
            begin = bounds[p] + at * RUN
            for i in range(begin, min(begin + RUN, bounds[p + 1])):
                if settled[i]:
                    continue
                most = _room_left(i, chosen[i], degree, room, roomy, cap)
                if most <= 0:
                    continue
                found = listed_places(listed[i], degree, place)
                for k in range(found):
                    reduced[k] = reduced_value(
                        i, place[k], campaign, value, cost, costly, jitter, salt, first, asked, money_price
                    )
                if not left_over:
                    last, next_best = _last_and_next(reduced, found, most, best)
                    for k in range(found):
                        if most > 0 and reduced[k] > 0.0 and reduced[k] >= last:
                            gain[row, p], person[row, p], edge[row, p] = reduced[k] - next_best, i, place[k]
                            row, most = row + 1, most - 1
                    continue
                for k in range(found):
                    if not open_[campaign[i, place[k]]] or (chosen[i] >> np.uint32(place[k])) & np.uint32(1):
                        reduced[k] = -np.inf
                while most > 0:
                    top = 0
                    for k in range(1, found):
                        if reduced[k] > reduced[top]:
                            top = k
                    if found == 0 or reduced[top] == -np.inf:
                        break
                    gain[row, p], person[row, p], edge[row, p] = reduced[top], i, place[top]
                    reduced[top] = -np.inf
                    row, most = row + 1, most - 1
            at = (at + step) % runs


@numba.njit(cache=True)
def _serve_doubtful(
    campaign, cost, costly, room, roomy, cap, shop, order, person, edge, messages, money, shop_messages, shop_money, chosen, refused
):  # fmt: skip
    """One choice after another, in this order."""
    for n in order:
        i, e = person[n], edge[n]
        if _room_left(i, chosen[i], campaign.shape[1], room, roomy, cap) <= 0:
            continue
        j = campaign[i, e]
        won = np.int64(np.ceil(cost[i, e])) if costly else np.int64(0)
        if _take(j, shop[j], won, messages, money, shop_messages, shop_money):
            chosen[i] |= np.uint32(1) << np.uint32(e)
        else:
            refused[i] = True


@numba.njit(cache=True)
def _serve_again(
    campaign, value, cost, costly, room, roomy, cap, jitter, salt, first, asked, money_price, shop,
    only_gain, open_, waiting, messages, money, shop_messages, shop_money, chosen,
):  # fmt: skip
    """Those who are `waiting` take the best that is left, until the campaigns that were `open_` are sold out."""
    people, degree = campaign.shape
    reduced = np.empty(degree, np.float32)
    runs = (people + RUN - 1) // RUN
    step, at = _step(runs), 0
    still = 0
    for j in range(open_.shape[0]):
        still += open_[j]
    for _ in range(runs):
        if still == 0:
            break
        for i in range(at * RUN, min(at * RUN + RUN, people)):
            if not waiting[i]:
                continue
            bits = chosen[i]
            most = _room_left(i, bits, degree, room, roomy, cap)
            some = False
            for e in range(degree):
                free = (
                    open_[campaign[i, e]]
                    and messages[campaign[i, e]] >= 1
                    and not (bits >> np.uint32(e)) & np.uint32(1)
                )
                reduced[e] = -np.inf
                if free:
                    reduced[e] = reduced_value(
                        i, e, campaign, value, cost, costly, jitter, salt, first, asked, money_price
                    )
                    some = True
            if not some or most <= 0:
                continue
            chosen[i] = _by_worth(
                i,
                reduced,
                most,
                only_gain,
                campaign,
                cost,
                costly,
                shop,
                messages,
                money,
                shop_messages,
                shop_money,
                bits,
            )
            got = chosen[i] & ~bits
            for e in range(degree):
                if (got >> np.uint32(e)) & np.uint32(1) and messages[campaign[i, e]] < 1:
                    still -= 1
        at = (at + step) % runs


@numba.njit(parallel=True, cache=True)
def _waiting(campaign, value, room, roomy, cap, open_, chosen, bounds):
    """Who has room and an edge, not sent yet, to a campaign that is `open_`."""
    people, degree = campaign.shape
    waiting = np.zeros(people, np.bool_)
    for p in numba.prange(bounds.shape[0] - 1):
        for i in range(bounds[p], bounds[p + 1]):
            some = np.uint8(0)
            for e in range(degree):
                some |= open_[campaign[i, e]]
            if some == 0 or _room_left(i, chosen[i], degree, room, roomy, cap) <= 0:
                continue
            for e in range(degree):
                if open_[campaign[i, e]] and value[i, e] > 0.0 and not (chosen[i] >> np.uint32(e)) & np.uint32(1):
                    waiting[i] = True
    return waiting


@numba.njit(cache=True)
def _shared_divisor(a, b):
    while b:
        a, b = b, a % b
    return a


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
    edges: Edges, budgets: Budgets, terms: Terms, prices: Prices, shortlist: Shortlist | None = None
) -> tuple[NDArray[np.uint32], NDArray[np.int64], F64]:
    """The plan at `prices`: chosen bits (people,), messages and won a campaign. Every budget holds exactly; floors as far as
    sweeps of rising cost reach. `shortlist`: of the looks that cleared the prices, if there is one."""
    n = budgets.campaigns
    shop = budgets.shop if budgets.shop is not None else np.zeros(n, np.int32)
    shops = int(shop.max(initial=0)) + 1
    left = (
        whole(budgets.messages, n),
        whole(budgets.money, n),
        whole(budgets.shop_messages, shops),
        whole(budgets.shop_money, shops),
    )
    serving = Serving(edges, terms, prices, shop, shortlist)
    serving.first(left)
    serving.late(left)
    chosen = serving.chosen
    used, spent, worth = tally(edges, chosen, n)
    if budgets.floor is not None and bool((used < budgets.floor).any()):
        floor = np.floor(budgets.floor).astype(np.int64)
        typical = worth.sum() / max(1, used.sum())
        for tolerance in TOLERANCES:
            _lift(
                edges.campaign, edges.value, *costs_of(edges), *rooms_of(edges), terms.cap, shop, tolerance * typical, floor,
                used, *left, chosen,
            )  # fmt: skip
        used, spent, worth = tally(edges, chosen, n)
    return chosen, used, spent


class Serving:
    """One part of the people, or all of them, and what they have got: `chosen` bits (people,). Budgets are counted down in place."""

    def __init__(
        self, edges: Edges, terms: Terms, prices: Prices, shop: NDArray[np.int32], shortlist: Shortlist | None = None
    ) -> None:
        self.edges, self.shop, self.prices = edges, shop, prices
        self.chosen, self._refused = np.zeros(edges.people, np.uint32), np.zeros(edges.people, np.bool_)
        mine = shortlist is not None and shortlist.edges is edges and shortlist.serves(terms)
        self._shortlist = shortlist if shortlist and mine else Shortlist(edges, terms)
        self._known = self._shortlist.near(unit_price=prices.unit, money_price=prices.money)
        self._costs, self._rooms = costs_of(edges), (*rooms_of(edges), terms.cap)
        self._looked = (
            np.float32(terms.jitter), np.uint64(terms.salt), edges.first, np.stack([prices.unit, terms.weight], axis=1), prices.money,
        )  # fmt: skip

    def first(self, left: Left) -> None:
        """What they choose at the prices: those who are settled first, each thread's with the share of every budget that they ask for,
        then the choices that are in doubt, in the order of what hangs on them, so that budgets end at those who lose least."""
        known, parts = self._known, self._shortlist.parts()
        used, spent = (np.stack([sums[:, kind] for _, _, sums in parts]) for kind in (MESSAGES, WON))
        # Won that were added and taken out again leave a trace behind the comma.
        spent = np.where(used > 0, np.maximum(spent, 0), 0)
        asked = (used, spent, self._by_shop(used, left[2]), self._by_shop(spent, left[3]))
        shares = tuple(split(a, ask) for a, ask in zip(left, asked, strict=True))
        bounds = np.array([parts[0][0], *(end for _, end, _ in parts)], np.int64)
        _serve_parts(
            self.edges.campaign, *self._costs, self.shop, known.bits, known.settled, bounds, *shares, self.chosen, self._refused
        )  # fmt: skip
        for a, rest in zip(left, together(shares), strict=True):  # type: ignore[arg-type]
            a[:] = rest
        self._in_doubt(left, bounds)

    def late(self, left: Left) -> None:
        """Give what is left to whoever still has room: where it is worth its price, then where it is worth almost as much, then wherever
        it is worth anything."""
        bounds = np.array([begin for begin, _, _ in self._shortlist.parts()] + [self.edges.people], np.int64)
        self._again(left, self._open(left), self._refused, only_gain=True)
        # What has no price was there for everybody.
        priced = (self.prices.unit > 0) | (self.prices.money > 0)
        self._in_doubt(left, bounds, self._open(left) & priced)
        still = self._open(left) & priced
        if still.any():
            waiting = _waiting(self.edges.campaign, self.edges.value, *self._rooms, still, self.chosen, bounds)
            self._again(left, still, waiting, only_gain=False)

    def _in_doubt(self, left: Left, bounds: NDArray[np.int64], open_: NDArray[np.uint8] | None = None) -> None:
        edges, known = self.edges, self._known
        rows = 0
        for begin, end in pairwise(bounds.tolist()):
            wanted = np.minimum(np.bitwise_count(known.bits[begin:end]), self._rooms[2])
            rows = max(rows, int(wanted[~known.settled[begin:end]].sum()))
        gain = np.full((rows, len(bounds) - 1), -np.inf, np.float32)
        person, edge = np.zeros(gain.shape, np.uint32), np.zeros(gain.shape, np.uint8)
        _doubtful(
            edges.campaign, edges.value, *self._costs, *self._rooms, *self._looked, known.bits, known.settled, bounds,
            open_ is not None, open_ if open_ is not None else _NOTHING, self.chosen, gain, person, edge,
        )  # fmt: skip
        order = np.flatnonzero(gain.ravel() > -np.inf)
        order = order[np.argsort(-gain.ravel()[order], kind="stable")]
        _serve_doubtful(
            edges.campaign, *self._costs, *self._rooms, self.shop, order, person.ravel(), edge.ravel(), *left, self.chosen, self._refused
        )  # fmt: skip

    def _again(self, left: Left, open_: NDArray[np.uint8], waiting: NDArray[np.bool_], *, only_gain: bool) -> None:
        _serve_again(
            self.edges.campaign, self.edges.value, *self._costs, *self._rooms, *self._looked, self.shop, only_gain, open_, waiting,
            *left, self.chosen,
        )  # fmt: skip

    def _open(self, left: Left) -> NDArray[np.uint8]:
        """Which campaigns have messages left, by themselves and by their shops."""
        return ((left[0] >= 1) & (left[2][self.shop] >= 1)).astype(np.uint8)

    def _by_shop(self, a: F64, shops: NDArray[np.int64]) -> F64:
        return np.stack([np.bincount(self.shop, row, minlength=len(shops)) for row in a])


def together(parts: Left) -> Left:
    """What the parts have left, each of shape (parts, n), as one."""
    messages, money, shop_messages, shop_money = (
        np.where(a.max(axis=0) >= NO_END // 2, NO_END, a.sum(axis=0)) for a in parts
    )
    return messages, money, shop_messages, shop_money
