"""What is to be paid, by whom, with which coupon; and what happens when it was."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from dure.kit import events, ids, money
from dure.kit.errors import Refused
from dure.kit.sql import rewrite, write, written_once
from dure.offers import actions as offers
from dure.offers import queries as offer_queries
from dure.offers.queries import Usable
from dure.offers.values import Line
from dure.ordering import errors, queries, rules
from dure.ordering.actions import parts
from dure.ordering.actions.parts import LIVE
from dure.ordering.events import BillReturned, BillSettled, OrderReceived
from dure.ordering.models import Bill, BillPart, Order, OrderLine, OrderStep, Visit
from dure.ordering.queries import SPLIT
from dure.ordering.values import BillState, OrderState, PartState, SplitBy
from dure.payments import actions as payments
from dure.payments import queries as payment_queries
from dure.payments.events import PaymentFailed, PaymentRefunded, PaymentSettled
from dure.payments.models import Payment
from dure.payments.values import Amount, PaymentState
from dure.people.events import PersonsMerged
from dure.people.models import Device, Person
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.errors import WayNotTaken
from dure.shops.models import Shop
from dure.shops.values import WALLET
from dure.wallet import actions as wallets
from dure.wallet.models import Wallet


def move_bill(bill: Bill, to: BillState) -> None:
    """Give a locked bill its next state, unwritten. A step that is not in the table is a bug."""
    if not rules.bill_may_move(BillState(bill.state), to):
        raise RuntimeError(f"{bill.public_id} cannot go from {bill.state} to {to}")
    bill.state = to


def new_bill(
    lines: Sequence[OrderLine],
    *,
    shop_id: int,
    visit: Visit | None,
    device: Device | None,
    person: Person | None,
    coupon: str,
    at: datetime,
) -> Bill:
    """An open bill over `lines`, which need not be saved yet: each gets its part of the discount. Joins the caller's
    transaction. `coupon` as in `apply_coupon`."""
    bill = Bill(
        shop_id=shop_id,
        visit=visit,
        public_id=ids.new_public_id("bil"),
        device=device,
        person=person,
        subtotal=sum(line.total for line in lines),
        opened_at=at,
    )
    _reckon(bill, lines, coupon, at)
    write(bill)
    return bill


def bill_for(
    orders: Sequence[Order],
    *,
    visit: Visit | None,
    device: Device | None,
    person: Person | None,
    coupon: str = "none",
    at: datetime,
) -> Bill:
    """An open bill over orders that were placed before. Joins the caller's transaction."""
    chosen = OrderLine.objects.filter(shop_id=orders[0].shop_id, order__in=orders, struck_at__isnull=True)
    lines = list(chosen.select_related("item__section").order_by("id"))
    bill = new_bill(lines, shop_id=orders[0].shop_id, visit=visit, device=device, person=person, coupon=coupon, at=at)
    OrderLine.objects.bulk_update(lines, ["discount"])
    Order.objects.filter(id__in=[order.id for order in orders]).update(bill=bill)
    for order in orders:
        order.bill = bill
    return bill


def apply_coupon(bill: Bill, coupon: str, *, at: datetime) -> None:
    """Put the person's best combination ("best"), none ("none") or chosen coupons (public ids with commas) on a locked open
    bill, and reserve them. Each line carries its part of the discount.

    "best" never refuses: a coupon that somebody else is using this instant, or whose budget is spent, is passed over.
    """
    lines = list(queries.lines_asked(bill).select_related("item__section"))
    _reckon(bill, lines, coupon, at)
    OrderLine.objects.bulk_update(lines, ["discount"])
    bill.save(update_fields=["coupon", "discount", "total", "tax_free", "vat"])


def _reckon(bill: Bill, lines: Sequence[OrderLine], coupon: str, at: datetime) -> None:
    """Reserve the bill's coupons, and write what they take off the lines, the total and its taxes."""
    nobody = bill.person is None and coupon in ("best", "none")
    uses = [] if nobody else _reserved(bill, coupon, [queries.offer_line(line) for line in lines], at)
    off = [sum(parts) for parts in zip(*(use.lines for use in uses), strict=True)] if uses else [0] * len(lines)
    for line, won in zip(lines, off, strict=True):
        line.discount = won
    bill.coupon, bill.discount = uses[0].coupon if uses else None, sum(off)
    bill.total = bill.subtotal - bill.discount
    free = sum(line.total - line.discount for line in lines if line.tax_free)
    taxed = sum(line.total - line.discount for line in lines if not line.tax_free)
    bill.tax_free, taxed_part = money.split(bill.total, [free, taxed]) if free + taxed else (0, 0)
    bill.vat = money.vat_in(taxed_part)


