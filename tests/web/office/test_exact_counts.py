"""The operator counts the network exactly, it is written down, and nobody else comes in."""

from collections.abc import Iterator

import numpy as np
import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from dure.audiences import queries
from dure.audiences.engine.index import Index
from dure.audiences.population import people as population
from dure.people import actions as people
from tests import cast

pytestmark = pytest.mark.django_db
PAGE = "/office/exact-counts/"


@pytest.fixture(autouse=True)
def network() -> Iterator[Index]:
    """Two thousand people who do not exist."""
    (block,) = population.synthesize(2_000, 3)
    columns = dict(block)
    index = Index.of(population.SCHEMA, np.asarray(columns.pop("person")), columns)
    with queries.standing_on(network=index, twin=index):
        yield index


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(people.open_account(email="operator@example.com", operator=True, at=cast.NOON))
    return client


def test_a_count_is_exact_and_kept_with_who_asked(operator: Client, network: Index) -> None:
    expected = network.count(queries.read_definition("age:20-39"))
    page = operator.post(PAGE, {"definition": "age:20-39"}).content.decode()
    assert f"{expected:,}명" in page
    kept = LogEntry.objects.get()
    assert (kept.object_repr, kept.change_message) == ("age:20-39", f"exact count: {expected}")
    assert kept.user.public_id in operator.get(PAGE).content.decode()


def test_what_cannot_be_counted_is_refused_with_its_place_and_not_kept(operator: Client) -> None:
    refused = operator.post(PAGE, {"definition": "age:20-39 shoe:42"})
    assert refused.status_code == 422
    assert "/1" in refused.content.decode()
    assert operator.post(PAGE, {"definition": "-친구"}).status_code == 422
    assert not LogEntry.objects.exists()


def test_nobody_else_comes_in() -> None:
    client = Client()
    assert client.post(PAGE, {"definition": "*"}).status_code == 302
    client.force_login(people.open_account(email="kim@example.com", at=cast.NOON))
    assert client.post(PAGE, {"definition": "*"}, follow=True).status_code == 403
    assert not LogEntry.objects.exists()
