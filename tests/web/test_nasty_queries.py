"""Nasty values behind every question mark."""

import pytest

from tests.architecture.test_pages import routes
from tests.web.nasty import Walk, ours, town, walk_queries  # noqa: F401 - a fixture
from tests.web.neighbourhood import Neighbourhood

pytestmark = pytest.mark.django_db


def test_nasty_queries(town: Neighbourhood, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    walk = Walk(town)
    walk_queries(walk, (route for route in routes() if ours(route)))
    assert walk.tried > 4_000
    walk.told(capsys, "queries")
