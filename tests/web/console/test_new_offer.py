"""Making any kind of offer, with the guest's sentence and an example beside it; points and tiers."""

import pytest
from django.test import Client
from django.urls import reverse

from dure.kit import clock
from dure.offers import queries as offers
from dure.offers.models import Offer
from dure.offers.values import OfferKind, OfferState, Stacking
from dure.people import actions as people
from dure.regulars import queries as regulars
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast

pytestmark = pytest.mark.django_db
SAID = {"name": "점심 차", "occasion": "hand", "minimum_spend": "0", "valid_days": "30", "per_person": "1"}


@pytest.fixture
def noodles() -> Shop:
    return cast.noodle_house()


@pytest.fixture
def owner(noodles: Shop) -> Client:
    client = Client(headers={"accept-language": "ko"})
    client.force_login(cast.person(cast.SOONI), backend="dure.people.sessions.ByPassword")
    return client


def page(client: Client, shop: Shop, view: str = "new_offer", **typed: str) -> str:
    with clock.showing(lambda: cast.NOON):
        answer = client.get(reverse(f"console:{view}", args=[shop.public_id]), typed)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"kind": "amount", "value": "1500"}, "1,500원 할인"),
        ({"kind": "percent", "value": "10", "ceiling": "2000"}, "10% 할인 (최대 2,000원)"),
        ({"kind": "free_item", "value": "1"}, "1개 무료"),
        ({"kind": "buy_get", "value": "1", "buy": "2"}, "2개 사면 1개 무료"),
        (
            {"kind": "amount", "value": "1500", "days": "0", "from_time": "14:00", "until_time": "17:00"},
            "14:00부터 17:00까지",
        ),
    ],
)
def test_the_sentence_and_the_example_follow_what_is_typed(
    noodles: Shop, owner: Client, typed: dict[str, str], said: str
) -> None:
    shown = page(owner, noodles, **SAID, **typed)
    assert said in shown
    assert "결제할 금액" in shown
    with fence.within_shop(noodles.pk):
        assert not Offer.objects.filter(name__ko="점심 차").exists()


def test_every_kind_can_be_made(noodles: Shop, owner: Client) -> None:
    tea = cast.item_of(noodles, "잔치국수").public_id
    kinds = [
        {"kind": "amount", "value": "1500", "budget": "100000", "stock": "50", "stock_per_day": "10"},
        {"kind": "percent", "value": "10", "ceiling": "2000", "stacks": "on"},
        {"kind": "free_item", "value": "1", "items": tea, "days": ["0", "1"]},
        {"kind": "buy_get", "value": "1", "buy": "2", "from_time": "22:00", "until_time": "00:00"},
    ]
    for more in kinds:
        with clock.showing(lambda: cast.NOON):
            answer = owner.post(reverse("console:new_offer", args=[noodles.public_id]), {**SAID, **more})
        assert answer.status_code == 303, answer.content.decode()
    with fence.within_shop(noodles.pk):
        made = {o.kind: o for o in offers.offers_of(noodles).filter(name__ko="점심 차")}
    assert set(made) == set(OfferKind)
    assert (made["amount"].budget, made["amount"].stock, made["amount"].stock_per_day) == (100_000, 50, 10)
    assert made["percent"].stacking == Stacking.BILL
    assert (made["free_item"].items, made["free_item"].days) == ([tea], [0, 1])
    assert (made["buy_get"].from_minute, made["buy_get"].until_minute) == (1_320, 1_440)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "percent", "value": "101"},
        {"kind": "buy_get", "value": "1"},
        {"kind": "amount", "value": "0"},
        {"kind": "amount", "value": "1000", "valid_days": "91"},
        {"kind": "amount", "value": "1000", "from_time": "14:00"},
        {"kind": "amount", "value": "1000", "items": "itm_00000000000000000000000000"},
        {"kind": "amount", "value": "1000", "ends_on": "2020-01-01"},
    ],
)
def test_terms_that_cannot_be_kept_make_nothing(noodles: Shop, owner: Client, wrong: dict[str, str]) -> None:
    with clock.showing(lambda: cast.NOON):
        answer = owner.post(reverse("console:new_offer", args=[noodles.public_id]), {**SAID, **wrong})
    assert answer.status_code == 422
    with fence.within_shop(noodles.pk):
        assert not Offer.objects.filter(name__ko="점심 차").exists()


