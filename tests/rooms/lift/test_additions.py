"""What the lines at the basket and over the menu brought: one sentence about a month that is over, by the coin's groups."""

from datetime import datetime, timedelta

import pytest

from dure.kit import ids
from dure.lift import queries
from dure.ordering import actions as ordering
from dure.ordering.models import Visit
from dure.ordering.values import Wanted
from dure.people import actions as people
from dure.shops import fence
from dure.shops.models import Shop
from dure.targeting.models import Suggestion
from dure.targeting.values import Place
from tests import cast
from tests.cast import NOON

pytestmark = pytest.mark.django_db
DECEMBER = datetime(2026, 12, 1, tzinfo=cast.NOON.tzinfo) + timedelta(hours=1)


def visits(shop: Shop, *, shown: bool, took: int, of: int, place: Place = Place.BASKET) -> None:
    """Visits of the coin's group, of which `took` ordered what was suggested."""
    punch = cast.item_of(shop, "식혜")
    rows = Visit.objects.bulk_create(
        Visit(
            shop=shop, table=shop_table(shop), public_id=ids.new_public_id("vis"), opened_at=NOON, last_active_at=NOON, closed_at=NOON
        )
        for _ in range(of)
    )  # fmt: skip
    Suggestion.objects.bulk_create(
        Suggestion(shop=shop, visit=v, place=place, item_id=punch.id, shown=shown, at=NOON) for v in rows
    )
    device, _ = people.remember_device(at=NOON)
    for visit in rows[:took]:
        Visit.objects.filter(pk=visit.pk).update(closed_at=None)
        visit.refresh_from_db()
        placed = ordering.place_order(
            shop=shop, visit=visit, table=visit.table, device=device, wanted=[Wanted(item=punch.public_id)], key=ids.new_code(),
            expected_total=None, by="guest:test", at=NOON,
        )  # fmt: skip
        assert placed.bill
        ordering.settle_at_counter(bill=placed.bill, by="staff:test", at=NOON)
        Visit.objects.filter(pk=visit.pk).update(closed_at=NOON)


def shop_table(shop: Shop):  # type: ignore[no-untyped-def]
    from dure.shops import queries as shops

    return shops.tables_of(shop)[0]


def told(shop: Shop, at: datetime = DECEMBER) -> str | None:
    said = queries.suggestions_told(shop, at=at)
    assert len(said) <= 1
    return said[0].within("en") if said else None


@pytest.fixture
def shop():  # type: ignore[no-untyped-def]
    shop = cast.noodle_house()
    with fence.within_shop(shop.pk):
        yield shop


def test_where_nothing_was_suggested_nothing_is_said(shop: Shop) -> None:
    assert told(shop) is None


def test_before_the_month_is_over_only_the_day_is_told(shop: Shop) -> None:
    visits(shop, shown=True, took=30, of=70)
    visits(shop, shown=False, took=0, of=30)
    assert told(shop, NOON + timedelta(days=1)) == (
        "Basket suggestions are being tried. What they brought is told from the 1st of December on."
    )


def test_what_it_brought_is_told_with_its_range(shop: Shop) -> None:
    visits(shop, shown=True, took=40, of=70)
    visits(shop, shown=False, took=3, of=30)
    assert told(shop) == (
        "Basket suggestions: of 70 tables that saw one last month, about 33 ordered the dish because of it (90% range 22 to 41 more)."
    )


def test_what_chance_could_have_done_is_not_claimed(shop: Shop) -> None:
    visits(shop, shown=True, took=4, of=70)
    visits(shop, shown=False, took=2, of=30)
    assert "can't be told yet" in (told(shop) or "")


def test_groups_that_are_not_the_coins_claim_nothing(shop: Shop) -> None:
    visits(shop, shown=True, took=20, of=30)
    visits(shop, shown=False, took=2, of=70)
    assert "can't be told yet" in (told(shop) or "")


def test_the_line_over_the_menu_is_told_apart_by_its_own_groups(shop: Shop) -> None:
    visits(shop, shown=True, took=4, of=70)
    visits(shop, shown=False, took=2, of=30)
    visits(shop, shown=True, took=40, of=70, place=Place.MENU)
    visits(shop, shown=False, took=3, of=30, place=Place.MENU)
    basket, menu = queries.suggestions_told(shop, at=DECEMBER)
    assert "can't be told yet" in basket.within("en")
    assert menu.within("en") == (
        "Next-dish suggestions: of 70 tables that saw one last month, about 33 ordered the dish because of it (90% range 22 to 41 more)."
    )
    assert menu.within("ko").startswith("다음 메뉴 추천: 지난달 70팀이 봤고, 33팀쯤이")
    soon = queries.suggestions_told(shop, at=NOON + timedelta(days=1))
    assert [one.within("ko").split(" 시험")[0] for one in soon] == ["장바구니 추천을", "다음 메뉴 추천을"]


def test_a_struck_dish_brought_nothing(shop: Shop) -> None:
    from dure.ordering.models import OrderLine

    visits(shop, shown=True, took=40, of=70)
    visits(shop, shown=False, took=3, of=30)
    OrderLine.objects.filter(shop=shop).update(struck_at=NOON)
    assert "can't be told yet" in (told(shop) or "")
