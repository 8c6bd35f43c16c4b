"""What campaigns like it brought makes a range for the next one, and the range holds as often as it says."""

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from dure.campaigns.values import Goal
from dure.lift import actions as lift
from dure.lift import queries, rules
from dure.lift.estimators.spread import spread_of
from dure.lift.models import Forecast, Result
from dure.lift.values import Footing, Verdict
from dure.shops.models import Shop
from tests.cast import NOON
from tests.rooms.campaigns.conftest import a_draft, friends, sent, shop

__all__ = ["shop"]


def came(dice: np.random.Generator, many: int, spread: float) -> tuple[np.ndarray, ...]:
    reached, held = dice.integers(60, 400, many), dice.integers(30, 150, many)
    base, effect = dice.uniform(0.1, 0.2, many), dice.normal(0.02, spread, many)
    return (
        dice.binomial(reached, np.clip(base + effect, 0, 1)).astype(float), reached.astype(float),
        dice.binomial(held, base).astype(float), held.astype(float),
    )  # fmt: skip


@pytest.mark.parametrize("spread", [0.005, 0.03])
def test_nine_in_ten_effects_lie_within_the_range(spread: float) -> None:
    dice = np.random.default_rng(7)
    within = []
    for _ in range(30):
        low, high = spread_of(*came(dice, 120, spread), level=0.9)
        next_ones = dice.normal(0.02, spread, 2_000)
        within.append(float(np.mean((next_ones >= low) & (next_ones <= high))))
    assert np.mean(within) >= 0.86


def results(shop: Shop, count: int) -> None:
    """So many results of campaigns that a tenth more people came to."""
    draft = a_draft(shop)
    Result.objects.bulk_create(
        Result(
            shop=shop, campaign=draft, version=10 + n, family="x", reached=200, held=100, came_reached=30, came_held=5,
            figures={}, curve=[], rate_before=0.05, mismatch=0.5, verdict=Verdict.WORKED, footing=Footing.ALONE, low=0,
            guess=0.1, high=0.2, spent=0, earned=0, at=NOON,
        )
        for n in range(count)
    )  # fmt: skip


def test_a_few_results_say_nothing_and_many_make_the_forecast(shop: Shop) -> None:
    friends(shop, 200)
    results(shop, rules.RESULTS_TO_FORECAST - 1)
    assert queries.usual_of(Goal.WIN_BACK) is None
    results_before = Result.objects.count()
    Result.objects.bulk_create([_like(Result.objects.first())])
    assert Result.objects.count() == results_before + 1
    usual = queries.usual_of(Goal.WIN_BACK)
    assert usual is not None
    assert 0 < usual.low <= 0.1 <= usual.high < 0.2
    assert queries.usual_of(Goal.SPEND_MORE) is None
    told = lift.foretell_campaign(campaign=sent(shop), at=NOON)
    assert told.behind == rules.RESULTS_TO_FORECAST
    assert told.low <= told.messages * 0.1 <= told.high


def _like(result: Result | None) -> Result:
    assert result is not None
    result.pk, result.version = None, 999
    return result


def test_a_forecast_is_never_rewritten(shop: Shop) -> None:
    friends(shop, 100)
    told = lift.foretell_campaign(campaign=sent(shop), at=NOON)
    for change in (Forecast.objects.filter(pk=told.pk).delete, lambda: Forecast.objects.update(high=99)):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change()
