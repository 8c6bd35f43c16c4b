"""Looks by a short list, and looks at a sample, see what they say that they see."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dure.campaigns.engine.market import RUN, Demand, Edges, Terms, no_window, observe, sampled
from dure.campaigns.engine.shortlist import Shortlist

PEOPLE, CAMPAIGNS, DEGREE = 3_000, 60, 12


def market(seed: int, *, first: int = 0, degree: int = DEGREE) -> Edges:
    """People with some edges missing, some without room, and costs."""
    chance = np.random.default_rng(seed)
    campaign = np.argsort(chance.random((PEOPLE, CAMPAIGNS)), axis=1)[:, :degree].astype(np.uint16)
    value = chance.lognormal(0, 1, (PEOPLE, degree)).astype(np.float32)
    value[chance.random(value.shape) < 0.1] = 0
    cost = chance.uniform(0.5, 1.5, value.shape).astype(np.float32)
    return Edges(campaign, value, cost, chance.integers(0, 4, PEOPLE).astype(np.uint8), first)


def same(one: Demand, two: Demand) -> bool:
    # Messages are counted, so in any order; won and worth are added up in another one.
    counted = all((getattr(one, name) == getattr(two, name)).all() for name in ("histogram", "above", "used"))
    return counted and all(np.allclose(getattr(one, name), getattr(two, name), rtol=1e-6) for name in ("spent", "worth", "best"))  # fmt: skip


@pytest.mark.parametrize("by_money", [False, True])
@pytest.mark.parametrize("jitter", [0.0, 0.05])
@pytest.mark.parametrize("cap", [1, 2, 4])
@pytest.mark.parametrize("degree", [DEGREE, 1])
def test_a_look_by_the_short_list_sees_what_a_look_at_all_sees(
    degree: int, cap: int, jitter: float, by_money: bool
) -> None:
    edges, chance = market(1, degree=degree), np.random.default_rng(2)
    weight = chance.uniform(0.5, 2, CAMPAIGNS).astype(np.float32)
    terms = Terms(cap, weight, jitter, 5)
    listed = Shortlist(edges, terms)
    unit = chance.uniform(0, 2, CAMPAIGNS).astype(np.float32)
    money = chance.uniform(0, 1, CAMPAIGNS).astype(np.float32)
    asked = []
    for narrower in (1, 1, 0.5, 0.1, 0.02, 0.02, 0.02, 1, 0.1, 0.02):
        width = (narrower * chance.uniform(0.01, 0.1, CAMPAIGNS)).astype(np.float32)
        now = money if by_money else unit
        low = np.maximum(now - width / 2, 0).astype(np.float32)
        known = listed.covering(unit_price=unit, money_price=money, low=low, width=width, by_money=by_money)
        asked.append(1 - known.settled.mean())
        whole, short = (
            observe(
                edges, terms, unit_price=unit, money_price=money, low=low, width=width, by_money=by_money, listed=one
            )
            for one in (None, known)
        )
        if by_money:
            # In single precision, in another order.
            np.testing.assert_allclose(whole.histogram, short.histogram, atol=2e-3)
            np.testing.assert_allclose(whole.above, short.above, rtol=1e-6)
            whole = replace(whole, histogram=short.histogram, above=short.above)
        assert same(whole, short)
        # A few prices leap out of their spans, the others move a little.
        now += np.where(chance.random(CAMPAIGNS) < 0.05, chance.uniform(-1, 1, CAMPAIGNS), 0).astype(np.float32)
        now += (narrower * chance.uniform(-0.02, 0.02, CAMPAIGNS)).astype(np.float32)
        np.maximum(now, 0, out=now)
    assert asked[6] < asked[0] / 2 < 0.5
    assert not known.bits[edges.room == 0].any()


def test_people_are_settled_whose_choice_no_price_of_the_span_changes() -> None:
    edges, chance = market(4), np.random.default_rng(7)
    weight = np.ones(CAMPAIGNS, np.float32)
    terms = Terms(2, weight, 0.05, 5)
    listed = Shortlist(edges, terms)
    unit, money = (chance.uniform(0.2, 1, CAMPAIGNS).astype(np.float32) for _ in range(2))
    width = np.full(CAMPAIGNS, 0.05, np.float32)
    known = listed.covering(unit_price=unit, money_price=money, low=unit - width / 2, width=width, by_money=False)
    low, none = no_window(CAMPAIGNS)
    assert 0.2 < known.settled.mean() < 0.95
    only = replace(edges, room=np.where(known.settled, edges.room, 0).astype(np.uint8))  # type: ignore[arg-type]
    for _ in range(20):
        prices = chance.uniform(listed.low[0], listed.high[0]).astype(np.float32)
        seen = observe(only, terms, unit_price=prices, money_price=money, low=low, width=none)
        assert (seen.used == known.sums[:, 0]).all()


def test_a_list_serves_its_own_weights_and_lottery() -> None:
    weight = np.ones(CAMPAIGNS, np.float32)
    listed = Shortlist(market(1), Terms(2, weight, 0.02, 5))
    assert listed.serves(Terms(2, weight.copy(), 0.02, 5))
    assert not listed.serves(Terms(2, weight, 0.01, 5))
    assert not listed.serves(Terms(2, weight, 0.02, 6))
    assert not listed.serves(Terms(3, weight, 0.02, 5))
    assert not listed.serves(Terms(2, weight * 2, 0.02, 5))


def test_samples_of_runs_are_disjoint_and_together_everybody() -> None:
    edges, terms = market(3), Terms(2, np.ones(CAMPAIGNS, np.float32))
    low, width = no_window(CAMPAIGNS)
    price, stride = np.full(CAMPAIGNS, 0.8, np.float32), 7

    def look(part: Edges, begin: int, stride: int) -> Demand:
        return observe(part, terms, unit_price=price, money_price=price * 0, low=low, width=width, begin=begin, stride=stride)  # fmt: skip

    parts = [look(edges, begin, stride) for begin in range(stride)]
    assert (sum(part.used for part in parts) == look(edges, 0, 1).used).all()
    assert sum(sampled(PEOPLE, begin, stride) for begin in range(stride)) == PEOPLE
    # A sample is the same people, wherever the parts of a cluster are cut.
    ends = [0, 5 * RUN + 3, 1_999, PEOPLE]
    for begin in range(stride):
        pieces = [look(edges.part(a, b), begin, stride) for a, b in pairwise(ends)]
        assert (sum(piece.used for piece in pieces) == parts[begin].used).all()
