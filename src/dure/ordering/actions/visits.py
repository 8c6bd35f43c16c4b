"""Guests come to a table and leave it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from dure.kit import events, ids
from dure.kit.sql import rewrite, written_once
from dure.ordering import errors, queries, rules
from dure.ordering.actions import bills, concessions, parts, splits
from dure.ordering.events import VisitClosed
from dure.ordering.models import BasketLine, Bill, Concession, Order, StaffCall, Visit
from dure.ordering.values import BillState, ConcessionKind, OrderState, VisitState, Wish
from dure.shops.models import Table
from dure.shops.values import Seating


class Seat(StrEnum):
    """What a scan found. SEATED: order away. OVER: this phone's visit was closed. MOVED: its guests sit elsewhere now.
    WAIT: a member of staff opens tables here."""

    SEATED = "seated"
    OVER = "over"
    MOVED = "moved"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Scan:
    """What scanning a table's code led to; `carries` is the pass for the phone's cookie where it sits."""

    seat: Seat
    visit: Visit | None = None
    carries: str = ""


def rings_of(visit: Visit | None, shop_id: int) -> list[str]:
    """The live topics that a change at this visit rings."""
    return [f"shop:{shop_id}", *([f"visit:{visit.id}"] if visit else [])]


def scan(*, table: Table, carried: str, at: datetime) -> Scan:
    """Join the visit at this table, or open one if nobody sits there.

    A phone whose visit was closed is told so and must sit down again (`sit_down`): reloading an old page or holding a
    photo of the code does not quietly open a visit. Safe to repeat.
    """
    mine = queries.visit_by_pass(table.shop_id, carried) if carried else None
    if mine and mine.closed_at is None:
        if mine.table_id != table.id:
            return Scan(Seat.MOVED, mine, queries.pass_of(mine))
        return Scan(Seat.SEATED, mine, carried)
    if mine and mine.table_id == table.id:
        return Scan(Seat.OVER, mine)
    return sit_down(table=table, at=at)


def sit_down(*, table: Table, at: datetime) -> Scan:
    """Sit down at this table: with those who sit there, or first. Guests forgotten by everybody are closed before."""
    visit = queries.open_visit_at(table)
    if visit and queries.is_stale(visit, at=at):
        close_visit(visit=visit, by="job:stale", at=at)
        visit = None
    if visit is None:
        if table.shop.seating == Seating.STAFF:
            return Scan(Seat.WAIT)
        visit = _open(table, by_staff=False, at=at)
    return Scan(Seat.SEATED, visit, queries.pass_of(visit))


def open_visit_by_staff(*, table: Table, by: str, at: datetime) -> Visit:
    """Seat guests at a table. Refuses TableTaken."""
    if queries.open_visit_at(table):
        raise errors.TableTaken
    return _open(table, by_staff=True, at=at)


def _open(table: Table, *, by_staff: bool, at: datetime) -> Visit:
    try:
        with transaction.atomic():
            visit = Visit.objects.create(
                shop_id=table.shop_id,
                table=table,
                public_id=ids.new_public_id("vis"),
                opened_by_staff=by_staff,
                opened_at=at,
                last_active_at=at,
            )
            events.ring(f"shop:{table.shop_id}")
            return visit
    except IntegrityError:
        return Visit.objects.get(shop_id=table.shop_id, table=table, closed_at__isnull=True)


def lock_open(visit: Visit) -> Visit:
    """The visit's row, locked. Refuses VisitOver."""
    [locked] = _locked(visit.shop_id, visit.id)
    if locked.closed_at is not None:
        raise errors.VisitOver
    return locked


@written_once
def _locked(shop_id: int, visit_id: int) -> QuerySet[Visit]:
    return Visit.objects.select_for_update().filter(shop_id=shop_id, id=visit_id)


def touch(visit: Visit, at: datetime) -> None:
    """Something was done at this table."""
    visit.last_active_at = at
    rewrite(visit, "last_active_at")


def check_visit(*, visit: Visit, by: str, at: datetime) -> None:
    """A member of staff has seen the guests sit there. Safe to repeat."""
    Visit.objects.filter(shop_id=visit.shop_id, id=visit.id, checked_at__isnull=True).update(checked_at=at)
    events.ring(*rings_of(visit, visit.shop_id))


