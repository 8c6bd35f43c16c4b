"""Nasty values in the operator's office."""

import re

import pytest

from tests.architecture.test_pages import routes
from tests.web.nasty import Walk, asked, encoded, short, town  # noqa: F401 - a fixture
from tests.web.neighbourhood import Neighbourhood
from tests.web.test_authorisation_matrix import OFFICE

pytestmark = pytest.mark.django_db


def test_nasty_values_in_the_office(town: Neighbourhood, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    """One code answers all its lists, so each list is asked an eighth of the values, and all lists together all of them."""
    walk = Walk(town)
    lists = [r for r in routes() if r.address.startswith(OFFICE) and re.fullmatch(r"office/\w+/\w+/", r.address)]
    assert len(lists) > 20
    for number, route in enumerate(lists):
        for what, text in list(short())[number % 8 :: 8]:
            value = encoded(text)
            for address in (
                f"/{route.address}?q={value}",
                f"/{route.address}?p={value}&o={value}&all={value}&e={value}",
                f"/{route.address}?id__exact={value}&{value}=1",
                f"/{route.address}{value}/change/",
                f"/{route.address}{value}/history/",
            ):
                walk.send(f"GET {what} {address[:80]}", route, asked(route, town, "GET", address), writes=False)
    walk.told(capsys, "office")
