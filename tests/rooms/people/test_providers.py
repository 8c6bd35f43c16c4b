"""Texts through the agencies' contracts, over HTTP: each answer has its meaning, a lost answer neither loses nor repeats."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import http_ece
import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core import mail

from dure.messaging import actions as messaging
from dure.messaging import providers
from dure.messaging import queries as messages
from dure.messaging.errors import NoEndpoint, NotEnoughBalance
from dure.messaging.models import HandOver, Message, Outgoing, Sending
from dure.messaging.providers.nhn import Nhn
from dure.messaging.providers.smtp import Smtp
from dure.messaging.providers.solapi import Solapi, authorization
from dure.messaging.providers.webpush import BrowserBell
from dure.messaging.values import Fate, Medium, MessageKind
from dure.people import actions as people
from dure.people.models import Person
from dure.people.values import Purpose, Topic, inbox_address
from tests.provider import Sandbox

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SHOP = "shop:shp_noodles"
EVERY = (Purpose.ADVERTISING, Purpose.ADVERTISING_PUSH, Purpose.ADVERTISING_PHONE, Purpose.ADVERTISING_MAIL)
pytestmark = pytest.mark.django_db


class Desk:
    """The practice agencies' switches and truth."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=10)
        self.before = self.received()

    def fault(self, call: str, kind: str, count: int = 1) -> None:
        self.http.post("/sandbox/messages/faults", json={call: {"kind": kind, "count": count}}).raise_for_status()

    def received(self) -> dict[str, int]:
        found: dict[str, int] = self.http.get("/sandbox/messages").json()["received"]
        return found

    def pushed(self, name: str) -> list[dict[str, str]]:
        return [p for p in self.http.get("/sandbox/messages").json()["pushed"] if p["name"] == name]


