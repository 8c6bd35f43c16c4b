"""Customer pages are read at noon in Seoul, and a variable that a template does not know fails the test."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.template import engines

from dure.kit import clock
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.models import Shop, Table
from tests import cast


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
    """A tab. Open at noon on a Tuesday."""
    return cast.pot_rice_house()


def table_of(shop: Shop, number: int = 0) -> Table:
    with fence.within_shop(shop.pk):
        return shops.tables_of(shop)[number]
