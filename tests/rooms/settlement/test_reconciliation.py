"""A provider's file beside our books: nothing that differs is lost, and no file breaks the reader."""

from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.settlement import actions, errors, queries
from dure.settlement.engine import matching, provider_file
from dure.settlement.engine.matching import Side
from dure.settlement.models import Difference, Explanation, ProviderFile
from dure.settlement.values import DifferenceKind
from dure.shops import fence
from tests.rooms.settlement.conftest import MONDAY, Till
from tests.rooms.settlement.test_payouts import tiny

BY = "operator:test"
HEAD = "type,payment,traded_on,amount,fee,deposit_on"
DAY = date(2026, 11, 23)


def file_of(*rows: str, head: str = HEAD) -> bytes:
    return "\r\n".join([head, *rows]).encode("utf-8-sig")


def told(content: bytes, layout: str = "dure") -> ProviderFile:
    with fence.across_shops():
        return actions.read_provider_file(
            provider="kakaopay", layout=layout, name="11월.csv", content=content, by=BY, at=MONDAY + timedelta(days=3)
        )


def found(file: ProviderFile) -> list[tuple[str, str, str]]:
    return [(one.kind, one.payment, one.trade) for one in file.differences.order_by("id")]


def test_a_file_that_agrees_leaves_nothing_open(till: Till) -> None:
    tiny(till)
    paid = till.online(noodles=1, teas=1)
    back = till.online(teas=2)
    till.returns(back)
    till.counter()
    actions.close_days(shop=till.place.shop, at=MONDAY + timedelta(days=1))
    file = told(
        file_of(
            f"sale,{paid.public_id},2026-11-23,11000,225,2026-11-25",
            f'sale,{back.public_id},2026-11-23,"6,000",123,2026-11-25',
            f"refund,{back.public_id},2026-11-23,-6000,-123,2026-11-25",
        )
    )
    assert found(file) == []
    assert (file.rows, file.first_on, file.last_on) == (3, DAY, DAY)


def test_each_kind_of_difference_is_a_row(till: Till) -> None:
    tiny(till)
    other, fee, day, gone = (till.online(teas=n) for n in (1, 2, 3, 4))
    till.returns(gone)
    actions.close_days(shop=till.place.shop, at=MONDAY + timedelta(days=1))
    content = file_of(
        f"sale,{other.public_id},2026-11-23,3001,61,2026-11-25",
        f"sale,{fee.public_id},2026-11-23,6000,124,2026-11-25",
        f"sale,{day.public_id},2026-11-23,9000,184,2026-11-26",
        f"sale,{gone.public_id},2026-11-23,12000,246,2026-11-25",
        "sale,pay_nobodys,2026-11-23,500,9,2026-11-25",
    )
    file = told(content)
    assert sorted(found(file)) == sorted(
        [
            ("amount", other.public_id, "sale"),
            ("fee", fee.public_id, "sale"),
            ("date", day.public_id, "sale"),
            ("missing_there", gone.public_id, "refund"),
            ("missing_here", "pay_nobodys", "sale"),
        ]
    )
    assert told(content) == file, "the same bytes are read once"
    assert Difference.objects.count() == 5
    amount = file.differences.get(kind="amount")
    assert (amount.ours_won, amount.theirs_won) == (3_000, 3_001)


def test_a_payment_of_another_day_is_not_missed(till: Till) -> None:
    paid = till.online()
    till.online(at=MONDAY + timedelta(days=1))
    assert found(told(file_of(f"sale,{paid.public_id},2026-11-23,3000,100,"))) == []
    kinds = found(told(file_of(f"sale,{paid.public_id},2026-11-22,3000,100,")))
    assert kinds == [("date", paid.public_id, "sale")]


