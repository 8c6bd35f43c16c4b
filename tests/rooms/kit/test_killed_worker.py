"""A job that kills the worker which runs it: a real worker, a real SIGKILL."""

import os
import signal
import subprocess
import sys

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from dure.kit import jobs

WORKER = """
import os, signal, sys
import django
django.setup()
from django.conf import settings
from procrastinate.contrib.django import app

@app.task(name="test.kill")
def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

@app.task(name="test.live")
def live() -> None:
    pass

with app.replace_connector(app.connector.get_worker_connector()) as working:
    working.run_worker(concurrency=1, wait=False, install_signal_handlers=False)
"""


def work() -> int:
    """Run a worker until the queue is empty, or it is dead; its exit code."""
    parameters = {k: v for k, v in connection.get_connection_params().items() if k in ("host", "user", "password")}
    dsn = " ".join(f"{k}='{v}'" for k, v in {**parameters, "dbname": connection.settings_dict["NAME"]}.items())
    env = {**os.environ, "DURE_DATABASE_URL": dsn}
    return subprocess.run([sys.executable, "-c", WORKER], env=env, check=False).returncode


def its_worker_is_long_gone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")


@pytest.mark.django_db(transaction=True)
def test_a_job_that_kills_its_worker_does_not_come_back_for_ever() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', 'test.kill', 0, NULL, NULL, '{}', NULL)"
            "::procrastinate_job_to_defer_v1])"
        )
        cursor.execute("UPDATE procrastinate_jobs SET attempts = %s", [jobs.ATTEMPTS_MAX - 2])
    job = ProcrastinateJob.objects.get()
    assert work() == -signal.SIGKILL
    its_worker_is_long_gone()
    assert jobs.rescue_stalled(0) == 1
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL")
    assert work() == -signal.SIGKILL
    its_worker_is_long_gone()
    assert jobs.rescue_stalled(0) == 0
    assert [one.number for one in jobs.given_up()] == [job.pk]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', 'test.live', 0, NULL, NULL, '{}', NULL)"
            "::procrastinate_job_to_defer_v1])"
        )
    assert work() == 0
    ours = ProcrastinateJob.objects.filter(task_name__startswith="test.")  # a worker starts what is due, too
    assert set(ours.values_list("task_name", "status")) == {
        ("test.kill", "failed"),
        ("test.live", "succeeded"),
    }
