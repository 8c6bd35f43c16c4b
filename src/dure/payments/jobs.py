"""Background shells around payments: load, call one action."""

from dure.kit import clock
from dure.kit.jobs import enqueue, job, periodic
from dure.payments import actions, queries
from dure.payments.models import Agreement, Payment, Refund


@job("payments.ask")
def ask(payment_id: int) -> None:
    """Ask about one payment whose answer was lost."""
    actions.resolve_payment(payment=Payment.objects.get(pk=payment_id), at=clock.now())


@job("payments.check")
def check(payment_id: int) -> None:
    """Ask about one payment of which somebody said something."""
    actions.check_payment(payment=Payment.objects.get(pk=payment_id), at=clock.now())


@job("payments.end")
def end(agreement_id: int) -> None:
    """Tell a provider that an agreement is over."""
    actions.carry_out_end(agreement=Agreement.objects.get(pk=agreement_id), at=clock.now())


@job("payments.refund")
def refund(refund_id: int) -> None:
    """Carry out one refund."""
    actions.carry_out_refund(refund=Refund.objects.get(pk=refund_id), at=clock.now())


@periodic("payments.sweep", "* * * * *")
def sweep(timestamp: int) -> None:
    """Pick up whatever a crash left lying: each in a job of its own, so that one slow answer holds up nobody."""
    at = clock.now()
    for payment in queries.open_payments(at):
        enqueue("payments.ask", once=f"payment:{payment.pk}", payment_id=payment.pk)
    for waiting in queries.open_refunds(at):
        enqueue("payments.refund", once=f"refund:{waiting.pk}", refund_id=waiting.pk)
    for agreed in queries.agreements_ending(at):
        enqueue("payments.end", once=f"agreement:{agreed.pk}", agreement_id=agreed.pk)
