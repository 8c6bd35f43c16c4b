"""The simple learners whose votes are stacked: what a message changes, for each person.

Each sees a design of the training rows, their arm, their outcome and the *nuisances* that were predicted for them by models
that had not seen them: m(x), the outcome to be expected whatever the arm, and e, the chance of being treated. With
Ỹ = Y − m and T̃ = T − e, an effect τ(x) is what makes (Ỹ − T̃ τ(x))² small (Robinson 1988; Nie & Wager 2021).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingClassifier, HistGradientBoostingRegressor

F64 = NDArray[np.float64]
FOREST_MOST = 60_000
"""So many rows a tree of the forest sees."""
PIECE = 50_000
NEWTON_MOST = 12


@dataclass(frozen=True, slots=True)
class Design:
    """The same people twice: as trees like them and as linear learners like them. (rows, columns), (rows, features)"""

    plain: NDArray[Any]
    smooth: NDArray[Any]

    def rows(self, which: NDArray[Any]) -> Design:
        return Design(self.plain[which], self.smooth[which])


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows with what is known of them; all of shape (rows,)."""

    treated: F64
    outcome: F64
    expected: F64
    chance: F64
    yes_or_no: bool

    def rows(self, which: NDArray[Any]) -> Rows:
        return Rows(self.treated[which], self.outcome[which], self.expected[which], self.chance[which], self.yes_or_no)

    @property
    def surprise(self) -> F64:
        return self.outcome - self.expected

    @property
    def lot(self) -> F64:
        return self.treated - self.chance


Predict = Callable[[Design], F64]
Learner = Callable[[Design, Rows, int], Predict]