def close_visit(
    *, visit: Visit, by: str, at: datetime, unpaid_because: str = "", approved: Concession | None = None
) -> None:
    """The guests leave: every pass to this visit dies, the basket is emptied, unpaid counter orders are given up.

    Refuses NotPaidYet while a tab owes money, unless staff says why in `unpaid_because` (the bill is then void, or settled
    with the parts that were paid, and what nobody paid is kept as a concession with the reason; `approved` is the one that a
    second person agreed to). Refuses SecondPersonNeeded; PaymentBeingChecked while a payment's outcome is unknown. Says
    VisitClosed.
    """
    with transaction.atomic():
        locked = (
            Visit.objects.select_for_update(of=("self",))
            .select_related("shop", "table")
            .get(shop_id=visit.shop_id, id=visit.id)
        )
        if not rules.visit_may_move(locked.state, VisitState.CLOSED):
            return
        unpaid = 0
        for bill in Bill.objects.select_for_update().filter(visit=locked, state=BillState.OPEN).order_by("id"):
            waiting = not bill.orders.exclude(state=OrderState.WAITING).exists()
            paid_in_part = bool(parts.paid_parts(bill))
            if (not waiting or paid_in_part) and not unpaid_because:
                raise errors.NotPaidYet
            if paid_in_part:
                unpaid += splits.waive_rest(bill, reason=unpaid_because, at=at)
                continue
            unpaid += 0 if waiting else bill.total
            bills.void_bill(bill, by=by, reason=unpaid_because, at=at)
        owed = queries.unbilled_of(locked)
        if owed.exists():
            if not unpaid_because:
                raise errors.NotPaidYet
            bill = bills.bill_for(list(owed), visit=locked, device=None, person=None, at=at)
            unpaid += bill.total
            bills.void_bill(bill, by=by, reason=unpaid_because, at=at)
        concessions.record(
            Wish(kind=ConcessionKind.UNPAID, subject=locked.public_id, reason=unpaid_because),
            shop=locked.shop,
            won=unpaid,
            paid_with="",
            by=by,
            at=at,
            approved=approved,
        )
        BasketLine.objects.filter(shop_id=locked.shop_id, visit=locked).delete()
        StaffCall.objects.filter(shop_id=locked.shop_id, table_id=locked.table_id, answered_at__isnull=True).update(
            answered_at=at
        )
        Visit.objects.filter(id=locked.id).update(closed_at=at)
        events.publish(VisitClosed(shop_id=locked.shop_id, visit_id=locked.id, at=at))
        events.ring(*rings_of(locked, locked.shop_id))


def move_visit(*, visit: Visit, to_table: Table, by: str, at: datetime) -> None:
    """The guests sit at another table now: their basket, orders and phones come along. Refuses TableTaken."""
    if to_table.shop_id != visit.shop_id or queries.open_visit_at(to_table):
        raise errors.TableTaken
    try:
        with transaction.atomic():
            locked = lock_open(visit)
            Visit.objects.filter(id=locked.id).update(table=to_table, last_active_at=at)
            Order.objects.filter(shop_id=locked.shop_id, visit=locked).update(table=to_table)
            events.ring(*rings_of(locked, locked.shop_id))
    except IntegrityError as error:
        raise errors.TableTaken from error


def merge_visits(*, visit: Visit, into: Visit, by: str, at: datetime) -> None:
    """Two tables become one party: orders, bills and basket of `visit` belong to `into`, and its phones follow."""
    if visit.id == into.id or visit.shop_id != into.shop_id:
        raise errors.TableTaken
    with transaction.atomic():
        rows = {v.id: v for v in Visit.objects.select_for_update().filter(id__in=[visit.id, into.id]).order_by("id")}
        gone, kept = rows[visit.id], rows[into.id]
        if not rules.visit_may_move(gone.state, VisitState.MERGED) or kept.state != VisitState.OPEN:
            raise errors.VisitOver
        Order.objects.filter(shop_id=gone.shop_id, visit=gone).update(visit=kept, table_id=kept.table_id)
        Bill.objects.filter(shop_id=gone.shop_id, visit=gone).update(visit=kept)
        there = {line.choice: line for line in BasketLine.objects.filter(shop_id=kept.shop_id, visit=kept)}
        for line in BasketLine.objects.filter(shop_id=gone.shop_id, visit=gone):
            same = there.get(line.choice)
            if same:
                same.quantity = min(99, same.quantity + line.quantity)
                same.save(update_fields=["quantity"])
                line.delete()
            else:
                line.visit = kept
                line.save(update_fields=["visit"])
        Visit.objects.filter(id=gone.id).update(closed_at=at, merged_into=kept)
        events.ring(*rings_of(gone, gone.shop_id), *rings_of(kept, kept.shop_id))
