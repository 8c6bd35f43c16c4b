"""At the till: solved prices keep nearly all of what a new plan would be worth, cold ones do not, and nothing is overspent."""

from dataclasses import replace

import numpy as np
import pytest

from dure.campaigns.engine.allocate import Budgets, Prices, solve
from dure.campaigns.engine.market import Edges, Terms
from dure.campaigns.engine.online import Till, decide, odds, packed, unpacked
from dure.campaigns.engine.propensity import propensities

PEOPLE, CAMPAIGNS, DEGREE = 6_000, 60, 8


def week(seed: int, *, money: bool = False) -> tuple[Edges, Budgets]:
    """The same campaigns, other people each week. Messages are scarce: one occasion in twenty is used."""
    here, draw = np.random.default_rng(99), np.random.default_rng(seed)
    campaign = np.argsort(draw.random((PEOPLE, CAMPAIGNS)), axis=1)[:, :DEGREE].astype(np.uint16)
    value = (draw.lognormal(0, 0.8, campaign.shape) * here.lognormal(0, 0.5, CAMPAIGNS)[campaign]).astype(np.float32)
    messages = np.floor(here.lognormal(0, 0.7, CAMPAIGNS) * 30) + 5
    cost = draw.integers(100, 900, campaign.shape).astype(np.float32) if money else None
    shop = (np.arange(CAMPAIGNS) // 3).astype(np.int32)
    together = np.floor(np.bincount(shop, messages) * 0.8)
    return Edges(campaign, value, cost), Budgets(
        messages, money=messages * 300 if money else None, shop=shop, shop_messages=together
    )


def lived(edges: Edges, budgets: Budgets, prices: Prices, *, learning: bool = True) -> tuple[float, Till, np.ndarray]:
    """Everybody comes to the till once, in the order of rows: the value kept, the till, messages by campaign."""
    occasions = np.bincount(edges.campaign.ravel(), minlength=CAMPAIGNS).astype(float)
    till = Till(prices, budgets, occasions, typical=6.0, learning=learning)
    rows = (edges.campaign.tolist(), edges.value.tolist(), None if edges.cost is None else edges.cost.tolist())
    kept, used = 0.0, np.zeros(CAMPAIGNS)
    for i in range(edges.people):
        place = till.offer(rows[0][i], rows[1][i], None if rows[2] is None else rows[2][i])
        if place is not None:
            kept += rows[1][i][place]
            used[rows[0][i][place]] += 1
    return kept, till, used


@pytest.mark.parametrize("money", [False, True])
def test_solved_prices_keep_the_value_and_cold_ones_do_not(money: bool) -> None:
    last, budgets = week(1, money=money)
    now, _ = week(2, money=money)
    terms = Terms(1, np.ones(CAMPAIGNS, np.float32))
    solved, could = solve(last, budgets, terms), solve(now, budgets, terms).value
    warm, till, used = lived(now, budgets, solved.prices)
    cold, _, _ = lived(now, budgets, Prices.none(CAMPAIGNS), learning=False)
    learned, _, _ = lived(now, budgets, Prices.none(CAMPAIGNS))
    assert warm > 0.9 * could
    assert cold < 0.6 * could  # whoever comes first
    assert cold < learned
    assert (used <= budgets.messages).all()
    assert min(till.left) >= 0
    assert budgets.shop is not None
    assert budgets.shop_messages is not None
    assert (np.bincount(budgets.shop, used) <= budgets.shop_messages).all()


def test_prices_follow_a_week_that_is_not_as_planned() -> None:
    last, budgets = week(1)
    now, _ = week(3)
    now = replace(now, value=now.value * np.float32(1.6))  # everybody is worth more than anybody thought
    terms = Terms(1, np.ones(CAMPAIGNS, np.float32))
    solved, could = solve(last, budgets, terms), solve(now, budgets, terms).value
    follows, _, _ = lived(now, budgets, solved.prices)
    stays, _, _ = lived(now, budgets, solved.prices, learning=False)
    assert follows > stays
    assert follows > 0.9 * could


def test_what_is_empty_is_not_given_at_any_price() -> None:
    edges, budgets = week(1)
    nothing = replace(budgets, messages=np.where(np.arange(CAMPAIGNS) == 3, 0, budgets.messages))
    _, till, used = lived(edges, nothing, Prices.none(CAMPAIGNS), learning=False)
    assert used[3] == 0
    assert min(till.left) == 0


def test_one_message_is_worth_its_price_or_not() -> None:
    assert decide(10.0, 100.0, 5.0, 0.04)
    assert not decide(10.0, 100.0, 5.0, 0.06)
    assert not decide(5.0, 0.0, 5.0)


def test_prices_are_kept_in_eight_bytes_a_campaign() -> None:
    edges, budgets = week(1, money=True)
    prices = solve(edges, budgets, Terms(1, np.ones(CAMPAIGNS, np.float32)), levels=((1, 3),)).prices
    kept = packed(prices)
    again = unpacked(kept)
    assert len(kept) <= 16 + 8 * CAMPAIGNS + 8 * 20
    for name in ("unit", "money", "unit_shop", "money_shop"):
        assert (getattr(again, name) == getattr(prices, name)).all()
    for broken in (b"", kept[:-1], kept + b"x", b"XXXX" + kept[4:], kept[:-4] + np.array([np.nan], "<f4").tobytes()):
        with pytest.raises(ValueError, match="price"):
            unpacked(broken)


def test_the_odds_at_the_till_are_those_of_the_plan_for_one_message() -> None:
    dice = np.random.default_rng(5)
    for _ in range(200):
        many = int(dice.integers(1, 9))
        value, price = dice.uniform(50, 60, many), dice.uniform(0, 55, many) * dice.integers(0, 2, many)
        edges = Edges(np.arange(many, dtype=np.uint16)[None], value.astype(np.float32)[None])
        terms = Terms(1, np.ones(many, np.float32), jitter=0.1)
        plans = propensities(edges, terms, Prices(price.astype(np.float32), np.zeros(many, np.float32)))[0]
        assert odds(value.tolist(), 0.1, price.tolist()) == pytest.approx(plans.tolist(), abs=1e-4)
    assert odds([5.0, 7.0], 0.0, [0.0, 3.0]) == [1.0, 0.0]
    assert odds([5.0], 0.0, [6.0]) == [0.0]
    assert odds([], 0.1, []) == []
