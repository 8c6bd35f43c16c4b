"""A demo's clock jumps ahead in every program, and what was to happen meanwhile is due."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from dure.kit import clock, jobs
from dure.project import moved_clock
from dure.project.env import Environment
from dure.project.postgres import Trouble

TEN = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DURE_HOME", str(tmp_path))
    file = Environment().moved_clock
    clock.follow(file)
    yield file
    clock.follow(None)


def waiting() -> dict[str, datetime | None]:
    return dict(ProcrastinateJob.objects.filter(status="todo").values_list("task_name", "scheduled_at"))


@pytest.mark.django_db
def test_a_jump_is_seen_by_whoever_follows_and_by_nobody_before(followed: Path) -> None:
    assert clock.ahead() == timedelta()
    assert abs(clock.now() - clock.wall()) < timedelta(seconds=5)
    moved_clock.jump(timedelta(days=14))
    moved_clock.jump(timedelta(hours=3))
    assert clock.ahead() == timedelta(days=14, hours=3)
    assert abs(clock.now() - clock.wall() - clock.ahead()) < timedelta(seconds=5)
    # Another program sees it as well, and the practice provider with it.
    program = (
        "import sys; from pathlib import Path; from dure.kit import clock; from dure.sandbox import clock as theirs;"
        "clock.follow(Path(sys.argv[1])); theirs.agree_with(clock.now);"
        "print(round((theirs.now() - theirs.wall()).total_seconds()))"
    )
    said = subprocess.run([sys.executable, "-c", program, str(followed)], capture_output=True, text=True, check=True)
    assert int(said.stdout) == timedelta(days=14, hours=3).total_seconds()
    with clock.showing(lambda: TEN):
        assert clock.now() == TEN
    followed.unlink()
    assert clock.ahead() == timedelta()


@pytest.mark.django_db
def test_what_was_to_happen_meanwhile_is_due(followed: Path) -> None:
    at = clock.now()
    jobs.enqueue("campaigns.start", at=at + timedelta(days=3), campaign_id=1)
    jobs.enqueue("kit.hear", at=at + timedelta(days=20), hears="", fact={})
    called = moved_clock.jump(timedelta(days=14))
    found = waiting()
    assert called == len(found) - 2
    assert {"lift.measure", "campaigns.run_automations", "ledger.seal"} <= set(found)
    due, later = found["campaigns.start"], found["kit.hear"]
    assert due is not None
    assert later is not None
    assert due < clock.wall() < later < clock.wall() + timedelta(days=6, minutes=1)
    # Asked for now, an hour of the moved clock is the same hour of the queue's.
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    jobs.enqueue("kit.hear", at=clock.now() + timedelta(hours=1), hears="", fact={})
    (soon,) = waiting().values()
    assert soon is not None
    assert abs(soon - clock.wall() - timedelta(hours=1)) < timedelta(seconds=5)


@pytest.mark.django_db
def test_a_short_jump_calls_only_what_falls_into_it() -> None:
    since = datetime(2026, 11, 23, 1, 1, 30, tzinfo=UTC)
    jobs.bring_forward(since=since, until=since + timedelta(minutes=1))
    assert "lift.measure" in waiting()
    assert "campaigns.run_automations" not in waiting()
    jobs.bring_forward(since=since, until=since + timedelta(minutes=4))
    assert "campaigns.run_automations" in waiting()
    assert "people.tidy" not in waiting()


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("+14d", timedelta(days=14)),
        ("+3h", timedelta(hours=3)),
        ("+30m", timedelta(minutes=30)),
        ("10:30", timedelta(minutes=30)),
        ("9:00", timedelta(hours=23)),
        ("10:00", timedelta(days=1)),
    ],
)
def test_jumps_are_asked_for_in_words(text: str, asked: timedelta) -> None:
    assert moved_clock.jump_asked(text, TEN) == asked


@pytest.mark.parametrize("text", ["-1d", "+0d", "+401d", "14d", "24:00", "+1w", "now", "", "+1d; rm"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Trouble, match="forwards alone"):
        moved_clock.jump_asked(text, TEN)


def test_a_real_installation_has_no_moved_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = dict.fromkeys(("DURE_SECRET_KEY", "DURE_DATABASE_URL", "DURE_HOSTS", "DURE_PUBLIC_URL"), "x")
    values |= {"DURE_MODE": "production", "DURE_HOME": str(tmp_path)}
    Environment(values).refuse_unsafe_production()
    clock.keep_ahead(Environment(values).moved_clock, timedelta(days=1))
    with pytest.raises(SystemExit, match="a moved clock"):
        Environment(values).refuse_unsafe_production()
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Trouble, match="never moved"):
        moved_clock.jump(timedelta(days=1))
