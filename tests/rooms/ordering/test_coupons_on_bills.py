from collections.abc import Callable
from datetime import timedelta

import pytest

from dure.offers import actions as offers
from dure.offers import errors as offer_errors
from dure.offers import queries as offer_queries
from dure.offers.models import Coupon, Offer, Redemption
from dure.ordering import actions as ordering
from dure.ordering.models import Bill, OrderLine
from dure.ordering.values import Wanted
from dure.people import actions as people
from dure.people.models import Device
from dure.regulars import actions as regulars
from tests.rooms.ordering.conftest import BY, NOON, Place
from tests.rooms.ordering.test_orders import place_tea

Key = Callable[[], str]


@pytest.fixture
def friend(place: Place, phone: Device) -> Device:
    person = people.ensure_person(device=phone, at=NOON)
    regulars.join_channel(shop=place.shop, person=person, device=phone, source="test", by="guest", at=NOON)
    phone.refresh_from_db()
    return phone


def bill_of(place: Place, device: Device, key: str, **more: object) -> Bill:
    return Bill.objects.get(orders=place_tea(place, device, key, **more))


def test_joining_issues_the_welcome_coupon_once(place: Place, friend: Device) -> None:
    assert friend.person
    for _ in range(2):
        regulars.join_channel(shop=place.shop, person=friend.person, device=friend, source="test", by="g", at=NOON)
    regulars.leave_channel(shop=place.shop, person=friend.person, by="g", at=NOON)
    regulars.join_channel(shop=place.shop, person=friend.person, device=friend, source="test", by="g", at=NOON)
    assert Coupon.objects.count() == 1


def test_the_best_coupon_is_applied_by_itself_and_may_be_removed(place: Place, friend: Device, key: Key) -> None:
    bill = bill_of(place, friend, key(), expected_total=5_000)
    assert (bill.discount, bill.total, bill.tax_free) == (1_000, 5_000, 5_000)
    bill = ordering.choose_coupon(bill=bill, coupon="none", at=NOON)
    assert (bill.discount, bill.total, bill.coupon_id) == (0, 6_000, None)
    bill = ordering.choose_coupon(bill=bill, coupon="best", at=NOON)
    ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
    assert Coupon.objects.get().used_at == NOON
    assert bill_of(place, friend, key(), expected_total=6_000).discount == 0


def test_below_the_minimum_spend_no_coupon_applies(place: Place, friend: Device, key: Key) -> None:
    bill = bill_of(place, friend, key(), wanted=[place.want()], expected_total=3_000)
    assert bill.discount == 0
    with pytest.raises(offer_errors.MinimumNotReached):
        ordering.choose_coupon(bill=bill, coupon=Coupon.objects.get().public_id, at=NOON)


def test_an_expired_coupon_does_not_apply(place: Place, friend: Device, key: Key) -> None:
    later = NOON + timedelta(days=31)
    bill = bill_of(place, friend, key(), at=later, visit=place.sit(1, at=later), table=place.tables[1])
    assert bill.discount == 0
    with pytest.raises(offer_errors.CouponExpired):
        ordering.choose_coupon(bill=bill, coupon=Coupon.objects.get().public_id, at=later)


def test_a_used_coupon_is_refused_by_name(place: Place, friend: Device, key: Key) -> None:
    ordering.settle_at_counter(bill=bill_of(place, friend, key(), expected_total=5_000), by=BY, at=NOON)
    with pytest.raises(offer_errors.CouponUsed):
        ordering.choose_coupon(bill=bill_of(place, friend, key()), coupon=Coupon.objects.get().public_id, at=NOON)


def test_somebody_elses_coupon_cannot_be_found(place: Place, friend: Device, key: Key) -> None:
    stranger, _ = people.remember_device(at=NOON)
    bill = bill_of(place, stranger, key())
    with pytest.raises(offer_errors.NoSuchCoupon):
        ordering.choose_coupon(bill=bill, coupon=Coupon.objects.get().public_id, at=NOON)


def test_two_phones_of_one_person_hold_one_coupon_once(place: Place, friend: Device, key: Key) -> None:
    first = bill_of(place, friend, key(), expected_total=5_000)
    second = bill_of(place, friend, key(), expected_total=6_000)
    with pytest.raises(offer_errors.CouponInUse):
        ordering.choose_coupon(bill=second, coupon=Coupon.objects.get().public_id, at=NOON)
    ordering.give_up_bill(bill=first, by="guest", at=NOON)
    assert ordering.choose_coupon(bill=second, coupon="best", at=NOON).discount == 1_000
    assert Redemption.objects.filter(state__in=["reserved", "committed"]).count() == 1


