"""The line over the menu: one tap without JavaScript, in two languages, for friends who are back and whom the coin lets."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dure.campaigns import queries as campaigns
from dure.kit import clock
from dure.menu.models import Item
from dure.ordering import actions as ordering
from dure.ordering import queries as orders
from dure.shops import actions as shop_actions
from dure.shops import fence
from dure.shops.models import Shop
from dure.targeting.models import Sequel, Suggestion
from dure.targeting.values import NEXT_HELD, NEXT_UNIT, SUGGESTION_HELD, SUGGESTION_UNIT
from tests import cast
from tests.web.customer.conftest import table_of
from tests.web.customer.phone import Phone
from tests.web.customer.test_friendship import joined, page

REASON, BEST = "잔치국수를 드신 분들이 다음에 많이 고른 메뉴예요", "많이들 찾으시는데 아직 안 드셔 본 메뉴예요"


def coin(monkeypatch: pytest.MonkeyPatch, *, holds: bool) -> None:
    monkeypatch.setattr("dure.web.customer.pages.menu.campaigns.is_held_out", lambda place, unit, share: holds)


def follows(shop: Shop, item: str | None, dish: str) -> None:
    with fence.within_shop(shop.pk):
        Sequel.objects.create(
            shop=shop, item_id=cast.item_of(shop, item).id if item else None, dish_id=cast.item_of(shop, dish).id, chance=0.5, people=9
        )  # fmt: skip


def back(shop: Shop, **ticked: str) -> Phone:
    """A friend who had noodles on an earlier visit, about to scan again."""
    phone = joined(shop, **ticked)
    with fence.within_shop(shop.pk):
        for visit in orders.open_visits(shop):
            ordering.close_visit(visit=visit, by="staff:test", at=cast.NOON)
    phone.client.cookies.pop("visit")
    return phone


def kept(shop: Shop) -> list[tuple[str, bool]]:
    with fence.within_shop(shop.pk):
        return list(Suggestion.objects.filter(shop=shop).values_list("place", "shown"))


def test_a_friend_who_is_back_is_offered_one_dish_and_why_and_takes_it_with_one_tap(
    noodles: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    coin(monkeypatch, holds=False)
    follows(noodles, "잔치국수", "식혜")
    phone = back(noodles, taste="on").scan(table_of(noodles))
    assert REASON in phone.text
    assert phone.html.index(REASON) < phone.html.index('id="best"')
    line = next(form for form in phone.reader.forms if ("item", cast.item_of(noodles, "식혜").public_id) in form.fields)
    phone.press(line.action)
    assert phone.status == 200
    phone.open(f"/t/{table_of(noodles).code}/basket")
    assert "식혜" in phone.text
    assert REASON not in phone.scan(table_of(noodles)).text, "it is in the basket"
    assert kept(noodles) == [("menu", True)]


def test_it_is_said_in_english_too(noodles: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    coin(monkeypatch, holds=False)
    follows(noodles, "잔치국수", "식혜")
    phone = back(noodles, taste="on").open(f"/t/{table_of(noodles).code}", **{"Accept-Language": "en"})
    assert "Often chosen next by people who had Warm noodle soup" in phone.text


def test_the_best_seller_is_called_so_in_both_languages(noodles: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    coin(monkeypatch, holds=False)
    follows(noodles, None, "식혜")
    phone = back(noodles, taste="on").scan(table_of(noodles))
    assert BEST in phone.text
    phone.open(f"/t/{table_of(noodles).code}", **{"Accept-Language": "en"})
    assert "Often ordered here, and you have not had it yet" in phone.text


def test_the_held_out_see_nothing_on_any_reload_and_are_counted(noodles: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    coin(monkeypatch, holds=True)
    follows(noodles, "잔치국수", "식혜")
    phone = back(noodles, taste="on").scan(table_of(noodles))
    assert REASON not in phone.text
    coin(monkeypatch, holds=False)
    assert REASON not in phone.scan(table_of(noodles)).text
    assert kept(noodles) == [("menu", False)]


def test_the_coin_holds_out_its_share_always_the_same_and_not_those_of_the_basket(db: None) -> None:
    def held(unit: str, share: float) -> list[bool]:
        return [campaigns.is_held_out(n, unit=unit, share=share) for n in range(4_000)]

    menu, basket = held(NEXT_UNIT, NEXT_HELD), held(SUGGESTION_UNIT, SUGGESTION_HELD)
    assert menu == held(NEXT_UNIT, NEXT_HELD)
    assert abs(sum(menu) / 4_000 - NEXT_HELD) < 0.03
    both = sum(a and b for a, b in zip(menu, basket, strict=True)) / 4_000
    assert abs(both - NEXT_HELD * SUGGESTION_HELD) < 0.03


@pytest.mark.parametrize("ticked", [{}, {"advertising": "on"}])
def test_a_friend_who_did_not_agree_to_taste_is_offered_nothing(
    noodles: Shop, monkeypatch: pytest.MonkeyPatch, ticked: dict[str, str]
) -> None:
    coin(monkeypatch, holds=False)
    follows(noodles, "잔치국수", "식혜")
    assert REASON not in back(noodles, **ticked).scan(table_of(noodles)).text
    assert kept(noodles) == []


def test_what_sold_out_meanwhile_is_no_longer_offered(noodles: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    coin(monkeypatch, holds=False)
    follows(noodles, "잔치국수", "식혜")
    phone = back(noodles, taste="on").scan(table_of(noodles))
    assert REASON in phone.text
    with fence.within_shop(noodles.pk):
        Item.objects.filter(pk=cast.item_of(noodles, "식혜").id).update(sold_out=True)
    assert REASON not in phone.scan(table_of(noodles)).text


def test_nothing_is_offered_while_the_shop_takes_no_orders_nor_beside_a_search(
    noodles: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    coin(monkeypatch, holds=False)
    follows(noodles, "잔치국수", "식혜")
    phone = back(noodles, taste="on")
    with fence.within_shop(noodles.pk):
        shop_actions.pause_orders(shop=noodles, minutes=60, by="staff:test", at=cast.NOON)
    assert REASON not in phone.scan(table_of(noodles)).text
    assert kept(noodles) == []
    with clock.showing(lambda: cast.NOON + timedelta(hours=2)):
        assert REASON not in phone.open(f"/t/{table_of(noodles).code}?q=국수").text
        assert REASON in phone.scan(table_of(noodles)).text


def test_a_phone_that_nobody_knows_costs_no_question_more(noodles: Shop) -> None:
    phone = Phone().scan(table_of(noodles))
    with CaptureQueriesContext(connection) as seen:
        phone.scan(table_of(noodles))
    assert not [one for one in seen if "targeting_" in one["sql"] or "people_consent" in one["sql"]]
    assert page(noodles) not in phone.reader.links
