"""Nasty values in every field of every form."""

import pytest

from tests.architecture.test_pages import routes
from tests.web.nasty import Walk, ours, town, walk_forms  # noqa: F401 - a fixture
from tests.web.neighbourhood import Neighbourhood

pytestmark = pytest.mark.django_db


def test_nasty_forms(town: Neighbourhood, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    walk = Walk(town)
    walk_forms(walk, (route for route in routes() if ours(route)))
    assert walk.tried > 4_000
    walk.told(capsys, "forms")


@pytest.mark.heavy
def test_every_nasty_value_in_every_form(town: Neighbourhood, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    walk = Walk(town)
    walk_forms(walk, (route for route in routes() if ours(route)), thorough=True)
    assert walk.tried > 8_000
    walk.told(capsys, "forms, all values")
