"""The state machine against the practice provider over real HTTP: money moves once, and a lost answer is never guessed."""

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from dure.ledger import queries as ledger
from dure.payments import actions as payments
from dure.payments import errors, queries, rules
from dure.payments.models import Call, Payment
from dure.payments.providers import provider_named
from dure.payments.values import COUNTER, Amount, Outcome, PaymentState
from tests.patience import eventually
from tests.races import at_once
from tests.rooms.payments.conftest import AT, PAYEE, Ear, Payer

SOON = AT + timedelta(seconds=5)
OVER = AT + rules.LIFE + timedelta(minutes=1)
LOST_BEFORE = ["timeout_before", "error_5xx_before", "unknown_before"]
LOST_AFTER = ["timeout_after", "error_5xx_after", "unknown_after", "slow", "cut"]


def calls(payment: Payment, kind: str) -> int:
    return Call.objects.filter(payment=payment, kind=kind).count()


@pytest.mark.django_db
def test_a_payment_is_prepared_agreed_to_and_approved(payer: Payer, ear: Ear) -> None:
    payment = payer.opens()
    assert payment.state == PaymentState.READY
    assert payment.provider_key
    assert "/pay/" in payment.redirect_url
    paid = payments.approve_payment(payment=payment, token=payer.agrees(payment), at=AT)
    assert paid.state == PaymentState.APPROVED
    assert payer.truth(payment)["status"] == "SUCCESS_PAYMENT"
    assert (ledger.balance_of("provider:kakaopay"), ledger.balance_of(PAYEE)) == (-12_000, 12_000)
    assert ear.names(payment) == ["PaymentSettled"]
    assert [payment.public_id for payment in queries.payments_about(payment.reference)] == [payment.public_id]


@pytest.mark.django_db
def test_the_same_key_is_the_same_payment_and_other_contents_are_refused(payer: Payer) -> None:
    first = payer.opens(key="once")
    with pytest.raises(errors.KeyReused):
        payer.opens(key="once")
    assert Payment.objects.count() == 1
    assert calls(first, "ready") == 1


@pytest.mark.django_db
def test_a_provider_is_never_called_inside_a_transaction(payer: Payer) -> None:
    payment = payer.opens()
    with transaction.atomic(), pytest.raises(RuntimeError):
        payer.opens()
    with transaction.atomic(), pytest.raises(RuntimeError):
        payments.approve_payment(payment=payment, token="t", at=AT)


@pytest.mark.django_db
def test_a_lost_ready_takes_no_money_and_can_be_repeated(payer: Payer) -> None:
    payer.sandbox.faults(ready={"kind": "timeout_after", "count": 1})
    with pytest.raises(errors.ProviderSilent):
        payer.opens(key="again")
    lost = Payment.objects.get(key="again")
    assert lost.state == PaymentState.CREATED
    again = payments.prepare_payment(
        provider="kakaopay", reference=lost.reference, amount=lost.terms.amount, item_name=lost.item_name,
        payer=lost.payer, payee=lost.payee, return_path=lost.return_path, origin="http://127.0.0.1:8000",
        key="again", at=SOON,
    )  # fmt: skip
    assert (again.pk, again.state) == (lost.pk, PaymentState.READY)


@pytest.mark.django_db
def test_a_refused_ready_fails_the_payment(payer: Payer, ear: Ear) -> None:
    payer.sandbox.faults(ready={"kind": "refused", "count": 1})
    with pytest.raises(errors.ProviderRefused):
        payer.opens(key="refused")
    failed = Payment.objects.get(key="refused")
    assert failed.state == PaymentState.FAILED
    assert ear.names(failed) == ["PaymentFailed"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "orders/1"])
