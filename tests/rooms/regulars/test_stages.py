from datetime import UTC, datetime, timedelta

import pytest

from dure.regulars.rules import RegularRule, nickname, stage_of
from dure.regulars.values import Stage

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RULE = RegularRule()


@pytest.mark.parametrize(
    ("visits", "recent", "days_ago", "stage"),
    [
        (0, 0, None, Stage.NEW),
        (1, 1, 0, Stage.NEW),
        (2, 2, 0, Stage.RETURNING),
        (6, 6, 44, Stage.RETURNING),
        (7, 7, 0, Stage.REGULAR),
        (30, 6, 1, Stage.RETURNING),
        (30, 7, 45, Stage.LAPSED),
        (1, 1, 45, Stage.LAPSED),
    ],
)
def test_a_friends_stage_follows_the_shops_rule(visits: int, recent: int, days_ago: int | None, stage: Stage) -> None:
    last = None if days_ago is None else NOW - timedelta(days=days_ago)
    assert stage_of(visits=visits, visits_in_window=recent, last_visit_at=last, rule=RULE, at=NOW) == stage


def test_nicknames_differ() -> None:
    assert len({nickname(n) for n in range(1, 500)}) == 499
