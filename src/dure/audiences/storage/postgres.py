"""From PostgreSQL to the Parquet file that an index is built from: one COPY, streamed, never all of it in memory."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from dure.audiences.engine.traits import Schema

PIECE = 8 << 20
"""Bytes of rows that are read and written at a time."""


def export(connection: Any, query: str, schema: Schema, file: Path) -> Path:
    """Writes what `query` selects (`person`, then the schema's columns, as whole numbers; NULL where unknown) to `file`.

    `connection` is psycopg's, within a transaction. Whoever builds from it reads the last change's number before it begins, so that nothing that
    happened meanwhile counts as seen.
    """
    names = ["person", *(trait.name for trait in schema)]
    kinds = {name: pa.int64() for name in names}
    half = file.with_name(f"{file.name}.part")
    wide = f"COPY (SELECT {', '.join(names)} FROM ({query}) AS people) TO STDOUT (FORMAT csv)"  # noqa: S608 the house's own query
    read = csv.ReadOptions(column_names=names, use_threads=False)
    convert = csv.ConvertOptions(column_types=kinds)
    with (
        pq.ParquetWriter(half, pa.schema(list(kinds.items())), compression="zstd", compression_level=1) as writer,
        connection.cursor() as cursor,
    ):
        cursor.execute("SET LOCAL statement_timeout = 0")
        with cursor.copy(wide) as copy:
            for piece in _pieces(copy):
                writer.write_table(csv.read_csv(pa.BufferReader(piece), read_options=read, convert_options=convert))
    half.replace(file)
    return file


def _pieces(copy: Iterable[Any]) -> Iterator[bytes]:
    """The rows of a COPY, which come one by one, some megabytes at a time."""
    held = bytearray()
    for row in copy:
        held += row
        if len(held) >= PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
