import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dure.kit import ids
from dure.menu import actions as menu
from dure.menu import queries as menus
from dure.ordering import queries
from dure.shops import actions as shops
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone

COUNTER = ("how", "counter")


def with_noodles(shop: Shop, phone: Phone | None = None, bowls: int = 1) -> Phone:
    """A phone that put 잔치국수 into its table's basket, looking at the basket."""
    table = table_of(shop)
    phone = phone or Phone()
    for _ in range(bowls):
        phone.scan(table).add(cast.item_of(shop, "잔치국수").public_id)
    return phone.open(f"/t/{table.code}/basket")


def orders(shop: Shop) -> int:
    with fence.within_shop(shop.pk):
        return queries.orders_of_shop(shop).count()


def order_form(phone: Phone) -> dict[str, str]:
    return dict(next(form for form in phone.reader.forms if form.action.endswith("/orders")).fields)


def test_two_phones_share_one_basket(noodles: Shop) -> None:
    first, second = with_noodles(noodles), with_noodles(noodles, Phone())
    price = cast.item_of(noodles, "잔치국수").price
    first.open(first.at)
    assert f"{2 * price:,}원" in first.text
    line = next(form for form in second.reader.forms if "/basket/lines/" in form.action)
    second.press(line.action, ("quantity", "1"))
    assert f"{price:,}원" in first.open(first.at).text


def test_the_same_basket_has_the_same_key_on_every_phone_until_it_changes(noodles: Shop) -> None:
    first = with_noodles(noodles)
    second = Phone().scan(table_of(noodles)).open(first.at)
    assert order_form(first)["key"] == order_form(second)["key"]
    before = order_form(first)["key"]
    with_noodles(noodles, second)
    assert order_form(first.open(first.at))["key"] != before


def test_a_double_tap_is_one_order(noodles: Shop) -> None:
    phone = with_noodles(noodles)
    form = {**order_form(phone), "how": "counter"}
    path = f"/t/{table_of(noodles).code}/orders"
    answers = [phone.client.post(path, form) for _ in range(3)]
    assert {answer["Location"] for answer in answers} == {answers[0]["Location"]}
    assert orders(noodles) == 1


@pytest.mark.django_db(transaction=True)
def test_a_tap_that_is_sent_many_times_at_once_is_one_order(noodles: Shop) -> None:
    phone = with_noodles(noodles)
    form = {**order_form(phone), "how": "counter"}
    cookies = {name: morsel.value for name, morsel in phone.client.cookies.items()}

    def send(_: int) -> str:
        client = Client(enforce_csrf_checks=True)
        for name, value in cookies.items():
            client.cookies[name] = value
        try:
            return str(client.post(f"/t/{table_of(noodles).code}/orders", form).get("Location"))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as phones:
        answers = set(phones.map(send, range(6)))
    assert len(answers) == 1
    assert answers.pop().startswith("/orders/")
    assert orders(noodles) == 1


