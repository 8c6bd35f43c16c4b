"""Call a member of staff, from every page of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from dure.kit.errors import Invalid
from dure.kit.language import say
from dure.ordering import actions as ordering
from dure.web.customer import frame
from dure.web.customer.bar import bar
from dure.web.customer.forms import CallForm
from dure.web.ui import limits
from dure.web.ui.access import at_table

if TYPE_CHECKING:
    from dure.shops.models import Table

CALLS_A_MINUTE = 12


@at_table("POST")
def call(request: HttpRequest, table: Table) -> HttpResponse:
    """Ask for a member of staff, or to pay at the counter. Works before anybody opened the table, too."""
    form = CallForm(request.POST)
    if not form.is_valid():
        raise Invalid
    limits.count_try("call", table.code, most=CALLS_A_MINUTE, seconds=60)
    guest = frame.guest_of(request, table)
    ordering.call_staff(table=table, why=form.cleaned_data["why"], at=guest.at)
    if frame.is_part(request):
        said = say("직원을 불렀어요. 곧 갈게요.", en="A member of staff is on the way.")
        return bar(request, guest, request.POST.get("at", ""), said)
    return frame.go(request, _back(request, table))


def _back(request: HttpRequest, table: Table) -> str:
    """The page of this table or order that the guest pressed the button on."""
    asked = urlsplit(request.headers.get("Referer", ""))
    home = reverse("customer:table", args=[table.code])
    ours = asked.netloc == request.get_host() and asked.path.startswith((f"{home}/", "/orders/"))
    return asked.path if ours else home
