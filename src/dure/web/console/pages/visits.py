"""Guests at a table: seated, seen, moved, merged, billed, gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import Invalid
from dure.kit.language import say
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.ordering.values import ConcessionKind, Wish
from dure.shops import queries as shops
from dure.shops.values import Ability
from dure.web.console.frame import conceded, see, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop


@staff_who_may(Ability.TAKE_PAYMENT, "POST")
def seat(request: HttpRequest, shop: Shop, table: str) -> HttpResponse:
    """Open the table for guests."""
    ordering.open_visit_by_staff(table=shops.table_by_public_id(shop, table), by=staff_of(request).by, at=clock.now())
    return see("table", shop, table)


@staff_who_may(Ability.RUN_KITCHEN, "POST")
def check(request: HttpRequest, shop: Shop, visit: str) -> HttpResponse:
    """Somebody has seen that guests sit there."""
    found = queries.visit_by_public_id(shop, visit)
    ordering.check_visit(visit=found, by=staff_of(request).by, at=clock.now())
    if request.POST.get("back") == "kitchen":
        return see("kitchen", shop, query=request.GET.urlencode())
    return see("table", shop, found.table.public_id)


class ClosingForm(forms.Form):
    unpaid_because = forms.CharField(max_length=200, required=False)


@staff_who_may(Ability.TAKE_PAYMENT, "POST")
def closing(request: HttpRequest, shop: Shop, visit: str) -> HttpResponse:
    """The guests have gone."""
    form = ClosingForm(request.POST)
    if not form.is_valid():
        raise Invalid
    found = queries.visit_by_public_id(shop, visit)
    wish = Wish(kind=ConcessionKind.UNPAID, subject=visit, reason=form.cleaned_data["unpaid_because"])
    if conceded(request, ordering.concede(shop=shop, wish=wish, by=staff_of(request).by, at=clock.now())):
        return see("table", shop, found.table.public_id)
    told(request, say("{t} 자리를 비웠어요.", en="{t} is free again.", t=found.table.name))
    return see("tables", shop)


class TableForm(forms.Form):
    table = forms.CharField(max_length=40)


@staff_who_may(Ability.TAKE_PAYMENT, "POST")
def move(request: HttpRequest, shop: Shop, visit: str) -> HttpResponse:
    """The guests sit elsewhere now."""
    form = TableForm(request.POST)
    if not form.is_valid():
        raise Invalid
    to_table = shops.table_by_public_id(shop, form.cleaned_data["table"])
    ordering.move_visit(
        visit=queries.visit_by_public_id(shop, visit), to_table=to_table, by=staff_of(request).by, at=clock.now()
    )
    told(request, say("{t} 자리로 옮겼어요.", en="Moved to {t}.", t=to_table.name))
    return see("table", shop, to_table.public_id)


class MergeForm(forms.Form):
    into = forms.CharField(max_length=40)


@staff_who_may(Ability.TAKE_PAYMENT, "POST")
def merge(request: HttpRequest, shop: Shop, visit: str) -> HttpResponse:
    """Two tables are one party now."""
    form = MergeForm(request.POST)
    if not form.is_valid():
        raise Invalid
    into = queries.visit_by_public_id(shop, form.cleaned_data["into"])
    ordering.merge_visits(
        visit=queries.visit_by_public_id(shop, visit), into=into, by=staff_of(request).by, at=clock.now()
    )
    told(request, say("{t} 자리와 합쳤어요.", en="Merged into {t}.", t=into.table.name))
    return see("table", shop, into.table.public_id)


@staff_who_may(Ability.TAKE_PAYMENT, "POST")
def bill(request: HttpRequest, shop: Shop, visit: str) -> HttpResponse:
    """Make the bill over all that the table owes."""
    found = queries.visit_by_public_id(shop, visit)
    ordering.open_bill(visit=found, device=None, at=clock.now())
    return see("table", shop, found.table.public_id, part="bill")
