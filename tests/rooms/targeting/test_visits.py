"""BG/NBD: habits are recovered from histories that were drawn with them."""

import numpy as np
import pytest

from dure.targeting.engine.visits import Habits, alive, expected_visits, fit
from dure.targeting.rules import fault_of
from dure.targeting.values import ModelName

TRUE = Habits(r=0.7, alpha=4.0, a=0.8, b=2.5)


def histories(people: int, known: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Visits and last until `known`, whether each is still a customer, and visits in the `known` after it."""
    dice = np.random.default_rng(seed)
    rate, leave = dice.gamma(TRUE.r, 1 / TRUE.alpha, people), dice.beta(TRUE.a, TRUE.b, people)
    visits, last, later = np.zeros(people), np.zeros(people), np.zeros(people)
    at, still = np.zeros(people), np.ones(people, bool)
    here = np.ones(people, bool)
    while here.any():
        at = at + np.where(here, dice.exponential(1 / rate), 0)
        here &= at <= 2 * known
        early = here & (at <= known)
        visits += early
        last = np.where(early, at, last)
        later += here & ~early
        gone = here & (dice.random(people) < leave)
        still &= ~(gone & early)
        here &= ~gone
    return visits, last, still, later


def test_habits_are_recovered_and_tell_who_is_lost_and_who_comes() -> None:
    visits, last, still, later = histories(40_000, 30.0, 1)
    known = np.full(len(visits), 30.0)
    found = fit(visits, np.maximum(np.round(last, 1), 0.1 * (visits > 0)), known)
    assert [found.r, found.alpha, found.a, found.b] == pytest.approx([0.7, 4.0, 0.8, 2.5], rel=0.15)
    chance = alive(found, visits, last, known)
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        among = (chance >= low) & (chance < high) & (visits > 0)
        assert abs(still[among].mean() - chance[among].mean()) < 0.03
    assert expected_visits(found, visits, last, known, 30.0).sum() == pytest.approx(later.sum(), rel=0.05)


def test_histories_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="history"):
        fit(np.array([1.0]), np.array([5.0]), np.array([4.0]))
    with pytest.raises(ValueError, match="history"):
        fit(np.array([]), np.array([]), np.array([]))


def test_where_nobody_is_lost_the_habits_are_usable_and_foretell_what_comes() -> None:
    """The likelihood has no end then: without one of its own the search ran to a customer in 10^13 lost, which nothing can reckon with."""
    dice = np.random.default_rng(1)
    rate, known = dice.gamma(0.6, 1 / 60, 4_000), dice.uniform(20, 80, 4_000)
    visits = dice.poisson(rate * known).astype(float)
    last = np.where(visits > 0, known * dice.random(4_000) ** (1 / np.maximum(visits, 1)), 0.0)
    found = fit(visits, last, known)
    parameters = {name: getattr(found, name) for name in ("r", "alpha", "a", "b")}
    assert fault_of(ModelName.VISITS, parameters, {"ratio": 1.0}, {}) == ""
    foretold = expected_visits(found, visits, last, known, 7.0)
    assert (foretold > 0).all()
    assert foretold.sum() == pytest.approx((rate * 7).sum(), rel=0.1)
