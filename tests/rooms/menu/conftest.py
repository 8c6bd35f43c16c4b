from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from dure.shops import fence
from dure.shops.models import Shop
from tests.cast import noodle_house


@pytest.fixture(autouse=True)
def photos(settings: Settings, tmp_path: Path) -> Path:
    """Photos of this test only."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "photos"


@pytest.fixture
def shop(db: None) -> Iterator[Shop]:
    """두레국수, and the test stands in it."""
    opened = noodle_house()
    with fence.within_shop(opened.pk):
        yield opened
