"""What is said about real people is noised once a question and a day, and there is a budget that no account escapes."""

from datetime import timedelta
from itertools import count

import pytest

from dure.audiences import actions, queries
from dure.audiences.engine import noise
from dure.audiences.engine.expression import All, Between, Everybody, Is
from dure.audiences.engine.index import Index
from dure.audiences.errors import AskedEnough
from dure.audiences.models import Answer, Asking
from dure.audiences.values import Reach
from dure.people.models import Person
from dure.shops import actions as shops
from dure.shops import fence
from dure.shops.models import Membership
from tests.rooms.audiences.conftest import NOON, Place, network, place, shop

__all__ = ["network", "place", "shop"]


def ask(place: Place, expression: object, day: int = 0) -> Reach:
    return actions.ask_reach(
        shop=place.shop,
        expression=expression,  # type: ignore[arg-type]
        by="staff:test",
        at=NOON + timedelta(days=day),
    )


def test_the_same_question_gets_the_same_answer_all_day_and_costs_once(shop: Place) -> None:
    women, young = Is("sex", ("f",)), Between("age", 20, 39)
    first = ask(shop, All((women, young)))
    again = ask(shop, All((young, women, young)))
    assert first == again
    assert first.left_today == noise.A_DAY - 1
    assert ask(shop, All((women, young)), day=1).left_today == noise.A_DAY - 1


def test_the_noise_is_as_wide_as_promised_and_no_answer_is_the_truth_kept(shop: Place, network: Index) -> None:
    true = network.count(Is("consent", ("network",)))
    drawn = [noise.noised(true) - true for _ in range(4_000)]
    spread = sum(abs(d) for d in drawn) / len(drawn)
    assert 0.9 / noise.EPSILON < spread < 1.1 / noise.EPSILON
    assert sum(abs(d) <= noise.margin() for d in drawn) / len(drawn) > 0.93
    ask(shop, Everybody())
    assert {f.name for f in Answer._meta.local_fields} == {"id", "question", "day", "noised"}


def test_twenty_questions_a_day_and_two_hundred_in_ninety_days(shop: Place) -> None:
    ages = count()

    def new(day: int) -> Reach:
        n = next(ages)
        return ask(shop, All((Between("age", n % 100, 100), Between("visits", n // 100, None))), day=day)

    for day in range(10):
        for _ in range(20):
            new(day)
        with pytest.raises(AskedEnough):
            new(day)
    with pytest.raises(AskedEnough):
        new(11)
    assert new(95).left_today == noise.A_DAY - 1
    assert Asking.objects.count() == 201


def test_what_was_answered_today_is_repeated_when_the_budget_is_used_up(shop: Place) -> None:
    said = ask(shop, Everybody())
    for age in range(19):
        ask(shop, Between("age", age, 100))
    with pytest.raises(AskedEnough):
        ask(shop, Between("age", 50, 100))
    assert ask(shop, Everybody()).people == said.people


def test_all_shops_of_an_owner_share_one_budget(shop: Place) -> None:
    owner = Person.objects.get(pk=Membership.objects.get(shop=shop.shop, role="owner").person_id)
    other = shops.open_shop(name="둘째 가게", owner=owner, tables=1, at=NOON, pay_timing="first")
    for age in range(20):
        ask(shop, Between("age", age, 100))
    with fence.within_shop(other.id), pytest.raises(AskedEnough):
        actions.ask_reach(shop=other, expression=Everybody(), by="staff:test", at=NOON)
    assert queries.questions_left(other, at=NOON)[0] == 0


@pytest.mark.usefixtures("no_noise")
def test_under_a_hundred_is_said_as_such(shop: Place) -> None:
    assert ask(shop, Is("region", ("1144069000",))).people is None
    assert actions.report_count(shop=shop.shop, about="campaign:1:sent", people=100_000, at=NOON).people is not None


def test_a_report_draws_on_the_same_budget(shop: Place) -> None:
    before = queries.questions_left(shop.shop, at=NOON)[0]
    first = actions.report_count(shop=shop.shop, about="campaign:1:sent", people=5_000, at=NOON)
    again = actions.report_count(shop=shop.shop, about="campaign:1:sent", people=5_001, at=NOON)
    assert first == again
    assert queries.questions_left(shop.shop, at=NOON)[0] == before - 1