def _reserved(bill: Bill, coupon: str, lines: Sequence[Line], at: datetime) -> list[Usable]:
    """The coupons that the bill holds from now on, in the order in which they apply."""
    chosen = [] if coupon == "none" else coupon.split(",")
    passed: set[str] = set()
    while True:
        if coupon == "best":
            uses = offer_queries.best_coupons_of(
                bill.person, bill.shop, lines=lines, reference=bill.public_id, without=passed, at=at
            )
        else:
            uses = offer_queries.chosen_coupons_of(bill.person, bill.shop, chosen, lines=lines, at=at)
        try:
            offers.reserve_coupons(uses=[(u.coupon, u.discount) for u in uses], reference=bill.public_id, at=at)
        except Refused as refusal:
            if coupon != "best":
                raise
            passed.add(str(refusal.facts["coupon"]))
        else:
            return uses


def lock_open_bill(bill: Bill) -> Bill:
    """An open bill's row, locked. Refuses AlreadyPaid, NothingToPay."""
    [locked] = _locked(bill.id)
    if locked.state in (BillState.SETTLED, BillState.RETURNED):
        raise errors.AlreadyPaid
    if locked.state != BillState.OPEN:
        raise errors.NothingToPay
    return locked


@written_once
def _locked(bill_id: int) -> QuerySet[Bill]:
    return Bill.objects.select_for_update(of=("self",)).select_related("shop").filter(id=bill_id)


@written_once
def _locked_by_name(public_id: str) -> QuerySet[Bill]:
    return Bill.objects.select_for_update().filter(public_id=public_id)


def refuse_way_off(bill: Bill, way: str) -> None:
    """Refuses WayNotTaken where the bill's shop has switched `way` off."""
    if not shops.takes(bill.shop, way):
        raise WayNotTaken


def open_bill(*, visit: Visit, device: Device | None, coupon: str = "best", at: datetime) -> Bill:
    """The bill over all that a tab still owes, on the phone that asks for it (None: the counter). Asking again gives the
    same bill, brought up to date.

    Refuses NothingToPay; PaymentBeingChecked while a payment of the bill is under way.
    """
    with transaction.atomic():
        locked = Visit.objects.select_for_update().get(shop_id=visit.shop_id, id=visit.id)
        splitting: list[Bill] = []
        for old in (
            Bill.objects.select_for_update(of=("self",)).filter(visit=locked, state=BillState.OPEN).order_by("id")
        ):
            if old.orders.filter(state=OrderState.WAITING).exists():
                continue
            if parts.paid_parts(old):
                # What somebody has paid a part of stays as it is; whatever was ordered since is another bill.
                splitting.append(old)
                continue
            stop_live_payments(old, at=at)
            offers.release_redemption(reference=old.public_id, at=at)
            Order.objects.filter(bill=old).update(bill=None)
            move_bill(old, BillState.VOID)
            old.ended_at = at
            old.save(update_fields=["state", "ended_at"])
        owed = [order for order in queries.unbilled_of(locked) if order.bill not in splitting]
        if not owed and splitting:
            return splitting[0]
        if not owed:
            raise errors.NothingToPay
        person = device.person if device else None
        bill = bill_for(owed, visit=locked, device=device, person=person, coupon=coupon, at=at)
        events.ring(f"visit:{locked.id}", f"shop:{locked.shop_id}")
        return bill


def choose_coupon(*, bill: Bill, coupon: str, at: datetime) -> Bill:
    """Change the coupons of an open bill: public ids with commas, "best" or "none". A started payment is given up, and
    parts of it that were taken are the table's again. Refuses BillPartlyPaid once somebody has paid a part."""
    with transaction.atomic():
        locked = lock_open_bill(bill)
        if parts.paid_parts(locked):
            raise errors.BillPartlyPaid
        stop_live_payments(locked, at=at)
        apply_coupon(locked, coupon, at=at)
        return locked


def stop_live_payments(bill: Bill, *, at: datetime) -> None:
    """Give up the bill's payments whose money cannot have moved, and its taken parts with theirs. Refuses
    PaymentBeingChecked where it may have."""
    parts.stop_payments(bill.public_id, reason="changed", at=at)
    for part in parts.parts_held(bill):
        if part.state == PartState.TAKEN:
            parts.let_go(bill, part, reason="changed", at=at)


