"""The consent ledger: every yes and no is kept, the last word holds, and no history lets an illegal message out."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from dure.kit.clock import KST
from dure.messaging import actions as messaging
from dure.messaging.errors import NotPermitted
from dure.messaging.models import Message
from dure.messaging.values import MessageKind
from dure.people import actions as people
from dure.people import queries, rules
from dure.people.errors import NightTime, NoConsent, NotMarked, UnknownText
from dure.people.models import Consent, Person
from dure.people.values import ALL_CONSENT_TEXTS, CONSENT_TEXTS, Purpose, inbox_address

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SHOP = "shop:shp_noodles"
WORDS_AGREED_TO = {
    "friendship-1": "3b9bb0800532",
    "advertising-1": "d3f0a64f2515",
    "night-1": "4d34ba3d13bc",
    "taste-1": "560c495bfed3",
    "advertising-push-1": "034b0de242a0",
    "advertising-phone-1": "16c5ef32a397",
    "advertising-mail-1": "61b969dc99e8",
    "birthday-1": "015c2ffaafd8",
}
AD = {"title": "(광고) 오늘 저녁 반값", "body": "마실국수로 오세요.", "link": ""}


@pytest.fixture
def person(db: None) -> Person:
    device, _ = people.remember_device(at=NOON)
    return people.ensure_person(device=device, at=NOON)


def agree(person: Person, purpose: Purpose, *, at: datetime = NOON, sender: str = SHOP) -> Consent:
    return people.give_consent(
        person=person, sender=sender, purpose=purpose, source="join page", proof={}, by="guest:dev_1", at=at
    )


def refuse(person: Person, purpose: Purpose, *, at: datetime = NOON, sender: str = SHOP) -> None:
    people.withdraw_consent(
        person=person, sender=sender, purpose=purpose, source="my page", proof={}, by="guest:dev_1", at=at
    )


def advertise(person: Person, *, at: datetime = NOON, key: str = "ad1", **changes: str) -> Message:
    return people.message_person(
        person=person,
        sender=SHOP,
        sender_name="마실국수",
        kind=MessageKind.ADVERTISING,
        key=key,
        at=at,
        **{**AD, **changes},
    )


def test_each_yes_keeps_its_text_time_source_and_who_wrote_it_down(person: Person) -> None:
    said = agree(person, Purpose.ADVERTISING)
    assert said.text_version == CONSENT_TEXTS[Purpose.ADVERTISING].version
    assert (said.at, said.source, said.proof) == (NOON, "join page", {"by": "guest:dev_1"})


def test_a_second_yes_is_the_first_one_and_a_second_no_writes_nothing(person: Person) -> None:
    assert agree(person, Purpose.TASTE) == agree(person, Purpose.TASTE, at=NOON + timedelta(hours=1))
    refuse(person, Purpose.TASTE)
    refuse(person, Purpose.TASTE)
    assert [said.granted for said in queries.consent_history(person)] == [False, True]


def test_a_yes_to_a_text_nobody_showed_is_refused(person: Person) -> None:
    with pytest.raises(UnknownText):
        people.give_consent(
            person=person,
            sender=SHOP,
            purpose=Purpose.NIGHT,
            source="form",
            proof={},
            by="guest:dev_1",
            at=NOON,
            text_version=CONSENT_TEXTS[Purpose.TASTE].version,
        )


def test_a_no_takes_back_whatever_rests_on_it_and_a_new_yes_does_not_bring_it_back(person: Person) -> None:
    for purpose in set(Purpose) - {Purpose.BIRTHDAY}:  # which is told to the network, and rests on no shop's
        agree(person, purpose)
    refuse(person, Purpose.ADVERTISING)
    assert set(queries.consents_held(person, SHOP)) == {Purpose.FRIENDSHIP, Purpose.TASTE}
    agree(person, Purpose.ADVERTISING)
    assert Purpose.NIGHT not in queries.consents_held(person, SHOP)
    refuse(person, Purpose.FRIENDSHIP)
    assert queries.consents_held(person, SHOP) == {}


def test_a_no_said_later_holds_although_its_clock_is_behind(person: Person) -> None:
    agree(person, Purpose.ADVERTISING, at=NOON)
    refuse(person, Purpose.ADVERTISING, at=NOON - timedelta(seconds=3))
    assert not queries.consent_holds(person, SHOP, Purpose.ADVERTISING)
    with pytest.raises(NoConsent):
        advertise(person)


def test_what_held_at_an_instant_can_be_asked(person: Person) -> None:
    agree(person, Purpose.ADVERTISING, at=NOON)
    refuse(person, Purpose.ADVERTISING, at=NOON + timedelta(hours=2))
    assert queries.consent_holds(person, SHOP, Purpose.ADVERTISING, NOON + timedelta(hours=1))
    assert not queries.consent_holds(person, SHOP, Purpose.ADVERTISING, NOON - timedelta(hours=1))
    assert [(said.purpose, said.granted) for said in queries.consents_of(person)] == [("advertising", False)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE people_consent SET granted = true",
        "DELETE FROM people_consent",
        "TRUNCATE people_consent",
    ],
)
def test_the_database_refuses_to_rewrite_history(person: Person, statement: str) -> None:
    agree(person, Purpose.ADVERTISING)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            cursor.execute(statement)


def test_advertising_needs_consent_from_this_sender_and_its_mark(person: Person) -> None:
    agree(person, Purpose.ADVERTISING, sender="shop:another")
    with pytest.raises(NoConsent):
        advertise(person)
    agree(person, Purpose.ADVERTISING)
    for title in ("오늘 저녁 반값", " (광고) 반값", "[광고] 반값", "(광 고) 반값"):
        with pytest.raises(NotMarked):
            advertise(person, title=title)
    assert advertise(person).basis == f"consent:{queries.consents_held(person, SHOP)[Purpose.ADVERTISING].pk}"


def korean(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, second, tzinfo=KST)


@pytest.mark.parametrize("at", [korean(21), korean(23, 59, 59), korean(0), korean(7, 59, 59)])
def test_at_night_advertising_needs_its_own_consent(person: Person, at: datetime) -> None:
    agree(person, Purpose.ADVERTISING)
    with pytest.raises(NightTime):
        advertise(person, at=at)
    agree(person, Purpose.NIGHT)
    assert advertise(person, at=at).sent_at == at


@pytest.mark.parametrize("at", [korean(8), korean(20, 59, 59)])
def test_by_day_it_does_not(person: Person, at: datetime) -> None:
    agree(person, Purpose.ADVERTISING)
    assert advertise(person, at=at).sent_at == at


def test_a_permit_from_the_last_second_of_the_day_does_not_reach_into_the_night(person: Person) -> None:
    agree(person, Purpose.ADVERTISING)
    permit = people.permit_message(
        person=person, sender=SHOP, kind=MessageKind.ADVERTISING, at=korean(20, 59, 59), **AD
    )
    with pytest.raises(NotPermitted):
        messaging.send_message(permit=permit, sender_name="마실국수", key="ad1", at=korean(21), **AD)


def test_information_needs_no_consent_by_day_or_night(person: Person) -> None:
    sent = people.message_person(
        person=person,
        sender=SHOP,
        sender_name="마실국수",
        kind=MessageKind.INFORMATION,
        title="주문이 준비됐어요",
        body="",
        link="",
        key="ready:1",
        at=korean(23),
    )
    assert (sent.address, sent.basis) == (inbox_address(person.public_id), "service")


def test_every_minute_of_a_day_is_night_exactly_from_nine_to_eight() -> None:
    midnight = korean(0)
    for minute in range(24 * 60):
        at = midnight + timedelta(minutes=minute)
        assert rules.is_night(at.astimezone(UTC)) == (minute < 8 * 60 or minute >= 21 * 60), at
        assert at < rules.night_after(at) <= at + timedelta(days=1)


def test_a_changed_consent_text_has_a_new_version() -> None:
    """People agreed to these very words: a new wording is a new entry at the end of ALL_CONSENT_TEXTS."""

    def fingerprint(*words: str) -> str:
        return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]

    shown = {
        text.version: fingerprint(*(w for t in (text.question, text.body, text.refusal) for w in (t.ko, t.en)))
        for text in ALL_CONSENT_TEXTS
    }
    assert shown == WORDS_AGREED_TO
    assert set(CONSENT_TEXTS) == set(Purpose)


@dataclass(frozen=True)
class Step:
    """Something that may happen to one person in any order."""

    what: str
    purpose: Purpose
    sender: str
    minutes: int
    title: str
    delay: int


steps = st.builds(
    Step,
    what=st.sampled_from(["yes", "no", "advertise", "advertise", "advertise"]),
    purpose=st.sampled_from([Purpose.ADVERTISING, Purpose.NIGHT, Purpose.FRIENDSHIP]),
    sender=st.sampled_from([SHOP, "shop:another"]),
    minutes=st.integers(0, 600),
    title=st.sampled_from(["(광고) 반값", "반값"]),
    delay=st.integers(-30, 90),
)


class NoHistoryLetsAnIllegalMessageOut(TestCase):
    """Whatever people say in whatever order, and however late the hand-over, what was sent was allowed when it was sent."""

    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(story=st.lists(steps, min_size=1, max_size=12))
    def test_whatever_happens(self, story: list[Step]) -> None:
        device, _ = people.remember_device(at=NOON)
        person = people.ensure_person(device=device, at=NOON)
        now, holds = NOON, set[tuple[str, Purpose]]()
        for number, step in enumerate(story):
            now += timedelta(minutes=step.minutes)
            if step.what == "yes":
                agree(person, step.purpose, at=now, sender=step.sender)
                holds.add((step.sender, step.purpose))
            elif step.what == "no":
                refuse(person, step.purpose, at=now, sender=step.sender)
                gone = {
                    Purpose.FRIENDSHIP: {Purpose.FRIENDSHIP, Purpose.ADVERTISING, Purpose.NIGHT},
                    Purpose.ADVERTISING: {Purpose.ADVERTISING, Purpose.NIGHT},
                    Purpose.NIGHT: {Purpose.NIGHT},
                }[step.purpose]
                holds -= {(step.sender, purpose) for purpose in gone}
            else:
                later = now + timedelta(seconds=step.delay)
                text = {"title": step.title, "body": "", "link": ""}
                here = later.astimezone(KST)
                day = 8 <= here.hour < 21
                lawful = (
                    (step.sender, Purpose.ADVERTISING) in holds
                    and step.title.startswith("(광고)")
                    and (day or (step.sender, Purpose.NIGHT) in holds)
                )
                try:
                    permit = people.permit_message(
                        person=person, sender=step.sender, kind=MessageKind.ADVERTISING, at=now, **text
                    )
                    messaging.send_message(permit=permit, sender_name="가게", key=f"{number}", at=later, **text)
                except NotPermitted:
                    prompt = 0 <= step.delay < 60 and rules.is_night(now) == rules.is_night(later)
                    assert not (lawful and prompt), "a lawful, prompt message was refused"
                else:
                    assert lawful, "an illegal message went out"
