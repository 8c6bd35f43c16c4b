"""Offers, coupons and what happens to them, through the room's own actions."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from dure.ledger import queries as ledger
from dure.offers import actions as offers
from dure.offers import errors, queries
from dure.offers.models import Coupon, Offer, OfferDay, OfferStep, Redemption
from dure.offers.values import Line, OfferKind, OfferOccasion, OfferState, Stacking
from dure.people.models import Person
from tests.rooms.offers.conftest import MEAL, an_offer, somebody
from tests.rooms.ordering.conftest import BY, NOON, Place

Give = Callable[..., Coupon]


def off(person: Person, place: Place, lines: list[Line] = MEAL, **more: object) -> int:
    found = queries.best_coupons_of(person, place.shop, lines=lines, **{"at": NOON, **more})  # type: ignore[arg-type]
    return sum(use.discount for use in found)


# States -------------------------------------------------------------------------------------------------------------


def test_a_draft_issues_nothing_until_it_runs(place: Place, friend: Person) -> None:
    draft = an_offer(place, state=OfferState.DRAFT)
    with pytest.raises(errors.OfferNotRunning):
        offers.issue_coupon(offer=draft, person=friend, key="k", at=NOON)
    offers.change_offer_state(shop=place.shop, offer=draft.public_id, state=OfferState.RUNNING, by=BY, at=NOON)
    assert offers.issue_coupon(offer=draft, person=friend, key="k", at=NOON)
    assert list(OfferStep.objects.filter(offer=draft).order_by("id").values_list("state", flat=True)) == [
        "draft",
        "review",
        "running",
    ]


def test_an_ended_offer_stays_ended_and_its_coupons_stay_good(place: Place, friend: Person, give: Give) -> None:
    coupon = give(friend)
    said = {"shop": place.shop, "offer": coupon.offer.public_id, "by": BY, "at": NOON}
    for _ in range(2):
        offers.change_offer_state(state=OfferState.ENDED, **said)  # type: ignore[arg-type]
    with pytest.raises(errors.OfferStateWrong):
        offers.change_offer_state(state=OfferState.RUNNING, **said)  # type: ignore[arg-type]
    assert off(friend, place) == 1_000


def test_an_offer_that_others_pay_for_waits_for_their_yes(place: Place, friend: Person) -> None:
    offer = an_offer(place, funders={"shop": 4_000, "district:마포구": 6_000})
    assert offer.state == OfferState.REVIEW
    with pytest.raises(errors.OfferNeedsReview):
        offers.change_offer_state(shop=place.shop, offer=offer.public_id, state=OfferState.RUNNING, by=BY, at=NOON)
    offers.review_offer(shop=place.shop, offer=offer.public_id, accepted=False, reason="예산", by="operator:1", at=NOON)
    offers.change_offer_state(shop=place.shop, offer=offer.public_id, state=OfferState.REVIEW, by=BY, at=NOON)
    offers.review_offer(shop=place.shop, offer=offer.public_id, accepted=True, by="operator:1", at=NOON)
    assert Offer.objects.get(id=offer.id).state == OfferState.RUNNING


def test_a_new_welcome_ends_the_one_before_it(place: Place) -> None:
    an_offer(place, occasion=OfferOccasion.WELCOME)
    place.welcome.refresh_from_db()
    assert place.welcome.state == OfferState.ENDED


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": 0},
        {"value": 101, "kind": OfferKind.PERCENT},
        {"value": 101, "kind": OfferKind.FREE_ITEM},
        {"value": 1, "kind": OfferKind.BUY_GET, "buy": 0},
        {"valid_days": 91},
        {"valid_days": None},
        {"ends_at": NOON},
        {"ends_at": NOON + timedelta(days=1), "starts_at": NOON + timedelta(days=2)},
        {"days": [7]},
        {"from_minute": 60},
        {"from_minute": 60, "until_minute": 60},
        {"from_minute": 60, "until_minute": 1_441},
        {"budget": 0},
        {"stock": 0},
        {"per_person": 0},
        {"name": {"en": "No Korean"}},
        {"funders": {"shop": 9_999}},
        {"funders": {"shop": 5_000, "bank": 5_000}},
        {"funders": {"shop": 5_000, "supplier": 5_000}},
        {"funders": {"shop:x": 10_000}},
        {"funders": {"shop": 10_001, "operator": -1}},
        {"state": OfferState.ENDED},
    ],
)
def test_terms_that_could_not_be_kept_are_refused(place: Place, wrong: dict[str, object]) -> None:
    with pytest.raises(errors.OfferInvalid):
        an_offer(place, **wrong)
    assert Offer.objects.count() == 1


# Issuing ------------------------------------------------------------------------------------------------------------


def test_stock_per_day_begins_again_with_the_shops_day(place: Place) -> None:
    offer = an_offer(place, stock_per_day=2)
    for n in range(2):
        offers.issue_coupon(offer=offer, person=somebody(), key=f"k{n}", at=NOON)
    with pytest.raises(errors.OutOfStock):
        offers.issue_coupon(offer=offer, person=somebody(), key="late", at=NOON)
    assert offers.issue_coupon(offer=offer, person=somebody(), key="late", at=NOON + timedelta(days=1))
    assert list(OfferDay.objects.order_by("day").values_list("issued", flat=True)) == [2, 1]


def test_the_same_key_is_the_same_coupon_and_takes_no_stock(place: Place, friend: Person) -> None:
    offer = an_offer(place, stock=1, stock_per_day=1)
    first = offers.issue_coupon(offer=offer, person=friend, key="k", at=NOON)
    assert offers.issue_coupon(offer=offer, person=friend, key="k", at=NOON) == first
    with pytest.raises(errors.OutOfStock):
        offers.issue_coupon(offer=offer, person=somebody(), key="other", at=NOON)


def test_a_fixed_window_ends_every_coupon_on_its_day(place: Place, friend: Person, give: Give) -> None:
    end = NOON + timedelta(days=3)
    assert give(friend, ends_at=end).expires_at == end
    assert give(friend, ends_at=end, valid_days=None).expires_at == end
    assert give(friend, ends_at=end, valid_days=1).expires_at == NOON + timedelta(days=1)


def test_a_coupon_waits_for_its_offer_to_begin(place: Place, friend: Person, give: Give) -> None:
    coupon = give(friend, starts_at=NOON + timedelta(days=1))
    assert off(friend, place) == 0
    with pytest.raises(errors.CouponNotNow):
        offers.reserve_coupon(coupon=coupon, reference="bil_1", amount=1_000, at=NOON)
    assert off(friend, place, at=NOON + timedelta(days=1)) == 1_000


# Reserve, commit, release, return -----------------------------------------------------------------------------------


def test_a_budget_is_taken_while_it_lasts_and_given_back(place: Place, give: Give) -> None:
    ann, ben = somebody(), somebody()
    offer = an_offer(place, budget=1_500)
    first, second = (
        offers.issue_coupon(offer=offer, person=person, key=f"k{person.pk}", at=NOON) for person in (ann, ben)
    )
    offers.reserve_coupon(coupon=first, reference="bil_1", amount=1_000, at=NOON)
    with pytest.raises(errors.BudgetSpent):
        offers.reserve_coupon(coupon=second, reference="bil_2", amount=501, at=NOON)
    offers.reserve_coupon(coupon=second, reference="bil_2", amount=500, at=NOON)
    offers.release_redemption(reference="bil_2", at=NOON)
    offers.commit_redemption(reference="bil_1", at=NOON)
    assert Offer.objects.get(id=offer.id).spent == 1_000
    for _ in range(2):
        offers.return_redemption(reference="bil_1", at=NOON)
    assert Offer.objects.get(id=offer.id).spent == 0
    offers.reserve_coupon(coupon=second, reference="bil_2", amount=1_500, at=NOON)


def test_the_database_keeps_the_budget_whoever_forgets(place: Place) -> None:
    offer = an_offer(place, budget=1_500)
    with pytest.raises(IntegrityError, match="offer_within_budget"), transaction.atomic():
        Offer.objects.filter(id=offer.id).update(spent=1_501)


def test_several_coupons_are_held_all_or_none(place: Place, friend: Person, give: Give) -> None:
    menu = give(friend, stacking=Stacking.MENU)
    bill = give(friend, stacking=Stacking.BILL)
    offers.reserve_coupon(coupon=bill, reference="bil_other", amount=1_000, at=NOON)
    with pytest.raises(errors.CouponInUse) as refusal:
        offers.reserve_coupons(uses=[(menu, 1_000), (bill, 1_000)], reference="bil_1", at=NOON)
    assert refusal.value.facts["coupon"] == bill.public_id
    assert not Redemption.objects.filter(reference="bil_1").exists()


def test_holding_other_coupons_releases_those_before(place: Place, friend: Person, give: Give) -> None:
    one, two = give(friend), give(friend)
    (held,) = offers.reserve_coupons(uses=[(one, 1_000)], reference="bil_1", at=NOON)
    assert offers.reserve_coupons(uses=[(one, 1_000)], reference="bil_1", at=NOON) == [held]
    offers.reserve_coupons(uses=[(two, 900)], reference="bil_1", at=NOON)
    assert [r.coupon_id for r in queries.redemptions_for("bil_1")] == [two.id]
    assert queries.coupons_free_of(friend, place.shop, at=NOON) == [one]
    assert queries.coupons_free_of(friend, place.shop, reference="bil_1", at=NOON) == [one, two]


def test_a_withdrawn_coupon_is_gone_and_a_held_one_cannot_be_withdrawn(
    place: Place, friend: Person, give: Give
) -> None:
    coupon = give(friend)
    offers.reserve_coupon(coupon=coupon, reference="bil_1", amount=1_000, at=NOON)
    with pytest.raises(errors.CouponInUse):
        offers.withdraw_coupon(coupon=coupon, by=BY, at=NOON)
    offers.release_redemption(reference="bil_1", at=NOON)
    offers.withdraw_coupon(coupon=coupon, by=BY, at=NOON)
    with pytest.raises(errors.CouponUsed):
        offers.reserve_coupon(coupon=coupon, reference="bil_2", amount=1_000, at=NOON)
    assert off(friend, place) == 0


# Combining ----------------------------------------------------------------------------------------------------------


def test_coupons_of_two_groups_go_together_and_one_alone_stays_alone(place: Place, friend: Person, give: Give) -> None:
    give(friend, kind=OfferKind.FREE_ITEM, value=1, items=["tea"], stacking=Stacking.MENU)
    give(friend, kind=OfferKind.PERCENT, value=10, stacking=Stacking.BILL)
    give(friend, value=3_500)
    uses = queries.best_coupons_of(friend, place.shop, lines=MEAL, at=NOON)
    assert [use.discount for use in uses] == [3_000, 800]
    assert [use.lines for use in uses] == [(0, 3_000), (800, 0)]
    give(friend, value=4_000)
    assert [u.discount for u in queries.best_coupons_of(friend, place.shop, lines=MEAL, at=NOON)] == [4_000]


def test_two_of_one_group_clash_when_they_are_chosen(place: Place, friend: Person, give: Give) -> None:
    chosen = [give(friend, stacking=Stacking.BILL).public_id for _ in range(2)]
    with pytest.raises(errors.CouponsClash):
        queries.chosen_coupons_of(friend, place.shop, chosen, lines=MEAL, at=NOON)


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"minimum_spend": 20_000}, errors.MinimumNotReached),
        ({"items": ["cake"]}, errors.NothingEligible),
        ({"days": [6]}, errors.CouponNotNow),
        ({"kind": OfferKind.BUY_GET, "value": 1, "buy": 5}, errors.NothingEligible),
    ],
)
def test_a_chosen_coupon_that_takes_nothing_off_says_why(
    place: Place, friend: Person, give: Give, terms: dict[str, object], refusal: type[Exception]
) -> None:
    coupon = give(friend, **terms)
    with pytest.raises(refusal):
        queries.chosen_coupons_of(friend, place.shop, [coupon.public_id], lines=MEAL, at=NOON)
    assert off(friend, place) == 0


def test_the_bill_explains_itself_in_the_order_in_which_coupons_apply(place: Place, friend: Person, give: Give) -> None:
    tea = give(
        friend,
        kind=OfferKind.FREE_ITEM,
        value=1,
        items=["tea"],
        stacking=Stacking.MENU,
        name={"ko": "차 {한} 잔", "en": "A {cup}"},
    )
    tenth = give(friend, kind=OfferKind.PERCENT, value=10, ceiling=2_000, stacking=Stacking.BILL)
    offers.reserve_coupons(uses=[(tea, 3_000), (tenth, 800)], reference="bil_1", at=NOON)
    lines = queries.explained("bil_1")
    assert [(text.within("ko"), won) for text, won in lines] == [
        ("차 {한} 잔: 1개 무료", 3_000),
        ("천 원: 10% 할인 (최대 2,000원)", 800),
    ]
    assert lines[0][0].within("en") == "A {cup}: 1 free"


# Funders ------------------------------------------------------------------------------------------------------------


def test_what_others_pay_of_a_discount_reaches_the_shop_and_goes_back_with_the_money(
    place: Place, friend: Person
) -> None:
    shares = {"shop": 3_333, "operator": 3_333, "supplier:농심": 3_334}
    offer = an_offer(place, funders=shares)
    offers.review_offer(shop=place.shop, offer=offer.public_id, accepted=True, by="operator:1", at=NOON)
    coupon = offers.issue_coupon(offer=offer, person=friend, key="k", at=NOON)
    held = offers.reserve_coupon(coupon=coupon, reference="bil_1", amount=1_000, at=NOON)
    shop = f"shop:{place.shop.public_id}"
    assert ledger.balance_of(shop) == 0
    for _ in range(2):
        offers.commit_redemption(reference="bil_1", at=NOON)
    held.refresh_from_db()
    assert held.funded == 667
    assert [ledger.balance_of(a) for a in (shop, "offers:operator", "offers:supplier:농심")] == [667, -333, -334]
    for _ in range(2):
        offers.return_redemption(reference="bil_1", at=NOON)
    assert [ledger.balance_of(a) for a in (shop, "offers:operator", "offers:supplier:농심")] == [0, 0, 0]
    offers.reserve_coupon(coupon=coupon, reference="bil_2", amount=1_000, at=NOON)
    offers.commit_redemption(reference="bil_2", at=NOON)
    assert ledger.balance_of(shop) == 667


def test_what_the_shop_pays_by_itself_moves_no_money(place: Place, friend: Person, give: Give) -> None:
    offers.reserve_coupon(coupon=give(friend, funders={"shop": 10_000}), reference="bil_1", amount=999, at=NOON)
    offers.commit_redemption(reference="bil_1", at=NOON)
    assert ledger.trial().entries == 0
