"""Nothing that a plan may not do is ever done: many small hostile markets, and what is planted is found."""

from dataclasses import replace

import numpy as np
import pytest

from dure.campaigns.engine.allocate import Budgets, Prices, finish
from dure.campaigns.engine.audit import audit
from dure.campaigns.engine.market import Edges, Terms

PEOPLE, MARKETS = 8_000, 12


def hostile(seed: int) -> tuple[Edges, Budgets, Terms]:
    """Budgets of nothing, prices of money, shops that share, people without room, holes in the rows, ties."""
    draw = np.random.default_rng(seed)
    campaigns, degree = int(draw.integers(2, 60)), int(draw.integers(1, 33))
    degree = min(degree, campaigns)
    campaign = np.argsort(draw.random((PEOPLE, campaigns)), axis=1)[:, :degree].astype(np.uint16)
    value = draw.choice([0.0, -1.0, 1.0, 2.0, 2.0, 5.0], (PEOPLE, degree)) * draw.lognormal(0, seed % 2, (PEOPLE, 1))
    shop = draw.integers(0, campaigns // 2 + 1, campaigns).astype(np.int32)
    messages = np.floor(draw.lognormal(0, 2, campaigns) * PEOPLE / campaigns) * (draw.random(campaigns) < 0.9)
    shops = int(shop.max()) + 1
    edges = Edges(
        campaign,
        value.astype(np.float32),
        (draw.random((PEOPLE, degree)) * 900).astype(np.float32) if seed % 3 else None,
        draw.integers(0, 5, PEOPLE).astype(np.uint8) if seed % 2 else None,
        first=int(draw.integers(0, 1_000_000)),
    )
    budgets = Budgets(
        messages,
        money=np.where(draw.random(campaigns) < 0.3, np.inf, messages * 300) if seed % 3 else None,
        shop=shop,
        shop_messages=np.floor(np.bincount(shop, messages, minlength=shops) * 0.7),
        shop_money=(np.bincount(shop, messages, minlength=shops) * 200).astype(np.float64) if seed % 3 else None,
    )
    return edges, budgets, Terms(int(draw.integers(1, 9)), np.ones(campaigns, np.float32), 0.02 * (seed % 2), seed)


def test_no_plan_of_a_hostile_market_breaks_anything() -> None:
    looked = 0
    for seed in range(MARKETS):
        edges, budgets, terms = hostile(seed)
        # Any prices will do: the promises do not rest on good ones.
        prices = Prices.none(budgets.campaigns)
        prices.unit[:] = np.random.default_rng(seed).random(budgets.campaigns)
        plan = finish(edges, budgets, terms, prices)
        found = audit(edges, budgets, terms.cap, plan.chosen)
        assert found.violations == 0, found
        assert found.sent == plan.used.sum()
        looked += found.edges
    assert looked > 1_000_000


@pytest.mark.parametrize(
    "planted", ["crowded", "forbidden", "messages", "money", "shop_messages", "shop_money", "floor"]
)
def test_the_audit_finds_what_is_planted(planted: str) -> None:
    edges, budgets, terms = hostile(1)
    plan = finish(edges, budgets, terms, Prices.none(budgets.campaigns))
    chosen, cap = plan.chosen.copy(), terms.cap
    used, spent = plan.used.astype(np.float64), plan.spent.astype(np.float64)
    shop = budgets.shop
    assert shop is not None
    if planted == "crowded":
        chosen[0] = chosen[0] | np.uint32(2**edges.degree - 1)
        edges = replace(edges, value=np.abs(edges.value) + 1)
    elif planted == "forbidden":
        i = int(np.flatnonzero((edges.value <= 0).any(axis=1))[0])
        chosen[i] |= np.uint32(1) << np.uint32(np.flatnonzero(edges.value[i] <= 0)[0])
    elif planted == "messages":
        budgets = replace(budgets, messages=np.maximum(used - 1, 0))
    elif planted == "money":
        budgets = replace(budgets, money=spent - 1)
    elif planted == "floor":
        budgets = replace(budgets, floor=used + 1)
    elif planted == "shop_messages":
        budgets = replace(budgets, shop_messages=np.bincount(shop, used).astype(np.float64) - 1)
    else:
        budgets = replace(budgets, shop_money=np.bincount(shop, spent).astype(np.float64) - 1)
    found = audit(edges, budgets, cap, chosen)
    assert getattr(found, planted) > 0


def test_a_campaign_twice_to_one_person_is_found() -> None:
    edges = Edges(np.array([[3, 3]], np.uint16), np.ones((1, 2), np.float32))
    found = audit(edges, Budgets(np.full(4, 9.0)), 2, np.array([0b11], np.uint32))
    assert found.violations == found.forbidden == 1
