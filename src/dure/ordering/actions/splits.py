"""A table splits a bill: everybody takes a part, pays it on a phone of their own or at the counter, and sees what is left."""

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from dure.kit import events
from dure.ordering import errors, queries, rules
from dure.ordering.actions import bills, parts
from dure.ordering.models import Bill, BillPart, OrderLine
from dure.ordering.values import PartState, SplitBy
from dure.payments import actions as payments
from dure.payments import queries as payment_queries
from dure.payments.models import Payment
from dure.people.models import Device
from dure.shops.values import WALLET
from dure.wallet import actions as wallets
from dure.wallet.models import Wallet


def take_part(
    *,
    bill: Bill,
    device: Device | None,
    split_by: SplitBy,
    ways: int = 0,
    dishes: Mapping[int, int] | None = None,
    amount: int = 0,
    at: datetime,
) -> BillPart:
    """Take a part of an open bill: the next of `ways` equal ones, so many units of some dishes (by their place on the bill),
    or an amount of won. A phone that took one before and has not paid it takes this one instead.

    The last part is all that is left, so no won is lost. A bill is split in one way at a time. Refuses PartGone where
    others were faster, PartInvalid, SplitOtherwise, AlreadyPaid, NothingToPay, PaymentBeingChecked while money of the
    whole bill or of this phone's part may be moving.
    """
    with transaction.atomic():
        locked = _lock(bill)
        parts.stop_payments(locked.public_id, reason="split", at=at)
        for mine in [one for one in parts.parts_held(locked) if device and one.device_id == device.pk]:
            if mine.state == PartState.TAKEN:
                parts.let_go(locked, mine, reason="changed", at=at)
        held = parts.parts_held(locked)
        if held and locked.split_by != split_by:
            raise errors.SplitOtherwise
        if locked.total == locked.taken:
            raise errors.PartGone
        units: dict[int, list[int]] = {}
        if split_by == SplitBy.EVENLY:
            amount = _next_share(locked, ways, len(held))
        elif split_by == SplitBy.ITEM:
            units, amount = _units(locked, dishes or {})
        elif amount <= 0:
            raise errors.PartInvalid
        if amount > locked.total - locked.taken:
            raise errors.PartInvalid
        locked.split_by, locked.ways = split_by, ways if split_by == SplitBy.EVENLY else 0
        locked.save(update_fields=["split_by", "ways"])
        part = parts.hold(locked, amount, device=device, at=at)
        try:
            with transaction.atomic():
                parts.hold_units(part, units)
        except IntegrityError as taken:
            raise errors.PartGone from taken
        _ring(locked)
        return part


def _lock(bill: Bill) -> Bill:
    return bills.lock_open_bill(bill)


def _next_share(bill: Bill, ways: int, alive: int) -> int:
    if not 2 <= ways <= rules.WAYS_MAX:
        raise errors.PartInvalid
    share = rules.next_share(bill.total - bill.taken, ways, alive)
    if share <= 0:
        raise errors.PartGone
    return share


def _units(bill: Bill, dishes: Mapping[int, int]) -> tuple[dict[int, list[int]], int]:
    """The first free units of the dishes wanted, and what they cost after their discounts."""
    free, lines = queries.free_units(bill), list(queries.lines_of_bill(bill))
    units: dict[int, list[int]] = {}
    amount = 0
    for position, count in dishes.items():
        if count <= 0:
            continue
        line = _line_at(lines, position)
        if len(free.get(line.pk, [])) < count:
            raise errors.PartGone
        units[line.pk] = free[line.pk][:count]
        prices = rules.unit_prices(line.unit_price, line.quantity, line.discount)
        amount += sum(prices[unit] for unit in units[line.pk])
    if amount <= 0:
        raise errors.PartInvalid
    return units, amount


def _line_at(lines: list[OrderLine], position: int) -> OrderLine:
    if not 1 <= position <= len(lines):
        raise errors.PartInvalid
    return lines[position - 1]


def give_part_back(*, part: BillPart, at: datetime) -> None:
    """The table owes a taken part again. Repeating it changes nothing. Refuses PaymentBeingChecked, AlreadyPaid."""
    with transaction.atomic():
        locked = Bill.objects.select_for_update().get(shop_id=part.shop_id, pk=part.bill_id)
        fresh = BillPart.objects.get(shop_id=part.shop_id, pk=part.pk)
        if fresh.state == PartState.GIVEN_BACK:
            return
        if fresh.state != PartState.TAKEN:
            raise errors.AlreadyPaid
        parts.let_go(locked, fresh, reason="given back", at=at)
        _ring(locked)


