"""The pages about the shop itself: the way in, today, friends, staff, offers, settings, stands."""

from datetime import timedelta

import pytest
from django.test import Client

from dure.kit import clock
from dure.offers import queries as offers
from dure.offers.values import OfferOccasion
from dure.people import actions as people
from dure.people import queries as person_queries
from dure.regulars import actions as regulars
from dure.regulars import queries as regular_queries
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.models import Shop
from dure.shops.values import Role
from dure.town.cast import Character
from tests import cast
from tests.web.console.conftest import ordered, table_of
from tests.web.console.desk import Desk


def friend(shop: Shop) -> None:
    device, _ = people.remember_device(at=cast.NOON)
    with fence.within_shop(shop.pk):
        person = people.ensure_person(device=device, at=cast.NOON)
        regulars.join_channel(shop=shop, person=person, device=device, source="test", by="guest:test", at=cast.NOON)


# The way in


def test_somebody_without_a_shop_is_shown_how_to_open_one_and_opens_it(db: None) -> None:
    newcomer = cast.person(cast.MOKRYEON)
    client = Client(headers={"Accept-Language": "ko"})
    client.force_login(newcomer, "dure.people.sessions.ByPassword")
    page = client.get("/console/").content.decode()
    assert "아직 가게가 없어요" in page
    assert "/console/new" in page
    answer = client.post("/console/new", {"name": "목련분식", "category": "snacks", "tables": "4", "pay_timing": "tab"})
    assert answer.status_code == 303
    (shop,) = shops.shops_of(newcomer)
    assert shops.tables_of(shop).count() == 4
    assert answer["Location"] == f"/console/{shop.public_id}/menu"


@pytest.mark.parametrize("typed", [{"name": ""}, {"tables": "301"}, {"category": "rocket"}, {"pay_timing": "never"}])
def test_a_shop_that_cannot_be_is_not_opened(db: None, typed: dict[str, str]) -> None:
    newcomer = cast.person(cast.MOKRYEON)
    client = Client()
    client.force_login(newcomer, "dure.people.sessions.ByPassword")
    right = {"name": "목련분식", "category": "snacks", "tables": "4", "pay_timing": "tab"}
    assert client.post("/console/new", {**right, **typed}).status_code == 422
    assert not shops.shops_of(newcomer)


@pytest.mark.parametrize(("who", "page"), [(cast.SOONI, "today"), (cast.DONGBAEK, "today"), (cast.CHEOLSU, "kitchen")])
def test_the_door_leads_each_role_to_its_work(noodles: Shop, who: Character, page: str) -> None:
    desk = Desk(cast.person(who), noodles)
    assert desk.open("door").at == desk.url(page)


@pytest.mark.parametrize(
    ("who", "tabs"),
    [
        (cast.SOONI, ["today", "kitchen", "tables", "menu", "orders", "friends", "offers", "staff", "settings"]),
        (cast.DONGBAEK, ["today", "kitchen", "tables", "orders"]),
        (cast.CHEOLSU, ["kitchen"]),
    ],
)
def test_each_role_sees_the_tabs_it_may_open(noodles: Shop, who: Character, tabs: list[str]) -> None:
    desk = Desk(cast.person(who), noodles).open("kitchen")
    every = ("today", "kitchen", "tables", "menu", "orders", "friends", "offers", "staff", "settings")
    assert [page for page in every if desk.url(page) in desk.reader.links] == tabs
    for page in every:
        assert desk.client.get(desk.url(page)).status_code == (200 if page in tabs else 403)


def test_english_is_complete(noodles: Shop) -> None:
    desk = Desk(cast.person(cast.SOONI), noodles, **{"Accept-Language": "en"})
    owner_wrote = ("두레국수", "순이", "철수", "동백", "한국어", "까치", "원", "마포", "면", "전", "음료")
    for page in ("today", "orders", "tables", "offers", "staff", "friends", "stands"):
        text = desk.open(page).text
        for word in owner_wrote:
            text = text.replace(word, "")
        assert not [letter for letter in text if "가" <= letter <= "힣"], page


# Today


