"""What every customer page shares: who sits where, the shop's skin, and where a form leads once it was done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from dure.kit import clock
from dure.kit.language import Text, pick, say
from dure.ordering import queries as ordering
from dure.ordering.errors import VisitOver
from dure.ordering.values import OrderState
from dure.people import actions as people
from dure.shops import queries as shops
from dure.shops import skin_packs
from dure.shops.values import Opening, OpeningWhy
from dure.web.ui.access import device_of
from dure.web.ui.middleware import wants_json

if TYPE_CHECKING:
    from dure.ordering.models import Order, Visit
    from dure.people.models import Device, Person
    from dure.shops.models import Shop, Table

VISIT_COOKIE = "visit"
VISIT_SECONDS = 6 * 3600
_PREVIEW = re.compile(
    r"bot\b|crawl|spider|scrap|preview|externalhit|slurp|yeti|whatsapp|telegram|embedly", re.IGNORECASE
)

STATE_WORDS: Mapping[str, Text] = {
    OrderState.WAITING: say("결제를 기다려요", en="Waiting for payment"),
    OrderState.RECEIVED: say("가게에 전달됐어요", en="Sent to the shop"),
    OrderState.ACCEPTED: say("주문을 받았어요", en="Accepted"),
    OrderState.COOKING: say("요리하고 있어요", en="Cooking"),
    OrderState.READY: say("준비됐어요", en="Ready"),
    OrderState.SERVED: say("맛있게 드세요", en="Enjoy"),
    OrderState.REFUSED: say("주문이 취소됐어요", en="Cancelled by the shop"),
    OrderState.GIVEN_UP: say("주문을 취소했어요", en="Cancelled"),
}
RUNNING = (OrderState.WAITING, OrderState.RECEIVED, OrderState.ACCEPTED, OrderState.COOKING, OrderState.READY)


@dataclass(frozen=True, slots=True)
class Guest:
    """Whoever holds this phone at this table; `visit` is theirs, and open."""

    table: Table
    visit: Visit | None
    device: Device | None
    at: datetime

    @property
    def shop(self) -> Shop:
        return self.table.shop

    @property
    def person(self) -> Person | None:
        return self.device.person if self.device else None

    @property
    def by(self) -> str:
        return f"guest:{self.device.pk if self.device else 'unknown'}"


def guest_of(request: HttpRequest, table: Table) -> Guest:
    """The phone that asks, with the visit it takes part in at this table, if that is still open."""
    visit = visit_named(request, table)
    here = visit if visit and visit.closed_at is None and visit.table_id == table.pk else None
    return Guest(table, here, device_of(request), clock.now())


def seated(request: HttpRequest, table: Table) -> tuple[Guest, Visit]:
    """The phone and its visit. Refuses VisitOver where it has none here, or has none any more."""
    guest = guest_of(request, table)
    if guest.visit is None:
        raise VisitOver
    return guest, guest.visit


def visit_named(request: HttpRequest, table: Table) -> Visit | None:
    """The visit that the phone's cookie names, open or over."""
    carried = request.COOKIES.get(VISIT_COOKIE, "")
    return ordering.visit_by_pass(table.shop, carried) if carried else None


def keep_seat(request: HttpRequest, response: HttpResponse, code: str, carries: str) -> None:
    """Let the phone carry its visit: at this table's addresses only, and no longer than guests sit."""
    response.set_cookie(
        VISIT_COOKIE,
        carries,
        max_age=VISIT_SECONDS,
        path=f"/t/{code}",
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )


