"""What a message adds, learned from the coins of the network's own campaigns and from nothing else.

A message of goal *g* from shop *k* adds `e_g f_k ((1 - s) + s pull)` visits, `pull` being the root of the visits that come anyway,
measured in those of a typical friend. `e`, `f` and `s` are told by Robinson's residuals: what came less what was expected of
such a row, against who the coin chose less the chance of being chosen. All of it is shrunk towards what is usual, and judged on
campaigns that it has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dure.targeting.engine.measures import auuc, lead

F64 = NDArray[np.float64]
FOLDS = 5
STRUCTURES = np.linspace(0.02, 0.98, 49)
STRUCTURE_DOUBT = 0.25
SHOPS_DIFFER = 0.3
"""How much shops' messages are expected to differ (sd of the factor)."""
FACTORS = (0.25, 4.0)
NOISE_LEAST = 3e-3
"""Variance of an outcome, at least: a campaign nobody came of is no proof that nobody ever comes."""
TENTHS = 10


@dataclass(frozen=True, slots=True)
class Coins:
    """Everybody of whom a coin decided, (rows,) each: which campaign, goal and shop (places), how much pulls them anyway, whether
    they were written to, the chance of it, and whether they came."""

    campaign: NDArray[np.int64]
    goal: NDArray[np.int64]
    shop: NDArray[np.int64]
    pull: F64
    treated: NDArray[np.bool_]
    chance: F64
    came: F64

    def rows(self, which: NDArray[np.bool_]) -> Coins:
        return Coins(*(getattr(self, name)[which] for name in Coins.__slots__))


@dataclass(frozen=True, slots=True)
class Effects:
    """Extra visits a message by goal, (goals,); each shop's factor, (shops,); how far both follow the pull (0 to 1)."""

    structure: float
    goals: F64
    shops: F64

    def of(self, coins: Coins) -> F64:
        """What a message adds to each row, (rows,)."""
        shaped = 1 - self.structure + self.structure * coins.pull
        return np.asarray(self.goals[coins.goal] * self.shops[coins.shop] * shaped)


@dataclass(frozen=True, slots=True)
class Judged:
    """How effects fared on campaigns that they were not learned from: what came over what was foretold, by tenths too; the areas
    under V(k) of their ranking, of the usual one's and of the expected response's; the low ends (one-sided 95 %, campaigns
    drawn, not rows) of the first's lead over each of the others."""

    ratio: float | None
    tenths: list[tuple[float, float]]
    learned: float
    usual: float
    response: float
    over_usual: float
    over_response: float

    @property
    def passed(self) -> bool:
        """Whether beyond doubt they rank better than what they would replace, and than who comes anyway."""
        return self.over_usual > 0 and self.over_response > 0


@dataclass(frozen=True, slots=True)
class Learned:
    """Effects learned from every row, and how their like fared out of fold."""

    effects: Effects
    judged: Judged
    out_of_fold: F64 = field(repr=False)


def learn(coins: Coins, usual: Effects, *, seed: int = 1) -> Learned:
    """Learn and judge; the same rows and seed give the same numbers. `usual` is what serves without it, and what is shrunk to."""
    surprise, weigh = _surprise(coins)
    campaigns = int(coins.campaign.max()) + 1
    fold = (np.random.default_rng(seed).permutation(campaigns) % FOLDS)[coins.campaign]
    unseen = np.zeros(len(coins.came))
    for one in range(FOLDS):
        away = fold != one
        fitted = _fit(coins.rows(away), surprise[away], weigh[away], usual)
        unseen[~away] = fitted.of(coins.rows(~away))
    return Learned(_fit(coins, surprise, weigh, usual), _judge(coins, surprise, unseen, usual), unseen)


def _surprise(coins: Coins) -> tuple[F64, F64]:
    """What came less what was expected of such a row whichever way its coin fell, and one over the variance of that."""
    sizes = np.maximum(np.bincount(coins.campaign), 1)
    level = np.bincount(coins.campaign, coins.came) / sizes
    around = np.column_stack([coins.pull, coins.pull**2])
    around -= np.column_stack([np.bincount(coins.campaign, one) / sizes for one in around.T])[coins.campaign]
    slopes, *_ = np.linalg.lstsq(around, coins.came - level[coins.campaign], rcond=None)
    surprise = coins.came - level[coins.campaign] - around @ slopes
    noise = np.maximum(np.bincount(coins.campaign, surprise**2) / sizes, NOISE_LEAST)
    return surprise, 1 / noise[coins.campaign]


def _fit(coins: Coins, surprise: F64, weigh: F64, usual: Effects) -> Effects:
    lot = coins.treated - coins.chance
    goals, shops = len(usual.goals), len(usual.shops)
    # Everything that any structure asks of the rows, by goal.
    power = [np.bincount(coins.goal, weigh * lot**2 * coins.pull**n, goals) for n in range(3)]
    told = [np.bincount(coins.goal, weigh * lot * surprise * coins.pull**n, goals) for n in range(2)]
    pull = 1 / np.maximum(usual.goals, 1e-4) ** 2
    best, least = usual, np.inf
    for s in STRUCTURES:
        has = (1 - s) ** 2 * power[0] + 2 * s * (1 - s) * power[1] + s**2 * power[2]
        says = (1 - s) * told[0] + s * told[1]
        effect = np.clip((says + pull * usual.goals) / (has + pull), 0, 1)
        loss = float(np.sum(effect**2 * has - 2 * effect * says + pull * (effect - usual.goals) ** 2))
        loss += ((s - usual.structure) / STRUCTURE_DOUBT) ** 2
        if loss < least:
            best, least = Effects(float(s), effect, np.ones(shops)), loss
    moved = lot * best.of(coins)
    prior = SHOPS_DIFFER**-2
    heard = np.bincount(coins.shop, weigh * moved * surprise, shops)
    weight = np.bincount(coins.shop, weigh * moved**2, shops)
    return Effects(best.structure, best.goals, np.clip((heard + prior) / (weight + prior), *FACTORS))


def _judge(coins: Coins, surprise: F64, unseen: F64, usual: Effects) -> Judged:
    fair = np.where(coins.treated, 1 / coins.chance, 1 / (1 - coins.chance))
    measured = np.where(coins.treated, fair, -fair) * surprise
    foretold = float(unseen.sum())
    order = np.argsort(unseen, kind="stable")
    tenths = [
        (float(unseen[part].mean()), float(measured[part].mean()))
        for part in np.array_split(order, TENTHS)
        if len(part)
    ]
    others = {"usual": usual.of(coins), "response": coins.pull**2}

    def area(score: F64) -> float:
        return auuc(score, coins.treated, coins.came, fair)

    def over(other: F64) -> float:
        return lead(unseen, other, coins.treated, surprise, weight=fair, cluster=coins.campaign)

    return Judged(
        ratio=float(measured.sum()) / foretold if foretold > 0 else None, tenths=tenths, learned=area(unseen),
        usual=area(others["usual"]), response=area(others["response"]), over_usual=over(others["usual"]),
        over_response=over(others["response"]),
    )  # fmt: skip
