"""Thirty-two at once on real PostgreSQL: limits are met exactly, never passed and never missed. Each checker has a control,
the naive shape of the same work, which it must catch."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import transaction
from django.db.models import Sum

from dure.kit import ids
from dure.kit.errors import DureError
from dure.offers import actions as offers
from dure.offers.models import Coupon, Offer, OfferDay, Redemption
from dure.people.models import Person
from dure.regulars import actions as regulars
from dure.regulars import errors as regular_errors
from dure.regulars.actions import points as point_actions
from dure.regulars.models import HandStamp, PointLot, Relation
from dure.shops import fence
from tests.races import at_once
from tests.rooms.offers.conftest import an_offer, somebody
from tests.rooms.ordering.conftest import BY, NOON, Place, open_place

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 32


@pytest.fixture
def place() -> Place:
    return open_place("두레국수", pay_timing="first")


def race(place: Place, acts: list[Callable[[], object]]) -> Counter[str]:
    """Do all of it at once inside the shop; how often each outcome was met ("done", or the name of a refusal)."""

    def inside(act: Callable[[], object]) -> Callable[[], str]:
        def run() -> str:
            with fence.within_shop(place.shop.pk):
                try:
                    act()
                except DureError as refusal:
                    return type(refusal).__name__
                return "done"

        return run

    met = at_once(*map(inside, acts), within=60)
    assert [one for one in met if isinstance(one, BaseException)] == []
    return Counter(met)


def people_of(place: Place, number: int = MANY) -> list[Person]:
    with fence.within_shop(place.shop.pk):
        return [somebody() for _ in range(number)]


def naive(check: Callable[[], bool], act: Callable[[], object], window: threading.Barrier) -> Callable[[], object]:
    """Check, then act, with everybody between the two at the same time: what the others did."""

    def run() -> None:
        fits = check()
        window.wait(20)
        if fits:
            act()

    return run


# The stock, in all and per day --------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["stock", "stock_per_day"])
def test_a_stock_of_ten_is_ten_coupons(place: Place, limit: str) -> None:
    with fence.within_shop(place.shop.pk):
        offer = an_offer(place, **{limit: 10})
    wants = people_of(place)
    acts = [lambda p=p: offers.issue_coupon(offer=offer, person=p, key=ids.new_code(), at=NOON) for p in wants]
    assert race(place, acts) == {"done": 10, "OutOfStock": MANY - 10}
    with fence.within_shop(place.shop.pk):
        assert Coupon.objects.filter(offer=offer).count() == 10
        assert Offer.objects.get(id=offer.id).issued == 10
        assert OfferDay.objects.aggregate(sum=Sum("issued"))["sum"] in (None, 10)


def test_control_counting_before_issuing_goes_past_the_stock(place: Place) -> None:
    with fence.within_shop(place.shop.pk):
        offer = an_offer(place)
    window = threading.Barrier(8)

    def issue(person: Person) -> Callable[[], object]:
        return naive(
            lambda: Coupon.objects.filter(offer=offer).count() < 1,
            lambda: Coupon.objects.create(
                shop=place.shop,
                public_id=ids.new_public_id("cpn"),
                offer=offer,
                person=person,
                key=ids.new_code(),
                issued_at=NOON,
                expires_at=NOON,
            ),
            window,
        )

    race(place, [issue(person) for person in people_of(place, 8)])
    with fence.within_shop(place.shop.pk):
        assert Coupon.objects.filter(offer=offer).count() > 1


def test_one_person_gets_one_coupon_however_many_phones_ask(place: Place) -> None:
    with fence.within_shop(place.shop.pk):
        offer, person = an_offer(place), somebody()
    acts = [lambda: offers.issue_coupon(offer=offer, person=person, key=ids.new_code(), at=NOON)] * MANY
    assert race(place, acts) == {"done": 1, "AlreadyHas": MANY - 1}


# The budget ---------------------------------------------------------------------------------------------------------


def test_a_budget_is_spent_to_the_won_and_no_further(place: Place) -> None:
    with fence.within_shop(place.shop.pk):
        offer = an_offer(place, budget=10_500)
        coupons = [
            offers.issue_coupon(offer=offer, person=person, key=ids.new_code(), at=NOON) for person in people_of(place)
        ]
    acts = [
        lambda c=c: offers.reserve_coupon(coupon=c, reference=f"bil_{c.id}", amount=1_000, at=NOON) for c in coupons
    ]
    assert race(place, acts) == {"done": 10, "BudgetSpent": MANY - 10}
    with fence.within_shop(place.shop.pk):
        assert Offer.objects.get(id=offer.id).spent == 10_000
        ends = [offers.release_redemption, offers.commit_redemption] * 5
        held = Redemption.objects.values_list("reference", flat=True)
        acts = [lambda e=e, r=r: e(reference=r, at=NOON) for e, r in zip(ends, held, strict=True)]
    race(place, acts * 3)
    with fence.within_shop(place.shop.pk):
        assert Offer.objects.get(id=offer.id).spent == 5_000


def test_control_reading_the_budget_before_writing_it_loses_what_others_spent(place: Place) -> None:
    with fence.within_shop(place.shop.pk):
        offer = an_offer(place, budget=10_000)
    window = threading.Barrier(8)
    given: list[int] = []

    def spend() -> None:
        spent = Offer.objects.get(id=offer.id).spent
        window.wait(20)
        Offer.objects.filter(id=offer.id).update(spent=spent + 1_000)
        given.append(1_000)

    race(place, [spend] * 8)
    with fence.within_shop(place.shop.pk):
        assert sum(given) > Offer.objects.get(id=offer.id).spent


# One coupon ---------------------------------------------------------------------------------------------------------


def test_one_coupon_is_held_by_one_bill(place: Place) -> None:
    with fence.within_shop(place.shop.pk):
        coupon = offers.issue_coupon(offer=an_offer(place), person=somebody(), key="one", at=NOON)
    acts = [
        lambda n=n: offers.reserve_coupon(coupon=coupon, reference=f"bil_{n}", amount=1_000, at=NOON)
        for n in range(MANY)
    ]
    met = race(place, acts)
    assert (met["done"], met["CouponInUse"]) == (1, MANY - 1)


def test_control_without_the_index_looking_before_holding_gives_one_coupon_to_many(place: Place) -> None:
    with fence.within_shop(place.shop.pk):
        coupon = offers.issue_coupon(offer=an_offer(place), person=somebody(), key="one", at=NOON)
    window = threading.Barrier(8)
    held: list[int] = []
    acts = [
        naive(lambda: not Redemption.objects.filter(coupon=coupon).exists(), lambda n=n: held.append(n), window)
        for n in range(8)
    ]
    race(place, acts)
    assert len(held) > 1


def test_bills_that_swap_two_coupons_of_two_budgets_never_wait_for_each_other_in_a_ring(place: Place) -> None:
    with fence.within_shop(place.shop.pk):
        pairs = [an_offer(place, budget=1_000_000, per_person=100) for _ in range(2)]
        bills = [
            [offers.issue_coupon(offer=offer, person=somebody(), key=ids.new_code(), at=NOON) for offer in pairs]
            for _ in range(8)
        ]

    def swap(number: int) -> Callable[[], object]:
        def run() -> None:
            for turn in range(6):
                first, second = bills[number] if (turn + number) % 2 else reversed(bills[number])
                with transaction.atomic():
                    for coupon in (first, second):
                        offers.reserve_coupons(uses=[(coupon, 500)], reference=f"bil_{number}", at=NOON)

        return run

    assert race(place, [swap(n) for n in range(8)]) == {"done": 8}


# Points and stamps --------------------------------------------------------------------------------------------------


def _friend_with_points(place: Place, points: int) -> Relation:
    device_person = somebody()
    relation = regulars.join_channel(
        shop=place.shop, person=device_person, device=None, source="test", by="guest", at=NOON
    )
    regulars.keep_points(
        shop=place.shop, running=True, earn_bps=1_000, valid_days=365, least=1, tier_days=30, by=BY, at=NOON
    )
    with transaction.atomic():
        point_actions.earn_points(relation, reference="visit:1", spent=points * 10, is_new=True, at=NOON)
    return relation


def test_points_are_spent_once_however_many_phones_tap(place: Place) -> None:
    with fence.within_shop(place.shop.pk):
        friend = _friend_with_points(place, 1_000)
    acts = [
        lambda: regulars.use_points(shop=place.shop, person=friend.person, points=300, key=ids.new_code(), at=NOON)
    ] * MANY
    assert race(place, acts) == {"done": 3, "TooFewPoints": MANY - 3}
    with fence.within_shop(place.shop.pk):
        assert PointLot.objects.get().remaining == 100


def test_control_looking_at_the_balance_before_spending_it_spends_it_many_times(place: Place) -> None:
    with fence.within_shop(place.shop.pk):
        _friend_with_points(place, 1_000)
    window = threading.Barrier(8)
    spent: list[int] = []
    acts = [naive(lambda: PointLot.objects.get().remaining >= 600, lambda: spent.append(600), window) for _ in range(8)]
    race(place, acts)
    assert sum(spent) > 1_000


def test_the_daily_cap_of_stamps_by_hand_holds_when_many_are_given_at_once(place: Place) -> None:
    with fence.within_shop(place.shop.pk):
        regulars.keep_stamp_card(shop=place.shop, goal=50, running=True, by=BY, at=NOON)
        friends = [
            regulars.join_channel(shop=place.shop, person=somebody(), device=None, source="t", by="g", at=NOON)
            for _ in range(16)
        ]
    acts = [
        lambda f=f: regulars.give_stamps(
            shop=place.shop, relation=f.public_id, count=2, reason="왜", key=ids.new_code(), by=BY, at=NOON
        )
        for f in friends * 2
    ]
    met = race(place, acts)
    assert met == {"done": 15, regular_errors.TooManyStamps.__name__: MANY - 15}
    with fence.within_shop(place.shop.pk):
        assert HandStamp.objects.aggregate(sum=Sum("count"))["sum"] == 30
