"""Guests see the ways to pay that the shop left on, and no other way takes their money."""

import pytest

from dure.checkouts import actions as checkouts
from dure.checkouts.errors import ShopTakesNoMoney
from dure.checkouts.values import CheckoutKind
from dure.ordering.values import OrderState
from dure.shops import actions as shops
from dure.shops import fence
from dure.shops.errors import NoWayLeft, WayNotTaken
from dure.shops.models import Shop
from tests import cast
from tests.provider import Sandbox
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone
from tests.web.customer.test_basket import orders, with_noodles


def switch_off(shop: Shop, *ways: str, online: bool = True) -> Shop:
    with fence.within_shop(shop.pk):
        return shops.update_shop(shop=shop, by="staff:test", at=cast.NOON, ways_off=list(ways), takes_online=online)


def buttons(phone: Phone, ending: str) -> list[str]:
    form = next(form for form in phone.reader.forms if form.action.endswith(ending))
    return [value for name, value in form.buttons if name == "how"]


@pytest.mark.parametrize(
    ("off", "seen"),
    [
        ((), ["provider", "toss", "counter"]),
        (("toss",), ["provider", "counter"]),
        (("kakaopay",), ["provider", "counter"]),
        (("counter",), ["provider", "toss"]),
        (("kakaopay", "toss", "wallet"), ["counter"]),
    ],
)
def test_a_basket_offers_what_the_shop_left_on(noodles: Shop, off: tuple[str, ...], seen: list[str]) -> None:
    switch_off(noodles, *off)
    assert buttons(with_noodles(noodles), "/orders") == seen


def test_the_first_that_is_left_is_the_default(noodles: Shop) -> None:
    switch_off(noodles, "kakaopay")
    page = with_noodles(noodles)
    assert "토스페이로 결제" in page.text
    assert "카카오페이" not in page.text


def test_a_way_that_is_off_takes_no_order(noodles: Shop) -> None:
    phone = with_noodles(noodles)
    switch_off(noodles, "counter")
    phone.press("/orders", ("how", "counter"))
    assert (phone.status, orders(noodles)) == (409, 0)
    assert "이 가게에서 받지 않는 결제 방법이에요" in phone.text


@pytest.mark.django_db(transaction=True)
def test_a_way_that_went_off_meanwhile_moves_no_money(noodles: Shop, sandbox: Sandbox) -> None:
    phone = with_noodles(noodles)
    switch_off(noodles, "toss")
    phone.press("/orders", ("how", "toss"))
    assert phone.at.startswith("/orders/")  # the order waits, and its page offers what is left
    with fence.across_shops():
        from dure.ordering.models import Order
        from dure.payments.models import Payment

        assert Order.objects.get().state == OrderState.WAITING
        assert not Payment.objects.exists()
    assert "toss" not in buttons(phone, "/payment")


@pytest.mark.django_db(transaction=True)
def test_trying_again_with_another_provider_asks_that_provider(noodles: Shop, sandbox: Sandbox) -> None:
    phone = with_noodles(noodles).press("/orders", ("how", "counter"))
    form = next(form for form in phone.reader.forms if form.action.endswith("/payment"))
    answer = phone.client.post(form.action, {**dict(form.fields), "how": "toss"})
    with fence.across_shops():
        from dure.ordering.models import StaffCall
        from dure.payments.models import Payment

        assert Payment.objects.get().provider == "toss"
        assert not StaffCall.objects.exists()
    assert answer["Location"].startswith("http")


def test_a_tab_and_a_split_bill_know_it_too(pot_rice: Shop) -> None:
    switch_off(pot_rice, "counter", "toss")
    phone = Phone().scan(table_of(pot_rice))
    item = next(form for form in phone.reader.forms if form.action.endswith("/basket/lines"))
    phone.press(item.action)
    phone.open(f"/t/{table_of(pot_rice).code}/basket").press("/orders", ("how", "tab"))
    phone.open(f"/t/{table_of(pot_rice).code}/bill")
    assert buttons(phone, "/bill") == ["provider", "split"]
    phone.press("/bill", ("how", "split"))
    assert buttons(phone, phone.at.partition("?")[0]) == ["provider"]


def test_a_payment_page_shows_only_these(noodles: Shop) -> None:
    with fence.within_shop(noodles.pk):
        asked = checkouts.open_checkout(
            shop=noodles, kind=CheckoutKind.TILL, amount=5_000, key="k", by="staff:test", at=cast.NOON
        )
    switch_off(noodles, "kakaopay")
    page = Phone().open(f"/pay/{asked.code}")
    assert "토스페이로 결제" in page.text
    assert "카카오페이" not in page.text
    switch_off(noodles, "kakaopay", "toss", "wallet")
    assert "더는 결제할 수 없어요" in Phone().open(f"/pay/{asked.code}").text


def test_links_may_be_switched_off_by_themselves(noodles: Shop) -> None:
    noodles = switch_off(noodles, "link")
    with fence.within_shop(noodles.pk):
        for kind, key in ((CheckoutKind.TILL, "a"), (CheckoutKind.API, "b")):
            checkouts.open_checkout(shop=noodles, kind=kind, amount=5_000, key=key, by="staff:test", at=cast.NOON)
        with pytest.raises(WayNotTaken):
            checkouts.open_checkout(
                shop=noodles, kind=CheckoutKind.LINK, amount=5_000, key="c", by="staff:test", at=cast.NOON
            )
        noodles = switch_off(noodles, "kakaopay", "toss", "wallet")
        with pytest.raises(ShopTakesNoMoney):
            checkouts.open_checkout(
                shop=noodles, kind=CheckoutKind.TILL, amount=5_000, key="d", by="staff:test", at=cast.NOON
            )


@pytest.mark.parametrize(
    ("off", "online"),
    [(("counter",), False), (("counter", "kakaopay", "toss"), True), (("counter", "kakaopay", "toss", "wallet"), True)],
)
def test_one_way_that_everybody_has_stays(noodles: Shop, off: tuple[str, ...], online: bool) -> None:
    with pytest.raises(NoWayLeft):
        switch_off(noodles, *off, online=online)
    assert switch_off(noodles, *off[1:], online=online).ways_off == sorted(off[1:])
