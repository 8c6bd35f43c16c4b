"""Who sees which page of the console, and that another shop's ids lead nowhere. The generated matrix asks the same of
every address; here the reasons can be read."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dure.menu.queries import menu_of
from dure.offers.models import Offer
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.shops import actions as shops
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.web.console.conftest import ordered, table_of
from tests.web.console.desk import Desk

PAGES = (
    "today",
    "kitchen",
    "board",
    "sold_out",
    "orders",
    "entry",
    "tables",
    "stands",
    "menu",
    "new_item",
    "menu_import",
)
MORE = ("friends", "staff", "offers", "settings")
DETAILS = ("order", "refusal", "table", "section", "item")


@pytest.fixture
def theirs(db: None) -> dict[str, str]:
    """What there is in another shop."""
    shop = cast.zelkova_coffee()
    order = ordered(shop)
    with fence.within_shop(shop.pk):
        ordering.call_staff(table=table_of(shop), why="staff", at=cast.NOON)
        section = menu_of(shop).sections[0]
        offer = Offer.objects.filter(shop=shop).first()
        assert order.bill
        assert order.visit
        assert offer
        return {
            "order": order.public_id,
            "bill": order.bill.public_id,
            "visit": order.visit.public_id,
            "table": table_of(shop).public_id,
            "call": queries.open_calls(shop)[0].public_id,
            "section": section.public_id,
            "item": section.items[0].public_id,
            "offer": offer.public_id,
            "person": cast.person(cast.YOUNGHEE).public_id,
        }


@pytest.mark.parametrize("page", [*PAGES, *MORE])
def test_a_stranger_to_the_shop_learns_nothing(noodles: Shop, page: str) -> None:
    cast.zelkova_coffee()
    assert Desk(cast.person(cast.YOUNGHEE), noodles).open(page).status == 404
    answer = Client().get(reverse(f"console:{page}", args=[noodles.public_id]))
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/accounts/login/")


OTHERS = [
    ("order", "order"), ("refusal", "order"), ("table", "table"), ("section", "section"), ("item", "item"),
]  # fmt: skip


@pytest.mark.parametrize(("page", "kind"), OTHERS)
def test_another_shops_things_are_not_found_under_ones_own_shop(
    owner: Desk, theirs: dict[str, str], page: str, kind: str
) -> None:
    assert owner.open(page, theirs[kind]).status == 404


DEEDS = [
    ("state", "order", {"to": "accepted"}), ("recall", "order", {}), ("refusal", "order", {"reason": "x"}),
    ("settlement", "bill", {}), ("section", "section", {"ko": "x"}), ("section_place", "section", {"to": "0"}),
    ("item", "item", {"name_ko": "x", "price": "1"}), ("item_place", "item", {"to": "0"}),
    ("item_sold_out", "item", {"sold_out": "1"}), ("item_photo", "item", {"remove": "1"}),
    ("item_options", "item", {}), ("item_retirement", "item", {}), ("table_name", "table", {"name": "x"}),
    ("table_retirement", "table", {}), ("table_code", "table", {}), ("seat", "table", {}),
    ("visit_check", "visit", {}), ("visit_closing", "visit", {}), ("visit_move", "visit", {"table": "x"}),
    ("visit_merge", "visit", {"into": "x"}), ("visit_bill", "visit", {}), ("role", "person", {"role": "kitchen"}),
    ("dismissal", "person", {}),
]  # fmt: skip


@pytest.mark.parametrize(("page", "kind", "typed"), DEEDS)
def test_another_shops_things_cannot_be_touched(
    owner: Desk, theirs: dict[str, str], page: str, kind: str, typed: dict[str, str]
) -> None:
    token = owner.open("kitchen").forms_for("pause")[0].fields
    answer = owner.client.post(owner.url(page, theirs[kind]), {**token, **typed})
    assert answer.status_code == 404


def test_the_kitchen_does_not_see_the_money(noodles: Shop) -> None:
    cook = Desk(cast.person(cast.CHEOLSU), noodles)
    assert (cook.open("kitchen").status, cook.open("money").status, cook.open("staff").status) == (200, 403, 403)


def test_a_form_without_its_token_does_nothing(noodles: Shop, owner: Desk) -> None:
    assert owner.client.post(owner.url("pause"), {"minutes": "10"}).status_code == 403
    assert Shop.objects.get(pk=noodles.pk).paused_until is None


def test_somebody_dismissed_is_out_at_once(noodles: Shop) -> None:
    cook = Desk(cast.person(cast.CHEOLSU), noodles)
    assert cook.open("kitchen").status == 200
    shops.dismiss(shop=noodles, person=cast.person(cast.CHEOLSU), by="test", at=cast.NOON + timedelta(minutes=1))
    assert cook.open("kitchen").status == 404


@pytest.mark.parametrize(
    "page", ["today", "kitchen", "board", "orders", "tables", "friends", "staff", "menu", "offers"]
)
def test_pages_ask_as_many_questions_for_three_as_for_one(noodles: Shop, owner: Desk, page: str) -> None:
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert owner.open(page).status == 200
        return len(seen)

    def grow(n: int) -> None:
        ordered(noodles, n, key=f"paid-order-{n}")
        ordered(noodles, n, key=f"open-order-{n}", paid=False)
        with fence.within_shop(noodles.pk):
            ordering.call_staff(table=table_of(noodles, n), why="staff", at=cast.NOON)

    grow(0)
    owner.open(page)
    one = asked()
    grow(1)
    grow(2)
    assert asked() == one
    assert one <= 25