def begin_payment(
    *,
    bill: Bill,
    provider: str,
    origin: str,
    device: Device | None,
    item_name: str = "",
    return_path: str = "",
    at: datetime,
) -> Payment:
    """Start paying an open bill online; the caller sends the person to `redirect_url`.

    `item_name` and `return_path` are for a bill without orders, which has neither a dish nor a page of its own.
    A payment that is ready for the same amount is used again, so a double tap pays once. Taken parts are the table's
    again. Refuses WayNotTaken, AlreadyPaid, NothingToPay, PaymentBeingChecked, BillPartlyPaid. Must not be called inside a
    transaction: the provider is asked.
    """
    with transaction.atomic():
        locked = lock_open_bill(bill)
        refuse_way_off(locked, provider)
        if parts.paid_parts(locked):
            raise errors.BillPartlyPaid
        for part in parts.parts_held(locked):
            parts.let_go(locked, part, reason="changed", at=at)
        amount = Amount(total=locked.total, tax_free=locked.tax_free, vat=locked.vat)
        ready, tries = ready_payment(locked.public_id, amount, provider, at)
        if ready:
            return ready
        name = name_of(locked)
        first_order = locked.orders.order_by("-id").first()
    return payments.prepare_payment(
        provider=provider,
        reference=locked.public_id,
        amount=amount,
        item_name=item_name[:100] or name,
        payer=payer_of(device),
        payee=queries.payee_of(locked.shop),
        return_path=return_path or (f"/orders/{first_order.public_id}" if first_order else "/"),
        origin=origin,
        key=f"{locked.public_id}:{tries}",
        at=at,
    )


def ready_payment(reference: str, amount: Amount, provider: str, at: datetime) -> tuple[Payment | None, int]:
    """A payment about `reference` that the person may still be sent to, and how many tries there were. Refuses
    PaymentBeingChecked."""
    tries = payment_queries.tries_about(reference)
    if any(one.state == PaymentState.APPROVING for one in tries):
        raise errors.PaymentBeingChecked
    fits = [one for one in tries if one.amount == amount.total and one.provider == provider]
    return next((one for one in fits if payment_queries.can_be_approved(one, at)), None), len(tries)


def name_of(bill: Bill) -> str:
    """What a provider's page calls it: the first dish, and that there is more."""
    names = list(OrderLine.objects.filter(order__bill=bill).order_by("id").values_list("name", flat=True)[:2])
    name = names[0].get("ko", "") + (" 외" if len(names) > 1 else "") if names else ""
    return name[:100] or bill.shop.name


def payer_of(device: Device | None) -> str:
    """What a provider is told about who pays: an opaque name."""
    return device.person.public_id if device and device.person else f"device-{device.id}" if device else "guest"


def settle_at_counter(*, bill: Bill, by: str, at: datetime) -> Payment | None:
    """Staff took the money for an open bill at the counter: all that nobody has paid yet. Repeating it refuses AlreadyPaid
    and takes nothing twice."""
    with transaction.atomic():
        locked = lock_open_bill(bill)
        stop_live_payments(locked, at=at)
        if parts.paid_parts(locked):
            return settle_part(locked, rest_of(locked, at=at), by=by, at=at)
        if locked.total == 0:
            settle(locked, settled_with="coupon", at=at)
            return None
        return payments.settle_at_counter(
            reference=locked.public_id,
            amount=Amount(total=locked.total, tax_free=locked.tax_free, vat=locked.vat),
            item_name=locked.shop.name,
            payer="counter",
            payee=queries.payee_of(locked.shop),
            key=f"{locked.public_id}:counter",
            by=by,
            at=at,
        )


def pay_from_wallet(*, bill: Bill, wallet: Wallet, at: datetime) -> Payment | None:
    """Pay an open bill out of a wallet's balance, at once: paid and ordered are this one transaction.

    Refuses WayNotTaken, AlreadyPaid (so a double tap pays once), NothingToPay, BillPartlyPaid, PaymentBeingChecked, and
    what the wallet refuses.
    """
    with transaction.atomic():
        locked = lock_open_bill(bill)
        refuse_way_off(locked, WALLET)
        if parts.paid_parts(locked):
            raise errors.BillPartlyPaid
        stop_live_payments(locked, at=at)
        if locked.total == 0:
            settle(locked, settled_with="coupon", at=at)
            return None
        return wallets.pay(
            wallet=wallet,
            reference=locked.public_id,
            amount=Amount(total=locked.total, tax_free=locked.tax_free, vat=locked.vat),
            item_name=locked.shop.name,
            payee=queries.payee_of(locked.shop),
            key=f"{locked.public_id}:wallet",
            at=at,
        )


