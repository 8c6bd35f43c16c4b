"""A week is planned over all shops: within every limit, certified, the same after a kill, cheap to plan again."""

from datetime import date, timedelta

import numpy as np
import pytest
from pyroaring import BitMap

from dure.campaigns import actions as campaigns
from dure.campaigns import errors, queries
from dure.campaigns.actions import week
from dure.campaigns.models import Assignment, Campaign, WeekPart, WeekPiece, WeekPlan
from dure.campaigns.values import CampaignState, PlanState
from dure.people import actions as people
from dure.people.models import Attention, Person
from dure.people.values import Purpose, shop_sender
from dure.shops.models import Shop
from dure.targeting.values import KEPT
from tests.cast import NOON, zelkova_coffee
from tests.rooms.campaigns.conftest import BY, a_draft, friends, hand_over

MONDAY = date(2026, 11, 23)
SEND_AT = NOON + timedelta(days=1)


def waiting(shop: Shop, *, most: int | None = None, **more: object) -> Campaign:
    return campaigns.submit_campaign(
        campaign=a_draft(shop, by_plan=True, most=most, **more), send_at=SEND_AT, by=BY, at=NOON
    )


def shared_friends(*shops: Shop, count: int) -> list[Person]:
    """People who are friends of all these shops and agreed to hear from each."""
    from dure.people.models import Consent
    from dure.regulars.models import Relation

    persons = friends(shops[0], count)
    for shop in shops[1:]:
        sample = Relation.objects.filter(shop=shops[0], person__in=persons).order_by("person_id")
        Relation.objects.bulk_create(
            Relation(
                shop=shop, person_id=one.person_id, public_id=f"{one.public_id}{shop.pk}", nickname=one.nickname,
                joined_at=one.joined_at, visits=2, spend=30_000, first_visit_at=one.first_visit_at,
                last_visit_at=one.last_visit_at,
            )
            for one in sample
        )  # fmt: skip
        Consent.objects.bulk_create(
            Consent(
                person=person, sender=shop_sender(shop.public_id), purpose=purpose, granted=True,
                text_version=f"{purpose}-1", source="test", at=NOON - timedelta(days=100),
            )
            for person in persons
            for purpose in (Purpose.FRIENDSHIP, Purpose.ADVERTISING)
        )  # fmt: skip
    return persons


def chosen(plan: WeekPlan) -> dict[int, BitMap]:
    parts = queries.parts_of_plan(plan)
    return {part.campaign_id: BitMap.deserialize(bytes(part.chosen_bits or b"")) for part in parts}


def planned(**more: object) -> WeekPlan:
    plan = campaigns.plan_week(week_on=MONDAY, by=BY, at=NOON, **more)  # type: ignore[arg-type]
    return campaigns.advance_plan(plan=plan, at=NOON)


@pytest.fixture
def market(shop: Shop) -> tuple[Campaign, Campaign]:
    """Two shops that share their friends; each may write to some of them, and everybody has room for one message."""
    coffee = zelkova_coffee()
    shared_friends(shop, coffee, count=260)
    return waiting(shop, most=70), waiting(coffee, most=70, title="느티나무예요", name="커피")


def test_a_person_is_planned_for_one_message_a_week(market: tuple[Campaign, Campaign]) -> None:
    """Both campaigns want more than half of the friends whom they share, and neither gets anybody whom the other has."""
    one, other = chosen(planned()).values()
    assert len(one) + len(other) > 200
    assert not one & other
    one, other = chosen(planned(cap=2)).values()
    assert one & other


def test_a_plan_keeps_every_limit_and_says_how_good_it_is(shop: Shop, market: tuple[Campaign, Campaign]) -> None:
    plan = planned(cap=1)
    assert plan.state == PlanState.READY
    assert plan.done == plan.total
    first, second = chosen(plan).values()
    assert not first & second
    parts = list(queries.parts_of_plan(plan))
    assert all(part.used == len(bits) <= part.messages for part, bits in zip(parts, (first, second), strict=True))
    assert all(part.share > 0 for part in parts)
    assert 0 < plan.value <= plan.bound
    assert plan.most_value > 0.97 * plan.bound
    assert plan.value > 0.9 * plan.most_value
    assert plan.fairness["fair"]["worst_tenth"] > 0


def test_refusals_limits_and_holdouts_are_in_no_plan(shop: Shop) -> None:
    everybody = friends(shop, 120)
    gone, quiet, full = everybody[:3]
    people.withdraw_consent(
        person=gone,
        sender=shop_sender(shop.public_id),
        purpose=Purpose.ADVERTISING,
        source="t",
        proof={},
        by="x",
        at=NOON,
    )
    Attention.objects.create(person=quiet, per_day=0, changed_at=NOON)
    Attention.objects.create(person=full, per_week=0, changed_at=NOON)
    silent = friends(shop, 20, agreed=False)
    campaign = waiting(shop)
    (found,) = chosen(planned()).values()
    assert not found & BitMap([gone.pk, quiet.pk, full.pk, *(one.pk for one in silent)])
    assert len(found) > 100
    assert campaign.by_plan


