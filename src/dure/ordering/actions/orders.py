"""An order is placed, moves through the kitchen, or is refused."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet

from dure.kit import events, ids
from dure.kit.sql import write, written_once
from dure.ordering import errors, queries, rules
from dure.ordering.actions import bills, concessions
from dure.ordering.actions.visits import lock_open, open_visit_by_staff, rings_of, touch
from dure.ordering.events import OrderMoved, OrderReceived
from dure.ordering.models import BasketLine, Bill, BillPart, Concession, Order, OrderLine, OrderStep, Visit
from dure.ordering.queries import PricedLine
from dure.ordering.values import BillState, ConcessionKind, OrderState, Wanted, Wish
from dure.people import actions as people
from dure.people.events import PersonErased
from dure.people.models import Device, Person
from dure.people.values import RetainedKind
from dure.shops import fence
from dure.shops import queries as shops
from dure.shops.models import Shop, Table
from dure.shops.values import PayTiming

KEY_MAX = 100
NOTE_MAX = 200


def place_order(
    *,
    shop: Shop,
    visit: Visit | None,
    table: Table | None,
    device: Device | None,
    wanted: Sequence[Wanted] | None,
    key: str,
    expected_total: int | None,
    by: str,
    at: datetime,
    coupon: str = "best",
    note: str = "",
    by_staff: bool = False,
) -> Order:
    """Order `wanted`, or the table's basket where `wanted` is None.

    Pay first: the order waits with a bill until it is paid. Tab: the kitchen sees it at once (OrderReceived), unless it
    is to take away. What staff enter at a table without naming a visit joins whoever sits there. The same
    `key` with the same contents is the same order, however often it is sent and however many send it at once; with
    other contents it is refused and nothing is written.

    Refuses KeyReused, VisitOver, ClosedNow, EmptyBasket, NotOnMenu, SoldOut, OptionsInvalid, QuantityInvalid, TooMuch,
    and PriceChanged where what is to be paid is not `expected_total` won.
    """
    if not 8 <= len(key) <= KEY_MAX:
        raise errors.KeyReused
    note = note.strip()[:NOTE_MAX]
    body = _body_hash(wanted, visit, note)
    try:
        with transaction.atomic():
            seated = lock_open(visit) if visit else None
            placed = _placed(shop, key)
            if placed:
                return _same(placed, body)
            return _place(
                shop, seated, table, device, wanted, key, body, expected_total, by, at, coupon, note, by_staff
            )
    except errors.VisitOver:
        # The visit may have been closed between the first answer, which got lost, and this repetition.
        placed = _placed(shop, key)
        if placed:
            return _same(placed, body)
        raise
    except IntegrityError:
        placed = _placed(shop, key)
        if placed:
            return _same(placed, body)
        raise


def _party_at(table: Table, shop: Shop, *, by: str, at: datetime) -> Visit | None:
    """Who sits at the table, for an order that staff enter; a tab needs somebody, so it seats them."""
    visit = queries.open_visit_at(table)
    if visit is None and shop.pay_timing == PayTiming.TAB:
        visit = open_visit_by_staff(table=table, by=by, at=at)
    return lock_open(visit) if visit else None


def _placed(shop: Shop, key: str) -> Order | None:
    return next(iter(_orders_with_key(shop.id, key)), None)


@written_once
def _orders_with_key(shop_id: int, key: str) -> QuerySet[Order]:
    return Order.objects.select_related("bill").filter(shop_id=shop_id, key=key)


def _same(placed: Order, body: str) -> Order:
    if placed.body_hash != body:
        raise errors.KeyReused
    return placed


def _body_hash(wanted: Sequence[Wanted] | None, visit: Visit | None, note: str) -> str:
    lines = None if wanted is None else [[w.item, sorted(w.options), w.quantity, w.note] for w in wanted]
    said = json.dumps([lines, visit.public_id if visit else None, note], ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def _place(
    shop: Shop,
    visit: Visit | None,
    table: Table | None,
    device: Device | None,
    wanted: Sequence[Wanted] | None,
    key: str,
    body: str,
    expected_total: int | None,
    by: str,
    at: datetime,
    coupon: str,
    note: str,
    by_staff: bool,
) -> Order:
    if by_staff and visit is None and table is not None:
        visit = _party_at(table, shop, by=by, at=at)
    if not by_staff:
        opening = shops.opening(shop, at)
        if not opening.open:
            raise errors.closed_now(opening.opens_at)
    held = None
    if wanted is None:
        held = queries.wanted_in(visit) if visit else []
        wanted = [want for _, want in held]
    if not wanted:
        raise errors.EmptyBasket
    lines = queries.priced(shop.id, wanted)
    gone = [line.item.public_id for line in lines if line.sold_out]
    if gone:
        raise errors.SoldOut(items=gone)
    total = payable = sum(line.total for line in lines)
    sold = _sold(shop, lines)
    bill = None
    if shop.pay_timing == PayTiming.FIRST or visit is None:
        person = device.person if device else None
        bill = bills.new_bill(sold, shop_id=shop.id, visit=visit, device=device, person=person, coupon=coupon, at=at)
        payable = bill.total
    if expected_total is not None and expected_total != payable:
        raise errors.PriceChanged(total=payable)
    day = shops.business_day(shop, at)
    number, addition = _next_number(shop, day, visit)
    order = Order(
        shop=shop,
        visit=visit,
        table=table,
        bill=bill,
        device=device,
        public_id=ids.new_public_id("ord"),
        key=key,
        body_hash=body,
        number=number,
        business_day=day,
        state=OrderState.WAITING if bill else OrderState.RECEIVED,
        addition=addition,
        by_staff=by_staff,
        total=total,
        note=note,
        placed_at=at,
        received_at=None if bill else at,
        changed_at=at,
    )
    write(order)
    for line in sold:
        line.order = order
    write(*sold)
    if held:
        BasketLine.objects.filter(shop=shop, visit=visit, id__in=[line.id for line, _ in held]).delete()
    if bill is None:
        events.publish(OrderReceived(shop_id=shop.id, order_id=order.id, visit_id=visit.id if visit else None, at=at))
    elif payable == 0:
        bills.settle(bill, settled_with="coupon", at=at)
    if visit:
        touch(visit, at)
    events.ring(*rings_of(visit, shop.id))
    return order


def _sold(shop: Shop, lines: Sequence[PricedLine]) -> list[OrderLine]:
    return [
        OrderLine(
            shop=shop,
            item=line.item,
            station=line.item.station.public_id if line.item.station else "",
            name=line.item.name,
            options=list(line.options),
            note=line.wanted.note,
            unit_price=line.unit_price,
            quantity=line.wanted.quantity,
            total=line.total,
            tax_free=line.item.tax_free,
        )
        for line in lines
    ]


def _next_number(shop: Shop, day: date, visit: Visit | None) -> tuple[int, bool]:
    """The day's next number, and whether the kitchen has heard of these guests before."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ordering_daynumber AS days (shop_id, business_day, last) VALUES (%s, %s, 1)
            ON CONFLICT (shop_id, business_day) DO UPDATE SET last = days.last + 1
            RETURNING last, EXISTS (
                SELECT FROM ordering_order WHERE shop_id = %s AND visit_id = %s AND received_at IS NOT NULL
            )
            """,
            [shop.id, day, shop.id, visit.id if visit else None],
        )
        number, addition = cursor.fetchone()
        return int(number), bool(addition)


def move_order(*, shop: Shop, order: str, to: OrderState, by: str, at: datetime) -> Order:
    """The kitchen takes one step forward. Repeating a step that was taken changes nothing.

    Refuses WrongStep. Accepting the first order of a visit also says that staff saw the guests.
    """
    if to in (OrderState.REFUSED, OrderState.GIVEN_UP, OrderState.WAITING):
        raise errors.WrongStep
    with transaction.atomic():
        locked = lock_order(shop, order)
        before = OrderState(locked.state)
        if before == to:
            return locked
        if before == OrderState.WAITING or not rules.may_move(before, to):
            raise errors.WrongStep
        step(locked, to, by=by, at=at)
        if locked.visit_id:
            Visit.objects.filter(id=locked.visit_id, checked_at__isnull=True).update(checked_at=at)
        return locked


def recall_order(*, shop: Shop, order: str, by: str, at: datetime) -> Order:
    """Take the last step back: a finger slipped. Refuses WrongStep."""
    with transaction.atomic():
        locked = lock_order(shop, order)
        before = rules.RECALLS.get(OrderState(locked.state))
        if before is None:
            raise errors.WrongStep
        step(locked, before, by=by, at=at, reason="recall")
        return locked


def refuse_order(
    *, shop: Shop, order: str, reason: str, by: str, at: datetime, approved: Concession | None = None
) -> Order:
    """The shop cannot make it, or takes it back: the guest reads `reason`, and what was paid for it goes back. What was worth
    something is kept as a concession; `approved` is the one that a second person agreed to.

    Refuses NoReason, WrongStep, SecondPersonNeeded; PaymentBeingChecked while its payment's outcome is unknown. Says
    OrderMoved, and BillReturned where money goes back. Repeating it changes nothing.
    """
    reason = reason.strip()[:200]
    if not reason:
        raise errors.NoReason
    with transaction.atomic():
        bill = lock_bill_of(shop, order)
        locked = lock_order(shop, order)
        if locked.state == OrderState.REFUSED:
            return locked
        if not rules.may_move(OrderState(locked.state), OrderState.REFUSED):
            raise errors.WrongStep
        won = concessions.worth(locked, bill)
        step(locked, OrderState.REFUSED, by=by, at=at, reason=reason)
        Order.objects.filter(id=locked.id).update(reason=reason)
        if bill and bill.state == BillState.OPEN:
            bills.take_order_off(bill, locked, by=by, at=at)
        elif bill and bill.state == BillState.SETTLED:
            won = bills.return_share(bill, locked, reason=reason, at=at)
            bills.tell_returned(bill, won, at=at)
        concessions.record(
            Wish(kind=ConcessionKind.REFUSAL, subject=order, reason=reason),
            shop=shop,
            won=won,
            paid_with=concessions.paid_with(bill),
            by=by,
            at=at,
            approved=approved,
        )
        return locked


def give_up_order(*, shop: Shop, order: str, by: str, at: datetime) -> None:
    """A guest steps back before paying. Refuses WrongStep once it is paid, PaymentBeingChecked while that is unknown."""
    with transaction.atomic():
        bill = lock_bill_of(shop, order)
        locked = lock_order(shop, order)
        if locked.state == OrderState.GIVEN_UP:
            return
        if locked.state != OrderState.WAITING or bill is None:
            raise errors.WrongStep
        bills.void_bill(bill, by=by, reason="", at=at)


def lock_order(shop: Shop, public_id: str) -> Order:
    """One order's row, locked, or NoSuchOrder."""
    order = (
        Order.objects.select_for_update(of=("self",))
        .select_related("visit")
        .filter(shop=shop, public_id=public_id)
        .first()
    )
    if order is None:
        raise errors.NoSuchOrder
    return order


