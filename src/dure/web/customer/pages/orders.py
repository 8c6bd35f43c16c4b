"""One order of this phone: where it stands, how to pay it, and its receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from dure.kit import clock
from dure.kit.errors import Invalid
from dure.kit.language import Text, say
from dure.offers import queries as offers
from dure.offers.values import OfferOccasion
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.ordering.values import BillState, OrderState
from dure.payments import queries as payments
from dure.payments.values import PaymentState
from dure.regulars import queries as regulars
from dure.shops.values import COUNTER
from dure.web.customer import frame
from dure.web.customer.bar import bar_of, lines_of, worth_of
from dure.web.customer.forms import CouponForm, PayForm
from dure.web.customer.frame import Guest
from dure.web.customer.pages.basket import order_page, where_to_pay
from dure.web.customer.till import till_card
from dure.web.customer.ways import refuse_counter, takes_counter, ways_for
from dure.web.ui.access import device_of, own_device
from dure.web.ui.ways import WAY_WORDS

if TYPE_CHECKING:
    from dure.ordering.models import Bill, Order
    from dure.payments.models import Payment
    from dure.people.models import Device

STEPS = (
    (OrderState.RECEIVED, say("접수", en="Received")),
    (OrderState.COOKING, say("조리", en="Cooking")),
    (OrderState.READY, say("준비", en="Ready")),
    (OrderState.SERVED, say("완료", en="Served")),
)
REACHED = {
    OrderState.RECEIVED: 0,
    OrderState.ACCEPTED: 0,
    OrderState.COOKING: 1,
    OrderState.READY: 2,
    OrderState.SERVED: 4,
}

RING_ORDER = say("주문이 준비되면 이 휴대폰으로 알려 드릴까요?", en="Shall this phone ring when your order is ready?")


@own_device("GET")
def order(request: HttpRequest, order: str) -> HttpResponse:
    """The order's page: it survives a reload, and moves by itself."""
    device = device_of(request)
    placed = queries.order_of_device(device, order)
    bar = bar_of(Guest(placed.table, None, device, clock.now()), "page") if placed.table else {"bar": ""}
    home = frame.home_at(placed.table) if placed.table else {}
    asks = {"rings": placed.state in frame.RUNNING, "bell_words": RING_ORDER}
    return frame.show(request, "order", shop=placed.shop, **{**bar, **_context(placed, device), **home, **asks})


@own_device("GET")
def state(request: HttpRequest, order: str) -> HttpResponse:
    """The part of the page that moves."""
    device = device_of(request)
    placed = queries.order_of_device(device, order)
    context = {"skin": frame.skin_of(placed.shop), "shop": placed.shop, "shop_name": frame.name_of(placed.shop)}
    return render(request, "customer/parts/order.html", {**context, **_context(placed, device)})


@own_device("POST")
def cancel(request: HttpRequest, order: str) -> HttpResponse:
    """Step back from an order before paying."""
    device = device_of(request)
    placed = queries.order_of_device(device, order)
    ordering.give_up_order(shop=placed.shop, order=order, by=f"guest:{device.pk if device else ''}", at=clock.now())
    return frame.go(request, order_page(placed))


@own_device("POST")
def pay(request: HttpRequest, bill: str) -> HttpResponse:
    """Try to pay again, or choose the counter after all."""
    device = device_of(request)
    due = queries.bill_of_device(device, bill)
    form = PayForm(request.POST)
    if not form.is_valid():
        raise Invalid
    placed = _latest(due, device)
    refuse_counter(placed.shop, form.cleaned_data["how"])
    if form.cleaned_data["how"] in (COUNTER, "split"):
        if placed.table:
            ordering.call_staff(table=placed.table, why="bill", at=clock.now())
        return frame.go(request, order_page(placed))
    guest = Guest(placed.table, None, device, clock.now())  # type: ignore[arg-type]
    return frame.go(request, where_to_pay(request, guest, placed, form.cleaned_data["how"]))


@own_device("POST")
def coupon(request: HttpRequest, bill: str) -> HttpResponse:
    """Use another coupon for an unpaid bill, or none."""
    device = device_of(request)
    due = queries.bill_of_device(device, bill)
    form = CouponForm(request.POST)
    if not form.is_valid():
        raise Invalid
    ordering.choose_coupon(bill=due, coupon=form.cleaned_data["coupon"], at=clock.now())
    return frame.go(request, order_page(_latest(due, device)))


def _latest(bill: Bill, device: Device | None) -> Order:
    last = bill.orders.order_by("-id").values_list("public_id", flat=True).first()
    return queries.order_of_device(device, last or "")


