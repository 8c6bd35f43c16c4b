"""Between two plans: whether the person at the till gets a coupon now, by the prices that the plan found.

One decision is a few multiplications, microseconds, and looks at nobody else. Prices then follow what is spent, by dual mirror
descent with the Euclidean distance (Balseiro, Lu & Mirrokni 2020):

    price <- max(0, price + step (used - pace)),     pace = budget left / occasions left,

so a campaign that is asked for more than planned becomes dearer and lasts. What is empty is not given: no price can overspend.
Start it from solved prices; from nothing it has to learn them at the campaigns' expense.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import ceil, floor, inf, sqrt

import numpy as np

from dure.campaigns.engine.allocate import Budgets, Prices
from dure.campaigns.engine.market import F64

_NODES, _SHARES = np.polynomial.legendre.leggauss(16)
_HEAD = struct.Struct("<4sIII")
_MAGIC = b"DPR1"


def packed(prices: Prices) -> bytes:
    """Prices as they are kept: 8 bytes a campaign and 8 a shop; `unpacked` gives them back exactly."""
    arrays = (prices.unit, prices.money, prices.unit_shop, prices.money_shop)
    head = _HEAD.pack(_MAGIC, len(prices.unit), len(prices.unit_shop), len(prices.money_shop))
    return head + b"".join(np.ascontiguousarray(a, "<f4").tobytes() for a in arrays)


def unpacked(kept: bytes) -> Prices:
    """Raises ValueError for anything but what `packed` wrote."""
    if len(kept) < _HEAD.size:
        raise ValueError("too short for prices")
    magic, campaigns, unit_shops, money_shops = _HEAD.unpack_from(kept)
    sizes = (campaigns, campaigns, unit_shops, money_shops)
    if magic != _MAGIC or len(kept) != _HEAD.size + 4 * sum(sizes):
        raise ValueError("these are no prices")
    whole = np.frombuffer(kept, "<f4", offset=_HEAD.size).astype(np.float32)
    if not np.isfinite(whole).all():
        raise ValueError("a price is a number")
    return Prices(*(part.copy() for part in np.split(whole, np.cumsum(sizes)[:-1])))


def decide(value: float, cost: float, price: float, money_price: float = 0.0) -> bool:
    """Whether one message is worth what it takes from others. All in won; `money_price` is won for a won of cost."""
    return value > price + money_price * cost


def odds(values: Sequence[float], jitter: float, prices: Sequence[float]) -> list[float]:
    """The chance with which the lottery makes each the best above its price, and above nothing: `propensity.propensities` for one person
    and one message, in a few steps of numpy, because nobody at the till waits for a compiler.

    Each value times 1 + jitter (U - 1/2) less its price is uniform on an interval of its own; between their ends the product
    of the others' distributions is a polynomial, and quadrature is exact. Without a lottery one is sure."""
    worth, half = np.asarray(values, float), np.asarray(values, float) * jitter / 2
    low, high = worth - np.asarray(prices, float) - half, worth - np.asarray(prices, float) + half
    if not half.all():
        best = int(np.argmax(high)) if len(high) else 0
        return [float(e == best and high[e] > 0) for e in range(len(high))]
    found = []
    for e in range(len(high)):
        ends = np.unique(np.clip([*low, *high, 0.0], low[e], high[e]))
        begin, width = ends[:-1, None], np.diff(ends)[:, None]
        at = begin + width * (_NODES + 1) / 2
        below = np.clip((at[..., None] - low) / (high - low), 0, 1)
        below[..., e] = 1
        found.append(float((below.prod(-1) * (at > 0) * _SHARES * width / 2).sum() / (high[e] - low[e])))
    return found


