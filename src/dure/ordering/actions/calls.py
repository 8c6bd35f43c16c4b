"""Somebody at a table asks for a member of staff."""

from datetime import datetime

from django.db import IntegrityError, transaction

from dure.kit import events, ids
from dure.kit.errors import Invalid
from dure.ordering import queries, rules
from dure.ordering.errors import NoSuchCall
from dure.ordering.models import StaffCall
from dure.ordering.values import CallState
from dure.shops.models import Shop, Table

WHYS = ("staff", "water", "bill")


def call_staff(*, table: Table, why: str, at: datetime) -> None:
    """Ring for a member of staff (`staff`), water (`water`) or the bill (`bill`). Ringing again changes nothing."""
    if why not in WHYS:
        raise Invalid
    try:
        with transaction.atomic():
            StaffCall.objects.create(
                shop_id=table.shop_id, table=table, public_id=ids.new_public_id("cal"), why=why, called_at=at
            )
            events.ring(f"shop:{table.shop_id}")
    except IntegrityError:
        return


def answer_call(*, shop: Shop, call: str, by: str, at: datetime) -> None:
    """Somebody is on the way. Safe to repeat. Refuses NoSuchCall."""
    asked = StaffCall.objects.select_related("table").filter(shop=shop, public_id=call).first()
    if asked is None:
        raise NoSuchCall
    if rules.call_may_move(asked.state, CallState.ANSWERED):
        StaffCall.objects.filter(id=asked.id, answered_at__isnull=True).update(answered_at=at)
    visit = queries.open_visit_at(asked.table)
    events.ring(f"shop:{shop.id}", *([f"visit:{visit.id}"] if visit else []))
