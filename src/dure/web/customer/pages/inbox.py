"""Messages from the shops, in Dure's own inbox, and the browsers that ring for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from dure.kit import clock
from dure.kit.errors import Invalid
from dure.kit.language import Text, say
from dure.kit.paging import page_of
from dure.messaging import actions as messaging
from dure.messaging import queries
from dure.messaging.errors import NoSuchMessage
from dure.messaging.values import MessageKind
from dure.people import actions as people
from dure.people import queries as people_queries
from dure.people.values import inbox_address, topic_name
from dure.web.customer import frame
from dure.web.customer.forms import BellForm
from dure.web.ui.access import own_device, remember_device

if TYPE_CHECKING:
    from dure.messaging.models import Message
    from dure.people.models import Person

INBOX = say("알림함", en="Inbox")
RING_INBOX = say(
    "쿠폰과 답장이 오면 이 휴대폰으로 알려 드릴까요? 광고 알림은 따로 동의한 가게만 울려요.",
    en="Shall this phone ring when coupons and answers come? Advertising rings only from shops you agreed to apart.",
)
SAVED_MOST = 50


@own_device("GET")
def inbox(request: HttpRequest) -> HttpResponse:
    """What came, newest first; unread ones marked in words. `?copy=1`: all of it on one page, for times without network."""
    person = frame.person_of(request)
    if "copy" in request.GET:
        saved = queries.inbox_of(inbox_address(person.public_id))[:SAVED_MOST] if person else []
        return frame.show(request, "inbox_copy", messages_in=saved, at=clock.now())
    after = request.GET.get("after", "")[:40]
    page = page_of(queries.inbox_of(inbox_address(person.public_id)), after=after or None, limit=30) if person else None
    return frame.show(
        request,
        "inbox",
        home=reverse("customer:my"),
        home_name=frame.MY,
        messages_in=page.rows if page else [],
        after=page.next_cursor or "" if page else "",
        bell_words=RING_INBOX,
    )


@own_device("GET")
def message(request: HttpRequest, message: str) -> HttpResponse:
    """One message. Opening it marks it read. An advertisement says why it came, and how to get no more."""
    person = frame.person_of(request)
    if person is None:
        raise NoSuchMessage
    found = messaging.read_message(address=inbox_address(person.public_id), message=message, at=clock.now())
    return frame.show(
        request,
        "message",
        home=reverse("customer:inbox"),
        home_name=INBOX,
        message_in=found,
        why=_why(person, found),
        topic=topic_name(found.topic) if found.topic else "",
        refuse=queries.local_path(found.refuse),
        link=found.link if found.link.startswith("/") and not found.link.startswith("//") else "",
    )


def _why(person: Person, message: Message) -> Text:
    """On what this message rests, for the one who got it."""
    if message.kind == MessageKind.INFORMATION:
        return say(
            "주문하거나, 친구가 되거나, 물어본 일을 알리는 안내예요. 광고가 아니에요.",
            en="It tells of something you ordered, joined or asked. It is no advertisement.",
        )
    consent = next(
        (c for c in people_queries.consent_history(person) if f"consent:{c.pk}" in message.basis.split("+")), None
    )
    if consent is None:
        return say(
            "여섯 달 안에 이 가게에서 산 것과 같은 것이라 왔어요.",
            en="It came because you bought the same from this shop within six months.",
        )
    day = consent.at.astimezone(clock.KST)
    return say(
        "{day}에 이 가게의 광고를 받겠다고 하셔서 왔어요.",
        en="You agreed to advertising from this shop on {day}.",
        day=f"{day:%Y.%m.%d}",
    )


@own_device("GET", "POST")
def bell(request: HttpRequest) -> HttpResponse:
    """For our script: GET gives the key with which a browser subscribes, and whether the browser at `url` rings for this
    inbox; POST lets it ring, or no more."""
    if request.method == "GET":
        person, url = frame.person_of(request), request.GET.get("url", "")[:1_000]
        rings = bool(person and url and queries.rings_at(inbox_address(person.public_id), url))
        return JsonResponse({"key": queries.push_key(), "rings": rings})
    form, at = BellForm(request.POST), clock.now()
    if not form.is_valid():
        raise Invalid
    said: dict[str, Any] = form.cleaned_data
    if said["ring"] == "no":
        person = frame.person_of(request)
        if person is not None:
            messaging.drop_endpoint(address=inbox_address(person.public_id), url=said["url"])
        return JsonResponse({"rings": False})
    device, keep = remember_device(request)
    with transaction.atomic():
        person = frame.person_of(request) or people.ensure_person(device=device, at=at)
        messaging.keep_endpoint(
            address=inbox_address(person.public_id), url=said["url"], p256dh=said["p256dh"], auth=said["auth"], at=at
        )
    response = JsonResponse({"rings": True})
    keep(response)
    return response
