"""Results teach the plan what a message adds: from bills and coins alone, and only once enough campaigns have a result."""

from datetime import timedelta

import numpy as np
import pytest
from pyroaring import BitMap

from dure.campaigns.models import Assignment, Campaign
from dure.campaigns.values import CampaignState, Goal
from dure.kit import ids
from dure.lift import actions as lift
from dure.lift import errors
from dure.people.models import Person
from dure.regulars.models import CountedVisit, Relation
from dure.shops.models import Shop
from dure.targeting import actions as targeting
from dure.targeting import queries
from dure.targeting.models import ScoreModel
from dure.targeting.values import ModelName
from tests.cast import NOON
from tests.rooms.campaigns.conftest import a_draft, friends, shop
from tests.rooms.lift.test_results import DAY, pay

__all__ = ["shop"]
TRUTH = {Goal.WIN_BACK: 0.35, Goal.SECOND_VISIT: 0.0}
"""The other way round than is usual."""


def measured(shop: Shop, persons: list[Person], count: int) -> None:
    """So many campaigns that went out by a coin, four days after each other, and whose day has come; what they added follows
    TRUTH."""
    dice = np.random.default_rng(5)
    numbers = np.array([person.pk for person in persons])
    for number in range(count):
        sent_at = NOON - (4 + 4 * number) * DAY
        goal = (Goal.WIN_BACK, Goal.SECOND_VISIT)[number % 2]
        draft = a_draft(shop, goal=goal, at=sent_at)
        Campaign.objects.filter(pk=draft.pk).update(
            state=CampaignState.MEASURING,
            measured=True,
            result_at=sent_at + 3 * DAY,
            send_at=sent_at,
            window_days=3,
        )
        draft.refresh_from_db()
        treated = dice.random(len(numbers)) < 0.6
        Assignment.objects.create(
            shop=shop, campaign=draft, version=1, wave=1, unit=f"{draft.public_id}:1", share=0.4,
            reached_people=int(treated.sum()), held_people=int((~treated).sum()), never_people=0,
            reached_bits=BitMap(numbers[treated]).serialize(), held_bits=BitMap(numbers[~treated]).serialize(),
            digest=ids.new_public_id("dig"), at=sent_at,
        )  # fmt: skip
        came = dice.random(len(numbers)) < 0.05 + TRUTH[goal] * treated
        pay(shop, numbers[came].tolist(), at=sent_at + timedelta(hours=1))
        lift.measure_campaign(campaign=draft, at=NOON)


def test_the_week_is_scored_by_what_the_holdouts_showed(shop: Shop) -> None:
    persons = friends(shop, 160)
    relation = {one.person_id: one for one in Relation.objects.filter(shop=shop)}
    CountedVisit.objects.bulk_create(
        CountedVisit(
            shop=shop, relation=relation[person.pk], reference=f"old:{n}", spent=9_000, at=NOON - (300 + n) * DAY
        )
        for person in persons[::2]
        for n in range(3)
    )
    measured(shop, persons, 40)
    model = lift.learn_effects(by="test", at=NOON)
    assert model.rows == 40 * 160
    assert model.gate["campaigns"] == 40
    assert model.parameters["effects"]["second_visit"] < 0.05
    assert model.parameters["effects"]["win_back"] > 0.2
    assert set(model.parameters["shops"]) == {shop.public_id}
    assert model.calibration["ratio"] == pytest.approx(1, abs=0.3)
    assert (model.fault, model.gate["passed"]) == ("", True)
    targeting.activate_model(model=model, by="test", at=NOON)
    known = queries.effects()
    asked = {"shop": shop.public_id, "usual": 0.02}
    assert known.of(goal="win_back", **asked) > 5 * known.of(goal="second_visit", **asked)
    assert known.of(goal="birthday", **asked) == pytest.approx(0.02 * model.parameters["shops"][shop.public_id])
    assert "person" not in str(model.parameters)


def test_few_results_teach_nothing(shop: Shop) -> None:
    measured(shop, friends(shop, 60), 3)
    with pytest.raises(errors.TooFewResults):
        lift.learn_effects(by="test", at=NOON)
    assert not ScoreModel.objects.filter(name=ModelName.EFFECT).exists()
