"""Nasty cookies and headers at every address."""

import pytest

from tests.architecture.test_pages import routes
from tests.web.nasty import Walk, ours, town, walk_cookies  # noqa: F401 - a fixture
from tests.web.neighbourhood import Neighbourhood

pytestmark = pytest.mark.django_db


def test_nasty_cookies_and_headers(town: Neighbourhood, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    walk = Walk(town)
    walk_cookies(walk, (route for route in routes() if ours(route)))
    assert walk.tried > 1_500
    walk.told(capsys, "cookies and headers")
