"""Cross-fitted R-learner stack with a replacement gate: from randomised rows to a score for anybody.

1. *Folds.* Every nuisance and every learner's vote about a training row comes from models that did not see that row.
2. *Stack.* The votes, and the structural guess that the effect follows the expected outcome's root, are weighed by the R-loss,
   never below zero and pulled towards equal weights, because the R-loss of few rows hardly tells them apart.
3. *Gate.* Whom to write to is ranked by uplift only if, on rows that neither the learners nor the weights have seen, it
   beats the ranking by expected response beyond doubt (bootstrap, one-sided 95 %). Else the response ranking stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from threadpoolctl import threadpool_limits

from dure.targeting.engine import measures
from dure.targeting.engine.learners import LEARNERS, Design, Predict, Rows, expected_outcome

F64 = NDArray[np.float64]
FOLDS = 5
BOOTSTRAPS = 200
STRUCTURE = "response^1/2"
DOUBT = 0.05
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the uplift ranking may replace the response ranking, and by what it was judged (area under V(k), out of fold)."""

    passed: bool
    uplift: float
    response: float
    random: float
    difference_low: float


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned, and how it was judged. `weights` are per learner; `slope` shrinks the spread of the effects."""

    weights: dict[str, float]
    effect: float
    effect_error: float
    slope: float
    gate: Gate
    rows: int
    out_of_fold: F64 = field(repr=False)
    expected_out_of_fold: F64 = field(repr=False)
    _votes: dict[str, Predict] = field(repr=False)
    _expected: Predict = field(repr=False)
    _centre: dict[str, float] = field(repr=False)

    def expected(self, design: Design) -> F64:
        """The outcome to be expected of each, whatever the arm."""
        return self._expected(design)

    def uplift(self, design: Design) -> F64:
        """What a message adds to the outcome of each, in the outcome's unit; shrunk."""
        spread = sum(
            (self.weights[name] * (vote(design) - self._centre[name]) for name, vote in self._votes.items()),
            np.zeros(len(design.plain)),
        )
        return np.asarray(self.effect + self.slope * spread)


def learn(
    design: Design, treated: NDArray[np.bool_], outcome: F64, seed: int = 1, progress: Progress = lambda done, of: None
) -> Model:
    """Learn from randomised rows, on one core; the same rows and seed give the same model.

    Raises:
        ValueError: an arm is empty or nobody's outcome differs.
    """
    with threadpool_limits(1):  # the same sums in the same order on any machine
        return _learn(design, treated, outcome, seed, progress)


def _learn(design: Design, treated: NDArray[np.bool_], outcome: F64, seed: int, progress: Progress) -> Model:
    arm = treated.astype(float)
    if not 0 < arm.mean() < 1:
        raise ValueError("one arm is empty")
    if np.ptp(outcome) == 0:
        raise ValueError("every outcome is the same")
    yes_or_no = bool(np.isin(outcome, (0.0, 1.0)).all())
    fold = _folds(treated, outcome > 0, seed)
    steps, done = 2 * FOLDS + 1, 0
    expected = np.zeros(len(arm))
    for one in range(FOLDS):
        away, here = fold != one, fold == one
        expected[here] = expected_outcome(design.rows(away), outcome[away], yes_or_no, seed)(design.rows(here))
        progress(done := done + 1, steps)
    rows = Rows(arm, outcome, expected, np.full(len(arm), arm.mean()), yes_or_no)
    votes = {name: np.zeros(len(arm)) for name in LEARNERS} | {STRUCTURE: _structure(expected)}
    for one in range(FOLDS):
        away, here = fold != one, fold == one
        for name, learner in LEARNERS.items():
            votes[name][here] = learner(design.rows(away), rows.rows(away), seed)(design.rows(here))
        progress(done := done + 1, steps)

    effect, error = _effect(treated, outcome - expected)
    stacked = np.zeros(len(arm))
    for one in range(FOLDS):
        away, here = fold != one, fold == one
        weights = _weigh({name: vote[away] for name, vote in votes.items()}, rows.rows(away))
        stacked[here] = sum(weights[name] * (vote[here] - vote[away].mean()) for name, vote in votes.items())
    slope = _slope(stacked, rows, effect)
    weights = _weigh(votes, rows)
    whole = expected_outcome(design, outcome, yes_or_no, seed)
    made: dict[str, Predict] = {name: learner(design, rows, seed) for name, learner in LEARNERS.items()}
    made[STRUCTURE] = lambda of: _structure(whole(of))
    progress(steps, steps)
    return Model(
        weights=weights, effect=effect, effect_error=error, slope=slope, gate=_gate(stacked, expected, treated, outcome, seed),
        rows=len(arm), out_of_fold=effect + slope * stacked, expected_out_of_fold=expected, _votes=made, _expected=whole,
        _centre={name: float(vote.mean()) for name, vote in votes.items()},
    )  # fmt: skip