def test_our_script_is_told_where_to_go(noodles: Shop) -> None:
    phone = with_noodles(noodles)
    answer = phone.client.post(
        f"/t/{table_of(noodles).code}/orders",
        {**order_form(phone), "how": "counter"},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 201
    told = json.loads(answer.content)
    assert told["go"] == f"/orders/{told['order']}"
    assert told["bill"].startswith("bil_")


def test_a_dish_that_sold_out_in_the_basket_is_named_and_can_be_taken_out(noodles: Shop) -> None:
    phone = with_noodles(noodles)
    item = cast.item_of(noodles, "잔치국수")
    with fence.within_shop(noodles.pk):
        found = menus.item_by_public_id(noodles, item.public_id)
        menu.mark_sold_out(shop=noodles, item=found, sold_out=True, by="staff:test", at=cast.NOON)
    phone.press("/orders", COUNTER)
    assert phone.status == 409
    assert "잔치국수가 방금 품절됐어요. 빼고 주문할까요?" in phone.text
    line = next(form for form in phone.reader.forms if "/basket/lines/" in form.action)
    phone.press(line.action, ("quantity", "0"))
    assert "아직 담은 메뉴가 없어요" in phone.text
    assert orders(noodles) == 0


def test_a_price_that_changed_is_shown_before_it_is_paid(noodles: Shop) -> None:
    phone = with_noodles(noodles)
    item = cast.item_of(noodles, "잔치국수")
    with fence.within_shop(noodles.pk):
        found = menus.item_by_public_id(noodles, item.public_id)
        menu.change_item(shop=noodles, item=found, price=item.price + 1_500, by="staff:test", at=cast.NOON)
    phone.press("/orders", COUNTER)
    assert phone.status == 409
    assert "가격이 바뀌었어요" in phone.text
    assert f"{item.price + 1_500:,}원" in phone.text
    phone.press("/orders", COUNTER)
    assert phone.at.startswith("/orders/")


def test_a_shop_that_paused_keeps_the_basket(noodles: Shop) -> None:
    phone = with_noodles(noodles)
    shops.pause_orders(shop=noodles, minutes=10, by="staff:test", at=cast.NOON)
    phone.press("/orders", COUNTER)
    assert phone.status == 409
    assert "잔치국수" in phone.text
    assert orders(noodles) == 0


@pytest.mark.parametrize(
    "typed",
    [
        {"expected_total": "1"},
        {"expected_total": "-1"},
        {"expected_total": str(2**63)},
        {"how": "free"},
        {"key": "short"},
        {"key": "x" * 5_000},
        {"coupon": "cpn_00000000000000000000000000"},
        {"coupon": "'; DROP TABLE"},
        {"lines": "[]["},
        {"lines": '[{"item": 1}]'},
        {"lines": '[{"item": "itm_00000000000000000000000000", "quantity": 1}]'},
        {"lines": "[" * 19_000},
        {"lines": '{"item": "x"}'},
    ],
)
def test_a_forged_order_is_refused_in_words_and_nothing_is_ordered(noodles: Shop, typed: dict[str, str]) -> None:
    phone = with_noodles(noodles)
    phone.press("/orders", None if "how" in typed else COUNTER, **typed)
    assert phone.status in (404, 409, 422)
    assert phone.reader.text
    assert orders(noodles) == 0


@pytest.mark.parametrize("quantity", ["0", "-1", "100", "99999999999999999999", "eins", "1e3", "NaN"])
def test_a_wild_quantity_is_refused(noodles: Shop, quantity: str) -> None:
    phone = Phone().scan(table_of(noodles))
    item = cast.item_of(noodles, "잔치국수").public_id
    phone.press("/basket/lines", item=item, quantity=quantity)
    assert phone.status == 422


@pytest.mark.parametrize(
    "item", ["", "itm_", "ord_00000000000000000000000000", "itm_00000000000000000000000000", "../x", "국수"]
)
def test_an_unknown_item_is_refused(noodles: Shop, item: str) -> None:
    phone = Phone().scan(table_of(noodles)).press("/basket/lines", item=item)
    assert phone.status in (404, 409, 422)


def test_another_shops_item_does_not_get_into_the_basket(noodles: Shop, pot_rice: Shop) -> None:
    theirs = next(iter(_menu(pot_rice))).public_id
    phone = Phone().scan(table_of(noodles)).press("/basket/lines", item=theirs)
    assert phone.status == 409
    assert orders(noodles) == 0


def _menu(shop: Shop) -> list[menus.MenuItem]:
    with fence.within_shop(shop.pk):
        return list(menus.menu_of(shop).items())


def test_without_a_visit_nothing_can_be_added(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles))
    phone.client.cookies["visit"] = "vis_00000000000000000000000000:forged"
    phone.press("/basket/lines", item=cast.item_of(noodles, "잔치국수").public_id)
    assert phone.status == 409
    assert "QR을 한 번 더 찍어 주세요" in phone.text


def test_a_form_without_its_token_is_refused(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles))
    answer = phone.client.post(f"/t/{table_of(noodles).code}/basket/lines", {"item": ids.new_public_id("itm")})
    assert answer.status_code == 403


def test_the_basket_asks_as_many_questions_for_three_lines_as_for_one(noodles: Shop) -> None:
    phone = with_noodles(noodles)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            phone.open(f"/t/{table_of(noodles).code}/basket")
        return len(seen)

    one = asked()
    plain = [item for item in _menu(noodles) if item.plain and not item.sold_out][1:3]
    for item in plain:
        phone.scan(table_of(noodles)).add(item.public_id)
    assert asked() == one
