"""Bills without orders: an amount that a shop asks for, and money of it that goes back."""

from datetime import datetime

from django.db import transaction

from dure.kit import events, ids, money
from dure.ordering import errors
from dure.ordering.actions import concessions
from dure.ordering.events import BillReturned
from dure.ordering.models import Bill, Concession
from dure.ordering.values import BillState, ConcessionKind, Wish
from dure.payments import actions as payments
from dure.payments import errors as payment_errors
from dure.payments import queries as payment_queries
from dure.payments.models import Refund
from dure.payments.values import PaymentState
from dure.people.models import Device
from dure.shops.models import Shop


def ask_bill(*, shop: Shop, amount: int, tax_free: int = 0, device: Device | None = None, at: datetime) -> Bill:
    """An open bill over `amount` won, `tax_free` of them free of VAT, for which nothing was ordered. Joins the caller's
    transaction."""
    if not 0 <= tax_free <= amount or not amount:
        raise ValueError(f"{amount} won with {tax_free} free of tax cannot be asked for")
    return Bill.objects.create(
        shop=shop,
        public_id=ids.new_public_id("bil"),
        device=device,
        person=device.person if device else None,
        subtotal=amount,
        total=amount,
        tax_free=tax_free,
        vat=money.vat_in(amount - tax_free),
        opened_at=at,
    )


def lock_bill(*, bill: Bill) -> Bill:
    """The bill as it stands, locked until the caller's transaction ends."""
    return Bill.objects.select_for_update(of=("self",)).select_related("shop").get(pk=bill.pk)


def name_payer(*, bill: Bill, device: Device) -> Bill:
    """The phone that pays an asked bill, the last one that began to. Refuses AlreadyPaid, NothingToPay."""
    with transaction.atomic():
        locked = Bill.objects.select_for_update().get(pk=bill.pk)
        if locked.state in (BillState.SETTLED, BillState.RETURNED):
            raise errors.AlreadyPaid
        if locked.state != BillState.OPEN:
            raise errors.NothingToPay
        Bill.objects.filter(pk=bill.pk).update(device=device, person_id=device.person_id)
        locked.device = device
        return locked


def return_won(
    *,
    bill: Bill,
    amount: int,
    reason: str,
    key: str,
    by: str,
    at: datetime,
    approved: Concession | None = None,
) -> Refund:
    """Send back `amount` won of a settled bill that has no orders, to where they came from. Repeat-safe by `key`. It is kept as
    a concession; `approved` is the one that a second person agreed to.

    Refuses: SecondPersonNeeded; NotPaid, RefundTooMuch, KeyReused (payments). Says BillReturned. Joins the caller's
    transaction.
    """
    with transaction.atomic():
        locked = Bill.objects.select_for_update(of=("self",)).select_related("shop").get(pk=bill.pk)
        paid = payment_queries.payments_about(locked.public_id).filter(state=PaymentState.APPROVED).first()
        if paid is None:
            raise payment_errors.NotPaid
        before = paid.refunds.filter(key=f"{locked.public_id}:{key}").exists()
        refund = payments.refund_payment(
            payment=paid, amount=amount, reason=reason, key=f"{locked.public_id}:{key}", at=at
        )
        if before:
            return refund
        if locked.state != BillState.SETTLED:
            raise payment_errors.RefundTooMuch
        locked.refunded += amount
        if locked.refunded == locked.total:
            locked.state, locked.ended_at = BillState.RETURNED, at
        locked.save(update_fields=["refunded", "state", "ended_at"])
        concessions.record(
            Wish(kind=ConcessionKind.REFUND, subject=locked.public_id, reason=reason, amount=amount, key=key),
            shop=locked.shop,
            won=amount,
            paid_with=paid.provider,
            by=by,
            at=at,
            approved=approved,
        )
        events.publish(
            BillReturned(
                shop_id=locked.shop_id,
                bill_id=locked.id,
                visit_id=None,
                person_id=locked.person_id,
                amount=amount,
                at=at,
            )
        )
        events.ring(f"shop:{locked.shop_id}")
        return refund
