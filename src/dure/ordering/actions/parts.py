"""Parts of a bill that a table splits: held, paid, given back, returned. Whoever calls holds the bill's lock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from dure.kit import ids
from dure.ordering import errors, rules
from dure.ordering.models import Bill, BillPart, OrderLine, PartUnit
from dure.ordering.values import PartState
from dure.payments import actions as payments
from dure.payments import queries as payment_queries
from dure.payments.errors import PaymentMoving
from dure.payments.models import Payment
from dure.payments.values import Amount, PaymentState
from dure.people.models import Device

LIVE = (PaymentState.CREATED, PaymentState.READY, PaymentState.APPROVING)
HELD = (PartState.TAKEN, PartState.PAID)


def parts_held(bill: Bill) -> list[BillPart]:
    """The parts of a locked bill that are taken or paid, oldest first. Of a bill of which nothing is taken there are none, and
    nothing is asked: most bills are paid by one."""
    if not bill.taken:
        return []
    return list(BillPart.objects.filter(shop_id=bill.shop_id, bill=bill, state__in=HELD).order_by("id"))


def paid_parts(bill: Bill) -> list[BillPart]:
    """The parts for which money arrived and has not all gone back, oldest first."""
    if not bill.taken:
        return []
    return list(BillPart.objects.filter(shop_id=bill.shop_id, bill=bill, state=PartState.PAID).order_by("id"))


def hold(bill: Bill, amount: int, *, device: Device | None, at: datetime) -> BillPart:
    """Take `amount` of what a locked bill still asks for, with its share of the taxes. Refuses PartGone beyond that."""
    left = bill.total - bill.taken
    if not 0 < amount <= left:
        raise errors.PartGone
    held = parts_held(bill)
    part = BillPart.objects.create(
        shop_id=bill.shop_id,
        bill=bill,
        public_id=ids.new_public_id("prt"),
        device=device,
        person=device.person if device else None,
        amount=amount,
        tax_free=rules.part_of(amount, left, max(0, bill.tax_free - sum(one.tax_free for one in held))),
        vat=rules.part_of(amount, left, max(0, bill.vat - sum(one.vat for one in held))),
        taken_at=at,
    )
    bill.taken += amount
    bill.save(update_fields=["taken"])
    return part


def amount_of(part: BillPart) -> Amount:
    """What is to be paid for a part, with the taxes in it."""
    return Amount(total=part.amount, tax_free=part.tax_free, vat=part.vat)


def move(part: BillPart, to: PartState) -> None:
    """Write a part's next state."""
    if not rules.part_may_move(PartState(part.state), to):
        raise RuntimeError(f"{part.public_id} cannot go from {part.state} to {to}")
    part.state = to
    part.save(update_fields=["state", "refunded", "settled_at", "settled_with", "ended_at", "reason"])


def free(bill: Bill, part: BillPart, *, at: datetime) -> None:
    """A taken part is the table's again."""
    part.ended_at = at
    move(part, PartState.GIVEN_BACK)
    PartUnit.objects.filter(shop_id=bill.shop_id, part=part, freed_at__isnull=True).update(freed_at=at)
    bill.taken -= part.amount
    if not BillPart.objects.filter(shop_id=bill.shop_id, bill=bill, state__in=HELD).exists():
        bill.split_by, bill.ways = "", 0
    bill.save(update_fields=["taken", "split_by", "ways"])


def let_go(bill: Bill, part: BillPart, *, reason: str, at: datetime) -> None:
    """Give a taken part back and stop its payment. Refuses PaymentBeingChecked while money may be moving."""
    stop_payments(part.public_id, reason=reason, at=at)
    # Stopping its payment has given the part back already, where there was one.
    part.refresh_from_db()
    bill.refresh_from_db(fields=["taken", "split_by", "ways"])
    if part.state == PartState.TAKEN:
        free(bill, part, at=at)


def stop_payments(reference: str, *, reason: str, at: datetime) -> None:
    """Give up payments about `reference` whose money cannot have moved. Refuses PaymentBeingChecked where it may have."""
    for payment in payment_queries.tries_about(reference):
        if payment.state == PaymentState.APPROVING:
            raise errors.PaymentBeingChecked
        if is_live(payment):
            try:
                payments.give_up_payment(payment=payment, reason=reason, at=at)
            except PaymentMoving as moving:
                raise errors.PaymentBeingChecked from moving


def is_live(payment: Payment) -> bool:
    """Whether money of this payment may still move."""
    return payment.state in LIVE


def hold_units(part: BillPart, units: Mapping[int, Iterable[int]]) -> None:
    """Write which units of which lines a part pays."""
    PartUnit.objects.bulk_create(
        PartUnit(shop_id=part.shop_id, part=part, line_id=line, unit=unit)
        for line, chosen in units.items()
        for unit in chosen
    )


def paid_for(parts: Sequence[BillPart], lines: Sequence[OrderLine]) -> list[int]:
    """Won that each part paid for these very lines; what it still holds, where the table did not split by item."""
    held = [part.amount - part.refunded for part in parts]
    prices = {line.pk: rules.unit_prices(line.unit_price, line.quantity, line.discount) for line in lines}
    won = {part.pk: 0 for part in parts}
    taken = PartUnit.objects.filter(part__in=parts, line__in=[line.pk for line in lines], freed_at__isnull=True)
    for part_id, line_id, unit in taken.values_list("part_id", "line_id", "unit"):
        if unit < len(prices[line_id]):
            won[part_id] += prices[line_id][unit]
    return [won[part.pk] for part in parts] if any(won.values()) else held


def return_from_parts(
    won: int, weights: Sequence[int], parts: Sequence[BillPart], *, reason: str, key: str, at: datetime
) -> None:
    """Send `won` of a split bill back to those who paid it: by `weights` first, then by what each part still holds."""
    back = rules.shares_back(won, [part.amount - part.refunded for part in parts], weights)
    for part, share in zip(parts, back, strict=True):
        if share:
            payments.refund_payment(
                payment=payment_of(part.public_id),
                amount=share,
                reason=reason,
                key=f"{key}:{part.public_id}",
                at=at,
            )
            part.refunded += share
            if part.refunded == part.amount:
                part.ended_at = at
                move(part, PartState.RETURNED)
            else:
                part.save(update_fields=["refunded"])


def payment_of(reference: str) -> Payment:
    """The payment that paid `reference`."""
    return next(p for p in payment_queries.payments_about(reference) if p.state == PaymentState.APPROVED)
