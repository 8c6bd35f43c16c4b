"""The kitchen: what to cook, what is ready, who calls; one tap a step, one tap back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from dure.kit import clock
from dure.kit.errors import Invalid
from dure.kit.language import Text, say
from dure.menu import actions as menu
from dure.menu import queries as menus
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.ordering.values import ConcessionKind, OrderState, Wish
from dure.shops import actions as shop_actions
from dure.shops import queries as shops
from dure.shops.values import Ability
from dure.web.console.frame import conceded, is_part, see, show, staff_of
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

SOON, LATE = 5, 10
NEXT = {
    OrderState.RECEIVED: OrderState.ACCEPTED,
    OrderState.ACCEPTED: OrderState.COOKING,
    OrderState.COOKING: OrderState.READY,
    OrderState.READY: OrderState.SERVED,
}
STEP_WORDS: dict[OrderState, Text] = {
    OrderState.ACCEPTED: say("접수", en="Accept"),
    OrderState.COOKING: say("조리 시작", en="Start"),
    OrderState.READY: say("조리 완료", en="Ready"),
    OrderState.SERVED: say("나갔어요", en="Served"),
}
COLUMNS = (
    (say("새 주문", en="New"), (OrderState.RECEIVED,)),
    (say("조리 중", en="Cooking"), (OrderState.ACCEPTED, OrderState.COOKING)),
    (say("나갈 차례", en="To serve"), (OrderState.READY,)),
)
CALL_WORDS = {
    "staff": say("직원 호출", en="Calls you"),
    "water": say("물 주세요", en="Water please"),
    "bill": say("계산해 주세요", en="Bill please"),
}
REASONS = (
    say("재료가 다 떨어졌어요", en="We ran out of ingredients"),
    say("주문이 너무 밀려 있어요", en="Too many orders right now"),
    say("영업이 끝났어요", en="We have closed for today"),
    say("손님이 자리에 안 계세요", en="Nobody was at the table"),
)


def _board(shop: Shop, station: str) -> dict[str, Any]:
    at = clock.now()
    board = queries.kitchen_board(shop, station=station or None, at=at)
    asked = {one.wish["subject"] for one in queries.waiting_concessions(shop, at)}
    cards = []
    for ticket in board.tickets:
        state = OrderState(ticket.order.state)
        minutes = int((at - (ticket.order.received_at or at)).total_seconds() // 60)
        cards.append(
            {
                "ticket": ticket,
                "order": ticket.order,
                "asked": ticket.order.public_id in asked,
                "lines": ticket.lines,
                "state": state,
                "minutes": minutes,
                "age": "fresh" if minutes < SOON else "soon" if minutes < LATE else "late",
                "next": NEXT[state].value,
                "next_name": STEP_WORDS[NEXT[state]],
            }
        )
    here = reverse("console:board", args=[shop.public_id])
    return {
        "columns": [(name, [c for c in cards if c["state"] in states]) for name, states in COLUMNS],
        "board": board,
        "calls": [(call, CALL_WORDS.get(call.why, CALL_WORDS["staff"])) for call in board.calls],
        "opening": shops.opening(shop, at),
        "stations": list(menus.stations_of(shop)),
        "station": station,
        "query": f"?{urlencode({'station': station})}" if station else "",
        "board_url": f"{here}?{urlencode({'station': station})}" if station else here,
        "pauses": (10, 20, 30),
        "watch": f"shop:{shop.id}",
    }


def _station(request: HttpRequest) -> str:
    return request.GET.get("station", "")[:60]


@staff_who_may(Ability.RUN_KITCHEN, "GET")
def kitchen(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The board on the wall."""
    _watch(shop)
    context = _board(shop, _station(request))
    if is_part(request):
        return _part(request, shop, context)
    return show(request, shop, "console/kitchen.html", "kitchen", live=True, **context)


