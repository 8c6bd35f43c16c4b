"""What broke others, by name: each test does here what went wrong there."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from dure.kit import ids
from dure.kit.errors import DureError
from dure.offers import actions as offers
from dure.offers.models import Coupon, Offer, Redemption
from dure.offers.values import OfferKind, OfferOccasion
from dure.ordering import actions as ordering
from dure.ordering.events import BillSettled
from dure.ordering.models import Bill
from dure.payments.models import Payment
from dure.people import actions as people
from dure.people.models import Device
from dure.regulars import actions as regulars
from dure.regulars import queries
from dure.regulars.models import Relation
from dure.shops import fence
from tests.races import at_once
from tests.rooms.offers.conftest import an_offer, somebody
from tests.rooms.ordering.conftest import BY, NOON, Place, key, open_place, phone, place
from tests.rooms.ordering.test_orders import place_tea
from tests.rooms.regulars.test_friends import eat, join
from tests.rooms.regulars.test_points import balance, refuse, stamp_offer, terms

__all__ = ["key", "phone", "place"]

Key = Callable[[], str]


def friend_with_coupon(place: Place) -> tuple[Device, Coupon]:
    device, _ = people.remember_device(at=NOON)
    person = people.ensure_person(device=device, at=NOON)
    device.refresh_from_db()
    return device, offers.issue_coupon(offer=place.welcome, person=person, key=ids.new_code(), at=NOON)


def outcomes(place: Place, acts: list[Callable[[], object]]) -> list[object]:
    def inside(act: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            with fence.within_shop(place.shop.pk):
                try:
                    return act()
                except DureError as refusal:
                    return type(refusal).__name__

        return run

    return at_once(*map(inside, acts))


@pytest.mark.django_db(transaction=True)
def test_saleor_544_two_customers_checked_out_at_once_and_both_used_a_voucher_with_a_limit_of_one() -> None:
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        offer, wants = an_offer(place, stock=1), [somebody() for _ in range(2)]
    met = outcomes(
        place,
        [lambda p=p: bool(offers.issue_coupon(offer=offer, person=p, key=ids.new_code(), at=NOON)) for p in wants],
    )
    assert sorted(map(str, met)) == ["OutOfStock", "True"]


@pytest.mark.django_db(transaction=True)
def test_saleor_15855_the_loser_of_a_voucher_race_was_refunded_and_its_order_came_through_all_the_same() -> None:
    """Two of one person's orders want one coupon: whoever does not get it has paid nothing and its order still waits."""
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        device, coupon = friend_with_coupon(place)
        bills = [Bill.objects.get(orders=place_tea(place, device, ids.new_code(20), coupon="none")) for _ in range(2)]

    def check_out(bill: Bill) -> str:
        held = ordering.choose_coupon(bill=bill, coupon=coupon.public_id, at=NOON)
        ordering.settle_at_counter(bill=held, by=BY, at=NOON)
        return "paid"

    met = outcomes(place, [lambda b=b: check_out(b) for b in bills])
    assert met.count("paid") == 1
    with fence.within_shop(place.shop.pk):
        states = {bill.state: bill for bill in Bill.objects.all()}
        assert set(states) == {"settled", "open"}
        assert not Payment.objects.filter(reference=states["open"].public_id).exists()
        assert states["open"].orders.get().state == "waiting"
        assert Redemption.objects.filter(state="committed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_medusa_13760_the_used_count_was_read_then_written_so_nine_of_ten_became_eleven() -> None:
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        offer = an_offer(place, stock=10)
        for _ in range(9):
            offers.issue_coupon(offer=offer, person=somebody(), key=ids.new_code(), at=NOON)
        wants = [somebody() for _ in range(8)]
    outcomes(
        place,
        [lambda p=p: bool(offers.issue_coupon(offer=offer, person=p, key=ids.new_code(), at=NOON)) for p in wants],
    )
    with fence.within_shop(place.shop.pk):
        assert Offer.objects.get(id=offer.id).issued == Coupon.objects.filter(offer=offer).count() == 10


@pytest.mark.django_db(transaction=True)
def test_vendure_4660_the_lock_was_gone_before_the_order_settled_and_open_orders_did_not_count() -> None:
    """The check and the settling were two transactions. Here the hold is a row that lives until the bill ends: while the
    first order is unpaid and no lock is held any more, the second is refused."""
    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        device, coupon = friend_with_coupon(place)
        first, second = (
            Bill.objects.get(orders=place_tea(place, device, ids.new_code(20), coupon="none")) for _ in range(2)
        )
        ordering.choose_coupon(bill=first, coupon=coupon.public_id, at=NOON)
    assert not connection.in_atomic_block
    with fence.within_shop(place.shop.pk):
        with pytest.raises(DureError, match=r"."):
            ordering.choose_coupon(bill=second, coupon=coupon.public_id, at=NOON)
        # It is held, and does not count against itself: the same bill may ask again.
        assert ordering.choose_coupon(bill=first, coupon=coupon.public_id, at=NOON).discount == 1_000
        ordering.settle_at_counter(bill=first, by=BY, at=NOON)
        with pytest.raises(DureError, match=r"."):
            ordering.choose_coupon(bill=second, coupon=coupon.public_id, at=NOON)


def test_odoo_222372_confirming_twice_over_a_bad_line_counted_the_points_twice(
    place: Place, phone: Device, key: Key
) -> None:
    relation = join(place, phone)
    terms(place.shop)
    bill = eat(place, phone, key())
    before = balance(relation)
    fact = BillSettled(
        shop_id=place.shop.pk,
        bill_id=bill.pk,
        reference=bill.public_id,
        visit_id=bill.visit_id,
        discount=bill.discount,
        person_id=relation.person_id,
        amount=bill.total,
        at=NOON,
    )
    for _ in range(3):
        with transaction.atomic():
            regulars.count_visit(fact)
            offers.commit_redemption(reference=bill.public_id, at=NOON)
    relation.refresh_from_db()
    assert (balance(relation), relation.stamps, relation.visits) == (before, 1, 1)


def test_odoo_150833_the_discount_line_was_counted_as_something_bought_and_earned_a_point(
    place: Place, phone: Device, key: Key
) -> None:
    """Points come from what was paid after every discount; a reward on the bill earns nothing by itself."""
    relation = join(place, phone)
    terms(place.shop, earn_bps=1_000)
    regulars.keep_stamp_card(shop=place.shop, goal=50, running=True, won_per_stamp=1_000, by=BY, at=NOON)
    bill = eat(place, phone, key())
    assert bill.discount == 1_000
    relation.refresh_from_db()
    assert (balance(relation), relation.stamps) == (500, 5)


# Square's lost rewards ----------------------------------------------------------------------------------------------


def test_square_lost_rewards_spend_of_several_visits_was_not_added_up(place: Place, phone: Device, key: Key) -> None:
    relation = join(place, phone)
    terms(place.shop, earn_bps=1_000)
    for day in range(3):
        eat(place, phone, key(), day=day)
    relation.refresh_from_db()
    assert (relation.spend, balance(relation)) == (17_000, 1_700)


def test_square_lost_rewards_a_returned_meal_kept_the_reward_that_paid_for_it(
    place: Place, phone: Device, key: Key
) -> None:
    relation = join(place, phone)
    terms(place.shop, earn_bps=3_000)
    for day in range(2):
        eat(place, phone, key(), day=day)
    had, day_two = balance(relation), NOON + timedelta(days=2)
    regulars.use_points(shop=place.shop, person=relation.person, points=2_000, key="tap", at=day_two)
    bill = eat(place, phone, key(), day=2)
    assert bill.discount == 2_000
    refuse(place, bill, day=2)
    assert balance(relation, day=2) == had


def test_square_lost_rewards_joining_two_profiles_deleted_the_stars_of_one(place: Place, key: Key) -> None:
    devices = [people.remember_device(at=NOON)[0] for _ in range(2)]
    one, two = (join(place, device) for device in devices)
    terms(place.shop)
    for day, device in enumerate([*devices, *devices]):
        eat(place, device, key(), day=day)
    had = balance(one) + balance(two)
    with fence.across_shops():
        people.claim_device(device=devices[1], person=one.person, at=NOON)
    one.refresh_from_db()
    assert (balance(one), one.stamps, one.visits) == (had, 4, 4)
    assert not Relation.objects.filter(id=two.id).exists()


def test_square_lost_rewards_a_full_card_without_a_reward_to_give_lost_its_stars(
    place: Place, phone: Device, key: Key
) -> None:
    relation = join(place, phone)
    regulars.keep_stamp_card(shop=place.shop, goal=2, running=True, by=BY, at=NOON)
    for day in range(3):
        eat(place, phone, key(), day=day)
    relation.refresh_from_db()
    assert (relation.on_card, relation.cards) == (3, 0)
    stamp_offer(place)
    eat(place, phone, key(), day=3)
    relation.refresh_from_db()
    assert (relation.on_card, relation.cards) == (0, 2)
    assert Coupon.objects.filter(offer__occasion=OfferOccasion.STAMPS).count() == 2


def test_square_lost_rewards_one_phone_took_the_first_item_off_and_another_the_dearest(
    place: Place, phone: Device
) -> None:
    from dure.offers.rules import Terms, discounts
    from dure.offers.values import Line

    free = Terms(kind=OfferKind.FREE_ITEM, value=1)
    lines = [Line(item="tea", section="s", unit_price=3_000), Line(item="soup", section="s", unit_price=8_000)]
    assert sum(discounts(free, lines)) == sum(discounts(free, lines[::-1])) == 8_000


def test_the_friend_is_told_where_every_stamp_came_from(place: Place, phone: Device, key: Key) -> None:
    relation = join(place, phone)
    eat(place, phone, key())
    assert [(one.count, one.reason) for one in queries.stamp_sources_of(relation)] == [(1, "")]
