"""Become a friend of a shop, or stop being one. Asked after the order, never before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from dure.channels.values import Door
from dure.kit import clock
from dure.kit.errors import DureError, Invalid, NotFound, Refused
from dure.offers import queries as offers
from dure.offers.values import OfferOccasion
from dure.people import actions as people
from dure.people.values import CONSENT_TEXTS, Purpose, shop_sender
from dure.regulars import actions as regulars
from dure.regulars import queries
from dure.shops import queries as shops
from dure.web.customer import frame
from dure.web.customer.bar import coupon_card, worth_of
from dure.web.customer.forms import JoinForm, PointsForm
from dure.web.ui.access import own_device, remember_device

if TYPE_CHECKING:
    from dure.people.models import Person
    from dure.shops.models import Shop

CHOICES = (Purpose.ADVERTISING, Purpose.NIGHT, Purpose.TASTE)
"""What a person may be asked beside friendship, wherever they are."""


def asked_of(person: Person | None) -> tuple[Purpose, ...]:
    """What is asked when joining: every medium apart, and only one by which this person can be reached at all."""
    phone = (Purpose.ADVERTISING_PHONE,) if person and person.phone and person.phone_verified else ()
    mail = (Purpose.ADVERTISING_MAIL,) if person and person.email else ()
    return (Purpose.ADVERTISING, Purpose.ADVERTISING_PUSH, *phone, *mail, Purpose.NIGHT, Purpose.TASTE)


@own_device("GET", "POST")
def friendship(request: HttpRequest, shop: str) -> HttpResponse:
    """Benefit first, one tap to join, three separate choices that may all be refused. A friend sees stamps and coupons."""
    place = shops.shop_by_public_id(shop)
    if request.method == "POST" and ("points" in request.POST or "points_back" in request.POST):
        return _points(request, place)
    if request.method == "POST":
        return _leave(request, place) if request.POST.get("leave") else _join(request, place)
    return _page(request, place, JoinForm())


def _join(request: HttpRequest, shop: Shop) -> HttpResponse:
    form = JoinForm(request.POST)
    if not form.is_valid():
        return _page(request, shop, form)
    at = clock.now()
    device, keep = remember_device(request)
    with transaction.atomic():
        person = people.ensure_person(device=device, at=at)
        frame.keep_language(request, person)
        by = f"person:{person.public_id}"
        door = form.cleaned_data["door"] or Door.PAGE
        regulars.join_channel(shop=shop, person=person, device=device, source=door, by=by, at=at)
        for purpose in asked_of(person):
            if form.cleaned_data[purpose]:
                people.give_consent(
                    person=person,
                    sender=shop_sender(shop.public_id),
                    purpose=purpose,
                    source="join page",
                    proof=proof_of(request),
                    by=by,
                    at=at,
                )
    response = frame.go(request, address(shop) + "?welcome=1")
    keep(response)
    return response


def proof_of(request: HttpRequest) -> dict[str, str]:
    """What shows later how somebody said yes: the page, its language, and the browser."""
    return {
        "path": request.path,
        "language": str(getattr(request, "LANGUAGE_CODE", "ko")),
        "browser": request.headers.get("User-Agent", "")[:200],
    }


def _leave(request: HttpRequest, shop: Shop) -> HttpResponse:
    person = frame.person_of(request)
    if person is None:
        raise NotFound
    regulars.leave_channel(shop=shop, person=person, by=f"person:{person.public_id}", at=clock.now())
    return frame.go(request, address(shop))


def _points(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Points become a coupon for today, or such a coupon becomes points again. Tapped twice it happens once: the key is what
    the friend had when the page was drawn."""
    form, person, at = PointsForm(request.POST), frame.person_of(request), clock.now()
    friend = queries.relation_of(person, shop)
    if not form.is_valid():
        raise Invalid
    if person is None or friend is None:
        raise NotFound
    said = form.cleaned_data
    try:
        if said["points_back"]:
            regulars.give_points_back(shop=shop, person=person, coupon=said["points_back"], at=at)
        else:
            regulars.use_points(shop=shop, person=person, points=said["points"] or 0, key=said["key"], at=at)
    except (Refused, Invalid) as refusal:
        return _page(request, shop, JoinForm(), refusal)
    return frame.go(request, reverse("customer:basket", args=[said["table"]]) if said["table"] else address(shop))


def address(shop: Shop) -> str:
    return reverse("customer:friendship", args=[shop.public_id])


def door_of(request: HttpRequest, form: JoinForm) -> str:
    """By which way somebody came here: what the link says, or what the form said before."""
    said = form.data.get("door", "") if form.is_bound else request.GET.get("from", "")
    return said if said in set(Door) else ""


def asking(shop: Shop, person: Person | None, form: JoinForm, door: str) -> dict[str, Any]:
    """What the form of joining needs: nothing is ticked that nobody ticked."""
    name = frame.name_of(shop)
    return {
        "door": door,
        "friendship_text": CONSENT_TEXTS[Purpose.FRIENDSHIP].named(name),
        "choices": [
            {
                "field": str(purpose),
                "text": CONSENT_TEXTS[purpose].named(name),
                "ticked": bool(form.is_bound and form.data.get(purpose)),
                "fault": next(iter(form.errors.get(purpose, [])), "") if form.is_bound else "",
            }
            for purpose in asked_of(person)
        ],
    }


def _page(request: HttpRequest, shop: Shop, form: JoinForm, refusal: DureError | None = None) -> HttpResponse:
    at, person = clock.now(), frame.person_of(request)
    friend = queries.relation_of(person, shop)
    card = queries.stamp_card_of(shop)
    coupons = offers.coupons_of(person, at=at).filter(shop=shop) if person and friend else []
    welcome = None if friend else offers.offer_for(shop, OfferOccasion.WELCOME)
    terms = queries.point_terms_of(shop) if friend else None
    points = queries.points_of(friend, at=at) if friend and terms else None
    filled = min(card.goal, max(0, friend.on_card)) if friend and card else 0
    return frame.show(
        request,
        "friendship",
        shop=shop,
        status=refusal.status if refusal else 422 if form.errors else 200,
        here=address(shop),
        home=reverse("customer:my"),
        home_name=frame.MY,
        refusal=refusal,
        points=points,
        least=terms.least if terms else 0,
        most=points.balance if points and terms and points.balance >= terms.least else 0,
        tier=friend.tier if friend else None,
        friend=friend,
        joined=friend is not None and "welcome" in request.GET,
        welcome=worth_of(welcome) if welcome else None,
        welcome_offer=welcome,
        **asking(shop, person, form, door_of(request, form) or Door.RECEIPT),
        card=card,
        stamps=[n < filled for n in range(card.goal)] if card else [],
        left=card.goal - friend.on_card if friend and card else card.goal if card else 0,
        coupons=[coupon_card(coupon) for coupon in coupons],
    )
