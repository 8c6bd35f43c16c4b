from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from dure.kit import clock
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.ordering.values import OrderState
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.provider import Sandbox
from tests.web.console.desk import Desk
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone
from tests.web.customer.test_basket import COUNTER, with_noodles

BY = "staff:test"


def waiting(shop: Shop) -> Phone:
    return with_noodles(shop).press("/orders", COUNTER)


def settle(shop: Shop, phone: Phone) -> None:
    with fence.within_shop(shop.pk):
        placed = queries.order_of_shop(shop, order_of(phone))
        assert placed.bill
        ordering.settle_at_counter(bill=placed.bill, by=BY, at=cast.NOON)


def order_of(phone: Phone) -> str:
    return phone.at.rsplit("/", 1)[1]


def move(shop: Shop, phone: Phone, to: OrderState) -> None:
    with fence.within_shop(shop.pk):
        ordering.move_order(shop=shop, order=order_of(phone), to=to, by=BY, at=cast.NOON)


def back_from(sandbox: Sandbox, phone: Phone, button: str = "approval") -> str:
    """Press a button on the provider's page; where it sends the browser back to, on our side."""
    back = urlsplit(sandbox.press(phone.answer["Location"], button))
    return f"{back.path}?{back.query}"


def test_an_unpaid_order_asks_to_be_paid_at_the_counter(noodles: Shop) -> None:
    phone = waiting(noodles)
    assert phone.status == 200
    assert "카운터에서 결제해 주세요" in phone.text
    assert "영수증" not in phone.text


def test_the_order_walks_through_its_steps_and_keeps_its_receipt(noodles: Shop) -> None:
    phone = waiting(noodles)
    settle(noodles, phone)
    for state, words in (
        (None, "가게에 전달됐어요"),
        (OrderState.ACCEPTED, "주문을 받았어요"),
        (OrderState.COOKING, "요리하고 있어요"),
        (OrderState.READY, "준비됐어요"),
        (OrderState.SERVED, "맛있게 드세요"),
    ):
        if state:
            move(noodles, phone, state)
        phone.open(phone.at)
        assert words in phone.text
        assert "영수증" in phone.text
        assert "부가세 포함" in phone.text
        fragment = phone.client.get(f"{phone.at}/state").content.decode()
        assert words in fragment
        assert "<html" not in fragment


def test_the_swapped_part_is_what_a_fresh_page_holds(noodles: Shop) -> None:
    phone = waiting(noodles)
    settle(noodles, phone)
    fresh = phone.open(phone.at).html
    part = phone.client.get(f"{phone.at}/state").content.decode().strip()
    assert part in fresh


def test_a_refused_order_says_why_and_where_the_money_is(noodles: Shop) -> None:
    phone = waiting(noodles)
    settle(noodles, phone)
    with fence.within_shop(noodles.pk):
        ordering.refuse_order(shop=noodles, order=order_of(phone), reason="국물이 떨어졌어요", by=BY, at=cast.NOON)
    phone.open(phone.at)
    assert "주문을 받지 못했어요" in phone.text
    assert "국물이 떨어졌어요" in phone.text
    assert "돌려드릴게요" in phone.text


def test_stepping_back_and_putting_the_same_into_the_basket_again(noodles: Shop) -> None:
    phone = waiting(noodles).press("/cancellation")
    assert "주문이 취소됐어요" in phone.text
    phone.press("/basket/repetition")
    assert phone.at.endswith("/basket")
    assert "잔치국수" in phone.text


def test_another_phone_learns_nothing_about_an_order(noodles: Shop) -> None:
    phone, stranger = waiting(noodles), Phone().scan(table_of(noodles, 1))
    bill = next(form.action for form in phone.reader.forms if form.action.endswith("/payment"))
    assert stranger.open(phone.at).status == 404
    assert stranger.open(f"{phone.at}/state").status == 404
    stranger.scan(table_of(noodles, 1))
    token = dict(stranger.reader.forms[0].fields)["csrfmiddlewaretoken"]
    for path in (f"{phone.at}/cancellation", bill, bill.replace("/payment", "/coupon")):
        answer = stranger.client.post(path, {"csrfmiddlewaretoken": token, "how": "counter", "coupon": "none"})
        assert answer.status_code == 404
    assert "카운터에서 결제해 주세요" in phone.open(phone.at).text


@pytest.mark.django_db(transaction=True)
def test_paying_online_leads_to_the_provider_and_back_to_the_order(noodles: Shop, sandbox: Sandbox) -> None:
    phone = with_noodles(noodles).press("/orders", ("how", "provider"))
    assert urlsplit(phone.answer["Location"]).port == urlsplit(sandbox.url).port
    phone.open(back_from(sandbox, phone))
    assert "가게에 전달됐어요" in phone.text
    assert "카카오페이" in phone.text


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_payment_says_that_nothing_was_charged_and_can_be_tried_again(
    noodles: Shop, sandbox: Sandbox
) -> None:
    phone = with_noodles(noodles).press("/orders", ("how", "provider"))
    phone.open(back_from(sandbox, phone, "cancel"))
    assert "돈은 빠져나가지 않았어요" in phone.text
    phone.press("/payment", ("how", "provider"))
    phone.open(back_from(sandbox, phone))
    assert "가게에 전달됐어요" in phone.text


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_got_lost_is_being_checked_and_may_not_be_paid_again(noodles: Shop, sandbox: Sandbox) -> None:
    sandbox.faults(approve={"kind": "cut", "count": 1})
    phone = with_noodles(noodles).press("/orders", ("how", "provider"))
    phone.open(back_from(sandbox, phone))
    assert "결제 결과를 확인하고 있어요" in phone.text
    assert 'data-every="3"' in phone.html
    assert not any(form.action.endswith("/payment") for form in phone.reader.forms)


def test_a_guest_hears_that_the_kitchen_screen_is_gone_and_the_board_brings_it_back(noodles: Shop) -> None:
    phone = waiting(noodles)
    settle(noodles, phone)
    late = "주문이 늦게 전달될 수 있어요."
    cook = Desk(cast.person(cast.CHEOLSU), noodles)
    with clock.showing(lambda: cast.NOON):
        cook.open("kitchen")
    with clock.showing(lambda: cast.NOON + timedelta(seconds=50)):
        assert late not in phone.open(phone.at).text
    with clock.showing(lambda: cast.NOON + timedelta(seconds=70)):
        assert late in phone.open(phone.at).text
        cook.open("board")
        assert late not in phone.open(phone.at).text
