"""Every test runs against a real PostgreSQL: Dure's own under `.dure-test`, or the one of DURE_DATABASE_URL."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before Django reads its settings, which is why it is not pytest-django that is told where they are. The programs that
# tests start inherit all of it.
TEST_HOME = Path(__file__).resolve().parent.parent / ".dure-test"
(TEST_HOME / "static").mkdir(parents=True, exist_ok=True)
os.environ["DURE_HOME"] = str(TEST_HOME)
os.environ["DURE_TOWN_PACE"] = "0"  # nobody comes but those whom a test sends
os.environ["DJANGO_SETTINGS_MODULE"] = "dure.project.settings"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.urls import get_resolver  # noqa: E402
from django.utils import translation  # noqa: E402
from pytest_django.plugin import DjangoDbBlocker  # noqa: E402

from dure.campaigns import queries as campaigns  # noqa: E402
from dure.kit import clock  # noqa: E402
from dure.project import postgres  # noqa: E402
from dure.shops import fence  # noqa: E402
from tests.mould import Mould  # noqa: E402
from tests.provider import fresh_sandbox, sandbox, sandbox_server  # noqa: E402, F401 - fixtures for every test

# A page's patience with the database decides no test: on a starved machine anything may take long. For the same reason the
# addresses with all their modules are loaded here, and not by the first request inside some test's transaction.
connection.settings_dict["OPTIONS"]["options"] += (
    " -c statement_timeout=120s -c lock_timeout=60s -c idle_in_transaction_session_timeout=0"
)
# The naive shapes of a race only fail where many read before anybody writes: each of them needs a connection of its own.
connection.settings_dict["OPTIONS"]["pool"]["max_size"] = 10
_ = get_resolver().url_patterns
clock.follow(None)  # a page that moves the clock would move every other worker's


# Not Django's own, so it would leave them; in the order in which they point at each other.
QUEUE = (
    "job_trouble",
    "procrastinate_events",
    "procrastinate_periodic_defers",
    "procrastinate_jobs",
    "procrastinate_workers",
)
MADE_BY_MIGRATING = ("django_content_type", "auth_permission")
LONGEST_FIRST = ("tests/web/test_", "tests/story/", "tests/project/test_run.py", "tests/project/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole walks and whole products begin first, so that at the end no worker waits a minute for the other's last file."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST_FIRST))


@pytest.fixture(scope="session", autouse=True)
def database_server() -> Iterator[None]:
    """A running PostgreSQL; whichever session leaves last stops it."""
    if os.environ.get("DURE_DATABASE_URL"):
        yield
    else:
        with postgres.borrowed(TEST_HOME):
            yield


@pytest.fixture(scope="session", autouse=True)
def static_files_as_they_lie() -> Iterator[None]:
    """Pages name their static files without a fingerprint, so that a change of a style sheet needs no collecting. The
    story's tests drive a server that collects."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}):
        yield


@pytest.fixture(autouse=True)
def everybody_reads_korean() -> None:
    """A page that was asked for in English leaves its thread reading English, and with it the tests that follow."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def no_till_is_remembered() -> None:
    """Whether a week's plan gives coupons at the till is remembered by a process for half a minute, and tests are shorter."""
    campaigns.look_at_the_till_again()


@pytest.fixture(autouse=True)
def seals_lie_with_their_database(tmp_path: Path) -> Iterator[None]:
    """The books begin anew with each test's database; the heads of their seals, which outlive a database, do too."""
    with override_settings(SEALS=tmp_path / "seals"):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_server: None, django_db_modify_db_settings_parallel_suffix: None) -> Mould:
    """Django makes its test database only once there is a server."""
    return Mould()


@pytest.fixture(scope="session", autouse=True)
def append_only_tables_empty_between_tests() -> Iterator[None]:
    """After a test with real commits Django empties every table, which takes PostgreSQL seconds however little is in them:
    here only what has rows is emptied, and nothing that migrating made. Books and consents refuse that; only for this their
    owner takes the refusal off."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    def sql_flush(self: DatabaseOperations, style: object, tables: list[str], **_: object) -> list[str]:
        tables = [*QUEUE, *(table for table in tables if table not in MADE_BY_MIGRATING)]
        with fence.across_shops(), self.connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT FROM \"{t}\")" for t in tables))
            full = [row[0] for row in cursor.fetchall()]
        guarded = [f'ALTER TABLE "{table}" {{}} TRIGGER USER' for table in full]
        empty = [f'DELETE FROM "{table}"' for table in full]
        off, on = ([turn.format(word) for turn in guarded] for word in ("DISABLE", "ENABLE"))
        everywhere = "SELECT set_config('dure.shop', '*', true)"
        return [everywhere, *off, *empty, "SET CONSTRAINTS ALL IMMEDIATE", *on]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        patch.setattr("django.core.management.commands.flush.emit_post_migrate_signal", lambda *_, **__: None)
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_modify_db_settings: Mould, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Dropping a database that a whole run has filled may take longer than a page may."""
    with django_db_blocker.unblock():
        django_db_modify_db_settings.fill()
    yield
    from django.db import connection

    connection.settings_dict["OPTIONS"]["options"] = ""


@pytest.fixture
def no_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of a hundred people lies where it lies: with noise, twenty are said to be a hundred one time in fifty."""
    monkeypatch.setattr("dure.audiences.engine.noise.noised", lambda true: true)
