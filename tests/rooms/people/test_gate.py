"""A text for many: who may be sent it gets it once, who may not does not, and the reason is written down."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from typer.testing import CliRunner

from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.errors import BadText, MissingVariable, TooLate
from dure.messaging.models import Message, Outgoing, Sending
from dure.messaging.values import Fate, Medium, MessageKind
from dure.people import actions as people
from dure.people.actions import writing
from dure.people.errors import NotWanted
from dure.people.models import Person
from dure.people.values import Purpose, Topic, inbox_address, topic_sender
from dure.project import cli

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SHOP = "shop:shp_noodles"
pytestmark = pytest.mark.django_db


def somebody(*purposes: Purpose, at: datetime = NOON, sender: str = SHOP) -> Person:
    device, _ = people.remember_device(at=at)
    person = people.ensure_person(device=device, at=at)
    for purpose in purposes:
        people.give_consent(person=person, sender=sender, purpose=purpose, source="test", proof={}, by="test", at=at)
    return person


def opened(**changes: object) -> Sending:
    asked: dict[str, object] = {
        "key": "c1",
        "reference": "campaign:1",
        "sender": SHOP,
        "sender_name": "두레국수",
        "contact": "02-123-4567",
        "kind": MessageKind.ADVERTISING,
        "topic": str(Topic.DISCOUNT),
        "media": [Medium.INBOX],
        "title": "#{name}님, 오늘 저녁 반값",
        "body": "바지락칼국수가 기다려요.",
        "link": "/my/coupons",
        "not_before": NOON,
        "expires_at": NOON + timedelta(hours=6),
        "at": NOON,
        **changes,
    }
    return messaging.open_sending(**asked)  # type: ignore[arg-type]


def run(at: datetime = NOON, medium: Medium = Medium.INBOX) -> int:
    return people.dispatch(medium=medium, read_clock=lambda: at)


def fates(sending: Sending) -> dict[int | None, tuple[Fate, str]]:
    rows = Outgoing.objects.filter(sending=sending)
    return {row.recipient: (Fate(row.fate), row.reason) for row in rows}


@pytest.mark.parametrize("many", [1, writing.MANY])
def test_who_agreed_gets_it_and_who_did_not_does_not_each_with_the_reason(
    many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MANY", many)
    monkeypatch.setattr(writing, "PAYS_AT", 1_000_000)  # other tests' people may have been counted
    friend, stranger = somebody(Purpose.ADVERTISING), somebody()
    sending = opened()
    both = [(p.pk, {"name": "목련"}) for p in (friend, stranger)]
    assert messaging.queue_messages(sending=sending, recipients=both, at=NOON) == 2
    assert messaging.queue_messages(sending=sending, recipients=both, at=NOON) == 0, "queued once"
    assert people.gate_sending(sending=sending, at=NOON) == {"no_consent": 1, "may": 1}
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_nestloop")
        assert cursor.fetchone() == ("on",), "the rest of the transaction is planned as ever"
    assert run() == 1
    assert fates(sending) == {friend.pk: (Fate.ARRIVED, ""), stranger.pk: (Fate.REFUSED, "no_consent")}
    message = Message.objects.get()
    assert (message.address, message.title) == (inbox_address(friend.public_id), "(광고) 목련님, 오늘 저녁 반값")
    assert message.refuse.startswith("http")
    receipt = Outgoing.objects.get(recipient=friend.pk)
    assert receipt.consent is not None
    assert receipt.handed_at == NOON


@pytest.mark.parametrize("sender", [SHOP, "*", topic_sender(Topic.DISCOUNT)])
def test_a_no_works_for_what_is_queued_already(sender: str) -> None:
    friend = somebody(Purpose.ADVERTISING)
    sending = opened()
    messaging.queue_messages(sending=sending, recipients=[(friend.pk, {"name": "목련"})], at=NOON)
    people.gate_sending(sending=sending, at=NOON)
    people.refuse_advertising(person=friend, sender=sender, source="test", proof={}, by="test", at=NOON)
    run()
    assert fates(sending)[friend.pk][0] is Fate.REFUSED
    assert not Message.objects.exists()


def test_what_waits_is_paused_resumed_and_stopped_by_its_reference() -> None:
    sending = opened()
    friends = [somebody(Purpose.ADVERTISING) for _ in range(3)]
    messaging.queue_messages(sending=sending, recipients=[(f.pk, {"name": "목련"}) for f in friends], at=NOON)
    messaging.pause_sendings(reference="campaign:1")
    assert run() == 0
    messaging.resume_sendings(reference="campaign:1", at=NOON)
    assert people.dispatch(medium=Medium.INBOX, limit=1, seconds=0.0001, read_clock=lambda: NOON) == 1
    assert messaging.stop_sendings(reference="campaign:1", at=NOON) == 2
    assert run() == 0
    assert messages.tally("campaign:1").fates == {"arrived": 1, "stopped": 2}


def test_nothing_goes_at_night_and_nothing_stale_goes_in_the_morning() -> None:
    night = NOON + timedelta(hours=9)
    friend, owl = somebody(Purpose.ADVERTISING), somebody(Purpose.ADVERTISING, Purpose.NIGHT)
    for key, at_night in (("quiet", False), ("loud", True)):
        sending = opened(key=key, at_night=at_night, expires_at=NOON + timedelta(hours=12))
        messaging.queue_messages(sending=sending, recipients=[(p.pk, {"name": ""}) for p in (friend, owl)], at=NOON)
    run(night)
    loud, quiet = (messages.sending_by_key(key) for key in ("loud", "quiet"))
    assert loud
    assert quiet
    assert fates(loud) == {friend.pk: (Fate.REFUSED, "night"), owl.pk: (Fate.ARRIVED, "")}
    assert {fate for fate, _ in fates(quiet).values()} == {Fate.WAITING}
    morning = NOON + timedelta(hours=21)
    assert run(morning) == 0
    messaging.close_sendings(at=morning)
    assert {fate for fate, _ in fates(quiet).values()} == {Fate.EXPIRED}


def test_caps_count_over_all_shops_and_the_person_says_the_last_word() -> None:
    friend = somebody(Purpose.ADVERTISING)
    for number in range(5):
        people.give_consent(
            person=friend, sender=f"shop:{number}", purpose=Purpose.ADVERTISING, source="t", proof={}, by="t", at=NOON
        )
        sending = opened(key=f"c{number}", reference=f"c{number}", sender=f"shop:{number}")
        messaging.queue_messages(sending=sending, recipients=[(friend.pk, {"name": ""})], at=NOON)
    run()
    assert Message.objects.count() == 3, "the operator's three a day"
    assert set(Outgoing.objects.filter(fate=Fate.REFUSED).values_list("reason", flat=True)) == {"enough_today"}
    people.set_attention(
        person=friend, per_day=None, per_week=3, quiet_from=None, quiet_until=None, zone="Asia/Seoul", at=NOON
    )
    later = NOON + timedelta(days=2)
    sending = opened(key="later", expires_at=later + timedelta(hours=1))
    messaging.queue_messages(sending=sending, recipients=[(friend.pk, {"name": ""})], at=later)
    run(later)
    assert fates(sending)[friend.pk] == (Fate.REFUSED, "enough_this_week")


def test_the_exception_for_who_bought_lately_is_as_narrow_as_the_law() -> None:
    def bought(**changes: object) -> tuple[Fate, str]:
        buyer = somebody()
        said: dict[str, object] = {"sender": SHOP, "medium": "inbox", "goods": "noodles", "ended_at": NOON, **changes}
        people.note_sale_contact(person=buyer, **said)  # type: ignore[arg-type]
        key = f"s{buyer.pk}"
        sending = opened(key=key, reference=key, goods="noodles")
        messaging.queue_messages(sending=sending, recipients=[(buyer.pk, {"name": ""})], at=NOON)
        run()
        return fates(sending)[buyer.pk]

    assert bought() == (Fate.ARRIVED, "")
    no = (Fate.REFUSED, "no_consent")
    assert bought(sender="shop:another") == no
    assert bought(medium="text") == no
    assert bought(goods="coffee") == no
    assert bought(ended_at=NOON - timedelta(days=190)) == no
    assert bought(ended_at=NOON + timedelta(days=1)) == no


def test_a_text_that_may_not_be_sent_is_refused_before_anybody_is_queued() -> None:
    with pytest.raises(BadText) as refused:
        opened(kind=MessageKind.INFORMATION, body="오늘만 20% 할인!")
    assert refused.value.facts["faults"] == {"inbox": ["promotes"]}
    with pytest.raises(TooLate):
        opened(expires_at=NOON)
    with pytest.raises(BadText):
        opened(topic="")
    sending = opened()
    with pytest.raises(MissingVariable):
        messaging.queue_messages(sending=sending, recipients=[(1, None)], at=NOON)
    assert not Outgoing.objects.exists()


def test_a_million_rows_could_come_from_a_query() -> None:
    people_here = [somebody(Purpose.ADVERTISING).pk for _ in range(3)]
    sending = opened(title="오늘 저녁 반값")
    query = "SELECT id, NULL::jsonb FROM people_person WHERE id = ANY(%s)"
    assert messaging.queue_from(sending=sending, query=query, parameters=[people_here], at=NOON) == 3
    assert run() == 3


def test_a_restored_copy_sends_nothing_until_an_operator_says_so() -> None:
    from dure.people.errors import Latched

    friend = somebody(Purpose.ADVERTISING)
    sending = opened()
    messaging.queue_messages(sending=sending, recipients=[(friend.pk, {"name": ""})], at=NOON)
    assert messaging.turn_latch(at=NOON)
    assert messaging.turn_latch(at=NOON)
    with connection.cursor() as cursor:  # as it was in a backup of three turns ago
        cursor.execute("UPDATE messaging_latch SET epoch = epoch - 3")
    with pytest.raises(Latched):
        run()
    assert not Message.objects.exists()
    opened_it = CliRunner().invoke(cli.app, ["latch", "open"])
    assert opened_it.exception is None, opened_it.exception
    assert "빗장을 풀었어요" in opened_it.output
    assert run() == 1


def test_what_was_written_to_somebody_directly_counts_against_the_caps_too() -> None:
    friend = somebody(Purpose.ADVERTISING)
    for number in range(3):
        people.message_person(
            person=friend, sender=SHOP, sender_name="두레국수", kind=MessageKind.ADVERTISING, title="(광고) 반값", body="오세요",
            link="/", key=f"direct{number}", at=NOON,
        )  # fmt: skip
    sending = opened()
    messaging.queue_messages(sending=sending, recipients=[(friend.pk, {"name": ""})], at=NOON)
    run()
    assert fates(sending)[friend.pk] == (Fate.REFUSED, "enough_today")
    with pytest.raises(NotWanted):
        people.message_person(
            person=friend, sender=SHOP, sender_name="두레국수", kind=MessageKind.ADVERTISING, title="(광고) 또", body="오세요",
            link="/", key="direct3", at=NOON,
        )  # fmt: skip
