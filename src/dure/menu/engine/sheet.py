"""Spreadsheet files as grids of text, and back. Knows no menu.

A cell that a spreadsheet program could take for a formula is written with an apostrophe before it, and read without.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence

Grid = list[list[str]]

BYTES_MAX = 2_000_000
UNPACKED_MAX = 20_000_000
PARTS_MAX = 100
ROWS_MAX = 3_000
COLUMNS_MAX = 40
CELL_MAX = 2_000

_FORMULA_STARTS = "=+-@\t\r＝＋－＠"  # the wide ones too: some programs fold them
_DOCTYPE = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


class Unreadable(Exception):
    """The bytes are no spreadsheet, or a larger one than is read."""


def read(content: bytes) -> Grid:
    """The first sheet of an XLSX, or a CSV in UTF-8 (with or without its mark), UTF-16 or CP949, as stripped texts."""
    if len(content) > BYTES_MAX:
        raise Unreadable("too many bytes")
    grid = _read_xlsx(content) if content[:4] == b"PK\x03\x04" else _read_csv(content)
    while grid and not any(grid[-1]):
        grid.pop()
    if len(grid) > ROWS_MAX:
        raise Unreadable("too many rows")
    return grid


def write_csv(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV that Korean Excel opens rightly: UTF-8 with its mark, lines ending in CR LF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([guard(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def write_xlsx(rows: Iterable[Sequence[object]], title: str) -> bytes:
    """Rows as the only sheet of an XLSX. Whole numbers stay numbers."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append([cell if isinstance(cell, int) and cell >= 0 else guard(cell) for cell in row])
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def guard(cell: object) -> str:
    """A cell's text that no spreadsheet program takes for a formula."""
    text = str(cell)
    return f"'{text}" if text[:1] in _FORMULA_STARTS + "'" and text else text


def unguard(text: str) -> str:
    """What `guard` was given."""
    return text[1:] if text[:1] == "'" and text[1:2] and text[1] in _FORMULA_STARTS + "'" else text


def _read_csv(content: bytes) -> Grid:
    text = _decode(content)
    if "\x00" in text:
        raise Unreadable("holds NUL")
    heading = text.partition("\n")[0]
    delimiter = max(",\t;", key=heading.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        grid: Grid = []
        for row in rows:
            if len(grid) > ROWS_MAX or any(len(cell) > CELL_MAX for cell in row):
                raise Unreadable("too much")
            grid.append([unguard(cell.strip()) for cell in row[:COLUMNS_MAX]])
    except csv.Error as wrong:
        raise Unreadable(str(wrong)) from wrong
    return grid


def _decode(content: bytes) -> str:
    marked = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    for encoding in (marked, "cp949"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("no encoding that we know")


def _read_xlsx(content: bytes) -> Grid:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    _refuse_bomb(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        grid: Grid = []
        for row in sheet.iter_rows(max_row=ROWS_MAX + 1, max_col=COLUMNS_MAX, values_only=True):
            grid.append([unguard(_text(cell)) for cell in row])
        book.close()
    except (InvalidFileException, zipfile.BadZipFile, *_XML_FAULTS) as wrong:
        raise Unreadable(type(wrong).__name__) from wrong
    return grid


# What a damaged workbook makes openpyxl raise: it trusts the parts it reads.
_XML_FAULTS = (ArithmeticError, AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, EOFError)


def _refuse_bomb(content: bytes) -> None:
    """Before anything is unpacked: sizes as declared (reading stops there), then no document type in any part."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_MAX:
                raise Unreadable("unpacks to too much")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")) and _DOCTYPE.search(packed.read(part)):
                    raise Unreadable("declares a document type")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as wrong:
        raise Unreadable("no workbook") from wrong


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip()
    if len(text) > CELL_MAX:
        raise Unreadable("a cell is too long")
    return text
