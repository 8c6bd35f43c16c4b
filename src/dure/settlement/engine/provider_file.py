"""A provider's settlement file as rows. Pure, and made for bad input: it reads, tells every fault by row, or says Unreadable.

Our own format (docs/reference/settlement-file.md) is CSV with these columns: type (sale, refund), payment (our public id),
traded_on, amount, fee, deposit_on. A provider's layout is our columns under its headings.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from dure.settlement.values import FileFault

BYTES_MAX = 20_000_000
ROWS_MAX = 200_000
CELL_MAX = 300
FAULTS_MAX = 100
COLUMNS = ("type", "payment", "traded_on", "amount", "fee", "deposit_on")
SALE, REFUND = "sale", "refund"

LAYOUTS: Mapping[str, Mapping[str, str]] = {
    "dure": {name: name for name in COLUMNS},
    "kakaopay": {
        "type": "거래구분",
        "payment": "가맹점주문번호",
        "traded_on": "거래일자",
        "amount": "거래금액",
        "fee": "수수료",
        "deposit_on": "정산일자",
    },
    "toss": {
        "type": "구분",
        "payment": "주문번호",
        "traded_on": "매출일",
        "amount": "결제금액",
        "fee": "수수료합계",
        "deposit_on": "정산액입금일",
    },
}
"""What each column of ours is called in a provider's file."""

_TYPES = {"sale": SALE, "승인": SALE, "결제": SALE, "매출": SALE, "refund": REFUND, "취소": REFUND, "환불": REFUND}
_PAYMENT = re.compile(r"[A-Za-z0-9_\-]{1,100}")
_WON = re.compile(r"-?[0-9]{1,12}")
_DAY = re.compile(r"(20[0-9]{2})[-./]?([01][0-9])[-./]?([0-3][0-9])(?:[ T][0-9:.]{1,15})?")


class Unreadable(Exception):
    """No CSV of this layout, or a larger one than is read."""


@dataclass(frozen=True, slots=True)
class Row:
    """One trade as the provider tells it; `amount` and `fee` in won, above zero for refunds too."""

    trade: str
    payment: str
    traded_on: date
    amount: int
    fee: int
    deposit_on: date | None


def read(content: bytes, layout: str) -> tuple[list[Row], list[FileFault]]:
    """The rows of a file in `layout`, and its faults (at most FAULTS_MAX). Never raises anything but Unreadable."""
    if len(content) > BYTES_MAX or layout not in LAYOUTS:
        raise Unreadable("too large, or no such layout")
    text = _decode(content)
    heading = text.partition("\n")[0]
    delimiter = max(",\t;", key=heading.count)
    rows: list[Row] = []
    faults: list[FileFault] = []
    try:
        grid = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        places = _places(next(grid, []), LAYOUTS[layout])
        for number, cells in enumerate(grid, start=2):
            if number > ROWS_MAX:
                raise Unreadable("too many rows")
            if not any(cell.strip() for cell in cells):
                continue
            told = {
                name: cells[place].strip()[: CELL_MAX + 1] if place < len(cells) else ""
                for name, place in places.items()
            }
            row = _row(told)
            if isinstance(row, Row):
                rows.append(row)
            elif len(faults) < FAULTS_MAX:
                faults.append(FileFault(row=number, column=row))
    except csv.Error as wrong:
        raise Unreadable(str(wrong)) from wrong
    return rows, faults


def _decode(content: bytes) -> str:
    marked = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    for encoding in (marked, "cp949"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Unreadable("no encoding that we know")


def _places(heading: list[str], layout: Mapping[str, str]) -> dict[str, int]:
    found = [cell.strip() for cell in heading]
    if any(found.count(words) != 1 for words in layout.values()):
        raise Unreadable("a column is missing, or there twice")
    return {name: found.index(words) for name, words in layout.items()}


def _row(told: Mapping[str, str]) -> Row | str:
    """The row, or the name of the first column that makes no sense."""
    trade = _TYPES.get(told["type"].lower())
    traded_on, deposit_on = _day(told["traded_on"]), _day(told["deposit_on"])
    amount, fee = _won(told["amount"]), _won(told["fee"])
    if trade is None:
        return "type"
    if not _PAYMENT.fullmatch(told["payment"]):
        return "payment"
    if traded_on is None:
        return "traded_on"
    if amount is None or amount == 0 or (amount < 0 and trade == SALE):
        return "amount"
    if fee is None or (fee < 0 and trade == SALE):
        return "fee"
    if deposit_on is None and told["deposit_on"]:
        return "deposit_on"
    return Row(trade, told["payment"], traded_on, abs(amount), abs(fee), deposit_on)


def _won(text: str) -> int | None:
    digits = text.removesuffix("원").replace(",", "")
    return int(digits) if _WON.fullmatch(digits) else None


def _day(text: str) -> date | None:
    found = _DAY.fullmatch(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None
