"""Questions and rows on the hot path, whose SQL is not composed anew each time.

Django composes a query's text anew at each call. For a row found by its key that costs several times what PostgreSQL takes to
answer (docs/reference/where-an-orders-time-goes.md), and the text is the same every time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar, cast

import numpy as np
from django.db import connection, transaction
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators
from numpy.typing import NDArray
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types.datetime import TimestamptzLoader

M = TypeVar("M", bound=Model)
P = ParamSpec("P")


def written_once(build: Callable[P, QuerySet[M]]) -> Callable[P, list[M]]:
    """Ask the queryset that `build` makes of its arguments; its SQL is composed at the first call and kept.

    `build` is called with stand-ins, so it may hand its arguments to filters and do nothing else with them. They are given by
    position and are int, str, bytes, datetime, or a tuple of these for `__in` (one text for each length; nothing is in an empty
    one, and nothing is asked). The rows are models as the
    queryset gives them, with `select_related`, `only` and annotations; no `values`, no `prefetch_related`.
    """
    kept: dict[tuple[object, ...], _Text[M]] = {}

    @wraps(build)
    def ask(*arguments: P.args, **named: P.kwargs) -> list[M]:
        if named:
            raise TypeError(f"{build.__name__} takes its arguments by position")
        if () in arguments:
            return []
        shape = tuple(_shape(argument) for argument in arguments)
        text = kept.get(shape)
        if text is None:
            text = kept[shape] = _Text(build, arguments)
        return text.rows(arguments)

    return ask


def _shape(argument: object) -> object:
    return tuple(_shape(one) for one in argument) if isinstance(argument, tuple) else type(argument)


class _Text(Generic[M]):
    """The text of one question, where its arguments stand in it, and how its rows become models."""

    def __init__(self, build: Callable[..., QuerySet[M]], arguments: Sequence[object]) -> None:
        marks: list[object] = []
        queryset = build(*(_stand_in(argument, marks) for argument in arguments))
        compiler: Any = queryset.query.get_compiler(connection=connection)
        self.sql, self.given = compiler.as_sql()
        self.places = [
            (place, marks.index(value)) for place, value in enumerate(map(_bare, self.given)) if value in marks
        ]
        if {mark for _, mark in self.places} != set(range(len(marks))):
            raise TypeError(f"{build.__name__} does not hand all of its arguments to filters as they are")
        self.locks = queryset.query.select_for_update
        self.converters = compiler.get_converters([column[0] for column in compiler.select[: compiler.col_count]])
        chosen = compiler.klass_info["select_fields"]
        self.model: type[M] = compiler.klass_info["model"]
        self.own = slice(chosen[0], chosen[-1] + 1)
        self.fields = [column[0].target.attname for column in compiler.select[self.own]]
        populators: Any = get_related_populators  # the stubs are those of a later Django
        self.related = populators(compiler.klass_info, compiler.select, connection.alias)
        self.annotations: dict[str, int] = compiler.annotation_col_map or {}

    def rows(self, arguments: Sequence[object]) -> list[M]:
        if self.locks and not connection.in_atomic_block:
            raise transaction.TransactionManagementError("a row is locked inside a transaction")
        values = _flat(arguments)
        given = list(self.given)
        for place, which in self.places:
            given[place] = values[which]
        with _prepared() as cursor:
            cursor.execute(self.sql, given)
            return [self._model(list(row)) for row in cursor.fetchall()]

    def _model(self, row: list[Any]) -> M:
        for place, (converters, expression) in self.converters.items():
            for convert in converters:
                row[place] = convert(row[place], expression, connection)
        made = self.model.from_db(connection.alias, self.fields, row[self.own])
        for populator in self.related:
            populator.populate(row, made)
        for name, place in self.annotations.items():
            setattr(made, name, row[place])
        return made


def _prepared() -> Any:
    """A cursor whose texts PostgreSQL reads and plans once a connection: Django's own, bound on the server's side. Whoever keeps a
    log of questions is to read them whole, so there they are bound on ours."""
    if connection.queries_logged:
        return connection.cursor()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        server_side: Any = ServerBindingCursor
        return cast("Any", connection)._prepare_cursor(server_side(connection.connection))  # noqa: SLF001


def _stand_in(argument: object, marks: list[object]) -> object:
    """A value of the argument's kind that nobody else uses, noted in `marks`."""
    if isinstance(argument, tuple):
        return tuple(_stand_in(one, marks) for one in argument)
    number = len(marks)
    stand_ins: dict[type, object] = {
        int: 2_147_400_000 + number,
        str: f"stand-in {number}",
        bytes: f"stand-in {number}".encode(),
        datetime: datetime.fromtimestamp(number, tz=getattr(argument, "tzinfo", None)),
    }
    try:
        marks.append(stand_ins[type(argument)])
    except KeyError:
        raise TypeError(f"{argument!r} cannot stand in a text that is written once") from None
    return marks[number]


