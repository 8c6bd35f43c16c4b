"""A network of three thousand people who do not exist, and a shop in 망원동 that has friends."""

from collections.abc import Iterator

import numpy as np
import pytest

from dure.audiences import queries
from dure.audiences.engine.index import Index
from dure.audiences.population import people as population
from dure.shops import actions as shops
from tests.rooms.ordering.conftest import NOON, Place, open_place, place

__all__ = ["NOON", "open_place", "place"]


def country(people: int = 20_000, seed: int = 1) -> Index:
    """A small country as an index."""
    blocks = list(population.synthesize(people, seed))
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return Index.of(population.SCHEMA, columns.pop("person"), columns)


@pytest.fixture(scope="module")
def network() -> Index:
    return country()


@pytest.fixture
def shop(place: Place, network: Index) -> Iterator[Place]:
    place.shop = shops.update_shop(shop=place.shop, by="staff:test", at=NOON, district="서울 마포구 망원동")
    with queries.standing_on(network=network, twin=network):
        yield place