class Till:
    """The week's campaigns as the till sees them. Every budget that ends (a campaign's or its shop's, messages or won) has a price of
    its own, and a message pays those that it draws on.

    Arrays over campaigns: `occasions[j]`, how often somebody whom j may write to is expected until the next plan. `typical`: won
    that a message is worth, the unit of a step: one typical value over the root of the messages that the budget is for, so that chance
    is worked off by the time that it is spent. `given[j]`: messages that are used already, where a week is taken up again from what
    was kept. `learning=False` leaves prices as they are.
    """

    def __init__(
        self,
        prices: Prices,
        budgets: Budgets,
        occasions: F64,
        typical: float,
        *,
        given: F64 | None = None,
        learning: bool = True,
    ) -> None:
        n = budgets.campaigns
        shop = np.arange(n) if budgets.shop is None else budgets.shop
        self.price: list[float] = []
        self.left: list[float] = []
        self.occasions: list[float] = []
        self.step: list[float] = []
        self.draws: list[list[tuple[int, bool]]] = [[] for _ in range(n)]
        alone = np.arange(n)
        for of, many, all_in, of_shop, by_money in (
            (alone, budgets.messages, prices.unit, prices.unit_shop, False),
            (alone, budgets.money, prices.money, prices.money_shop, True),
            (shop, budgets.shop_messages, None, prices.unit_shop, False),
            (shop, budgets.shop_money, None, prices.money_shop, True),
        ):
            if many is None:
                continue
            price = of_shop if all_in is None else all_in - (of_shop[shop] if of_shop.size else 0)
            price = price if price.size else np.zeros(len(many))
            expected = np.bincount(of, occasions, minlength=len(many))
            messages = np.bincount(of, budgets.messages, minlength=len(many))
            first = len(self.price)
            for r in range(len(many)):
                # A message's use of it, on average; the root of a step's square.
                each = many[r] / max(1.0, messages[r]) if by_money else 1.0
                rate = typical / max(each, 1e-9) ** 2 / sqrt(max(1.0, messages[r])) if learning else 0.0
                self.price.append(max(0.0, float(price[r])))
                self.left.append(floor(many[r]) if np.isfinite(many[r]) else inf)
                self.occasions.append(float(expected[r]))
                self.step.append(rate if np.isfinite(many[r]) else 0.0)
            for j in range(n):
                if np.isfinite(many[of[j]]):
                    self.draws[j].append((first + int(of[j]), by_money))
                    if given is not None and not by_money:
                        self.left[first + int(of[j])] -= given[j]

    def offer(
        self, campaigns: Sequence[int], values: Sequence[float], costs: Sequence[float] | None = None
    ) -> int | None:
        """The place in `campaigns` of the one to give now, or None; budgets and prices move. `campaigns` are those that may write
        to this person now; consents, caps and holdouts are the caller's, and what may not be is not in the list."""
        best = self.best(campaigns, values, costs)
        self.note(campaigns, best, costs)
        return best

    def best(
        self, campaigns: Sequence[int], values: Sequence[float], costs: Sequence[float] | None = None
    ) -> int | None:
        """The place in `campaigns` of the one that is worth most above its price, or None; nothing moves."""
        price, left, draws = self.price, self.left, self.draws
        best, most = None, 0.0
        for place, j in enumerate(campaigns):
            cost = costs[place] if costs is not None else 0.0
            worth = values[place]
            for r, by_money in draws[j]:
                use = cost if by_money else 1.0
                worth -= price[r] * use
                if left[r] < ceil(use):
                    worth = -inf
                    break
            if worth > most:
                best, most = place, worth
        return best

    def note(self, campaigns: Sequence[int], given: int | None, costs: Sequence[float] | None = None) -> None:
        """An occasion of `campaigns` is over, and the one at the place `given` was used, or none: budgets and prices move."""
        price, left = self.price, self.left
        for place, j in enumerate(campaigns):
            cost = float(ceil(costs[place])) if costs is not None else 0.0
            for r, by_money in self.draws[j]:
                use = (cost if by_money else 1.0) if place == given else 0.0
                pace = left[r] / max(1.0, self.occasions[r])
                price[r] = max(0.0, price[r] + self.step[r] * (use - pace))
                left[r] -= use
                self.occasions[r] -= 1.0
