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
from sklearn.linear_model import LogisticRegression, Ridge

F64 = NDArray[np.float64]
FOREST_MOST = 60_000
"""So many rows a tree of the forest sees."""


@dataclass(frozen=True, slots=True)
class Design:
    """The same people twice: as trees like them and as linear learners like them. (rows, columns), (rows, features)"""

    plain: F64
    smooth: F64

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
    line = _smooth_outcome(design.smooth, outcome, yes_or_no)
    leaf = max(20, len(outcome) // 200)
    if yes_or_no:
        trees: Any = HistGradientBoostingClassifier(
            max_iter=80,
            learning_rate=0.06,
            max_leaf_nodes=8,
            min_samples_leaf=leaf,
            l2_regularization=10.0,
            random_state=seed,
        ).fit(design.plain, outcome)
        return lambda of: (line(of.smooth) + trees.predict_proba(of.plain)[:, 1]) / 2
    trees = HistGradientBoostingRegressor(
        max_iter=80,
        learning_rate=0.06,
        max_leaf_nodes=8,
        min_samples_leaf=leaf,
        l2_regularization=10.0,
        random_state=seed,
    ).fit(design.plain, outcome)
    return lambda of: np.asarray((line(of.smooth) + trees.predict(of.plain)) / 2)


def _smooth_outcome(features: F64, outcome: F64, yes_or_no: bool) -> Callable[[F64], F64]:
    if yes_or_no:
        model: Any = LogisticRegression(C=1.0, max_iter=300).fit(features, outcome)
        return lambda of: np.asarray(model.predict_proba(of)[:, 1])
    model = Ridge(alpha=10.0).fit(features, outcome)
    return lambda of: np.asarray(model.predict(of))


def interacted(design: Design, rows: Rows, seed: int) -> Predict:
    """One smooth model of the outcome in which every feature may matter differently with the message (S with interactions)."""
    del seed

    def with_arm(features: F64, arm: F64 | float) -> F64:
        side = np.broadcast_to(np.asarray(arm, float), (len(features),))[:, None] - 0.5
        return np.hstack([features, side, features * side])

    if rows.yes_or_no:
        model: Any = LogisticRegression(C=0.1, max_iter=400).fit(with_arm(design.smooth, rows.treated), rows.outcome)
    else:
        model = Ridge(alpha=30.0).fit(with_arm(design.smooth, rows.treated), rows.outcome)

    def tell(of: F64, arm: float) -> F64:
        asked = with_arm(of, arm)
        return np.asarray(model.predict_proba(asked)[:, 1] if rows.yes_or_no else model.predict(asked))

    return lambda of: tell(of.smooth, 1.0) - tell(of.smooth, 0.0)


def residual_ridge(design: Design, rows: Rows, seed: int) -> Predict:
    """τ(x) linear in the features, from the R-loss itself."""
    del seed
    features = np.hstack([np.ones((len(rows.lot), 1)), design.smooth])
    moved = features * rows.lot[:, None]
    noise = float(np.var(rows.surprise))
    # The prior: a feature moves the effect by about a quarter of the outcome's own movement with the arm.
    penalty = np.full(features.shape[1], noise / max(float(np.var(rows.expected)), noise * 1e-3) * 4)
    penalty[0] = 1e-6
    weights = np.linalg.solve(moved.T @ moved + np.diag(penalty), moved.T @ rows.surprise)
    return lambda of: np.asarray(weights[0] + of.smooth @ weights[1:])


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
        n_jobs=2, random_state=seed,
    ).fit(filled, rows.surprise / rows.lot, sample_weight=rows.lot**2)  # fmt: skip
    return lambda of: np.asarray(model.predict(np.nan_to_num(of.plain, nan=-1.0)))


LEARNERS: dict[str, Learner] = {
    "interacted": interacted,
    "ridge": residual_ridge,
    "boosting": residual_boosting,
    "forest": residual_forest,
}
