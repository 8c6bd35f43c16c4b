"""A campaign from draft to sent: only to those who agreed, some held out, all or nothing, refusals that help."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
from django.conf import settings
from django.db import IntegrityError, InternalError, connection, transaction
from pyroaring import BitMap

from dure.campaigns import actions as campaigns
from dure.campaigns import errors, queries, rules
from dure.campaigns.engine import assign
from dure.campaigns.models import Assignment, Campaign, CampaignStep, CampaignVersion
from dure.campaigns.values import CampaignState, Goal, Trigger
from dure.channels import actions as channels
from dure.kit import ids
from dure.kit.errors import DureError
from dure.menu import actions as menu
from dure.menu.models import Item
from dure.messaging.models import Message
from dure.offers import actions as offers
from dure.offers.models import Coupon, Offer
from dure.offers.values import OfferKind, OfferState
from dure.ordering.models import Order, OrderLine
from dure.people import actions as people
from dure.people.errors import NoSuchDay
from dure.people.models import Birthday, Device, Person
from dure.people.values import EVERYBODY, NETWORK_SENDER, Purpose, inbox_address, shop_sender
from dure.shops import fence
from dure.shops.models import Shop
from tests.cast import NOON
from tests.rooms.campaigns.conftest import BY, a_draft, friends, hand_over, sent

DAY = timedelta(days=1)


def an_offer(shop: Shop, **more: object) -> Offer:
    said: dict[str, object] = {
        "shop": shop, "name": {"ko": "천 원"}, "kind": OfferKind.AMOUNT, "value": 1_000, "by": BY, "at": NOON, **more,
    }  # fmt: skip
    return offers.create_offer(**said)  # type: ignore[arg-type]


def test_everybody_chosen_gets_it_and_nobody_else(shop: Shop) -> None:
    agreed, silent = friends(shop, 200), friends(shop, 30, agreed=False)
    campaign = sent(shop, offer=an_offer(shop))
    fixed = Assignment.objects.get(campaign=campaign)
    reached, held = BitMap.deserialize(bytes(fixed.reached_bits)), BitMap.deserialize(bytes(fixed.held_bits))
    got = set(Message.objects.filter(sender=shop_sender(shop.public_id)).values_list("address", flat=True))
    assert got == {inbox_address(p.public_id) for p in agreed if p.pk in reached}
    assert len(reached) + len(held) + fixed.never_people == 200
    assert set(Coupon.objects.filter(shop=shop).values_list("person_id", flat=True)) == set(reached)
    assert not {p.pk for p in silent} & set(reached | held)
    assert campaign.state == CampaignState.MEASURING
    assert campaign.result_at == NOON + 14 * DAY
    text = Message.objects.filter(sender=shop_sender(shop.public_id)).first()
    assert text is not None
    assert text.title == "(광고) 오랜만이에요, 두레국수에서 인사드려요"


def test_sending_again_sends_nobody_anything_twice(shop: Shop) -> None:
    friends(shop, 80)
    campaign = sent(shop, offer=an_offer(shop))
    before = (Message.objects.count(), Coupon.objects.count())
    assert hand_over(campaign) == 0
    assert campaigns.start_campaign(campaign=campaign, at=NOON).state == CampaignState.MEASURING
    assert (Message.objects.count(), Coupon.objects.count()) == before


def test_who_withdraws_after_the_coin_fell_gets_nothing(shop: Shop) -> None:
    everybody = friends(shop, 80)
    draft = campaigns.submit_campaign(campaign=a_draft(shop), send_at=NOON, by=BY, at=NOON)
    started = campaigns.start_campaign(campaign=draft, at=NOON)
    fixed = Assignment.objects.get(campaign=started)
    gone = next(p for p in everybody if p.pk in BitMap.deserialize(bytes(fixed.reached_bits)))
    people.withdraw_consent(
        person=gone,
        sender=shop_sender(shop.public_id),
        purpose=Purpose.ADVERTISING,
        source="t",
        proof={},
        by="x",
        at=NOON,
    )
    hand_over(started)
    assert Message.objects.count() == fixed.reached_people - 1
    assert not Message.objects.filter(address=inbox_address(gone.public_id)).exists()


def test_a_pause_holds_and_a_stop_ends(shop: Shop) -> None:
    friends(shop, 80)
    draft = campaigns.submit_campaign(campaign=a_draft(shop), send_at=NOON, by=BY, at=NOON)
    started = campaigns.start_campaign(campaign=draft, at=NOON)
    fixed = Assignment.objects.get(campaign=started)
    campaigns.pause_campaign(campaign=started, by=BY, at=NOON)
    assert hand_over(started) == 0
    campaigns.resume_campaign(campaign=started, by=BY, at=NOON)
    assert hand_over(started) == fixed.reached_people
    started.refresh_from_db()
    campaigns.stop_campaign(campaign=started, by=BY, at=NOON)
    with pytest.raises(errors.CampaignStateWrong):
        campaigns.resume_campaign(campaign=started, by=BY, at=NOON)


def test_fewer_than_sixty_are_all_written_to_and_nothing_is_measured(shop: Shop) -> None:
    friends(shop, 59)
    campaign = sent(shop)
    fixed = Assignment.objects.get(campaign=campaign)
    assert (fixed.held_people, fixed.reached_people + fixed.never_people) == (0, 59)
    assert (campaign.measured, campaign.result_at, campaign.state) == (False, None, CampaignState.DONE)


def test_people_in_a_measured_campaign_are_in_no_other(shop: Shop) -> None:
    friends(shop, 100)
    first = sent(shop)
    assert (
        len(queries.friends_in(shop, stages=["lapsed"], at=NOON + DAY))
        <= Assignment.objects.get(campaign=first).never_people
    )
    later = NOON + 15 * DAY
    assert len(queries.friends_in(shop, stages=["lapsed"], at=later)) == 100


def test_who_agreed_is_asked_as_of_then_whatever_they_said_since(shop: Shop) -> None:
    stays, leaves, comes = (person.pk for person in (*friends(shop, 2), *friends(shop, 1, agreed=False)))
    persons = np.array([comes, leaves, stays], np.uint32)
    word = {"sender": shop_sender(shop.public_id), "purpose": Purpose.ADVERTISING, "source": "test", "proof": {}}
    later = NOON + DAY
    people.withdraw_consent(person=Person.objects.get(pk=leaves), **word, by=BY, at=later)  # type: ignore[arg-type]
    people.give_consent(person=Person.objects.get(pk=comes), **word, by=BY, at=later)  # type: ignore[arg-type]
    assert queries.agreed_to(shop, persons, at=NOON).tolist() == sorted([stays, leaves])
    assert queries.agreed_to(shop, persons, at=later).tolist() == sorted([stays, comes])
    assert queries.agreed_to(shop, persons[:0], at=later).tolist() == []


def test_who_refused_everybody_is_in_no_audience_and_takes_nobodys_place(shop: Shop) -> None:
    """They stood among the friends to be written to, got a coupon nobody told them of, and used up one of the messages."""
    everybody = friends(shop, 80)
    word = {"sender": EVERYBODY, "purpose": Purpose.ADVERTISING, "source": "link", "proof": {}, "by": BY}
    refuse, again = everybody[:20], everybody[20]
    for person in (*refuse, again):
        people.withdraw_consent(person=person, **word, at=NOON)  # type: ignore[arg-type]
    people.give_consent(person=again, **word, at=NOON + DAY)  # type: ignore[arg-type]
    assert len(queries.friends_in(shop, stages=[], at=NOON - DAY)) == 80
    assert len(queries.friends_in(shop, stages=[], at=NOON)) == 59
    assert len(queries.friends_in(shop, stages=[], at=NOON + DAY)) == 60
    sent(shop, offer=an_offer(shop), at=NOON)
    assert not Coupon.objects.filter(person__in=[one.pk for one in (*refuse, again)]).exists()


# Refusals -----------------------------------------------------------------------------------------------------------


def nothing_was_sent(shop: Shop) -> bool:
    return not (
        Message.objects.filter(sender=shop_sender(shop.public_id)).exists()
        or Coupon.objects.filter(shop=shop).exists()
        or Assignment.objects.filter(shop=shop).exists()
    )


def scheduled(shop: Shop, **more: object) -> Campaign:
    return campaigns.submit_campaign(campaign=a_draft(shop, **more), send_at=NOON + DAY, by=BY, at=NOON)


def test_a_text_with_a_gap_that_nobody_fills_is_refused(shop: Shop) -> None:
    with pytest.raises(errors.MissingValue, match="coupon"):
        a_draft(shop, body="‘#{coupon}’ 쿠폰이 있어요")
    with pytest.raises(errors.MissingValue, match="name"):
        a_draft(shop, title="#{name}님", offer=an_offer(shop))
    assert a_draft(shop, body="‘#{coupon}’ 쿠폰이 있어요", offer=an_offer(shop)).state == CampaignState.DRAFT


@pytest.mark.parametrize("text", ["전자담배 할인", "국내 최고의 국수", "암을 치료하는 국물", "100% 보장", "대출 상담"])
def test_forbidden_goods_and_false_claims_are_refused(shop: Shop, text: str) -> None:
    with pytest.raises(errors.ForbiddenWords):
        a_draft(shop, body=text)


def test_honest_words_are_not_refused() -> None:
    assert (
        rules.faults_of("오늘 담백한 칼국수 어때요?", "최근에 오셨죠? 1,000원 할인", "best noodles in our street") == []
    )


def test_an_audience_that_shrank_stops_everything(shop: Shop) -> None:
    everybody = friends(shop, 61)
    campaign = scheduled(shop, offer=an_offer(shop))
    for person in everybody:
        people.withdraw_consent(
            person=person,
            sender=shop_sender(shop.public_id),
            purpose=Purpose.ADVERTISING,
            source="t",
            proof={},
            by="x",
            at=NOON,
        )
    with pytest.raises(errors.AudienceShrank):
        campaigns.start_campaign(campaign=campaign, at=NOON + DAY)
    assert nothing_was_sent(shop)
    campaigns.send_back(campaign=campaign, reason="대상이 줄었어요", at=NOON + DAY)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.DRAFT, "대상이 줄었어요")


def test_a_coupon_that_ends_before_the_message_goes_stops_everything(shop: Shop) -> None:
    friends(shop, 61)
    with pytest.raises(errors.CouponEndsFirst):
        scheduled(shop, offer=an_offer(shop, ends_at=NOON + DAY / 2))
    campaign = scheduled(shop, offer=an_offer(shop))
    assert campaign.offer is not None
    offers.change_offer_state(shop=shop, offer=campaign.offer.public_id, state=OfferState.ENDED, by=BY, at=NOON)
    with pytest.raises(errors.CouponEndsFirst):
        campaigns.start_campaign(campaign=campaign, at=NOON + DAY)
    assert nothing_was_sent(shop)


def test_too_few_coupons_stop_everything(shop: Shop) -> None:
    friends(shop, 80)
    with pytest.raises(errors.CouponNotEnough):
        scheduled(shop, offer=an_offer(shop, stock=10))
    assert nothing_was_sent(shop)


def test_a_clock_set_back_is_refused(shop: Shop) -> None:
    friends(shop, 61)
    draft = a_draft(shop)
    with pytest.raises(errors.SetBack):
        campaigns.submit_campaign(campaign=draft, send_at=NOON, by=BY, at=NOON - DAY)
    campaign = campaigns.submit_campaign(campaign=draft, send_at=NOON, by=BY, at=NOON)
    with pytest.raises(errors.CampaignStateWrong):
        campaigns.start_campaign(campaign=campaign, at=NOON - DAY)
    assert nothing_was_sent(shop)


def test_nobody_who_agreed_is_nobody_to_reach(shop: Shop) -> None:
    friends(shop, 70, agreed=False)
    with pytest.raises(errors.NobodyToReach):
        scheduled(shop)


def test_only_the_transitions_of_the_table_happen() -> None:
    assert set(rules.TRANSITIONS) == set(CampaignState)
    assert all(rules.may_move(a, b) == (b in rules.TRANSITIONS[a]) for a in CampaignState for b in CampaignState)
    assert not rules.TRANSITIONS[CampaignState.DONE] | rules.TRANSITIONS[CampaignState.STOPPED]


# Nobody looks at who is held out ------------------------------------------------------------------------------------


def test_assignments_and_steps_cannot_be_changed(shop: Shop) -> None:
    friends(shop, 80)
    campaign = sent(shop)
    changes: list[Callable[[], object]] = [
        lambda: Assignment.objects.filter(campaign=campaign).update(held_bits=b""),
        lambda: CampaignStep.objects.filter(campaign=campaign).delete(),
        lambda: CampaignVersion.objects.filter(campaign=campaign).update(number=9),
    ]
    for change in changes:
        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            change()


def test_no_coupon_no_message_no_step_tells_of_the_held_out(shop: Shop) -> None:
    """Nothing anywhere in the database but the two bitmaps leads to somebody who was held out."""
    friends(shop, 120)
    campaign = sent(shop, offer=an_offer(shop))
    held = BitMap.deserialize(bytes(Assignment.objects.get(campaign=campaign).held_bits))
    assert len(held) > 20
    names = Person.objects.filter(pk__in=list(held)).values_list("public_id", flat=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name) "
            "WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.data_type IN ('text', 'jsonb', 'character varying')"
        )
        columns = [(table, column) for table, column in cursor.fetchall() if table != "people_person"]
        for table, column in columns:
            cursor.execute(
                f'SELECT count(*) FROM "{table}" WHERE "{column}"::text LIKE ANY(%s)',
                [[f"%{name}%" for name in names]],
            )
            row = cursor.fetchone()
            assert row == (0,), f"{table}.{column}"
    assert len(columns) > 100


# Automations --------------------------------------------------------------------------------------------------------


def win_back(shop: Shop, **more: object) -> Campaign:
    said: dict[str, object] = {
        "shop": shop, "trigger": Trigger.WIN_BACK, "number": 45, "title": "오랜만이에요", "body": "보고 싶어요",
        "by": BY, "at": NOON, **more,
    }  # fmt: skip
    return campaigns.start_automation(**said)  # type: ignore[arg-type]


def test_an_automation_writes_to_each_once_and_holds_some_out(shop: Shop) -> None:
    friends(shop, 200, away_days=50)
    friends(shop, 50, away_days=10)
    campaign = win_back(shop)
    wave = campaigns.run_automation(campaign=campaign, at=NOON)
    assert wave is not None
    assert 190 <= wave.reached_people + wave.held_people <= 200
    assert 20 <= wave.held_people <= 60
    assert campaigns.run_automation(campaign=campaign, at=NOON) is None
    assert campaigns.run_automation(campaign=campaign, at=NOON + DAY) is None
    friends(shop, 10, away_days=50)
    second = campaigns.run_automation(campaign=campaign, at=NOON + DAY)
    assert second is not None
    assert second.reached_people + second.held_people <= 10
    assert queries.sizes_of(campaign).waves == 2


def test_a_changed_automation_is_a_new_version_with_its_own_coin(shop: Shop) -> None:
    campaign = win_back(shop)
    same = win_back(shop)
    assert (same.pk, same.version) == (campaign.pk, 1)
    changed = win_back(shop, number=30)
    assert (changed.pk, changed.version, changed.number) == (campaign.pk, 2, 30)
    numbers = CampaignVersion.objects.filter(campaign=campaign).values_list("content__number", flat=True)
    assert sorted(numbers) == [30, 45]


@pytest.mark.parametrize("trigger", [t for t in Trigger if t != Trigger.HAND])
def test_every_automation_runs(shop: Shop, trigger: Trigger) -> None:
    friends(shop, 30, away_days=11, visits=1)
    campaign = win_back(shop, trigger=trigger, number=10 if trigger == Trigger.SECOND_VISIT else 7)
    wave = campaigns.run_automation(campaign=campaign, at=NOON)
    if trigger == Trigger.SECOND_VISIT:
        assert wave is not None
        assert wave.reached_people > 10


def test_birthdays_are_found_some_days_before_and_only_of_whom_told_theirs(shop: Shop) -> None:
    told = friends(shop, 40, away_days=10)
    friends(shop, 20, away_days=10)
    for number, person in enumerate(told):
        day = NOON.date() + timedelta(days=number % 8)
        people.keep_birthday(
            person=person, month=day.month, day=day.day, source="t", proof={}, by="t", at=NOON - timedelta(days=1)
        )
    campaign = win_back(shop, trigger=Trigger.BIRTHDAY, number=3)
    soon = np.array([person.pk for number, person in enumerate(told) if number % 8 <= 3])
    soon = soon[~assign.never_messaged(soon, secret=settings.SECRET_KEY)]
    assert sorted(queries.due_for(campaign, at=NOON).tolist()) == soon.tolist()
    wave = campaigns.run_automation(campaign=campaign, at=NOON)
    assert wave is not None
    held = assign.held_out(soon, unit=wave.unit, secret=settings.SECRET_KEY, share=wave.share)
    assert (wave.held_people, wave.reached_people) == (held.sum(), len(soon) - held.sum())
    people.withdraw_consent(
        person=told[4], sender=NETWORK_SENDER, purpose=Purpose.BIRTHDAY, source="t", proof={}, by="t", at=NOON
    )
    assert told[4].pk not in queries.due_for(campaign, at=NOON + DAY)
    with fence.across_shops():
        people.erase_person(person=told[12], by="t", at=NOON)
    assert not Birthday.objects.filter(person__in=[told[4], told[12]]).exists()


@pytest.mark.parametrize(("month", "day"), [(2, 30), (4, 31), (13, 1), (0, 1), (1, 0)])
def test_a_day_that_is_none_is_refused(shop: Shop, month: int, day: int) -> None:
    (person,) = friends(shop, 1)
    with pytest.raises(NoSuchDay):
        people.keep_birthday(person=person, month=month, day=day, source="t", proof={}, by="t", at=NOON)


def test_the_29th_of_february_is_the_28th_where_there_is_none() -> None:
    assert (2, 29) in rules.days_ahead(date(2027, 2, 27), 1)
    assert (2, 29) not in rules.days_ahead(date(2028, 2, 27), 1)
    assert (2, 29) in rules.days_ahead(date(2028, 2, 28), 1)
    assert rules.days_ahead(date(2026, 12, 31), 1) == [(12, 31), (1, 1)]


def test_a_dish_that_is_back_is_told_to_who_had_it_but_not_to_who_asked(shop: Shop) -> None:
    """As an advertisement, with people held out; whoever asked has heard it as information."""
    item = Item.objects.get(shop=shop, name__ko="잔치국수")
    guests = friends(shop, 30, away_days=10)
    for number, person in enumerate(guests, start=1):
        device, _ = people.remember_device(at=NOON)
        Device.objects.filter(pk=device.pk).update(person=person)
        order = Order.objects.create(
            shop=shop, public_id=ids.new_public_id("ord"), number=number, key=str(person.pk), business_day=NOON.date(),
            device=device, state="served", total=8_000, placed_at=NOON - DAY * 10, changed_at=NOON - DAY * 10,
        )  # fmt: skip
        OrderLine.objects.create(
            shop=shop, order=order, item=item, name=item.name, unit_price=8_000, quantity=1, total=8_000
        )
    campaign = win_back(shop, trigger=Trigger.SOLD_OUT_BACK, number=60)
    assert not len(queries.due_for(campaign, at=NOON))
    menu.mark_sold_out(shop=shop, item=item, sold_out=True, by=BY, at=NOON - DAY)
    channels.wish_for(shop=shop, person=guests[0], item=item.public_id, at=NOON - DAY)
    assert not len(queries.due_for(campaign, at=NOON))
    menu.mark_sold_out(shop=shop, item=item, sold_out=False, by=BY, at=NOON)
    due = queries.due_for(campaign, at=NOON)
    assert len(due) >= 26
    assert guests[0].pk not in due
    assert not len(queries.due_for(campaign, at=NOON + DAY * 3))


def test_a_refusal_is_never_a_surprise(shop: Shop) -> None:
    """Every refusal of this room says something in both languages."""
    found = [
        e
        for e in vars(errors).values()
        if isinstance(e, type) and issubclass(e, DureError) and e.__module__ == errors.__name__
    ]
    assert len(found) >= 12
    for refusal in found:
        assert refusal.sentence.within("ko") != refusal.sentence.within("en")
    assert Goal.NEARBY in Goal
