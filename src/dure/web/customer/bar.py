"""What every page of a table shows at its foot: help, what the table waits for, and the basket."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dure.kit.language import Text, pick
from dure.menu import queries as menus
from dure.menu.values import Menu
from dure.offers import queries as offers
from dure.offers.values import OfferOccasion
from dure.ordering import queries as ordering
from dure.ordering.queries import BasketRow
from dure.ordering.values import Wanted
from dure.shops.values import PayTiming
from dure.web.customer import frame
from dure.web.customer.frame import Guest

if TYPE_CHECKING:
    from dure.offers.models import Coupon, Offer
    from dure.ordering.models import Order, Visit


@dataclass(frozen=True, slots=True)
class Row:
    """A line as it reads: name, options and wish in one text, and the quantities its buttons lead to."""

    public_id: str
    name: str
    detail: str
    quantity: int
    total: int
    sold_out: bool

    @property
    def less(self) -> int:
        return self.quantity - 1

    @property
    def more(self) -> int:
        return min(99, self.quantity + 1)


@dataclass(frozen=True, slots=True)
class Seen:
    """The basket as whoever pays from this phone sees it. `key` is the same on every phone and after every reload until
    the contents change, so that the same basket is never ordered twice. `saved`: won that an unused coupon would take off."""

    rows: list[Row]
    count: int
    subtotal: int
    coupon: object
    coupons: list[Coupon]
    uses: list[tuple[Text, int]]
    discount: int
    total: int
    saved: int
    key: str
    items: list[int]

    @property
    def sold_out(self) -> list[Row]:
        return [row for row in self.rows if row.sold_out]


def seen_by(guest: Guest, visit: Visit, coupon: str) -> Seen:
    """The table's basket with the best coupon of this phone, or `coupon` "none". A tab takes coupons with its bill."""
    first = guest.shop.pay_timing == PayTiming.FIRST
    held = ordering.basket_of(visit, person=guest.person if first else None, at=guest.at)
    used = coupon != "none"
    contents = "|".join([visit.public_id, *(f"{row.public_id}*{row.quantity}" for row in held.rows)])
    return Seen(
        rows=[_row(row) for row in held.rows],
        count=held.count,
        subtotal=held.subtotal,
        coupon=held.coupon if used else None,
        coupons=[one.coupon for one in held.uses] if used else [],
        uses=[(offers.line_about(one.coupon), one.discount) for one in held.uses] if used else [],
        discount=held.discount if used else 0,
        total=held.total if used else held.subtotal,
        saved=0 if used else held.discount,
        key=hashlib.sha256(contents.encode()).hexdigest()[:32],
        items=[row.item for row in held.rows],
    )


def _row(row: BasketRow) -> Row:
    return Row(row.public_id, pick(row.name), _detail(row.options, row.note), row.quantity, row.total, row.sold_out)


def bar(request: HttpRequest, guest: Guest, at: str, said: Text | None = None) -> HttpResponse:
    """The bar alone, as it is now."""
    context = {"table": guest.table, "visit": guest.visit, **frame.opening_at(guest), **bar_of(guest, at, said=said)}
    return render(request, "customer/parts/state.html", context)


def bar_of(guest: Guest, at: str, *, menu: Menu | None = None, said: Text | None = None) -> dict[str, Any]:
    """What the bar shows: help, what the table waits for, and on the menu (`at`) the basket."""
    on_menu = at == "menu"
    calls = ordering.open_calls(guest.shop).filter(table=guest.table).values_list("why", flat=True)
    shown: dict[str, Any] = {
        "bar": "menu" if on_menu else "page",
        "called": dict.fromkeys(calls, True),
        "running": frame.running_at(guest) if on_menu else [],
        "said": said or "",
        "basket": None,
        "sold_out": "",
        "owed": 0,
        "live_topic": f"visit:{guest.visit.pk}" if guest.visit else "",
    }
    if on_menu:
        menu = menu or menus.menu_of(guest.shop)
        shown["sold_out"] = " ".join(one.public_id for one in menu.items() if one.sold_out)
        if guest.visit:
            shown["basket"] = seen_by(guest, guest.visit, "best")
            if guest.shop.pay_timing == PayTiming.TAB:
                shown["owed"] = ordering.owed_by(guest.visit)
    return shown


def lines_of(order: Order) -> list[dict[str, Any]]:
    """An order's lines as they read, options and wish in one text."""
    return [
        {
            "name": pick(line.name),
            "detail": _detail(line.options, line.note),
            "quantity": line.quantity,
            "total": line.total,
            "struck": line.struck_because,
            "returned": line.returned or 0,
        }
        for line in sorted(order.lines.all(), key=lambda line: line.pk)
    ]


def _detail(options: Iterable[dict[str, Any]], note: str) -> str:
    return " · ".join([*(pick(option["name"]) for option in options), *([f"“{note}”"] if note else [])])


def wanted_again(order: Order, menu: Menu) -> list[Wanted]:
    """An earlier order's lines as wants, as far as today's menu still has them. Old lines keep names, not ids: a renamed
    option is another option."""
    items = {item.id: item for item in menu.items() if not item.sold_out}
    wants = []
    for line in order.lines.all():
        if line.struck_at:
            continue
        item = items.get(line.item_id or 0)
        names = [option["name"] for option in line.options]
        options = [o for group in item.groups for o in group.options if o.name in names] if item else []
        if item and len(options) == len(names) and not any(option.sold_out for option in options):
            wants.append(
                Wanted(
                    item=item.public_id,
                    options=tuple(option.public_id for option in options),
                    quantity=line.quantity,
                    note=line.note,
                )
            )
    return wants


def worth_of(offer: Offer) -> Text:
    """What an offer takes off, in a few words."""
    return offers.worth_of(offer)


def coupon_card(coupon: Coupon) -> dict[str, Any]:
    """A coupon as people see it."""
    conditions = offers.conditions_of(coupon.offer)
    return {
        "shop": coupon.shop,
        "shop_name": frame.name_of(coupon.shop),
        "name": coupon.offer.name,
        "worth": offers.worth_of(coupon.offer, coupon.worth),
        "conditions": conditions,
        "until": coupon.expires_at,
        "public_id": coupon.public_id,
        "of_points": coupon.offer.occasion == OfferOccasion.POINTS,
    }
