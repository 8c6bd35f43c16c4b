"""Stamps, points and tiers: earned by what was paid, reversed exactly with what went back, and never lost on the way."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dure.kit import ids
from dure.ledger import queries as ledger
from dure.offers import actions as offers
from dure.offers import errors as offer_errors
from dure.offers.models import Coupon
from dure.offers.values import OfferKind, OfferOccasion
from dure.ordering import actions as ordering
from dure.ordering.models import Bill
from dure.people import actions as people
from dure.people.models import Device
from dure.regulars import actions as regulars
from dure.regulars import errors, queries
from dure.regulars.actions import points as point_actions
from dure.regulars.models import CountedVisit, HandStamp, PointLot, PointTerms, Relation
from dure.shops import fence
from dure.shops.models import Shop
from tests.rooms.ordering.conftest import BY, NOON, Place, key, open_place, phone, place
from tests.rooms.regulars.test_friends import eat, join

__all__ = ["key", "phone", "place"]

Key = Callable[[], str]


def terms(shop: Shop, **more: object) -> PointTerms:
    said = {"running": True, "earn_bps": 500, "valid_days": 365, "least": 100, "tier_days": 180, **more}
    return regulars.keep_points(shop=shop, by=BY, at=NOON, **said)  # type: ignore[arg-type]


def balance(relation: Relation, day: int = 0) -> int:
    """The points a friend has, and the books say the same."""
    relation.refresh_from_db()
    has = queries.points_of(relation, at=NOON + timedelta(days=day)).balance
    assert ledger.balance_of(point_actions.account_of(relation)) == has
    return has


def refuse(place: Place, bill: Bill, day: int = 0) -> None:
    at = NOON + timedelta(days=day)
    ordering.refuse_order(shop=place.shop, order=bill.orders.get().public_id, reason="늦었어요", by=BY, at=at)


@pytest.fixture
def friend(place: Place, phone: Device) -> Relation:
    """Nobody's welcome coupon is in the way."""
    relation = join(place, phone)
    for coupon in Coupon.objects.all():
        offers.withdraw_coupon(coupon=coupon, by=BY, at=NOON)
    return relation


# Points -------------------------------------------------------------------------------------------------------------


def test_a_visit_earns_points_and_a_refund_reverses_exactly_those(
    place: Place, phone: Device, friend: Relation, key: Key
) -> None:
    terms(place.shop, earn_bps=333)
    bill = eat(place, phone, key())
    assert balance(friend) == 199
    terms(place.shop, earn_bps=1_000)
    refuse(place, bill)
    assert balance(friend) == 0


def test_what_was_eaten_before_the_shop_gave_points_earns_none(
    place: Place, phone: Device, friend: Relation, key: Key
) -> None:
    bill = eat(place, phone, key())
    terms(place.shop)
    refuse(place, bill)
    assert balance(friend) == 0


def test_points_pay_inside_the_order_and_what_they_did_not_take_off_comes_back(
    place: Place, phone: Device, friend: Relation, key: Key
) -> None:
    terms(place.shop, earn_bps=3_000)
    for day in range(5):
        eat(place, phone, key(), day=day)
    assert balance(friend) == 9_000
    coupon = regulars.use_points(shop=place.shop, person=friend.person, points=7_500, key="tap", at=NOON)
    again = regulars.use_points(shop=place.shop, person=friend.person, points=7_500, key="tap", at=NOON)
    assert (again, balance(friend)) == (coupon, 1_500)
    order = ordering.place_order(
        shop=place.shop,
        visit=place.sit(),
        table=place.tables[0],
        device=phone,
        wanted=[place.want(quantity=2)],
        key=key(),
        expected_total=0,
        by="guest",
        at=NOON,
    )
    bill = Bill.objects.get(orders=order)
    assert (bill.discount, bill.settled_with) == (6_000, "coupon")
    assert balance(friend) == 3_000
    refuse(place, bill)
    assert balance(friend) == 9_000
    with pytest.raises(offer_errors.CouponUsed):
        regulars.give_points_back(shop=place.shop, person=friend.person, coupon=coupon.public_id, at=NOON)


def test_points_that_were_spent_before_their_meal_went_back_are_owed_and_paid_by_the_next_meal(
    place: Place, phone: Device, friend: Relation, key: Key
) -> None:
    terms(place.shop, earn_bps=1_000)
    bill = eat(place, phone, key())
    coupon = regulars.use_points(shop=place.shop, person=friend.person, points=600, key="tap", at=NOON)
    refuse(place, bill)
    assert balance(friend) == -600
    with pytest.raises(errors.TooFewPoints):
        regulars.use_points(shop=place.shop, person=friend.person, points=100, key="more", at=NOON)
    regulars.give_points_back(shop=place.shop, person=friend.person, coupon=coupon.public_id, at=NOON)
    assert balance(friend) == 0


