"""The menu of a table: scanning its code leads here, and sits the guest down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie

from dure.campaigns import queries as campaigns
from dure.channels import actions as wishes
from dure.channels import queries as channels
from dure.kit import clock
from dure.kit.language import Text, pick
from dure.menu import queries as menus
from dure.menu.errors import MenuEntryNotFound
from dure.menu.values import ALLERGEN_WORDS, Menu, MenuItem, Words
from dure.offers import queries as offers
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.ordering.actions.visits import Seat
from dure.ordering.values import OrderState
from dure.people import actions as people
from dure.targeting import actions as targeting
from dure.targeting.values import NEXT_HELD, NEXT_UNIT
from dure.web.customer import frame
from dure.web.customer.bar import Seen, bar, bar_of, wanted_again
from dure.web.customer.frame import Guest
from dure.web.customer.style import is_first_look, let_in, style_of
from dure.web.ui.access import at_table, remember_device

if TYPE_CHECKING:
    from dure.shops.models import Table
    from dure.targeting.models import Sequel

BEST = 4
_FIRST = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"


@at_table("GET")
@ensure_csrf_cookie
def menu(request: HttpRequest, table: Table) -> HttpResponse:
    """Sit down and read. A phone whose visit was closed is asked first; who only looks opens nothing."""
    if frame.only_looks(request):
        return _page(request, Guest(table, None, None, clock.now()), copy="copy" in request.GET)
    scan = ordering.scan(table=table, carried=request.COOKIES.get(frame.VISIT_COOKIE, ""), at=clock.now())
    if scan.seat == Seat.OVER:
        return _over(request, table)
    if scan.seat == Seat.MOVED and scan.visit:
        response = frame.go(request, reverse("customer:table", args=[scan.visit.table.code]))
        frame.keep_seat(request, response, scan.visit.table.code, scan.carries)
        return response
    if scan.seat == Seat.WAIT:
        return _page(request, frame.guest_of(request, table), waits=True)
    device, keep_device = remember_device(request)
    response = _page(request, Guest(table, scan.visit, device, clock.now()))
    keep_device(response)
    frame.keep_seat(request, response, table.code, scan.carries)
    return response


@at_table("POST")
def sit_down(request: HttpRequest, table: Table) -> HttpResponse:
    """Sit down again after a visit here was over."""
    scan = ordering.sit_down(table=table, at=clock.now())
    response = frame.go(request, reverse("customer:table", args=[table.code]))
    if scan.carries:
        frame.keep_seat(request, response, table.code, scan.carries)
    else:
        response.delete_cookie(frame.VISIT_COOKIE, path=f"/t/{table.code}")
    return response


@at_table("GET", "POST")
def item(request: HttpRequest, table: Table, item: str) -> HttpResponse:
    """One item with its options: a page of its own, or the inside of the sheet over the menu. What is sold out can be wished
    for: one tap, and this phone is told once."""
    if request.method == "POST":
        return _wish(request, table, item)
    guest = frame.guest_of(request, table)
    found = menus.menu_of(table.shop).item(item)
    if found is None:
        raise MenuEntryNotFound
    context = {"table": table, "visit": guest.visit, "item": _sheet(found), **frame.opening_at(guest)}
    context["wished"] = found.sold_out and channels.wishes_for(guest.person, item)
    if frame.is_part(request):
        return render(request, "customer/parts/sheet.html", {**context, "sheet": True, "heading": "h2"})
    return frame.show(
        request, "item", shop=table.shop, **context, **bar_of(guest, "item"), **frame.home_at(table), copy=False
    )


def _wish(request: HttpRequest, table: Table, item: str) -> HttpResponse:
    guest, _ = frame.seated(request, table)
    if "no" in request.POST.getlist("wish"):
        if guest.person:
            wishes.drop_wish(shop=table.shop, person=guest.person, item=item)
        return frame.go(request, reverse("customer:item", args=[table.code, item]))
    device, keep = remember_device(request)
    person = people.ensure_person(device=device, at=guest.at)
    frame.keep_language(request, person)
    wishes.wish_for(shop=table.shop, person=person, item=item, at=guest.at)
    response = frame.go(request, reverse("customer:item", args=[table.code, item]))
    keep(response)
    return response


@at_table("GET")
def state(request: HttpRequest, table: Table) -> HttpResponse:
    """The bar at the foot of every page of the table, for live pages. Refuses VisitOver, whereupon the page reloads."""
    guest, _ = frame.seated(request, table)
    return bar(request, guest, request.GET.get("at", ""))


def _over(request: HttpRequest, table: Table) -> HttpResponse:
    guest = Guest(table, None, None, clock.now())
    return frame.show(
        request,
        "over",
        shop=table.shop,
        table=table,
        visit=None,
        chip=frame.table_words(table),
        copy=False,
        **frame.opening_at(guest),
        **bar_of(guest, "page"),
    )


def _page(request: HttpRequest, guest: Guest, *, copy: bool = False, waits: bool = False) -> HttpResponse:
    whole = menus.menu_of(guest.shop)
    asked = request.GET.get("q", "").strip()[:60]
    sections = [
        {
            "public_id": section.public_id,
            "name": section.name,
            "items": [_card(one) for one in section.items if _fits(one, asked)],
        }
        for section in whole.sections
    ]
    popular = sorted(whole.popular(), key=lambda one: one.sold_out)[:BEST]
    usable = offers.coupons_free_of(guest.person, guest.shop, at=guest.at)
    last, wants = _last_time(guest, whole)
    skin = frame.skin_of(guest.shop)
    style = style_of(skin.pack, skin.fingerprint) if is_first_look(request) else None
    opening, foot = frame.opening_at(guest), bar_of(guest, "menu", menu=whole)
    response = frame.show(
        request,
        "menu",
        style=style.text if style else "",
        shop=guest.shop,
        table=guest.table,
        visit=guest.visit,
        chip=frame.table_words(guest.table),
        copy=copy,
        waits=waits,
        q=asked,
        sections=[section for section in sections if section["items"]],
        best=[] if asked else [_card(one) for one in popular],
        coupons=len(usable),
        last=last,
        last_names=wants,
        sequel=_sequel(guest, foot["basket"]) if opening["opening"].open and not asked else None,
        **opening,
        **foot,
    )
    return let_in(style, response) if style else response


def _last_time(guest: Guest, menu: Menu) -> tuple[str, str]:
    """The order this phone had on an earlier visit, and what of it can be had again: two taps to the same meal."""
    if guest.visit is None or guest.device is None:
        return "", ""
    served = queries.orders_of_device(guest.device).filter(shop=guest.shop, state=OrderState.SERVED)
    earlier = served.exclude(visit=guest.visit).first()
    wants = wanted_again(earlier, menu) if earlier else []
    names = {item.public_id: pick(item.name) for item in menu.items()}
    return (earlier.public_id if earlier and wants else ""), ", ".join(names[want.item] for want in wants)


def _sequel(guest: Guest, basket: Seen | None) -> Sequel | None:
    """The one dish that a friend who is back is offered over the menu, with what it follows."""
    if guest.visit is None or guest.person is None or basket is None:
        return None
    held = campaigns.is_held_out(guest.visit.pk, unit=NEXT_UNIT, share=NEXT_HELD)
    return targeting.suggest_next(visit=guest.visit, person=guest.person, beside=basket.items, held=held, at=guest.at)


@dataclass(frozen=True, slots=True)
class Card:
    """An item in the list. `words` is what the search looks through."""

    public_id: str
    name: Words
    description: Words
    price: int
    photo: object
    plain: bool
    sold_out: bool
    alcohol: bool
    words: str


def _card(item: MenuItem) -> Card:
    return Card(
        item.public_id,
        item.name,
        item.description,
        item.price,
        item.photo,
        item.plain,
        item.sold_out,
        item.alcohol,
        " ".join([*item.name.values(), *item.description.values()]).lower(),
    )


def _fits(item: MenuItem, asked: str) -> bool:
    """Whether a search finds the item: by a part of its name or description, or by first consonants (ㄱㅊ: 김치)."""
    wanted = "".join(asked.lower().split())
    words = "".join(" ".join([*item.name.values(), *item.description.values()]).lower().split())
    return wanted in words or wanted in "".join(_first(letter) for letter in words)


def _first(letter: str) -> str:
    return _FIRST[(ord(letter) - 0xAC00) // 588] if "가" <= letter <= "힣" else letter


def _sheet(item: MenuItem) -> dict[str, Any]:
    groups: list[dict[str, Any]] = []
    least = item.price
    for group in sorted(item.groups, key=lambda group: not group.required):
        one_of = group.least == 1 and group.most == 1
        first = next((o.public_id for o in group.options if not o.sold_out), "") if one_of else ""
        least += sum(o.price for o in group.options if o.public_id == first)
        groups.append(
            {
                "name": group.name,
                "least": group.least,
                "most": group.most,
                "one_of": one_of,
                "field": f"o-{group.public_id}",
                "options": [
                    {
                        "public_id": o.public_id,
                        "name": o.name,
                        "price": o.price,
                        "sold_out": o.sold_out,
                        "first": o.public_id == first,
                    }
                    for o in group.options
                ],
            }
        )
    return {
        "public_id": item.public_id,
        "name": item.name,
        "description": item.description,
        "origin": item.origin,
        "price": item.price,
        "least": max(0, least),
        "photo": item.photo,
        "alcohol": item.alcohol,
        "sold_out": item.sold_out,
        "groups": groups,
        "allergens": _words(item.allergens),
    }


def _words(allergens: Sequence[object]) -> list[Text]:
    return [words for allergen, words in ALLERGEN_WORDS.items() if allergen in allergens]
