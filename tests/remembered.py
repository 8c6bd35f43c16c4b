"""What actions wrote the first time, written again as it was: a shop that is opened by its owner's own actions takes hundreds of
statements, and most tests begin with one."""

from collections.abc import Callable
from functools import cache
from typing import TypeVar

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model
from psycopg import sql

from dure.shops import fence

M = TypeVar("M", bound=Model)
Rows = dict[str, set[str]]
_known: dict[object, tuple[type[Model], int, str] | None] = {}


def remembered(key: object, act: Callable[[], M]) -> M:
    """The row that `act` writes with all that belongs to it. The second time what it wrote the first time is written again in one
    statement, with the same ids: an earlier test's rows are gone, and nobody was given those ids since. An act that changes
    rows that were there is never remembered. For the caller to say with `key`: what the act depends on."""
    known = _known.get(key)
    if known is not None:
        model, number, script = known
        with transaction.atomic(), fence.across_shops(), connection.cursor() as cursor:
            cursor.execute(script)
        return model.objects.get(pk=number)  # type: ignore[attr-defined,no-any-return]
    if key in _known:
        return act()
    before = _rows()
    made = act()
    after = _rows()
    changed = any(before[table] - after[table] for table in before)
    _known[key] = None if changed else (type(made), made.pk, _script(before, after))
    return made


@cache
def _tables() -> tuple[str, ...]:
    """Every table, those of our models first in the order in which they point at each other."""
    ours = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
        )
        there = [row[0] for row in cursor.fetchall()]
    return tuple(dict.fromkeys([*(table for table in ours if table in there), *there]))


def _rows() -> Rows:
    found: Rows = {table: set() for table in _tables()}
    every = " UNION ALL ".join(f"SELECT '{table}', t::text FROM \"{table}\" t" for table in _tables())
    with fence.across_shops(), connection.cursor() as cursor:
        cursor.execute(every)
        for table, row in cursor.fetchall():
            found[table].add(row)
    return found


def _script(before: Rows, after: Rows) -> str:
    parts = [sql.SQL("SET CONSTRAINTS ALL DEFERRED")]
    for table in _tables():
        fresh = sorted(after[table] - before[table])
        if fresh:
            columns = sql.SQL(", ").join(sql.Identifier(name) for name in _columns(table))
            parts.append(
                sql.SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM unnest({rows}::{table}[]) ON CONFLICT DO NOTHING").format(
                    table=sql.Identifier(table), columns=columns, rows=sql.Literal(fresh)
                )
            )  # fmt: skip
    return sql.SQL(";\n").join(parts).as_string(connection.connection)


def _columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            [table],
        )
        return [row[0] for row in cursor.fetchall()]
