"""The room: every table's state, and one table with all that can be done there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import say
from dure.ordering import queries
from dure.ordering.errors import TableTaken
from dure.ordering.values import BillState, OrderState
from dure.shops import actions as shop_actions
from dure.shops import queries as shops
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.console.pages.kitchen import CALL_WORDS
from dure.web.console.pages.orders import STATE_TONES, state_of
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop


class TableNameForm(forms.Form):
    name = forms.CharField(max_length=40, label=say("테이블 이름", en="Name of the table"))


def _room(shop: Shop) -> list[dict[str, object]]:
    visits = {visit.table_id: visit for visit in queries.open_visits(shop)}
    calls = {call.table_id: CALL_WORDS.get(call.why, CALL_WORDS["staff"]) for call in queries.open_calls(shop)}
    return [
        {"table": table, "visit": visits.get(table.id), "call": calls.get(table.id)} for table in shops.tables_of(shop)
    ]


@staff_who_may(Ability.TAKE_PAYMENT, "GET")
def tables(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Who sits where, who calls, who owes."""
    return _tables(request, shop, TableNameForm())


def _tables(request: HttpRequest, shop: Shop, form: TableNameForm, status: int = 200) -> HttpResponse:
    return show(
        request,
        shop,
        "console/tables.html",
        "tables",
        live=True,
        status=status,
        seats=_room(shop),
        form=form,
        at=clock.now(),
    )


@staff_who_may(Ability.EDIT_TABLES, "POST")
def add(request: HttpRequest, shop: Shop) -> HttpResponse:
    """One more table, with a code of its own."""
    form = TableNameForm(request.POST)
    if form.is_valid():
        try:
            shop_actions.add_table(shop=shop, **form.cleaned_data, by=staff_of(request).by, at=clock.now())
        except DureError as refusal:
            blame(form, refusal)
        else:
            return see("tables", shop)
    return _tables(request, shop, form, status=422)


@staff_who_may(Ability.TAKE_PAYMENT, "GET")
def table(request: HttpRequest, shop: Shop, table: str) -> HttpResponse:
    """One table: its guests, what they ordered, what they owe."""
    return _table(request, shop, table, None)


def _table(
    request: HttpRequest, shop: Shop, public_id: str, form: TableNameForm | None, status: int = 200
) -> HttpResponse:
    table = shops.table_by_public_id(shop, public_id)
    visit = queries.open_visit_at(table)
    orders = list(queries.orders_of_visit(visit)) if visit else []
    live = [order for order in orders if order.state not in (OrderState.REFUSED, OrderState.GIVEN_UP)]
    unpaid = [order for order in live if order.bill is None or order.bill.state == BillState.OPEN]
    bills = {order.bill.public_id: order.bill for order in unpaid if order.bill}
    visits = {other.table_id: other for other in queries.open_visits(shop)}
    others = [one for one in shops.tables_of(shop) if one.id != table.id]
    return show(
        request,
        shop,
        "console/table.html",
        "tables",
        live=True,
        status=status,
        table=table,
        visit=visit,
        rows=[(o, state_of(o), STATE_TONES.get(OrderState(o.state), "")) for o in orders],
        total=sum(order.total for order in live),
        owed=queries.owed_by(visit) + sum(o.total for o in unpaid if o.state == OrderState.WAITING) if visit else 0,
        unbilled=sum(order.total for order in unpaid if order.bill is None),
        bills=[(bill, queries.split_of(bill).unpaid) for bill in bills.values()],
        calls=[
            (call, CALL_WORDS.get(call.why, CALL_WORDS["staff"]))
            for call in queries.open_calls(shop)
            if call.table_id == table.id
        ],
        free=[one for one in others if one.id not in visits],
        taken=[visits[one.id] for one in others if one.id in visits],
        form=form or TableNameForm(initial={"name": table.name}),
        at=clock.now(),
    )


@staff_who_may(Ability.EDIT_TABLES, "POST")
def name(request: HttpRequest, shop: Shop, table: str) -> HttpResponse:
    """The table is called otherwise; its code stays."""
    found, form = shops.table_by_public_id(shop, table), TableNameForm(request.POST)
    if form.is_valid():
        try:
            shop_actions.rename_table(table=found, **form.cleaned_data, by=staff_of(request).by, at=clock.now())
        except DureError as refusal:
            blame(form, refusal)
        else:
            return see("table", shop, table)
    return _table(request, shop, table, form, status=422)


@staff_who_may(Ability.EDIT_TABLES, "POST")
def retirement(request: HttpRequest, shop: Shop, table: str) -> HttpResponse:
    """The table is gone; its code is old from now."""
    found = shops.table_by_public_id(shop, table)
    if queries.open_visit_at(found):
        raise TableTaken
    shop_actions.retire_table(table=found, by=staff_of(request).by, at=clock.now())
    told(request, say("{t} 테이블을 없앴어요.", en="{t} is gone.", t=found.name))
    return see("tables", shop)


@staff_who_may(Ability.EDIT_TABLES, "POST")
def code(request: HttpRequest, shop: Shop, table: str) -> HttpResponse:
    """A new code; whoever scans the old one is told that it is old."""
    shop_actions.renew_code(table=shops.table_by_public_id(shop, table), by=staff_of(request).by, at=clock.now())
    told(
        request,
        say(
            "새 QR을 만들었어요. 인쇄해서 바꿔 붙여 주세요.",
            en="There is a new code. Please print it and replace the old one.",
        ),
    )
    return see("table", shop, table)
