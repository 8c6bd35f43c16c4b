from collections.abc import Callable
from datetime import timedelta

import pytest

from dure.channels import actions as channels
from dure.messaging.queries import inbox_of
from dure.offers.models import Coupon
from dure.ordering import actions as ordering
from dure.ordering.models import Bill
from dure.people import actions as people
from dure.people import queries as people_queries
from dure.people.models import Device, Person
from dure.people.values import Purpose, inbox_address
from dure.regulars import actions as regulars
from dure.regulars import queries
from dure.regulars.events import FriendJoined
from dure.regulars.models import Relation
from dure.regulars.values import Stage
from dure.shops import fence
from dure.shops.models import Shop
from tests.rooms.ordering.conftest import BY, NOON, Place, key, phone, place
from tests.rooms.ordering.test_orders import place_tea

__all__ = ["key", "phone", "place"]

Key = Callable[[], str]


def eat(place: Place, device: Device, key: str, *, day: int = 0) -> Bill:
    """Come on `day`, order two teas, pay, leave."""
    at = NOON + timedelta(days=day)
    visit = place.sit(at=at)
    order = place_tea(place, device, key, at=at, visit=visit, expected_total=None)
    bill = Bill.objects.get(orders=order)
    ordering.settle_at_counter(bill=bill, by=BY, at=at)
    ordering.close_visit(visit=visit, by=BY, at=at)
    return bill


def join(place: Place, device: Device, *, day: int = 0) -> Relation:
    person = people.ensure_person(device=device, at=NOON)
    device.refresh_from_db()
    return regulars.join_channel(
        shop=place.shop, person=person, device=device, source="receipt", by="guest", at=NOON + timedelta(days=day)
    )


def test_what_was_paid_before_joining_counts_as_the_first_visit(place: Place, phone: Device, key: Key) -> None:
    eat(place, phone, key())
    relation = join(place, phone)
    assert (relation.visits, relation.spend, relation.stamps) == (1, 6_000, 1)
    assert people_queries.consent_holds(relation.person, f"shop:{place.shop.public_id}", Purpose.FRIENDSHIP)


def test_seven_visits_in_ninety_days_make_a_regular_and_45_days_away_a_lapsed_one(
    place: Place, phone: Device, key: Key
) -> None:
    join(place, phone)
    for day in range(7):
        eat(place, phone, key(), day=day)
        at = NOON + timedelta(days=day)
        stage = queries.friends_of(place.shop, at=at).get().stage  # type: ignore[attr-defined]
        assert stage == (Stage.NEW if day == 0 else Stage.REGULAR if day == 6 else Stage.RETURNING)
    assert queries.stage_counts(place.shop, at=NOON + timedelta(days=60))[Stage.LAPSED] == 1


def test_two_bills_in_one_visit_are_one_visit(place: Place, phone: Device, key: Key) -> None:
    join(place, phone)
    for _ in range(2):
        order = place_tea(place, phone, key(), expected_total=None)
        ordering.settle_at_counter(bill=Bill.objects.get(orders=order), by=BY, at=NOON)
    relation = Relation.objects.get()
    assert (relation.visits, relation.stamps) == (1, 1)
    assert relation.spend == 11_000


def test_a_refund_takes_back_the_visit_and_its_stamp(place: Place, phone: Device, key: Key) -> None:
    join(place, phone)
    bill = eat(place, phone, key())
    ordering.refuse_order(shop=place.shop, order=bill.orders.get().public_id, reason="no", by=BY, at=NOON)
    relation = Relation.objects.get()
    assert (relation.visits, relation.spend, relation.stamps, relation.last_visit_at) == (0, 0, 0, None)


def test_a_full_stamp_card_issues_its_coupon_once(place: Place, phone: Device, key: Key) -> None:
    from dure.offers import actions as offers
    from dure.offers.values import OfferKind, OfferOccasion

    offers.create_offer(
        shop=place.shop, name={"ko": "도장"}, kind=OfferKind.AMOUNT, value=3_000, occasion=OfferOccasion.STAMPS,
        per_person=1_000, by=BY, at=NOON,
    )  # fmt: skip
    regulars.keep_stamp_card(shop=place.shop, goal=2, running=True, by=BY, at=NOON)
    join(place, phone)
    for day in range(4):
        eat(place, phone, key(), day=day)
    assert Coupon.objects.filter(offer__occasion="stamps").count() == 2


def test_merging_two_identities_adds_up_and_loses_nothing(place: Place, phone: Device, key: Key) -> None:
    join(place, phone)
    eat(place, phone, key())
    other, _ = people.remember_device(at=NOON)
    kept = join(place, other)
    eat(place, other, key(), day=1)
    with fence.across_shops():
        people.claim_device(device=phone, person=kept.person, at=NOON + timedelta(days=2))
    relation = Relation.objects.get()
    assert (relation.person_id, relation.visits, relation.spend) == (kept.person_id, 2, 10_000)


def test_leaving_withdraws_every_consent_to_the_shop(place: Place, phone: Device) -> None:
    person = join(place, phone).person
    sender = f"shop:{place.shop.public_id}"
    people.give_consent(
        person=person, sender=sender, purpose=Purpose.ADVERTISING, source="join", proof={}, by="guest", at=NOON
    )
    regulars.leave_channel(shop=place.shop, person=person, by="guest", at=NOON)
    assert not any(people_queries.consent_holds(person, sender, purpose) for purpose in Purpose)
    assert queries.relation_of(person, place.shop) is None


def test_the_erased_leave_no_relation_and_their_coupons_no_owner(place: Place, phone: Device, key: Key) -> None:
    person = join(place, phone).person
    bill = eat(place, phone, key())
    with fence.across_shops():
        people.erase_person(person=person, by="guest", at=NOON)
    bill.refresh_from_db()
    assert not Relation.objects.exists()
    assert (bill.person_id, bill.device_id, bill.total) == (None, None, 5_000)
    assert Coupon.objects.get().person_id is None
    with pytest.raises(Device.DoesNotExist):
        phone.refresh_from_db()


def test_a_new_friend_finds_one_thank_you_in_the_inbox(place: Place, phone: Device) -> None:
    relation = join(place, phone)
    joined = FriendJoined(shop_id=place.shop.id, person_id=relation.person_id, relation_id=relation.id, at=NOON)
    for _ in range(2):
        channels.greet_friend(joined)
    (message,) = inbox_of(inbox_address(relation.person.public_id))
    assert (message.kind, message.sender_name) == ("information", "두레국수")
    assert "첫 친구" in message.body


def test_a_friend_who_reads_english_is_thanked_in_the_name_that_english_readers_know(
    place: Place, phone: Device
) -> None:
    relation = join(place, phone)
    Person.objects.filter(pk=relation.person_id).update(language="en")
    Shop.objects.filter(pk=place.shop.pk).update(name_en="Dure Noodles")
    channels.greet_friend(
        FriendJoined(shop_id=place.shop.id, person_id=relation.person_id, relation_id=relation.id, at=NOON)
    )
    (message,) = inbox_of(inbox_address(relation.person.public_id))
    assert (message.sender_name, message.title) == ("Dure Noodles", "Thank you for being a friend of Dure Noodles")


def test_who_left_before_the_thank_you_gets_none(place: Place, phone: Device) -> None:
    relation = join(place, phone)
    regulars.leave_channel(shop=place.shop, person=relation.person, by="guest", at=NOON)
    channels.greet_friend(
        FriendJoined(shop_id=place.shop.id, person_id=relation.person_id, relation_id=relation.id, at=NOON)
    )
    assert not inbox_of(inbox_address(relation.person.public_id))
