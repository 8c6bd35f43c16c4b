"""What a guest and the shop say to each other."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from dure.channels import actions, queries
from dure.channels.errors import NotWithUs
from dure.channels.values import LINE_MAX, LINES_KEPT, Side
from dure.kit import clock
from dure.kit.errors import Busy, DureError, Invalid, Refused
from dure.people import actions as people
from dure.shops import queries as shops
from dure.web.customer import frame
from dure.web.customer.forms import ChatForm, PictureForm
from dure.web.ui.access import device_of, own_device, remember_device

if TYPE_CHECKING:
    from dure.channels.models import Chat
    from dure.shops.models import Shop


@own_device("GET", "POST")
def chat(request: HttpRequest, shop: str) -> HttpResponse:
    """What was said, and a field for more. Without JavaScript each line is a form."""
    place = shops.shop_by_public_id(shop)
    if request.method == "POST":
        return _ask(request, place)
    talk = queries.chat_with(place, frame.person_of(request))
    if talk is not None:
        actions.look_at_chat(chat=talk, at=clock.now())
    return _page(request, place, talk)


@own_device("GET")
def state(request: HttpRequest, shop: str) -> HttpResponse:
    """The lines alone, for a page that is open."""
    place = shops.shop_by_public_id(shop)
    talk = queries.chat_with(place, frame.person_of(request))
    if talk is not None:
        actions.look_at_chat(chat=talk, at=clock.now())
    return render(request, "customer/parts/chat.html", _lines(place, talk))


def _ask(request: HttpRequest, shop: Shop) -> HttpResponse:
    shows = "picture" in request.FILES
    form, at = PictureForm(request.POST, request.FILES) if shows else ChatForm(request.POST), clock.now()
    device, person = device_of(request), frame.person_of(request)
    talk = queries.chat_with(shop, person)
    try:
        if not form.is_valid():
            raise Invalid
        if not queries.may_write(shop, person, device, at=at):
            raise NotWithUs
        known, keep = remember_device(request)
        person = person or people.ensure_person(device=known, at=at)
        frame.keep_language(request, person)
        file = form.cleaned_data.get("picture")
        text = form.cleaned_data.get("text", "")
        said = hashlib.sha256(file.read() if file else text.encode()).hexdigest()[:16]
        if file:
            file.seek(0)
        with actions.fresh_picture(file=file) if file else nullcontext() as picture:
            actions.ask_shop(
                shop=shop,
                person=person,
                device=known,
                text=text,
                picture=picture,
                key=f"{form.cleaned_data['after'] or 0}.{said}",
                language=str(getattr(request, "LANGUAGE_CODE", "ko")),
                at=at,
            )
    except (Refused, Invalid, Busy) as refusal:
        if frame.is_part(request):
            raise
        return _page(request, shop, talk, refusal)
    if frame.is_part(request):
        return render(request, "customer/parts/chat.html", _lines(shop, queries.chat_with(shop, person)))
    response = frame.go(request, reverse("customer:chat", args=[shop.public_id]))
    keep(response)
    return response


@own_device("GET")
def picture(request: HttpRequest, shop: str, picture: str) -> HttpResponse:
    """A picture of one's own conversation with a shop; nobody else's."""
    talk = queries.chat_with(shops.shop_by_public_id(shop), frame.person_of(request))
    return HttpResponse(queries.picture_in(talk, picture), "image/webp")


def _lines(shop: Shop, talk: Chat | None) -> dict[str, Any]:
    lines = queries.lines_of(talk, at=clock.now())
    asked = [line for line in lines if line.side == Side.GUEST]
    return {
        "shop": shop,
        "lines": lines,
        "after": queries.asked_count(talk),
        "seen": bool(asked and talk and talk.shop_seen_at and talk.shop_seen_at >= asked[-1].at),
    }


def _page(request: HttpRequest, shop: Shop, talk: Chat | None, refusal: DureError | None = None) -> HttpResponse:
    at, person = clock.now(), frame.person_of(request)
    profile = queries.profile_of(shop)
    writes = queries.may_write(shop, person, device_of(request), at=at)
    return frame.show(
        request,
        "chat",
        status=refusal.status if refusal else 200,
        here=reverse("customer:chat", args=[shop.public_id]),
        home=reverse("customer:channel", args=[shop.public_id]),
        home_name=frame.name_of(shop),
        refusal=refusal,
        typed=request.POST.get("text", "")[:LINE_MAX] if refusal else "",
        topic=f"chat:{talk.pk}" if talk else "",
        blocked=bool(talk and talk.blocked_at),
        takes=profile.takes_chats,
        writes=writes,
        days=LINES_KEPT.days,
        most=LINE_MAX,
        opening_words="" if shops.opening(shop, at).open else frame.opening_words(shops.opening(shop, at), at),
        **_lines(shop, talk),
    )
