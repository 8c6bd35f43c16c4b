"""Background work on PostgreSQL: a job deferred inside a transaction exists if and only if the transaction commits.

Jobs run at least once (a worker may die after the work and before the note), so whatever a job calls bears repetition.
"""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.db import DatabaseError, IntegrityError, connection, transaction
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ProcrastinateException, UniqueViolation

from dure.kit import clock
from dure.kit.errors import DureError

ATTEMPTS_MAX = 8
RETRY = RetryStrategy(max_attempts=ATTEMPTS_MAX, exponential_wait=3)
LONGEST_PAUSE = timedelta(minutes=10)
STALLED_SECONDS = 30
PRUNE_BATCH = 5_000
_log = logging.getLogger(__name__)


def job(name: str, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Register a function as the job `name` (`room.verb_noun`); it retries with growing pauses, and why it failed is kept."""

    def register(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def remembered(*given: Any, **arguments: Any) -> Any:
            # The worker says which job it is; whoever calls the function says nothing.
            context = given[0] if given and isinstance(given[0], JobContext) else None
            try:
                return function(*(given[1:] if context else given), **arguments)
            except Exception as error:
                if context:
                    _keep_trouble(context.job.id, error)
                raise

        return app.task(name=name, retry=options.pop("retry", RETRY), pass_context=True, **options)(remembered)

    return register


def _keep_trouble(number: int | None, error: Exception) -> None:
    """What stopped a job, for whoever looks at it once it was given up: the kind and the place, never the words, which may
    be about somebody."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/dure/" in frame.filename]
    place = f"{frames[-1].filename.rpartition('/dure/')[2]}:{frames[-1].lineno}" if frames else ""
    what = f"{error.code if isinstance(error, DureError) else type(error).__name__} {place}".strip()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO job_trouble (job_id, what, at) VALUES (%s, %s, now()) "
                "ON CONFLICT (job_id) DO UPDATE SET what = excluded.what, at = now()",
                [number, what[:300]],
            )
    except DatabaseError:
        _log.warning("why job %s failed could not be kept: %s", number, what)


def periodic(name: str, cron: str) -> Callable[[Callable[[int], Any]], Any]:
    """Register a function that the worker calls with a Unix time on the schedule `cron`; at most one call waits.

    It has no `lock`: a call that stalls together with its worker must not keep the next one from running.
    """

    def register(function: Callable[[int], Any]) -> Any:
        task = app.task(name=name, queueing_lock=name, pass_context=False)(function)
        return app.periodic(cron=cron)(task)

    return register


def enqueue(name: str, *, at: datetime | None = None, once: str | None = None, **arguments: Any) -> int | None:
    """Defer the job `name`, now or `at` an instant, inside the caller's transaction. Returns the job's id.

    With `once` at most one such job waits: None when there is one already.
    """
    # The queue lives by the machine's clock, its heartbeats and pauses too; only what we ask of it may stand ahead.
    deferrer = app.configure_task(name, schedule_at=at and at - clock.ahead(), queueing_lock=once)
    if once is None:
        return int(deferrer.defer(**arguments))
    try:
        with transaction.atomic():
            return int(deferrer.defer(**arguments))
    except AlreadyEnqueued:
        return None


@periodic("kit.rescue_stalled", "* * * * *")
def rescue_stalled(timestamp: int) -> int:
    """Put jobs whose worker died or froze back into the queue, each on its own: one may finish meanwhile.

    The first time at once, then after growing pauses, so that a job that kills its worker lets the others work. After
    ATTEMPTS_MAX it is given up: `given_up()` shows it, `dure verify` says so, `dure jobs --again` tries it anew.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT job.id, job.task_name, job.attempts
            FROM procrastinate_jobs job LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
            WHERE job.status = 'doing'
              AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %s))
            ORDER BY job.id
            """,
            [STALLED_SECONDS],
        )
        stalled = cursor.fetchall()
    rescued = 0
    for number, name, attempts in stalled:
        try:
            if attempts + 1 >= ATTEMPTS_MAX:
                _end_as_failed(number)
                _log.error("job %s (%s) ended its worker %s times and is given up", number, name, attempts + 1)
                continue
            with transaction.atomic():
                app.job_manager.retry_job_by_id(number, retry_at=clock.wall() + _pause(attempts))
            rescued += 1
        except UniqueViolation:
            _end_as_failed(number)
        except (DatabaseError, ProcrastinateException):
            _log.warning("job %s could not be rescued; it may have ended meanwhile", number, exc_info=True)
    return rescued