def test_what_was_planned_is_sent_with_some_held_out(shop: Shop, market: tuple[Campaign, Campaign]) -> None:
    plan = planned(cap=1)
    meant = chosen(plan)
    for campaign in market:
        started = campaigns.start_campaign(campaign=campaign, at=SEND_AT)
        assert hand_over(started, at=SEND_AT) > 0
    for fixed in Assignment.objects.filter(campaign__in=market):
        both = BitMap.deserialize(bytes(fixed.reached_bits)) | BitMap.deserialize(bytes(fixed.held_bits))
        assert both <= meant[fixed.campaign_id]
        assert fixed.held_people > 0
        assert fixed.reached_people <= 70


def test_without_a_plan_nothing_is_sent(shop: Shop) -> None:
    friends(shop, 80)
    campaign = waiting(shop)
    with pytest.raises(errors.NotPlanned):
        campaigns.start_campaign(campaign=campaign, at=SEND_AT)
    assert not Assignment.objects.exists()


def test_nothing_waits_nothing_is_planned(shop: Shop) -> None:
    with pytest.raises(errors.NothingToPlan):
        campaigns.plan_week(week_on=MONDAY, by=BY, at=NOON)
    assert not WeekPlan.objects.exists()


class Killed(Exception):
    pass


def test_a_planning_that_was_killed_comes_to_the_same_plan(
    shop: Shop, market: tuple[Campaign, Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(week, "PIECE", 40)
    whole = planned()

    def die(plan: WeekPlan) -> None:
        if plan.done >= deaths[0]:
            deaths.pop(0)
            raise Killed

    begun = campaigns.plan_week(week_on=MONDAY, by=BY, at=NOON)
    deaths = [1, 3, begun.total - 2]
    while deaths:
        with pytest.raises(Killed):
            campaigns.advance_plan(plan=WeekPlan.objects.get(pk=begun.pk), at=NOON, progress=die)
        friends(shop, 5)
    resumed = campaigns.advance_plan(plan=WeekPlan.objects.get(pk=begun.pk), at=NOON)
    assert (resumed.value, resumed.bound, resumed.people) == (whole.value, whole.bound, whole.people)
    assert chosen(resumed) == chosen(whole)
    assert WeekPiece.objects.filter(plan=resumed).count() == WeekPiece.objects.filter(plan=whole).count() > 3


def test_after_a_change_of_budget_it_is_planned_again_from_the_kept_prices(
    shop: Shop, market: tuple[Campaign, Campaign]
) -> None:
    plan = planned(cap=1)
    Campaign.objects.filter(pk=market[0].pk).update(most=30)
    again = campaigns.advance_plan(plan=campaigns.replan_week(plan=plan, by=BY, at=NOON), at=NOON)
    assert again.state == PlanState.READY
    assert again.first_id == plan.pk
    assert not WeekPiece.objects.filter(plan=again).exists()
    part = queries.part_of(market[0])
    assert part is not None
    assert part.plan_id == again.pk
    assert part.used <= part.messages < WeekPart.objects.get(plan=plan, campaign=market[0]).messages
    first, second = chosen(again).values()
    assert not first & second


def test_whom_a_campaign_reached_this_week_has_less_room_when_it_is_planned_again(
    shop: Shop, market: tuple[Campaign, Campaign]
) -> None:
    plan = planned(cap=1)
    campaigns.start_campaign(campaign=market[0], at=NOON + timedelta(days=1))
    later = SEND_AT + timedelta(minutes=1)
    again = campaigns.advance_plan(plan=campaigns.replan_week(plan=plan, by=BY, at=later), at=later)
    (found,) = chosen(again).values()
    reached = BitMap.deserialize(bytes(Assignment.objects.get(campaign=market[0]).reached_bits))
    assert reached
    assert not reached & found


def test_when_its_week_is_over_the_scores_are_gone_and_the_figures_stay(
    shop: Shop, market: tuple[Campaign, Campaign]
) -> None:
    plan = planned()
    assert campaigns.forget_plans(at=NOON) == 0
    campaigns.forget_plans(at=NOON + timedelta(days=20))
    assert not WeekPiece.objects.exists()
    assert [len(BitMap.deserialize(bytes(part.meant_bits))) for part in queries.parts_of_plan(plan)] == [0, 0]
    assert WeekPlan.objects.get().value == plan.value
    assert Campaign.objects.filter(state=CampaignState.SCHEDULED).count() == 2


def test_an_erased_person_is_in_no_plan_and_in_no_scores(shop: Shop) -> None:
    everybody = friends(shop, 120)
    waiting(shop)
    plan = planned()
    (found,) = chosen(plan).values()
    gone = next(one for one in everybody if one.pk in found)
    number = gone.pk
    people.erase_person(person=gone, by="x", at=NOON)
    (left,) = chosen(plan).values()
    assert left == found - BitMap([number])
    assert all(number not in BitMap.deserialize(bytes(part.meant_bits)) for part in queries.parts_of_plan(plan))
    piece = WeekPiece.objects.get(plan=plan)
    persons = np.frombuffer(bytes(piece.persons), "<u4")
    room, value = np.frombuffer(bytes(piece.room), np.uint8), np.frombuffer(bytes(piece.value), "<f4").reshape(-1, KEPT)
    there = persons == number
    assert there.sum() == 1
    assert room[there].tolist() == [0]
    assert not value[there].any()
    assert value[~there].any()
    again = campaigns.advance_plan(plan=campaigns.replan_week(plan=plan, by=BY, at=NOON), at=NOON)
    assert all(number not in bits for bits in chosen(again).values())
