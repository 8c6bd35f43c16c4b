"""The plan's lottery as an experiment: its odds are exact, and effects read with them are true where the naive difference lies."""

from dataclasses import replace

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from dure.campaigns.engine.allocate import Budgets, Plan, solve
from dure.campaigns.engine.market import Edges, Terms, lottery
from dure.lift.estimators.weighted import hajek

PEOPLE, CAMPAIGNS, DEGREE, EFFECT = 20_000, 25, 8, 0.5


def market(seed: int, *, jitter: float, money: bool = False) -> tuple[Edges, Budgets, Terms, Plan]:
    draw = np.random.default_rng(seed)
    campaign = np.argsort(draw.random((PEOPLE, CAMPAIGNS)), axis=1)[:, :DEGREE].astype(np.uint16)
    value = draw.lognormal(0, 0.5, (PEOPLE, DEGREE)).astype(np.float32)
    cost = draw.integers(100, 900, value.shape).astype(np.float32) if money else None
    messages = np.full(CAMPAIGNS, 0.8 * 2 * PEOPLE / CAMPAIGNS)
    edges = Edges(campaign, value, cost, room=draw.integers(0, 4, PEOPLE).astype(np.uint8))
    budgets = Budgets(messages, money=messages * 350 if money else None)
    terms = Terms(2, draw.uniform(0.8, 1.2, CAMPAIGNS).astype(np.float32), jitter, salt=seed)
    return edges, budgets, terms, solve(edges, budgets, terms, levels=((1, 15),))


def bits(chosen: NDArray[np.uint32], degree: int) -> NDArray[np.bool_]:
    return np.asarray((chosen[:, None] >> np.arange(degree, dtype=np.uint32)) & 1, bool)


@numba.njit(cache=True)
def draws(campaign: NDArray[np.uint16], first: int, salt: int) -> NDArray[np.float64]:
    """The lottery of every edge."""
    drawn = np.empty(campaign.shape)
    for i in range(campaign.shape[0]):
        for e in range(campaign.shape[1]):
            drawn[i, e] = lottery(first + i, campaign[i, e], salt)
    return drawn


def chosen_at(plan: Plan, edges: Edges, terms: Terms, salt: int) -> NDArray[np.bool_]:
    """Another salt's choice at the same prices, in plain numpy."""
    drawn = np.array([[lottery(edges.first + i, int(j), salt) for j in row] for i, row in enumerate(edges.campaign)])
    value = edges.value * plan.weight[edges.campaign] * (1 + terms.jitter * (drawn - 0.5))
    reduced = value - plan.prices.unit[edges.campaign]
    if edges.cost is not None:
        reduced = reduced - plan.prices.money[edges.campaign] * edges.cost
    room = np.full(edges.people, terms.cap) if edges.room is None else np.minimum(edges.room, terms.cap)
    rank = np.argsort(np.argsort(-reduced, axis=1), axis=1)
    return np.asarray((reduced > 0) & (rank < room[:, None]), bool)


@pytest.mark.parametrize("money", [False, True])
def test_the_odds_are_those_of_other_salts(money: bool) -> None:
    edges, _, terms, plan = market(1, jitter=0.4, money=money)
    some, salts = edges.part(500, 1_000), 300
    odds = plan.propensity(some, terms)
    share = np.mean([chosen_at(plan, some, terms, 1_000 + salt) for salt in range(salts)], axis=0)
    noise = np.sqrt(np.maximum(odds * (1 - odds), 1e-9) / salts)
    near = (odds > 0.02) & (odds < 0.98)
    z = ((share - odds) / noise)[near]
    assert near.sum() > 200
    assert abs(z.mean()) < 4 / np.sqrt(near.sum())
    assert 0.85 < z.std() < 1.15  # nothing but the noise of so many salts
    assert (share[odds == 0] == 0).all()
    assert (share[odds == 1] == 1).all()
    # What the checker would say of odds that are a little off.
    off = ((share - np.clip(odds * 1.1, 0, 1)) / noise)[near]
    assert abs(off.mean()) > 4 / np.sqrt(near.sum())


def test_whoever_may_not_be_written_to_has_no_odds() -> None:
    edges, _, terms, plan = market(2, jitter=0.4)
    assert edges.room is not None
    value = edges.value.copy()
    value[:, 0] = 0
    odds = plan.propensity(replace(edges, value=value), terms)
    assert (odds[:, 0] == 0).all()
    assert (odds[edges.room == 0] == 0).all()
    assert (odds.sum(axis=1) <= np.minimum(edges.room, terms.cap) + 1e-5).all()
    with pytest.raises(ValueError, match="lottery"):
        plan.propensity(edges, replace(terms, jitter=0.0))


def test_effects_read_with_the_odds_are_true_and_the_naive_difference_is_not() -> None:
    held, naive_held, wide = 0, 0, []
    for seed in range(6):
        edges, _, terms, plan = market(10 + seed, jitter=0.3)
        odds, sent = plan.propensity(edges, terms), bits(plan.chosen, DEGREE)
        draw = np.random.default_rng(seed)
        # Those who are worth more come more often anyway: that is what makes the naive difference lie.
        outcome = edges.value + EFFECT * sent + draw.normal(0, 1, sent.shape)
        there = edges.room != 0
        found = hajek(outcome[there].ravel(), sent[there].ravel(), odds[there].ravel())
        held += found.low <= EFFECT <= found.high
        wide.append(found.high - found.low)
        reached, others = outcome[there][sent[there]], outcome[there][~sent[there]]
        naive = reached.mean() - others.mean()
        half = 1.96 * np.sqrt(reached.var() / len(reached) + others.var() / len(others))
        naive_held += abs(naive - EFFECT) <= half
        less = hajek(
            outcome[there].ravel(), sent[there].ravel(), odds[there].ravel(), expected=edges.value[there].ravel()
        )
        assert less.high - less.low < found.high - found.low
    assert held >= 5
    assert naive_held == 0
    assert np.mean(wide) < 0.3


def test_nobody_by_lot_says_nothing() -> None:
    found = hajek(np.ones(10), np.ones(10, bool), np.ones(10))
    assert np.isnan(found.guess)
