"""Dure does not start on a database that may lose what it acknowledged, or that shows one shop's rows to another."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from dure.project import postgres, soundness
from dure.project.env import Environment

DEMO = Environment({})
PRODUCTION = Environment({"DURE_MODE": "production"})


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    home = Path(os.path.realpath("/tmp")) / f"dure-test-{os.getpid()}-sound"
    with postgres.borrowed(home) as server:
        yield server
    shutil.rmtree(home)


@pytest.fixture
def set_to(server: postgres.Server) -> Iterator[object]:
    """Change a setting of the whole server, until the test is over."""

    def change(*statements: str) -> None:
        with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
            for statement in (*statements, "SELECT pg_reload_conf()"):
                connection.execute(statement)  # type: ignore[call-overload]

    yield change
    change("ALTER SYSTEM RESET ALL", "ALTER ROLE dure RESET ALL")


def losing(server: postgres.Server) -> str:
    return make_conninfo(server.dsn, options="-c synchronous_commit=off")


def test_our_own_server_is_sound(server: postgres.Server) -> None:
    assert soundness.refuse_unsound(PRODUCTION, server.dsn) == []


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_lose_commits_is_refused(server: postgres.Server, set_to: object, name: str) -> None:
    set_to(f"ALTER SYSTEM SET {name} = off")  # type: ignore[operator]
    for env in (DEMO, PRODUCTION):
        with pytest.raises(postgres.Trouble, match=f"{name} is off"):
            soundness.refuse_unsound(env, server.dsn)


def test_a_role_or_an_address_that_gives_safety_away_is_noticed(server: postgres.Server, set_to: object) -> None:
    with pytest.raises(postgres.Trouble, match="synchronous_commit is off"):
        soundness.refuse_unsound(DEMO, losing(server))
    set_to("ALTER ROLE dure SET synchronous_commit = off")  # type: ignore[operator]
    with pytest.raises(postgres.Trouble, match="synchronous_commit is off"):
        soundness.refuse_unsound(DEMO, server.dsn)


def test_a_superuser_is_refused(server: postgres.Server) -> None:
    with pytest.raises(postgres.Trouble, match="NOSUPERUSER"):
        soundness.refuse_unsound(DEMO, server.superuser_dsn)


def test_only_the_control_of_the_crash_test_may_lose_commits(server: postgres.Server) -> None:
    control = Environment({"DURE_SYNCHRONOUS_COMMIT": "off"})
    assert len(soundness.refuse_unsound(control, server.dsn)) == 1
    with psycopg.connect(server.dsn, options=control.session_options(server.dsn)) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",)
    production = Environment({"DURE_SYNCHRONOUS_COMMIT": "off", "DURE_MODE": "production"})
    assert "synchronous_commit" not in production.session_options(server.dsn)
    with pytest.raises(SystemExit, match="DURE_SYNCHRONOUS_COMMIT=off"):
        production.refuse_unsafe_production()


def test_the_control_does_not_excuse_anything_else(server: postgres.Server, set_to: object) -> None:
    set_to("ALTER SYSTEM SET fsync = off")  # type: ignore[operator]
    with pytest.raises(postgres.Trouble, match="fsync is off"):
        soundness.refuse_unsound(Environment({"DURE_SYNCHRONOUS_COMMIT": "off"}), server.dsn)


def test_an_address_keeps_the_options_that_it_names() -> None:
    options = DEMO.session_options("postgresql://dure@db.example/dure?options=-c%20search_path%3Ddure")
    assert options.startswith("-c search_path=dure ")
    assert "statement_timeout" in options


def test_the_command_says_it_in_a_sentence(server: postgres.Server) -> None:
    env = {**os.environ, "DURE_DATABASE_URL": losing(server)}
    command = [sys.executable, "-m", "dure.project.cli", "migrate"]
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert "synchronous_commit = on" in said.stderr
    assert "Traceback" not in said.stderr
