"""Noise for numbers about people, drawn by OpenDP, and what an attacker can make of it."""

from functools import cache
from math import log
from typing import Any as Whatever

import numpy as np
from numpy.typing import NDArray

EPSILON = 0.04
"""Of one answer. An attacker who knows all but one bit and asks n times is right at best Φ(ε·√n/2) of the time: 0.536 for
20 questions, 0.611 for 200. At ε = 0.1 that would be 0.588 and 0.76: see docs/decisions."""

A_DAY, IN_90_DAYS = 20, 200


def noised(true: int, epsilon: float = EPSILON, sensitivity: int = 1) -> int:
    """The number plus discrete Laplace noise of scale sensitivity/epsilon, from the system's own randomness."""
    return int(_one(sensitivity / epsilon)(int(true)))


def noised_all(true: NDArray[np.int64], epsilon: float, sensitivity: int) -> NDArray[np.int64]:
    """Counts of one release: a person changes them by at most `sensitivity` in all (L1). Any shape; whole numbers."""
    flat = np.ascontiguousarray(true, dtype=np.int64).ravel()
    answer = _many(sensitivity / epsilon)(flat.tolist())
    return np.asarray(answer, dtype=np.int64).reshape(true.shape)


def margin(epsilon: float = EPSILON) -> int:
    """How far off an answer is at most, 95 times of 100."""
    return round(log(1 / 0.05) / epsilon)


@cache
def _one(scale: float) -> Whatever:
    from opendp.domains import atom_domain
    from opendp.metrics import absolute_distance

    return _laplace(atom_domain(T="i64"), absolute_distance(T="i64"), scale)


@cache
def _many(scale: float) -> Whatever:
    from opendp.domains import atom_domain, vector_domain
    from opendp.metrics import l1_distance

    return _laplace(vector_domain(atom_domain(T="i64")), l1_distance(T="i64"), scale)


def _laplace(domain: Whatever, metric: Whatever, scale: float) -> Whatever:
    # Not opendp.prelude, which loads scikit-learn and pandas: seconds, for every program that only might draw noise.
    from opendp.measurements import make_laplace
    from opendp.mod import enable_features

    enable_features("contrib")
    return make_laplace(domain, metric, scale)
