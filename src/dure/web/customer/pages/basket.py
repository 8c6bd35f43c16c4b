"""The table's basket, and ordering it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from dure.campaigns import queries as campaigns
from dure.kit.errors import DureError, Invalid, Refused
from dure.kit.language import Text, say
from dure.kit.money import won
from dure.menu import queries as menus
from dure.offers.values import Stacking
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.ordering.errors import VisitOver
from dure.ordering.values import OrderState, Wanted
from dure.regulars import queries as regulars
from dure.shops.values import PayTiming
from dure.targeting import actions as targeting
from dure.targeting.values import SUGGESTION_HELD, SUGGESTION_UNIT
from dure.web.customer import frame, ways
from dure.web.customer.bar import Seen, bar, bar_of, seen_by, wanted_again
from dure.web.customer.forms import AddForm, AdditionForm, BasketForm, OrderForm, QuantityForm, RepeatForm
from dure.web.customer.frame import Guest
from dure.web.ui.access import at_table
from dure.web.ui.middleware import wants_json

if TYPE_CHECKING:
    from datetime import datetime

    from dure.menu.models import Item
    from dure.ordering.models import Order, Visit
    from dure.shops.models import Table


@at_table("GET")
def basket(request: HttpRequest, table: Table) -> HttpResponse:
    """What the table is about to order, with the final price."""
    guest, visit = frame.seated(request, table)
    coupon = "none" if request.GET.get("coupon") == "none" else "best"
    if frame.is_part(request):
        return _part(request, guest, visit, coupon)
    return _page(request, guest, visit, coupon)


@at_table("POST")
def add(request: HttpRequest, table: Table) -> HttpResponse:
    """Put one item into the basket."""
    guest, visit = frame.seated(request, table)
    form = AddForm(request.POST)
    if not form.is_valid():
        raise Invalid
    wanted = form.wanted(request.POST)
    ordering.put_in_basket(visit=visit, wanted=wanted, at=guest.at)
    if frame.is_part(request):
        return bar(request, guest, "menu", say("담았어요.", en="Added."))
    return frame.go(request, reverse("customer:table", args=[table.code]) + f"#{wanted.item}")


@at_table("POST")
def take(request: HttpRequest, table: Table) -> HttpResponse:
    """Put what the basket suggests into it, and look at the basket again."""
    guest, visit = frame.seated(request, table)
    form = AdditionForm(request.POST)
    if not form.is_valid():
        raise Invalid
    ordering.put_in_basket(visit=visit, wanted=Wanted(item=form.cleaned_data["item"]), at=guest.at)
    return _look_again(request, guest, visit, form)


@at_table("POST")
def change(request: HttpRequest, table: Table, line: str) -> HttpResponse:
    """Change how many of a line, or take it out."""
    guest, visit = frame.seated(request, table)
    form = QuantityForm(request.POST)
    if not form.is_valid():
        raise Invalid
    ordering.change_basket_line(visit=visit, line=line, quantity=form.cleaned_data["quantity"], at=guest.at)
    return _look_again(request, guest, visit, form)


def _look_again(request: HttpRequest, guest: Guest, visit: Visit, form: BasketForm) -> HttpResponse:
    coupon = form.cleaned_data["coupon"] or "best"
    if frame.is_part(request):
        return _part(request, guest, visit, coupon)
    return frame.go(request, address(guest.table, coupon))


@at_table("POST")
def repeat(request: HttpRequest, table: Table) -> HttpResponse:
    """Put an earlier order of this phone into the basket again, as far as it is still on the menu."""
    guest, visit = frame.seated(request, table)
    form = RepeatForm(request.POST)
    if not form.is_valid():
        raise Invalid
    earlier = queries.order_of_device(guest.device, form.cleaned_data["order"])
    for wanted in wanted_again(earlier, menus.menu_of(table.shop)):
        ordering.put_in_basket(visit=visit, wanted=wanted, at=guest.at)
    return frame.go(request, address(table, "best"))


@at_table("POST")
def order(request: HttpRequest, table: Table) -> HttpResponse:
    """Order the basket, and begin to pay where the guest pays online. Sent twice with the same key it is one order."""
    guest = frame.guest_of(request, table)
    visit = guest.visit or frame.visit_named(request, table)
    form = OrderForm(request.POST)
    if not form.is_valid():
        raise Invalid
    if visit is None:
        raise VisitOver
    said = form.cleaned_data
    coupon = said["coupon"] or "best"
    try:
        ways.refuse_counter(guest.shop, said["how"])
        placed = ordering.place_order(
            shop=table.shop,
            visit=visit,
            table=table,
            device=guest.device,
            wanted=said["lines"],
            key=said["key"],
            expected_total=said["expected_total"],
            coupon=coupon,
            by=guest.by,
            at=guest.at,
        )
    except (Refused, Invalid) as refusal:
        if wants_json(request) or guest.visit is None:
            raise
        return _page(request, guest, guest.visit, coupon, refusal)
    frame.keep_language(request, guest.person)
    offline = said["how"] in ("counter", "tab")
    where = order_page(placed) if offline else where_to_pay(request, guest, placed, said["how"])
    if wants_json(request):
        bill = placed.bill.public_id if placed.bill else None
        receipt = {"order": placed.public_id, "number": placed.number, "bill": bill, "go": where}
        return JsonResponse(receipt, status=201)
    return frame.go(request, where)


def where_to_pay(request: HttpRequest, guest: Guest, placed: Order, how: str) -> str:
    """The provider's page for an order that waits to be paid; the order's own page, where one can try again, otherwise."""
    if placed.bill is None or placed.state != OrderState.WAITING:
        return order_page(placed)
    try:
        there = ways.begin(request, how, bill=placed.bill, device=guest.device, at=guest.at)
    except DureError:
        return order_page(placed)
    return there or order_page(placed)


def order_page(placed: Order) -> str:
    return reverse("customer:order", args=[placed.public_id])


def address(table: Table, coupon: str) -> str:
    """Where the basket is shown, with or without a coupon."""
    return reverse("customer:basket", args=[table.code]) + ("?coupon=none" if coupon == "none" else "")


def _part(request: HttpRequest, guest: Guest, visit: Visit, coupon: str) -> HttpResponse:
    return render(request, "customer/parts/basket.html", _context(guest, visit, coupon))


def _context(guest: Guest, visit: Visit, coupon: str) -> dict[str, Any]:
    seen = seen_by(guest, visit, coupon)
    said: Text | str = ""
    if seen.count:
        said = say("모두 {n}개, {total}", en="{n} in all, {total}", n=seen.count, total=won(seen.total))
    return {
        "table": guest.table,
        "shop": guest.shop,
        "skin": frame.skin_of(guest.shop),
        "visit": visit,
        "basket": seen,
        "coupon": coupon,
        "said": said,
        "ways": ways.ways_for(guest.shop, guest.person, seen.total, guest.at),
        "takes_counter": ways.takes_counter(guest.shop),
        "total": seen.total,
        **(_points(guest, seen) if coupon == "best" else {}),
        "addition": _addition(visit, seen, guest.at),
        "basket_url": address(guest.table, coupon),
        **frame.opening_at(guest),
    }


def _addition(visit: Visit, seen: Seen, at: datetime) -> Item | None:
    """The one item that is suggested beside what is in the basket. Nothing where something of it has to be taken out first."""
    if not seen.items or seen.sold_out:
        return None
    held = campaigns.is_held_out(visit.pk, unit=SUGGESTION_UNIT, share=SUGGESTION_HELD)
    return targeting.suggest_addition(visit=visit, items=seen.items, held=held, at=at)


def _points(guest: Guest, seen: Seen) -> dict[str, object]:
    """How many points this phone's person could use for what is in the basket; none where that is below the least, or a
    coupon is in use that goes with no other."""
    friend = regulars.relation_of(guest.person, guest.shop)
    terms = regulars.point_terms_of(guest.shop) if friend and guest.shop.pay_timing == PayTiming.FIRST else None
    if friend is None or terms is None or any(one.offer.stacking == Stacking.ALONE for one in seen.coupons):
        return {}
    if any(one.offer.stacking == Stacking.POINTS for one in seen.coupons):
        return {}
    points = regulars.points_of(friend, at=guest.at)
    most = min(seen.total, points.balance)
    return {"points": most, "points_key": points.key} if most >= terms.least else {}


def _page(
    request: HttpRequest, guest: Guest, visit: Visit, coupon: str, refusal: DureError | None = None
) -> HttpResponse:
    return frame.show(
        request,
        "basket",
        status=refusal.status if refusal else 200,
        here=address(guest.table, coupon),
        **{**bar_of(guest, "page"), **_context(guest, visit, coupon)},
        **frame.home_at(guest.table),
        error=refusal,
        copy=False,
    )