def test_a_payment_returns_to_a_path_of_ours_only(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        payments.prepare_payment(
            provider="kakaopay", reference="r", amount=Amount(1, 0, 0), item_name="i", payer="p", payee="s",
            return_path=path, origin="http://127.0.0.1", key="k", at=AT,
        )  # fmt: skip


@pytest.mark.django_db
def test_a_token_of_another_payment_moves_nothing_and_spoils_nothing(payer: Payer) -> None:
    opened = [payer.opens(1_000 * n) for n in range(1, 5)]
    tokens = {payment.pk: payer.agrees(payment) for payment in opened}
    for payment in opened:
        for other in opened:
            if other != payment:
                after = payments.approve_payment(payment=payment, token=tokens[other.pk], at=AT)
                assert after.state == PaymentState.READY
    assert ledger.balance_of(PAYEE) == 0
    for payment in opened:
        assert payments.approve_payment(payment=payment, token=tokens[payment.pk], at=AT).state == PaymentState.APPROVED
    assert ledger.balance_of(PAYEE) == 10_000


@pytest.mark.django_db
def test_a_callback_before_the_person_agreed_moves_nothing(payer: Payer) -> None:
    payment = payer.opens()
    assert payments.approve_payment(payment=payment, token="guess", at=AT).state == PaymentState.READY
    assert payer.truth(payment)["approvals"] == 0


@pytest.mark.django_db
def test_a_refused_approval_fails_with_the_reason(payer: Payer, ear: Ear) -> None:
    payment = payer.opens()
    payer.sandbox.faults(approve={"kind": "refused", "count": 1})
    failed = payments.approve_payment(payment=payment, token=payer.agrees(payment), at=AT)
    assert failed.state == PaymentState.FAILED
    assert "LACK_BALANCE" in failed.reason
    assert ear.names(payment) == ["PaymentFailed"]
    assert queries.open_payments(AT + timedelta(days=2)) == []


@pytest.mark.django_db(transaction=True)
def test_the_same_callback_ten_times_at_once_moves_the_money_once(payer: Payer, ear: Ear) -> None:
    payment = payer.opens()
    token = payer.agrees(payment)
    results = at_once(*[lambda: payments.approve_payment(payment=payment, token=token, at=AT)] * 10)
    assert all(isinstance(result, Payment) for result in results), results
    payment.refresh_from_db()
    assert payment.state == PaymentState.APPROVED
    assert calls(payment, "approve") == 1
    assert payer.truth(payment)["approvals"] == 1
    assert ear.names(payment) == ["PaymentSettled"]
    assert ledger.balance_of(PAYEE) == 12_000


@pytest.mark.django_db(transaction=True)
def test_the_race_is_real_without_the_lock_a_paid_payment_is_taken_for_refused(payer: Payer) -> None:
    """The control for the test above: who only looks at the state first calls twice, and the loser hears a refusal."""
    payment = payer.opens()
    token, both_looked = payer.agrees(payment), threading.Barrier(2)

    def naive() -> Outcome:
        ready = Payment.objects.get(pk=payment.pk).state == PaymentState.READY
        both_looked.wait(10)
        assert ready
        return provider_named("kakaopay").approve(payment.terms, token=token).outcome

    assert sorted(at_once(naive, naive)) == [Outcome.DONE, Outcome.UNKNOWN]


@pytest.mark.django_db
@pytest.mark.parametrize("fault", LOST_BEFORE + LOST_AFTER)
def test_a_lost_approval_is_asked_about_and_moves_the_money_once(payer: Payer, ear: Ear, fault: str) -> None:
    payment = payer.opens()
    token = payer.agrees(payment)
    payer.sandbox.faults(approve={"kind": fault, "count": 1})
    lost = payments.approve_payment(payment=payment, token=token, at=AT)
    assert lost.state == PaymentState.APPROVING
    assert ear.names(payment) == []
    assert payment in queries.open_payments(SOON)
    found = payments.resolve_payment(payment=payment, at=SOON)
    assert found.state == PaymentState.APPROVED
    assert payer.truth(payment)["approvals"] == 1
    # Approved a second time only where the provider had said that it was not approved yet.
    assert calls(payment, "approve") == (2 if fault in LOST_BEFORE else 1)
    assert ear.names(payment) == ["PaymentSettled"]
    assert ledger.balance_of(PAYEE) == 12_000
    assert queries.open_payments(AT + timedelta(days=2)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["timeout_before", "error_5xx_before", "unknown_before", "cut", "refused"])
def test_while_the_provider_cannot_be_asked_nothing_is_approved_again(payer: Payer, ear: Ear, fault: str) -> None:
    payment = payer.opens()
    token = payer.agrees(payment)
    payer.sandbox.faults(approve={"kind": "timeout_before", "count": 1}, order={"kind": fault, "count": 3})
    payments.approve_payment(payment=payment, token=token, at=AT)
    for minutes in (1, 5, 40):
        asked = payments.resolve_payment(payment=payment, at=AT + timedelta(minutes=minutes))
        assert asked.state == PaymentState.APPROVING
    assert calls(payment, "approve") == 1
    assert ear.names(payment) == []
    stuck, _ = queries.for_a_person(AT + timedelta(hours=2))
    assert list(stuck) == [payment]


@pytest.mark.django_db
def test_an_answer_from_before_the_money_moved_does_not_move_it_twice(payer: Payer) -> None:
    payment = payer.opens()
    token = payer.agrees(payment)
    payer.sandbox.faults(approve={"kind": "timeout_after", "count": 1}, order={"kind": "stale", "count": 1})
    payments.approve_payment(payment=payment, token=token, at=AT)
    assert payments.resolve_payment(payment=payment, at=SOON).state == PaymentState.APPROVING
    assert calls(payment, "approve") == 2
    assert payments.resolve_payment(payment=payment, at=SOON).state == PaymentState.APPROVED
    assert payer.truth(payment)["approvals"] == 1


@pytest.mark.django_db
def test_an_approval_that_never_happened_expires_when_its_time_is_over(payer: Payer, ear: Ear) -> None:
    payment = payer.opens()
    token = payer.agrees(payment)
    payer.sandbox.faults(approve={"kind": "timeout_before", "count": 1})
    payments.approve_payment(payment=payment, token=token, at=AT)
    assert payments.resolve_payment(payment=payment, at=OVER).state == PaymentState.EXPIRED
    assert calls(payment, "approve") == 1
    assert ear.names(payment) == ["PaymentFailed"]


@pytest.mark.django_db
def test_money_that_arrives_after_the_payment_was_given_up_is_returned(payer: Payer, ear: Ear) -> None:
    payment = payer.opens(tax_free=5_000)
    token = payer.agrees(payment)
    payer.sandbox.faults(approve={"kind": "late", "count": 1, "seconds": 1.0})
    payments.approve_payment(payment=payment, token=token, at=AT)
    assert payments.resolve_payment(payment=payment, at=OVER).state == PaymentState.EXPIRED
    eventually(lambda: payer.truth(payment)["status"] == "SUCCESS_PAYMENT")
    later = OVER + timedelta(hours=2)
    assert payment in queries.open_payments(later)
    late = payments.resolve_payment(payment=payment, at=later)
    assert late.state == PaymentState.APPROVED
    payments.carry_out_refund(refund=late.refunds.get(), at=later)
    truth = payer.truth(payment)
    assert (truth["status"], truth["canceled"]) == ("CANCEL_PAYMENT", 12_000)
    assert ledger.balance_of(PAYEE) == 0
    assert ear.names(payment) == ["PaymentFailed"], "who was told that it failed is not told otherwise"


@pytest.mark.django_db
def test_somebody_who_never_came_back_lets_the_payment_expire(payer: Payer, ear: Ear) -> None:
    payment = payer.opens()
    payer.agrees(payment)
    assert queries.open_payments(SOON) == []
    assert payments.resolve_payment(payment=payment, at=SOON).state == PaymentState.READY
    assert queries.open_payments(OVER) == [payment]
    assert payments.resolve_payment(payment=payment, at=OVER).state == PaymentState.EXPIRED
    assert ear.names(payment) == ["PaymentFailed"]
    assert payments.resolve_payment(payment=payment, at=OVER).state == PaymentState.EXPIRED
    assert queries.open_payments(OVER + timedelta(days=1)) == []


@pytest.mark.django_db
def test_a_payment_given_up_is_not_approved_any_more(payer: Payer, ear: Ear) -> None:
    payment = payer.opens()
    token = payer.agrees(payment)
    assert payments.give_up_payment(payment=payment, reason="cancelled", at=AT).state == PaymentState.FAILED
    assert payments.give_up_payment(payment=payment, reason="cancelled", at=AT).state == PaymentState.FAILED
    assert payments.approve_payment(payment=payment, token=token, at=AT).state == PaymentState.FAILED
    assert payer.truth(payment)["approvals"] == 0
    assert ear.names(payment) == ["PaymentFailed"]


@pytest.mark.django_db
def test_a_payment_whose_money_may_have_moved_is_not_given_up(payer: Payer) -> None:
    payment = payer.opens()
    payer.sandbox.faults(approve={"kind": "timeout_after", "count": 1})
    payments.approve_payment(payment=payment, token=payer.agrees(payment), at=AT)
    with pytest.raises(errors.PaymentMoving):
        payments.give_up_payment(payment=payment, reason="cancelled", at=AT)
    payments.resolve_payment(payment=payment, at=SOON)
    with pytest.raises(errors.AlreadyPaid):
        payments.give_up_payment(payment=payment, reason="cancelled", at=AT)


@pytest.mark.django_db(transaction=True)
def test_approving_and_giving_up_at_once_has_one_winner(payer: Payer, ear: Ear) -> None:
    for _ in range(6):
        payment = payer.opens()
        token = payer.agrees(payment)
        at_once(
            lambda p=payment, t=token: payments.approve_payment(payment=p, token=t, at=AT),
            lambda p=payment: payments.give_up_payment(payment=p, reason="cancelled", at=AT),
        )
        payment.refresh_from_db()
        expected = {PaymentState.APPROVED: (1, ["PaymentSettled"]), PaymentState.FAILED: (0, ["PaymentFailed"])}
        assert (payer.truth(payment)["approvals"], ear.names(payment)) == expected[PaymentState(payment.state)]


@pytest.mark.django_db
def test_a_crash_between_the_answer_and_its_record_is_found_by_the_sweeper(payer: Payer, ear: Ear) -> None:
    payment = payer.opens()
    token = payer.agrees(payment)
    ear.fail = True
    with pytest.raises(RuntimeError, match="broke down"):
        payments.approve_payment(payment=payment, token=token, at=AT)
    ear.fail = False
    left = Call.objects.get(payment=payment, kind="approve")
    assert left.ended_at is None, "the call is known, its answer is not"
    assert payer.truth(payment)["approvals"] == 1
    assert ledger.balance_of(PAYEE) == 0
    assert queries.open_payments(SOON) == [payment]
    assert payments.resolve_payment(payment=payment, at=SOON).state == PaymentState.APPROVED
    assert ear.names(payment) == ["PaymentSettled"]
    assert ledger.balance_of(PAYEE) == 12_000
    assert payer.truth(payment)["approvals"] == 1


@pytest.mark.django_db
def test_money_at_the_counter_is_settled_at_once_and_once(ear: Ear) -> None:
    def take(total: int = 9_000) -> Payment:
        return payments.settle_at_counter(
            reference="bill-1", amount=Amount(total, 0, 818), item_name="국수", payer="counter", payee=PAYEE,
            key="bill-1:counter", by="staff:p", at=AT,
        )  # fmt: skip

    payment = take()
    assert take() == payment
    assert (payment.state, payment.provider) == (PaymentState.APPROVED, COUNTER)
    assert ear.names(payment) == ["PaymentSettled"]
    assert (ledger.balance_of(f"counter:{PAYEE}"), ledger.balance_of(PAYEE)) == (-9_000, 9_000)
    with pytest.raises(errors.KeyReused):
        take(9_001)
    refund = payments.refund_payment(payment=payment, amount=4_000, reason="sold out", key="r", at=AT)
    assert refund.state == "done"
    assert (ledger.balance_of(f"counter:{PAYEE}"), ledger.balance_of(PAYEE)) == (-5_000, 5_000)


@pytest.mark.django_db
def test_an_unreachable_provider_takes_no_money(payer: Payer, settings: Settings) -> None:
    settings.KAKAOPAY = {**settings.KAKAOPAY, "host": "http://127.0.0.1:9"}
    with pytest.raises(errors.ProviderSilent):
        payer.opens()


@pytest.mark.django_db
def test_an_unknown_payment_is_not_found() -> None:
    with pytest.raises(errors.NoSuchPayment):
        queries.payment_by_public_id("pay_nobody")
