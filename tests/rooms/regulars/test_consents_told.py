"""What a friend is told about a yes or no: within 14 days, again after two years, once each, with the shop's name."""

from datetime import timedelta

from dure.kit import clock
from dure.kit.clock import KST
from dure.messaging.models import Message
from dure.people import actions as people
from dure.people.models import Notice, Person
from dure.people.values import NoticeKind, Purpose, inbox_address
from dure.regulars.jobs import tell_consents
from tests.rooms.ordering.conftest import NOON, Place, place

__all__ = ["place"]


def told(person: Person) -> list[Message]:
    return list(Message.objects.filter(address=inbox_address(person.public_id)).order_by("pk"))


def test_a_yes_and_a_no_are_each_told_once_with_the_shops_name(place: Place) -> None:
    person = people.open_account(email="told@dure.example", at=NOON)
    sender = f"shop:{place.shop.public_id}"
    for when, act in ((NOON, people.give_consent), (NOON + timedelta(days=1), people.withdraw_consent)):
        act(person=person, sender=sender, purpose=Purpose.ADVERTISING, source="t", proof={}, by="t", at=when)
        with clock.showing(lambda when=when: when + timedelta(hours=1)):  # type: ignore[misc]
            tell_consents(0)
            tell_consents(0)
    messages = told(person)
    assert ["동의하셨어요" in m.body for m in messages] == [True, False]
    assert "거부하셨어요" in messages[1].body
    assert all(place.shop.name in m.body and sender not in m.body for m in messages)
    assert Notice.objects.filter(person=person, kind=NoticeKind.RESULT).count() == 2


def test_after_two_years_a_standing_yes_is_told_again_and_a_withdrawn_one_is_not(place: Place) -> None:
    stays, left = (people.open_account(email=f"{name}@dure.example", at=NOON) for name in ("stays", "left"))
    asked = {"sender": f"shop:{place.shop.public_id}", "purpose": Purpose.ADVERTISING, "source": "t", "by": "t"}
    for person in (stays, left):
        people.give_consent(person=person, proof={}, at=NOON, **asked)  # type: ignore[arg-type]
    people.withdraw_consent(person=left, proof={}, at=NOON + timedelta(days=1), **asked)  # type: ignore[arg-type]
    counts = []
    for days in (300, 690, 702, 703, 1100, 1440):
        with clock.showing(lambda days=days: NOON + timedelta(days=days)):  # type: ignore[misc]
            tell_consents(0)
        counts.append(Notice.objects.filter(person=stays, kind=NoticeKind.RENEWAL).count())
    assert counts == [0, 0, 1, 1, 1, 2]
    assert not told(left)
    body = told(stays)[0].body
    assert f"{NOON.astimezone(KST):%Y-%m-%d}" in body, "the day of the consent itself"
    assert place.shop.name in body
