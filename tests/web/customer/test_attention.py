"""Whose attention it is: numbers, hours, topics and shops on one page, and a link in each message that ends it without a login."""

from datetime import timedelta

import pytest
from django.test import Client

from dure.kit import clock
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.models import Message, Outgoing
from dure.messaging.values import Fate, Medium, MessageKind
from dure.people import actions as people
from dure.people import queries
from dure.people.models import Person
from dure.people.values import NETWORK_SENDER, Purpose, shop_sender
from dure.regulars import actions as regulars
from dure.shops import fence
from dure.web.customer.pages.attention import EVERY
from tests import cast
from tests.cast import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def friend(client: Client) -> Person:
    shop = cast.noodle_house()
    device, secret = people.remember_device(at=NOON)
    person = people.ensure_person(device=device, at=NOON)
    with fence.within_shop(shop.pk):
        regulars.join_channel(shop=shop, person=person, device=device, source="t", by="t", at=NOON)
    people.give_consent(
        person=person,
        sender=shop_sender(shop.public_id),
        purpose=Purpose.ADVERTISING,
        source="t",
        proof={},
        by="t",
        at=NOON,
    )
    client.cookies["device"] = secret
    return person


def advertised(person: Person, key: str = "a") -> Outgoing:
    consent = queries.consent_history(person).filter(sender__startswith="shop:").first()
    assert consent
    sending = messaging.open_sending(
        key=key, reference=key, sender=consent.sender, sender_name="두레국수", kind=MessageKind.ADVERTISING,
        topic="discount", media=[Medium.INBOX], title="오늘 저녁 반값", body="기다려요.", not_before=NOON,
        expires_at=NOON + timedelta(hours=3), at=NOON,
    )  # fmt: skip
    messaging.queue_messages(sending=sending, recipients=[(person.pk, None)], at=NOON)
    return Outgoing.objects.get(sending=sending)


def test_the_link_of_a_message_refuses_without_a_login_or_a_cookie_and_for_ever(friend: Person) -> None:
    row = advertised(friend)
    path = messages.refusal_path(row)
    stranger = Client(enforce_csrf_checks=True)
    with clock.showing(lambda: NOON):
        page = stranger.get(path)
        assert page.status_code == 200
        assert queries.consents_held(friend, row.sending.sender), "looking refuses nothing"
        for _ in range(2):
            assert stranger.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not queries.consents_held(friend, row.sending.sender).get(Purpose.ADVERTISING)
    people.dispatch(medium=Medium.INBOX, read_clock=lambda: NOON)
    row.refresh_from_db()
    assert (row.fate, row.reason) == (Fate.REFUSED, "refused")
    assert not Message.objects.filter(kind=MessageKind.ADVERTISING).exists()


@pytest.mark.parametrize("scope", ["topic", "all"])
def test_the_same_link_refuses_a_topic_or_everything(friend: Person, scope: str) -> None:
    row = advertised(friend)
    with clock.showing(lambda: NOON):
        Client().post(messages.refusal_path(row), {"scope": scope})
    people.dispatch(medium=Medium.INBOX, read_clock=lambda: NOON)
    row.refresh_from_db()
    assert row.reason == {"topic": "refused_topic", "all": "refused_all"}[scope]


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: "", lambda t: t + "=", lambda t: "한글"]
)
def test_a_link_that_we_did_not_write_refuses_nothing(friend: Person, change: object) -> None:
    token = messages.refusal_path(advertised(friend)).rpartition("/")[2]
    assert Client().post(f"/no/{change(token)}").status_code == 404  # type: ignore[operator]


def test_numbers_hours_topics_and_shops_are_plain_forms(client: Client, friend: Person) -> None:
    with clock.showing(lambda: NOON):
        assert "두레국수" in client.get("/my/attention").text
        saved = client.post(
            "/my/attention",
            {"per_day": "1", "per_week": "", "quiet_from": "12:00", "quiet_until": "14:00", "zone": "Asia/Seoul"},
        )
        assert saved.status_code == 303
        client.post("/my/attention", {"sender": "topic:menu", "purpose": "advertising", "say": "no"})
        assert (
            client.post("/my/attention", {"sender": "shop:other", "purpose": "night", "say": "yes"}).status_code == 422
        )
        assert client.post("/my/attention", {"per_day": "1", "zone": "Nowhere/Atall"}).status_code == 422
    attention = queries.attention_of(friend)
    assert (attention.per_day, attention.per_week) == (1, None)
    assert queries.refuses(friend, "topic:menu")
    row = advertised(friend)
    people.dispatch(medium=Medium.INBOX, read_clock=lambda: NOON)
    row.refresh_from_db()
    assert row.reason == "quiet"


@pytest.mark.parametrize("purpose", [*EVERY, Purpose.TASTE])
def test_the_platform_itself_may_be_answered_like_any_shop(client: Client, friend: Person, purpose: Purpose) -> None:
    with clock.showing(lambda: NOON):
        said = {"sender": NETWORK_SENDER, "purpose": str(purpose), "say": "yes"}
        assert client.post("/my/attention", said).status_code == 303
        assert purpose in queries.consents_held(friend, NETWORK_SENDER)
        assert client.post("/my/attention", said | {"say": "no"}).status_code == 303
    assert purpose not in queries.consents_held(friend, NETWORK_SENDER)


def test_the_page_says_why_a_message_came(client: Client, friend: Person) -> None:
    row = advertised(friend)
    people.dispatch(medium=Medium.INBOX, read_clock=lambda: NOON)
    row.refresh_from_db()
    assert (Fate(row.fate), row.reason) == (Fate.ARRIVED, "")
    with clock.showing(lambda: NOON + timedelta(hours=1)):
        page = client.get("/my/attention").text
        assert "오늘 저녁 반값" in page
        assert messages.refusal_path(row) in page
        opened = client.get(f"/inbox/{Message.objects.get(kind='advertising').public_id}").text
    assert messages.refusal_path(row) in opened
