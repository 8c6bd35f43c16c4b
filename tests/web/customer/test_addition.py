"""The line at the basket: one tap without JavaScript, in two languages, and nothing for those whom the coin holds out."""

import pytest

from dure.campaigns import queries as campaigns
from dure.menu.models import Item
from dure.ordering import queries as orders
from dure.shops import fence
from dure.shops.models import Shop
from dure.targeting.models import Pairing, Suggestion
from dure.targeting.values import SUGGESTION_HELD, SUGGESTION_UNIT
from tests import cast
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone
from tests.web.customer.test_basket import order_form, with_noodles
from tests.web.customer.test_basket import orders as orders_placed


@pytest.fixture
def pairs(noodles: Shop) -> Shop:
    with fence.within_shop(noodles.pk):
        Pairing.objects.create(
            shop=noodles, item_id=cast.item_of(noodles, "잔치국수").id, addition_id=cast.item_of(noodles, "식혜").id, extra=0.3, orders=9
        )  # fmt: skip
    return noodles


def coin(monkeypatch: pytest.MonkeyPatch, *, holds: bool) -> None:
    monkeypatch.setattr("dure.web.customer.pages.basket.campaigns.is_held_out", lambda place, unit, share: holds)


def kept(shop: Shop) -> list[bool]:
    with fence.within_shop(shop.pk):
        return list(Suggestion.objects.filter(shop=shop).values_list("shown", flat=True))


def test_one_tap_adds_it_and_the_basket_stays_open(pairs: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    coin(monkeypatch, holds=False)
    phone = with_noodles(pairs)
    assert "같이 많이 주문해요" in phone.text
    phone.press("/basket/addition")
    both = cast.item_of(pairs, "잔치국수").price + cast.item_of(pairs, "식혜").price
    assert f"{both:,}원" in phone.text
    assert "같이 많이 주문해요" not in phone.text, "it is asked once"
    assert phone.at.endswith("/basket")
    phone.client.post(f"/t/{table_of(pairs).code}/orders", {**order_form(phone), "how": "counter"})
    assert orders_placed(pairs) == 1
    assert kept(pairs) == [True]


def test_it_is_said_in_english_too(pairs: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    coin(monkeypatch, holds=False)
    phone = with_noodles(pairs, Phone(**{"Accept-Language": "en"}))
    assert "Often ordered with this" in phone.text
    assert "Sweet rice drink" in phone.text


def test_the_held_out_see_nothing_and_are_counted(pairs: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    coin(monkeypatch, holds=True)
    phone = with_noodles(pairs)
    assert "같이 많이 주문해요" not in phone.text
    assert kept(pairs) == [False]
    coin(monkeypatch, holds=False)
    assert "같이 많이 주문해요" not in phone.open(phone.at).text


def test_what_sold_out_in_the_meantime_is_refused_and_no_longer_shown(
    pairs: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    coin(monkeypatch, holds=False)
    phone = with_noodles(pairs)
    with fence.within_shop(pairs.pk):
        Item.objects.filter(pk=cast.item_of(pairs, "식혜").id).update(sold_out=True)
    phone.press("/basket/addition")
    assert phone.status == 409
    assert "같이 많이 주문해요" not in phone.open(f"/t/{table_of(pairs).code}/basket").text


def test_the_basket_without_a_pairing_is_as_before(noodles: Shop) -> None:
    phone = with_noodles(noodles)
    assert not any(form.action.endswith("/addition") for form in phone.reader.forms)
    assert kept(noodles) == []
    with fence.within_shop(noodles.pk):
        assert orders.open_visits(noodles).count() == 1


def test_the_coin_holds_out_its_share(db: None) -> None:
    held = sum(campaigns.is_held_out(n, unit=SUGGESTION_UNIT, share=SUGGESTION_HELD) for n in range(4_000))
    assert abs(held / 4_000 - SUGGESTION_HELD) < 0.03
