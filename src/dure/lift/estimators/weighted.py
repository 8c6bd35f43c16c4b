"""What a plan's own lottery says of its messages: Hájek's ratio of weighted means.

Near the margin of its prices the plan writes to some and not to others by lot, with odds that are known
(`campaigns.engine.propensity`). Weighed by one over the odds of what happened to them, both groups stand for the same people.
"""

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.lift.estimators.newcombe import Interval

Numbers = NDArray[np.float64]
LEAST = 0.02
"""Odds nearer to 0 or 1 than this would let a handful of people speak for thousands."""


def hajek(
    outcomes: Any, treated: Any, odds: Any, *, expected: Any = 0.0, level: float = 0.95, least: float = LEAST
) -> Interval:
    """The effect on those near the margin, with its interval. Arrays (n,): outcomes, who was written to, with which probability;
    `expected`, what was expected of each without a message (learned from others), takes noise away and can do no harm. Only
    odds within `least` of neither 0 nor 1 are read. The interval is of the linearised ratio; NaN where a group is empty."""
    y, t, e = np.asarray(outcomes, float) - expected, np.asarray(treated, bool), np.asarray(odds, float)
    near = (e > least) & (e < 1 - least)
    y, t, e = y[near], t[near], e[near]
    if not t.any() or t.all():
        return Interval(np.nan, np.nan, np.nan)
    to, off = t / e, ~t / (1 - e)
    mean_to, mean_off = (to @ y) / to.sum(), (off @ y) / off.sum()
    parts = to * (y - mean_to) / to.mean() - off * (y - mean_off) / off.mean()
    half = NormalDist().inv_cdf((1 + level) / 2) * float(np.sqrt(parts @ parts)) / len(y)
    guess = float(mean_to - mean_off)
    return Interval(guess - half, guess, guess + half)
