"""A noodle house that is always open: pay first, two tables; and a pot-rice house with a tab."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from dure.kit import ids
from dure.menu.models import Item, Option, OptionGroup, Section
from dure.offers import actions as offers
from dure.offers.models import Offer
from dure.offers.values import OfferKind, OfferOccasion
from dure.ordering import actions as ordering
from dure.ordering.models import Visit
from dure.ordering.values import Wanted
from dure.people import actions as people
from dure.people.models import Device, Person
from dure.shops import actions as shops
from dure.shops import fence
from dure.shops.models import Shop, Table

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ALWAYS = {str(day): ["00:00", "24:00"] for day in range(7)}
BY = "staff:test"


@dataclass
class Place:
    """A shop with two tables and two items: noodles (8,000 won, with a size option) and tea (3,000 won)."""

    shop: Shop
    tables: list[Table]
    noodles: Item
    tea: Item
    large: Option
    welcome: Offer

    def sit(self, table: int = 0, at: datetime = NOON) -> Visit:
        visit = ordering.sit_down(table=self.tables[table], at=at).visit
        assert visit is not None
        return visit

    def want(self, *, quantity: int = 1) -> Wanted:
        return Wanted(item=self.tea.public_id, quantity=quantity)


def open_place(name: str, *, pay_timing: str) -> Place:
    owner = Person.objects.create_user(f"{ids.new_code(6)}@dure.example")
    shop = shops.open_shop(name=name, pay_timing=pay_timing, owner=owner, tables=2, at=NOON, hours=ALWAYS)
    with fence.within_shop(shop.id):
        section = Section.objects.create(
            shop=shop, public_id=ids.new_public_id("sec"), name={"ko": "메뉴", "en": "Menu"}
        )

        def item(ko: str, en: str, price: int, **more: object) -> Item:
            return Item.objects.create(
                shop=shop,
                section=section,
                public_id=ids.new_public_id("itm"),
                name={"ko": ko, "en": en},
                price=price,
                **more,
            )

        noodles = item("칼국수", "Noodle soup", 8_000)
        tea = item("보리차", "Barley tea", 3_000, tax_free=True)
        group = OptionGroup.objects.create(
            shop=shop,
            item=noodles,
            public_id=ids.new_public_id("grp"),
            name={"ko": "크기", "en": "Size"},
            least=1,
            most=1,
        )
        usual, large = (
            Option.objects.create(
                shop=shop, group=group, public_id=ids.new_public_id("opt"), name={"ko": ko, "en": en}, price=price
            )
            for ko, en, price in (("보통", "Usual", 0), ("곱빼기", "Large", 1_500))
        )
        assert usual
        welcome = offers.create_offer(
            shop=shop,
            name={"ko": "첫 친구 1,000원", "en": "1,000 won for new friends"},
            kind=OfferKind.AMOUNT,
            value=1_000,
            minimum_spend=5_000,
            occasion=OfferOccasion.WELCOME,
            by=BY,
            at=NOON,
        )
    return Place(shop, list(shop.tables.order_by("position")), noodles, tea, large, welcome)


@pytest.fixture
def place(db: None) -> Iterator[Place]:
    made = open_place("두레국수", pay_timing="first")
    with fence.within_shop(made.shop.id):
        yield made


@pytest.fixture
def tab_place(db: None) -> Iterator[Place]:
    made = open_place("솥밥집", pay_timing="tab")
    with fence.within_shop(made.shop.id):
        yield made


@pytest.fixture
def phone(db: None) -> Device:
    device, _ = people.remember_device(at=NOON)
    return device


@pytest.fixture
def key() -> Callable[[], str]:
    return lambda: ids.new_code(20)