def _bare(value: object) -> object:
    """A parameter without the wrapper that says its database type."""
    return getattr(value, "obj", value)


def _flat(arguments: Sequence[object]) -> list[object]:
    flat: list[object] = []
    for argument in arguments:
        flat += _flat(argument) if isinstance(argument, tuple) else [argument]
    return flat


def write(*rows: Model) -> None:
    """Insert rows of one model in one statement and give them their ids, in their order."""
    given = _insert(rows, "")
    for row, (number,) in zip(rows, given, strict=True):
        _is_there(row, number)


def write_unless_there(row: Model, *, unique: str) -> bool:
    """Insert `row` and give it its id, unless its value in the column `unique` is taken: then False, and nothing is written.

    Whoever comes second waits for the first to commit. What was written is its writer's, and so locked.
    """
    given = _insert([row], f"ON CONFLICT ({unique}) DO NOTHING")
    for (number,) in given:
        _is_there(row, number)
    return bool(given)


def rewrite(row: Model, *names: str) -> None:
    """Write these columns of a row that is there, as it has them now."""
    fields = [row._meta.get_field(name) for name in names]
    columns = ", ".join(f"{field.column} = %s" for field in fields)  # type: ignore[union-attr]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]  # type: ignore[union-attr]
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {columns} WHERE id = %s", [*values, row.pk])  # noqa: S608 - names of our own


def _insert(rows: Sequence[Model], conflict: str) -> list[tuple[int]]:
    fields = [field for field in rows[0]._meta.concrete_fields if not field.primary_key]
    columns, one = ", ".join(str(field.column) for field in fields), f"({', '.join(['%s'] * len(fields))})"
    table, all_of_them = rows[0]._meta.db_table, ", ".join([one] * len(rows))
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) VALUES {all_of_them} {conflict} RETURNING id", values)  # noqa: S608 - names of our own
        given: list[tuple[int]] = cursor.fetchall()
    return given


class InstantLoader(Loader):
    """Reads a timestamptz in UTC, which is what every connection speaks. Django's own takes each apart by a pattern, which costs
    twenty times as much, and an order or a batch of texts reads many."""

    timezone = UTC  # Django asks for it, to know whether a connection needs another

    def load(self, data: Buffer) -> datetime:
        try:
            return datetime.fromisoformat(bytes(data).decode())
        except ValueError:  # what no datetime can say: psycopg's own error says so
            return TimestamptzLoader(self.oid, self.connection).load(data)


def read_instants_at_once() -> None:
    """Every connection that is opened from now on reads instants by `InstantLoader`."""
    get_adapters_template(True, UTC).adapters.register_loader("timestamptz", InstantLoader)


def numbers(query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> NDArray[np.int64]:
    """The only column (bigint, never NULL) of an SQL `query`: (n,), in its order. PostgreSQL packs them into one value, so a
    million take a third of a second and no Python object is made of any of them. At most 60 million: a value has 1 GB."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT string_agg(int8send(n), ''::bytea) FROM ({query}) q (n)", parameters)  # noqa: S608 - the caller's
        (packed,) = cursor.fetchone()
    return np.frombuffer(packed or b"", ">i8").astype(np.int64)


def array(numbers: Iterable[int | None]) -> str:
    """Numbers as the text of a PostgreSQL array, for a parameter `%s::bigint[]`: the driver looks at each item of a list."""
    return "{" + ",".join("NULL" if number is None else str(number) for number in numbers) + "}"


def _is_there(row: Model, number: int) -> None:
    row.pk = number
    state = row._state  # noqa: SLF001 - it is in the database, put there by hand
    state.adding, state.db = False, connection.alias
