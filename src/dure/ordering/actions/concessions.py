"""What staff give back or write off is written down, in the transaction that does it; beyond a limit it needs a second person.

Whoever gives value away calls `record` last, with what really went: there is no other way past the limit.
"""

from dataclasses import asdict
from datetime import datetime

from django.db.models import Sum

from dure.kit import ids
from dure.ordering import errors, queries, rules
from dure.ordering.actions import parts
from dure.ordering.models import Bill, Concession, Order, OrderLine
from dure.ordering.values import BillState, ConcessionState, OrderState, Wish
from dure.shops import queries as shops
from dure.shops.models import Membership, Shop
from dure.shops.values import Ability

STAFF = "staff:"


def record(
    wish: Wish,
    *,
    shop: Shop,
    won: int,
    paid_with: str,
    by: str,
    at: datetime,
    approved: Concession | None,
) -> None:
    """Keep that `won` were given, or raise SecondPersonNeeded; nothing to keep where it was worth nothing. Joins the caller's
    transaction, which the refusal takes back.

    Two of one person at the same instant wait for each other, so that together they stay within the day's limit. More than
    the second person saw is ConcessionChanged.
    """
    if won <= 0:
        return
    day = shops.business_day(shop, at)
    if approved is not None:
        if won > approved.won:
            raise errors.ConcessionChanged
        approved.won, approved.business_day, approved.paid_with = won, day, paid_with
        move(approved, ConcessionState.DONE)
        return
    if by.startswith(STAFF):
        _refuse_beyond_limit(shop, won, by, at)
    Concession.objects.create(
        shop=shop,
        public_id=ids.new_public_id("con"),
        kind=wish.kind,
        state=ConcessionState.DONE,
        about=wish.about,
        what=queries.called(shop, wish),
        wish=asdict(wish),
        won=won,
        paid_with=paid_with,
        reason=wish.reason,
        by=by,
        business_day=day,
        asked_at=at,
        decided_at=at,
    )


def move(concession: Concession, to: ConcessionState) -> None:
    """Write a concession's next state. A step that is not in the table is a bug."""
    if not rules.concession_may_move(ConcessionState(concession.state), to):
        raise RuntimeError(f"{concession.public_id} cannot go from {concession.state} to {to}")
    concession.state = to
    concession.save(update_fields=["state", "won", "paid_with", "business_day", "decided_by", "decided_at"])


def _refuse_beyond_limit(shop: Shop, won: int, by: str, at: datetime) -> None:
    # Read anew and held: the role and the limits of this instant count, and nobody gives twice at once.
    member = (
        Membership.objects.select_for_update(of=("self",), no_key=True)
        .filter(shop=shop, person__public_id=by.removeprefix(STAFF))
        .first()
    )
    if member is not None and shops.role_may(member.role, Ability.APPROVE_CONCESSIONS):
        return
    limits = Shop.objects.only("concession_limit", "concession_day_limit").get(pk=shop.pk)
    given = Concession.objects.filter(
        shop=shop, by=by, business_day=shops.business_day(shop, at), state=ConcessionState.DONE, decided_by=""
    ).aggregate(won=Sum("won"))
    if rules.needs_second_person(
        won,
        given_today=given["won"] or 0,
        limit=limits.concession_limit,
        day_limit=limits.concession_day_limit,
    ):
        raise errors.SecondPersonNeeded(won=won)


def worth(order: Order, bill: Bill | None) -> int:
    """Won that a locked order is worth to the shop while its bill is not settled: nothing before anybody paid and the kitchen
    saw it, then what it costs; of one that waits, what was paid in parts."""
    if order.state == OrderState.WAITING:
        return sum(part.amount - part.refunded for part in parts.paid_parts(bill)) if bill else 0
    if bill is not None and bill.state not in (BillState.OPEN, BillState.SETTLED):
        return 0
    kept = OrderLine.objects.filter(shop_id=order.shop_id, order=order, struck_at__isnull=True)
    return sum(line.total - line.discount for line in kept)


def paid_with(bill: Bill | None) -> str:
    """How a bill was paid; empty where it was not."""
    return bill.settled_with if bill is not None and bill.settled_at is not None else ""
