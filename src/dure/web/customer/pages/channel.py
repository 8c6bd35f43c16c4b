"""A shop's own page: who it is, what it tells, what its friends may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from dure.audiences import queries as audiences
from dure.channels import actions, queries
from dure.channels.values import Door
from dure.kit import clock
from dure.kit.errors import DureError, Invalid, NotFound, Refused
from dure.kit.language import Text, pick, say
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.offers import queries as offers
from dure.offers.values import OfferOccasion
from dure.people.values import inbox_address, shop_sender
from dure.regulars import queries as regulars
from dure.shops import queries as shops
from dure.shops.values import CATEGORY_WORDS, Category
from dure.web.customer import frame
from dure.web.customer.bar import coupon_card, worth_of
from dure.web.customer.forms import JoinForm
from dure.web.customer.pages.friendship import asking, door_of
from dure.web.ui.access import device_of, own_device

if TYPE_CHECKING:
    from datetime import datetime

    from dure.people.models import Person
    from dure.shops.models import Shop

POSTS_A_PAGE = 10


@own_device("GET")
def channel(request: HttpRequest, shop: str) -> HttpResponse:
    """Profile, hours and place; coupons and stamps; posts; and the question whether one becomes a friend."""
    return _page(request, shops.shop_by_public_id(shop))


def _page(request: HttpRequest, shop: Shop, refusal: DureError | None = None) -> HttpResponse:
    at, person = clock.now(), frame.person_of(request)
    friend = regulars.relation_of(person, shop)
    profile = queries.profile_of(shop)
    form, card = JoinForm(), regulars.stamp_card_of(shop)
    before = request.GET.get("before", "")
    skip = min(int(before), 10_000) if before.isdecimal() and len(before) < 6 else 0
    posts = list(queries.posts_of(shop, at=at)[skip : skip + POSTS_A_PAGE + 1])
    welcome = None if friend else offers.offer_for(shop, OfferOccasion.WELCOME)
    opening = shops.opening(shop, at)
    talk = queries.chat_with(shop, person)
    own = offers.coupons_of(person, at=at).filter(shop=shop) if person and friend else []
    filled = min(card.goal, max(0, friend.on_card)) if friend and card else 0
    return frame.show(
        request,
        "channel",
        shop=shop,
        status=refusal.status if refusal else 200,
        here=address(shop),
        home=reverse("customer:my"),
        home_name=frame.MY,
        refusal=refusal,
        about=pick(profile.about) if profile.about else "",
        category=CATEGORY_WORDS[Category(shop.category)] if shop.category in set(Category) else "",
        district=audiences.district_name(shop.district) if shop.district else "",
        opening=opening,
        opening_words=_today(shop, at),
        week=week_of(shop),
        friend=friend,
        muted=bool(person and messages.is_muted(inbox_address(person.public_id), shop_sender(shop.public_id))),
        worth=worth_of(welcome) if welcome else None,
        welcome=worth_of(welcome) if welcome else None,
        welcome_offer=welcome,
        takeable=[_takeable(one) for one in queries.takeable_by(person, shop, at=at)],
        coupons=[coupon_card(one) for one in own],
        card=card,
        filled=filled,
        left=max(0, card.goal - filled) if card else 0,
        posts=posts[:POSTS_A_PAGE],
        older=skip + POSTS_A_PAGE if len(posts) > POSTS_A_PAGE else 0,
        talks=profile.takes_chats and (talk is not None or queries.may_write(shop, person, device_of(request), at=at)),
        answers=queries.unread_by_guest(talk) if talk else 0,
        share=f"{origin_of(request)}{address(shop)}?from={Door.LINK}",
        **asking(shop, person, form, door_of(request, form) or Door.PAGE),
    )


def _takeable(one: queries.Takeable) -> dict[str, Any]:
    return {
        "public_id": one.offer.public_id,
        "name": one.offer.name,
        "worth": offers.worth_of(one.offer),
        "conditions": offers.conditions_of(one.offer),
        "taken": one.taken,
    }


def address(shop: Shop) -> str:
    return reverse("customer:channel", args=[shop.public_id])


def origin_of(request: HttpRequest) -> str:
    """How the outside reaches us."""
    return settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"


def _today(shop: Shop, at: datetime) -> Text:
    opening = shops.opening(shop, at)
    if not opening.open:
        return frame.opening_words(opening, at)
    if opening.closes_at is None:
        return say("지금 열려 있어요", en="Open now")
    closes = opening.closes_at.astimezone(clock.KST)
    return say("지금 열려 있어요 · {t}까지", en="Open now · until {t}", t=f"{closes:%H:%M}")


def week_of(shop: Shop) -> list[tuple[Text, str]]:
    """The opening hours day by day; an empty text is a day off."""
    days = []
    for day, word in enumerate(offers.DAY_WORDS):
        times = shop.hours.get(str(day), [])
        spans = [f"{times[n]}–{times[n + 1]}" for n in range(0, len(times) - 1, 2)]
        days.append((word, ", ".join(spans)))
    return days if any(spans for _, spans in days) else []


@own_device("POST")
def coupon(request: HttpRequest, shop: str, offer: str) -> HttpResponse:
    """A friend takes a coupon."""
    place, person = shops.shop_by_public_id(shop), frame.person_of(request)
    if person is None:
        raise NotFound
    try:
        actions.take_coupon(shop=place, person=person, offer=offer, at=clock.now())
    except Refused as refusal:
        return _page(request, place, refusal)
    return frame.go(request, f"{address(place)}#coupons")


@own_device("POST")
def mute(request: HttpRequest, shop: str) -> HttpResponse:
    """No browser of mine rings for this shop; or it does again."""
    place, person = shops.shop_by_public_id(shop), _friend(request, shop)
    inbox, sender = inbox_address(person.public_id), shop_sender(place.public_id)
    ring = request.POST.get("ring", "")
    if ring not in ("yes", "no"):
        raise Invalid
    if ring == "yes":
        messaging.unmute_sender(address=inbox, sender=sender)
    else:
        messaging.mute_sender(address=inbox, sender=sender, at=clock.now())
    return frame.go(request, f"{address(place)}#friend")


def _friend(request: HttpRequest, shop: str) -> Person:
    person = frame.person_of(request)
    if person is None or regulars.relation_of(person, shops.shop_by_public_id(shop)) is None:
        raise NotFound
    return person
