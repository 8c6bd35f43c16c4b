"""Tables of people as files: CSV with a header, or Parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dure.targeting.errors import ColumnMissing, FileUnreadable

UNKNOWN = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]


def read(file: Path) -> dict[str, NDArray[np.generic]]:
    """Columns by name: numbers, truths and times as floats (NaN where nothing is known), the rest as texts.

    Refuses: FileUnreadable.
    """
    try:
        table = _parquet(file) if _is_parquet(file) else _csv(file)
    except (OSError, pa.ArrowException) as wrong:
        raise FileUnreadable(file=file) from wrong
    if len(set(table.column_names)) != table.num_columns or not table.num_rows:
        raise FileUnreadable(file=file)
    return {name: _column(table[name]) for name in table.column_names}


def _is_parquet(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4) == b"PAR1"


def _parquet(file: Path) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(file)


def _csv(file: Path) -> pa.Table:
    from pyarrow import csv

    convert = csv.ConvertOptions(null_values=UNKNOWN, strings_can_be_null=True)
    return csv.read_csv(file, convert_options=convert)


def _column(column: pa.ChunkedArray) -> NDArray[np.generic]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_boolean(kind):
        return np.asarray(column.cast(pa.int8()).cast(pa.float64()).to_numpy(), float)
    if pa.types.is_temporal(kind):
        moments = column.cast(pa.timestamp("s"), safe=False) if not pa.types.is_time(kind) else column
        return np.asarray(moments.cast(pa.int64()).cast(pa.float64()).to_numpy(), float)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), float)
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    return np.array(column.cast(pa.string(), safe=False).to_pylist(), object)


def column_of(table: dict[str, NDArray[np.generic]], name: str, file: Path) -> NDArray[np.generic]:
    """One column by name. Refuses: ColumnMissing."""
    if name not in table:
        raise ColumnMissing(file=file.name, column=name, there=", ".join(list(table)[:40]))
    return table[name]