def rest_of(bill: Bill, *, at: datetime) -> BillPart:
    """A part for all of a locked bill that nobody has taken, with the units that are left where it is split by item."""
    free = queries.free_units(bill)
    part = parts.hold(bill, bill.total - bill.taken, device=None, at=at)
    if bill.split_by == SplitBy.ITEM:
        parts.hold_units(part, free)
    return part


def settle_part(bill: Bill, part: BillPart, *, by: str, at: datetime) -> Payment:
    """Staff took the money for a taken part of a locked open bill."""
    return payments.settle_at_counter(
        reference=part.public_id,
        amount=parts.amount_of(part),
        item_name=bill.shop.name,
        payer="counter",
        payee=queries.payee_of(bill.shop),
        key=f"{part.public_id}:counter",
        by=by,
        at=at,
    )


def confirm_payment(fact: PaymentSettled) -> None:
    """Money arrived for a bill: settle it. If the bill is no longer open, or asks for another amount, the money goes
    back at once. Heard inside the payment's own transaction, so that paid and ordered are one truth."""
    with fence.anywhere():
        bill = next(iter(_locked_by_name(fact.reference)), None)
        part = None if bill else BillPart.objects.filter(public_id=fact.reference).first()
        if part is not None:
            bill = Bill.objects.select_for_update().get(pk=part.bill_id)
            part.refresh_from_db()
        if bill is None:
            return
        if part and part.state == PartState.TAKEN and part.amount == fact.amount and bill.state == BillState.OPEN:
            part.settled_at, part.settled_with = fact.at, fact.provider
            parts.move(part, PartState.PAID)
            settle_if_covered(bill, at=fact.at)
            return
        if not part and bill.state == BillState.OPEN and bill.total == fact.amount and not bill.taken:
            settle(bill, settled_with=fact.provider, at=fact.at)
            return
        payment = payment_queries.payment_by_public_id(fact.public_id)
        payments.refund_payment(
            payment=payment, amount=fact.amount, reason="late", key=f"{fact.public_id}:late", at=fact.at
        )


def settle_if_covered(bill: Bill, *, at: datetime) -> None:
    """A locked open bill is paid once the parts that were paid add up to it; until then the table sees what is left."""
    if bill.taken == bill.total and not any(part.state == PartState.TAKEN for part in parts.parts_held(bill)):
        settle(bill, settled_with=SPLIT, at=at)
    else:
        events.ring(*_topics(bill, _orders_of(bill)))


def settle(bill: Bill, *, settled_with: str, at: datetime) -> None:
    """A locked open bill is paid: its coupon is used, its waiting orders reach the kitchen. Of a bill that was split,
    BillSettled is said for each person (and once for those nobody knows) with what they paid."""
    move_bill(bill, BillState.SETTLED)
    bill.settled_at, bill.settled_with = at, settled_with
    rewrite(bill, "state", "settled_at", "settled_with")
    if bill.discount:
        offers.commit_redemption(reference=bill.public_id, at=at)
    received = _receive_orders(bill, at)
    for order_id, visit_id in received:
        events.publish(OrderReceived(shop_id=bill.shop_id, order_id=order_id, visit_id=visit_id, at=at))
    for person_id, amount in _paid_by(bill):
        events.publish(
            BillSettled(
                shop_id=bill.shop_id,
                bill_id=bill.id,
                reference=bill.public_id,
                visit_id=bill.visit_id,
                discount=bill.discount,
                person_id=person_id,
                amount=amount,
                at=at,
            )
        )
    events.ring(*_topics(bill, [order_id for order_id, _ in received]))


def _receive_orders(bill: Bill, at: datetime) -> list[tuple[int, int | None]]:
    """A locked bill's waiting orders reach the kitchen, in one statement: their ids and visits, in the order of the table.
    Whoever locks several orders of a bill holds the bill, so nobody waits for anybody here."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE ordering_order SET state = %s, received_at = %s, changed_at = %s
            WHERE bill_id = %s AND state = %s RETURNING id, visit_id
            """,
            [OrderState.RECEIVED, at, at, bill.id, OrderState.WAITING],
        )
        return sorted(cursor.fetchall())


