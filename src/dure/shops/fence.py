"""The second fence around a shop's rows: PostgreSQL shows a connection only the rows of the shop it stands in.

The first fence is every query naming its shop. This one holds when somebody forgets. A connection that stands in no
shop sees none of the fenced rows; `across_shops` is for the worker, the operator's office and a person's own pages.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection
from django.db.migrations import RunSQL
from psycopg.pq import TransactionStatus

_stands_in: ContextVar[str] = ContextVar("dure_stands_in", default="")


@contextmanager
def _standing_in(scope: str) -> Iterator[None]:
    before = _stands_in.get()
    token = _stands_in.set(scope)
    _tell_database(scope)
    try:
        yield
    finally:
        _stands_in.reset(token)
        # A broken transaction refuses every statement; its rollback takes the old scope back or closes the connection.
        if _answers():
            _tell_database(before)


def _answers() -> bool:
    opened = connection.connection
    return (
        opened is not None
        and not connection.needs_rollback
        and opened.info.transaction_status in (TransactionStatus.IDLE, TransactionStatus.INTRANS)
    )


def _tell_database(scope: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('dure.shop', %s, false)", [scope])


@contextmanager
def within_shop(shop_id: int) -> Iterator[None]:
    """Inside the block the database shows only this shop's rows."""
    with _standing_in(str(shop_id)):
        yield


@contextmanager
def across_shops() -> Iterator[None]:
    """Inside the block the database shows every shop's rows. Say why where you call it."""
    with _standing_in("*"):
        yield


@contextmanager
def anywhere() -> Iterator[None]:
    """Inside the block the database shows what it showed before: for what is heard inside a shop and outside of any.
    Where the caller stands in no shop, all shops."""
    if _stands_in.get():
        yield
    else:
        with across_shops():
            yield


def fence(*tables: str) -> list[Any]:
    """Migration operations that fence `tables` (each has a `shop_id`), for their owner too."""
    return [
        RunSQL(
            f"""
            ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
            CREATE POLICY {table}_fence ON {table}
                USING (current_setting('dure.shop', true) IN (shop_id::text, '*'));
            """,
            f"""
            DROP POLICY {table}_fence ON {table};
            ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
            ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
            """,
        )
        for table in tables
    ]
