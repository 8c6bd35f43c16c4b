from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dure.kit import clock
from dure.menu import actions as menu
from dure.menu import queries as menus
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.ordering.values import OrderState, Wanted
from dure.shops import actions as shops
from dure.shops import fence
from dure.shops.models import Shop
from dure.shops.values import Seating
from tests import cast
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 15_0 like Mac OS X) Mobile/15E148 KAKAOTALK 10.1.5"


def visits(shop: Shop) -> int:
    with fence.within_shop(shop.pk):
        return queries.open_visits(shop).count()


def test_a_scan_sits_the_guest_down_and_shows_the_menu(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles))
    assert phone.status == 200
    assert "두레국수" in phone.text
    assert "잔치국수" in phone.text
    assert visits(noodles) == 1
    assert phone.client.cookies["visit"]["path"] == f"/t/{table_of(noodles).code}"
    assert phone.client.cookies["device"]["httponly"]


def test_a_second_phone_joins_the_same_visit_and_a_reload_opens_no_other(noodles: Shop) -> None:
    first, second = Phone().scan(table_of(noodles)), Phone().scan(table_of(noodles))
    first.scan(table_of(noodles))
    assert visits(noodles) == 1
    assert first.client.cookies["visit"].value == second.client.cookies["visit"].value


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/"},
        {"User-Agent": "Mozilla/5.0 (compatible; Yeti/1.1; +https://naver.me/spd)"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
    ],
)
def test_who_only_looks_opens_no_visit(noodles: Shop, headers: dict[str, str]) -> None:
    phone = Phone().open(f"/t/{table_of(noodles).code}", **headers)
    assert phone.status == 200
    assert "잔치국수" in phone.text
    assert visits(noodles) == 0
    assert not phone.client.cookies.get("visit")


def test_the_copy_for_times_without_network_holds_nothing_personal(noodles: Shop) -> None:
    phone = Phone().open(f"/t/{table_of(noodles).code}?copy=1")
    assert 'data-copy="1"' in phone.html
    assert "data-live" not in phone.html
    assert visits(noodles) == 0


def test_inside_kakaotalk_a_guest_is_a_guest(noodles: Shop) -> None:
    Phone(**{"User-Agent": IPHONE}).scan(table_of(noodles))
    assert visits(noodles) == 1


def test_a_closed_visit_is_over_until_the_guest_sits_down_again(noodles: Shop) -> None:
    table = table_of(noodles)
    phone = Phone().scan(table)
    with fence.within_shop(noodles.pk):
        visit = queries.open_visit_at(table)
        assert visit
        ordering.close_visit(visit=visit, by="staff:test", at=cast.NOON)
    phone.scan(table)
    assert "이 방문은 끝났어요" in phone.text
    assert visits(noodles) == 0
    phone.press("/visit")
    assert "잔치국수" in phone.text
    assert visits(noodles) == 1


def test_a_moved_visit_takes_its_phones_along(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles))
    with fence.within_shop(noodles.pk):
        visit = queries.open_visit_at(table_of(noodles))
        assert visit
        ordering.move_visit(visit=visit, to_table=table_of(noodles, 1), by="staff:test", at=cast.NOON)
    phone.scan(table_of(noodles))
    assert phone.at == f"/t/{table_of(noodles, 1).code}"
    assert phone.status == 200


def test_where_staff_open_tables_the_menu_is_read_only_until_they_do(noodles: Shop) -> None:
    shops.update_shop(shop=noodles, by="staff:test", at=cast.NOON, seating=Seating.STAFF)
    phone = Phone().scan(table_of(noodles))
    assert "직원이 자리를 열어 드리면" in phone.text
    assert not any(form.action.endswith("/basket/lines") for form in phone.reader.forms)


def test_a_code_that_never_was_and_one_that_was_replaced_say_different_things(noodles: Shop) -> None:
    table = table_of(noodles)
    shops.renew_code(table=table, by="staff:test", at=cast.NOON)
    old, never = Phone().scan(table), Phone().open("/t/AAAAAAAAAAAAAAAA")
    assert (old.status, never.status) == (404, 404)
    assert "이 QR은 더 이상 쓰지 않아요" in old.text
    assert "테이블을 찾을 수 없어요" in never.text


def test_sold_out_shows_and_cannot_be_added(noodles: Shop) -> None:
    item = cast.item_of(noodles, "잔치국수")
    with fence.within_shop(noodles.pk):
        menu.mark_sold_out(
            shop=noodles,
            item=menus.item_by_public_id(noodles, item.public_id),
            sold_out=True,
            by="staff:test",
            at=cast.NOON,
        )
    phone = Phone().scan(table_of(noodles))
    state = phone.client.get(f"/t/{table_of(noodles).code}/state?at=menu", headers={"X-Fragment": "1"}).content.decode()
    assert item.public_id in state.split('data-sold-out="')[1].split('"')[0]
    phone.add(item.public_id)
    assert phone.status == 409
    assert "품절" in phone.text


def test_a_paused_shop_says_until_when(noodles: Shop) -> None:
    shops.pause_orders(shop=noodles, minutes=20, by="staff:test", at=cast.NOON)
    phone = Phone().scan(table_of(noodles))
    assert "주문을 잠깐 쉬어요. 12:20에 다시 받아요" in phone.text


