"""The shops where somebody works, and the way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from dure.audiences import queries as audiences
from dure.shops import queries as shop_queries
from dure.shops import skin_packs
from dure.shops.values import Ability
from dure.web.console.frame import first_page, person_of, staff_of
from dure.web.ui.access import signed_in, staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop


@signed_in("GET")
def shops(request: HttpRequest) -> HttpResponse:
    """Choose a shop, or open the first one. Who works in one shop is taken there."""
    places = list(shop_queries.shops_of(person_of(request)))
    if len(places) == 1 and "all" not in request.GET:
        return HttpResponseRedirect(reverse("console:door", args=[places[0].public_id]))
    cards = []
    for shop in places:
        pack = skin_packs.pack_or_own(shop.skin)
        character = shop.character if shop.character in pack.characters else next(iter(pack.characters))
        district = audiences.district_name(shop.district)
        cards.append({"shop": shop, "district": district, "skin": pack.id, "character": character})
    return render(request, "console/shops.html", {"cards": cards, "skin": skin_packs.OWN})


@staff_who_may(Ability.RUN_KITCHEN, "GET")
def door(request: HttpRequest, shop: Shop) -> HttpResponse:
    """To the page where this role's work begins."""
    return HttpResponseRedirect(first_page(shop, staff_of(request)))
