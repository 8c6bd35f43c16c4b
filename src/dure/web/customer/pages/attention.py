"""A person's attention: who may write, how often, at which hours, about what; and one tap that ends it from any message."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from dure.kit import clock
from dure.kit.errors import Invalid
from dure.kit.language import say
from dure.messaging import queries as messages
from dure.messaging.errors import NoSuchMessage
from dure.messaging.values import MessageKind
from dure.people import actions as people
from dure.people import queries as people_queries
from dure.people.values import (
    EVERYBODY,
    NETWORK_SENDER,
    PLATFORM_NAME,
    TOPIC_NAMES,
    Purpose,
    RefusalScope,
    shop_sender,
    text_for,
    topic_name,
    topic_sender,
)
from dure.regulars import queries as regulars
from dure.targeting.queries import whys_of
from dure.web.customer import frame
from dure.web.customer.forms import AttentionForm, RefusalForm, SayForm
from dure.web.customer.pages.friendship import proof_of
from dure.web.ui.access import anyone, device_of, own_device

if TYPE_CHECKING:
    from dure.messaging.models import Sending
    from dure.people.models import Person

EVERY = (
    Purpose.ADVERTISING,
    Purpose.ADVERTISING_PUSH,
    Purpose.ADVERTISING_PHONE,
    Purpose.ADVERTISING_MAIL,
    Purpose.NIGHT,
)
LOOK_BACK = timedelta(days=90)
ZONES = (
    ("Asia/Seoul", say("한국", en="Korea")),
    ("Asia/Tokyo", say("일본", en="Japan")),
    ("Asia/Shanghai", say("중국", en="China")),
    ("Asia/Ho_Chi_Minh", say("베트남", en="Vietnam")),
    ("Europe/Berlin", say("중부 유럽", en="Central Europe")),
    ("America/New_York", say("미국 동부", en="US East")),
    ("America/Los_Angeles", say("미국 서부", en="US West")),
)
SCOPE_WORDS = {
    RefusalScope.SENDER: say("이 가게의 광고 그만 받기", en="No more advertising from this shop"),
    RefusalScope.TOPIC: say("이런 주제의 광고 그만 받기", en="No more advertising about this"),
    RefusalScope.ALL: say("모든 광고 그만 받기", en="No advertising at all"),
}


@own_device("GET", "POST")
def attention(request: HttpRequest) -> HttpResponse:
    """Who may write to me and why I got what I got; numbers, hours and topics. Everything is a plain form."""
    person = frame.person_of(request)
    if request.method == "POST":
        return _change(request, person)
    wallet = people_queries.attention_of(person) if person else None
    at = clock.now()
    return frame.show(
        request,
        "attention",
        home=reverse("customer:my"),
        home_name=frame.MY,
        person=person,
        wallet=wallet,
        zones=ZONES,
        caps=people_queries.caps_here(),
        numbers=(0, 1, 2, 3, 5, 7),
        hours=[f"{hour:02d}:00" for hour in range(24)],
        all_refused=bool(person and people_queries.refuses(person)),
        topics=_topics(person),
        shops=_shops(person),
        got=_got(person) if person else [],
        saved="saved" in request.GET,
        at=at,
    )


def _topics(person: Person | None) -> list[dict[str, Any]]:
    return [
        {
            "sender": topic_sender(topic),
            "name": name,
            "refused": bool(person and people_queries.refuses(person, topic_sender(topic))),
        }
        for topic, name in TOPIC_NAMES.items()
    ]


def _shops(person: Person | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    if person:
        name = say("동네 가게 소식", en="News of shops nearby")
        rows.append(
            {
                "name": name,
                "sender": NETWORK_SENDER,
                "choices": _choices(person, NETWORK_SENDER, str(PLATFORM_NAME), (*EVERY, Purpose.TASTE)),
            }
        )
    for relation in regulars.shops_joined_by(person) if person else []:
        sender = shop_sender(relation.shop.public_id)
        choices = _choices(person, sender, frame.name_of(relation.shop), EVERY) if person else []
        rows.append({"name": frame.name_of(relation.shop), "sender": sender, "choices": choices})
    return rows


def _choices(person: Person, sender: str, name: str, purposes: tuple[Purpose, ...]) -> list[dict[str, Any]]:
    held = people_queries.consents_held(person, sender)
    return [
        {
            "purpose": str(purpose),
            "text": text_for(sender, purpose).named(name),
            "granted": purpose in held,
            "said_at": held[purpose].at if purpose in held else None,
        }
        for purpose in purposes
    ]


def _got(person: Person) -> list[dict[str, Any]]:
    """Why I got this: each advertisement with the consent it rested on, and the way to refuse it."""
    rows = messages.received_by(person.pk, clock.now() - LOOK_BACK)
    advertising = list(rows.filter(sending__kind=MessageKind.ADVERTISING)[:20])
    said = {c.pk: c for c in people_queries.consent_history(person)}
    whys = whys_of(person.pk, {_shop_behind(row.sending) for row in advertising})
    return [
        {
            "name": row.sending.sender_name,
            "title": row.sending.title,
            "at": row.handed_at,
            "consent": said.get(row.consent) if row.consent else None,
            "topic": topic_name(row.sending.topic),
            "refuse": messages.refusal_path(row),
            "why": whys[_shop_behind(row.sending)],
        }
        for row in advertising
    ]


def _shop_behind(sending: Sending) -> str:
    """The public id of the shop that speaks, by itself or through the platform."""
    return str(sending.details.get("on_behalf", sending.sender)).removeprefix(shop_sender(""))


def _change(request: HttpRequest, person: Person | None) -> HttpResponse:
    if person is None:
        raise NoSuchMessage
    at, by = clock.now(), f"person:{person.public_id}"
    if "say" in request.POST:
        form = SayForm(request.POST)
        if not form.is_valid():
            raise Invalid
        sender, purpose = form.cleaned_data["sender"], Purpose(form.cleaned_data["purpose"])
        _known(person, sender)
        act = people.give_consent if form.cleaned_data["say"] == "yes" else people.withdraw_consent
        act(
            person=person,
            sender=sender,
            purpose=purpose,
            source="attention page",
            proof=proof_of(request),
            by=by,
            at=at,
        )
    else:
        numbers = AttentionForm(request.POST)
        if not numbers.is_valid():
            raise Invalid
        wanted = numbers.cleaned_data
        people.set_attention(
            person=person,
            per_day=wanted["per_day"],
            per_week=wanted["per_week"],
            quiet_from=_hour(wanted["quiet_from"]),
            quiet_until=_hour(wanted["quiet_until"]),
            zone=wanted["zone"],
            at=at,
        )
    return frame.go(request, reverse("customer:attention") + "?saved=1")


def _known(person: Person, sender: str) -> None:
    """A word is said to a shop of one's own, about a topic, or to everybody; to nothing that a form made up."""
    own = {shop_sender(relation.shop.public_id) for relation in regulars.shops_joined_by(person)}
    if sender not in {EVERYBODY, NETWORK_SENDER, *own, *(topic_sender(topic) for topic in TOPIC_NAMES)}:
        raise Invalid


def _hour(written: str) -> time | None:
    return time.fromisoformat(written) if written else None


@csrf_exempt
@anyone("GET", "POST")
def refusal(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a message: GET says what one tap will do, POST does it. No login, no cookie, as often as anybody likes; a
    mail program's one click (RFC 8058) is the same POST. The token is the secret, so no other is asked for."""
    found = messages.refused_by(token)
    if found is None:
        raise NoSuchMessage
    sending, _ = found
    done = ""
    if request.method == "POST":
        form = RefusalForm(request.POST)
        scope = RefusalScope(form.cleaned_data["scope"] or "sender") if form.is_valid() else RefusalScope.SENDER
        people.refuse_by_link(token=token, scope=scope, proof=proof_of(request), at=clock.now())
        done = scope
    return frame.show(
        request,
        "refusal",
        home=reverse("customer:landing"),
        home_name=say("두레", en="Dure"),
        sender_name=sending.sender_name,
        topic=topic_name(sending.topic),
        scopes=[{"value": str(scope), "words": words} for scope, words in SCOPE_WORDS.items()],
        done=SCOPE_WORDS[RefusalScope(done)] if done else "",
        knows_device=device_of(request) is not None,
        action=reverse("customer:refusal", args=[token]),
    )
