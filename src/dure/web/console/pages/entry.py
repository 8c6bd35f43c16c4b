"""An order that staff enter for guests without a phone: find, tap, send."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import Text, say
from dure.menu import queries as menus
from dure.menu.values import Menu, MenuItem
from dure.ordering import actions as ordering
from dure.ordering.values import Wanted
from dure.shops import queries as shops
from dure.shops.values import Ability
from dure.web.console.frame import see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop


class EntryForm(forms.Form):
    key = forms.CharField(min_length=8, max_length=100)
    table = forms.CharField(max_length=40, required=False)
    note = forms.CharField(max_length=200, required=False)


def _dish(item: MenuItem, typed: QueryDict) -> dict[str, Any]:
    """An item as the form shows it, with what was typed; of a choice that must be made the first is made already."""
    groups = []
    for group in item.groups:
        left = [option for option in group.options if not option.sold_out]
        ticked = typed.getlist(f"options-{item.public_id}-{group.public_id}")
        single = group.least == group.most == 1
        if single and not ticked and left:
            ticked = [left[0].public_id]
        groups.append((group, single, [(option, option.public_id in ticked) for option in left]))
    return {"item": item, "groups": groups, "quantity": typed.get(f"quantity-{item.public_id}", "0")[:2]}


def _wanted(menu: Menu, typed: QueryDict) -> Iterator[Wanted]:
    """Every item with a quantity, and the options ticked under it."""
    for item in menu.items():
        quantity = typed.get(f"quantity-{item.public_id}", "")
        if quantity.isascii() and quantity.isdigit() and int(quantity[:4]) > 0:
            ticked = tuple(
                option
                for group in item.groups
                for option in typed.getlist(f"options-{item.public_id}-{group.public_id}")
            )
            yield Wanted(item=item.public_id, options=ticked, quantity=int(quantity[:4]))


@staff_who_may(Ability.TAKE_PAYMENT, "GET", "POST")
def entry(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Enter an order at a table, or to take away. The hidden key makes a double tap one order."""
    menu = menus.menu_of(shop)
    form = EntryForm(
        request.POST or None, initial={"key": secrets.token_urlsafe(16), "table": request.GET.get("table", "")}
    )
    wrong: Text | None = None
    if request.method == "POST" and form.is_valid():
        try:
            return _place(request, shop, menu, form)
        except DureError as refusal:
            wrong = refusal.sentence
    chosen = form["table"].value() or ""
    return show(
        request,
        shop,
        "console/entry.html",
        "tables",
        status=422 if request.method == "POST" else 200,
        sections=[
            (section, [_dish(item, request.POST) for item in section.items])
            for section in menu.sections
            if section.items
        ],
        form=form,
        wrong=wrong
        or (say("입력한 내용을 다시 확인해 주세요.", en="Please check what you entered.") if form.errors else None),
        tables=list(shops.tables_of(shop)),
        chosen=chosen,
    )


def _place(request: HttpRequest, shop: Shop, menu: Menu, form: EntryForm) -> HttpResponse:
    public_id = form.cleaned_data["table"]
    table = shops.table_by_public_id(shop, public_id) if public_id else None
    order = ordering.place_order(
        shop=shop,
        visit=None,
        table=table,
        device=None,
        wanted=list(_wanted(menu, request.POST)),
        key=f"staff:{form.cleaned_data['key']}"[:100],
        expected_total=None,
        by=staff_of(request).by,
        at=clock.now(),
        note=form.cleaned_data["note"],
        by_staff=True,
    )
    told(request, say("{n}번 주문을 넣었어요.", en="Order #{n} is in.", n=order.number))
    return see("order", shop, order.public_id)
