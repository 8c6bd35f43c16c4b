"""Effects learned from coins: what is there is found, what is not is not claimed, and the gate opens for the former alone."""

import numpy as np
import pytest

from dure.targeting.engine.effects import Coins, Effects, learn

USUAL = Effects(0.5, np.array([0.02, 0.02, 0.02]), np.ones(40))


def lived(truth: Effects, *, campaigns: int = 300, people: int = 300, seed: int = 3, chance: float = 0.7) -> Coins:
    """Campaigns of these shops and goals; who comes is who would have come, and who came of the message besides."""
    dice = np.random.default_rng(seed)
    campaign = np.repeat(np.arange(campaigns), people)
    goal = dice.integers(0, len(truth.goals), campaigns)[campaign]
    shop = dice.integers(0, len(truth.shops), campaigns)[campaign]
    pull = np.sqrt(dice.gamma(0.6, 1 / 0.6, len(campaign)))
    # Each campaign has a coin of its own: small ones hold more out.
    share = np.clip(chance + dice.uniform(-0.2, 0.2, campaigns), 0.3, 0.95)[campaign]
    treated = dice.random(len(campaign)) < share
    organic = np.minimum(0.05 * pull**2, 0.8)
    shaped = 1 - truth.structure + truth.structure * pull
    more = truth.goals[goal] * truth.shops[shop] * shaped * treated
    came = (dice.random(len(campaign)) < organic + more).astype(float)
    known = (np.bincount(campaign, treated) / np.bincount(campaign))[campaign]
    return Coins(campaign, goal, shop, pull, treated, known, came)


def test_what_is_there_is_found_and_replaces_what_is_usual() -> None:
    dice = np.random.default_rng(8)
    truth = Effects(0.85, np.array([0.002, 0.03, 0.08]), np.clip(dice.normal(1, 0.4, 40), 0.3, 2))
    learned = learn(lived(truth), USUAL)
    found, judged = learned.effects, learned.judged
    assert found.structure == pytest.approx(0.85, abs=0.2)
    assert found.goals == pytest.approx(truth.goals, abs=0.015)
    assert np.corrcoef(found.shops, truth.shops)[0, 1] > 0.5
    assert judged.ratio == pytest.approx(1, abs=0.25)
    assert judged.tenths[-1][1] > judged.tenths[0][1]
    assert judged.passed
    assert judged.learned > judged.usual
    assert judged.learned > judged.response


@pytest.mark.parametrize("effect", [0.0, 0.02], ids=["nothing", "all alike"])
def test_where_the_usual_is_true_or_nothing_is_the_gate_stays_shut(effect: float) -> None:
    truth = Effects(0.5, np.full(3, effect), np.ones(40))
    opened = sum(learn(lived(truth, campaigns=60, seed=seed), USUAL).judged.passed for seed in range(12))
    assert opened <= 2  # at 95 % it is wrong now and then
    if not effect:
        assert learn(lived(truth), USUAL).effects.goals.max() < 0.01


def test_few_rows_change_little() -> None:
    truth = Effects(0.9, np.array([0.0, 0.0, 0.3]), np.ones(40))
    few = learn(lived(truth, campaigns=30, people=24, chance=0.5), USUAL).effects
    assert few.goals[0] > 0.005
    assert abs(few.shops - 1).max() < 0.6


def test_the_same_rows_and_seed_give_the_same_numbers() -> None:
    coins = lived(Effects(0.5, np.array([0.01, 0.03, 0.06]), np.ones(40)), campaigns=40)
    one, two = learn(coins, USUAL, seed=4), learn(coins, USUAL, seed=4)
    assert np.array_equal(one.out_of_fold, two.out_of_fold)
    assert one.judged == two.judged