def _folds(treated: NDArray[np.bool_], came: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """A fold for each row, so that every fold has its share of each arm's comers."""
    dice = np.random.default_rng(seed)
    fold = np.empty(len(treated), np.int64)
    start = 0
    for cell in (treated & came, treated & ~came, ~treated & came, ~treated & ~came):
        where = dice.permutation(np.flatnonzero(cell))
        fold[where] = (np.arange(len(where)) + start) % FOLDS
        start += len(where)
    return fold


def _structure(expected: F64) -> F64:
    return np.sqrt(np.maximum(expected, 0.0))


def _effect(treated: NDArray[np.bool_], surprise: F64) -> tuple[float, float]:
    """The average effect and its standard error, with what was expected taken off first."""
    with_, without = surprise[treated], surprise[~treated]
    error = np.sqrt(with_.var(ddof=1) / len(with_) + without.var(ddof=1) / len(without))
    return float(with_.mean() - without.mean()), float(error)


def _weigh(votes: dict[str, F64], rows: Rows) -> dict[str, float]:
    """Weights >= 0 of the centred votes by the R-loss, pulled towards an equal say.

    A vote's say is measured in its own spread: the pull is that of a prior under which each of n learners is right about 1/n of
    its spread, with a doubt as large.
    """
    names = list(votes)
    centred = np.column_stack([votes[name] - votes[name].mean() for name in names])
    spread = centred.std(axis=0)
    spread[spread == 0] = 1.0
    lot = rows.lot - rows.lot.mean()
    target = rows.surprise - rows.lot * _line(rows.lot, rows.surprise)
    noise = float(np.std(target)) or 1.0
    moved = (centred / spread) * lot[:, None]
    prior = np.full(len(names), float(np.median(spread)) / len(names))
    pull = noise / prior
    left = np.vstack([moved, np.diag(pull)])
    weights, _ = nnls(left.T @ left, left.T @ np.concatenate([target, pull * prior]))
    return {name: float(weight / width) for name, weight, width in zip(names, weights, spread, strict=True)}


def _line(x: F64, y: F64) -> float:
    return float(x @ y / (x @ x))


def _slope(stacked: F64, rows: Rows, effect: float) -> float:
    """How much of the stack's spread is borne out on rows that it did not see: between 0 and 1."""
    moved = rows.lot * stacked
    power = float(moved @ moved)
    if power == 0:
        return 0.0
    return float(np.clip(moved @ (rows.surprise - rows.lot * effect) / power, 0.0, 1.0))


def _gate(stacked: F64, expected: F64, treated: NDArray[np.bool_], outcome: F64, seed: int) -> Gate:
    """What was expected of each (out of fold, so the lot knows nothing of it) is taken off the outcome before the rankings are
    compared: it adds the same to both arms on average, and is most of the noise."""
    dice = np.random.default_rng(seed)
    ours, theirs = measures.Ranked.by(stacked), measures.Ranked.by(expected)
    surprise = outcome - expected
    differences = np.empty(BOOTSTRAPS)
    for number in range(BOOTSTRAPS):
        weight = dice.poisson(1.0, len(stacked)).astype(float)
        differences[number] = ours.area(treated, surprise, weight) - theirs.area(treated, surprise, weight)
    low = float(np.quantile(differences, DOUBT))
    everybody = outcome[treated].mean() - outcome[~treated].mean()
    uplift, response = ours.area(treated, outcome), theirs.area(treated, outcome)
    return Gate(bool(low > 0), uplift, response, float(everybody) / 2, low)