def _context(order: Order, device: Device | None) -> dict[str, Any]:
    at = clock.now()
    bill, person = order.bill, device.person if device else None
    tries = list(payments.payments_about(bill.public_id)) if bill else []
    paid = bool(bill and bill.state in (BillState.SETTLED, BillState.RETURNED))
    checking = any(one.state == PaymentState.APPROVING for one in tries)
    reached = REACHED.get(OrderState(order.state), -1)
    friend = regulars.relation_of(person, order.shop)
    welcome = offers.offer_for(order.shop, OfferOccasion.WELCOME) if paid and not friend else None
    seated = bool(order.visit and order.visit.closed_at is None and order.table)
    return {
        "order": order,
        "table": order.table,
        "table_name": frame.table_words(order.table) if order.table else "",
        "visit": None,
        "lines": lines_of(order),
        "words": frame.STATE_WORDS[order.state],
        "steps": [
            (words, "done" if n < reached else "now" if n == reached else "") for n, (_, words) in enumerate(STEPS)
        ],
        "cancelled": order.state == OrderState.REFUSED and all(line.struck_at for line in order.lines.all()),
        "cooking": order.state in (OrderState.ACCEPTED, OrderState.COOKING),
        "pose": _pose(order),
        "bill": bill,
        "ways": ways_for(order.shop, person, bill.total, at) if bill else [],
        "takes_counter": takes_counter(order.shop),
        "total": bill.total if bill else 0,
        "offer": bill.coupon.offer.name if bill and bill.coupon and bill.discount else None,
        "uses": offers.explained(bill.public_id) if bill and bill.discount else [],
        "paid": paid,
        "paid_with": WAY_WORDS.get(bill.settled_with, "") if bill else "",
        "checking": checking,
        "failed": _failed(tries) if not checking else None,
        "unfinished": bool(tries) and tries[-1].state in (PaymentState.READY, PaymentState.CREATED) and not checking,
        "returned": _returned(bill, tries),
        "till": till_card(person, bill.public_id, at) if bill and paid and not bill.refunded else None,
        "receipt": _receipt(bill) if bill and paid else [],
        "due": bool(bill and bill.state == BillState.OPEN and order.state == OrderState.WAITING),
        "tab": order.bill is None
        or (bill is not None and bill.state == BillState.OPEN and order.state != OrderState.WAITING),
        "invites": paid and friend is None and order.state != OrderState.REFUSED,
        "friend": friend,
        "welcome": welcome,
        "welcome_worth": worth_of(welcome) if welcome else "",
        "seated": seated,
        "split_url": (
            reverse("customer:parts", args=[order.table.code, bill.public_id])
            if seated and bill and order.table and bill.total
            else ""
        ),
        "again": seated and order.state in (OrderState.GIVEN_UP, OrderState.REFUSED, OrderState.SERVED),
        "live_topic": f"order:{order.pk}",
        "every": 3 if checking else 0,
        "may_be_late": queries.may_be_late(order, at),
        "state_url": reverse("customer:order_state", args=[order.public_id]),
        "said": frame.STATE_WORDS[order.state],
        "at": at,
    }


def _pose(order: Order) -> str:
    if order.state in (OrderState.ACCEPTED, OrderState.COOKING):
        return "cook"
    return "thank" if order.state in (OrderState.READY, OrderState.SERVED, OrderState.RECEIVED) else "greet"


def _failed(tries: list[Payment]) -> Text | None:
    if not tries or tries[-1].state not in (PaymentState.FAILED, PaymentState.EXPIRED):
        return None
    if tries[-1].approving_at is None:
        return say(
            "결제가 되지 않았어요. 돈은 빠져나가지 않았어요. 다시 결제하거나 카운터에서 결제할 수 있어요.",
            en="Payment didn't go through and you weren't charged. Try again or pay at the counter.",
        )
    return say(
        "결제가 되지 않았어요. 다시 결제하거나 카운터에서 결제할 수 있어요.",
        en="Payment didn't go through. Try again or pay at the counter.",
    )


def _returned(bill: Bill | None, tries: list[Payment]) -> Text | None:
    if bill is None or not bill.refunded:
        return None
    amount = f"{bill.refunded:,}원"
    if bill.settled_with == "counter":
        return say("카운터에서 {amount:을/를} 돌려드릴게요.", en="You get {amount} back at the counter.", amount=amount)
    if any(refund.state != "done" for one in tries for refund in one.refunds.all()):
        return say("{amount:을/를} 돌려드리고 있어요.", en="{amount} is on its way back to you.", amount=amount)
    return say("{amount:을/를} 돌려드렸어요.", en="{amount} was returned to you.", amount=amount)


def _receipt(bill: Bill) -> list[dict[str, Any]]:
    orders = bill.orders.exclude(state=OrderState.REFUSED).prefetch_related("lines").order_by("id")
    return [line for order in orders for line in lines_of(order)]
