"""A month as an owner reads it: all in, to the won, and traced from the sale to the deposit."""

import csv
import io
from datetime import date, timedelta

import openpyxl
import pytest
from django.utils import translation

from dure.settlement import actions, queries
from dure.settlement.engine import sheets
from dure.settlement.values import LineKind
from tests.rooms.settlement.conftest import MONDAY, Till
from tests.rooms.settlement.test_payouts import tiny

MONTH = date(2026, 11, 1)


def read(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf"), "Korean Excel wants the mark"
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_each_won_is_traced_in_every_format(till: Till) -> None:
    tiny(till)
    shop = till.place.shop
    till.online(noodles=1, teas=1)
    back = till.online(teas=2)
    till.counter()
    actions.close_days(shop=shop, at=MONDAY + timedelta(days=1))
    till.returns(back, at=MONDAY + timedelta(days=1))
    till.online(teas=4, at=MONDAY + timedelta(days=1))
    actions.close_days(shop=shop, at=MONDAY + timedelta(days=2))
    told = queries.statement_of(shop, MONTH)
    assert [line.kind for line in told.lines] == [LineKind.SALE] * 3 + [LineKind.RETURN, LineKind.SALE]
    assert told.whole.net == sum(p.net for p in queries.payouts_of(shop))
    first = told.lines[0]
    assert first.parts.subtotal - first.parts.discount == first.parts.amount
    assert first.parts.amount - first.parts.fees - first.parts.kept == first.parts.net
    assert (first.due_on, first.paid_on) == (date(2026, 11, 25), None)

    grid = read(queries.statement_as_csv(told))
    assert grid[0][:5] == ["때", "종류", "주문 금액", "할인", "결제 금액"]
    assert grid[1][2:13] == ["11000", "0", "11000", "3000", "727", "44", "165", "0", "16", "0", "10775"]
    assert grid[4][4] == "-6000"
    assert [int(cell) for cell in grid[-1][2:13]] == [
        getattr(told.whole, n)
        for n in ("subtotal", "discount", "amount", "tax_free", "vat", "card_fee", "provider_fee", "platform_fee",
                  "fee_vat", "kept", "net")
    ]  # fmt: skip
    book = openpyxl.load_workbook(io.BytesIO(queries.statement_as_xlsx(told)))
    assert book.active is not None
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[4][4] == -6_000, "won are numbers, below zero too"
    assert len(rows) == len(grid)
    for language in ("ko", "en"):
        assert queries.statement_as_pdf(shop, told, language).startswith(b"%PDF-")
    with translation.override("en"):
        assert read(queries.statement_as_csv(told))[0][:2] == ["When", "Kind"]


def test_a_month_without_anything_is_a_statement_too(till: Till) -> None:
    told = queries.statement_of(till.place.shop, MONTH)
    assert told.whole.net == 0
    assert queries.statement_as_pdf(till.place.shop, told, "ko").startswith(b"%PDF-")
    assert len(read(queries.statement_as_csv(told))) == 2


@pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "+x", "-x", "\tx", "가\u202e게 #*_[x]", "🍜" * 9, '"; panic()'])
def test_a_hostile_name_prints_and_is_no_formula(till: Till, name: str) -> None:
    shop = till.place.shop
    shop.name = name
    assert queries.statement_as_pdf(shop, queries.statement_of(shop, MONTH), "ko").startswith(b"%PDF-")
    (row,) = read(sheets.as_csv([[name, -5]]))
    assert row[0][:1] not in tuple("=+-@\t\r")
    assert row[1] == "-5"


def test_the_true_cost_is_the_same_before_and_after_closing(till: Till) -> None:
    tiny(till)
    shop = till.place.shop
    till.online(noodles=2, teas=0)
    till.online(teas=1, method="MONEY")
    till.counter(teas=2)
    gone = till.online(teas=5)
    till.returns(gone)
    before = queries.true_cost_of(shop, MONTH)
    actions.close_days(shop=shop, at=MONDAY + timedelta(days=1))
    assert queries.true_cost_of(shop, MONTH) == before
    assert (before.orders, before.online.amount, before.counter.amount) == (4, 19_000, 6_000)
    assert before.cost == 64 + 240 + 24 + 102 + 10
    assert (before.regulated, before.regulated_bps) == (76, 40)
    assert (before.low, before.high) == (627, 760)
    assert before.online.platform_fee == 0
    assert queries.true_cost_of(shop, date(2026, 10, 1)).orders == 0


def test_a_month_turns_at_midnight_in_korea(till: Till) -> None:
    shop = till.place.shop
    till.online(at=MONDAY.replace(day=30, hour=14, minute=59))  # 23:59 in Seoul
    till.online(at=MONDAY.replace(day=30, hour=15, minute=0))  # 00:00 on the first of December
    assert queries.true_cost_of(shop, MONTH).orders == 1
    assert queries.true_cost_of(shop, date(2026, 12, 1)).orders == 1