def _paid_by(bill: Bill) -> list[tuple[int | None, int]]:
    if bill.settled_with != SPLIT:
        return [(bill.person_id, bill.total)]
    paid: dict[int | None, int] = {}
    for part in parts.paid_parts(bill):
        paid[part.person_id] = paid.get(part.person_id, 0) + part.amount - part.refunded
    return sorted(paid.items(), key=lambda one: one[0] or 0)


def tell_returned(bill: Bill, amount: int, *, at: datetime) -> None:
    """Say BillReturned to everybody whose visits and points follow what they paid of it."""
    persons = [bill.person_id]
    if bill.settled_with == SPLIT:
        payers = BillPart.objects.filter(shop_id=bill.shop_id, bill=bill, settled_at__isnull=False)
        persons = sorted(set(payers.values_list("person_id", flat=True)), key=lambda one: one or 0)
    for person_id in persons:
        events.publish(
            BillReturned(
                shop_id=bill.shop_id,
                bill_id=bill.id,
                visit_id=bill.visit_id,
                person_id=person_id,
                amount=amount,
                at=at,
            )
        )


def _topics(bill: Bill, orders: Sequence[int]) -> list[str]:
    visit = [f"visit:{bill.visit_id}"] if bill.visit_id else []
    return [f"shop:{bill.shop_id}", *visit, *(f"order:{order_id}" for order_id in orders)]


def _orders_of(bill: Bill) -> list[int]:
    return list(bill.orders.values_list("id", flat=True))


def void_bill(bill: Bill, *, by: str, reason: str, at: datetime) -> None:
    """Nothing is to be paid any more for a locked open bill: its waiting orders are given up, its coupon is free, and what
    was paid of it in parts goes back."""
    stop_live_payments(bill, at=at)
    paid = parts.paid_parts(bill)
    held = [part.amount - part.refunded for part in paid]
    parts.return_from_parts(sum(held), held, paid, reason=reason or "void", key=f"{bill.public_id}:void", at=at)
    offers.release_redemption(reference=bill.public_id, at=at)
    move_bill(bill, BillState.VOID)
    bill.ended_at, bill.taken = at, 0
    bill.save(update_fields=["state", "ended_at", "taken"])
    waiting = list(Order.objects.select_for_update().filter(bill=bill, state=OrderState.WAITING).order_by("id"))
    Order.objects.filter(id__in=[o.id for o in waiting]).update(state=OrderState.GIVEN_UP, changed_at=at)
    ended = waiting or list(bill.orders.all())
    OrderStep.objects.bulk_create(
        OrderStep(
            shop_id=bill.shop_id,
            order=order,
            state=OrderState.GIVEN_UP if order in waiting else order.state,
            by=by,
            reason=reason,
            at=at,
        )
        for order in ended
    )
    events.ring(*_topics(bill, [order.id for order in ended]))


def give_up_bill(*, bill: Bill, by: str, at: datetime) -> None:
    """Nobody paid in time. Refuses AlreadyPaid; PaymentBeingChecked while a payment's outcome is unknown."""
    with transaction.atomic():
        void_bill(lock_open_bill(bill), by=by, reason="unpaid", at=at)


def take_order_off(bill: Bill, order: Order, *, by: str, at: datetime) -> None:
    """A refused order leaves a locked open bill; a bill without orders is void. What was paid in parts beyond what is then
    asked goes back."""
    stop_live_payments(bill, at=at)
    if not bill.orders.exclude(state=OrderState.REFUSED).exists():
        void_bill(bill, by=by, reason="refused", at=at)
        return
    gone = list(OrderLine.objects.filter(shop_id=bill.shop_id, order=order).order_by("id"))
    paid = parts.paid_parts(bill)
    weights = parts.paid_for(paid, gone)
    Order.objects.filter(id=order.id).update(bill=None)
    OrderLine.objects.filter(shop_id=bill.shop_id, order=order).update(discount=0)
    reckon_again(bill, paid, weights, key=f"{bill.public_id}:{order.public_id}", reason="refused", at=at)


