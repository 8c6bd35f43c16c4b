"""Take everything with you: one file with all that the shop has, made by a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.http import FileResponse, HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.language import say
from dure.settlement import actions, queries
from dure.settlement.errors import NoSuchExport
from dure.settlement.values import EXPORT_WORDS, ExportState
from dure.shops.values import Ability
from dure.web.console.frame import see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

TONES = {ExportState.READY: "good", ExportState.FAILED: "bad", ExportState.GONE: ""}


@staff_who_may(Ability.EDIT_SHOP, "GET", "POST")
def export(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Ask for the file; see how far it is; fetch it."""
    if request.method == "POST":
        actions.ask_export(shop=shop, by=staff_of(request).by, at=clock.now())
        told(request, say("파일을 만들고 있어요. 이 화면에 나타나요.", en="The file is being made; it appears here."))
        return see("export", shop)
    rows = [
        (one, EXPORT_WORDS[ExportState(one.state)], TONES.get(ExportState(one.state), "accent"))
        for one in queries.exports_of(shop)[:10]
    ]
    busy = any(one.state in (ExportState.ASKED, ExportState.RUNNING) for one, _, _ in rows)
    return show(request, shop, "console/export.html", "money", live=True, rows=rows, busy=busy)


@staff_who_may(Ability.EDIT_SHOP, "GET")
def export_file(request: HttpRequest, shop: Shop, export: str) -> HttpResponse:
    """The file itself."""
    found = queries.export_of(shop, export)
    path = queries.export_file_of(found)
    if found.state != ExportState.READY or not path.is_file():
        raise NoSuchExport
    return cast(HttpResponse, FileResponse(path.open("rb"), as_attachment=True, filename=f"dure-{shop.public_id}.zip"))
