"""Rows as spreadsheet files. Whole numbers stay numbers, below zero too; every text is made harmless."""

import csv
import io
from collections.abc import Iterable, Sequence

from dure.menu.engine.sheet import guard

Cell = str | int


def as_csv(rows: Iterable[Sequence[Cell]]) -> bytes:
    """CSV that Korean Excel opens rightly: UTF-8 with its mark, lines ending in CR LF."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Iterable[Sequence[Cell]], title: str) -> bytes:
    """The only sheet of an XLSX."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append([_safe(cell) for cell in row])
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _safe(cell: Cell) -> Cell:
    return cell if isinstance(cell, int) else guard(cell)
