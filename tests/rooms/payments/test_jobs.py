"""The worker carries out what the transactions promised."""

from datetime import UTC, datetime, timedelta

import pytest
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from dure.kit import clock
from dure.payments import actions as payments
from dure.payments import jobs
from dure.payments.values import PaymentState, RefundState
from tests.rooms.payments.conftest import AT, Payer


def work() -> None:
    """Run a real worker until nothing is left to do now."""
    with app.replace_connector(app.connector.get_worker_connector()) as working:  # type: ignore[attr-defined]
        working.run_worker(wait=False, install_signal_handlers=False, listen_notify=False, delete_jobs="never")


def waiting(name: str) -> list[ProcrastinateJob]:
    return list(ProcrastinateJob.objects.filter(task_name=name, status="todo"))


@pytest.mark.django_db(transaction=True)
def test_the_worker_returns_the_money(payer: Payer) -> None:
    payment = payer.pays()
    refund = payments.refund_payment(payment=payment, amount=12_000, reason="품절", key="r", at=AT)
    work()
    refund.refresh_from_db()
    assert refund.state == RefundState.DONE
    assert payer.truth(payment)["status"] == "CANCEL_PAYMENT"


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_finds_a_lost_answer_and_asks_once(payer: Payer) -> None:
    at = datetime.now(UTC)
    payment = payer.opens(at=at - timedelta(minutes=1))
    payer.sandbox.faults(approve={"kind": "timeout_after", "count": 1})
    payments.approve_payment(payment=payment, token=payer.agrees(payment), at=at)
    [later] = waiting("payments.ask")
    assert later.scheduled_at == at + timedelta(seconds=5)
    with clock.showing(lambda: at + timedelta(minutes=1)):
        jobs.sweep(0)
        jobs.sweep(0)
    assert len(waiting("payments.ask")) == 1, "one question at a time"


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_closes_what_nobody_came_back_for(payer: Payer) -> None:
    payment = payer.opens(at=datetime.now(UTC) - timedelta(hours=1))
    jobs.sweep(0)
    jobs.sweep(0)
    assert len(waiting("payments.ask")) == 1
    work()
    payment.refresh_from_db()
    assert payment.state == PaymentState.EXPIRED
