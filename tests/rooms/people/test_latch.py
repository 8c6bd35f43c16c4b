"""A new Dure's first texts go out from several workers at once: one of them turns the latch first, and all may send."""

import threading
from collections.abc import Iterator

import pytest

from dure.kit import ids
from dure.messaging import actions as messaging
from dure.messaging.models import Latch
from tests.cast import NOON
from tests.races import at_once

WORKERS = 6


@pytest.fixture
def unturned(transactional_db: None) -> Iterator[None]:
    """A database that never sent anything, and is left so."""
    Latch.objects.all().delete()
    yield
    Latch.objects.all().delete()


@pytest.mark.usefixtures("unturned")
def test_workers_who_send_for_the_first_time_at_once_may_all_send(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, name = threading.Barrier(WORKERS), ids.new_public_id

    def named(kind: str) -> str:
        looked.wait(20)  # everybody saw that nobody had turned it yet
        return name(kind)

    monkeypatch.setattr(ids, "new_public_id", named)
    assert at_once(*[lambda: messaging.turn_latch(at=NOON)] * WORKERS) == [True] * WORKERS
    assert Latch.objects.get().epoch == WORKERS
