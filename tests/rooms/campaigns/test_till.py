"""At the till: a guest who has just paid gets one coupon of the week's campaigns, at the plan's prices and within every limit."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob
from pyroaring import BitMap

from dure.campaigns import actions as campaigns
from dure.campaigns import errors, queries
from dure.campaigns.engine import assign
from dure.campaigns.models import Assignment, Campaign, TillChoice, WeekPart, WeekPlan
from dure.campaigns.values import CampaignState, Nothing, TillFate
from dure.lift import actions as lift
from dure.messaging.models import Message, Outgoing
from dure.offers import actions as offers
from dure.offers import queries as offer_queries
from dure.offers.models import Coupon, Offer
from dure.offers.values import OfferKind
from dure.ordering.events import BillSettled
from dure.people import actions as people
from dure.people import queries as people_queries
from dure.people.events import PersonsMerged
from dure.people.models import Attention, Person
from dure.people.values import Purpose, inbox_address, shop_sender
from dure.shops import fence
from dure.shops.models import Shop
from tests.cast import NOON, zelkova_coffee
from tests.races import at_once
from tests.rooms.campaigns.conftest import BY, a_draft, hand_over
from tests.rooms.campaigns.test_campaigns import an_offer
from tests.rooms.campaigns.test_week import MONDAY, SEND_AT, chosen, planned, shared_friends

PAID = SEND_AT + timedelta(hours=2)
EVERYBODY, MESSAGES, COUPONS = 260, 90, 30


@pytest.fixture
def coffee(shop: Shop) -> Shop:
    return zelkova_coffee()


def sells(shop: Shop, *, at_till: int = COUPONS, offer: Offer | None = None, **more: object) -> Campaign:
    """A campaign of this shop that left the coming days to the week's plan, and so many coupons to the till."""
    draft = a_draft(shop, by_plan=True, at_till=at_till, offer=offer or an_offer(shop), **{"most": MESSAGES, **more})
    return campaigns.submit_campaign(campaign=draft, send_at=SEND_AT, by=BY, at=NOON)


def market(shop: Shop, coffee: Shop, **more: object) -> tuple[list[Person], Campaign, WeekPlan]:
    """Friends of both shops; coffee's campaign is planned and out."""
    everybody = shared_friends(shop, coffee, count=EVERYBODY)
    campaign = sells(coffee, **more)
    plan = planned(cap=1)
    started = campaigns.start_campaign(campaign=campaign, at=SEND_AT)
    hand_over(started, at=SEND_AT)
    # Everybody is worth the same here, so that the solved price lies within the lottery; and where no more guests are due than there
    # are coupons, none is too dear.
    assert WeekPart.objects.filter(plan=plan, till_price=F("price"), price__gt=0).exists()
    WeekPart.objects.filter(plan=plan).update(till_price=50, till_due=0)
    started.refresh_from_db()
    return everybody, started, plan


def left_over(everybody: list[Person], plan: WeekPlan) -> list[Person]:
    """Whom the plan meant and did not choose."""
    taken = BitMap.union(*chosen(plan).values())
    meant = BitMap.union(*(BitMap.deserialize(bytes(part.meant_bits)) for part in queries.parts_of_plan(plan)))
    return [one for one in everybody if one.pk in meant and one.pk not in taken]


def pays(person: Person, shop: Shop, bill: str = "", *, at: datetime = PAID) -> TillChoice | None:
    return campaigns.choose_at_till(
        reference=bill or f"bil_{person.pk}", person_id=person.pk, shop=shop, paid_at=at, at=at
    )


def free_of_the_coin(persons: list[Person], campaign: Campaign) -> list[Person]:
    """Those whom the campaign's coin does not hold out."""
    wave = Assignment.objects.get(campaign=campaign, wave=1)
    numbers = np.array([one.pk for one in persons])
    held = assign.held_out(numbers, unit=wave.unit, secret=settings.SECRET_KEY, share=wave.share)
    return [one for one, out in zip(persons, held, strict=True) if not out]


