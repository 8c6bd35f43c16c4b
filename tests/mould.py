"""Migrating an empty database takes longer than most tests: it is done once, and copied as long as no migration changes."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).resolve().parent.parent
LOCK = 4_830_901


def name() -> str:
    """Of the database that all of today's migrations and libraries have made."""
    made_by = [
        *sorted(ROOT.glob("src/dure/*/migrations/*.py")),
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
        self.there = bool(self._like(name()))
        if self.there:
            connection.settings_dict["TEST"]["TEMPLATE"] = name()

    def _like(self, pattern: str) -> list[str]:
        found = self.server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [pattern]).fetchall()
        return [row[0] for row in found]

    def fill(self) -> None:
        """Keep what was just migrated, and forget what older migrations made."""
        if not self.there:
            for old in self._like("dure\\_mould\\_%"):
                self.server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(old)))
            connection.close()
            connection.close_pool()
            copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            self.server.execute(copy.format(sql.Identifier(name()), sql.Identifier(connection.settings_dict["NAME"])))
        self.server.close()


@contextmanager
def cast(purpose: str) -> Iterator[str]:
    """The address of a fresh database with all tables and no rows, for a program that a test starts; "" where no test has
    migrated one yet, and the program makes its own."""
    its = connection.settings_dict
    fresh = f"{purpose}_{secrets.token_hex(4)}"
    with _server() as server:
        try:
            server.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(fresh), sql.Identifier(name()))
            )
        except psycopg.errors.InvalidCatalogName:
            yield ""
            return
        try:
            yield make_conninfo(dbname=fresh, **_where(its))
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(fresh)))


def _where(its: dict[str, Any]) -> dict[str, Any]:
    parts = {"host": its["HOST"], "port": its["PORT"], "user": its["USER"], "password": its["PASSWORD"]}
    return {part: value for part, value in parts.items() if value}


def _server() -> psycopg.Connection:
    return psycopg.connect(dbname="postgres", autocommit=True, **_where(connection.settings_dict))