def test_the_points_that_end_first_are_spent_first_and_end_on_their_day(
    place: Place, phone: Device, friend: Relation, key: Key
) -> None:
    terms(place.shop, valid_days=30)
    eat(place, phone, key())
    eat(place, phone, key(), day=10)
    first = queries.points_of(friend, at=NOON + timedelta(days=10))
    assert (first.balance, first.expiring, first.expires_at) == (600, 300, NOON + timedelta(days=30))
    regulars.use_points(shop=place.shop, person=friend.person, points=100, key="tap", at=NOON + timedelta(days=11))
    assert list(PointLot.objects.order_by("id").values_list("remaining", flat=True)) == [200, 300]
    for _ in range(2):
        regulars.expire_points(shop=place.shop, at=NOON + timedelta(days=30))
    # The coupon that nobody used came back, into the lot it was from, which lasts a week longer.
    assert balance(friend, day=31) == 600
    regulars.expire_points(shop=place.shop, at=NOON + timedelta(days=37))
    assert balance(friend, day=37) == 300
    regulars.expire_points(shop=place.shop, at=NOON + timedelta(days=40))
    assert balance(friend, day=40) == 0


@pytest.mark.parametrize("points", [99, 301, 0, -5])
def test_points_below_the_least_or_beyond_the_balance_buy_nothing(
    place: Place, phone: Device, friend: Relation, key: Key, points: int
) -> None:
    terms(place.shop)
    eat(place, phone, key())
    with pytest.raises(errors.TooFewPoints):
        regulars.use_points(shop=place.shop, person=friend.person, points=points, key="tap", at=NOON)
    assert balance(friend) == 300


def test_an_erased_friends_points_are_nobodys(place: Place, phone: Device, friend: Relation, key: Key) -> None:
    terms(place.shop)
    eat(place, phone, key())
    account = point_actions.account_of(friend)
    with fence.across_shops():
        people.erase_person(person=friend.person, by="guest", at=NOON)
    assert ledger.balance_of(account) == 0
    assert not PointLot.objects.exists()


# Tiers --------------------------------------------------------------------------------------------------------------


def test_a_tier_is_reached_by_spend_of_late_and_gives_its_coupon_once(
    place: Place, phone: Device, friend: Relation, key: Key
) -> None:
    terms(place.shop, earn_bps=100, tier_days=30)
    gift = offers.create_offer(
        shop=place.shop,
        name={"ko": "단골 차"},
        kind=OfferKind.FREE_ITEM,
        value=1,
        items=[place.noodles.public_id],
        occasion=OfferOccasion.TIER,
        by=BY,
        at=NOON,
    )
    regulars.keep_tier(
        shop=place.shop, name={"ko": "은", "en": "Silver"}, spend=12_000, earn_bps=500, offer=gift, by=BY, at=NOON
    )
    for day in range(3):
        eat(place, phone, key(), day=day)
    friend.refresh_from_db()
    assert friend.tier
    assert friend.tier.name["ko"] == "은"
    assert Coupon.objects.filter(offer=gift).count() == 1
    assert balance(friend) == 60 + 60 + 300
    assert queries.tier_of(friend, at=NOON + timedelta(days=40)) is None
    for day in range(60, 63):
        eat(place, phone, key(), day=day)
    assert Coupon.objects.filter(offer=gift).count() == 1


# Stamps -------------------------------------------------------------------------------------------------------------


def stamp_offer(place: Place, **more: object) -> None:
    offers.create_offer(
        shop=place.shop,
        name={"ko": "도장"},
        kind=OfferKind.AMOUNT,
        value=500,
        minimum_spend=90_000,
        occasion=OfferOccasion.STAMPS,
        per_person=100,
        by=BY,
        at=NOON,
        **more,  # type: ignore[arg-type]
    )


def rewards() -> int:
    return Coupon.objects.filter(offer__occasion=OfferOccasion.STAMPS).count()


def test_stamps_by_amount_may_fill_several_cards_at_once(
    place: Place, phone: Device, friend: Relation, key: Key
) -> None:
    stamp_offer(place)
    regulars.keep_stamp_card(shop=place.shop, goal=2, running=True, won_per_stamp=1_000, by=BY, at=NOON)
    bill = eat(place, phone, key())
    friend.refresh_from_db()
    assert (friend.stamps, friend.on_card, friend.cards, rewards()) == (6, 0, 3, 3)
    refuse(place, bill)
    friend.refresh_from_db()
    assert (friend.stamps, friend.on_card) == (0, -6)


def test_a_new_goal_takes_no_stamp_and_no_reward_away(place: Place, phone: Device, friend: Relation, key: Key) -> None:
    stamp_offer(place)
    card = {"shop": place.shop, "running": True, "by": BY, "at": NOON}
    regulars.keep_stamp_card(goal=2, **card)  # type: ignore[arg-type]
    for day in range(5):
        eat(place, phone, key(), day=day)
    regulars.keep_stamp_card(goal=4, **card)  # type: ignore[arg-type]
    for day in range(5, 8):
        eat(place, phone, key(), day=day)
    friend.refresh_from_db()
    assert (friend.stamps, friend.on_card, friend.cards, rewards()) == (8, 0, 3, 3)


