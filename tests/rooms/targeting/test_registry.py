"""The registry: a model with a fault is never used, the former one comes back at one word, nothing is ever rewritten."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from dure.campaigns.models import WeekPlan
from dure.regulars.models import CountedVisit, Relation
from dure.shops.models import Shop
from dure.targeting import actions, errors, queries, rules
from dure.targeting.models import ModelStep, ScoreModel
from dure.targeting.values import ModelName, Offering
from tests.cast import NOON
from tests.rooms.campaigns.conftest import friends, shop

__all__ = ["shop"]
pytestmark = pytest.mark.django_db
GOOD = {"r": 0.5, "alpha": 20.0, "a": 0.7, "b": 2.0}


def kept(parameters: dict[str, Any] | None = None, ratio: float | None = 1.0, **more: Any) -> ScoreModel:
    said: dict[str, Any] = {
        "name": ModelName.VISITS, "parameters": parameters or GOOD, "from_on": date(2026, 1, 1),
        "until_on": date(2026, 11, 1), "rows": 900, "code_version": "0.1.0+test", "calibration": {"ratio": ratio},
        "gate": {}, "by": "test", "at": NOON, **more,
    }  # fmt: skip
    return actions.keep_model(**said)


def used() -> ScoreModel | None:
    return queries.model_in_use(ModelName.VISITS)


def test_the_former_model_comes_back_as_often_as_it_is_asked_for() -> None:
    first, second, third = kept(), kept(), kept()
    for one in (first, second, third):
        actions.activate_model(model=one, by="test", at=NOON)
    assert used() == third
    assert [actions.roll_back(name=ModelName.VISITS, by="t", at=NOON) for _ in range(3)] == [second, first, None]
    assert used() is None
    with pytest.raises(errors.NothingToRollBack):
        actions.roll_back(name=ModelName.VISITS, by="t", at=NOON)
    actions.activate_model(model=third, by="test", at=NOON)
    assert used() == third
    assert [one.version for one in (first, second, third)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("parameters", "ratio"),
    [
        (GOOD, 3.0),
        (GOOD, 0.1),
        (GOOD, None),
        (GOOD, float("1e309")),
        ({**GOOD, "alpha": -1.0}, 1.0),
        ({"r": 1.0}, 1.0),
    ],
)
def test_a_bad_model_is_kept_with_its_fault_and_never_used(parameters: dict[str, Any], ratio: float | None) -> None:
    good = kept()
    actions.activate_model(model=good, by="test", at=NOON)
    safe = None if ratio is not None and not np.isfinite(ratio) else ratio
    bad = kept(parameters, safe)
    assert bad.fault
    with pytest.raises(errors.ModelUnfit):
        actions.activate_model(model=bad, by="test", at=NOON)
    assert used() == good
    # Whoever writes past the action does not get it served either.
    ModelStep.objects.create(name=ModelName.VISITS, model=bad, by="past us", at=NOON)
    assert used() is None
    assert queries.habits().r == rules.USUAL_HABITS[0]


def test_an_effect_needs_the_gate() -> None:
    parameters = {"structure": 0.6, "effects": {"win_back": 0.03}, "shops": {"shp_a": 1.5}}
    refused = kept(parameters, name=ModelName.EFFECT, gate={"passed": False})
    with pytest.raises(errors.ModelUnfit):
        actions.activate_model(model=refused, by="test", at=NOON)
    let = kept(parameters, name=ModelName.EFFECT, gate={"passed": True})
    actions.activate_model(model=let, by="test", at=NOON)
    known = queries.effects()
    assert known.structure == 0.6
    assert known.of(goal="win_back", shop="shp_a", usual=0.01) == pytest.approx(0.045)
    assert known.of(goal="quiet", shop="shp_b", usual=0.01) == pytest.approx(0.01)


@pytest.mark.parametrize(
    "wrong", [{"effects": {"win_back": 1.2}}, {"shops": {"shp_a": 9.0}}, {"shops": {"shp_a": -1.0}}, {"structure": 0}]
)
def test_effects_beyond_reason_are_never_used(wrong: dict[str, Any]) -> None:
    parameters = {"structure": 0.6, "effects": {"win_back": 0.03}, "shops": {"shp_a": 1.5}, **wrong}
    model = kept(parameters, name=ModelName.EFFECT, gate={"passed": True})
    with pytest.raises(errors.ModelUnfit):
        actions.activate_model(model=model, by="test", at=NOON)
    assert queries.effects().goals == {}


def test_nothing_is_rewritten() -> None:
    model = kept()
    actions.activate_model(model=model, by="test", at=NOON)
    for change in (
        lambda: ScoreModel.objects.update(fault=""),
        model.delete,
        lambda: ModelStep.objects.update(by="x"),
        lambda: ModelStep.objects.all().delete(),
    ):
        with pytest.raises((IntegrityError,)), transaction.atomic():
            change()


def lived(shop: Shop, people: int) -> None:
    """Friends whose visits follow known habits: gamma rates, and a chance to stay away for good after each visit."""
    dice = np.random.default_rng(3)
    persons = friends(shop, people)
    relations = list(Relation.objects.filter(shop=shop, person__in=persons).order_by("id"))
    made = []
    for relation in relations:
        rate, lost = dice.gamma(1.0, 1 / 12), dice.beta(1.0, 4.0)
        day, known = 0.0, float(dice.uniform(60, 200))
        for number in range(60):
            made.append((relation, number, NOON - timedelta(days=known - day)))
            if dice.random() < lost:
                break
            day += 1.0 + dice.exponential(1 / rate)
            if day >= known:
                break
    CountedVisit.objects.bulk_create(
        CountedVisit(shop=shop, relation=relation, reference=f"{relation.pk}:{number}", spent=9_000, at=at)
        for relation, number, at in made
    )


def test_the_model_of_visits_is_learned_judged_and_served(shop: Shop) -> None:
    lived(shop, 700)
    model = actions.learn_visits(by="test", at=NOON)
    assert model.fault == ""
    assert 0.7 < model.calibration["ratio"] < 1.4
    assert len(model.calibration["tenths"]) == 10
    assert model.rows > rules.FEWEST_HISTORIES
    actions.activate_model(model=model, by="test", at=NOON)
    assert queries.habits().alpha == pytest.approx(model.parameters["alpha"])
    assert not WeekPlan.objects.exists()


def test_too_few_histories_teach_nothing(shop: Shop) -> None:
    lived(shop, 20)
    with pytest.raises(errors.TooFewHistories):
        actions.learn_visits(by="test", at=NOON)
    assert not ScoreModel.objects.exists()


def test_scores_rise_with_the_visits_that_come_anyway_and_say_why(shop: Shop) -> None:
    often, once = friends(shop, 1, away_days=5, visits=20)[0], friends(shop, 1, away_days=90, visits=1)[0]
    never = friends(shop, 1, visits=0)[0]
    persons = np.array(sorted([often.pk, once.pk, never.pk]), np.uint32)
    offering = Offering(shop=shop.pk, effect=0.02, worth=10_000, window_days=14)
    place, value = queries.best_of_week(
        persons=persons, pair_row=np.arange(3), pair_place=np.zeros(3, np.uint16), offerings=[offering], at=NOON
    )
    scores = dict(zip(persons.tolist(), value[:, 0].tolist(), strict=True))
    assert scores[often.pk] > scores[once.pk] >= scores[never.pk] > 0
    assert (place == 0).all()
    assert (value[:, 1:] == 0).all()
    said = [queries.whys_of(one.pk, {shop.public_id})[shop.public_id].within("en") for one in (often, once, never)]
    assert said == [
        "Because you often come to this shop.",
        "Because you have been to this shop.",
        "Because you are a friend of this shop.",
    ]
    assert "agreed" in queries.whys_of(never.pk, {"shp_other"})["shp_other"].within("en")
