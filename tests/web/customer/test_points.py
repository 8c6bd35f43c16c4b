"""Coupons of every kind and points, as a guest's phone shows and uses them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from dure.kit import clock, ids
from dure.offers import actions as offers
from dure.offers.models import Coupon
from dure.offers.values import OfferKind, Stacking
from dure.ordering.models import Bill
from dure.people import actions as people
from dure.people.models import Device
from dure.regulars import actions as regulars
from dure.regulars import queries
from dure.regulars.models import Relation
from dure.shops import fence
from dure.web.ui.access import DEVICE_COOKIE
from tests.rooms.ordering.conftest import BY, NOON, Place, open_place
from tests.rooms.ordering.test_orders import place_tea

pytestmark = pytest.mark.django_db


@pytest.fixture
def friend() -> tuple[Place, Client, Relation, Device]:
    """A friend with 3,000 points, sitting at a table of a shop that gives them."""
    from dure.ordering import actions as ordering

    place = open_place("두레국수", pay_timing="first")
    with fence.within_shop(place.shop.pk):
        device, secret = people.remember_device(at=NOON)
        person = people.ensure_person(device=device, at=NOON)
        device.refresh_from_db()
        relation = regulars.join_channel(
            shop=place.shop, person=person, device=device, source="test", by="guest", at=NOON
        )
        Coupon.objects.update(withdrawn_at=NOON)
        regulars.keep_points(
            shop=place.shop, running=True, earn_bps=3_000, valid_days=365, least=500, tier_days=90, by=BY, at=NOON
        )
        bill = Bill.objects.get(
            orders=place_tea(place, device, ids.new_code(20), wanted=[place.want(quantity=4)], expected_total=12_000)
        )
        ordering.settle_at_counter(bill=bill, by=BY, at=NOON)
    client = Client(headers={"accept-language": "ko"})
    client.cookies[DEVICE_COOKIE] = secret
    return place, client, relation, device


def test_points_become_a_coupon_once_however_often_one_taps_and_points_again(
    friend: tuple[Place, Client, Relation, Device],
) -> None:
    place, phone, relation, _ = friend
    address = reverse("customer:friendship", args=[place.shop.public_id])
    with clock.showing(lambda: NOON + timedelta(minutes=5)):
        page = phone.get(address).content.decode()
        assert "3600 P" in page
        sent = {"points": "2000", "key": queries_key(place, relation)}
        for _ in range(2):
            assert phone.post(address, sent).status_code in (302, 303)
        page = phone.get(address).content.decode()
        assert "1600 P" in page
        assert "2,000원 할인" in page
        with fence.within_shop(place.shop.pk):
            coupon = Coupon.objects.get(worth=2_000)
        assert phone.post(address, {"points_back": coupon.public_id}).status_code in (302, 303)
        assert "3600 P" in phone.get(address).content.decode()
        with fence.within_shop(place.shop.pk):
            again = {"points": "2000", "key": queries_key(place, relation)}
        assert again["key"] != sent["key"]
        assert phone.post(address, again).status_code in (302, 303)
        assert "1600 P" in phone.get(address).content.decode()


def queries_key(place: Place, relation: Relation) -> str:
    with fence.within_shop(place.shop.pk):
        relation.refresh_from_db()
        return queries.points_of(relation, at=NOON + timedelta(minutes=5)).key


@pytest.mark.parametrize("points", ["0", "-1", "x", "99999999999", "1.5", ""])
def test_points_that_are_no_number_are_refused(friend: tuple[Place, Client, Relation, Device], points: str) -> None:
    place, phone, _, _ = friend
    address = reverse("customer:friendship", args=[place.shop.public_id])
    assert phone.post(address, {"points": points, "key": "3600.0"}).status_code == 422
    with fence.within_shop(place.shop.pk):
        assert not Coupon.objects.filter(worth__isnull=False).exists()


def test_more_points_than_there_are_are_refused_in_words(friend: tuple[Place, Client, Relation, Device]) -> None:
    place, phone, _, _ = friend
    address = reverse("customer:friendship", args=[place.shop.public_id])
    with clock.showing(lambda: NOON + timedelta(minutes=5)):
        answer = phone.post(address, {"points": "3601", "key": "3600.0"})
    assert answer.status_code == 409
    assert "포인트가 모자라거나" in answer.content.decode()


def test_the_friends_page_says_of_every_kind_what_it_takes_off_and_when(
    friend: tuple[Place, Client, Relation, Device],
) -> None:
    place, phone, relation, _ = friend
    kinds = [
        {"kind": OfferKind.FREE_ITEM, "value": 1, "stacking": Stacking.MENU},
        {"kind": OfferKind.BUY_GET, "value": 1, "buy": 2, "items": [place.tea.public_id]},
        {
            "kind": OfferKind.PERCENT,
            "value": 10,
            "ceiling": 3_000,
            "days": [0, 2],
            "from_minute": 840,
            "until_minute": 1020,
        },
    ]
    with fence.within_shop(place.shop.pk):
        for terms in kinds:
            made = offers.create_offer(
                shop=place.shop,
                name={"ko": "쿠폰", "en": "A coupon"},
                by=BY,
                at=NOON,
                **terms,  # type: ignore[arg-type]
            )
            offers.issue_coupon(offer=made, person=relation.person, key=ids.new_code(), at=NOON)
    address = reverse("customer:friendship", args=[place.shop.public_id])
    with clock.showing(lambda: NOON + timedelta(minutes=5)):
        korean = phone.get(address).content.decode()
        english = phone.get(address, headers={"accept-language": "en"}).content.decode()
    for said in (
        "1개 무료",
        "2개 사면 1개 무료",
        "10% 할인 (최대 3,000원)",
        "월·수요일",
        "14:00부터 17:00까지",
        "다른 쿠폰과 함께",
    ):
        assert said in korean
    for said in ("1 free", "buy 2, get 1 free", "10% off (up to 3,000원)", "Mon, Wed", "14:00 to 17:00"):
        assert said in english
