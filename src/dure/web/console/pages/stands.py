"""QR stands to print: which tables, which size, how it will look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from dure.kit.errors import Invalid
from dure.kit.language import say
from dure.shops import queries as shops
from dure.shops import skin_packs
from dure.shops.stands import Size, StandTable, stand_pictures, stand_sheet
from dure.shops.values import Ability
from dure.web.console.frame import show
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

SIZES = [
    ("a4", say("세우는 스탠드 (A4를 접어요)", en="Folding stand (one A4 each)")),
    ("a6", say("카드 (A6)", en="Card (A6)")),
    ("sticker", say("스티커 (A4 한 장에 여럿)", en="Stickers (several on an A4)")),
]


class StandForm(forms.Form):
    size = forms.ChoiceField(choices=SIZES, initial="a4", required=False)
    tables = forms.MultipleChoiceField(required=False)


def _chosen(request: HttpRequest, shop: Shop) -> tuple[Size, list[StandTable]]:
    """The size and the tables asked for; no table named means all of them."""
    form = StandForm(request.GET)
    found = list(shops.tables_of(shop))
    form.fields["tables"].choices = [(table.public_id, table.name) for table in found]  # type: ignore[attr-defined]
    if not form.is_valid():
        raise Invalid
    wanted = set(form.cleaned_data["tables"]) or {table.public_id for table in found}
    origin = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    tables = [StandTable(t.name, f"{origin}/t/{t.code}") for t in found if t.public_id in wanted]
    size: Size = form.cleaned_data["size"] or "a4"
    return size, tables


@staff_who_may(Ability.EDIT_TABLES, "GET")
def stands(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Choose, look, print."""
    origin = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    return show(
        request,
        shop,
        "console/stands.html",
        "tables",
        sizes=SIZES,
        size=request.GET.get("size", "a4"),
        tables=list(shops.tables_of(shop)),
        only=request.GET.get("tables", ""),
        origin=origin,
        reachable=bool(settings.PUBLIC_URL) or request.get_host().partition(":")[0] not in ("localhost", "127.0.0.1"),
    )


def _look(shop: Shop) -> tuple[skin_packs.SkinPack, str]:
    pack = skin_packs.pack_or_own(shop.skin)
    return pack, shop.character if shop.character in pack.characters else next(iter(pack.characters))


@staff_who_may(Ability.EDIT_TABLES, "GET")
def pdf(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The sheet for the printer."""
    size, tables = _chosen(request, shop)
    pack, character = _look(shop)
    sheet = stand_sheet(
        shop_name=shop.name, tables=tables, pack=pack, character=character, size=size, language=request.LANGUAGE_CODE
    )
    return HttpResponse(sheet, "application/pdf", headers={"Content-Disposition": 'inline; filename="stands.pdf"'})


@staff_who_may(Ability.EDIT_TABLES, "GET")
def png(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The first page of the sheet, as a picture."""
    size, tables = _chosen(request, shop)
    pack, character = _look(shop)
    pictures = stand_pictures(
        shop_name=shop.name,
        tables=tables[:1] if size != "sticker" else tables,
        pack=pack,
        character=character,
        size=size,
        language=request.LANGUAGE_CODE,
        dots_per_inch=60,
    )
    return HttpResponse(pictures[0], "image/png")