def lock_bill_of(shop: Shop, order: str) -> Bill | None:
    """Bills are locked before orders, everywhere, so that two who do both never wait for each other."""
    return Bill.objects.select_for_update().filter(shop=shop, orders__public_id=order).order_by("id").first()


def step(order: Order, to: OrderState, *, by: str, at: datetime, reason: str = "") -> None:
    """Write one step of a locked order and tell everybody."""
    order.state, order.changed_at = to, at
    if to == OrderState.RECEIVED and order.received_at is None:
        order.received_at = at
    order.save(update_fields=["state", "changed_at", "received_at"])
    OrderStep.objects.create(shop_id=order.shop_id, order=order, state=to, by=by, reason=reason, at=at)
    events.publish(OrderMoved(shop_id=order.shop_id, order_id=order.id, state=to, at=at))
    if order.visit_id:
        Visit.objects.filter(id=order.visit_id).update(last_active_at=at)
    topics = [f"shop:{order.shop_id}", f"order:{order.id}", *([f"visit:{order.visit_id}"] if order.visit_id else [])]
    events.ring(*topics)


def cut_off_person(fact: PersonErased) -> None:
    """An erased person's orders and bills stay as the law asks, and lead to nobody; which were theirs is kept apart."""
    with fence.across_shops():
        person = Person.objects.get(id=fact.person_id)
        bills_paid = Bill.objects.filter(person=person, settled_at__isnull=False).order_by("id")
        paid = [{"bill": b.public_id, "total": b.total, "refunded": b.refunded} for b in bills_paid]
        if paid:
            people.keep_by_law(person=person, kind=RetainedKind.PAYMENT, content={"bills": paid}, at=fact.at)
        devices = Device.objects.filter(person_id=fact.person_id).values("id")
        Order.objects.filter(device__in=devices).update(device=None)
        BillPart.objects.filter(Q(device__in=devices) | Q(person_id=fact.person_id)).update(device=None, person=None)
        Bill.objects.filter(Q(device__in=devices) | Q(person_id=fact.person_id)).update(device=None, person=None)