def test_a_shop_whose_kitchen_screen_is_gone_says_so_kindly_and_what_becomes_of_orders(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles))
    with fence.within_shop(noodles.pk):
        (visit,) = queries.open_visits(noodles)
        item = next(item for item in menus.menu_of(noodles).items() if item.plain and not item.sold_out)
        placed = ordering.place_order(
            shop=noodles, visit=visit, table=visit.table, device=None, wanted=[Wanted(item=item.public_id)],
            key="order-key-1", expected_total=None, by="guest:test", at=cast.NOON, coupon="none",
        )  # fmt: skip
        assert placed.bill
        ordering.settle_at_counter(bill=placed.bill, by="staff:test", at=cast.NOON)
        ordering.watch_kitchen(shop=noodles, at=cast.NOON)
        later = cast.NOON + timedelta(seconds=200)
        assert ordering.pause_unwatched(shop=noodles, at=later)
    with clock.showing(lambda: later):
        phone.scan(table_of(noodles))
    assert "주방 화면이 잠깐 끊겨서 새 주문을 멈췄어요" in phone.text
    assert "이미 넣은 주문은 그대로예요. 10분 안에 접수하지 못하면 결제한 돈은 저절로 돌아가요" in phone.text
    shops.pause_orders(shop=noodles, minutes=20, by="staff:test", at=later)
    with clock.showing(lambda: later):
        phone.scan(table_of(noodles))
    assert "주방이 바빠서" in phone.text, "somebody's hand is another reason"


def test_a_closed_shop_says_when_it_opens(pot_rice: Shop) -> None:
    with clock.showing(lambda: cast.NOON + timedelta(hours=4)):
        phone = Phone().scan(table_of(pot_rice))
    assert "지금은 주문을 받지 않아요. 17:00에 다시 열어요." in phone.text


@pytest.mark.parametrize(
    ("typed", "found"), [("잔치", True), ("ㅈㅊㄱㅅ", True), ("warm noodle", True), ("피자", False)]
)
def test_the_search_finds_words_first_consonants_and_english(noodles: Shop, typed: str, found: bool) -> None:
    phone = Phone()
    answer = phone.client.get(f"/t/{table_of(noodles).code}", {"q": typed}).content.decode()
    assert ("잔치국수" in answer) == found
    assert ('id="none" hidden' in answer) == found


def test_english_readers_read_english(noodles: Shop) -> None:
    phone = Phone(**{"Accept-Language": "en-US,en;q=0.9"}).scan(table_of(noodles))
    assert "Dure Noodles" in phone.text
    assert "Warm noodle soup" in phone.text
    phone.press("/language", ("language", "ko"))
    assert "잔치국수" in phone.text
    assert "Warm noodle soup" not in phone.text


def test_large_letters_stay_large(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles)).press("/text-size", ("size", "large"))
    assert '<html lang="ko" class="large">' in phone.html
    assert phone.at == f"/t/{table_of(noodles).code}"


def test_an_item_page_shows_options_allergens_and_origin(noodles: Shop) -> None:
    with fence.within_shop(noodles.pk):
        item = next(item for item in menus.menu_of(noodles).items() if not item.plain and item.allergens)
    phone = Phone().scan(table_of(noodles)).open(f"/t/{table_of(noodles).code}/items/{item.public_id}")
    assert "필수" in phone.text
    assert "알레르기" in phone.text
    assert phone.html.count("checked") == sum(group.least == group.most == 1 for group in item.groups)


def test_the_menu_asks_as_many_questions_for_three_items_as_for_one(noodles: Shop) -> None:
    def asked(shop: Shop) -> int:
        client = Client(headers={"Accept-Language": "ko"})
        client.get(f"/t/{table_of(shop).code}")
        with CaptureQueriesContext(connection) as seen:
            client.get(f"/t/{table_of(shop).code}")
        return len(seen)

    before = asked(noodles)
    with fence.within_shop(noodles.pk):
        section = menus.sections_of(noodles)[0]
        for n in range(3):
            menu.add_item(
                shop=noodles,
                section=section,
                name={"ko": f"새 국수 {n}"},
                price=9_000,
                popular=True,
                by="staff:test",
                at=cast.NOON,
            )
    assert asked(noodles) == before


def test_last_times_meal_is_two_taps_away(noodles: Shop) -> None:
    table = table_of(noodles)
    phone = Phone().scan(table).add(cast.item_of(noodles, "잔치국수").public_id)
    phone.open(f"/t/{table.code}/basket").press("/orders", ("how", "counter"))
    order = phone.at.rsplit("/", 1)[1]
    with fence.within_shop(noodles.pk):
        placed = queries.order_of_shop(noodles, order)
        assert placed.bill
        assert placed.visit
        ordering.settle_at_counter(bill=placed.bill, by="staff:test", at=cast.NOON)
        ordering.move_order(shop=noodles, order=order, to=OrderState.READY, by="staff:test", at=cast.NOON)
        ordering.move_order(shop=noodles, order=order, to=OrderState.SERVED, by="staff:test", at=cast.NOON)
        ordering.close_visit(visit=placed.visit, by="staff:test", at=cast.NOON)
    phone.client.cookies.pop("visit")
    phone.scan(table)
    assert "지난번처럼" in phone.text
    phone.press("/basket/repetition")
    assert "잔치국수" in phone.text
    assert ("how", "counter") in [button for form in phone.reader.forms for button in form.buttons]


def test_a_sold_out_dish_is_wished_for_with_one_tap_by_a_phone_nobody_knows(noodles: Shop) -> None:
    item, table = cast.item_of(noodles, "잔치국수"), table_of(noodles)
    page = f"/t/{table.code}/items/{item.public_id}"
    phone = Phone().scan(table).open(page)
    assert "다시 나오면" not in phone.text
    with fence.within_shop(noodles.pk):
        found = menus.item_by_public_id(noodles, item.public_id)
        menu.mark_sold_out(shop=noodles, item=found, sold_out=True, by="staff:test", at=cast.NOON)
    phone.open(page).press(page, ("wish", "yes"))
    assert "알림함으로 한 번 알려 드릴게요" in phone.text
    phone.press(page, ("wish", "no"))
    assert "다시 나오면 알려 주세요" in phone.text
