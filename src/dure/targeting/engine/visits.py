"""How often people come by themselves, and whether they still do: BG/NBD (Fader, Hardie & Lee, Marketing Science 24, 2005).

While somebody is a customer they come at a rate of their own (gamma: `r`, `alpha`); after each visit they may be lost for good,
with a chance of their own (beta: `a`, `b`). Of a history it needs three numbers, in any one unit of time: `visits` after the
first, `last` from the first visit to the last, `known` from the first visit until today.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
START = (0.0, 1.0, 0.0, 1.0)
"""Where the search begins: the logarithms of r, alpha / mean time, a, b."""
FARTHEST = 7.0
"""How far each of them goes. Where nobody was ever lost the likelihood grows without end, and a chance of one in a million to be
lost is as good as none."""


@dataclass(frozen=True, slots=True)
class Habits:
    """The four parameters, and the log likelihood that they reach."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = float("nan")


@numba.njit(cache=True, error_model="numpy")
def _log_likelihood(
    r: float, alpha: float, a: float, b: float, visits: F64, last: F64, known: F64, weight: F64
) -> float:
    fixed = -lgamma(r) + r * log(alpha) + lgamma(a + b) - lgamma(b)
    total = 0.0
    for i in range(len(visits)):
        x = visits[i]
        shared = fixed + lgamma(r + x) + lgamma(b + x) - lgamma(a + b + x)
        alive = -(r + x) * log(alpha + known[i])
        if x > 0:
            lost = log(a) - log(b + x - 1) - (r + x) * log(alpha + last[i])
            most = max(alive, lost)
            shared += most + log(exp(alive - most) + exp(lost - most))
        else:
            shared += alive
        total += weight[i] * shared
    return total


def fit(visits: F64, last: F64, known: F64) -> Habits:
    """The habits that make the histories likeliest. Histories that are alike are computed once.

    Raises:
        ValueError: histories that cannot be (last after known, a visit without time, nobody at all).
    """
    from scipy.optimize import minimize

    if not len(visits) or np.any((last > known) | (last < 0) | (visits < 0) | ((visits > 0) & (last <= 0))):
        raise ValueError("a history must have 0 <= last <= known, and time between its visits")
    alike, weight = np.unique(np.column_stack([visits, last, known]).astype(float), axis=0, return_counts=True)
    x, tx, t = (np.ascontiguousarray(alike[:, one]) for one in range(3))
    scale = float(np.average(t, weights=weight)) or 1.0
    times = weight.astype(float)

    def cost(logs: F64) -> float:
        r, alpha, a, b = np.exp(logs)
        return -float(_log_likelihood(r, alpha, a, b, x, tx / scale, t / scale, times) / times.sum())

    logs = np.array(START)
    for _ in range(2):  # the second search starts where the first one stopped, with a fresh simplex
        exact = {"xatol": 1e-7, "fatol": 1e-12, "maxiter": 4_000}
        logs = minimize(cost, logs, method="Nelder-Mead", bounds=[(-FARTHEST, FARTHEST)] * len(START), options=exact).x
    r, alpha, a, b = np.exp(logs)
    alpha *= scale
    return Habits(float(r), float(alpha), float(a), float(b), float(_log_likelihood(r, alpha, a, b, x, tx, t, times)))


@numba.njit(cache=True, parallel=True, fastmath=True, error_model="numpy")
def _alive(r: float, alpha: float, a: float, b: float, visits, last, known, chance) -> None:  # type: ignore[no-untyped-def]
    for i in numba.prange(len(visits)):
        x = np.float32(visits[i])
        if x > 0:
            odds = a / (b + x - 1) * np.exp((r + x) * np.log((alpha + known[i]) / (alpha + last[i])))
            chance[i] = 1 / (1 + odds)
        else:
            chance[i] = 1


def alive(
    habits: Habits, visits: NDArray[np.generic], last: NDArray[np.generic], known: NDArray[np.generic]
) -> NDArray[np.float32]:
    """The chance that each is still a customer; churn risk is the rest. (people,), float32. Forty million take about a second."""
    chance = np.empty(len(visits), np.float32)
    small: Any = [np.float32(one) for one in (habits.r, habits.alpha, habits.a, habits.b)]
    _alive(small[0], small[1], small[2], small[3], visits, last, known, chance)
    return chance


def expected_visits(habits: Habits, visits: F64, last: F64, known: F64, ahead: float) -> F64:
    """How many visits each will make in the next `ahead` units of time (equation 10 of the paper). (people,)"""
    from scipy.special import hyp2f1

    r, alpha, a, b = habits.r, habits.alpha, habits.a, habits.b
    if abs(a - 1) < 1e-9:
        a += 1e-9
    x, tx, t = (np.asarray(one, float) for one in (visits, last, known))
    gone = ((alpha + t) / (alpha + t + ahead)) ** (r + x) * hyp2f1(
        r + x, b + x, a + b + x - 1, ahead / (alpha + t + ahead)
    )
    odds = np.where(x > 0, a / (b + np.maximum(x, 1) - 1) * ((alpha + t) / (alpha + tx)) ** (r + x), 0.0)
    return np.asarray((a + b + x - 1) / (a - 1) * (1 - gone) / (1 + odds))
