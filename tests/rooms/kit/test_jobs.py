"""Jobs come back from the dead, and old ones are forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.job_context import JobContext

from dure.kit import events, jobs


def run(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def begun(*, once: str | None = None, beat_seconds_ago: int | None = None) -> int:
    """A job that a worker took; the worker's last sign of life, or None when it is gone."""
    number = jobs.enqueue("kit.hear", once=once, hears="", fact={})
    assert number is not None
    worker = None
    if beat_seconds_ago is not None:
        beat = datetime.now(UTC) - timedelta(seconds=beat_seconds_ago)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s) RETURNING id", [beat])
            worker = cursor.fetchone()[0]
    run("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s", worker, number)
    return number


def status(number: int) -> str:
    return ProcrastinateJob.objects.get(pk=number).status


@pytest.mark.django_db
def test_a_job_exists_if_and_only_if_its_transaction_commits() -> None:
    with transaction.atomic():
        jobs.enqueue("kit.hear", hears="", fact={})
        transaction.set_rollback(True)
    assert not ProcrastinateJob.objects.exists()


@pytest.mark.django_db
def test_of_the_same_work_only_one_waits_and_the_transaction_goes_on() -> None:
    assert jobs.enqueue("kit.hear", once="same", hears="", fact={}) is not None
    assert jobs.enqueue("kit.hear", once="same", hears="", fact={}) is None
    assert ProcrastinateJob.objects.count() == 1


@pytest.mark.django_db
def test_jobs_of_dead_and_frozen_workers_go_back_into_the_queue() -> None:
    dead, frozen, alive = begun(), begun(beat_seconds_ago=60), begun(beat_seconds_ago=1)
    assert jobs.rescue_stalled(0) == 2
    assert [status(number) for number in (dead, frozen, alive)] == ["todo", "todo", "doing"]


@pytest.mark.django_db
def test_a_job_that_ends_its_worker_again_and_again_is_given_up_and_shown() -> None:
    number, other = begun(), begun()
    pauses = []
    for attempt in range(1, jobs.ATTEMPTS_MAX + 1):
        jobs.rescue_stalled(0)
        job = ProcrastinateJob.objects.get(pk=number)
        assert job.attempts == attempt
        if job.status == "todo":
            assert job.scheduled_at
            pauses.append(job.scheduled_at - datetime.now(UTC))
            run("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL WHERE id = %s", number)
    assert status(number) == "failed"
    assert status(other) == "todo"
    assert len(pauses) == jobs.ATTEMPTS_MAX - 1
    assert pauses == sorted(pauses)
    assert [(one.number, one.name, one.attempts) for one in jobs.given_up()] == [
        (number, "kit.hear", jobs.ATTEMPTS_MAX)
    ]
    assert jobs.rescue_stalled(0) == 0


@pytest.mark.django_db
def test_why_a_job_failed_is_kept_by_kind_and_place_without_its_words() -> None:
    number = begun()
    context = JobContext(
        app=jobs.app,
        start_timestamp=0.0,
        abort_reason=lambda: None,
        job=ProcrastinateJob.objects.get(pk=number).procrastinate_job,
    )
    with pytest.raises(ModuleNotFoundError, match="1234"):
        events.hear(context, hears="010-1234-5678", fact={})
    run("UPDATE procrastinate_jobs SET status = 'failed', attempts = %s", jobs.ATTEMPTS_MAX)
    (one,) = jobs.given_up()
    assert one.trouble.startswith("ModuleNotFoundError kit/events.py:")
    assert "1234" not in one.trouble
    with pytest.raises(ModuleNotFoundError):
        events.hear(hears="called by hand, as tests and commands do", fact={})


@pytest.mark.django_db
def test_a_given_up_job_is_tried_anew_or_let_go_by_a_person_only() -> None:
    numbers = begun(), begun()
    run("UPDATE procrastinate_jobs SET attempts = %s", jobs.ATTEMPTS_MAX - 1)
    assert jobs.rescue_stalled(0) == 0
    assert [one.number for one in jobs.given_up()] == list(numbers)
    assert jobs.try_again(numbers[0])
    assert jobs.let_go(numbers[1])
    assert not jobs.try_again(numbers[0])
    assert not jobs.let_go(numbers[1])
    assert jobs.given_up() == []
    assert (status(numbers[0]), ProcrastinateJob.objects.get(pk=numbers[0]).attempts) == ("todo", 0)


@pytest.mark.django_db
def test_a_given_up_job_is_not_tried_while_the_same_work_waits() -> None:
    stalled = begun(once="same")
    run("UPDATE procrastinate_jobs SET attempts = %s", jobs.ATTEMPTS_MAX - 1)
    jobs.rescue_stalled(0)
    assert jobs.enqueue("kit.hear", once="same", hears="", fact={}) is not None
    assert not jobs.try_again(stalled)
    assert [one.number for one in jobs.given_up()] == [stalled]


@pytest.mark.django_db
def test_a_stalled_copy_of_work_that_waits_again_does_not_stop_the_rescue() -> None:
    stalled = begun(once="same")
    waits = jobs.enqueue("kit.hear", once="same", hears="", fact={})
    other = begun()
    assert waits is not None
    assert jobs.rescue_stalled(0) == 1
    assert [status(number) for number in (stalled, waits, other)] == ["failed", "todo", "todo"]


@pytest.mark.django_db
def test_old_jobs_are_forgotten_and_young_or_open_ones_kept() -> None:
    numbers = {}
    for name, state, days in (
        ("done long ago", "succeeded", 2),
        ("done now", "succeeded", 0),
        ("failed lately", "failed", 2),
        ("failed long ago", "failed", 40),
        ("waits long", "todo", 40),
    ):
        number = jobs.enqueue("kit.hear", hears="", fact={})
        run("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", number)
        run("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", state, number)
        run("UPDATE procrastinate_events SET at = now() - make_interval(days => %s) WHERE job_id = %s", days, number)
        numbers[name] = number
    assert jobs.prune_jobs(0) == 2
    left = set(ProcrastinateJob.objects.values_list("pk", flat=True))
    assert left == {numbers[name] for name in ("done now", "failed lately", "waits long")}
