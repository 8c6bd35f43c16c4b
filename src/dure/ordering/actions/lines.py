"""A member of staff strikes a line of an order, or some units of it: what it cost goes back, to the won."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from dure.kit import events
from dure.ordering import errors, rules
from dure.ordering.actions import bills, concessions, orders, parts
from dure.ordering.models import Bill, Concession, Order, OrderLine, OrderStep, PartUnit
from dure.ordering.values import BillState, ConcessionKind, OrderState, Wish
from dure.shops.models import Shop

KEY_MAX = 100


def strike_line(
    *,
    shop: Shop,
    order: str,
    line: int,
    quantity: int,
    reason: str,
    key: str,
    by: str,
    at: datetime,
    approved: Concession | None = None,
) -> OrderLine:
    """Take `quantity` units of an order's `line` (its place among the order's lines, from 1) off, for a reason that the guest
    reads. What they cost after their share of the discount goes back to whoever paid; before paying, the bill asks for less.

    Striking in any pieces returns what striking at once would. The coupon comes back when all of the bill did, stamps and
    points follow what stays paid. An order without lines is refused. The same `key` strikes once. What was worth something is
    kept as a concession; `approved` is the one that a second person agreed to.
    Refuses NoReason, NoSuchLine, QuantityInvalid, WrongStep, SecondPersonNeeded; PaymentBeingChecked while a payment's
    outcome is unknown.
    Says BillReturned where money goes back.
    """
    reason = reason.strip()[:200]
    if not reason:
        raise errors.NoReason
    if not 8 <= len(key) <= KEY_MAX:
        raise errors.KeyReused
    with transaction.atomic():
        bill = orders.lock_bill_of(shop, order)
        locked = orders.lock_order(shop, order)
        before = OrderLine.objects.filter(shop=shop, strike_key=key).first()
        if before:
            if before.order_id != locked.pk:
                raise errors.KeyReused
            return before
        if not rules.may_move(OrderState(locked.state), OrderState.REFUSED):
            raise errors.WrongStep
        lines = list(OrderLine.objects.filter(shop=shop, order=locked).order_by("id"))
        if not 1 <= line <= len(lines) or lines[line - 1].struck_at is not None:
            raise errors.NoSuchLine
        if not 1 <= quantity <= lines[line - 1].quantity:
            raise errors.QuantityInvalid
        settled = bill is not None and bill.state == BillState.SETTLED
        if not settled and bill is not None:
            bills.stop_live_payments(bill, at=at)
        struck = _cut(lines[line - 1], quantity)
        owed = struck.total - struck.discount if concessions.worth(locked, bill) else 0
        struck.struck_at, struck.struck_because, struck.strike_key = at, reason, key
        Order.objects.filter(pk=locked.pk).update(total=F("total") - struck.total)
        last = not any(one.struck_at is None for one in lines if one.pk != struck.pk) and struck.pk in {
            one.pk for one in lines
        }
        if bill and settled:
            _return(bill, struck, reason=reason, at=at)
        elif bill and bill.state == BillState.OPEN:
            paid = parts.paid_parts(bill)
            weights = parts.paid_for(paid, [struck])
            struck.discount = 0
            struck.save()
            if not last:
                bills.reckon_again(
                    bill, paid, weights, key=f"{bill.public_id}:strike:{struck.pk}", reason=reason, at=at
                )
        struck.save()
        OrderStep.objects.create(
            shop=shop,
            order=locked,
            state=locked.state,
            by=by,
            reason=f"− {struck.name.get('ko', '')} × {quantity}: {reason}",
            at=at,
        )
        if last:
            locked.refresh_from_db()
            orders.step(locked, OrderState.REFUSED, by=by, at=at, reason=reason)
            Order.objects.filter(pk=locked.pk).update(reason=reason)
            if bill and bill.state == BillState.OPEN:
                bills.take_order_off(bill, locked, by=by, at=at)
        concessions.record(
            Wish(kind=ConcessionKind.STRIKE, subject=order, reason=reason, line=line, quantity=quantity, key=key),
            shop=shop,
            won=struck.returned or 0 if settled else owed,
            paid_with=concessions.paid_with(bill),
            by=by,
            at=at,
            approved=approved,
        )
        topics = [f"visit:{locked.visit_id}"] if locked.visit_id else []
        events.ring(f"shop:{shop.pk}", f"order:{locked.pk}", *topics)
        return struck


def _cut(line: OrderLine, quantity: int) -> OrderLine:
    """The last `quantity` units of a line as a line of their own; the line itself where that is all of it."""
    kept = line.quantity - quantity
    if not kept:
        return line
    prices = rules.unit_prices(line.unit_price, line.quantity, line.discount)
    off = line.unit_price * quantity - sum(prices[kept:])
    struck = OrderLine.objects.get(pk=line.pk)
    struck.pk = None
    struck.quantity, struck.total, struck.discount = quantity, line.unit_price * quantity, off
    line.quantity, line.total, line.discount = kept, line.unit_price * kept, line.discount - off
    line.save(update_fields=["quantity", "total", "discount"])
    struck.save(force_insert=True)
    for held in PartUnit.objects.filter(shop_id=line.shop_id, line=line, unit__gte=kept):
        held.line, held.unit = struck, held.unit - kept
        held.save(update_fields=["line", "unit"])
    return struck


def _return(bill: Bill, struck: OrderLine, *, reason: str, at: datetime) -> None:
    """Send back what a struck line of a settled bill cost."""
    struck.returned = 0
    struck.save()
    struck.returned = min(bill.total - bill.refunded, bills.net_of_lines(bill)[struck.pk])
    key = f"{bill.public_id}:strike:{struck.pk}"
    bills.return_money(bill, struck.returned, [struck], reason=reason, key=key, at=at)
    bills.tell_returned(bill, struck.returned, at=at)