def test_a_refunded_bill_gives_the_coupon_back_with_a_week_to_use_it(place: Place, friend: Device, key: Key) -> None:
    bill = bill_of(place, friend, key(), expected_total=5_000)
    ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
    later = NOON + timedelta(days=29)
    ordering.refuse_order(shop=place.shop, order=bill.orders.get().public_id, reason="늦었어요", by=BY, at=later)
    coupon = Coupon.objects.get()
    assert coupon.used_at is None
    assert coupon.expires_at == later + timedelta(days=7)


def test_a_coupon_that_covers_everything_needs_no_payment(place: Place, friend: Device, key: Key) -> None:
    assert friend.person
    gift = offers.create_offer(
        shop=place.shop,
        name={"ko": "공짜"},
        kind="percent",
        value=100,
        by=BY,
        at=NOON,  # type: ignore[arg-type]
    )
    offers.issue_coupon(offer=gift, person=friend.person, key="gift", at=NOON)
    order = place_tea(place, friend, key(), expected_total=0)
    order.refresh_from_db()
    assert (order.state, order.bill.settled_with) == ("received", "coupon")  # type: ignore[union-attr]


def gift(place: Place, device: Device, **terms: object) -> Coupon:
    assert device.person
    said = {"shop": place.shop, "name": {"ko": "선물"}, "kind": "amount", "value": 1_000, "by": BY, "at": NOON, **terms}
    offer = offers.create_offer(**said)  # type: ignore[arg-type]
    return offers.issue_coupon(offer=offer, person=device.person, key=offer.public_id, at=NOON)


def test_a_bill_holds_several_coupons_and_each_line_carries_its_part(place: Place, friend: Device, key: Key) -> None:
    noodles = Wanted(
        item=place.noodles.public_id, options=(place.noodles.option_groups.get().options.first().public_id,)
    )  # type: ignore[union-attr]
    gift(place, friend, kind="free_item", value=1, items=[place.tea.public_id], stacking="menu")
    gift(place, friend, kind="percent", value=10, stacking="bill")
    bill = bill_of(place, friend, key(), wanted=[noodles, place.want(quantity=2)], expected_total=9_900)
    assert (bill.subtotal, bill.discount, bill.total) == (14_000, 4_100, 9_900)
    lines = OrderLine.objects.filter(order__bill=bill).order_by("id").values_list("total", "discount")
    assert list(lines) == [(8_000, 800), (6_000, 3_300)]
    assert (bill.tax_free, bill.vat) == (2_700, 655)
    assert [won for _, won in offer_queries.explained(bill.public_id)] == [3_000, 1_100]
    chosen = ",".join(Coupon.objects.filter(offer__stacking__in=["menu", "bill"]).values_list("public_id", flat=True))
    assert ordering.choose_coupon(bill=bill, coupon=chosen, at=NOON).discount == 4_100
    assert ordering.choose_coupon(bill=bill, coupon="none", at=NOON).total == 14_000
    assert not OrderLine.objects.filter(discount__gt=0).exists()


def test_the_best_passes_over_a_coupon_whose_budget_is_spent(place: Place, friend: Device, key: Key) -> None:
    coupon = gift(place, friend, value=2_000, budget=2_500)
    Offer.objects.filter(id=coupon.offer_id).update(spent=1_000)
    bill = bill_of(place, friend, key(), expected_total=6_000, wanted=[place.want(quantity=2)], coupon="none")
    assert ordering.choose_coupon(bill=bill, coupon="best", at=NOON).discount == 1_000
    with pytest.raises(offer_errors.BudgetSpent):
        ordering.choose_coupon(bill=bill, coupon=coupon.public_id, at=NOON)


def test_a_refused_order_returns_what_its_own_lines_cost(tab_place: Place, phone: Device, key: Key) -> None:
    """The free tea was on the second order: whoever loses the first one gets all of its price back."""
    person = people.ensure_person(device=phone, at=NOON)
    phone.refresh_from_db()
    assert phone.person == person
    gift(tab_place, phone, kind="free_item", value=2, items=[tab_place.tea.public_id])
    noodles = Wanted(
        item=tab_place.noodles.public_id,
        options=(tab_place.noodles.option_groups.get().options.first().public_id,),  # type: ignore[union-attr]
    )
    first = place_tea(tab_place, phone, key(), wanted=[noodles], expected_total=8_000)
    place_tea(tab_place, phone, key())
    bill = ordering.open_bill(visit=tab_place.sit(), device=phone, at=NOON)
    assert bill.total == 8_000
    ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
    ordering.refuse_order(shop=tab_place.shop, order=first.public_id, reason="늦었어요", by=BY, at=NOON)
    bill.refresh_from_db()
    assert (bill.refunded, bill.state) == (8_000, "returned")
