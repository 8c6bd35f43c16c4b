"""Money that goes back: never more than was paid, each return once, whatever happens to the answers."""

import threading
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from dure.ledger import queries as ledger
from dure.payments import actions as payments
from dure.payments import errors, queries
from dure.payments.models import Call, Payment, Refund
from dure.payments.providers import provider_named
from dure.payments.values import Outcome, RefundState
from tests.races import at_once
from tests.rooms.payments.conftest import AT, PAYEE, Ear, Payer

SOON = AT + timedelta(seconds=5)
LOST_BEFORE = ["timeout_before", "error_5xx_before", "unknown_before"]
LOST_AFTER = ["timeout_after", "error_5xx_after", "unknown_after", "slow", "cut"]


def refund(payment: Payment, amount: int, key: str = "r1", *, tax_free: int | None = None) -> Refund:
    return payments.refund_payment(payment=payment, amount=amount, tax_free=tax_free, reason="품절", key=key, at=AT)


@pytest.mark.django_db
def test_part_of_the_money_goes_back_and_then_the_rest(payer: Payer, ear: Ear) -> None:
    payment = payer.pays(10_000, tax_free=3_000)
    first = payments.carry_out_refund(refund=refund(payment, 4_000), at=AT)
    assert (first.state, first.tax_free) == (RefundState.DONE, 1_200)
    assert payer.truth(payment)["status"] == "PART_CANCEL_PAYMENT"
    second = payments.carry_out_refund(refund=refund(payment, 6_000, "r2"), at=AT)
    assert (second.state, second.tax_free) == (RefundState.DONE, 1_800)
    assert payer.truth(payment)["status"] == "CANCEL_PAYMENT"
    payment.refresh_from_db()
    assert payment.refunded == payment.amount
    assert ledger.balance_of(PAYEE) == ledger.balance_of("provider:kakaopay") == 0
    assert ear.names(payment) == ["PaymentSettled", "PaymentRefunded", "PaymentRefunded"]


