"""The basket that all phones at a table share."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Least

from dure.kit import events, ids
from dure.ordering import errors, queries, rules
from dure.ordering.actions.visits import lock_open, touch
from dure.ordering.models import BasketLine, Visit
from dure.ordering.values import LINES_MAX, QUANTITY_MAX, Wanted

NOTE_MAX = 100


def put_in_basket(*, visit: Visit, wanted: Wanted, at: datetime) -> BasketLine:
    """Add to the table's basket; the same choice again raises its quantity.

    Refuses VisitOver, NotOnMenu, SoldOut, OptionsInvalid, QuantityInvalid, TooMuch.
    """
    (line,) = queries.priced(visit.shop_id, [wanted])
    if line.sold_out:
        raise errors.SoldOut(items=[line.item.public_id])
    note = wanted.note.strip()[:NOTE_MAX]
    choice = rules.choice_text(wanted.item, wanted.options, note)
    with transaction.atomic():
        locked = lock_open(visit)
        held = BasketLine.objects.filter(shop_id=locked.shop_id, visit=locked)
        if not held.filter(choice=choice).exists() and held.count() >= LINES_MAX:
            raise errors.TooMuch
        put, created = held.get_or_create(
            choice=choice,
            defaults={
                "shop_id": locked.shop_id,
                "visit": locked,
                "public_id": ids.new_public_id("bl"),
                "item": line.item,
                "options": list(line.option_ids),
                "note": note,
                "quantity": wanted.quantity,
                "added_at": at,
            },
        )
        if not created:
            held.filter(id=put.id).update(quantity=Least(F("quantity") + wanted.quantity, Value(QUANTITY_MAX)))
        _touch(locked, at)
    return put


def change_basket_line(*, visit: Visit, line: str, quantity: int, at: datetime) -> None:
    """Set a line's quantity; 0 takes it out. A line that another phone took out already stays out."""
    if not 0 <= quantity <= QUANTITY_MAX:
        raise errors.QuantityInvalid
    with transaction.atomic():
        locked = lock_open(visit)
        rows = BasketLine.objects.filter(shop_id=locked.shop_id, visit=locked, public_id=line)
        if quantity:
            rows.update(quantity=quantity)
        else:
            rows.delete()
        _touch(locked, at)


def empty_basket(*, visit: Visit, at: datetime) -> None:
    """Take everything out."""
    with transaction.atomic():
        locked = lock_open(visit)
        BasketLine.objects.filter(shop_id=locked.shop_id, visit=locked).delete()
        _touch(locked, at)


def _touch(visit: Visit, at: datetime) -> None:
    touch(visit, at)
    events.ring(f"visit:{visit.id}")
