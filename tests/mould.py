"""Migrating an empty database takes longer than most tests: it is done once, and copied as long as no migration changes."""

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).resolve().parent.parent
LOCK, SETTLING = 4_830_901, 4_830_902
PREPARE = "from dure.project import env, supervisor; supervisor.prepare(env.Environment())"


def name() -> str:
    """Of the database that all of today's migrations and libraries have made."""
    made_by = [
        *sorted(ROOT.glob("src/dure/**/migrations/*.py")),
        ROOT / "requirements/run.txt",
        ROOT / "src/dure/project/settings.py",
    ]
    told = hashlib.sha256(b"\0".join(file.read_bytes() for file in made_by)).hexdigest()
    return f"dure_mould_{told[:16]}"


class Mould:
    """Held while a test database is made, so that of two workers one migrates and the other copies."""

    def __init__(self) -> None:
        self.server = _server()
        self.server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        self.there = bool(_like(self.server, name()))
        if self.there:
            connection.settings_dict["TEST"]["TEMPLATE"] = name()

    def fill(self) -> None:
        """Keep what was just migrated, and forget what older migrations made."""
        if not self.there:
            _forget(self.server, "dure\\_mould\\_%")
            connection.close()
            connection.close_pool()
            _copy(self.server, connection.settings_dict["NAME"], name())
        self.server.close()


@contextmanager
def settled(home: Path) -> Iterator[str]:
    """The address of a fresh database in which the demo neighbourhood lives, for a program that a test starts in `home`. The
    neighbourhood is settled once a run, by whoever comes first, and copied for everybody else with all that lies beside it.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))[:12]
    demo, beside = f"dure_demo_{run}", ROOT / ".dure-test" / f"demo-{run}"
    fresh = f"story_{secrets.token_hex(4)}"
    with _server() as server:
        server.execute("SELECT pg_advisory_lock(%s)", [SETTLING])
        if not _like(server, demo):
            _forget(server, "dure\\_demo\\_%")
            for old in beside.parent.glob("demo-*"):
                shutil.rmtree(old)
            _copy(server, name(), fresh)
            its = os.environ | {"DURE_HOME": str(beside), "DURE_PEOPLE": "0", "DURE_DATABASE_URL": _address(fresh)}
            subprocess.run([sys.executable, "-c", PREPARE], env=its, check=True)
            server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (fresh, demo))))
        _copy(server, demo, fresh)
        server.execute("SELECT pg_advisory_unlock(%s)", [SETTLING])
        shutil.copytree(beside, home)
        try:
            yield _address(fresh)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(fresh)))


def _like(server: psycopg.Connection, pattern: str) -> list[str]:
    found = server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [pattern]).fetchall()
    return [row[0] for row in found]


def _forget(server: psycopg.Connection, pattern: str) -> None:
    for old in _like(server, pattern):
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(old)))


def _copy(server: psycopg.Connection, mould: str, to: str) -> None:
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (to, mould))))


def _address(database: str) -> str:
    return make_conninfo(dbname=database, **_where(connection.settings_dict))


def _where(its: dict[str, Any]) -> dict[str, Any]:
    parts = {"host": its["HOST"], "port": its["PORT"], "user": its["USER"], "password": its["PASSWORD"]}
    return {part: value for part, value in parts.items() if value}


def _server() -> psycopg.Connection:
    return psycopg.connect(dbname="postgres", autocommit=True, **_where(connection.settings_dict))
