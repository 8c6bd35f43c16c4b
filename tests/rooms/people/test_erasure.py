"""Being forgotten is real: nothing that names the person is left in any table, but what the law keeps, apart."""

from datetime import UTC, date, datetime

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.apps import apps
from django.contrib.auth import SESSION_KEY
from django.db import IntegrityError, connection, transaction
from django.db.models import ForeignKey, ManyToManyField

from dure.kit import events
from dure.kit.events import Fact
from dure.messaging.values import MessageKind
from dure.people import actions as people
from dure.people import queries
from dure.people.errors import Erased, NoSuchPerson
from dure.people.events import PersonErased, PersonsMerged
from dure.people.models import Consent, Device, Person, Retained, Session
from dure.people.sessions import SessionStore
from dure.people.values import RETENTION, Purpose, RetainedKind

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NAME, EMAIL, PHONE = "카나리아새봄", "canary.saebom@example.com", "+821098765432"
SHOP = "shop:shp_noodles"

pytestmark = pytest.mark.django_db


@pytest.fixture
def canary() -> Person:
    """Somebody who left a trace in every table that can hold one."""
    person = people.open_account(name=NAME, email=EMAIL, phone=PHONE, password="a long password", at=NOON)
    device, _ = people.remember_device(at=NOON)
    people.claim_device(device=device, person=person, at=NOON)
    for purpose in Purpose:
        people.give_consent(
            person=person, sender=SHOP, purpose=purpose, source="join", proof={"seen": NAME}, by="guest", at=NOON
        )
    people.message_person(
        person=person,
        sender=SHOP,
        sender_name="마실국수",
        kind=MessageKind.INFORMATION,
        title=f"{NAME}님, 반가워요",
        body="",
        link="",
        key="hello",
        at=NOON,
    )
    kakao = SocialAccount.objects.create(user=person, provider="kakao", uid="k1", extra_data={"email": EMAIL})
    SocialToken.objects.create(account=kakao, token=PHONE)
    Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data={"name": NAME})
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session["email"] = EMAIL
    session.save()
    return person


def traces() -> set[str]:
    """Every table and column with the canary's name, address or number in it."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND data_type IN ('text', 'character varying', 'jsonb', 'ARRAY')"
        )
        for table, column in cursor.fetchall():
            cursor.execute(
                f'SELECT EXISTS (SELECT 1 FROM "{table}" WHERE "{column}"::text ~* %s)',
                [f"{NAME}|{EMAIL.replace('.', '[.]')}|{PHONE[1:]}"],
            )
            if cursor.fetchone()[0]:
                found.add(f"{table}.{column}")
    return found


def test_nothing_that_names_the_person_is_left_in_any_table(canary: Person) -> None:
    assert {"people_person.name", "messaging_message.title", "account_emailaddress.email"} <= traces()
    people.erase_person(person=canary, by="person", at=NOON)
    assert traces() == set()
    assert not canary.devices.exists()
    for left in (Consent, Session, SocialAccount, Authenticator, EmailAddress):
        assert not left._default_manager.exists(), left


@pytest.mark.parametrize("fact", [PersonErased, PersonsMerged])
def test_every_room_that_points_at_a_person_or_device_hears_at_once(fact: type[Fact]) -> None:
    """Or is written down here, with the reason: a new table with somebody's data cannot forget to let go of them."""
    pointing = {
        model._meta.app_label
        for model in apps.get_models()
        if model.__module__.startswith("dure.") and model._meta.app_label != "people"
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey | ManyToManyField) and field.related_model in (Person, Device)
    }
    at_once, _ = events.listeners()[fact]
    hearing = {hear.__module__.split(".")[1] for hear in at_once}
    # A guest works nowhere and owns nothing, and only guests are merged away; a payment code is a phone's, and follows it.
    excused = {"shops", "checkouts"} if fact is PersonsMerged else set()
    assert {"shops", "offers", "ordering", "regulars"} <= pointing, "the test finds what points at people"
    assert pointing - excused <= hearing


def test_the_law_keeps_advertising_consents_apart_under_a_pseudonym(canary: Person) -> None:
    people.erase_person(person=canary, by="person", at=NOON)
    (kept,) = queries.kept_about(EMAIL.upper())
    assert list(queries.kept_about("010-9876-5432")) == [kept]
    assert kept.keep_until == date(2027, 5, 23)
    assert kept.legal_basis == RETENTION[RetainedKind.ADVERTISING].legal_basis
    assert {said["purpose"] for said in kept.content["consents"]} == {
        "advertising", "night", "advertising-push", "advertising-phone", "advertising-mail",
    }  # fmt: skip
    assert canary.public_id not in str(kept.content)


def test_what_the_law_no_longer_keeps_goes_too(canary: Person) -> None:
    people.erase_person(person=canary, by="person", at=NOON)
    assert people.drop_retained(at=datetime(2027, 5, 23, 14, 59, tzinfo=UTC)) == 0
    assert people.drop_retained(at=datetime(2027, 5, 23, 15, 0, tzinfo=UTC)) == 1
    assert not Retained.objects.exists()


def test_erasing_twice_is_erasing_once(canary: Person) -> None:
    people.erase_person(person=canary, by="person", at=NOON)
    people.erase_person(person=canary, by="person", at=NOON)
    assert Retained.objects.count() == 1


def test_nobody_writes_to_the_forgotten_and_their_contact_is_free_again(canary: Person) -> None:
    people.erase_person(person=canary, by="person", at=NOON)
    with pytest.raises(Erased):
        people.message_person(
            person=canary,
            sender=SHOP,
            sender_name="마실국수",
            kind=MessageKind.INFORMATION,
            title="어디 계세요",
            body="",
            link="",
            key="k",
            at=NOON,
        )
    with pytest.raises(Erased):
        people.give_consent(person=canary, sender=SHOP, purpose=Purpose.TASTE, source="", proof={}, by="x", at=NOON)
    with pytest.raises(NoSuchPerson):
        queries.person_by_public_id(canary.public_id)
    assert people.open_account(email=EMAIL, phone=PHONE, at=NOON).pk != canary.pk


def test_the_database_keeps_the_stone_empty(canary: Person) -> None:
    people.erase_person(person=canary, by="person", at=NOON)
    with pytest.raises(IntegrityError, match="person_erased_is_empty"), transaction.atomic():
        Person.objects.filter(pk=canary.pk).update(email=EMAIL)


def test_consents_of_the_living_cannot_be_deleted_with_the_person(canary: Person) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        canary.delete()
