"""The month's twin: once a month, of those alone who are in the network that day, paid for before a number is drawn."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dure.audiences import actions, queries
from dure.audiences.engine import twin
from dure.audiences.engine.expression import Everybody, Is
from dure.audiences.engine.index import Change
from dure.audiences.errors import NoIndex
from dure.audiences.models import Release
from dure.audiences.storage.log import ChangeLog
from tests.rooms.audiences.conftest import NOON

MONTH = actions.TWIN_LIVES


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path


@pytest.fixture
def drawn_from(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """Whose numbers each twin was drawn from."""
    drawn: list[set[int]] = []
    measure = twin.measure

    def measured(blocks: Any, *rest: Any, **more: Any) -> Any:
        kept = list(blocks)
        drawn.append({int(person) for block in kept for person in block["person"]})
        return measure(kept, *rest, **more)

    monkeypatch.setattr(twin, "measure", measured)
    return drawn


def test_a_month_later_it_is_drawn_anew_without_those_who_left(db: None, drawn_from: list[set[int]]) -> None:
    actions.build_network(people=20_000, seed=5, at=NOON)
    everybody = set(queries.index("network").ids(Everybody()).tolist())
    first = queries.index("twin")
    assert drawn_from == [everybody]
    assert float(Release.objects.get().epsilon) == pytest.approx(sum(twin.EPSILONS.values()), abs=1e-4)

    leaving = queries.index("network").ids(Everybody())[100:400]
    ChangeLog(queries.index_folder("network") / "changes.log").append(
        [Change(0, int(person), holds=False) for person in leaving]
    )
    assert actions.renew_twin(at=NOON + MONTH - timedelta(seconds=1)) is None
    assert (Release.objects.count(), len(drawn_from)) == (1, 1), "each costs everybody its epsilon: never early"
    assert queries.index("twin") is first

    renewed = actions.renew_twin(at=NOON + MONTH)
    assert renewed is not None
    assert (renewed.what, renewed.at, renewed.parts) == ("twin", NOON + MONTH, dict(twin.EPSILONS))
    assert drawn_from[1:] == [everybody - set(leaving.tolist())]
    after = queries.index("twin")
    assert after is not first
    assert not np.array_equal(after.ids(Is("sex", ("f",))), first.ids(Is("sex", ("f",)))), "another draw"
    assert actions.renew_twin(at=NOON + MONTH + timedelta(hours=1)) is None, "twice on one night is once"


def test_it_is_paid_for_before_it_is_drawn_and_the_old_one_stays_where_drawing_fails(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.build_network(people=20_000, seed=5, at=NOON)
    first = queries.index("twin")

    def breaks(*_: Any, **__: Any) -> Any:
        assert Release.objects.count() == 2
        raise OSError("no room on the disk")

    monkeypatch.setattr(twin, "draw", breaks)
    with pytest.raises(OSError, match="no room"):
        actions.renew_twin(at=NOON + MONTH)
    assert queries.index("twin") is first


def test_where_there_is_no_network_nothing_is_drawn_and_nothing_is_paid(db: None) -> None:
    with pytest.raises(NoIndex):
        actions.renew_twin(at=NOON)
    assert not Release.objects.exists()
