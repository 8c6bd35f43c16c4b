"""Everything read about payments."""

from datetime import datetime

from django.db.models import Q, QuerySet, Sum

from dure.kit.sql import written_once
from dure.payments import errors, rules
from dure.payments.models import Agreement, Payment, Refund
from dure.payments.providers import provider_named
from dure.payments.values import AgreementState, Capabilities, PaymentState, RefundState


def payment_by_public_id(public_id: str) -> Payment:
    """The payment; NoSuchPayment where there is none."""
    payment = Payment.objects.filter(public_id=public_id).first()
    if payment is None:
        raise errors.NoSuchPayment
    return payment


def payment_by_key(key: str) -> Payment | None:
    """The payment that a caller's key stands for."""
    return Payment.objects.filter(key=key).first()


def capabilities_of(provider: str) -> Capabilities:
    """What a provider can do."""
    return provider_named(provider).capabilities


def payment_at(provider: str, public_id: str) -> Payment:
    """The payment of this provider; NoSuchPayment where there is none."""
    payment = payment_by_public_id(public_id)
    if payment.provider != provider:
        raise errors.NoSuchPayment
    return payment


def payments_about(reference: str) -> QuerySet[Payment]:
    """Every attempt for `reference`, oldest first."""
    return Payment.objects.filter(reference=reference).order_by("id")


@written_once
def tries_about(reference: str) -> QuerySet[Payment]:
    """The same, read at once."""
    return payments_about(reference)


def paid_from(source: str, *, since: datetime) -> int:
    """The won that were paid out of one of our own accounts since an instant, whatever came back later."""
    paid = Payment.objects.filter(source=source, settled_at__gte=since)
    return int(paid.aggregate(won=Sum("amount"))["won"] or 0)


def payment_by_id(payment_id: int) -> Payment:
    """The payment that a fact names."""
    return Payment.objects.get(pk=payment_id)


def payments_to(payee: str) -> QuerySet[Payment]:
    """Every payment to this ledger account; order them as you need them."""
    return Payment.objects.filter(payee=payee)


def open_payments(at: datetime) -> list[Payment]:
    """Payments whose provider is to be asked now, or whose time is over: what the sweeper resolves."""
    waiting = Q(state__in=[PaymentState.CREATED, PaymentState.READY], created_at__lte=at - rules.LIFE)
    approving = Q(state=PaymentState.APPROVING)
    in_doubt = Q(
        state__in=[PaymentState.FAILED, PaymentState.EXPIRED],
        approving_at__isnull=False,
        asks__range=(1, len(rules.PAUSES)),
    )
    found = Payment.objects.filter(waiting | approving | in_doubt).order_by("id")
    return [payment for payment in found if _is_due(payment, at)]


def _is_due(payment: Payment, at: datetime) -> bool:
    if payment.approving_at is None or payment.state == PaymentState.READY:
        return True
    return rules.next_ask_at(payment.asked_at or payment.approving_at, payment.asks) <= at


def agreements_ending(at: datetime) -> list[Agreement]:
    """Revoked agreements of which the provider is to be told now."""
    found = Agreement.objects.filter(state=AgreementState.ENDING, key__isnull=False).order_by("id")
    return [one for one in found if rules.next_ask_at(one.tried_at or one.asked_at, one.tries) <= at]


def open_refunds(at: datetime) -> list[Refund]:
    """Refunds that were asked for and whose next try is due."""
    found = Refund.objects.filter(state=RefundState.ASKED).order_by("id")
    return [one for one in found if rules.next_ask_at(one.tried_at or one.asked_at, one.tries) <= at]


def for_a_person(at: datetime) -> tuple[QuerySet[Payment], QuerySet[Refund]]:
    """What the machine could not settle by itself: payments and refunds without a known end for an hour, and refunds
    that the provider refused."""
    long_ago = at - rules.PAUSES[-1]
    stuck = Payment.objects.filter(state=PaymentState.APPROVING, approving_at__lte=long_ago)
    refunds = Refund.objects.filter(Q(state=RefundState.FAILED) | Q(state=RefundState.ASKED, asked_at__lte=long_ago))
    return stuck.order_by("id"), refunds.order_by("id")


def can_be_approved(payment: Payment, at: datetime) -> bool:
    """Whether the person may still be sent to the provider for this payment."""
    return payment.state == PaymentState.READY and rules.lives(payment.created_at, at)