def test_a_guest_who_has_paid_gets_a_coupon_of_another_shop_and_why_is_kept(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    guest = free_of_the_coin(left_over(everybody, plan), campaign)[0]
    choice = pays(guest, shop)
    assert choice is not None
    assert (choice.fate, choice.campaign, choice.shop, choice.plan) == (TillFate.GIVEN, campaign, coffee, plan)
    assert choice.value > choice.price == 50
    wave = Assignment.objects.get(campaign=campaign, wave=1)
    assert choice.propensity == pytest.approx(1 - wave.share)
    assert choice.coupon is not None
    assert choice.coupon.person == guest
    assert choice.coupon.shop == coffee
    assert list(offer_queries.coupons_of(guest, at=PAID)) == [choice.coupon]
    hand_over(campaign, at=PAID)
    told = Message.objects.get(address=inbox_address(guest.public_id))
    assert told.sender == shop_sender(coffee.public_id)
    assert told.kind == "advertising"
    campaign.refresh_from_db()
    assert campaign.given_at_till == 1


def test_a_bill_is_answered_once_and_a_week_once(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    guest = free_of_the_coin(left_over(everybody, plan), campaign)[0]
    first, again = pays(guest, shop, "bil_1"), pays(guest, shop, "bil_1")
    assert first == again
    later = pays(guest, shop, "bil_2", at=PAID + timedelta(days=1))
    assert later is not None
    assert (later.fate, later.reason) == (TillFate.NOTHING, Nothing.ENOUGH)
    assert Coupon.objects.filter(person=guest).count() == 1


def test_whom_the_plan_chose_has_had_the_weeks_share(shop: Shop, coffee: Shop) -> None:
    everybody, _, plan = market(shop, coffee)
    (bits,) = chosen(plan).values()
    for guest in [one for one in everybody if one.pk in bits][:5]:
        choice = pays(guest, shop)
        assert choice is not None
        assert (choice.fate, choice.reason) == (TillFate.NOTHING, Nothing.ENOUGH)


def test_the_campaigns_own_coin_holds_people_out_and_says_nothing_to_them(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee, at_till=45)
    guests = left_over(everybody, plan)
    choices = [pays(one, shop) for one in guests]
    free = {one.pk for one in free_of_the_coin(guests, campaign)}
    given = {one.person_id for one in choices if one and one.fate == TillFate.GIVEN}
    held = {one.person_id for one in choices if one and one.fate == TillFate.HELD}
    assert given, {(str(one.fate), one.reason) for one in choices if one}
    assert held
    assert given <= free
    assert not held & free
    assert not Coupon.objects.filter(person__in=held).exists()
    assert not Outgoing.objects.filter(recipient__in=held).exists()
    wave = Assignment.objects.get(campaign=campaign, wave=1)
    for one in choices:
        if one and one.fate == TillFate.HELD:
            assert one.propensity == pytest.approx(wave.share)
    campaign.refresh_from_db()
    assert campaign.given_at_till == len(given), "who is held out uses no coupon up"


def test_the_networks_holdout_is_given_nothing(shop: Shop, coffee: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody, _, plan = market(shop, coffee)
    guest = left_over(everybody, plan)[0]
    monkeypatch.setattr(assign, "never_messaged", lambda ordinals, *, secret: np.ones(len(ordinals), bool))
    choice = pays(guest, shop)
    assert choice is not None
    assert (choice.fate, choice.reason) == (TillFate.NOTHING, Nothing.NEVER)


def refuse(guest: Person, sender: str) -> None:
    people.withdraw_consent(
        person=guest, sender=sender, purpose=Purpose.ADVERTISING, source="t", proof={}, by="t", at=PAID
    )


def test_the_one_gate_is_asked_for_each(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    refused, quiet, none, night = free_of_the_coin(left_over(everybody, plan), campaign)[:4]
    refuse(refused, shop_sender(coffee.public_id))
    Attention.objects.create(person=quiet, quiet_from="10:00", quiet_until="20:00", changed_at=NOON)
    Attention.objects.create(person=none, per_day=0, changed_at=NOON)
    said = {
        "refused": pays(refused, shop),
        "quiet": pays(quiet, shop),
        "enough_today": pays(none, shop),
        "night": pays(night, shop, at=PAID + timedelta(hours=10)),
    }
    assert {name: one.reason for name, one in said.items() if one} == {name: name for name in said}
    assert {one.fate for one in said.values() if one} == {TillFate.NOTHING}
    assert not Coupon.objects.filter(person__in=[refused, quiet, none, night]).exists()


def test_an_advertisement_that_was_given_counts_for_the_next(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    guest = free_of_the_coin(left_over(everybody, plan), campaign)[0]
    before = people_queries.advertising_left([guest.pk], at=PAID)[guest.pk]
    pays(guest, shop)
    hand_over(campaign, at=PAID)
    assert people_queries.advertising_left([guest.pk], at=PAID + timedelta(minutes=1))[guest.pk] == before - 1


def test_no_guest_is_sent_to_the_rival_over_the_road(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    guest = free_of_the_coin(left_over(everybody, plan), campaign)[0]
    Shop.objects.filter(pk=coffee.pk).update(category=shop.category, district=shop.district)
    assert pays(guest, Shop.objects.get(pk=shop.pk)) is None
    own = pays(guest, Shop.objects.get(pk=coffee.pk), "bil_own")
    assert own is not None
    assert own.fate == TillFate.GIVEN, "its own guests may well come back"


@pytest.mark.parametrize("stopped", ["paused", "stopped", "scheduled", "next week", "too late"])
def test_only_a_campaign_that_is_out_gives_anything_and_only_in_its_week(
    shop: Shop, coffee: Shop, stopped: str
) -> None:
    if stopped == "scheduled":
        everybody = shared_friends(shop, coffee, count=EVERYBODY)
        sells(coffee)
        plan = planned(cap=1)
        assert pays(left_over(everybody, plan)[0], shop) is None
        return
    everybody, campaign, plan = market(shop, coffee)
    guest = free_of_the_coin(left_over(everybody, plan), campaign)[0]
    if stopped == "paused":
        Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.PAUSED)
    if stopped == "stopped":
        campaigns.stop_campaign(campaign=campaign, by=BY, at=PAID)
    at = PAID + timedelta(days=7) if stopped == "next week" else PAID
    late = timedelta(minutes=11) if stopped == "too late" else timedelta(0)
    assert campaigns.choose_at_till(reference="b", person_id=guest.pk, shop=shop, paid_at=at, at=at + late) is None
    assert not TillChoice.objects.exists()


def test_a_small_campaign_holds_nobody_out_and_gives_until_its_week_is_over(shop: Shop, coffee: Shop) -> None:
    everybody = shared_friends(shop, coffee, count=40)
    campaign = sells(coffee, most=20, at_till=10)
    plan = planned(cap=1)
    campaign = campaigns.start_campaign(campaign=campaign, at=SEND_AT)
    hand_over(campaign, at=SEND_AT)
    WeekPart.objects.update(till_price=0)
    campaign.refresh_from_db()
    assert not campaign.measured
    assert campaign.state == CampaignState.RUNNING
    fates = [choice.fate for one in left_over(everybody, plan) if (choice := pays(one, shop))]
    assert fates.count(TillFate.GIVEN) == 10
    assert TillFate.HELD not in fates
    hand_over(campaign, at=PAID)
    campaigns.finish_sending(campaign=campaign, at=SEND_AT + timedelta(days=7))
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.DONE


def test_what_is_not_worth_its_price_is_not_given_and_grows_cheaper(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    WeekPart.objects.filter(campaign=campaign).update(till_price=1e6)
    choice = pays(left_over(everybody, plan)[0], shop)
    assert choice is not None
    assert (choice.fate, choice.reason) == (TillFate.NOTHING, Nothing.PRICE)
    assert WeekPart.objects.get(campaign=campaign).till_price < 1e6


def test_each_coupon_makes_the_next_dearer(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    WeekPart.objects.filter(campaign=campaign).update(till_price=100.0, till_due=1_000)
    guest = free_of_the_coin(left_over(everybody, plan), campaign)[0]
    assert pays(guest, shop) is not None
    part = WeekPart.objects.get(campaign=campaign)
    assert part.till_price > 100
    assert part.till_due == 999


def test_the_best_above_its_price_is_given_and_its_odds_are_the_lotterys(shop: Shop, coffee: Shop) -> None:
    everybody = shared_friends(shop, coffee, count=EVERYBODY)
    both = sells(shop, most=70), sells(coffee, most=70)
    plan = planned(cap=1)
    for campaign in both:
        hand_over(campaigns.start_campaign(campaign=campaign, at=SEND_AT), at=SEND_AT)
        Campaign.objects.filter(pk=campaign.pk).update(at_till=500)
    WeekPart.objects.filter(plan=plan).update(weight=1, till_price=0)
    third = zelkova_coffee()
    Shop.objects.filter(pk=third.pk).update(district="somewhere else", category="other")
    third.refresh_from_db()
    guests = left_over(everybody, plan)
    seen = []
    for guest in guests:
        # No price moves here: every guest meets the same market.
        WeekPart.objects.filter(plan=plan).update(till_price=0)
        choice = pays(guest, third)
        if choice and choice.campaign_id:
            seen.append(choice)
    assert len(seen) > 50
    assert all(0 < one.propensity <= 1 for one in seen)
    wave = {c.pk: Assignment.objects.get(campaign=c, wave=1).share for c in both}
    first = both[0].pk
    lottery = [
        one.propensity / (wave[one.campaign_id] if one.fate == TillFate.HELD else 1 - wave[one.campaign_id])
        for one in seen
    ]
    odds = [p if one.campaign_id == first else 1 - p for p, one in zip(lottery, seen, strict=True)]
    came = sum(one.campaign_id == first for one in seen)
    spread = sum(p * (1 - p) for p in odds) ** 0.5
    assert abs(came - sum(odds)) <= 3.5 * spread + 1e-6


def test_without_a_plan_the_paying_asks_nothing_and_leaves_no_job(shop: Shop) -> None:
    paid = BillSettled(
        shop_id=shop.pk, bill_id=1, reference="bil_1", visit_id=None, discount=0, person_id=1, amount=9_000, at=PAID
    )
    campaigns.note_paid_bill(paid)  # this process looks
    with CaptureQueriesContext(connection) as asked:
        for _ in range(3):
            campaigns.note_paid_bill(paid)
    assert len(asked) == 0
    assert not ProcrastinateJob.objects.filter(task_name="campaigns.choose_at_till").exists()


def test_in_a_week_with_coupons_the_paying_leaves_one_job(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    guest = free_of_the_coin(left_over(everybody, plan), campaign)[0]
    paid = BillSettled(
        shop_id=shop.pk, bill_id=1, reference="bil_1", visit_id=None, discount=0, person_id=guest.pk, amount=9_000,
        at=PAID,
    )  # fmt: skip
    with CaptureQueriesContext(connection) as asked:
        campaigns.note_paid_bill(paid)
        campaigns.note_paid_bill(
            BillSettled(**{**{n: getattr(paid, n) for n in paid.__slots__}, "at": PAID, "person_id": None})
        )
    assert sum("SELECT" in one["sql"] and "weekplan" in one["sql"] for one in asked) <= 1
    (job,) = ProcrastinateJob.objects.filter(task_name="campaigns.choose_at_till")
    assert job.args["reference"] == "bil_1"


def test_the_till_is_paid_from_the_campaigns_own_purse(shop: Shop, coffee: Shop) -> None:
    _, campaign, plan = market(shop, coffee)
    part = queries.part_of(campaign)
    assert part is not None
    sent = Assignment.objects.get(campaign=campaign).reached_people
    assert sent <= MESSAGES - COUPONS
    assert plan.at_till == COUPONS


def test_stock_and_the_won_of_an_offer_bind_at_the_till_too(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    guests = free_of_the_coin(left_over(everybody, plan), campaign)
    out = Coupon.objects.filter(offer=campaign.offer).count()
    assert campaign.offer is not None
    worth = offer_queries.most_off(campaign.offer)
    Offer.objects.filter(pk=campaign.offer.pk).update(budget=(out + 2) * worth)
    fates = [choice.reason or str(choice.fate) for one in guests[:5] if (choice := pays(one, shop))]
    assert fates == ["given", "given", *["budget-spent"] * 3]
    Offer.objects.filter(pk=campaign.offer.pk).update(budget=None, stock=out + 3)
    fates = [choice.reason or str(choice.fate) for one in guests[5:8] if (choice := pays(one, shop))]
    assert fates == ["given", "out-of-stock", "out-of-stock"]
    campaign.refresh_from_db()
    assert campaign.given_at_till == 3


def test_what_the_till_gave_is_one_more_wave_and_lift_reads_it(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    guests = left_over(everybody, plan)
    choices = [pays(one, shop) for one in guests]
    assert queries.sizes_of(campaign).waves == 1
    assert campaigns.count_till(at=PAID) == 1
    assert campaigns.count_till(at=PAID) == 0
    wave = Assignment.objects.get(campaign=campaign, wave=2)
    given = {one.person_id for one in choices if one and one.fate == TillFate.GIVEN}
    held = {one.person_id for one in choices if one and one.fate == TillFate.HELD}
    assert set(BitMap.deserialize(bytes(wave.reached_bits))) == given
    assert set(BitMap.deserialize(bytes(wave.held_bits))) == held
    assert set(queries.taken_in(coffee, at=PAID).tolist()) >= given | held
    assert queries.mismatch_of(campaign) > 0.001
    campaign.refresh_from_db()
    end = datetime(2026, 11, 30, tzinfo=PAID.astimezone(queries.KST).tzinfo)
    assert campaign.result_at == end + timedelta(days=campaign.window_days)
    used = next(one for one in choices if one and one.coupon)
    assert used.coupon is not None
    offers.reserve_coupon(coupon=used.coupon, reference="bil_used", amount=1_000, at=PAID)
    offers.commit_redemption(reference="bil_used", at=PAID)
    hand_over(campaign, at=PAID)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.MEASURING
    result = lift.measure_campaign(campaign=campaign, at=campaign.result_at)
    first = Assignment.objects.get(campaign=campaign, wave=1)
    assert result.reached == first.reached_people + len(given)
    assert result.held == first.held_people + len(held)
    assert result.figures["used"] == [1, 1_000]


def test_until_it_is_a_wave_nobody_else_of_the_shop_writes_to_them(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    guest = free_of_the_coin(left_over(everybody, plan), campaign)[0]
    assert guest.pk not in queries.taken_in(coffee, at=PAID)
    pays(guest, shop)
    assert guest.pk in queries.taken_in(coffee, at=PAID)


def test_whom_the_till_gave_something_has_less_room_when_the_week_is_planned_again(shop: Shop, coffee: Shop) -> None:
    everybody = shared_friends(shop, coffee, count=EVERYBODY)
    waits, first = sells(shop, most=40), sells(coffee)
    plan = planned(cap=1)
    hand_over(campaigns.start_campaign(campaign=first, at=SEND_AT), at=SEND_AT)
    WeekPart.objects.filter(plan=plan).update(till_price=0, till_due=0)
    choices = [pays(guest, shop) for guest in left_over(everybody, plan)]
    given = {one.person_id for one in choices if one and one.fate == TillFate.GIVEN}
    assert given
    Campaign.objects.filter(pk=waits.pk).update(most=600)
    again = campaigns.advance_plan(plan=campaigns.replan_week(plan=plan, by=BY, at=PAID), at=PAID)
    (found,) = chosen(again).values()
    assert found
    assert not found & BitMap(given)


def test_an_erased_guest_leaves_no_choice_behind(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    guest, other = free_of_the_coin(left_over(everybody, plan), campaign)[:2]
    pays(guest, shop)
    people.erase_person(person=guest, by="x", at=PAID)
    assert TillChoice.objects.get().person is None
    assert campaigns.count_till(at=PAID) == 0
    people.erase_person(person=other, by="x", at=PAID)
    assert pays(other, shop) is None


def test_a_guest_who_turns_out_to_be_somebody_keeps_one_choice_a_bill_and_week(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    guest, kept, other = free_of_the_coin(left_over(everybody, plan), campaign)[:3]
    for one in (guest, kept):
        choice = pays(one, shop)
        assert choice is not None
        assert choice.fate == TillFate.GIVEN
    campaigns.hand_choices_over(PersonsMerged(kept_id=kept.pk, gone_id=guest.pk, at=PAID))
    campaigns.hand_choices_over(PersonsMerged(kept_id=other.pk, gone_id=kept.pk, at=PAID))
    assert not TillChoice.objects.filter(person__in=[guest, kept]).exists()
    assert TillChoice.objects.get(person=other).reference == f"bil_{kept.pk}"
    assert TillChoice.objects.filter(person=None, reference=f"bil_{guest.pk}").exists()


def test_after_the_plan_was_made_again_its_campaigns_still_give(shop: Shop, coffee: Shop) -> None:
    everybody = shared_friends(shop, coffee, count=EVERYBODY)
    waits = sells(shop)
    first = sells(coffee)
    plan = planned(cap=1)
    hand_over(campaigns.start_campaign(campaign=first, at=SEND_AT), at=SEND_AT)
    again = campaigns.advance_plan(plan=campaigns.replan_week(plan=plan, by=BY, at=SEND_AT), at=SEND_AT)
    assert [part.campaign for part in queries.parts_of_plan(again)] == [waits]
    edges = {}
    for guest in everybody:
        edges = {edge.part.campaign: edge.part.plan for edge in queries.edges_of(guest.pk, week_on=MONDAY)}
        if len(edges) == 2:
            break
    assert edges == {first: plan, waits: again}
    assert queries.edges_of(10**9, week_on=MONDAY) == []
    assert queries.edges_of(everybody[0].pk, week_on=date(2026, 11, 16)) == []


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"by_plan": False}, errors.TillWithoutPlan),
        ({"offer": None}, errors.TillWithoutPlan),
        ({"most": 30}, errors.TillTooMuch),
        ({"at_till": 2_000_000, "most": None}, errors.TillTooMuch),
    ],
)
def test_coupons_for_the_till_want_a_coupon_a_plan_and_less_than_there_is(
    shop: Shop, more: dict[str, object], wrong: type[Exception]
) -> None:
    said = {"by_plan": True, "at_till": 30, "offer": an_offer(shop), "most": 90, **more}
    with pytest.raises(wrong):
        a_draft(shop, **said)


@pytest.mark.django_db(transaction=True)
def test_no_budget_is_exceeded_whoever_pays_at_the_same_instant(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee, at_till=5)
    guests = free_of_the_coin(left_over(everybody, plan), campaign)[:8]

    def pay(guest: Person) -> TillChoice | None:
        with fence.across_shops():
            return pays(guest, shop)

    chosen_now = at_once(*(lambda guest=guest: pay(guest) for guest in guests))
    assert not [one for one in chosen_now if isinstance(one, Exception)]
    assert sorted(str(one.fate) for one in chosen_now) == ["given"] * 5 + ["nothing"] * 3
    campaign.refresh_from_db()
    assert campaign.given_at_till == 5
    assert Coupon.objects.filter(person__in=guests).count() == 5
    assert {one.reason for one in chosen_now if one.fate == TillFate.NOTHING} <= {Nothing.NONE_LEFT, Nothing.PRICE}


@pytest.mark.django_db(transaction=True)
def test_a_guest_who_pays_two_bills_at_once_gets_one_coupon(shop: Shop, coffee: Shop) -> None:
    everybody, campaign, plan = market(shop, coffee)
    guest = free_of_the_coin(left_over(everybody, plan), campaign)[0]

    def pay(bill: str) -> TillChoice | None:
        with fence.across_shops():
            return pays(guest, shop, bill)

    both = at_once(*(lambda bill=bill: pay(bill) for bill in ("bil_1", "bil_2", "bil_1", "bil_2")))
    assert not [one for one in both if isinstance(one, Exception)]
    assert Coupon.objects.filter(person=guest).count() == 1
    assert sorted(TillChoice.objects.values_list("fate", flat=True)) == ["given", "nothing"]


@pytest.mark.django_db(transaction=True)
def test_stock_holds_while_two_campaigns_of_one_offer_are_asked_at_once(shop: Shop, coffee: Shop) -> None:
    everybody = shared_friends(shop, coffee, count=EVERYBODY)
    offer = an_offer(coffee, kind=OfferKind.AMOUNT, value=1_000, per_person=2)
    first = sells(coffee, offer=offer, at_till=20)
    plan = planned(cap=1)
    hand_over(campaigns.start_campaign(campaign=first, at=SEND_AT), at=SEND_AT)
    guests = free_of_the_coin(left_over(everybody, plan), first)[:6]
    out = Coupon.objects.filter(offer=offer).count()
    Offer.objects.filter(pk=offer.pk).update(stock=out + 2)

    def pay(guest: Person) -> TillChoice | None:
        with fence.across_shops():
            return pays(guest, shop)

    done = at_once(*(lambda guest=guest: pay(guest) for guest in guests))
    assert not [one for one in done if isinstance(one, Exception)]
    assert sorted(str(one.fate) for one in done) == ["given", "given", *["nothing"] * 4]
    first.refresh_from_db()
    assert first.given_at_till == 2