def expected_outcome(design: Design, outcome: F64, yes_or_no: bool, seed: int) -> Predict:
    """m(x): the mean of a smooth model and of small trees."""
    weights = _linear(design.smooth, outcome, yes_or_no, penalty=1.0 if yes_or_no else 10.0)
    kind = HistGradientBoostingClassifier if yes_or_no else HistGradientBoostingRegressor
    trees: Any = kind(
        max_iter=80, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=max(20, len(outcome) // 200),
        l2_regularization=10.0, random_state=seed,
    ).fit(design.plain, outcome)  # fmt: skip

    def tell(of: Design) -> F64:
        grown = trees.predict_proba(of.plain)[:, 1] if yes_or_no else trees.predict(of.plain)
        return np.asarray((_told(of.smooth, weights, yes_or_no) + grown) / 2)

    return tell


def _linear(features: NDArray[Any], target: F64, yes_or_no: bool, penalty: float, arm: F64 | None = None) -> F64:
    """Weights (1 + features,), the constant first, of a ridge or, for yes or no, a logistic regression by Newton's steps; with
    `arm` every feature and the constant come again times `arm`. The constant is held by nothing. Reads the rows in pieces."""
    width = (features.shape[1] + 1) * (1 if arm is None else 2)
    held = np.full(width, penalty)
    held[0] = 1e-6
    weights = np.zeros(width)

    def step(at: F64) -> tuple[float, F64, F64]:
        loss, slope, bend = float(held @ at**2) / 2, held * at, np.diag(held)
        for begin in range(0, len(target), PIECE):
            part = slice(begin, begin + PIECE)
            design = _with_arm(features[part], None if arm is None else arm[part])
            score = design @ at
            if yes_or_no:
                chance = 1 / (1 + np.exp(-score))
                loss += float(np.sum(np.logaddexp(0, score) - target[part] * score))
                slope = slope + design.T @ (chance - target[part])
                bend = bend + (design * (chance * (1 - chance))[:, None]).T @ design
            else:
                loss += float(np.sum((score - target[part]) ** 2)) / 2
                slope = slope + design.T @ (score - target[part])
                bend = bend + design.T @ design
        return loss, slope, bend

    loss, slope, bend = step(weights)
    for _ in range(NEWTON_MOST if yes_or_no else 1):
        move = np.linalg.solve(bend, slope)
        tried = step(weights - move)
        while tried[0] > loss + 1e-9 * abs(loss) and np.abs(move).max() > 1e-6:
            move = move / 2
            tried = step(weights - move)
        fell = loss - tried[0]
        weights, (loss, slope, bend) = weights - move, tried
        if fell < 1e-7 * abs(loss):
            break
    return weights


def _with_arm(features: NDArray[Any], arm: F64 | float | None) -> F64:
    whole = np.hstack([np.ones((len(features), 1)), features])
    if arm is None:
        return whole
    return np.hstack([whole, whole * np.broadcast_to(np.asarray(arm, float), (len(whole),))[:, None]])


def _told(features: NDArray[Any], weights: F64, yes_or_no: bool, arm: float | None = None) -> F64:
    told = np.concatenate(
        [_with_arm(features[b : b + PIECE], arm) @ weights for b in range(0, len(features), PIECE)] or [np.zeros(0)]
    )
    return np.asarray(1 / (1 + np.exp(-told)) if yes_or_no else told)


def interacted(design: Design, rows: Rows, seed: int) -> Predict:
    """One smooth model of the outcome in which every feature may matter differently with the message (S with interactions)."""
    del seed
    weights = _linear(
        design.smooth, rows.outcome, rows.yes_or_no, penalty=10.0 if rows.yes_or_no else 30.0, arm=rows.treated - 0.5
    )
    return lambda of: (
        _told(of.smooth, weights, rows.yes_or_no, arm=0.5) - _told(of.smooth, weights, rows.yes_or_no, arm=-0.5)
    )


def residual_ridge(design: Design, rows: Rows, seed: int) -> Predict:
    """τ(x) linear in the features, from the R-loss itself."""
    del seed
    noise = float(np.var(rows.surprise))
    # The prior: a feature moves the effect by about a quarter of the outcome's own movement with the arm.
    bend = np.diag(np.full(design.smooth.shape[1] + 1, noise / max(float(np.var(rows.expected)), noise * 1e-3) * 4))
    bend[0, 0] = 1e-6
    slope = np.zeros(len(bend))
    for begin in range(0, len(rows.lot), PIECE):
        part = slice(begin, begin + PIECE)
        moved = _with_arm(design.smooth[part], None) * rows.lot[part, None]
        bend += moved.T @ moved
        slope += moved.T @ rows.surprise[part]
    weights = np.linalg.solve(bend, slope)
    return lambda of: _told(of.smooth, weights, False)


def residual_boosting(design: Design, rows: Rows, seed: int) -> Predict:
    """Small, slow, strongly held trees on the pseudo-outcome Ỹ/T̃ weighted by T̃²."""
    leaf = max(50, len(rows.lot) // 40)
    model = HistGradientBoostingRegressor(
        max_iter=120,
        learning_rate=0.03,
        max_leaf_nodes=6,
        min_samples_leaf=leaf,
        l2_regularization=50.0,
        random_state=seed,
    ).fit(design.plain, rows.surprise / rows.lot, sample_weight=rows.lot**2)
    return lambda of: np.asarray(model.predict(of.plain))


def residual_forest(design: Design, rows: Rows, seed: int) -> Predict:
    """A forest of random cuts with large leaves on the same pseudo-outcome."""
    filled = np.nan_to_num(design.plain, nan=-1.0)
    leaf = max(50, min(len(rows.lot), FOREST_MOST) // 60)
    model = ExtraTreesRegressor(
        120, min_samples_leaf=leaf, max_features=0.7, bootstrap=True, max_samples=min(0.5, FOREST_MOST / len(rows.lot)),
        random_state=seed,
    ).fit(filled, rows.surprise / rows.lot, sample_weight=rows.lot**2)  # fmt: skip
    return lambda of: np.asarray(model.predict(np.nan_to_num(of.plain, nan=-1.0)))


LEARNERS: dict[str, Learner] = {
    "interacted": interacted,
    "ridge": residual_ridge,
    "boosting": residual_boosting,
    "forest": residual_forest,
}
