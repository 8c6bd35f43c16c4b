"""What a table ordered, and paying a tab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from dure.kit.errors import DureError, Invalid
from dure.offers import queries as offers
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.shops.values import PayTiming
from dure.web.customer import frame, ways
from dure.web.customer.bar import bar_of, lines_of
from dure.web.customer.forms import PayForm
from dure.web.customer.frame import Guest
from dure.web.customer.pages import parts
from dure.web.ui.access import at_table

if TYPE_CHECKING:
    from dure.ordering.models import Bill, Visit
    from dure.shops.models import Table


@at_table("GET", "POST")
def bill(request: HttpRequest, table: Table) -> HttpResponse:
    """Every order of the visit; where the shop keeps a tab, what is owed, and two ways to pay it."""
    guest, visit = frame.seated(request, table)
    if request.method == "POST":
        return _pay(request, guest, visit)
    coupon = "none" if request.GET.get("coupon") == "none" else "best"
    return _page(request, guest, visit, coupon)


def _pay(request: HttpRequest, guest: Guest, visit: Visit) -> HttpResponse:
    form = PayForm(request.POST)
    if not form.is_valid():
        raise Invalid
    coupon = form.cleaned_data["coupon"] or "best"
    try:
        ways.refuse_counter(guest.shop, form.cleaned_data["how"])
        if form.cleaned_data["how"] == "split":
            shared = _being_split(visit) or ordering.open_bill(
                visit=visit, device=guest.device, coupon=coupon, at=guest.at
            )
            return frame.go(request, parts.address(guest.table, shared))
        opened = ordering.open_bill(visit=visit, device=guest.device, coupon=coupon, at=guest.at)
        if form.cleaned_data["how"] == "counter" or opened.total == 0:
            ordering.call_staff(table=guest.table, why="bill", at=guest.at)
            return frame.go(request, address(guest.table, coupon))
        there = ways.begin(request, form.cleaned_data["how"], bill=opened, device=guest.device, at=guest.at)
    except DureError as refusal:
        return _page(request, guest, visit, coupon, refusal)
    return frame.go(request, there or address(guest.table, coupon))


def _being_split(visit: Visit) -> Bill | None:
    """The bill that the table is splitting, where somebody has taken or paid a part of it."""
    return next((bill for bill in queries.open_bills_of(visit) if bill.taken), None)


def address(table: Table, coupon: str) -> str:
    return reverse("customer:bill", args=[table.code]) + ("?coupon=none" if coupon == "none" else "")


def _page(
    request: HttpRequest, guest: Guest, visit: Visit, coupon: str, refusal: DureError | None = None
) -> HttpResponse:
    tab = guest.shop.pay_timing == PayTiming.TAB
    splitting = _being_split(visit)
    unpaid = [o for o in queries.unbilled_of(visit) if splitting is None or o.bill_id != splitting.pk] if tab else []
    owed = sum(order.total for order in unpaid)
    best = queries.coupons_on_tab(visit, person=guest.person, at=guest.at) if owed else []
    off = sum(use.discount for use in best)
    used = best if coupon != "none" else []
    orders = [
        {
            "public_id": order.public_id,
            "number": order.number,
            "words": frame.STATE_WORDS[order.state],
            "total": order.total,
            "own": frame.is_own(order, guest.device),
            "lines": lines_of(order),
        }
        for order in queries.orders_of_visit(visit)
    ]
    return frame.show(
        request,
        "bill",
        shop=guest.shop,
        status=refusal.status if refusal else 200,
        here=address(guest.table, coupon),
        table=guest.table,
        visit=visit,
        orders=orders,
        subtotal=owed,
        coupon=coupon,
        offer=used[0].coupon.offer.name if used else None,
        uses=[(offers.line_about(use.coupon), use.discount) for use in used],
        discount=off if used else 0,
        saved=0 if used else off,
        total=owed - (off if used else 0),
        ways=ways.ways_for(guest.shop, guest.person, owed - (off if used else 0), guest.at),
        takes_counter=ways.takes_counter(guest.shop),
        splitting=parts.address(guest.table, splitting) if splitting else "",
        split_left=queries.split_of(splitting).unpaid if splitting else 0,
        error=refusal,
        copy=False,
        **frame.opening_at(guest),
        **bar_of(guest, "page"),
        **frame.home_at(guest.table),
    )