def reckon_again(
    bill: Bill, paid: Sequence[BillPart], weights: Sequence[int], *, key: str, reason: str, at: datetime
) -> None:
    """A locked open bill asks for less than it did: its coupons are chosen again, and what parts have paid beyond it goes
    back, by `weights` first. It is settled where they now cover it."""
    coupon = "best" if bill.coupon_id else "none"
    lines = list(queries.lines_asked(bill))
    had, bill.taken = bill.taken, 0
    bill.subtotal = sum(line.total for line in lines)
    bill.discount, bill.coupon, bill.total = 0, None, bill.subtotal
    bill.save(update_fields=["subtotal", "discount", "coupon", "total", "taken"])
    apply_coupon(bill, coupon, at=at)
    over = had - bill.total
    if over > 0:
        parts.return_from_parts(over, weights, paid, reason=reason, key=key, at=at)
    bill.taken = min(had, bill.total)
    bill.save(update_fields=["taken"])
    if paid or bill.total == 0:
        settle_if_covered(bill, at=at)
    events.ring(*_topics(bill, []))


def return_share(bill: Bill, order: Order, *, reason: str, at: datetime) -> int:
    """Send back what `order` cost of a locked settled bill: its lines after their discounts, less those that were struck
    before; the last one all that is left.

    Returns the won that go back.
    """
    net = net_of_lines(bill)
    lines = [line for line in queries.lines_billed(bill) if line.order_id == order.id and line.struck_at is None]
    others = queries.lines_asked(bill).exclude(order=order).exists()
    left = bill.total - bill.refunded
    share = min(left, sum(net[line.id] for line in lines)) if others else left
    return_money(bill, share, lines, reason=reason, key=f"{bill.public_id}:{order.public_id}", at=at)
    events.ring(*_topics(bill, [order.id]))
    return share


def net_of_lines(bill: Bill) -> dict[int, int]:
    """Won of a settled bill by its lines' ids; they sum to its total."""
    lines = list(queries.lines_billed(bill))
    weights = [line.total - line.discount for line in lines]
    shares = money.split(bill.total, weights) if any(weights) else [0] * len(lines)
    return {line.id: share for line, share in zip(lines, shares, strict=True)}


def return_money(bill: Bill, won: int, lines: Sequence[OrderLine], *, reason: str, key: str, at: datetime) -> None:
    """Send `won` of a locked settled bill back for `lines`, to whoever paid: to each of those who split it."""
    if won and bill.settled_with == SPLIT:
        paid = parts.paid_parts(bill)
        parts.return_from_parts(won, parts.paid_for(paid, lines), paid, reason=reason, key=key, at=at)
    elif won:
        paid_with = parts.payment_of(bill.public_id)
        payments.refund_payment(payment=paid_with, amount=won, reason=reason, key=key, at=at)
    bill.refunded += won
    if bill.refunded == bill.total:
        move_bill(bill, BillState.RETURNED)
        bill.ended_at = at
    bill.save(update_fields=["refunded", "state", "ended_at"])
    if bill.state == BillState.RETURNED:
        offers.return_redemption(reference=bill.public_id, at=at)


def claim_bills(*, shop: Shop, device: Device, person: Person) -> list[Bill]:
    """The phone's settled bills at this shop belong to a person from now on. Returns them, oldest first."""
    Bill.objects.filter(shop=shop, device=device, person__isnull=True).update(person=person)
    BillPart.objects.filter(shop=shop, device=device, person__isnull=True).update(person=person)
    return list(Bill.objects.filter(shop=shop, person=person, state=BillState.SETTLED).order_by("settled_at", "id"))


def show_payment(fact: PaymentFailed | PaymentRefunded) -> None:
    """A payment failed, or money arrived back: whoever looks at the bill's orders sees it, and a part whose payment failed
    is the table's again."""
    with fence.anywhere():
        part = BillPart.objects.select_related("bill").filter(public_id=fact.reference).first()
        if part and isinstance(fact, PaymentFailed):
            locked = Bill.objects.select_for_update().get(pk=part.bill_id)
            part.refresh_from_db()
            others = [p for p in payment_queries.payments_about(fact.reference) if p.state in LIVE]
            if part.state == PartState.TAKEN and not others:
                parts.free(locked, part, at=fact.at)
        bill = part.bill if part else Bill.objects.filter(public_id=fact.reference).first()
        if bill:
            events.ring(*_topics(bill, _orders_of(bill)))


def hand_bills_over(fact: PersonsMerged) -> None:
    """Two identities turned out to be one person."""
    with fence.across_shops():
        Bill.objects.filter(person_id=fact.gone_id).update(person_id=fact.kept_id)
        BillPart.objects.filter(person_id=fact.gone_id).update(person_id=fact.kept_id)
