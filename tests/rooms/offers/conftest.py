"""A noodle house with running offers, and friends who want them."""

from collections.abc import Callable, Iterator

import pytest

from dure.kit import ids
from dure.offers import actions as offers
from dure.offers.models import Coupon, Offer
from dure.offers.values import Line, OfferKind
from dure.people import actions as people
from dure.people.models import Person
from dure.shops import fence
from tests.rooms.ordering.conftest import BY, NOON, Place, open_place

MEAL = [Line(item="soup", section="noodles", unit_price=8_000), Line(item="tea", section="drinks", unit_price=3_000)]


@pytest.fixture
def place(db: None) -> Iterator[Place]:
    made = open_place("두레국수", pay_timing="first")
    with fence.within_shop(made.shop.id):
        yield made


def somebody() -> Person:
    device, _ = people.remember_device(at=NOON)
    return people.ensure_person(device=device, at=NOON)


@pytest.fixture
def friend(place: Place) -> Person:
    return somebody()


def an_offer(place: Place, **more: object) -> Offer:
    said: dict[str, object] = {
        "shop": place.shop,
        "name": {"ko": "천 원", "en": "A thousand"},
        "kind": OfferKind.AMOUNT,
        "value": 1_000,
        "by": BY,
        "at": NOON,
        **more,
    }
    return offers.create_offer(**said)  # type: ignore[arg-type]


@pytest.fixture
def give(place: Place) -> Callable[..., Coupon]:
    """A coupon of a new offer with these terms."""

    def given(person: Person, **more: object) -> Coupon:
        return offers.issue_coupon(offer=an_offer(place, **more), person=person, key=ids.new_code(12), at=NOON)

    return given
