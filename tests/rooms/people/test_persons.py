"""Devices, guests, accounts, and a guest who turns out to be somebody we know."""

from datetime import UTC, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress

from dure.messaging import queries as messaging
from dure.messaging.values import MessageKind
from dure.people import actions as people
from dure.people import queries, values
from dure.people.errors import ContactTaken, NotAPhone
from dure.people.models import Device, Person
from dure.people.values import Purpose, inbox_address

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SHOP = "shop:shp_noodles"

pytestmark = pytest.mark.django_db


def test_a_device_is_known_by_a_secret_of_which_only_the_hash_is_kept() -> None:
    device, secret = people.remember_device(at=NOON)
    assert queries.device_by_secret(secret) == device
    assert people.remember_device(secret=secret, at=NOON) == (device, secret)
    assert secret.encode() not in bytes(device.secret_hash)
    assert queries.device_by_secret(secret + "x") is None


def test_nobody_chooses_their_own_secret() -> None:
    _, secret = people.remember_device(secret="I would like this one", at=NOON)
    assert secret != "I would like this one"
    assert queries.device_by_secret("I would like this one") is None


def test_a_device_gets_one_guest_however_often_it_is_asked() -> None:
    device, _ = people.remember_device(at=NOON)
    guest = people.ensure_person(device=device, at=NOON)
    assert people.ensure_person(device=Device.objects.get(pk=device.pk), at=NOON) == guest
    assert guest.is_guest
    assert not guest.has_usable_password()


def test_a_guest_who_logs_in_brings_consents_messages_and_devices_along() -> None:
    device, _ = people.remember_device(at=NOON)
    guest = people.ensure_person(device=device, at=NOON)
    second, _ = people.remember_device(at=NOON)
    people.claim_device(device=second, person=guest, at=NOON)
    account = people.open_account(email="kim@example.com", at=NOON)
    said = {"sender": SHOP, "source": "join", "proof": {}, "by": "guest"}
    people.give_consent(person=account, purpose=Purpose.ADVERTISING, at=NOON, **said)  # type: ignore[arg-type]
    people.give_consent(person=account, purpose=Purpose.TASTE, at=NOON + timedelta(hours=2), **said)  # type: ignore[arg-type]
    people.give_consent(person=guest, purpose=Purpose.ADVERTISING, at=NOON, **said)  # type: ignore[arg-type]
    people.withdraw_consent(person=guest, purpose=Purpose.ADVERTISING, at=NOON + timedelta(hours=1), **said)  # type: ignore[arg-type]
    people.withdraw_consent(person=guest, purpose=Purpose.TASTE, at=NOON + timedelta(hours=1), **said)  # type: ignore[arg-type]
    people.message_person(
        person=guest,
        sender=SHOP,
        sender_name="마실국수",
        kind=MessageKind.INFORMATION,
        title="쿠폰이 왔어요",
        body="",
        link="",
        key="coupon",
        at=NOON,
    )

    people.claim_device(device=device, person=account, at=NOON + timedelta(hours=3))

    assert set(queries.consents_held(account, SHOP)) == {Purpose.TASTE}, "of two last words the later one holds"
    assert messaging.unread_count(inbox_address(account.public_id)) == 1
    assert {d.pk for d in account.devices.all()} == {device.pk, second.pk}
    assert Person.objects.get(pk=guest.pk).erased_at is not None
    people.claim_device(device=device, person=account, at=NOON + timedelta(hours=4))


def test_another_account_on_the_same_phone_keeps_its_things() -> None:
    device, _ = people.remember_device(at=NOON)
    first = people.open_account(email="kim@example.com", at=NOON)
    second = people.open_account(email="lee@example.com", at=NOON)
    people.claim_device(device=device, person=first, at=NOON)
    people.claim_device(device=device, person=second, at=NOON)
    assert list(second.devices.all()) == [device]
    assert Person.objects.get(pk=first.pk).erased_at is None


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("010-1234-5678", "+821012345678"),
        ("+82 10 1234 5678", "+821012345678"),
        ("０１０１２３４５６７８", "+821012345678"),
        ("+1 650 253 0000", "+16502530000"),
        ("12345", None),
        ("", None),
        ("국수", None),
        ("9" * 500, None),
    ],
)
def test_a_phone_number_is_one_number_however_it_is_written(written: str, number: str | None) -> None:
    assert values.e164(written) == number


def test_a_contact_belongs_to_one_account() -> None:
    people.open_account(email="kim@example.com", phone="01012345678", at=NOON)
    with pytest.raises(ContactTaken):
        people.open_account(email="KIM@example.com", at=NOON)
    with pytest.raises(ContactTaken):
        people.open_account(phone="+82-10-1234-5678", at=NOON)
    with pytest.raises(NotAPhone):
        people.open_account(phone="12", at=NOON)


def test_an_account_nobody_proved_is_gone_after_a_day_and_no_other() -> None:
    people.open_account(email="typed@example.com", proven=False, at=NOON)
    people.open_account(phone="01012345678", proven=False, at=NOON)
    proven = people.open_account(email="kim@example.com", at=NOON)
    guest = people.ensure_person(device=people.remember_device(at=NOON)[0], at=NOON)
    assert people.drop_unproven(at=NOON + timedelta(hours=23)) == 0
    assert people.drop_unproven(at=NOON + timedelta(hours=25)) == 2
    assert set(Person.objects.all()) == {proven, guest}
    assert EmailAddress.objects.count() == 1
