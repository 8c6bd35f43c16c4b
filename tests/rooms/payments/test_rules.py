from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.payments import errors, rules
from dure.payments.values import Amount, PaymentState, Standing, Terms, Truth

AT = datetime(2026, 11, 23, tzinfo=UTC)


def test_an_approved_payment_never_becomes_anything_else() -> None:
    assert rules.TRANSITIONS[PaymentState.APPROVED] == frozenset()
    assert set(rules.TRANSITIONS) == set(PaymentState)


def test_what_was_given_up_can_only_become_approved() -> None:
    for state in (PaymentState.FAILED, PaymentState.EXPIRED):
        assert rules.TRANSITIONS[state] == {PaymentState.APPROVED}


def test_asking_again_takes_ever_longer_and_never_ends() -> None:
    pauses = [rules.next_ask_at(AT, asks) - AT for asks in range(9)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=5)
    assert pauses[-1] == timedelta(days=1)


@pytest.mark.parametrize("amount", [Amount(0, 0, 0), Amount(-1, 0, 0), Amount(10, -1, 0), Amount(10, 6, 5)])
def test_what_is_no_amount_is_a_bug_of_the_caller(amount: Amount) -> None:
    with pytest.raises(ValueError, match=r"amount|total"):
        rules.checked(amount)


@given(data=st.data(), total=st.integers(1, 10**7))
def test_refunding_in_any_pieces_returns_the_same_parts_as_at_once(data: st.DataObject, total: int) -> None:
    paid = Amount(total, data.draw(st.integers(0, total)), 0)
    gone = gone_tax_free = 0
    while gone < total:
        amount = data.draw(st.integers(max(1, (total - gone) // 5), total - gone))
        tax_free = rules.tax_free_in(paid, gone, gone_tax_free, amount)
        assert rules.refund_fits(paid, gone, gone_tax_free, amount, tax_free)
        gone, gone_tax_free = gone + amount, gone_tax_free + tax_free
    assert (gone, gone_tax_free) == (paid.total, paid.tax_free)
    assert not rules.refund_fits(paid, gone, gone_tax_free, 1, 0)


@given(paid=st.integers(1, 10**6), gone=st.integers(0, 10**6), amount=st.integers(-10, 2 * 10**6))
def test_a_refund_never_exceeds_what_is_left(paid: int, gone: int, amount: int) -> None:
    fits = rules.refund_fits(Amount(paid, 0, 0), gone, 0, amount, 0)
    assert fits == (1 <= amount <= paid - gone)


def test_an_answer_about_another_payment_or_sum_proves_nothing() -> None:
    terms = Terms(public_id="pay_a", payer="p", item_name="i", amount=Amount(100, 0, 9))
    paid = {"standing": Standing.PAID, "public_id": "pay_a", "total": 100}
    assert rules.believable(Truth(**paid), terms)
    assert not rules.believable(Truth(**{**paid, "public_id": "pay_b"}), terms)
    assert not rules.believable(Truth(**{**paid, "total": 99}), terms)


def test_every_reason_says_in_both_languages_what_happened_to_the_money() -> None:
    for reason in ("cancelled", "expired", "kakaopay -780 LACK_BALANCE", "kakaopay -722", ""):
        told = errors.explain(reason)
        assert told.ko
        assert told.en