def _pause(attempts: int) -> timedelta:
    """How long a job waits that stalled after so many attempts before."""
    return min(timedelta(seconds=3**attempts if attempts else 0), LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A job that nobody will try again by themselves: it failed, or ended its worker, ATTEMPTS_MAX times."""

    number: int
    name: str
    attempts: int
    since: datetime | None
    trouble: str
    """What stopped it the last time, as kind and place; empty where it ended its worker."""


def given_up() -> list[GivenUp]:
    """The jobs that wait for a person, oldest first. They are forgotten after a month, as all that ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT job.id, job.task_name, job.attempts, max(event.at), coalesce(max(trouble.what), '')
            FROM procrastinate_jobs job LEFT JOIN procrastinate_events event ON event.job_id = job.id
            LEFT JOIN job_trouble trouble ON trouble.job_id = job.id
            WHERE job.status = 'failed' AND job.attempts >= %s GROUP BY job.id ORDER BY job.id
            """,
            [ATTEMPTS_MAX],
        )
        return [GivenUp(*row) for row in cursor.fetchall()]


def try_again(number: int) -> bool:
    """Put a given-up job into the queue anew, with all its attempts. False where there is no such job, or where the same
    work waits already."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL, worker_id = NULL
                WHERE id = %s AND status = 'failed' AND attempts >= %s
                """,
                [number, ATTEMPTS_MAX],
            )
            return bool(cursor.rowcount == 1)
    except IntegrityError:
        return False


def let_go(number: int) -> bool:
    """A person looked at a given-up job and wants it no more. False where there is no such job."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'cancelled' WHERE id = %s AND status = 'failed' AND attempts >= %s",
            [number, ATTEMPTS_MAX],
        )
        return bool(cursor.rowcount == 1)


def take_back(*names: str) -> int:
    """Jobs of these names that nobody has begun do not happen: for whoever writes history, of which nobody is told. How many."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo' AND task_name = ANY(%s)", [list(names)])
        return int(cursor.rowcount)


def bring_forward(*, since: datetime, until: datetime) -> int:
    """The clock jumped from `since` to `until`: what waits for an hour waits that much less, and whatever the schedule
    would have called in between is called once. How many calls that makes; inside the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - make_interval(secs => %s) WHERE status = 'todo'",
            [(until - since).total_seconds()],
        )
    called = 0
    for planned in app.periodic_registry.periodic_tasks.values():
        if planned.croniter.get_next(datetime, start_time=since) <= until:
            name = planned.task.name
            called += enqueue(name, once=name, timestamp=int(until.timestamp())) is not None
    return called


def _end_as_failed(number: int) -> None:
    """For a job that was tried often enough; or whose work waits already (its queueing lock is taken), so that this
    stalled copy may rest. It counts as one more attempt."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT procrastinate_finish_job_v1(%s, 'failed', false)", [number])


@periodic("kit.prune_jobs", "17 4 * * *")
def prune_jobs(timestamp: int) -> int:
    """Forget jobs that succeeded more than a day ago and any that ended a month ago; a full table starts slowly."""
    pruned = 0
    while batch := _prune_batch():
        pruned += batch
    return pruned


def _prune_batch() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '60s'")
        cursor.execute(
            """
            DELETE FROM procrastinate_jobs WHERE id IN (
                SELECT job.id FROM procrastinate_jobs job
                WHERE job.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
                  AND NOT EXISTS (
                    SELECT 1 FROM procrastinate_events event WHERE event.job_id = job.id
                      AND event.at > now() - CASE job.status WHEN 'succeeded' THEN interval '1 day' ELSE interval '30 days' END
                  )
                LIMIT %s
            )
            """,
            [PRUNE_BATCH],
        )
        return int(cursor.rowcount)


__all__ = [
    "JobContext",
    "bring_forward",
    "enqueue",
    "given_up",
    "job",
    "let_go",
    "periodic",
    "prune_jobs",
    "rescue_stalled",
    "take_back",
    "try_again",
]
