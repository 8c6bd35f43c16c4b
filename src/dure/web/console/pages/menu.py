"""The menu as a whole: sections, items in order, what is sold out, where it is cooked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import DureError, Invalid
from dure.kit.language import say
from dure.menu import actions
from dure.menu import queries as menus
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop


class WordsForm(forms.Form):
    """A name in Korean, and in English for those who read that."""

    ko = forms.CharField(max_length=60, label=say("이름", en="Name in Korean"))
    en = forms.CharField(max_length=60, required=False, label=say("영어 이름", en="Name in English"))

    def words(self) -> dict[str, str]:
        return {language: text for language, text in self.cleaned_data.items() if text}


class StationForm(forms.Form):
    name = forms.CharField(max_length=40, label=say("조리대 이름", en="Name of the station"))


@staff_who_may(Ability.EDIT_MENU, "GET")
def menu(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Everything that guests can order."""
    return _menu(request, shop)


def _menu(request: HttpRequest, shop: Shop, status: int = 200, **typed: Any) -> HttpResponse:
    return show(
        request,
        shop,
        "console/menu.html",
        "menu",
        status=status,
        menu=menus.menu_of(shop),
        stations=list(menus.stations_of(shop)),
        **{"section_form": WordsForm(auto_id="section_%s"), "station_form": StationForm(auto_id="station_%s"), **typed},
    )


@staff_who_may(Ability.EDIT_MENU, "POST")
def sections(request: HttpRequest, shop: Shop) -> HttpResponse:
    """One more section."""
    form = WordsForm(request.POST, auto_id="section_%s")
    if form.is_valid():
        actions.add_section(shop=shop, name=form.words(), by=staff_of(request).by, at=clock.now())
        return see("menu", shop)
    return _menu(request, shop, status=422, section_form=form)


@staff_who_may(Ability.EDIT_MENU, "GET", "POST")
def section(request: HttpRequest, shop: Shop, section: str) -> HttpResponse:
    """Rename a section; one that has no items may go."""
    found = menus.section_by_public_id(shop, section)
    form = WordsForm(request.POST or None, initial=found.name)
    if request.method == "POST" and "remove" in request.POST:
        actions.remove_section(shop=shop, section=found, by=staff_of(request).by, at=clock.now())
        return see("menu", shop)
    if request.method == "POST" and form.is_valid():
        actions.rename_section(shop=shop, section=found, name=form.words(), by=staff_of(request).by, at=clock.now())
        return see("menu", shop)
    status = 422 if request.method == "POST" else 200
    return show(request, shop, "console/section.html", "menu", status=status, section=found, form=form)


class PlaceForm(forms.Form):
    to = forms.IntegerField(min_value=0, max_value=2000)


@staff_who_may(Ability.EDIT_MENU, "POST")
def section_place(request: HttpRequest, shop: Shop, section: str) -> HttpResponse:
    """A section one place up or down."""
    form = PlaceForm(request.POST)
    if not form.is_valid():
        raise Invalid
    found = menus.section_by_public_id(shop, section)
    actions.move_section(shop=shop, section=found, **form.cleaned_data, by=staff_of(request).by, at=clock.now())
    return see("menu", shop)


@staff_who_may(Ability.EDIT_MENU, "POST")
def item_place(request: HttpRequest, shop: Shop, item: str) -> HttpResponse:
    """An item one place up or down."""
    form = PlaceForm(request.POST)
    if not form.is_valid():
        raise Invalid
    found = menus.item_by_public_id(shop, item)
    actions.move_item(shop=shop, item=found, **form.cleaned_data, by=staff_of(request).by, at=clock.now())
    return see("menu", shop)


class SoldOutForm(forms.Form):
    sold_out = forms.TypedChoiceField(choices=[("1", "1"), ("0", "0")], coerce=lambda value: value == "1")


@staff_who_may(Ability.EDIT_MENU, "POST")
def item_sold_out(request: HttpRequest, shop: Shop, item: str) -> HttpResponse:
    """Sold out, or there again."""
    form = SoldOutForm(request.POST)
    if not form.is_valid():
        raise Invalid
    found = menus.item_by_public_id(shop, item)
    actions.mark_sold_out(shop=shop, item=found, **form.cleaned_data, by=staff_of(request).by, at=clock.now())
    return see("menu", shop)


@staff_who_may(Ability.EDIT_MENU, "POST")
def stations(request: HttpRequest, shop: Shop) -> HttpResponse:
    """One more place in the kitchen that has its own view of the board."""
    form = StationForm(request.POST, auto_id="station_%s")
    if form.is_valid():
        try:
            actions.add_station(shop=shop, **form.cleaned_data, by=staff_of(request).by, at=clock.now())
        except DureError as refusal:
            blame(form, refusal)
        else:
            return see("menu", shop, part="stations")
    return _menu(request, shop, status=422, station_form=form)
