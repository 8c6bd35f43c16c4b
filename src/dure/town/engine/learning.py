"""Learns what a message changes from the town's own coins, and from nothing else.

1. *Rows.* Whoever was planned was written to or held out by a coin; as many of the one as of the other are kept, with what was
   known of them at that moment.
2. *Candidates.* `targeting.engine.stack` learns the uplift. Beside it stands a log-linear effect, which begins at the structural
   guess (the effect follows the root of the expected response) and is moved by the R-loss on all rows, each weighed by its noise.
3. *Gate.* The better of the two replaces the expected response only if it is beyond doubt better on rows that it had not seen.
4. *Shops and people.* Some shops' offers are worth more, some people heed messages more than others. Both are told by what came
   of earlier messages, shrunk: shops by the R-loss on the coin's rows, people by a gamma-Poisson memory of what they answered to.

All edges are scored every week by one `Quadratic` of the features.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.targeting.engine import stack
from dure.targeting.engine.learners import Design
from dure.targeting.engine.measures import auuc, lead
from dure.town.engine.book import FEATURES, Book, Quadratic
from dure.town.engine.policies import Market, Nobody
from dure.town.engine.story import Heard, edges_of
from dure.town.engine.world import F32, F64, U8, U32, Seen

HOLDOUT = 0.15
STACKS_AFTER = (2, 7)
"""The weeks after which the stack, which takes a while, is learned anew; the log-linear effect is every week."""
STACKED_ROWS, GATE_ROWS, DISTILLED_ON = 20_000, 150_000, 30_000
FIRST_CURIOUS, FIRST_WEEKS, CURIOUS = 1.0, 2, 0.15
"""How far chance moves a value (sd of its logarithm): at first far, to see many kinds of people, then a little."""
SHOPS_DIFFER = 0.3
"""How much shops' offers are expected to differ (sd of the factor)."""
MEMORIES = (0.5, 1.0, 2.0, 4.0, 1e9)
"""Shapes of the gamma that says how differently people heed messages; the last is: all alike. The coin's rows choose."""
LEAST, NOISE_LEAST = 1e-5, 3e-3
FOLDS, STEPS, SLOPE_PRIOR = 4, 12, 0.5
ORGANIC, RECENT = FEATURES.index("organic"), FEATURES.index("recent")


@dataclass(frozen=True, slots=True)
class Learned:
    """What a learning came to, for the report: areas under V(k) out of fold, and which ranks from now on."""

    week: int
    rows: int
    ranks: str
    log_linear: float
    stacked: float
    response: float


@dataclass(frozen=True, slots=True)
class Coins:
    """Rows of coins, each (m,) but `features` (m, k): `factor` is what was known of shop and person at the time."""

    features: F64
    treated: NDArray[np.bool_]
    came: F64
    organic: F64
    factor: F64

    def rows(self, which: NDArray[Any]) -> Coins:
        return Coins(
            self.features[which], self.treated[which], self.came[which], self.organic[which], self.factor[which]
        )


