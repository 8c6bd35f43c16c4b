"""How much the effects of many campaigns differ, beyond what chance makes of each; and so where the next one's may lie.

Normal random effects with the spread integrated over a grid under a half-normal prior, as `pooled` does for shops: a plugged-in
spread collapses to nothing among small campaigns. Weights know no outcome, so that rare events do not bend the mean.
"""

from collections.abc import Callable
from math import erf, sqrt

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
PRIOR, WIDER = 0.04, 1.15
GRID = np.linspace(0.0, 0.10, 81)
"""Spreads that are weighed, and how far they are expected to reach (differences of rates); what the range is widened by, as the
pooled intervals are, because the spread itself is only guessed."""


def spread_of(came_reached: F64, reached: F64, came_held: F64, held: F64, *, level: float) -> tuple[float, float]:
    """Where the effect (a difference of rates) of one more such campaign lies with chance `level`. Counts of people, each (n,),
    n at least 2, nobody of them 0."""
    effect = came_reached / reached - came_held / held
    weight = reached * held / (reached + held)
    share = weight / weight.sum()
    mean = float(share @ effect)
    rate = float((came_reached.sum() + came_held.sum()) / (reached.sum() + held.sum()))
    # Variances from rates halfway to everybody's: those of a few dozen people alone are mostly chance.
    p1, p2 = (came_reached / reached + rate) / 2, (came_held / held + rate) / 2
    v = p1 * (1 - p1) / reached + p2 * (1 - p2) / held
    whole = v[None, :] + (GRID**2)[:, None]
    told = -0.5 * (np.log(whole) + (effect - mean) ** 2 / whole).sum(axis=1) - 0.5 * (GRID / PRIOR) ** 2
    says = np.exp(told - told.max())
    says /= says.sum()
    deviation = WIDER * np.sqrt(GRID**2 + (share**2) @ whole.T)

    def below(where: float) -> float:
        return float(
            says
            @ [
                0.5 * (1 + erf((where - mean) / (float(one) * sqrt(2)))) if one else float(where >= mean)
                for one in deviation
            ]
        )

    return _where(below, (1 - level) / 2), _where(below, (1 + level) / 2)


def _where(below: Callable[[float], float], part: float) -> float:
    low, high = -1.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < part else (low, middle)
    return (low + high) / 2