def test_points_and_tiers_are_kept_and_said_in_one_sentence(noodles: Shop, owner: Client) -> None:
    typed = {"running": "on", "earn": "2.5", "valid_days": "180", "least": "500", "tier_days": "90"}
    tier = {"name": "은", "name_en": "Silver", "spend": "100000", "earn": "5"}
    with clock.showing(lambda: cast.NOON):
        assert owner.post(reverse("console:points", args=[noodles.public_id]), typed).status_code == 303
        assert owner.post(reverse("console:tiers", args=[noodles.public_id]), tier).status_code == 303
        assert owner.post(reverse("console:tiers", args=[noodles.public_id]), tier).status_code == 422
    shown = page(owner, noodles, "points")
    assert "10,000원을 내면 250 포인트를 드리고" in shown
    assert "5% 적립" in shown
    with fence.within_shop(noodles.pk):
        (made,) = regulars.tiers_of(noodles)
    with clock.showing(lambda: cast.NOON):
        owner.post(reverse("console:tier_removal", args=[noodles.public_id, made.public_id]))
    with fence.within_shop(noodles.pk):
        assert not regulars.tiers_of(noodles).exists()


def made(noodles: Shop) -> Offer:
    with fence.within_shop(noodles.pk):
        return Offer.objects.get(shop=noodles, name__ko="점심 차")


def test_an_offer_may_be_drafted_and_started_later(noodles: Shop, owner: Client) -> None:
    said = {**SAID, "kind": "amount", "value": "1500", "state": "draft", "valid_days": "", "ends_on": "2026-12-24"}
    with clock.showing(lambda: cast.NOON):
        assert owner.post(reverse("console:new_offer", args=[noodles.public_id]), said).status_code == 303
    draft = made(noodles)
    assert (draft.state, draft.valid_days) == (OfferState.DRAFT, None)
    assert "시작하기" in page(owner, noodles, "offers")
    where = reverse("console:offer_state", args=[noodles.public_id, draft.public_id])
    for state in ("running", "paused", "running", "ended"):
        with clock.showing(lambda: cast.NOON):
            assert owner.post(where, {"state": state}).status_code == 303
        assert made(noodles).state == state
    with clock.showing(lambda: cast.NOON):
        assert owner.post(where, {"state": "running"}).status_code == 409


def test_an_offer_that_others_help_to_pay_for_waits_until_the_operator_agrees(noodles: Shop, owner: Client) -> None:
    said = {
        **SAID,
        "kind": "amount",
        "value": "1500",
        "payer_1": "district",
        "payer_1_name": "망원시장",
        "payer_1_share": "50",
        "payer_2": "operator",
        "payer_2_share": "20",
    }
    with clock.showing(lambda: cast.NOON):
        assert owner.post(reverse("console:new_offer", args=[noodles.public_id]), said).status_code == 303
    waiting = made(noodles)
    assert waiting.state == OfferState.REVIEW
    assert waiting.funders == {"district:망원시장": 5_000, "operator": 2_000, "shop": 3_000}
    assert "망원시장 50%" in page(owner, noodles, "offers")
    with clock.showing(lambda: cast.NOON):
        where = reverse("console:offer_state", args=[noodles.public_id, waiting.public_id])
        assert owner.post(where, {"state": "running"}).status_code == 409  # an owner agrees for nobody else
    operator = Client()
    operator.force_login(people.open_account(email="operator@example.com", operator=True, at=cast.NOON))
    no = {"offer": waiting.public_id, "say": "no"}
    assert operator.post("/office/reviews/", {**no, "reason": "예산이 다 찼어요"}).status_code == 302
    assert made(noodles).state == OfferState.DRAFT
    assert "예산이 다 찼어요" in page(owner, noodles, "offers")
    yes = {**no, "say": "yes"}
    assert operator.post("/office/reviews/", yes).status_code == 404, "what is no longer in review is left alone"
    with clock.showing(lambda: cast.NOON):
        assert owner.post(where, {"state": "review"}).status_code == 303
    assert operator.post("/office/reviews/", yes).status_code == 302
    assert made(noodles).state == OfferState.RUNNING


@pytest.mark.parametrize(
    "wrong",
    [
        {"payer_1": "district", "payer_1_share": "50"},
        {"payer_1": "operator"},
        {"payer_1_share": "50"},
        {
            "payer_1": "operator",
            "payer_1_share": "60",
            "payer_2": "supplier",
            "payer_2_name": "x",
            "payer_2_share": "41",
        },
        {"valid_days": ""},
    ],
)
def test_shares_that_say_nothing_clear_make_nothing(noodles: Shop, owner: Client, wrong: dict[str, str]) -> None:
    with clock.showing(lambda: cast.NOON):
        answer = owner.post(
            reverse("console:new_offer", args=[noodles.public_id]), {**SAID, "kind": "amount", "value": "1500", **wrong}
        )
    assert answer.status_code == 422
    with fence.within_shop(noodles.pk):
        assert not Offer.objects.filter(name__ko="점심 차").exists()
