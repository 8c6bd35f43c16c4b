"""Tables of people as files: CSV with a header, or Parquet."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dure.targeting.engine.table import Column, Words
from dure.targeting.errors import ColumnMissing, FileUnreadable

F64 = NDArray[np.float64]
UNKNOWN = ["", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None"]
SEPARATORS = ",;\t|"
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S")
TRUTHS = {"true": 1.0, "false": 0.0}
GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
BLOCK_MOST = 1 << 30
"""What a column holds is told from so many bytes at once; where the rest says otherwise everything is read as text first."""


def read(file: Path, as_written: frozenset[str] = frozenset()) -> dict[str, Column]:
    """Columns by name: numbers, truths and times (seconds) as floats, NaN where nothing is known; the rest as `Words`.

    A name that comes twice is kept as it is the first time and with `.2`, `.3` after that. Of the columns `as_written` every word
    counts, "None" too. Refuses: FileUnreadable.
    """
    try:
        table = _parquet(file) if _is_parquet(file) else _csv(file, as_written)
    except (OSError, pa.ArrowException, UnicodeError, csv.Error) as wrong:
        raise FileUnreadable(file=file, why=str(wrong).splitlines()[0][:160] if str(wrong) else "") from wrong
    if not table.num_rows or not table.num_columns:
        raise FileUnreadable(file=file, why="it holds no row")
    found: dict[str, Column] = {}
    for name, column in zip(_names(table.column_names), table.columns, strict=True):
        found[name] = _column(column, UNKNOWN if name not in as_written else [""])
    return found


def _names(written: list[str]) -> list[str]:
    met: Counter[str] = Counter()
    names = []
    for name in (one.strip().lstrip("\ufeff") for one in written):
        met[name] += 1
        names.append(name if met[name] == 1 else f"{name}.{met[name]}")
    return names


def _is_parquet(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4) == b"PAR1"


def _parquet(file: Path) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.ParquetFile(file).read()


def _csv(file: Path, as_written: frozenset[str]) -> pa.Table:
    from pyarrow import csv as arrow

    encoding = _encoding(file)
    with file.open(encoding=encoding, newline="") as opened:
        first = opened.readline()
        separator = max(SEPARATORS, key=first.count)
        opened.seek(0)
        names = next(csv.reader(opened, delimiter=separator), [])
    size = file.stat().st_size

    def attempt(kinds: dict[str, pa.DataType]) -> pa.Table:
        return arrow.read_csv(
            file,
            arrow.ReadOptions(encoding=encoding, block_size=max(1 << 20, min(size + 1, BLOCK_MOST)), use_threads=False),
            arrow.ParseOptions(delimiter=separator, newlines_in_values=True),
            arrow.ConvertOptions(null_values=UNKNOWN, column_types=kinds),
        )

    try:
        return attempt({name: pa.string() for name in names if name.strip() in as_written})
    except pa.ArrowInvalid:
        return attempt(dict.fromkeys(names, pa.string()))


def _encoding(file: Path) -> str:
    """UTF-8, or what Korean spreadsheets write."""
    try:
        with file.open(encoding="utf-8-sig") as opened:
            while opened.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "cp949"
    return "utf-8"


def _column(column: pa.ChunkedArray, unknown: list[str]) -> Column:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    try:
        if pa.types.is_boolean(kind):
            return _floats(column.cast(pa.int8()))
        if pa.types.is_time(kind):
            return _floats(column.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64()))
        if pa.types.is_duration(kind):
            return _floats(column.cast(pa.int64()))
        if pa.types.is_temporal(kind):
            return _floats(column.cast(pa.timestamp("s"), safe=False).cast(pa.int64()))
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return _floats(column)
        if pa.types.is_null(kind):
            return np.full(len(column), np.nan)
        return _words(column.cast(pa.string(), safe=False), unknown)
    except pa.ArrowException:  # lists and the like: nothing that a learner could read
        return np.full(len(column), np.nan)


def _floats(column: pa.ChunkedArray) -> F64:
    numbers = np.array(column.cast(pa.float64(), safe=False).to_numpy(), float)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _words(column: pa.ChunkedArray, unknown: list[str]) -> Column:
    known = pc.if_else(pc.is_in(column, pa.array(unknown)), None, column)
    whole = known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known
    coded = whole.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    codes = np.array(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int32)
    words = Words(codes, tuple(coded.dictionary.to_pylist()))
    if unknown == [""]:
        return words
    return as_numbers(words, least=1.0) if len(words.levels) else np.full(len(codes), np.nan)


def as_numbers(words: Words, least: float) -> Column:
    """The numbers, truths or dates that the words spell, if at least this share of them does; the rest is unknown then."""
    for spelled in (_numbers, _truths, _dates):
        values = spelled(words.levels)
        if (~np.isnan(values)).mean() >= least:
            return np.append(values, np.nan)[words.codes]
    return words


def _numbers(levels: tuple[str, ...]) -> F64:
    def number(level: str) -> float:
        try:
            return float(level.replace(",", "") if GROUPED.fullmatch(level.strip()) else level)
        except ValueError:
            return np.nan

    values = np.array([number(level) for level in levels])
    values[~np.isfinite(values)] = np.nan
    return values


def _truths(levels: tuple[str, ...]) -> F64:
    return np.array([TRUTHS.get(level.strip().lower(), np.nan) for level in levels])


def _dates(levels: tuple[str, ...]) -> F64:
    texts = pa.array(levels)
    best = np.full(len(levels), np.nan)
    for form in DATES:
        moments = pc.strptime(texts, format=form, unit="s", error_is_null=True)
        seconds = np.array(moments.cast(pa.int64()).cast(pa.float64()).to_numpy(zero_copy_only=False), float)
        if (~np.isnan(seconds)).sum() > (~np.isnan(best)).sum():
            best = seconds
    return best


def alike(train: Column, apply: Column) -> tuple[Column, Column]:
    """The same column of two files, both as numbers or both as words: what the training file says, where that can be."""
    if isinstance(train, Words) == isinstance(apply, Words):
        return train, apply
    if isinstance(apply, Words):
        read_again = as_numbers(apply, least=0.5)
        if not isinstance(read_again, Words):
            return train, read_again
        return _spelled(train), apply
    if np.isnan(apply).all():
        return train, Words(np.full(len(apply), -1, np.int32), ())
    return train, _spelled(apply)


def _spelled(numbers: Column) -> Column:
    assert not isinstance(numbers, Words)
    values, codes = np.unique(numbers, return_inverse=True)
    there = ~np.isnan(values)
    return Words(
        np.where(there[codes], codes, -1).astype(np.int32), tuple(f"{value:g}" for value in values[there].tolist())
    )


def column_of(table: dict[str, Column], name: str, file: Path) -> Column:
    """One column by name. Refuses: ColumnMissing."""
    if name not in table:
        raise ColumnMissing(file=file.name, column=name, there=", ".join(list(table)[:40]))
    return table[name]