@dataclass(frozen=True, slots=True)
class LogLinear:
    """An effect exp(w0 + w . z) of features, held within what was seen and of like spread."""

    low: F64
    high: F64
    middle: F64
    spread: F64
    weights: F64

    def design(self, features: F64) -> F64:
        z = (np.clip(features, self.low, self.high) - self.middle) / self.spread
        return np.column_stack([np.ones(len(z)), z])

    def __call__(self, features: F64) -> F64:
        return np.asarray(np.exp(np.clip(self.design(features) @ self.weights, -14, 0)))

    def quadratic(self) -> Quadratic:
        """The same as all edges are scored."""
        many = len(self.middle)
        weights = np.zeros(1 + many + many * (many + 1) // 2)
        weights[0], at = self.weights[0], 1
        for k in range(many):
            weights[at] = self.weights[k + 1]
            at += 1 + many - k
        return Quadratic(self.low, self.high, self.middle, self.spread, weights, logarithm=True)


def fit_log_linear(coins: Coins) -> LogLinear:
    """The effect by Gauss-Newton steps on the R-loss, a row's weight being one over the variance of its outcome."""
    low, high = np.quantile(coins.features, [0.002, 0.998], axis=0)
    held = np.clip(coins.features, low, high)
    middle, spread = held.mean(axis=0), held.std(axis=0) + 1e-9
    lot = coins.treated - 0.5
    surprise = coins.came - coins.organic
    effect = max(float(surprise[coins.treated].mean() - surprise[~coins.treated].mean()), 1e-4)
    prior = np.zeros(len(middle) + 1)
    prior[0], prior[ORGANIC + 1] = np.log(effect), 0.5 * spread[ORGANIC]
    pull = np.full(len(prior), SLOPE_PRIOR**-2)
    pull[0] = 0.1
    model = LogLinear(low, high, middle, spread, prior)
    design = model.design(coins.features)
    weights = prior.copy()
    for _ in range(STEPS):
        uplift = np.exp(np.clip(design @ weights, -14, 0)) * coins.factor
        weigh = 1 / np.maximum(coins.organic + 0.5 * uplift, NOISE_LEAST)
        left = coins.came - coins.organic - coins.treated * uplift
        # What is the same with and without a message is taken off by the lot, not by what is believed to be organic.
        moved = design * (lot * uplift)[:, None]
        surprise = left - np.average(left, weights=weigh)
        power = (moved * weigh[:, None]).T @ moved + np.diag(pull)
        step = np.linalg.solve(power, moved.T @ (weigh * surprise) - pull * (weights - prior))
        weights = weights + np.clip(step, -0.7, 0.7)
        if np.abs(step).max() < 1e-3:
            break
    return LogLinear(low, high, middle, spread, weights)


@dataclass(slots=True)
class Memory:
    """What each person answered, beside what was expected of people who look alike. (n,) both."""

    answered: F64
    expected: F64
    losses: F64 = field(default_factory=lambda: np.zeros(len(MEMORIES)))

    def factor(self, shape: float) -> F64:
        return (shape + self.answered) / (shape + self.expected)

    @property
    def shape(self) -> float:
        return MEMORIES[int(np.argmin(self.losses))] if self.losses.any() else MEMORIES[-1]


class Learner(Nobody):
    """The policy that learns. It is given `Seen` and told `Heard`."""

    key, holdout = "learned", HOLDOUT

    def __init__(self, seen: Seen, seed: int, *, remembers: bool = True) -> None:
        super().__init__(seen)
        self.seed, self.remembers = seed, remembers
        if not remembers:
            self.key = "learned, no memory"
        self.book, self.market = Book(seen), Market(seen, seed)
        self.memory = Memory(np.zeros(seen.people), np.zeros(seen.people))
        self.model: LogLinear | None = None
        self.stacked: tuple[stack.Model, Callable[[F64], Design]] | None = None
        self.ranking: Quadratic | None = None
        self.power, self.told = np.zeros(seen.shops), np.zeros(seen.shops)
        self.coins: list[Coins] = []
        self.learned: list[Learned] = []

    def plan(self, week: int, room: U8) -> U32:
        value = self.value(room)
        dice = np.random.Generator(np.random.SFC64(np.random.SeedSequence((self.seed, week, 5))))
        curious = FIRST_CURIOUS if week < FIRST_WEEKS else CURIOUS
        value *= np.exp(np.float32(curious) * dice.standard_normal(value.shape, np.float32))
        return self.market.plan(value, week, room, HOLDOUT)

    def value(self, room: U8) -> F32:
        """(n, d): what a message is thought to be worth, 0 where none may be sent."""
        if self.ranking is None:
            dull = np.zeros(1) if self.model is None else self.model.weights[RECENT + 1] / self.model.spread[RECENT]
            return np.asarray(
                np.sqrt(self.book.organic)
                * ((room > 0) * self.people() * np.exp(np.minimum(dull, 0) * self.book.recent))[:, None],
                np.float32,
            )
        value = np.maximum(self.book.score(self.ranking, room), 0)
        return np.asarray(value * self.shops().astype(np.float32)[self.seen.shop] * self.people()[:, None], np.float32)

    def people(self) -> F32:
        """(n,): how much more each heeds messages than others do."""
        if not self.remembers:
            return np.ones(self.seen.people, np.float32)
        return self.memory.factor(self.memory.shape).astype(np.float32)

    def shops(self) -> F64:
        """(s,): how much more a message of each shop is worth than of others."""
        pull = SHOPS_DIFFER**-2
        return np.clip((self.told + pull) / (self.power + pull), 0.2, 4.0)

    def hear(self, heard: Heard) -> None:
        self._keep(heard)
        if self.model:
            self._remember(heard, self.model)
        self.book.hear(heard)
        if heard.week % 4 == 3:
            self.book.learn_organic()
        self._learn(heard.week)

    def _keep(self, heard: Heard) -> None:
        """As many held out as written to, drawn by lot: the coin knew nothing of them."""
        rows, edges = edges_of(heard.reached)
        off, of = edges_of(heard.held)
        if not len(off) or not len(rows):
            return
        some = np.random.default_rng((self.seed, heard.week, 6)).choice(len(rows), min(len(rows), len(off)), False)
        who, which = np.concatenate([rows[some], off]), np.concatenate([edges[some], of])
        factor = self.shops()[self.seen.shop[who, which]] * self.people()[who]
        self.coins.append(
            Coins(
                self.book.features(who, which),
                np.arange(len(who)) < len(some),
                ((heard.came[who] >> which.astype(np.uint32)) & 1).astype(float),
                self.book.organic[who, which].astype(float),
                factor,
            )
        )

    def _learn(self, week: int) -> None:
        if not self.coins:
            return
        every = Coins(*(np.concatenate([getattr(one, name) for one in self.coins]) for name in Coins.__slots__))
        if np.ptp(every.came) == 0 or min(every.treated.sum(), (~every.treated).sum()) < 200:
            return
        self.model = fit_log_linear(every)
        dice = np.random.default_rng((self.seed, week, 8))
        order = dice.permutation(len(every.came))
        judged = every.rows(order[:GATE_ROWS])
        fold = np.arange(len(judged.came)) % FOLDS
        unseen = np.empty(len(judged.came))
        for one in range(FOLDS):
            unseen[fold == one] = fit_log_linear(judged.rows(fold != one))(judged.features[fold == one])
        unseen *= judged.factor
        ranks, ranking, areas = "response", None, [auuc(unseen, judged.treated, judged.came), 0.0]
        if lead(unseen, judged.organic, judged.treated, judged.came) > 0:
            ranks, ranking = "log-linear", self.model.quadratic()
        if week in STACKS_AFTER:
            some = every.rows(order[:STACKED_ROWS])
            design = _designer(some.features)
            stacked = stack.learn(design(some.features), some.treated, some.came, seed=week)
            areas[1] = auuc(stacked.out_of_fold * some.factor, some.treated, some.came)
            mine = auuc(unseen[: len(some.came)], some.treated, some.came)
            if stacked.gate.passed and areas[1] > mine:
                self.stacked = stacked, design
            else:
                self.stacked = None
        if self.stacked:
            model, design = self.stacked
            asked = self.book.features(
                dice.integers(0, self.seen.people, DISTILLED_ON),
                dice.integers(0, self.seen.shop.shape[1], DISTILLED_ON),
            )
            asked = np.concatenate([asked, judged.features[:DISTILLED_ON]])
            ranks, ranking = "stack", Quadratic.fitted(asked, model.uplift(design(asked)))
        self.ranking = ranking
        response = auuc(judged.organic, judged.treated, judged.came)
        self.learned.append(Learned(week, len(every.came), ranks, areas[0], areas[1], response))

    def _remember(self, heard: Heard, model: LogLinear) -> None:
        """What came of the week's messages: by the R-loss for shops and for how much memory is worth, then person by person."""
        rows, edges = edges_of(heard.reached | heard.held)
        shop, bit = self.seen.shop[rows, edges], edges.astype(np.uint32)
        lot = ((heard.reached[rows] >> bit) & 1) - (1 - HOLDOUT)
        came = ((heard.came[rows] >> bit) & 1).astype(float)
        guess = model(self.book.features(rows, edges))
        organic = self.book.organic[rows, edges].astype(float)
        factor, people = self.shops()[shop], self.people()[rows]
        weigh = 1 / np.maximum(organic + guess, NOISE_LEAST)
        for number, shape in enumerate(MEMORIES):
            mine = guess * factor * self.memory.factor(shape)[rows]
            self.memory.losses[number] += weigh @ (came - organic - (1 - HOLDOUT) * mine - lot * mine) ** 2
        alone = guess * people
        surprise = came - organic - (1 - HOLDOUT) * alone * factor
        self.told += np.bincount(shop, weigh * lot * alone * surprise, self.seen.shops)
        self.power += np.bincount(shop, weigh * lot**2 * alone**2, self.seen.shops)
        sent = lot > 0
        alike = np.maximum(guess * factor, LEAST)[sent]
        share = alike * people[sent] / (alike * people[sent] + organic[sent])
        np.add.at(self.memory.answered, rows[sent], came[sent] * share)
        np.add.at(self.memory.expected, rows[sent], alike)


def _designer(features: F64) -> Callable[[F64], Design]:
    low, high = np.quantile(features, [0.002, 0.998], axis=0)
    middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-9

    def design(of: F64) -> Design:
        held = np.clip(of, low, high)
        z = (held - middle) / spread
        return Design(held, np.hstack([z, z**2 - 1]))

    return design
