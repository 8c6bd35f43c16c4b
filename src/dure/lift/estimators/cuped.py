"""Less noise for the same people: CUPED (Deng, Xu, Kohavi, Walker; WSDM 2013) on the visit rate predicted before the campaign."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def predicted_rate(visits: Numbers, windows: float, *, mean: float, weight: float = 2.0) -> Numbers:
    """Each person's chance to come within one window, (n,), from `visits` in `windows` windows of history, drawn to the
    network's `mean` by the weight of so many windows (gamma-Poisson)."""
    rate = (np.asarray(visits, float) + mean * weight) / (windows + weight)
    return np.asarray(1 - np.exp(-rate), float)


def coefficient(outcomes: Numbers, predicted: Numbers) -> float:
    """How much of the prediction to take off, (n,) and (n,): estimated on the whole network's period *before* the campaign,
    never on the sixty people of one shop. 0 where nothing varies."""
    spread = float(np.var(predicted))
    if spread == 0 or len(outcomes) < 2:
        return 0.0
    return float(np.mean((outcomes - outcomes.mean()) * (predicted - predicted.mean())) / spread)


def explained(outcomes: Numbers, predicted: Numbers) -> float:
    """R²: the share of the variance that the prediction takes away, 0 to 1."""
    if np.var(outcomes) == 0 or np.var(predicted) == 0:
        return 0.0
    return float(np.corrcoef(outcomes, predicted)[0, 1] ** 2)


def adjusted(difference: Numbers, predicted_reached: Numbers, predicted_held: Numbers, theta: float) -> Numbers:
    """The difference of rates (s,) less what the groups' mean predictions (s,), (s,) say it would be without a message."""
    return np.asarray(difference - theta * (predicted_reached - predicted_held), float)