def test_stamps_by_hand_are_few_a_day_signed_and_seen(place: Place, friend: Relation) -> None:
    regulars.keep_stamp_card(shop=place.shop, goal=10, running=True, by=BY, at=NOON)
    said = {"shop": place.shop, "relation": friend.public_id, "reason": "종이 카드", "by": BY, "at": NOON}
    for _ in range(2):
        regulars.give_stamps(count=2, key="one", **said)  # type: ignore[arg-type]
    with pytest.raises(errors.TooManyStamps):
        regulars.give_stamps(count=2, key="two", **said)  # type: ignore[arg-type]
    tomorrow = {**said, "at": NOON + timedelta(days=1)}
    regulars.give_stamps(count=2, key="two", **tomorrow)  # type: ignore[arg-type]
    friend.refresh_from_db()
    assert friend.stamps == 4
    assert [one.reason for one in queries.stamp_sources_of(friend)] == ["종이 카드"] * 2
    assert queries.stamps_by_hand(place.shop, since=NOON) == [(BY, 4)]
    assert queries.forged_stamps() == []
    HandStamp.objects.filter(key="two").update(by="staff:somebody-else")
    assert [one.key for one in queries.forged_stamps()] == ["two"]


@pytest.mark.parametrize(("count", "reason"), [(0, "왜"), (11, "왜"), (1, "  ")])
def test_stamps_by_hand_need_a_number_and_a_reason(place: Place, friend: Relation, count: int, reason: str) -> None:
    with pytest.raises(errors.NoStampReason):
        regulars.give_stamps(
            shop=place.shop, relation=friend.public_id, count=count, reason=reason, key="k", by=BY, at=NOON
        )


def test_one_member_of_staff_stamps_so_many_cards_a_day_and_no_more(place: Place) -> None:
    regulars.keep_stamp_card(shop=place.shop, goal=50, running=True, by=BY, at=NOON)
    met = []
    for _ in range(11):
        device, _ = people.remember_device(at=NOON)
        friend = join(place, device)
        try:
            regulars.give_stamps(
                shop=place.shop, relation=friend.public_id, count=3, reason="왜", key=ids.new_code(), by=BY, at=NOON
            )
        except errors.TooManyStamps:
            met.append(friend)
    assert len(met) == 1


# Joining two identities ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@given(
    meals=st.lists(st.tuples(st.booleans(), st.integers(1, 3), st.booleans()), min_size=1, max_size=5),
    bps=st.integers(1, 3_000),
    spends=st.booleans(),
    shared=st.booleans(),
)
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_joining_two_identities_conserves_every_value(
    meals: list[tuple[bool, int, bool]], bps: int, spends: bool, shared: bool
) -> None:
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        terms(place.shop, earn_bps=bps, least=1)
        regulars.keep_stamp_card(shop=place.shop, goal=2, running=True, by=BY, at=NOON)
        devices = [people.remember_device(at=NOON)[0] for _ in range(2)]
        one, two = (join(place, device) for device in devices)
        for day, (first, _, goes_back) in enumerate(meals):
            bill = eat(place, devices[0 if first else 1], ids.new_code(20), day=day + 1)
            if goes_back and day % 2:
                refuse(place, bill, day=day + 1)
        visit = place.sit()
        for device in devices if shared else []:
            _share(place, device, visit)
        for relation in (one, two):
            has = balance(relation)
            if spends and has > 0:
                regulars.use_points(shop=place.shop, person=relation.person, points=has, key="all", at=NOON)
        stamps = sum(CountedVisit.objects.filter(relation__in=[one, two]).values_list("stamps", flat=True))
        before = _value(one, two)
        coupons = Coupon.objects.count()
    with fence.across_shops():
        people.claim_device(device=devices[1], person=one.person, at=NOON + timedelta(days=9))
    with fence.within_shop(place.shop.pk):
        assert _value(one) == before
        assert Coupon.objects.filter(person=one.person).count() == coupons
        assert not Relation.objects.filter(id=two.id).exists()
        one.refresh_from_db()
        assert one.stamps == stamps - (1 if shared else 0)


def _share(place: Place, device: Device, visit: object) -> None:
    """Both phones order and pay in one visit."""
    order = ordering.place_order(
        shop=place.shop,
        visit=visit,  # type: ignore[arg-type]
        table=place.tables[0],
        device=device,
        wanted=[place.want(quantity=2)],
        key=ids.new_code(20),
        expected_total=None,
        by="guest",
        at=NOON,
        coupon="none",
    )
    ordering.settle_at_counter(bill=Bill.objects.get(orders=order), by=BY, at=NOON)


def _value(*relations: Relation) -> tuple[int, int, int]:
    for relation in relations:
        relation.refresh_from_db()
    return (
        sum(balance(relation) for relation in relations),
        sum(relation.spend for relation in relations),
        sum(relation.stamps_spent for relation in relations),
    )