def test_a_difference_is_open_until_somebody_explains_it(till: Till) -> None:
    (one,) = told(file_of("sale,pay_nobodys,2026-11-23,500,9,")).differences.all()
    assert list(queries.open_differences()) == [one]
    with pytest.raises(errors.ExplanationMissing):
        actions.explain_difference(difference=one, text=" \u200b ", by=BY, at=MONDAY)
    actions.explain_difference(difference=one, text="연습 거래", by=BY, at=MONDAY)
    actions.explain_difference(difference=one, text="확인도 받음", by=BY, at=MONDAY)
    assert not queries.open_differences().exists()
    assert list(queries.explained_differences()) == [one]
    assert queries.files_read().get().open == 0
    for table in ("explanation", "difference", "providerfile"):
        for words in ("DELETE FROM", "UPDATE"):
            sql = f"{words} settlement_{table}" + (" SET id = id" if words == "UPDATE" else "")
            with (
                pytest.raises(IntegrityError, match="append-only"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(sql)
    assert Explanation.objects.count() == 2


def test_a_providers_own_headings_are_read() -> None:
    head = "거래일자,가맹점주문번호,거래구분,거래금액,수수료,부가세,정산금액,정산일자"
    rows, faults = provider_file.read(
        f'{head}\n20261123,pay_a,승인,"10,000원",190,19,9791,2026.11.25\n2026-11-23 12:00:01,pay_a,취소,-500,-9,0,0,'.encode(
            "cp949"
        ),
        "kakaopay",
    )
    assert faults == []
    assert [(r.trade, r.amount, r.fee, r.traded_on, r.deposit_on) for r in rows] == [
        ("sale", 10_000, 190, DAY, date(2026, 11, 25)),
        ("refund", 500, 9, DAY, None),
    ]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("gift,pay_a,2026-11-23,1,0,", "type"),
        ("sale,,2026-11-23,1,0,", "payment"),
        ("sale,=HYPERLINK(x),2026-11-23,1,0,", "payment"),
        ("sale,pay_a,2026-13-01,1,0,", "traded_on"),
        ("sale,pay_a,2026-02-30,1,0,", "traded_on"),
        ("sale,pay_a,2026-11-23,0,0,", "amount"),
        ("sale,pay_a,2026-11-23,-5,0,", "amount"),
        ("sale,pay_a,2026-11-23,1.5,0,", "amount"),
        ("sale,pay_a,2026-11-23,١٢٣,0,", "amount"),
        ("sale,pay_a,2026-11-23,1e9,0,", "amount"),
        (f"sale,pay_a,2026-11-23,{'9' * 5_000},0,", "amount"),
        ("sale,pay_a,2026-11-23,1,x,", "fee"),
        ("sale,pay_a,2026-11-23,1,0,soon", "deposit_on"),
        ("sale", "payment"),
    ],
)
def test_a_wrong_cell_is_named_and_nothing_is_kept(db: None, row: str, column: str) -> None:
    with pytest.raises(errors.FileFaulty) as refused:
        told(file_of("sale,pay_b,2026-11-23,1,0,", row))
    assert [(fault.row, fault.column) for fault in refused.value.faults] == [(3, column)]
    assert not ProviderFile.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 100,
        b"PK\x03\x04",
        HEAD.encode(),
        file_of("a", head="type,payment"),
        file_of("a", head=f"{HEAD},type"),
        b"\xff\xfe\x00\xd8",
        b'type,payment,traded_on,amount,fee,deposit_on\n"' + b"x" * 200_000,
    ],
)
def test_what_is_no_such_file_is_refused(db: None, content: bytes) -> None:
    with pytest.raises(errors.FileUnclear):
        told(content)
    assert not ProviderFile.objects.exists()


cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["sale", "refund", "승인", "pay_1", "2026-11-23", "20261399", "1,000", "-5", "9" * 20, "=1", '"', "\r", "\x00"]
    ),
)


@settings(max_examples=1_000, deadline=None)
@given(
    st.one_of(st.binary(max_size=400), st.lists(st.lists(cells, max_size=8), max_size=6)),
    st.sampled_from([*provider_file.LAYOUTS, "x"]),
)
def test_no_bytes_break_the_reader(content: bytes | list[list[str]], layout: str) -> None:
    if isinstance(content, list):
        head = ",".join(provider_file.LAYOUTS.get(layout, {"a": "a"}).values())
        content = "\n".join([head, *(",".join(row) for row in content)]).encode("utf-8", "surrogatepass")
    try:
        rows, faults = provider_file.read(content, layout)
    except provider_file.Unreadable:
        return
    assert len(faults) <= provider_file.FAULTS_MAX
    for row in rows:
        assert row.amount > 0
        assert row.fee >= 0
        assert row.trade in ("sale", "refund")
        assert 2000 <= row.traded_on.year < 2100


sides = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["sale", "refund"])),
    st.builds(
        Side,
        amount=st.integers(1, 3),
        fee=st.integers(0, 2),
        traded_on=st.just(frozenset({DAY})),
        deposit_on=st.sampled_from([frozenset[date](), frozenset({DAY})]),
    ),
)


@given(sides, sides)
def test_differences_are_the_same_from_either_side(ours: matching.Sides, theirs: matching.Sides) -> None:
    mirror = {
        DifferenceKind.MISSING_HERE: DifferenceKind.MISSING_THERE,
        DifferenceKind.MISSING_THERE: DifferenceKind.MISSING_HERE,
    }
    here = {(d.kind, d.payment, d.trade, d.ours_won, d.theirs_won) for d in matching.differences(ours, theirs)}
    there = {
        (mirror.get(d.kind, d.kind), d.payment, d.trade, d.theirs_won, d.ours_won)
        for d in matching.differences(theirs, ours)
    }
    assert here == there
    assert not matching.differences(ours, ours)
    for key in ours.keys() ^ theirs.keys():
        assert any((d[1], d[2]) == key for d in here)