@staff_who_may(Ability.RUN_KITCHEN, "GET")
def board(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The part of the board that changes; whoever asks for it shows it to the kitchen."""
    _watch(shop)
    return _part(request, shop, _board(shop, _station(request)))


def _watch(shop: Shop) -> None:
    if ordering.watch_kitchen(shop=shop, at=clock.now()):
        shop.refresh_from_db(fields=["paused_until"])


def _part(request: HttpRequest, shop: Shop, context: dict[str, Any]) -> HttpResponse:
    staff = staff_of(request)
    may = {ability.value: staff.may(ability) for ability in Ability}
    return render(request, "console/parts/board.html", {**context, "shop": shop, "may": may})


def _back(request: HttpRequest, shop: Shop) -> HttpResponse:
    """To the page whose button was pressed: the board, a table or an order."""
    back = request.POST.get("back", "")
    page, _, public_id = back.partition(":")
    if page in ("table", "order") and public_id:
        return see(page, shop, public_id)
    if page in ("today", "tables"):
        return see(page, shop)
    station = _station(request)
    return see("kitchen", shop, query=urlencode({"station": station}) if station else "")


class StateForm(forms.Form):
    to = forms.ChoiceField(choices=[(state.value, state.value) for state in STEP_WORDS])


@staff_who_may(Ability.RUN_KITCHEN, "POST")
def state(request: HttpRequest, shop: Shop, order: str) -> HttpResponse:
    """One step forward."""
    form = StateForm(request.POST)
    if not form.is_valid():
        raise Invalid
    ordering.move_order(
        shop=shop, order=order, to=OrderState(form.cleaned_data["to"]), by=staff_of(request).by, at=clock.now()
    )
    return _back(request, shop)


@staff_who_may(Ability.RUN_KITCHEN, "POST")
def recall(request: HttpRequest, shop: Shop, order: str) -> HttpResponse:
    """One step back."""
    ordering.recall_order(shop=shop, order=order, by=staff_of(request).by, at=clock.now())
    return _back(request, shop)


class RefusalForm(forms.Form):
    reason = forms.CharField(
        max_length=200,
        label=say("손님이 읽을 이유", en="The reason, as the guest reads it"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@staff_who_may(Ability.RUN_KITCHEN, "GET", "POST")
def refusal(request: HttpRequest, shop: Shop, order: str) -> HttpResponse:
    """Refuse an order with a reason that the guest reads; what was paid goes back."""
    found = queries.order_of_shop(shop, order)
    form = RefusalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wish = Wish(kind=ConcessionKind.REFUSAL, subject=order, reason=form.cleaned_data["reason"])
        conceded(request, ordering.concede(shop=shop, wish=wish, by=staff_of(request).by, at=clock.now()))
        return _back(request, shop)
    context: dict[str, Any] = {
        "order": found,
        "form": form,
        "reasons": REASONS,
        "back": request.GET.get("back", "")[:40],
    }
    if is_part(request):
        return render(request, "console/parts/refusal_form.html", {"shop": shop, **context})
    status = 422 if request.method == "POST" else 200
    return show(request, shop, "console/refusal.html", "kitchen", status=status, **context)


class SoldOutForm(forms.Form):
    item = forms.CharField(max_length=40)
    sold_out = forms.TypedChoiceField(choices=[("1", "1"), ("0", "0")], coerce=lambda value: value == "1")


@staff_who_may(Ability.RUN_KITCHEN, "GET", "POST")
def sold_out(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Take an item off for now, or put it back: two taps from the board."""
    if request.method == "POST":
        form = SoldOutForm(request.POST)
        if not form.is_valid():
            raise Invalid
        menu.mark_sold_out(
            shop=shop,
            item=menus.item_by_public_id(shop, form.cleaned_data["item"]),
            sold_out=form.cleaned_data["sold_out"],
            by=staff_of(request).by,
            at=clock.now(),
        )
        return see("sold_out", shop)
    context: dict[str, Any] = {"menu": menus.menu_of(shop)}
    if is_part(request):
        return render(request, "console/parts/sold_out_list.html", {"shop": shop, **context})
    return show(request, shop, "console/sold_out.html", "kitchen", **context)


class PauseForm(forms.Form):
    minutes = forms.IntegerField(min_value=0, max_value=720)


@staff_who_may(Ability.RUN_KITCHEN, "POST")
def pause(request: HttpRequest, shop: Shop) -> HttpResponse:
    """No orders for some minutes; none (0) takes orders again."""
    form = PauseForm(request.POST)
    if not form.is_valid():
        raise Invalid
    minutes, by, at = form.cleaned_data["minutes"], staff_of(request).by, clock.now()
    if minutes:
        shop_actions.pause_orders(shop=shop, minutes=minutes, by=by, at=at)
    else:
        shop_actions.resume_orders(shop=shop, by=by, at=at)
    return _back(request, shop)


@staff_who_may(Ability.RUN_KITCHEN, "POST")
def answer(request: HttpRequest, shop: Shop, call: str) -> HttpResponse:
    """Somebody is on the way to the table."""
    ordering.answer_call(shop=shop, call=call, by=staff_of(request).by, at=clock.now())
    return _back(request, shop)
