"""To the won: fees, tax, days; whatever is taken apart comes to the same whole."""

import random
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.kit import money
from dure.settlement import rules
from dure.settlement.engine import fees
from dure.settlement.errors import FeesUnclear
from dure.settlement.queries import fee_table
from dure.settlement.values import Method, Parts, PayoutState, Rates, Sale, SalesTier

bps = st.integers(0, 500)


@st.composite
def sales(draw: st.DrawFn) -> Sale:
    amount = draw(st.integers(1, 10_000_000))
    free = draw(st.integers(0, amount))
    return Sale(
        amount=amount,
        tax_free=free,
        vat=money.vat_in(amount - free),
        discount=draw(st.integers(0, 1_000_000)),
        rates=Rates(card=draw(bps), provider=draw(bps), platform=draw(bps)),
        at_counter=draw(st.booleans()),
    )


@settings(max_examples=2_000, deadline=None)
@given(sales(), st.data())
def test_refunds_in_any_pieces_come_to_the_same(sale: Sale, data: st.DataObject) -> None:
    left, free = sale.amount, sale.tax_free
    lines = [rules.standing(sale, left, free)]
    for _ in range(data.draw(st.integers(0, 6))):
        taken_free = data.draw(st.integers(0, free))
        taken = taken_free + data.draw(st.integers(0, left - free))
        before = rules.standing(sale, left, free)
        left, free = left - taken, free - taken_free
        lines.append(rules.standing(sale, left, free).less(before))
    whole = rules.total(lines)
    assert whole == rules.standing(sale, left, free)
    assert whole.amount == whole.subtotal - whole.discount == left
    assert whole.net + whole.fees + whole.kept == left
    assert 0 <= whole.vat + whole.tax_free <= left
    assert min(whole.card_fee, whole.provider_fee, whole.platform_fee, whole.fee_vat, whole.net) >= 0
    assert rules.total([*lines, rules.standing(sale, 0, 0).less(whole)]) == Parts()


def test_a_hundred_thousand_splits_lose_no_won() -> None:
    dice = random.Random(17)
    off = 0
    for _ in range(100_000):
        total = dice.randrange(10_000_000)
        weights = [dice.randrange(5_000) for _ in range(dice.randint(1, 8))]
        weights[0] += 1
        parts = money.split(total, weights)
        off += abs(total - sum(parts))
        assert min(parts) >= 0
    assert off == 0


def test_the_law_and_the_provider_take_what_the_table_says() -> None:
    day = date(2026, 11, 23)
    table = fee_table()
    assert table.rates("kakaopay", Method.CREDIT, SalesTier.TINY, day) == Rates(card=40, provider=150, platform=0)
    assert table.rates("kakaopay", Method.CHECK, SalesTier.TINY, day).card == 15
    assert table.rates("kakaopay", Method.MONEY, SalesTier.TINY, day) == Rates(card=0, provider=340, platform=0)
    assert [table.regulated(tier, day)[0] for tier in fees.TIERS[:4]] == [40, 100, 115, 145]
    assert table.rates("kakaopay", Method.CREDIT, SalesTier.UNKNOWN, day) == table.rates(
        "kakaopay", Method.CREDIT, SalesTier.GENERAL, day
    )
    assert table.rates("wallet", Method.MONEY, SalesTier.UNKNOWN, day).provider == 0
    assert table.rates("somebody", Method.CREDIT, SalesTier.SMALL, day).provider == 150


def test_a_rate_holds_from_its_day() -> None:
    table = fee_table()
    assert table.regulated(SalesTier.TINY, date(2025, 2, 13))[0] == 50
    assert table.regulated(SalesTier.TINY, date(2025, 2, 14))[0] == 40
    assert table.regulated(SalesTier.TINY, date(2020, 1, 1))[0] == 50


@pytest.mark.parametrize(
    "text",
    [
        "",
        "card = 1",
        "[[card]]\nvalid_from = 2025-02-14",
        "x = [",
        '[[provider]]\nname = "x"\nvalid_from = 2025-01-01\nsource = ""\ncard = 1.5\nmoney = 0',
        '[[provider]]\nname = "x"\nvalid_from = 2025-01-01\nsource = ""\ncard = -1\nmoney = 0',
    ],
)
def test_a_table_that_says_nothing_clear_is_refused(text: str) -> None:
    with pytest.raises(FeesUnclear):
        fees.read(text)


def test_ten_thousand_won_to_the_won() -> None:
    sale = Sale(amount=10_000, tax_free=0, vat=909, discount=1_000, rates=Rates(card=40, provider=150, platform=0))
    parts = rules.standing(sale, 10_000, 0)
    assert (parts.card_fee, parts.provider_fee, parts.fee_vat, parts.net) == (40, 150, 15, 9_795)
    assert (parts.subtotal, parts.vat) == (11_000, 909)


@pytest.mark.parametrize(
    ("sold", "days", "paid"),
    [
        (date(2026, 11, 23), 2, date(2026, 11, 25)),  # Monday to Wednesday
        (date(2026, 11, 26), 2, date(2026, 11, 30)),  # over a weekend
        (date(2026, 11, 28), 1, date(2026, 11, 30)),  # sold on a Saturday
        (date(2026, 11, 28), 0, date(2026, 11, 30)),
        (date(2026, 11, 23), 0, date(2026, 11, 23)),
        (date(2026, 9, 23), 2, date(2026, 9, 29)),  # over Chuseok
        (date(2026, 12, 24), 1, date(2026, 12, 28)),  # over Christmas and a weekend
        (date(2026, 8, 14), 1, date(2026, 8, 18)),  # a substitute holiday
        (date(2027, 2, 5), 1, date(2027, 2, 10)),  # over the lunar new year
        (date(2026, 12, 31), 1, date(2027, 1, 4)),  # over the turn of the year
    ],
)
def test_a_shop_is_paid_on_a_day_on_which_banks_work(sold: date, days: int, paid: date) -> None:
    assert rules.deposit_day(sold, days) == paid
    assert rules.is_business_day(paid)


def test_a_paid_payout_stays_paid_and_doubt_is_never_sent_again() -> None:
    assert not rules.TRANSITIONS[PayoutState.PAID]
    assert not rules.may_move(PayoutState.UNKNOWN, PayoutState.SENDING)
    assert set(rules.TRANSITIONS) == set(PayoutState)