def only_looks(request: HttpRequest) -> bool:
    """Whether nobody sits there: a link preview, a browser that fetches ahead, or the copy for times without network."""
    purpose = " ".join(request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"))
    return (
        request.method == "HEAD"
        or "copy" in request.GET
        or "prefetch" in purpose
        or "preview" in purpose
        or bool(_PREVIEW.search(request.headers.get("User-Agent", "")))
    )


def person_of(request: HttpRequest) -> Person | None:
    """Whom this phone belongs to: the guest who joined a shop on it, or whoever logged in."""
    device = device_of(request)
    if device and device.person:
        return device.person
    return request.user if request.user.is_authenticated else None


def keep_language(request: HttpRequest, person: Person | None) -> None:
    """Whoever does something on a page is written to in that page's language from then on."""
    if person:
        people.keep_language(person=person, language=str(getattr(request, "LANGUAGE_CODE", "ko")))


def is_part(request: HttpRequest) -> bool:
    """Whether our script asks for a region and not for a page."""
    return request.headers.get("X-Fragment") == "1"


def go(request: HttpRequest, to: str) -> HttpResponse:
    """On to another page: by redirect for a form, as `{"go": …}` for our script."""
    if wants_json(request):
        return JsonResponse({"go": to})
    response = HttpResponseRedirect(to)
    response.status_code = 303
    return response


@dataclass(frozen=True, slots=True)
class Skin:
    """Which pack and character dress a page."""

    pack: str
    character: str
    fingerprint: str


def skin_of(shop: Shop | None) -> Skin:
    """The shop's skin; the house's own where there is no shop."""
    pack = skin_packs.pack_or_own(shop.skin if shop else skin_packs.OWN)
    named = shop.character if shop else ""
    return Skin(pack.id, named if named in pack.characters else next(iter(pack.characters)), pack.fingerprint)


def name_of(shop: Shop) -> str:
    """The shop's name in the reader's language."""
    return pick({"ko": shop.name, "en": shop.name_en or shop.name})


def show(
    request: HttpRequest,
    template: str,
    *,
    shop: Shop | None = None,
    status: int = 200,
    here: str = "",
    **context: object,
) -> HttpResponse:
    """A customer page in the shop's skin. `here` is its address where that is not the one asked for (after a POST)."""
    frame = {
        "skin": skin_of(shop),
        "shop": shop,
        "shop_name": name_of(shop) if shop else "",
        "next": here or request.get_full_path(),
        "home": "",
        "home_name": "",
        "chip": "",
        "error": None,
        "style": "",
    }
    return render(request, f"customer/{template}.html", {**frame, **context}, status=status)


def table_words(table: Table) -> Text:
    """What a table is called: owners mostly name tables by number."""
    if table.name.isdigit():
        return say("{n}번 테이블", en="Table {n}", n=table.name)
    return say("{name}", en="{name}", name=table.name)


@dataclass(frozen=True, slots=True)
class Running:
    """An order of the table that is not done yet."""

    public_id: str
    number: int
    words: Text
    own: bool


def running_at(guest: Guest) -> list[Running]:
    """What the table waits for, the latest first."""
    if guest.visit is None:
        return []
    orders = ordering.orders_of_visit(guest.visit).filter(state__in=RUNNING)[:3]
    return [Running(o.public_id, o.number, STATE_WORDS[o.state], is_own(o, guest.device)) for o in orders]


def is_own(order: Order, device: Device | None) -> bool:
    """Whether this phone placed the order, and so may open its page."""
    return device is not None and order.device_id == device.pk


def opening_words(opening: Opening, at: datetime) -> Text:
    """Why the shop takes no orders, and from when again."""
    if opening.why == OpeningWhy.CLOSED:
        return say("영업을 마친 가게예요.", en="This shop has closed.")
    if opening.opens_at is None:
        return say(
            "지금은 주문을 받지 않아요. 직원에게 물어봐 주세요.", en="Not taking orders now. Please ask the staff."
        )
    opens, today = opening.opens_at.astimezone(clock.KST), at.astimezone(clock.KST).date()
    if opens.date() == today:
        ko, en = f"{opens:%H:%M}", f"{opens:%H:%M}"
    elif opens.date() == today + timedelta(days=1):
        ko, en = f"내일 {opens:%H:%M}", f"tomorrow {opens:%H:%M}"
    else:
        ko, en = f"{opens.month}월 {opens.day}일 {opens:%H:%M}", f"{opens:%d %B %H:%M}"
    if opening.why == OpeningWhy.PAUSED:
        return say(
            f"주방이 바빠서 주문을 잠깐 쉬어요. {ko}에 다시 받아요.",
            en=f"The kitchen is busy. Orders open again: {en}.",
        )
    return say(f"지금은 주문을 받지 않아요. {ko}에 다시 열어요.", en=f"Not taking orders now. Opens again: {en}.")


def opening_at(guest: Guest) -> dict[str, Any]:
    """Whether the shop takes orders, for the templates."""
    opening = shops.opening(guest.shop, guest.at)
    words = opening_words(opening, guest.at)
    if opening.why == OpeningWhy.PAUSED and ordering.paused_unwatched(guest.shop):
        words = say(
            "주방 화면이 잠깐 끊겨서 새 주문을 멈췄어요. 이어지는 대로 다시 받아요. 이미 넣은 주문은 그대로예요. "
            "{n}분 안에 접수하지 못하면 결제한 돈은 저절로 돌아가요. 급하면 직원에게 말해 주세요.",
            en="The kitchen's screen lost its connection, so new orders wait until it is back. What you have ordered stands; "
            "if it is not accepted within {n} minutes, your money comes back by itself. In a hurry? Please tell the staff.",
            n=guest.shop.accept_minutes,
        )
    return {"opening": opening, "opening_words": words}


def home_at(table: Table) -> dict[str, Any]:
    """The way back to the menu, for the page's head."""
    return {"home": reverse("customer:table", args=[table.code]), "home_name": say("메뉴", en="Menu")}


MY = say("내 두레", en="My Dure")