@pytest.mark.django_db
def test_a_refund_is_a_job_of_the_transaction_that_asked_for_it(payer: Payer) -> None:
    payment = payer.pays()
    asked = refund(payment, 1_000)
    assert (asked.state, payer.truth(payment)["canceled"]) == (RefundState.ASKED, 0)
    from procrastinate.contrib.django.models import ProcrastinateJob

    assert [job.args for job in ProcrastinateJob.objects.filter(task_name="payments.refund")] == [
        {"refund_id": asked.pk}
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(("amount", "tax_free"), [(12_001, None), (0, None), (-5, None), (5_000, 5_001), (12_000, 0)])
def test_more_than_was_paid_is_never_returned(payer: Payer, amount: int, tax_free: int | None) -> None:
    payment = payer.pays(12_000, tax_free=4_000)
    with pytest.raises(errors.RefundTooMuch):
        refund(payment, amount, tax_free=tax_free)
    assert not Refund.objects.exists()


@pytest.mark.django_db
def test_refunds_on_their_way_count(payer: Payer) -> None:
    payment = payer.pays(10_000)
    refund(payment, 7_000)
    with pytest.raises(errors.RefundTooMuch):
        refund(payment, 3_001, "r2")
    assert refund(payment, 3_000, "r2").state == RefundState.ASKED


@pytest.mark.django_db
def test_what_was_not_paid_is_not_returned(payer: Payer) -> None:
    with pytest.raises(errors.NotPaid):
        refund(payer.opens(), 1_000)


@pytest.mark.django_db
def test_the_same_key_is_the_same_refund_and_other_contents_are_refused(payer: Payer) -> None:
    payment = payer.pays()
    first = refund(payment, 1_000)
    assert refund(payment, 1_000) == first
    with pytest.raises(errors.KeyReused):
        refund(payment, 1_001)
    with pytest.raises(errors.KeyReused):
        refund(payment, 1_000, tax_free=1)
    assert Refund.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("fault", LOST_BEFORE + LOST_AFTER)
def test_a_lost_refund_is_asked_about_and_happens_once(payer: Payer, ear: Ear, fault: str) -> None:
    payment = payer.pays(10_000)
    payer.sandbox.faults(cancel={"kind": fault, "count": 1})
    lost = payments.carry_out_refund(refund=refund(payment, 4_000), at=AT)
    assert lost.state == RefundState.ASKED
    assert lost in queries.open_refunds(AT + timedelta(minutes=1))
    found = payments.carry_out_refund(refund=lost, at=SOON)
    assert found.state == RefundState.DONE
    truth = payer.truth(payment)
    assert (truth["canceled"], truth["cancels"]) == (4_000, 1)
    assert Call.objects.filter(payment=payment, kind="cancel").count() == (2 if fault in LOST_BEFORE else 1)
    assert ledger.balance_of(PAYEE) == 6_000
    assert ear.names(payment) == ["PaymentSettled", "PaymentRefunded"]


@pytest.mark.django_db
def test_while_the_provider_cannot_be_asked_no_money_goes_back_twice(payer: Payer) -> None:
    payment = payer.pays(10_000)
    payer.sandbox.faults(cancel={"kind": "timeout_after", "count": 1}, order={"kind": "error_5xx_before", "count": 3})
    waiting = payments.carry_out_refund(refund=refund(payment, 4_000), at=AT)
    for _ in range(3):
        waiting = payments.carry_out_refund(refund=waiting, at=SOON)
        assert waiting.state == RefundState.ASKED
    assert payments.carry_out_refund(refund=waiting, at=SOON).state == RefundState.DONE
    assert payer.truth(payment)["cancels"] == 1


@pytest.mark.django_db
def test_a_crash_between_the_answer_and_its_record_is_found_by_asking(payer: Payer, ear: Ear) -> None:
    payment = payer.pays(10_000)
    asked = refund(payment, 4_000)
    ear.fail = True
    with pytest.raises(RuntimeError, match="broke down"):
        payments.carry_out_refund(refund=asked, at=AT)
    ear.fail = False
    assert payer.truth(payment)["canceled"] == 4_000
    assert ledger.balance_of(PAYEE) == 10_000
    assert payments.carry_out_refund(refund=asked, at=SOON).state == RefundState.DONE
    assert payer.truth(payment)["cancels"] == 1
    assert ledger.balance_of(PAYEE) == 6_000


@pytest.mark.django_db
def test_a_refund_that_the_provider_refuses_waits_for_a_person_and_frees_the_money(payer: Payer) -> None:
    payment = payer.pays(10_000)
    payer.sandbox.faults(cancel={"kind": "refused", "count": 1})
    refused = payments.carry_out_refund(refund=refund(payment, 10_000), at=AT)
    assert refused.state == RefundState.FAILED
    assert "BANK_FIRM_UNAVAILABLE" in refused.refusal
    assert list(queries.for_a_person(AT)[1]) == [refused]
    again = payments.carry_out_refund(refund=refund(payment, 10_000, "by hand"), at=SOON)
    assert again.state == RefundState.DONE
    assert payer.truth(payment)["cancels"] == 1


@pytest.mark.django_db
def test_money_returned_behind_our_back_is_never_returned_again(payer: Payer) -> None:
    payment = payer.pays(10_000)
    by_hand = {"cid": "TC0ONETIME", "tid": payment.provider_key, "cancel_amount": 5_000, "cancel_tax_free_amount": 0}
    httpx.post(
        f"{payer.sandbox.url}/online/v1/payment/cancel", json=by_hand, headers={"Authorization": "SECRET_KEY DEV-HAND"}
    ).raise_for_status()
    waiting = payments.carry_out_refund(refund=refund(payment, 4_000), at=AT)
    assert waiting.state == RefundState.ASKED
    assert payer.truth(payment)["canceled"] == 5_000
    assert list(queries.for_a_person(AT + timedelta(hours=2))[1]) == [waiting]


@pytest.mark.django_db(transaction=True)
def test_two_who_return_everything_at_once_return_it_once(payer: Payer) -> None:
    payment = payer.pays(10_000)
    results = at_once(*[lambda n=n: refund(payment, 10_000, f"r{n}") for n in range(6)])
    assert sum(isinstance(result, Refund) for result in results) == 1
    assert sum(isinstance(result, errors.RefundTooMuch) for result in results) == 5


@pytest.mark.django_db(transaction=True)
def test_one_refund_carried_out_by_many_workers_at_once_happens_once(payer: Payer, ear: Ear) -> None:
    payment = payer.pays(10_000)
    asked = refund(payment, 4_000)
    at_once(*[lambda: payments.carry_out_refund(refund=asked, at=AT)] * 5)
    settled = payments.carry_out_refund(refund=asked, at=SOON)
    assert settled.state == RefundState.DONE
    assert payer.truth(payment)["cancels"] == 1
    assert ledger.balance_of(PAYEE) == 6_000
    assert ear.names(payment).count("PaymentRefunded") == 1


@pytest.mark.django_db(transaction=True)
def test_the_race_is_real_without_the_optimistic_lock_the_money_goes_back_twice(payer: Payer) -> None:
    """The control for the test above: two calls that each look up what is left just before they call."""
    payment = payer.pays(10_000)
    gate, turns = threading.Barrier(2), threading.Lock()

    def naive() -> Outcome:
        gate.wait(10)
        with turns:
            left = payment.amount - provider_named("kakaopay").order(payment.terms).refunded
            return provider_named("kakaopay").cancel(payment.terms, amount=4_000, tax_free=0, available=left).outcome

    assert at_once(naive, naive) == [Outcome.DONE, Outcome.DONE]
    assert payer.truth(payment)["canceled"] == 8_000


@pytest.mark.django_db(transaction=True)
def test_refunds_of_one_payment_go_one_after_the_other(payer: Payer) -> None:
    payment = payer.pays(10_000)
    asked = [refund(payment, 2_000, f"r{n}") for n in range(3)]

    def carry(one: Refund) -> Callable[[], Refund]:
        return lambda: payments.carry_out_refund(refund=one, at=AT)

    at_once(*[carry(one) for one in reversed(asked)])
    for one in asked:
        assert payments.carry_out_refund(refund=one, at=SOON).state == RefundState.DONE
    truth = payer.truth(payment)
    assert (truth["canceled"], truth["cancels"]) == (6_000, 3)
    assert ledger.balance_of(PAYEE) == 4_000
