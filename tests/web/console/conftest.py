"""The console is used at noon in Seoul, and a variable that a template does not know fails the test."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.template import engines

from dure.kit import clock
from dure.menu.values import MenuItem
from dure.ordering import actions as ordering
from dure.ordering.models import Order, Visit
from dure.ordering.values import Wanted
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.models import Shop, Table
from tests import cast
from tests.web.console.desk import Desk


class Unknown(str):
    """What Django puts in the place of an unknown variable: here it speaks up."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        return True

    def __mod__(self, variable: Any) -> str:
        raise AssertionError(f"the template does not know {variable}")


@pytest.fixture(autouse=True)
def every_variable_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines["django"].engine, "string_if_invalid", Unknown("?"))  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.showing(lambda: cast.NOON):
        yield


@pytest.fixture
def noodles(db: None) -> Shop:
    """Pay first."""
    return cast.noodle_house()


@pytest.fixture
def pot_rice(db: None) -> Shop:
    """A tab."""
    return cast.pot_rice_house()


@pytest.fixture
def owner(noodles: Shop) -> Desk:
    return Desk(cast.person(cast.SOONI), noodles)


@pytest.fixture
def tab_owner(pot_rice: Shop) -> Desk:
    return Desk(cast.person(cast.OKJA), pot_rice)


def table_of(shop: Shop, number: int = 0) -> Table:
    with fence.within_shop(shop.pk):
        return shops.tables_of(shop)[number]


def plain_item(shop: Shop) -> MenuItem:
    """Something that is there and needs no choice."""
    from dure.menu.queries import menu_of

    with fence.within_shop(shop.pk):
        return next(item for item in menu_of(shop).items() if item.plain and not item.sold_out)


def seated(shop: Shop, number: int = 0) -> Visit:
    """Guests who scanned the code of a table."""
    with fence.within_shop(shop.pk):
        visit = ordering.sit_down(table=table_of(shop, number), at=cast.NOON).visit
    assert visit
    return visit


def ordered(shop: Shop, number: int = 0, *, key: str = "order-key-1", quantity: int = 1, paid: bool = True) -> Order:
    """An order of guests at a table, paid at the counter where the shop asks for that first."""
    visit = seated(shop, number)
    with fence.within_shop(shop.pk):
        order = ordering.place_order(
            shop=shop,
            visit=visit,
            table=table_of(shop, number),
            device=None,
            wanted=[Wanted(item=plain_item(shop).public_id, quantity=quantity)],
            key=key,
            expected_total=None,
            by="guest:test",
            at=cast.NOON,
        )
        if paid and order.bill:
            ordering.settle_at_counter(bill=order.bill, by="staff:test", at=cast.NOON)
    return now(order)


def now(order: Order) -> Order:
    """The order as it stands."""
    with fence.within_shop(order.shop_id):
        return Order.objects.select_related("bill", "visit").get(pk=order.pk)