@pytest.fixture
def desk(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    solapi = Solapi(sandbox.url, "SANDBOX", "SANDBOX-SECRET", "0212345678", "PF", "CERT-1")
    bell = BrowserBell(tmp_path_factory.mktemp("vapid") / "key.pem", "mailto:ops@dure.example")
    carriers = dict.fromkeys((Medium.TEXT, Medium.NOTICE, Medium.BRAND), solapi)
    providers.choose({**carriers, Medium.PUSH: bell, Medium.MAIL: Smtp()})
    desk = Desk(sandbox.url)
    yield desk
    desk.http.close()
    providers.choose({})


def with_nhn(desk: Desk) -> None:
    nhn = Nhn(str(desk.http.base_url), "app", "SANDBOX-SECRET", "S" * 40, "CERT-1")
    providers.choose({Medium.NOTICE: nhn, Medium.BRAND: nhn})


def friend(number: int, *purposes: Purpose) -> Person:
    person = people.open_account(phone=f"010{number:08d}", email=f"f{number}@example.com", at=NOON - timedelta(days=1))
    for purpose in purposes or EVERY:
        people.give_consent(person=person, sender=SHOP, purpose=purpose, source="t", proof={}, by="t", at=NOON)
    return person


def send(*persons: Person, media: list[Medium], key: str = "k", **changes: object) -> Sending:
    asked: dict[str, object] = {
        "reference": key,
        "sender": SHOP,
        "sender_name": "두레국수",
        "contact": "02-123-4567 ask@dure.example",
        "kind": MessageKind.ADVERTISING,
        "topic": str(Topic.DISCOUNT),
        "title": "오늘 저녁 반값",
        "body": "바지락칼국수가 기다려요.",
        "link": "",
        "not_before": NOON,
        "expires_at": NOON + timedelta(hours=6),
        "at": NOON,
        **changes,
    }
    sending = messaging.open_sending(key=key, media=media, **asked)  # type: ignore[arg-type]
    variables = changes.get("details", {}).get("values") if isinstance(changes.get("details"), dict) else None  # type: ignore[union-attr]
    messaging.queue_messages(sending=sending, recipients=[(p.pk, variables) for p in persons], at=NOON)
    return sending


def run(medium: Medium, at: datetime = NOON) -> int:
    return people.dispatch(medium=medium, read_clock=lambda: at)


def fate(sending: Sending, person: Person) -> tuple[Fate, str, str]:
    row = Outgoing.objects.get(sending=sending, recipient=person.pk)
    return Fate(row.fate), row.reason, row.medium


def keys_of(sending: Sending) -> set[str]:
    return {messages.letter_key(row) for row in Outgoing.objects.filter(sending=sending)}


def test_the_signature_is_the_one_of_the_vector() -> None:
    salt = "0123456789abcdef0123456789abcdef"
    header = authorization("KEY", "DUMMYSECRET0000000000000000000000", at=datetime(2026, 11, 23, tzinfo=UTC), salt=salt)
    assert header.endswith("signature=f1c2875d2cc0545dbf74fba0a43fe2496091d9320055d14eb6966ee0bd6e9cec")
    assert "date=2026-11-23T00:00:00.000Z" in header


def test_a_text_message_is_a_lawful_advertisement_in_euc_kr(desk: Desk) -> None:
    person = friend(10001111)
    sending = send(person, media=[Medium.TEXT], refusal_number="080-000-1111")
    run(Medium.TEXT)
    assert fate(sending, person)[0] is Fate.ACCEPTED
    assert desk.received().get(keys_of(sending).pop()) == 1
    page = desk.http.get("/phones").text
    assert "(광고)두레국수" in page
    assert "무료수신거부 080-000-1111" in page


def test_who_has_no_kakao_gets_the_text_that_falls_back(desk: Desk) -> None:
    there, nobody = friend(10001112), friend(10000001)
    sending = send(there, nobody, media=[Medium.BRAND, Medium.TEXT], refusal_number="0800001111")
    run(Medium.BRAND)
    run(Medium.TEXT)
    assert {fate(sending, p)[0] for p in (there, nobody)} == {Fate.ACCEPTED}
    assert fate(sending, nobody)[2] == "text"


@pytest.mark.parametrize("kind", ["error_after", "cut"])
def test_a_batch_whose_answer_was_lost_is_found_and_never_sent_twice(desk: Desk, kind: str) -> None:
    persons = [friend(10002000 + n) for n in range(5)]
    sending = send(*persons, media=[Medium.TEXT], refusal_number="0800001111", key=f"lost-{kind}")
    desk.fault("solapi.send", kind)
    run(Medium.TEXT)
    assert {fate(sending, p)[0] for p in persons} == {Fate.HANDING}
    later = datetime.now(UTC) + timedelta(minutes=2)
    HandOver.objects.update(begun_at=datetime.now(UTC) - timedelta(minutes=1))
    assert messaging.recover_hand_overs(at=later) == 1
    assert {fate(sending, p)[0] for p in persons} == {Fate.ARRIVED}
    run(Medium.TEXT, NOON + timedelta(minutes=5))
    assert {desk.received()[key] for key in keys_of(sending)} == {1}


def test_a_batch_that_was_never_received_goes_out_after_all(desk: Desk) -> None:
    persons = [friend(10003000 + n) for n in range(3)]
    sending = send(*persons, media=[Medium.TEXT], refusal_number="0800001111", key="never")
    desk.fault("solapi.send", "error_before")
    run(Medium.TEXT)
    HandOver.objects.update(begun_at=datetime.now(UTC) - timedelta(minutes=1))
    messaging.recover_hand_overs(at=datetime.now(UTC) + timedelta(minutes=2))
    # The queue's clock is the test's: what waits again waits from the recovery on.
    Outgoing.objects.filter(sending=sending).update(due_at=NOON)
    run(Medium.TEXT, NOON + timedelta(minutes=5))
    assert {fate(sending, p)[0] for p in persons} == {Fate.ACCEPTED}
    assert {desk.received()[key] for key in keys_of(sending)} == {1}


def test_too_fast_means_later_under_the_same_key(desk: Desk) -> None:
    person = friend(10004000)
    sending = send(person, media=[Medium.TEXT], refusal_number="0800001111", key="fast")
    desk.fault("solapi.send", "rate_limit")
    run(Medium.TEXT)
    assert fate(sending, person)[:2] == (Fate.WAITING, "429")
    assert run(Medium.TEXT) == 0, "not at once"
    assert run(Medium.TEXT, NOON + timedelta(seconds=10)) == 1
    assert desk.received()[keys_of(sending).pop()] == 1


def test_alimtalk_goes_through_nhn_with_its_template_and_is_found_again(desk: Desk) -> None:
    with_nhn(desk)
    person = friend(10005000)
    details = {"template": "ORDER_READY", "values": {"menu": "바지락칼국수"}}
    sending = send(
        person, media=[Medium.NOTICE], key="ready", kind=MessageKind.INFORMATION, topic="", title="준비됐어요",
        body="#{menu} 준비됐어요.", details=details,
    )  # fmt: skip
    desk.fault("nhn.send", "error_after")
    run(Medium.NOTICE)
    assert fate(sending, person)[0] is Fate.HANDING
    HandOver.objects.update(begun_at=datetime.now(UTC) - timedelta(minutes=1))
    messaging.recover_hand_overs(at=datetime.now(UTC) + timedelta(minutes=2))
    assert fate(sending, person)[0] is Fate.ARRIVED
    assert desk.received()[keys_of(sending).pop()] == 1


def test_mail_carries_one_click_and_the_same_link_in_its_text(desk: Desk) -> None:
    person = friend(10006000)
    sending = send(person, media=[Medium.MAIL], key="mail")
    run(Medium.MAIL, NOON + timedelta(hours=5))
    assert fate(sending, person)[0] is Fate.ARRIVED
    (letter,) = mail.outbox
    assert letter.subject == "(광고) 오늘 저녁 반값"
    link = re.fullmatch(r"<(.*)>", letter.extra_headers["List-Unsubscribe"])
    assert link
    assert link[1] in letter.body
    assert letter.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_mail_whose_worker_died_is_never_sent_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    person = friend(10006500)
    sending = send(person, media=[Medium.MAIL], key="mail-lost")
    really = Smtp.send

    def dies(*asked: Any, **more: Any) -> None:
        really(*asked, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(Smtp, "send", dies)
        with pytest.raises(KeyboardInterrupt):
            run(Medium.MAIL, NOON + timedelta(hours=5))
    assert (len(mail.outbox), fate(sending, person)[0]) == (1, Fate.HANDING)
    HandOver.objects.update(begun_at=datetime.now(UTC) - timedelta(minutes=1))
    assert messaging.recover_hand_overs(at=datetime.now(UTC) + timedelta(minutes=2)) == 1
    assert fate(sending, person)[:2] == (Fate.UNCERTAIN, "unheard")
    Outgoing.objects.filter(sending=sending).update(due_at=NOON)
    run(Medium.MAIL, NOON + timedelta(hours=5, minutes=5))
    assert len(mail.outbox) == 1


def test_a_browser_is_rung_with_what_only_it_can_read(desk: Desk) -> None:
    person = friend(10007000)
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    auth = b"0123456789abcdef"
    url = f"http://127.0.0.1:{desk.http.base_url.port}/push/{person.public_id}"

    def written(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    address = inbox_address(person.public_id)
    messaging.keep_endpoint(address=address, url=url, p256dh=written(point), auth=written(auth), at=NOON)
    sending = send(person, media=[Medium.PUSH, Medium.INBOX], key="ring")
    run(Medium.PUSH)
    assert fate(sending, person) == (Fate.ARRIVED, "201", "push")
    (rung,) = desk.pushed(person.public_id)
    told = json.loads(http_ece.decrypt(bytes.fromhex(rung["body"]), private_key=key, auth_secret=auth))
    assert told["title"] == "(광고) 두레국수 오늘 저녁 반값"
    assert "/no/" in told["refuse"]
    assert int(rung["ttl"]) > 0
    message = Message.objects.get(address=address)
    assert message.title == "(광고) 오늘 저녁 반값", "it lies in the inbox too"
    assert told["link"] == f"/inbox/{message.public_id}", "a tap opens the message"
    messaging.mute_sender(address=address, sender=SHOP, at=NOON)
    muted = send(person, media=[Medium.PUSH, Medium.INBOX], key="muted")
    run(Medium.PUSH)
    run(Medium.INBOX)
    assert fate(muted, person) == (Fate.ARRIVED, "", "inbox")
    assert len(desk.pushed(person.public_id)) == 1
    assert Message.objects.filter(address=address).count() == 2, "silently, and once"
    messaging.unmute_sender(address=address, sender=SHOP)
    desk.http.delete(f"/push/{person.public_id}")
    again = send(person, media=[Medium.PUSH, Medium.INBOX], key="gone")
    run(Medium.PUSH)
    run(Medium.INBOX)
    assert fate(again, person) == (Fate.ARRIVED, "", "inbox")
    assert messages.endpoints_of([address]) == {}


@pytest.mark.parametrize("url", ["http://push.example/x", "https://10.0.0.1/x", "https://localhost/x", "ftp://a.b/c"])
def test_a_place_that_is_no_push_service_is_refused(url: str) -> None:
    with pytest.raises(NoEndpoint):
        messaging.keep_endpoint(address="inbox:x", url=url, p256dh="BA" + "A" * 85, auth="A" * 22, at=NOON)


def test_a_quote_is_held_what_arrived_is_paid_and_the_rest_comes_back(desk: Desk) -> None:
    persons = [friend(10008000 + n) for n in range(3)]
    messaging.fund_messages(account="messages:shp_1", source="subsidy:messages", won=200, key="f", at=NOON)
    sending = send(*persons, media=[Medium.TEXT], key="paid", refusal_number="0800001111", payer="messages:shp_1")
    quote = messages.quote(sending, NOON)
    assert quote.won in (3 * 12, 3 * 39)
    messaging.hold_price(sending=sending, won=quote.won, at=NOON)
    assert messages.balance_of("messages:shp_1") == 200 - quote.won
    with pytest.raises(NotEnoughBalance):
        messaging.hold_price(sending=sending, won=10_000, at=NOON)
    people.refuse_advertising(person=persons[0], sender=SHOP, source="t", proof={}, by="t", at=NOON)
    run(Medium.TEXT)
    for row in Outgoing.objects.filter(sending=sending, fate=Fate.ACCEPTED):
        messaging.note_reports(reports=[(messages.letter_key(row), "4000", "")], provider="solapi", at=NOON)
    messaging.close_sendings(at=NOON + timedelta(hours=7))
    assert messages.balance_of("messages:shp_1") == 200 - quote.won * 2 // 3
    assert messages.balance_of("agency:messages") == quote.won * 2 // 3