def test_today_counts_sales_orders_and_friends(noodles: Shop, owner: Desk) -> None:
    order = ordered(noodles, quantity=2)
    friend(noodles)
    owner.open("today")
    assert f"매출 {order.total:,}원" in owner.text
    assert "주문 1" in owner.text
    assert "새 친구 1" in owner.text
    assert "12시" in owner.part("day")
    assert "<td>12:00</td>" in owner.html


def test_today_suggests_one_next_step(noodles: Shop, owner: Desk) -> None:
    assert "시험 주문해 보세요" in owner.open("today").text
    ordered(noodles)
    assert "이것부터 해 볼까요?" not in owner.open("today").text
    friend(noodles)
    with clock.showing(lambda: cast.NOON + timedelta(days=60)):
        owner.open("today")
    assert owner.text.count("이것부터 해 볼까요?") <= 1


# Friends


def test_friends_are_shown_by_stage_without_names_and_numbers(noodles: Shop, owner: Desk) -> None:
    friend(noodles)
    owner.open("friends")
    assert "목련 1" in owner.text
    assert "새 친구 1" in owner.text
    assert "목련 1" not in owner.open("friends", query="?stage=regular").text
    assert owner.open("friends", query="?stage=nonsense&after=rel_zzz").status == 200


def test_the_owner_says_who_is_a_regular(noodles: Shop, owner: Desk) -> None:
    owner.open("friends").send("definitions", regular_visits="3", regular_days="30", lapsed_days="20")
    assert "30일 동안 3번" in owner.text
    owner.send("definitions", regular_visits="1")
    assert owner.status == 422


# Staff


def test_staff_are_added_by_email_changed_and_dismissed(noodles: Shop, owner: Desk) -> None:
    hand = cast.person(cast.MOKRYEON)
    owner.open("staff").send("staff", email=hand.email, role="cashier")
    assert shops.role_of(hand, noodles) == Role.CASHIER
    owner.send("role", hand.public_id, role="kitchen")
    assert shops.role_of(hand, noodles) == Role.KITCHEN
    owner.send("dismissal", hand.public_id)
    assert shops.role_of(hand, noodles) is None


def test_an_unknown_email_is_said_in_words_and_makes_nobody(noodles: Shop, owner: Desk) -> None:
    owner.open("staff").send("staff", email="nobody@dure.example")
    assert owner.status == 422
    assert "이 이메일로 가입한 분이 없어요" in owner.text
    assert person_queries.person_by_email("nobody@dure.example") is None


def test_the_last_owner_stays(noodles: Shop, owner: Desk) -> None:
    me = cast.person(cast.SOONI)
    token = owner.open("staff").forms_for("dismissal", me.public_id)[0].fields
    assert owner.client.post(owner.url("dismissal", me.public_id), token).status_code == 409
    assert shops.role_of(me, noodles) == Role.OWNER


# Offers


def test_a_welcome_coupon_is_started_and_its_sentence_follows_what_is_typed(noodles: Shop, owner: Desk) -> None:
    owner.open("offers", query="?occasion=welcome&kind=percent&value=10&minimum_spend=0&valid_days=14")
    assert "친구가 되면 10% 할인 쿠폰을 드려요. 받은 날부터 14일 동안 쓸 수 있어요." in owner.text
    owner.open("offers").send("welcome", kind="amount", value="2000", minimum_spend="10000", valid_days="20")
    assert owner.status == 200
    with fence.within_shop(noodles.pk):
        offer = offers.offer_for(noodles, OfferOccasion.WELCOME)
    assert offer
    assert (offer.value, offer.minimum_spend, offer.valid_days) == (2000, 10000, 20)
    owner.send("offer_state", offer.public_id, press=("state", "paused"))
    with fence.within_shop(noodles.pk):
        assert offers.offer_for(noodles, OfferOccasion.WELCOME) is None


@pytest.mark.parametrize(
    "typed", [{"value": "0"}, {"kind": "percent", "value": "101"}, {"valid_days": "366"}, {"value": "x"}]
)
def test_terms_that_cannot_be_start_nothing(noodles: Shop, owner: Desk, typed: dict[str, str]) -> None:
    with fence.within_shop(noodles.pk):
        before = offers.offers_of(noodles).count()
    owner.open("offers").send("welcome", fields=typed)
    assert owner.status == 422
    with fence.within_shop(noodles.pk):
        assert offers.offers_of(noodles).count() == before


