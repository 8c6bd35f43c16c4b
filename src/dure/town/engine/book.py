"""What a platform writes down and may look up again: visits, messages, how long ago; and the features made of it.

Nothing hidden comes in: a `Book` is opened on `Seen` and told `Heard`. `organic` is how often each would come with no message, from
everybody's payments: BG/NBD for the person (`targeting.engine.visits`), a Poisson model for the person at this shop that never sees
that person's own visits there, and those last by a gamma-Poisson update.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import PoissonRegressor

from dure.targeting.engine import visits
from dure.town.engine.story import Heard, edges_of
from dure.town.engine.world import CATEGORIES, F32, F64, NEVER, Seen

SAMPLE = 60_000
HISTORIES = 1_500
OWN = ("activity", "taste", "popular", "distance", "near", "age")
FEATURES = ("organic", "activity", "taste", "popular", "distance", "age", "visits", "since", "recent")
FORGETS = 0.6
"""How much of a message still counts a week later."""


@numba.njit(inline="always", cache=True)
def _own_at(i, e, shop, visits, kinds, came, rate, category, popular, distance, age, pull, out):
    """How much the person is about, likes this kind, how many come here, how far it is: without their own visits to this shop."""
    s = shop[i, e]
    own = visits[i, e]
    others = came[i] - own
    out[0] = np.log(rate[i] * (others + pull) / (came[i] + pull))
    out[1] = np.log((kinds[i, category[s]] - own + 0.5) / (others + 0.5 * CATEGORIES))
    out[2] = np.log(popular[s])
    out[3] = distance[i, e]
    out[4] = np.exp(-distance[i, e])
    out[5] = age[i]


@numba.njit(parallel=True, cache=True)
def _organic(shop, visits, weeks, kinds, came, rate, category, popular, distance, age, pull, weights, shape, found):
    people, degree = shop.shape
    for i in numba.prange(people):
        out = np.empty(6, np.float64)
        for e in range(degree):
            _own_at(i, e, shop, visits, kinds, came, rate, category, popular, distance, age, pull, out)
            eta = weights[0]
            for k in range(6):
                eta += weights[k + 1] * out[k]
            guess = np.exp(min(max(eta, -14.0), 0.0))
            found[i, e] = (shape + visits[i, e]) / (shape / guess + weeks[i, e])


@numba.njit(cache=True)
def _own_rows(rows, edges, shop, visits, kinds, came, rate, category, popular, distance, age, pull):
    found = np.empty((len(rows), 6))
    for n in range(len(rows)):
        _own_at(rows[n], edges[n], shop, visits, kinds, came, rate, category, popular, distance, age, pull, found[n])
    return found


@numba.njit(inline="always", cache=True)
def _features_at(
    i, e, week, shop, visits, last, kinds, came, rate, category, popular, distance, age, organic, recent, out
):
    s = shop[i, e]
    out[0] = np.log(organic[i, e])
    out[1] = np.log(rate[i])
    out[2] = np.log((kinds[i, category[s]] + 0.5) / (came[i] + 0.5 * CATEGORIES))
    out[3] = np.log(popular[s])
    out[4] = distance[i, e]
    out[5] = age[i]
    out[6] = np.log(1.0 + visits[i, e])
    out[7] = min(np.float32(week - last[i, e]), np.float32(30.0)) / np.float32(30.0)
    out[8] = recent[i]


@numba.njit(cache=True)
def _feature_rows(
    rows, edges, week, shop, visits, last, kinds, came, rate, category, popular, distance, age, organic, recent
):
    found = np.empty((len(rows), 9), np.float64)
    for n in range(len(rows)):
        _features_at(
            rows[n], edges[n], week, shop, visits, last, kinds, came, rate, category, popular, distance, age, organic, recent,
            found[n],
        )  # fmt: skip
    return found


@numba.njit(parallel=True, cache=True)
def _quadratic(
    week, shop, visits, last, kinds, came, rate, category, popular, distance, age, organic, recent, room, low, high, middle,
    spread, weights, logarithm, found,
):  # fmt: skip
    people, degree = shop.shape
    many = len(middle)
    for i in numba.prange(people):
        out = np.empty(many, np.float64)
        for e in range(degree):
            if room[i] == 0:
                found[i, e] = 0.0
                continue
            _features_at(
                i,
                e,
                week,
                shop,
                visits,
                last,
                kinds,
                came,
                rate,
                category,
                popular,
                distance,
                age,
                organic,
                recent,
                out,
            )
            for k in range(many):
                out[k] = (min(max(out[k], low[k]), high[k]) - middle[k]) / spread[k]
            total = weights[0]
            at = 1
            for k in range(many):
                part = weights[at]
                at += 1
                for m in range(k, many):
                    part += weights[at] * out[m]
                    at += 1
                total += part * out[k]
            found[i, e] = np.exp(min(max(total, -14.0), 0.0)) if logarithm else total


class Book:
    """Everything that was seen of a town until now."""

    def __init__(self, seen: Seen) -> None:
        self.seen, self.week = seen, 0
        self.visits = seen.visits.astype(np.uint16)
        # Weeks without a message, and the visits in them: what comes with a message says nothing about what comes without.
        self.quiet_visits, self.quiet_weeks = (
            seen.visits.astype(np.uint16),
            np.full(seen.shop.shape, seen.weeks, np.uint8),
        )
        self.last = np.where(seen.last == NEVER, -128, -1 - seen.last.astype(np.int16)).astype(np.int16)
        self.first = np.where(seen.first == NEVER, 0, -1 - seen.first.astype(np.int16)).astype(np.int16)
        self.latest = np.where(seen.latest == NEVER, 0, -1 - seen.latest.astype(np.int16)).astype(np.int16)
        self.came = seen.came.astype(np.int32)
        self.recent = np.zeros(seen.people, np.float32)
        self.kinds = np.zeros((seen.people, CATEGORIES), np.int32)
        for e in range(seen.shop.shape[1]):
            np.add.at(self.kinds, (np.arange(seen.people), seen.category[seen.shop[:, e]]), seen.visits[:, e])
        self.reach = np.bincount(seen.shop.ravel(), minlength=seen.shops)
        self.organic = np.zeros(seen.shop.shape, np.float32)
        self.learn_organic()

    def hear(self, heard: Heard) -> None:
        """Write a week down."""
        rows, edges = edges_of(heard.came)
        fresh = self.came[rows] == 0
        self.first[rows[fresh]] = heard.week
        np.add.at(self.visits, (rows, edges), 1)
        self.last[rows, edges] = heard.week
        self.latest[rows] = heard.week
        np.add.at(self.came, rows, 1)
        np.add.at(self.kinds, (rows, self.seen.category[self.seen.shop[rows, edges]]), 1)
        self.quiet_weeks += 1
        self.quiet_weeks[edges_of(heard.reached)] -= 1
        self.quiet_visits[edges_of(heard.came & ~heard.reached)] += 1
        self.recent = FORGETS * self.recent + np.bitwise_count(heard.reached).astype(np.float32)
        self.week = heard.week + 1

    def learn_organic(self) -> None:
        """How often each comes to each shop by themselves."""
        seen = self.seen
        weeks = seen.weeks + self.week
        x, last, known = _histories(self.came, self.first, self.latest, self.week, weeks)
        habits = _habits(seen)
        # Those who were never seen are no customers yet, and still about: the rate is drawn to everybody's mean.
        mean, spread = float(self.came.mean()), float(self.came.var())
        self.pull = float(np.clip(mean**2 / max(spread - mean, 1e-6), 0.05, 20.0))
        rate = (self.pull + self.came) / (self.pull / max(mean, 1e-3) + 1.0) / weeks
        self.rate = (rate * visits.alive(habits, x, last, known)).astype(np.float32)
        at_shop = np.bincount(seen.shop.ravel(), self.quiet_visits.ravel(), seen.shops)
        self.popular = ((at_shop + 1.0) / (self.reach + 1.0) / weeks).astype(np.float32)
        dice = np.random.default_rng(2)
        rows = dice.integers(0, seen.people, SAMPLE)
        edges = dice.integers(0, seen.shop.shape[1], SAMPLE)
        look = (
            seen.shop, self.quiet_visits, self.kinds, self.came, self.rate, seen.category, self.popular, seen.distance, seen.age,
        )  # fmt: skip
        features = _own_rows(rows, edges, *look, self.pull)
        seen_weeks = np.maximum(self.quiet_weeks[rows, edges], 1).astype(float)
        count = self.quiet_visits[rows, edges].astype(float)
        middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
        model = PoissonRegressor(alpha=1e-6, max_iter=300).fit(
            (features - middle) / spread, count / seen_weeks, sample_weight=seen_weeks
        )
        weights = np.concatenate([[model.intercept_ - model.coef_ @ (middle / spread)], model.coef_ / spread])
        expected = np.exp(np.clip(features @ weights[1:] + weights[0], -14, 0)) * seen_weeks
        self.shape = _shape(count, expected)
        _organic(
            seen.shop, self.quiet_visits, self.quiet_weeks, self.kinds, self.came, self.rate, seen.category, self.popular,
            seen.distance, seen.age, self.pull, weights, self.shape, self.organic,
        )  # fmt: skip

    def features(self, rows: NDArray[np.int64], edges: NDArray[np.int64]) -> F64:
        """(m, features) of some edges, as `FEATURES` names them."""
        found: F64 = _feature_rows(rows, edges, self.week, *self._look())
        return found

    def _look(self) -> tuple[object, ...]:
        seen = self.seen
        return (
            seen.shop, self.visits, self.last, self.kinds, self.came, self.rate, seen.category, self.popular, seen.distance,
            seen.age, self.organic, self.recent,
        )  # fmt: skip

    def score(self, quadratic: Quadratic, room: NDArray[np.uint8]) -> F32:
        """(n, d): a quadratic of the features for all edges; 0 where nobody may write."""
        found = np.empty(self.seen.shop.shape, np.float32)
        _quadratic(
            self.week, *self._look(), room, quadratic.low, quadratic.high, quadratic.middle, quadratic.spread,
            quadratic.weights, quadratic.logarithm, found,
        )  # fmt: skip
        return found


def _histories(
    came: NDArray[np.int32], first: NDArray[np.int16], latest: NDArray[np.int16], week: int, weeks: int
) -> tuple[F64, F64, F64]:
    """Visits after the first, weeks from the first to the last, weeks since the first; each (n,). Several visits of one week
    are one."""
    known = np.where(came > 0, week - first, weeks).astype(float)
    last = np.where(came > 1, (latest - first).astype(float), 0.0)
    return np.where(last > 0, came - 1.0, 0.0), last, known


@lru_cache(maxsize=1)
def _habits(seen: Seen) -> visits.Habits:
    """BG/NBD of the history, by some of the people: once a town."""
    some = np.random.default_rng(1).choice(seen.people, min(seen.people, HISTORIES), replace=False)
    first, latest = (
        np.where(ago[some] == NEVER, 0, -1 - ago[some].astype(np.int16)).astype(np.int16)
        for ago in (seen.first, seen.latest)
    )
    return visits.fit(*_histories(seen.came[some].astype(np.int32), first, latest, 0, seen.weeks))


def _shape(count: F64, expected: F64) -> float:
    """How alike people are beyond what the model knows: the gamma's shape that makes the counts likeliest, from a grid."""
    from scipy.special import gammaln

    def fit(k: float) -> float:
        return float(
            np.sum(
                gammaln(k + count)
                - gammaln(k)
                + k * np.log(k / (k + expected))
                + count * np.log(expected / (k + expected))
            )
        )

    return max((0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4), key=fit)


