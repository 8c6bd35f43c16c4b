"""The line at the basket: learned from what is ordered together, never what may not be suggested, held out by one coin."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from dure.kit import ids
from dure.menu.models import Item
from dure.ordering import actions as ordering
from dure.ordering.models import Visit
from dure.ordering.values import Wanted
from dure.people import actions as people
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.models import Shop
from dure.targeting import actions, queries, rules
from dure.targeting.models import Pairing, Suggestion
from dure.town.actions import open_place
from dure.town.places import DURE_NOODLES
from tests import cast
from tests.cast import NOON

pytestmark = pytest.mark.django_db
PANCAKE, PUNCH, RICE = "감자전", "식혜", "주먹밥"


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = cast.noodle_house()
    with fence.across_shops():
        yield shop


def ordered(shop: Shop, *names: str, times: int = 1) -> Visit:
    """So many orders of these dishes, paid at the counter, all of one table's visit."""
    device, _ = people.remember_device(at=NOON)
    seat = ordering.sit_down(table=shops.tables_of(shop)[0], at=NOON)
    assert seat.visit
    for _ in range(times):
        wanted = [Wanted(item=cast.item_of(shop, name).public_id) for name in names]
        placed = ordering.place_order(
            shop=shop, visit=seat.visit, table=seat.visit.table, device=device, wanted=wanted,
            key=ids.new_code(), expected_total=None, by="guest:test", at=NOON,
        )  # fmt: skip
        assert placed.bill
        ordering.settle_at_counter(bill=placed.bill, by="staff:test", at=NOON)
    return seat.visit


def learned(shop: Shop) -> dict[tuple[str, str], Pairing]:
    actions.learn_pairings(at=NOON + timedelta(hours=1))
    return {
        (one.item.name["ko"], one.addition.name["ko"]): one
        for one in Pairing.objects.filter(shop=shop).select_related("item", "addition")
    }


def dish(shop: Shop, name: str) -> int:
    return cast.item_of(shop, name).id


def test_what_is_ordered_together_more_often_than_apart_is_learned_and_shrunk(shop: Shop) -> None:
    ordered(shop, PANCAKE, PUNCH, times=12)
    ordered(shop, PANCAKE, times=8)
    ordered(shop, RICE, times=20)
    found = learned(shop)
    assert set(found) == {(PANCAKE, PUNCH), (PUNCH, PANCAKE)}
    one = found[PANCAKE, PUNCH]
    usual = 12 / 40
    assert one.orders == 12
    assert one.extra == pytest.approx((12 + rules.PAIRED_DOUBT * usual) / (20 + rules.PAIRED_DOUBT) - usual)
    assert 0 < one.extra < 12 / 20 - usual


def test_few_orders_say_nothing(shop: Shop) -> None:
    ordered(shop, PANCAKE, PUNCH, times=rules.PAIRED_LEAST - 1)
    ordered(shop, RICE, times=20)
    assert learned(shop) == {}


def test_orders_that_were_shown_a_suggestion_prove_nothing(shop: Shop) -> None:
    visit = ordered(shop, PANCAKE, PUNCH, times=12)
    ordered(shop, RICE, times=20)
    assert learned(shop)
    Suggestion.objects.create(shop=shop, visit=visit, item=None, shown=True, at=NOON)
    assert learned(shop) == {}


def test_shops_of_the_trade_nearby_help_a_shop_with_few_orders_if_they_are_five(shop: Shop) -> None:
    ordered(shop, PANCAKE, PUNCH, times=5)
    ordered(shop, PANCAKE, times=5)
    ordered(shop, RICE, times=10)
    alone = learned(shop)[PANCAKE, PUNCH].extra
    owner = cast.person(cast.SOONI)
    for number in range(rules.PAIRED_SHOPS - 1):
        other = open_place(
            replace(DURE_NOODLES, name=f"국수 {number}", staff=()), persons={DURE_NOODLES.owner: owner}, at=NOON
        )
        ordered(other, PANCAKE, PUNCH, times=6)
        ordered(other, RICE, times=6)
        together = learned(shop)[PANCAKE, PUNCH].extra
        if number < rules.PAIRED_SHOPS - 2:
            assert together == alone, "fewer than five, and a rival would shine through"
    assert together > alone + 0.05


def paired(shop: Shop, item: str, addition: str, extra: float = 0.3) -> None:
    Pairing.objects.create(shop=shop, item_id=dish(shop, item), addition_id=dish(shop, addition), extra=extra, orders=9)


def test_nothing_is_suggested_that_is_sold_out_has_an_age_limit_needs_a_choice_or_is_there(shop: Shop) -> None:
    pancake = dish(shop, PANCAKE)
    paired(shop, PANCAKE, PUNCH)
    assert queries.addition_to(shop.pk, [pancake]) == Item.objects.get(pk=dish(shop, PUNCH))
    assert queries.addition_to(shop.pk, [pancake, dish(shop, PUNCH)]) is None
    Item.objects.filter(pk=dish(shop, PUNCH)).update(alcohol=True)
    assert queries.addition_to(shop.pk, [pancake]) is None
    Item.objects.filter(pk=dish(shop, PUNCH)).update(alcohol=False, sold_out=True)
    assert queries.addition_to(shop.pk, [pancake]) is None
    Item.objects.filter(pk=dish(shop, PUNCH)).update(sold_out=False, retired_at=NOON)
    assert queries.addition_to(shop.pk, [pancake]) is None


def seated(shop: Shop) -> Visit:
    visit = ordering.sit_down(table=shops.tables_of(shop)[0], at=NOON).visit
    assert visit
    return visit


def test_the_held_out_are_written_down_and_see_nothing_ever(shop: Shop) -> None:
    paired(shop, PANCAKE, PUNCH)
    visit, pancake = seated(shop), dish(shop, PANCAKE)
    assert actions.suggest_addition(visit=visit, items=[pancake], held=True, at=NOON) is None
    assert actions.suggest_addition(visit=visit, items=[pancake], held=False, at=NOON) is None
    (row,) = Suggestion.objects.all()
    assert (row.shown, row.item_id) == (False, dish(shop, PUNCH))


def test_a_visit_is_suggested_one_dish_and_no_second(shop: Shop) -> None:
    paired(shop, PANCAKE, PUNCH)
    paired(shop, PANCAKE, RICE, extra=0.2)
    visit, pancake = seated(shop), dish(shop, PANCAKE)
    first = actions.suggest_addition(visit=visit, items=[pancake], held=False, at=NOON)
    assert first
    assert first.pk == dish(shop, PUNCH)
    assert actions.suggest_addition(visit=visit, items=[pancake], held=False, at=NOON) == first
    assert actions.suggest_addition(visit=visit, items=[pancake, first.pk], held=False, at=NOON) is None
    assert Suggestion.objects.count() == 1


def test_where_nothing_goes_with_it_no_visit_is_counted(shop: Shop) -> None:
    assert actions.suggest_addition(visit=seated(shop), items=[dish(shop, PANCAKE)], held=False, at=NOON) is None
    assert not Suggestion.objects.exists()
