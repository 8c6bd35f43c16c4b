"""The history of the database: short for who begins, and the same for who has lived it."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db


def remember_the_long_history() -> int:
    """As if this database had been made before the history was folded; how many steps it then remembers."""
    recorder = MigrationRecorder(connection)
    steps = 0
    for (app, name), migration in MigrationExecutor(connection).loader.disk_migrations.items():
        if migration.__module__.startswith("dure.") and migration.replaces:
            recorder.record_unapplied(app, name)
            for old in migration.replaces:
                recorder.record_applied(*old)
                steps += 1
    return steps


def test_a_database_of_the_long_history_has_nothing_left_to_do() -> None:
    assert remember_the_long_history() == 44
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []


def test_and_goes_on_under_the_new_names() -> None:
    remember_the_long_history()
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    applied = MigrationRecorder(connection).applied_migrations()
    assert ("ordering", "0001_squashed") in applied
