"""A menu from a spreadsheet: first what it says and what is wrong, then, when nothing is, the import."""

from __future__ import annotations

import base64
import binascii
import io
from typing import TYPE_CHECKING

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import DureError, NotFound
from dure.kit.language import Text, say
from dure.menu import actions
from dure.menu import queries as menus
from dure.menu.errors import MenuFileUnreadable
from dure.menu.values import MenuDraft
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

FILE_MAX = 1_400_000
CSV, XLSX = "text/csv; charset=utf-8", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class FileForm(forms.Form):
    file = forms.FileField(
        label=say("엑셀이나 CSV 파일", en="Spreadsheet (XLSX or CSV)"),
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx"}),
    )


@staff_who_may(Ability.EDIT_MENU, "GET", "POST")
def menu_import(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Upload, look, then press once more. The file travels in the page, so nothing is kept between the two steps."""
    form, draft, kept = FileForm(), None, ""
    if request.method == "POST" and "kept" in request.POST:
        return _import(request, shop, request.POST["kept"])
    if request.method == "POST":
        form = FileForm(request.POST, request.FILES)
        if form.is_valid():
            content = form.cleaned_data["file"].read(FILE_MAX + 1)
            try:
                if len(content) > FILE_MAX:
                    raise MenuFileUnreadable
                draft = menus.read_menu_file(content)
            except DureError as refusal:
                blame(form, refusal)
            else:
                kept = "" if draft.faults else base64.b64encode(content).decode()
    wrong = request.method == "POST" and not (draft and not draft.faults)
    return _page(request, shop, form, draft, kept, status=422 if wrong else 200)


def _page(
    request: HttpRequest, shop: Shop, form: FileForm, draft: MenuDraft | None, kept: str, status: int
) -> HttpResponse:
    return show(
        request,
        shop,
        "console/menu_import.html",
        "menu",
        status=status,
        form=form,
        draft=draft,
        kept=kept,
        limit=FILE_MAX,
    )


def _import(request: HttpRequest, shop: Shop, kept: str) -> HttpResponse:
    try:
        content = base64.b64decode(kept.encode(errors="replace"), validate=True)
        report = actions.import_menu(shop=shop, file=io.BytesIO(content), by=staff_of(request).by, at=clock.now())
    except (DureError, binascii.Error) as refusal:
        form = FileForm({})
        form.add_error(None, str(refusal.sentence if isinstance(refusal, DureError) else _broken()))
        return _page(request, shop, form, None, "", status=422)
    told(
        request,
        say(
            "메뉴 {added}개를 더하고 {changed}개를 바꿨어요.",
            en="{added} items added, {changed} changed.",
            added=report.added,
            changed=report.changed,
        ),
    )
    return see("menu", shop)


def _broken() -> Text:
    return say("파일을 다시 올려 주세요.", en="Please upload the file again.")


@staff_who_may(Ability.EDIT_MENU, "GET")
def export(request: HttpRequest, shop: Shop, kind: str) -> HttpResponse:
    """The menu as a file that the import reads back; `?sample=1` gives an example to fill in."""
    sample = "sample" in request.GET
    if kind == "csv":
        content, media = (menus.sample_menu_as_csv() if sample else menus.menu_as_csv(shop)), CSV
    elif kind == "xlsx":
        content, media = (menus.sample_menu_as_xlsx() if sample else menus.menu_as_xlsx(shop)), XLSX
    else:
        raise NotFound
    return HttpResponse(content, media, headers={"Content-Disposition": f'attachment; filename="menu.{kind}"'})
