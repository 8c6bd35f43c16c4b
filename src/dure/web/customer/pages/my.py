"""What this phone, or the person behind it, has with the shops; and being forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from dure.kit import clock
from dure.kit.errors import Invalid, NotFound
from dure.kit.language import Text, say
from dure.kit.paging import page_of
from dure.messaging import queries as messaging
from dure.offers import queries as offers
from dure.ordering import queries as ordering
from dure.people import actions as people
from dure.people import queries as people_queries
from dure.people.errors import NoSuchDay
from dure.people.values import CONSENT_TEXTS, NETWORK_SENDER, Purpose, inbox_address, shop_sender
from dure.regulars import queries as regulars
from dure.regulars.values import Stage
from dure.shops import queries as shops
from dure.wallet import queries as wallets
from dure.web.customer import frame
from dure.web.customer.bar import coupon_card, lines_of
from dure.web.customer.forms import BirthdayForm, ConsentForm
from dure.web.customer.pages.friendship import CHOICES, proof_of
from dure.web.ui.access import DEVICE_COOKIE, device_of, own_device

if TYPE_CHECKING:
    from dure.ordering.models import Order
    from dure.people.models import Person

STAGE_WORDS = {
    Stage.NEW: say("새 친구", en="New friend"),
    Stage.RETURNING: say("다시 온 친구", en="Came back"),
    Stage.REGULAR: say("단골", en="Regular"),
    Stage.LAPSED: say("오랜만이에요", en="Long time no see"),
}
A_PAGE = 20


@own_device("GET")
def my(request: HttpRequest) -> HttpResponse:
    """Shops, coupons, stamps and the latest orders on one page."""
    at, person, device = clock.now(), frame.person_of(request), device_of(request)
    own = wallets.wallet_of(person)
    return frame.show(
        request,
        "my",
        chip=frame.MY,
        person=person,
        wallets_on=wallets.wallets_on(),
        wallet=own,
        balance=wallets.balance_of(own),
        friends=_friends(person),
        coupons=[coupon_card(one) for one in offers.coupons_of(person, at=at)[:20]] if person else [],
        orders=[_row(order) for order in ordering.orders_of_device(device)[:3]],
        unread=messaging.unread_count(inbox_address(person.public_id)) if person else 0,
    )


@own_device("GET")
def coupons(request: HttpRequest) -> HttpResponse:
    """Every coupon that can still be used."""
    person = frame.person_of(request)
    found = offers.coupons_of(person, at=clock.now()) if person else []
    return _page(request, "coupons", coupons=[coupon_card(one) for one in found])


@own_device("GET")
def orders(request: HttpRequest) -> HttpResponse:
    """Every order, newest first."""
    after = request.GET.get("after", "")
    page = page_of(ordering.orders_of_device(device_of(request)), after=after[:40] or None, limit=A_PAGE)
    return _page(request, "my_orders", orders=[_row(order) for order in page.rows], after=page.next_cursor or "")


@own_device("GET", "POST")
def consents(request: HttpRequest) -> HttpResponse:
    """What was agreed to, shop by shop; one tap changes it."""
    person = frame.person_of(request)
    if request.method == "POST":
        return _birthday(request, person) if "birthday" in request.POST else _change(request, person)
    held = {(one.sender, one.purpose): one for one in people_queries.consents_of(person)} if person else {}
    rows = []
    for relation in regulars.shops_joined_by(person) if person else []:
        said = [(purpose, held.get((shop_sender(relation.shop.public_id), purpose))) for purpose in CHOICES]
        choices = [
            {
                "purpose": str(purpose),
                "text": CONSENT_TEXTS[purpose].named(frame.name_of(relation.shop)),
                "granted": bool(one and one.granted),
                "said_at": one.at if one else None,
            }
            for purpose, one in said
        ]
        rows.append({"shop": relation.shop, "name": frame.name_of(relation.shop), "choices": choices})
    return _page(
        request,
        "consents",
        rows=rows,
        person=person,
        birthday=people_queries.birthday_of(person) if person else None,
        birthday_text=CONSENT_TEXTS[Purpose.BIRTHDAY],
        months=range(1, 13),
        days=range(1, 32),
    )


def _birthday(request: HttpRequest, person: Person | None) -> HttpResponse:
    """Give, change or take away one's birthday."""
    form = BirthdayForm(request.POST)
    if not form.is_valid():
        raise NoSuchDay
    if person is None:
        raise NotFound
    typed, by, at = form.cleaned_data, f"person:{person.public_id}", clock.now()
    if typed["birthday"] == "keep":
        people.keep_birthday(
            person=person,
            month=typed["month"],
            day=typed["day"],
            source="my page",
            proof=proof_of(request),
            by=by,
            at=at,
        )
    else:
        people.withdraw_consent(
            person=person,
            sender=NETWORK_SENDER,
            purpose=Purpose.BIRTHDAY,
            source="my page",
            proof=proof_of(request),
            by=by,
            at=at,
        )
    return frame.go(request, reverse("customer:consents"))


def _change(request: HttpRequest, person: Person | None) -> HttpResponse:
    form = ConsentForm(request.POST)
    if not form.is_valid():
        raise Invalid
    shop = shops.shop_by_public_id(form.cleaned_data["shop"])
    if person is None or regulars.relation_of(person, shop) is None:
        raise NotFound
    act = people.give_consent if form.cleaned_data["granted"] == "yes" else people.withdraw_consent
    act(
        person=person,
        sender=shop_sender(shop.public_id),
        purpose=Purpose(form.cleaned_data["purpose"]),
        source="my page",
        proof=proof_of(request),
        by=f"person:{person.public_id}",
        at=clock.now(),
    )
    return frame.go(request, reverse("customer:consents"))


@own_device("GET", "POST")
def erasure(request: HttpRequest) -> HttpResponse:
    """Be forgotten: what goes, what the law keeps and for how long, and one button."""
    device = device_of(request)
    if request.method == "GET" or device is None:
        return _page(request, "erasure", known=device is not None, done=False)
    at = clock.now()
    person = frame.person_of(request) or people.ensure_person(device=device, at=at)
    people.erase_person(person=person, by=f"person:{person.public_id}", at=at)
    logout(request)
    response = _page(request, "erasure", known=False, done=True)
    response.delete_cookie(DEVICE_COOKIE)
    # What the browser itself kept goes too: copies for times without network, and the bell.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _friends(person: Person | None) -> list[dict[str, Any]]:
    return [
        {
            "shop": one.relation.shop,
            "name": frame.name_of(one.relation.shop),
            "skin": frame.skin_of(one.relation.shop),
            "visits": one.relation.visits,
            "stage": STAGE_WORDS[one.stage],
            "stamps": min(one.goal, max(0, one.relation.on_card)) if one.goal else 0,
            "goal": one.goal,
        }
        for one in (regulars.friendships_of(person, at=clock.now()) if person else [])
    ]


def _row(order: Order) -> dict[str, Any]:
    lines = lines_of(order)
    what: Text | str = str(lines[0]["name"]) if lines else ""
    if len(lines) > 1:
        what = say("{name} 외 {n}개", en="{name} and {n} more", name=what, n=len(lines) - 1)
    return {
        "public_id": order.public_id,
        "shop_name": frame.name_of(order.shop),
        "what": what,
        "total": order.bill.total if order.bill else order.total,
        "words": frame.STATE_WORDS[order.state],
        "at": order.placed_at,
    }


def _page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    return frame.show(request, template, **{"home": reverse("customer:my"), "home_name": frame.MY, **context})