def begin_part_payment(
    *, part: BillPart, provider: str, origin: str, return_path: str, device: Device | None, at: datetime
) -> Payment:
    """Start paying a taken part online; the caller sends the person to `redirect_url`. A double tap is one payment.

    Refuses WayNotTaken, PartGone where it was given back, AlreadyPaid, PaymentBeingChecked. Must not be called inside a transaction.
    """
    with transaction.atomic():
        bill, fresh = _to_pay(part)
        bills.refuse_way_off(bill, provider)
        ready, tries = bills.ready_payment(fresh.public_id, parts.amount_of(fresh), provider, at)
        if ready:
            return ready
        name = bills.name_of(bill)
    return payments.prepare_payment(
        provider=provider,
        reference=fresh.public_id,
        amount=parts.amount_of(fresh),
        item_name=name,
        payer=bills.payer_of(device),
        payee=queries.payee_of(bill.shop),
        return_path=return_path,
        origin=origin,
        key=f"{fresh.public_id}:{tries}",
        at=at,
    )


def pay_part_from_wallet(*, part: BillPart, wallet: Wallet, at: datetime) -> Payment:
    """Pay a taken part out of a wallet's balance, at once.

    Refuses WayNotTaken, PartGone where it was given back, AlreadyPaid (so a double tap pays once), PaymentBeingChecked,
    and what the wallet refuses.
    """
    with transaction.atomic():
        bill, fresh = _to_pay(part)
        bills.refuse_way_off(bill, WALLET)
        if any(parts.is_live(payment) for payment in payment_queries.payments_about(fresh.public_id)):
            raise errors.PaymentBeingChecked
        return wallets.pay(
            wallet=wallet,
            reference=fresh.public_id,
            amount=parts.amount_of(fresh),
            item_name=bill.shop.name,
            payee=queries.payee_of(bill.shop),
            key=f"{fresh.public_id}:wallet",
            at=at,
        )


def _to_pay(part: BillPart) -> tuple[Bill, BillPart]:
    bill = _lock(part.bill)
    fresh = BillPart.objects.get(shop_id=part.shop_id, pk=part.pk)
    if fresh.state != PartState.TAKEN:
        raise errors.PartGone if fresh.state == PartState.GIVEN_BACK else errors.AlreadyPaid
    return bill, fresh


def settle_part_at_counter(*, part: BillPart, by: str, at: datetime) -> Payment:
    """Staff took the money for one part. Refuses PartGone where it was given back, AlreadyPaid, PaymentBeingChecked."""
    with transaction.atomic():
        bill, fresh = _to_pay(part)
        # Stopping its online payment gives the part back; the counter takes the same again.
        parts.stop_payments(fresh.public_id, reason="counter", at=at)
        fresh.refresh_from_db()
        if fresh.state != PartState.TAKEN:
            bill.refresh_from_db(fields=["taken", "split_by", "ways"])
            units = [(one.line_id, one.unit) for one in fresh.units.all()]
            again = parts.hold(bill, fresh.amount, device=fresh.device, at=at)
            bill.split_by, bill.ways = part.bill.split_by, part.bill.ways
            bill.save(update_fields=["split_by", "ways"])
            parts.hold_units(again, {line: [u for ln, u in units if ln == line] for line, _ in units})
            fresh = again
        return bills.settle_part(bill, fresh, by=by, at=at)


def waive_rest(bill: Bill, *, reason: str, at: datetime) -> int:
    """Nobody pays what is left of a locked open bill that was paid in part: it is written off with the reason, and the bill
    is settled with what was paid. Returns the won that nobody pays."""
    bills.stop_live_payments(bill, at=at)
    rest = bill.total - bill.taken
    part = bills.rest_of(bill, at=at)
    part.reason, part.ended_at = reason, at
    parts.move(part, PartState.WAIVED)
    bill.refunded += rest
    bill.save(update_fields=["refunded"])
    bills.settle_if_covered(bill, at=at)
    return rest


def _ring(bill: Bill) -> None:
    topics = [f"visit:{bill.visit_id}"] if bill.visit_id else []
    events.ring(f"shop:{bill.shop_id}", *topics, *(f"order:{order.id}" for order in bill.orders.all()))
