"""What one shop's campaign brought, helped by the campaigns of shops like it.

A family is one category, one kind of offer, one quarter. The shops' effects scatter around a mean; how much they scatter is
not estimated and plugged in but integrated over a grid. Two traps are avoided, both seen to fail in `make calibrate`:

- a plugged-in spread with variances from this campaign's own smoothed rates collapses to nothing, and so does coverage;
- weights taken from the outcomes favour shops where by chance few came, and bias the mean.

So weights are `n_T n_C / (n_T + n_C)`, and variances come from the period before the campaign.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

SHOPS_FOR_INTERVALS, SHOPS_FOR_CLAIMS, PEOPLE_TO_MEASURE = 100, 300, 60
SPREADS: Numbers = np.concatenate([[0.0], np.geomspace(0.0005, 0.20, 47)])
SPREAD_PRIOR = 0.02
WIDER = 1.05
LEAST_RATE = 0.002


@dataclass(frozen=True, slots=True)
class Pooled:
    """A family's mean effect with its standard error, and each shop's posterior as a mixture over the grid: weights (g,),
    means and deviations (s, g). Rates, not per cent."""

    mean: float
    error: float
    weights: Numbers
    means: Numbers
    deviations: Numbers

    def below(self, at: float | Numbers) -> Numbers:
        """Each shop's posterior chance that its effect is below `at`: (s,)."""
        cut = np.broadcast_to(np.asarray(at, float), self.means.shape[:1])[:, None]
        from scipy.special import ndtr

        return np.asarray(ndtr((cut - self.means) / self.deviations) @ self.weights, float)

    def quantile(self, q: float) -> Numbers:
        """The point that `q` of each shop's posterior lies below: (s,), by halving."""
        low = (self.means - 9 * self.deviations).min(axis=1)
        high = (self.means + 9 * self.deviations).max(axis=1)
        for _ in range(44):
            middle = (low + high) / 2
            under = self.below(middle) < q
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray((low + high) / 2, float)

    @property
    def guesses(self) -> Numbers:
        """Each shop's posterior mean: (s,)."""
        return np.asarray(self.means @ self.weights, float)


def smoothed(rates: Numbers, people: Numbers, *, weight: float = 50.0) -> Numbers:
    """Rates (s,) of the period before, drawn to their mean by the weight of so many people. All of it happened before the
    campaign, so it knows nothing of the outcome."""
    mean = float(np.average(rates, weights=np.maximum(people, 1e-9)))
    return np.maximum((rates * people + mean * weight) / (people + weight), LEAST_RATE)


def season_of(came_held: Numbers, held: Numbers, rate_before: Numbers) -> float:
    """How much more often all held-out people of a family came than before, one number between 1/3 and 3 for all shops: a
    good month is no difference between shops, and no shop's own outcome may touch its own variance."""
    expected = float(held @ rate_before)
    return float(np.clip(came_held.sum() / expected, 1 / 3, 3)) if expected > 0 else 1.0


def pool(
    difference: Numbers,
    reached: Numbers,
    held: Numbers,
    rate_before: Numbers,
    *,
    explained: float = 0.0,
    season: float = 1.0,
) -> Pooled:
    """Pool a family: differences of rates (s,), people reached and held out (s,), each shop's rate before (s,), the share of
    variance that CUPED took away, and `season`: how much more often everybody's held-out people came than before. Shops
    with nobody in a group are the caller's to leave out."""
    d, n_t, n_c = (np.asarray(x, float) for x in (difference, reached, held))
    if len(d) < 2 or min(n_t.min(), n_c.min()) <= 0:
        raise ValueError("a family has at least two shops, each with people in both groups")
    weight = n_t * n_c / (n_t + n_c)
    mean = float(weight @ d / weight.sum())
    error2 = float((weight**2) @ (d - mean) ** 2 / weight.sum() ** 2)
    h = np.clip(rate_before * season, LEAST_RATE, 1 - LEAST_RATE)
    lifted = np.clip(h + mean, LEAST_RATE, 1 - LEAST_RATE)
    v = (h * (1 - h) / n_c + lifted * (1 - lifted) / n_t) * (1 - explained)
    total = v[:, None] + SPREADS[None, :] ** 2
    likelihood = -0.5 * (np.log(total) + (d[:, None] - mean) ** 2 / total).sum(axis=0)
    # A half-normal prior of the spread, each grid point standing for the stretch around it.
    log_weight = likelihood - 0.5 * (SPREADS / SPREAD_PRIOR) ** 2 + np.log(np.gradient(SPREADS))
    weights = np.exp(log_weight - log_weight.max())
    weights /= weights.sum()
    toward = v[:, None] / total
    means = toward * mean + (1 - toward) * d[:, None]
    variances = (1 - toward) * v[:, None] + toward**2 * error2
    return Pooled(mean, float(np.sqrt(error2)), weights, means, WIDER * np.sqrt(np.maximum(variances, 1e-18)))
