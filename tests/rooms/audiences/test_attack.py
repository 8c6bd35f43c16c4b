"""The attacker of `make attack`, in small: the guard stands, and what is weaker falls."""

import pytest

from benchmarks.attack import ATTACKS, CONTROLS, CONTROLS_GOAL, accuracy
from dure.audiences.engine.noise import A_DAY, EPSILON

TRIALS = 600
SLACK = 0.08
"""Four standard deviations of a share of 600."""


@pytest.mark.parametrize("name", list(ATTACKS))
def test_a_day_of_questions_tells_next_to_nothing(name: str) -> None:
    assert accuracy(ATTACKS[name], A_DAY, TRIALS, 7) <= 0.54 + SLACK


@pytest.mark.parametrize("name", [name for name in CONTROLS if name != "no budget"])
def test_a_weaker_way_of_publishing_falls(name: str) -> None:
    assert accuracy(CONTROLS[name], A_DAY, TRIALS, 7) >= CONTROLS_GOAL


def test_without_a_budget_the_guards_own_noise_falls_too() -> None:
    assert accuracy(CONTROLS["no budget"], A_DAY, 60, 7, EPSILON) >= CONTROLS_GOAL - 0.1
