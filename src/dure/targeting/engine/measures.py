"""How good a ranking by uplift is, judged on rows whose treatment was drawn by lot.

`score` ranks, `treated` says who got it, `outcome` what came of it; all of shape (rows,). Sources: Radcliffe 2007 (Qini);
Devriendt et al. 2020 (areas); scikit-uplift 0.5 for the normalised coefficient.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

DOUBT = 0.05
F64 = NDArray[np.float64]
Arms = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows in the order of a score, best first. Rows of one score come in together, so that no order of ties flatters."""

    order: NDArray[np.intp]
    last: NDArray[np.bool_]

    @classmethod
    def by(cls, score: F64) -> Ranked:
        order = np.argsort(-score, kind="stable")
        ranked = score[order]
        return cls(order, np.append(ranked[1:] != ranked[:-1], True))

    def gains(self, treated: Arms, outcome: F64, weight: F64 | None = None) -> tuple[F64, F64]:
        """V(k): treated responders in the best k over all treated, less held-out responders over all held out; `(k, V)`, from
        nobody to everybody. A row of weight two is the same row twice."""
        mass = np.ones(len(self.order)) if weight is None else weight[self.order]
        arm, came = treated[self.order], outcome[self.order]
        inside, outside = np.where(arm, mass, 0.0), np.where(arm, 0.0, mass)
        value = np.cumsum(inside * came / inside.sum() - outside * came / outside.sum())
        share = np.cumsum(mass) / mass.sum()
        return np.append(0.0, share[self.last]), np.append(0.0, value[self.last])

    def area(self, treated: Arms, outcome: F64, weight: F64 | None = None) -> float:
        """The area under V(k): a random ranking has half the effect."""
        k, value = self.gains(treated, outcome, weight)
        return float(np.sum(np.diff(k) * (value[1:] + value[:-1]) / 2))


def auuc(score: F64, treated: Arms, outcome: F64, weight: F64 | None = None) -> float:
    """The area under V(k) of the ranking by `score`."""
    return Ranked.by(score).area(treated, outcome, weight)


def lead(
    score: F64,
    other: F64,
    treated: Arms,
    outcome: F64,
    *,
    weight: F64 | None = None,
    cluster: NDArray[np.int64] | None = None,
) -> float:
    """The low end (one-sided 95 %) of how much more area `score` has than `other`; above 0 it ranks better beyond doubt.

    The area under V(k) is the mean of outcome × (1 - rank) among the treated less that among those held out, so a difference of two
    areas is a difference of two means, and has a standard error as those have. `weight` is one over the chance of a row's arm where
    chances differ; rows of one `cluster` stand or fall together.
    """
    mass = np.ones(len(score)) if weight is None else weight
    moved = outcome * (_rank(other) - _rank(score))
    ahead, part = 0.0, np.zeros(len(score))
    for arm, sign in ((treated, 1.0), (~treated, -1.0)):
        of = mass[arm] / mass[arm].sum()
        mean = float(of @ moved[arm])
        ahead += sign * mean
        part[arm] = sign * of * (moved[arm] - mean)
    apart: F64 = part if cluster is None else np.bincount(cluster, part).astype(np.float64)
    return ahead - NormalDist().inv_cdf(1 - DOUBT) * float(np.sqrt(apart @ apart))


def _rank(score: F64) -> F64:
    """0 for the best, 1 for the last; rows of one score share a rank."""
    ranked = Ranked.by(score)
    ends = np.flatnonzero(ranked.last)
    begins = np.append(0, ends[:-1] + 1)
    rank = np.empty(len(score))
    rank[ranked.order] = np.repeat((begins + ends) / 2, ends - begins + 1) / len(score)
    return rank


def qini_area(score: F64, treated: Arms, outcome: F64) -> float:
    """The area between the Qini curve and the diagonal, per treated person: 0 for a random ranking."""
    k, value = _qini(score, treated, outcome)
    return float(np.sum(np.diff(k) * (value[1:] + value[:-1]) / 2) - value[-1] / 2)


def qini_auc(score: F64, treated: Arms, outcome: F64) -> float:
    """The Qini area as a share of what knowing each outcome would give (scikit-uplift's `qini_auc_score`)."""
    perfect = np.where((outcome > 0) & treated, 2.0, np.where((outcome > 0) & ~treated, 0.0, 1.0))
    best = qini_area(perfect, treated, outcome)
    return qini_area(score, treated, outcome) / best if best > 0 else 0.0


def _qini(score: F64, treated: Arms, outcome: F64) -> tuple[F64, F64]:
    order = np.argsort(-score, kind="stable")
    ranked, arm, came = score[order], treated[order].astype(float), outcome[order]
    inside, outside = np.cumsum(arm), np.cumsum(1 - arm)
    theirs = np.cumsum((1 - arm) * came)
    scaled = np.divide(theirs * inside, outside, out=np.zeros_like(theirs), where=outside > 0)
    value = (np.cumsum(arm * came) - scaled) / arm.sum()
    last = np.append(ranked[1:] != ranked[:-1], True)
    share = np.arange(1, len(score) + 1) / len(score)
    return np.append(0.0, share[last]), np.append(0.0, value[last])


def uplift_at(score: F64, treated: Arms, outcome: F64, share: float) -> float:
    """The effect among the best `share` of all rows."""
    best = np.zeros(len(score), bool)
    best[np.argsort(-score, kind="stable")[: max(1, round(share * len(score)))]] = True
    return float(outcome[best & treated].mean() - outcome[best & ~treated].mean())