def test_the_stamp_card_keeps_its_goal(noodles: Shop, owner: Desk) -> None:
    owner.open("offers").send("stamp_card", goal="5", running="on")
    with fence.within_shop(noodles.pk):
        card = regular_queries.stamp_card_of(noodles)
    assert card
    assert card.goal == 5


def test_stamps_by_amount_are_set_kept_and_told(noodles: Shop, owner: Desk) -> None:
    owner.open("offers").send("stamp_card", goal="8", won_per_stamp="5000", running="on")
    page = owner.open("offers")
    assert 'name="won_per_stamp" value="5000"' in page.html
    assert "도장 8개를 모으시면" in page.text
    owner.send("stamp_card", goal="9", won_per_stamp="-1", running="on")
    assert owner.status == 422
    with fence.within_shop(noodles.pk):
        card = regular_queries.stamp_card_of(noodles)
    assert card
    assert (card.goal, card.won_per_stamp) == (8, 5000)


# Settings


def test_each_part_of_the_settings_is_saved_by_itself(noodles: Shop, owner: Desk) -> None:
    owner.open("settings")
    owner.send("settings", d0_0="11:00", d0_1="15:00", d0_2="17:00", d0_3="22:00", d6_0="", d6_1="")
    owner.send("settings", pay_timing="tab", seating="staff", cooking_minutes="25", accept_minutes="7")
    owner.send("settings", look="market/danji")
    owner.send("settings", name="두레국수 본점", phone="02-123-4567")
    shop = shops.shop_by_public_id(noodles.public_id)
    assert shop.hours["0"] == ["11:00", "15:00", "17:00", "22:00"]
    assert "6" not in shop.hours
    assert (shop.pay_timing, shop.seating, shop.cooking_minutes, shop.accept_minutes) == ("tab", "staff", 25, 7)
    assert (shop.skin, shop.character) == ("market", "danji")
    assert (shop.name, shop.phone) == ("두레국수 본점", "02-123-4567")


def test_an_owner_chooses_how_guests_pay_and_leaves_one_way(noodles: Shop, owner: Desk) -> None:
    owner.open("settings")
    owner.send("settings", pay_timing="first", ways=["toss", "counter"])
    shop = shops.shop_by_public_id(noodles.public_id)
    assert shop.ways_off == ["kakaopay", "link", "wallet"]
    owner.open("settings").send("settings", pay_timing="first", ways=["wallet", "link"])
    assert owner.status == 422
    assert "손님이 결제할 방법이 하나는 있어야 해요" in owner.html
    assert shops.shop_by_public_id(noodles.public_id).ways_off == shop.ways_off
    assert "보낼 링크 만들기" not in owner.open("receive").html


@pytest.mark.parametrize(
    "typed",
    [
        {"d0_1": ""},
        {"look": "none/such"},
        {"business_number": "123"},
        {"cooking_minutes": "0"},
        {"accept_minutes": "2"},
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_its_form(noodles: Shop, owner: Desk, typed: dict[str, str]) -> None:
    owner.open("settings").send("settings", fields=typed)
    assert owner.status == 422
    assert 'class="errorlist' in owner.html


def test_the_preview_draws_the_shop_in_a_skin_and_nothing_else(noodles: Shop, owner: Desk) -> None:
    answer = owner.client.get(owner.url("preview") + "?look=dure/dubi")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "두레국수" in answer.content.decode()
    assert owner.client.get(owner.url("preview") + "?look=../../etc").status_code == 404


# Stands


@pytest.mark.parametrize("size", ["a4", "a6", "sticker"])
def test_stands_are_printed_in_every_size(noodles: Shop, owner: Desk, size: str) -> None:
    table = table_of(noodles)
    answer = owner.client.get(owner.url("stands_pdf") + f"?size={size}&tables={table.public_id}")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert owner.client.get(owner.url("stands_png") + f"?size={size}").headers["Content-Type"] == "image/png"


@pytest.mark.parametrize("query", ["?size=a0", "?tables=tbl_00000000000000000000000000"])
def test_what_cannot_be_printed_is_refused(owner: Desk, query: str) -> None:
    assert owner.client.get(owner.url("stands_pdf") + query).status_code == 422
