"""The rail sends what its permit says, to whom, when and in the transaction it says; nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from dure.messaging import actions as messaging
from dure.messaging import queries
from dure.messaging.errors import KeyReused, NoSuchMessage, NotPermitted
from dure.messaging.models import HandOver, Message
from dure.messaging.values import PERMIT_LASTS, Letter, Medium, MessageKind, Permit

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TEXT = {"title": "주문이 준비됐어요", "body": "카운터에서 받아 가세요.", "link": "/orders/ord_1"}

pytestmark = pytest.mark.django_db


def issue(**changes: object) -> Permit:
    asked = {
        "address": "inbox:per_1",
        "sender": "shop:shp_1",
        "kind": MessageKind.INFORMATION,
        "basis": "service",
        "at": NOON,
        **TEXT,
        **changes,
    }
    return messaging.issue_permit(**asked)  # type: ignore[arg-type]


def send(permit: Permit, *, at: datetime = NOON, text: dict[str, str] = TEXT) -> Message:
    return messaging.send_message(permit=permit, sender_name="마실국수", key="k1", at=at, **text)


def test_a_permitted_text_reaches_the_inbox_once() -> None:
    first = send(issue())
    again = send(issue(at=NOON + timedelta(hours=1)), at=NOON + timedelta(hours=1))
    assert again == first
    assert list(queries.inbox_of("inbox:per_1")) == [first]
    assert queries.unread_count("inbox:per_1") == 1


@pytest.mark.parametrize("field", ["title", "body", "link"])
def test_a_permit_is_for_one_text(field: str) -> None:
    with pytest.raises(NotPermitted):
        send(issue(), text={**TEXT, field: TEXT[field] + " "})


@pytest.mark.parametrize(
    "altered",
    [
        {"address": "inbox:per_2"},
        {"sender": "shop:shp_2"},
        {"kind": MessageKind.ADVERTISING},
        {"basis": "consent:1"},
        {"expires_at": NOON + timedelta(days=1)},
        {"issued_at": NOON - timedelta(days=1)},
        {"signature": "0" * 64},
        {"signature": "서명"},
        {"signature": ""},
    ],
)
def test_an_altered_or_forged_permit_is_refused(altered: dict[str, object]) -> None:
    with pytest.raises(NotPermitted):
        send(replace(issue(), **altered))  # type: ignore[arg-type]
    assert not Message.objects.exists()


@pytest.mark.parametrize("at", [NOON - timedelta(microseconds=1), NOON + PERMIT_LASTS])
def test_a_permit_is_good_from_its_issue_until_before_its_end(at: datetime) -> None:
    with pytest.raises(NotPermitted):
        send(issue(), at=at)
    last = NOON + PERMIT_LASTS - timedelta(microseconds=1)
    assert send(issue(), at=last).sent_at == last


def test_a_permit_may_end_sooner_than_usual() -> None:
    permit = issue(until=NOON + timedelta(seconds=5))
    with pytest.raises(NotPermitted):
        send(permit, at=NOON + timedelta(seconds=5))


def test_a_permit_of_another_secret_is_refused(settings: object) -> None:
    permit = issue()
    settings.SECRET_KEY = "another secret that is long enough"  # type: ignore[attr-defined]
    with pytest.raises(NotPermitted):
        send(permit)


def test_a_permit_of_another_transaction_is_refused() -> None:
    permit = issue()
    forged = replace(permit, transaction=str(int(permit.transaction) + 1))
    with pytest.raises(NotPermitted):
        send(forged)


def test_an_advertisement_without_its_mark_is_refused_by_the_action_and_by_the_table() -> None:
    with pytest.raises(NotPermitted):
        send(issue(kind=MessageKind.ADVERTISING))
    marked = {**TEXT, "title": "(광고) 오늘 저녁 반값"}
    sent = send(issue(kind=MessageKind.ADVERTISING, **marked), text=marked)
    with pytest.raises(IntegrityError, match="message_ad_is_marked"), transaction.atomic():
        Message.objects.filter(pk=sent.pk).update(title="오늘 저녁 반값")


def test_a_key_belongs_to_one_text() -> None:
    send(issue())
    other = {**TEXT, "body": "다른 내용"}
    with pytest.raises(KeyReused):
        send(issue(**other), text=other)


def test_reading_keeps_the_first_time_and_stays_in_the_inbox() -> None:
    sent = send(issue())
    later = NOON + timedelta(hours=1)
    messaging.read_message(address="inbox:per_1", message=sent.public_id, at=NOON)
    assert messaging.read_message(address="inbox:per_1", message=sent.public_id, at=later).read_at == NOON
    assert queries.unread_count("inbox:per_1") == 0
    with pytest.raises(NoSuchMessage):
        messaging.read_message(address="inbox:per_2", message=sent.public_id, at=later)


def test_an_inbox_moves_and_is_forgotten() -> None:
    send(issue())
    messaging.move_inbox(address="inbox:per_1", to="inbox:per_2")
    assert queries.unread_count("inbox:per_2") == 1
    messaging.forget_address(address="inbox:per_2")
    assert not Message.objects.exists()


def test_a_batch_permit_is_for_exactly_its_letters() -> None:
    letter = Letter(1, "o1-inbox", 7, Medium.INBOX, "inbox:per_1", "두레", "안녕하세요", "", "", None, None)
    permit = messaging.issue_batch_permit(letters=[letter], at=NOON, until=NOON + timedelta(minutes=1))
    batch = HandOver(key="hnd_1", medium=Medium.INBOX, count=1, begun_at=NOON)
    others = [letter._replace(body="다른 말"), letter._replace(address="inbox:per_2"), letter._replace(recipient=8)]
    for wrong in ([], [letter, letter], *([one] for one in others)):
        with pytest.raises(NotPermitted):
            messaging.hand_over(batch=batch, permit=permit, letters=wrong, at=NOON)
    with pytest.raises(NotPermitted):
        messaging.hand_over(batch=batch, permit=permit, letters=[letter], at=NOON + timedelta(minutes=2))