@dataclass(frozen=True, slots=True)
class Quadratic:
    """A score of the features, their squares and products: what learners say in a form that four million edges bear every week.
    Features beyond what it was fitted on count as the outermost. With `logarithm` it is the score's logarithm."""

    low: F64
    high: F64
    middle: F64
    spread: F64
    weights: F64
    logarithm: bool = False

    @classmethod
    def fitted(cls, features: F64, score: F64, *, logarithm: bool = False) -> Quadratic:
        """By least squares; with `logarithm` a Poisson model of a score that is never below 0."""
        low, high = np.quantile(features, [0.002, 0.998], axis=0)
        held = np.clip(features, low, high)
        blank = cls(low, high, held.mean(axis=0), held.std(axis=0) + 1e-9, np.zeros(1), logarithm)
        design = blank.design(features)
        if logarithm:
            model = PoissonRegressor(alpha=1e-7, max_iter=500).fit(design[:, 1:], np.maximum(score, 0))
            return replace(blank, weights=np.concatenate([[model.intercept_], model.coef_]))
        pull = np.eye(design.shape[1]) * 1e-5 * len(score)
        return replace(blank, weights=np.asarray(np.linalg.solve(design.T @ design + pull, design.T @ score), float))

    def design(self, features: F64) -> F64:
        """(m, 1 + k + k (k + 1) / 2)."""
        z = (np.clip(features, self.low, self.high) - self.middle) / self.spread
        columns = [np.ones(len(z))]
        for k in range(z.shape[1]):
            columns.append(z[:, k])
            columns += [z[:, k] * z[:, m] for m in range(k, z.shape[1])]
        return np.column_stack(columns)

    def __call__(self, features: F64) -> F64:
        found = self.design(features) @ self.weights
        return np.asarray(np.exp(np.clip(found, -14, 0)) if self.logarithm else found)
