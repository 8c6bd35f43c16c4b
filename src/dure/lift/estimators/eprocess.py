"""Watching while it runs without being fooled: an exact test of two rates that may be looked at every day.

Turner, Ly & Grünwald (2021, arXiv 2106.02693): for a block of `a` people in one group and `b` in the other, any two rates
fixed before the block give a factor whose expectation is at most 1 when both groups have one rate, whatever it is. The
product over blocks may be looked at at any time: it reaches 1/α by chance with probability at most α (Ville). Each person
counts once, in the block in which their window closed: what accrues day by day in one cohort is no martingale.
"""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

ALARM = 100.0
"""1/α for stopping a campaign: it happens to a harmless one at most once in a hundred."""


def evidence(
    yes_a: Numbers, people_a: Numbers, yes_b: Numbers, people_b: Numbers, *, one_sided: bool = True
) -> Numbers:
    """E after each block, (t,) or (t, n) for n campaigns at once: the evidence that rate a is above rate b (or, not
    one-sided, differs). Counts by block. The rates bet on come from the blocks before, by Beta(0.18, 0.18) means around
    what is common to both, so the first block is no bet."""
    ya, na, yb, nb = (np.asarray(x, float) for x in (yes_a, people_a, yes_b, people_b))
    before_ya, before_na = _before(ya), _before(na)
    before_yb, before_nb = _before(yb), _before(nb)
    common = (before_ya + before_yb + 0.18) / (before_na + before_nb + 0.36)
    # Each group's own rate, drawn a little to the common one so that a rate of nought is never bet on.
    theta_a = (before_ya + common) / (before_na + 1)
    theta_b = (before_yb + common) / (before_nb + 1)
    if one_sided:
        no_bet = theta_a <= theta_b
        theta_a, theta_b = np.where(no_bet, common, theta_a), np.where(no_bet, common, theta_b)
    people = np.maximum(na + nb, 1)
    theta_0 = (na * theta_a + nb * theta_b) / people
    theta_0 = np.where(na + nb > 0, theta_0, 0.5)
    log = _log_ratio(ya, na, theta_a, theta_0) + _log_ratio(yb, nb, theta_b, theta_0)
    return np.asarray(np.exp(np.minimum(np.cumsum(log, axis=0), 700)), float)


def _before(counts: Numbers) -> Numbers:
    return np.asarray(np.cumsum(counts, axis=0) - counts, float)


def _log_ratio(yes: Numbers, people: Numbers, theta: Numbers, theta_0: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = yes * np.log(theta / theta_0) + (people - yes) * np.log((1 - theta) / (1 - theta_0))
    return np.asarray(np.where(people > 0, ratio, 0.0), float)
