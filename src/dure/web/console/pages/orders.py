"""What was ordered, one order's whole story, and money taken at the counter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.language import Text, say
from dure.kit.paging import page_of
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.ordering.values import OrderState
from dure.shops.values import Ability
from dure.web.console.frame import see, show, staff_of, told
from dure.web.ui.access import staff_who_may
from dure.web.ui.ways import WAY_WORDS

if TYPE_CHECKING:
    from datetime import datetime

    from dure.ordering.models import Order
    from dure.shops.models import Shop

STATE_WORDS: dict[OrderState, Text] = {
    OrderState.WAITING: say("결제 기다림", en="Waits for payment"),
    OrderState.RECEIVED: say("새 주문", en="Received"),
    OrderState.ACCEPTED: say("접수", en="Accepted"),
    OrderState.COOKING: say("조리 중", en="Cooking"),
    OrderState.READY: say("조리 완료", en="Ready"),
    OrderState.SERVED: say("나감", en="Served"),
    OrderState.REFUSED: say("거절", en="Refused"),
    OrderState.GIVEN_UP: say("결제 안 함", en="Given up"),
}
STRUCK = say("메뉴 뺌", en="Line struck")
TAKEN_BACK = say("취소·환불", en="Cancelled, refunded")
CANCELLED = say("취소", en="Cancelled")
STATE_TONES = {
    OrderState.WAITING: "warn",
    OrderState.RECEIVED: "accent",
    OrderState.SERVED: "good",
    OrderState.REFUSED: "bad",
}
WHO_WORDS = {
    "staff": say("직원", en="Staff"),
    "guest": say("손님", en="Guest"),
    "person": say("손님", en="Guest"),
    "job": say("자동", en="Automatic"),
}
REFUSABLE = (
    OrderState.WAITING,
    OrderState.RECEIVED,
    OrderState.ACCEPTED,
    OrderState.COOKING,
    OrderState.READY,
    OrderState.SERVED,
)


def state_of(order: Order) -> Text:
    """What an order's state is called: one that was paid, or whose every line was struck, was not simply refused."""
    if order.state != OrderState.REFUSED:
        return STATE_WORDS[OrderState(order.state)]
    if order.bill and order.bill.settled_at and order.bill.refunded:
        return TAKEN_BACK
    return CANCELLED if all(line.struck_at for line in order.lines.all()) else STATE_WORDS[OrderState.REFUSED]


def _story(order: Order) -> list[tuple[datetime, Text, Text | str, str]]:
    """What happened to an order: when, what, who, why. A step that changes no state struck a line."""
    told, before = [], ""
    for step in order.steps.order_by("id"):
        struck = step.state != OrderState.REFUSED and before in ("", step.state) and step.reason.startswith("− ")
        word = STRUCK if struck else STATE_WORDS[OrderState(step.state)]
        if step.state == order.state == OrderState.REFUSED:
            word = state_of(order)
        told.append(
            (
                step.at,
                word,
                WHO_WORDS.get(step.by.partition(":")[0], ""),
                step.reason.removeprefix("− ") if struck else step.reason,
            )
        )
        before = step.state
    return told


@staff_who_may(Ability.TAKE_PAYMENT, "GET")
def orders(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Every order, newest first."""
    page = page_of(queries.orders_of_shop(shop), after=request.GET.get("after", "")[:40] or None, limit=30)
    rows = [(row, state_of(row), STATE_TONES.get(OrderState(row.state), "")) for row in page.rows]
    return show(request, shop, "console/orders.html", "orders", rows=rows, next_cursor=page.next_cursor)


@staff_who_may(Ability.TAKE_PAYMENT, "GET")
def order(request: HttpRequest, shop: Shop, order: str) -> HttpResponse:
    """One order: what, how much, paid how, who did what when."""
    found = queries.order_of_shop(shop, order)
    state = OrderState(found.state)
    return show(
        request,
        shop,
        "console/order.html",
        "orders",
        live=True,
        order=found,
        lines=found.lines.all(),
        state=state_of(found),
        tone=STATE_TONES.get(state, ""),
        steps=_story(found),
        way=WAY_WORDS.get(found.bill.settled_with, found.bill.settled_with) if found.bill else "",
        to_pay=bool(found.bill and found.bill.state == "open"),
        waits=[one for one in queries.waiting_concessions(shop, clock.now()) if one.wish["subject"] == order],
        refusable=state in REFUSABLE,
        strikable=state in REFUSABLE and len([line for line in found.lines.all() if line.struck_at is None]) > 0,
    )


@staff_who_may(Ability.TAKE_PAYMENT, "POST")
def settlement(request: HttpRequest, shop: Shop, bill: str) -> HttpResponse:
    """The money for a bill was taken at the counter."""
    found = queries.bill_to_settle(shop, bill)
    payment = ordering.settle_at_counter(bill=found, by=staff_of(request).by, at=clock.now())
    back, _, public_id = request.POST.get("back", "").partition(":")
    if back == "kitchen":
        return see("kitchen", shop, query=request.GET.urlencode())
    told(request, say("{w} 받았어요.", en="{w} received.", w=f"{payment.amount if payment else 0:,}원"))
    if back in ("order", "table") and public_id:
        return see(back, shop, public_id)
    return see("orders", shop)
