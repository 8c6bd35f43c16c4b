"""Everything done to persons, devices, consents and what is kept of the erased.

Who talks to a person and who withdraws a consent meet at the person's row: a permit shares the lock, a withdrawal, an
erasure and a merge take it alone. So the order in which they happen is the order in which they are acknowledged.
"""

from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import IntegrityError, connection, transaction

from dure.kit import events, ids
from dure.kit.clock import KST
from dure.kit.language import LANGUAGES
from dure.messaging import actions as messaging
from dure.people import queries, rules, values
from dure.people.errors import ContactTaken, Erased, NoSuchDay, NotAPhone, UnknownText
from dure.people.events import ConsentGiven, ConsentWithdrawn, PersonErased, PersonsMerged
from dure.people.models import (
    Attention,
    Birthday,
    Consent,
    Device,
    Notice,
    Person,
    Retained,
    SaleContact,
    Session,
    Standing,
)
from dure.people.values import (
    ALL_CONSENT_TEXTS,
    NETWORK_SENDER,
    NETWORK_TEXTS,
    NOT_ADVERTISING,
    RESTS_ON_IT,
    RETENTION,
    Purpose,
    RetainedKind,
    inbox_address,
    text_for,
)

UNPROVEN_LASTS = timedelta(days=1)


# Persons and their devices


def open_account(
    *,
    at: datetime,
    email: str | None = None,
    phone: str | None = None,
    name: str = "",
    password: str | None = None,
    operator: bool = False,
    proven: bool = True,
    language: str = "ko",
) -> Person:
    """Make a person who can log in with this e-mail address or phone number.

    `proven` says that we know the contact is theirs; a login code proves it otherwise. Refuses: ContactTaken, NotAPhone.
    """
    number = None
    if phone:
        number = values.e164(phone)
        if number is None:
            raise NotAPhone
    try:
        with transaction.atomic():
            person = Person.objects.create_user(
                email=email.strip().lower() if email else None,
                password=password,
                phone=number,
                phone_verified=bool(number) and proven,
                name=name,
                is_staff=operator,
                is_superuser=operator,
                language=language,
                created_at=at,
            )
            if person.email:
                EmailAddress.objects.create(user=person, email=person.email, verified=proven, primary=True)
    except IntegrityError as error:
        raise ContactTaken from error
    return person


def blank_person(*, at: datetime) -> Person:
    """Somebody new, not stored yet: a login through another house (Kakao) fills in what it knows and stores it."""
    return Person(public_id=ids.new_public_id("per"), created_at=at)


def set_phone(*, person: Person, phone: str, verified: bool) -> None:
    """Give a person this phone number instead of the one before. Refuses: ContactTaken, NotAPhone. Safe to repeat."""
    number = values.e164(phone)
    if number is None:
        raise NotAPhone
    try:
        with transaction.atomic():
            Person.objects.filter(pk=person.pk, erased_at__isnull=True).update(phone=number, phone_verified=verified)
    except IntegrityError as error:
        raise ContactTaken from error
    person.phone, person.phone_verified = number, verified


@transaction.atomic
def admit_person(*, person: Person, active: bool, by: str, at: datetime) -> None:
    """Keep a person out (their logins end at once), or let them in again. Refuses: Erased. Safe to repeat."""
    (held,) = hold_alone(person.pk)
    Person.objects.filter(pk=held.pk).update(is_active=active)
    if not active:
        Session.objects.filter(person=held).delete()


def forget_keys(*, person: Person, by: str, at: datetime) -> None:
    """For somebody who lost their passkeys and recovery codes and has proven otherwise who they are: they log in as before
    they enrolled any, and every login of theirs ends. Refuses: Erased. Safe to repeat."""
    (held,) = hold_alone(person.pk)
    Authenticator.objects.filter(user=held).delete()
    Session.objects.filter(person=held).delete()


def drop_unproven(*, at: datetime) -> int:
    """Delete accounts that somebody typed a contact for and never proved within a day; says how many."""
    stale = Person.objects.filter(
        created_at__lt=at - UNPROVEN_LASTS,
        last_login__isnull=True,
        phone_verified=False,
        password__startswith=UNUSABLE_PASSWORD_PREFIX,
    ).exclude(email__isnull=True, phone__isnull=True)
    stale = stale.exclude(pk__in=EmailAddress.objects.filter(verified=True).values("user_id"))
    stale = stale.filter(devices__isnull=True, consents__isnull=True, erased_at__isnull=True)
    dropped = 0
    for person in stale.only("pk"):
        person.delete()
        dropped += 1
    return dropped


def remember_device(*, at: datetime, secret: str | None = None) -> tuple[Device, str]:
    """The device with this secret; a new one with a new secret when it is unknown. Nobody chooses their own secret."""
    known = queries.device_by_secret(secret) if secret else None
    if known is not None and secret is not None:
        return known, secret
    fresh = ids.new_secret()
    return Device.objects.create(secret_hash=rules.secret_hash(fresh), created_at=at), fresh


@transaction.atomic
def ensure_person(*, device: Device, at: datetime) -> Person:
    """The person behind a device; a guest without a name when there is none yet. Safe to repeat, from two tabs too."""
    # Without a join: what a lock waited for is seen in the locked row, but not in the rows joined to it.
    locked = Device.objects.select_for_update().get(pk=device.pk)
    if locked.person is None:
        locked.person = Person.objects.create_user(created_at=at)
        locked.save(update_fields=["person"])
    device.person = locked.person
    return locked.person


@transaction.atomic
def claim_device(*, device: Device, person: Person, at: datetime) -> Device:
    """Whoever just logged in on this device is the person behind it.

    A guest who used it until now turns out to be that person: their consents, messages and devices move over, and
    PersonsMerged lets the other rooms move theirs at once. Another account's things stay with the other account. Call
    it across shops. Safe to repeat.
    """
    locked = Device.objects.select_for_update().get(pk=device.pk)
    before = locked.person_id
    if before is not None and before != person.pk:
        held = {one.pk: one for one in hold_alone(before, person.pk)}
        if held[before].is_guest:
            _merge(kept=held[person.pk], gone=held[before], at=at)
    Device.objects.filter(pk=locked.pk).update(person=person)
    device.person = person
    return device


def _merge(*, kept: Person, gone: Person, at: datetime) -> None:
    for said in Consent.objects.filter(person=gone).order_by("at", "id"):
        moved = Consent.objects.create(
            person=kept,
            sender=said.sender,
            purpose=said.purpose,
            granted=said.granted,
            text_version=said.text_version,
            source=said.source,
            proof={**said.proof, "said_as": gone.public_id},
            at=said.at,
        )
        Notice.objects.filter(consent=said).update(consent=moved, person=kept)
    messaging.move_inbox(
        address=inbox_address(gone.public_id),
        to=inbox_address(kept.public_id),
        recipient=gone.pk,
        to_recipient=kept.pk,
    )
    if not Attention.objects.filter(person=kept).exists():
        Attention.objects.filter(person=gone).update(person=kept)
    if not Birthday.objects.filter(person=kept).exists():
        Birthday.objects.filter(person=gone).update(person=kept)
    for sale in SaleContact.objects.filter(person=gone):
        _keep_newer(sale, kept)
    Device.objects.filter(person=gone).update(person=kept)
    events.publish(PersonsMerged(kept_id=kept.pk, gone_id=gone.pk, at=at))
    _empty(gone, at)


def _keep_newer(sale: SaleContact, kept: Person) -> None:
    same = SaleContact.objects.filter(sender=sale.sender, person=kept, medium=sale.medium, goods=sale.goods).first()
    if same is None:
        SaleContact.objects.filter(pk=sale.pk).update(person=kept)
    elif same.ended_at < sale.ended_at:
        SaleContact.objects.filter(pk=same.pk).update(ended_at=sale.ended_at)


def keep_language(*, person: Person, language: str) -> None:
    """Write to this person in `language` from now on. Repeat-safe; nothing happens where it is not one of ours."""
    if language in LANGUAGES and person.language != language:
        Person.objects.filter(pk=person.pk, erased_at=None).update(language=language)
        person.language = language


# Consents


@transaction.atomic
def give_consent(
    *,
    person: Person,
    sender: str,
    purpose: Purpose,
    source: str,
    proof: dict[str, Any],
    by: str,
    at: datetime,
    text_version: str = "",
) -> Consent:
    """Write down a yes to the text shown (today's, unless `text_version` names another we showed).

    Refuses: UnknownText, Erased. Says ConsentGiven. A second yes to the same text is the first one.
    """
    version = text_version or text_for(sender, purpose).version
    if not any(
        text.version == version and text.purpose == purpose for text in (*ALL_CONSENT_TEXTS, *NETWORK_TEXTS.values())
    ):
        raise UnknownText
    (held,) = hold_alone(person.pk)
    newest = _newest(held, sender, purpose)
    if newest is not None and newest.granted and newest.text_version == version:
        return newest
    consent = _say(held, sender, purpose, True, version, source, {**proof, "by": by}, newest, at)
    events.publish(ConsentGiven(person_id=held.pk, sender=sender, purpose=str(purpose), at=at))
    return consent


@transaction.atomic
def withdraw_consent(
    *, person: Person, sender: str, purpose: Purpose, source: str, proof: dict[str, Any], by: str, at: datetime
) -> None:
    """Write down a no, and a no to whatever rests on it: no advertising at night without advertising.

    When it returns and the caller commits, nothing that needed the consent is handed over any more. Refuses: Erased.
    Says ConsentWithdrawn for each. Safe to repeat: a second no writes nothing.
    """
    (held,) = hold_alone(person.pk)
    for each in (purpose, *RESTS_ON_IT[purpose]):
        newest = _newest(held, sender, each)
        if newest is None and each != purpose:
            continue
        if newest is not None and not newest.granted:
            continue
        version = newest.text_version if newest else text_for(sender, each).version
        _say(held, sender, each, False, version, source, {**proof, "by": by}, newest, at)
        events.publish(ConsentWithdrawn(person_id=held.pk, sender=sender, purpose=str(each), at=at))
    if purpose == Purpose.BIRTHDAY:
        Birthday.objects.filter(person=held).delete()


@transaction.atomic
def keep_birthday(
    *, person: Person, month: int, day: int, source: str, proof: dict[str, Any], by: str, at: datetime
) -> Birthday:
    """Keep the day on which a person likes to be congratulated, with their consent to just that; the newest day holds.
    `withdraw_consent` takes both away. Refuses: NoSuchDay, Erased. Says ConsentGiven."""
    if not rules.is_day(month, day):
        raise NoSuchDay
    give_consent(
        person=person, sender=NETWORK_SENDER, purpose=Purpose.BIRTHDAY, source=source, proof=proof, by=by, at=at
    )
    kept, _ = Birthday.objects.update_or_create(person=person, defaults={"month": month, "day": day, "given_at": at})
    return kept


def _newest(person: Person, sender: str, purpose: Purpose) -> Consent | None:
    said = Consent.objects.filter(person=person, sender=sender, purpose=purpose)
    return said.order_by("-at", "-id").first()


def _say(
    person: Person,
    sender: str,
    purpose: Purpose,
    granted: bool,
    text_version: str,
    source: str,
    proof: dict[str, Any],
    newest: Consent | None,
    at: datetime,
) -> Consent:
    # Clocks of two processes may differ by a breath; the word said later must be the newest all the same.
    said_at = max(at, newest.at) if newest else at
    return Consent.objects.create(
        person=person,
        sender=sender,
        purpose=purpose,
        granted=granted,
        text_version=text_version,
        source=source,
        proof=proof,
        at=said_at,
    )


# Being forgotten


@transaction.atomic
def erase_person(*, person: Person, by: str, at: datetime) -> None:
    """Forget a person: everything about them goes now, except what the law keeps, apart and under a pseudonym.

    PersonErased is heard at once: a room that must not lose this person yet refuses, and then nothing happened. Call it
    across shops. Safe to repeat.
    """
    _queue_for(person.pk)
    locked = Person.objects.select_for_update().get(pk=person.pk)
    if locked.erased_at is not None:
        return
    events.publish(PersonErased(person_id=locked.pk, public_id=locked.public_id, at=at))
    history = [
        {
            "sender": said.sender,
            "purpose": said.purpose,
            "granted": said.granted,
            "text_version": said.text_version,
            "source": said.source,
            "at": said.at.isoformat(),
        }
        for said in queries.consent_history(locked)
        if said.purpose not in NOT_ADVERTISING
    ]
    if history:
        keep_by_law(person=locked, kind=RetainedKind.ADVERTISING, content={"consents": history}, at=at)
    messaging.forget_address(address=inbox_address(locked.public_id), recipient=locked.pk)
    Device.objects.filter(person=locked).delete()
    _empty(locked, at)


@transaction.atomic
def keep_by_law(*, person: Person, kind: RetainedKind, content: dict[str, Any], at: datetime) -> Retained:
    """Keep, apart, what the law says about somebody who is about to be erased. `content` names no person.

    Call it while hearing PersonErased: the contacts are still there, and only their keyed hashes are kept.
    """
    rule = RETENTION[kind]
    contacts = [contact for contact in (person.email, person.phone) if contact] or [person.public_id]
    return Retained.objects.create(
        public_id=ids.new_public_id("ret"),
        subjects=[rules.pseudonym(contact, settings.SECRET_KEY) for contact in contacts],
        kind=kind,
        legal_basis=rule.legal_basis,
        content=content,
        kept_at=at,
        keep_until=rules.months_after(at.astimezone(KST).date(), rule.months),
    )


def drop_retained(*, at: datetime) -> int:
    """Delete what the law no longer makes us keep; says how many. Safe to repeat."""
    dropped, _ = Retained.objects.filter(keep_until__lt=at.astimezone(KST).date()).delete()
    return dropped


def _empty(person: Person, at: datetime) -> None:
    """Leave an empty stone: no name, no contact, no way to log in, no consent."""
    EmailAddress.objects.filter(user=person).delete()
    SocialAccount.objects.filter(user=person).delete()
    Authenticator.objects.filter(user=person).delete()
    Session.objects.filter(person=person).delete()
    person.groups.clear()
    person.user_permissions.clear()
    person.name, person.email, person.phone, person.phone_verified = "", None, None, False
    person.ordinal, person.language, person.last_login = None, "ko", None
    person.is_active = person.is_staff = person.is_superuser = False
    person.set_unusable_password()
    person.erased_at = at
    person.save()
    # The table refuses to delete a consent unless its person was erased, which is why this comes last.
    for model in (Attention, Birthday, SaleContact, Notice, Standing, Consent):
        model.objects.filter(person=person).delete()


def hold_alone(*person_ids: int) -> list[Person]:
    """Lock persons, in the order of their ids, against permits, withdrawals and each other. Refuses: Erased.

    A batch that is just being handed over keeps us waiting as long as its provider may take to answer, and a no must not
    fail for that: so this waits longer than a page otherwise may.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '15s'")
        cursor.execute("SET LOCAL statement_timeout = '20s'")
    _queue_for(*person_ids)
    held = list(Person.objects.select_for_update(no_key=True).filter(pk__in=person_ids).order_by("pk"))
    if any(one.erased_at is not None for one in held) or len(held) != len(set(person_ids)):
        raise Erased
    return held


def _queue_for(*person_ids: int) -> None:
    """Wait for the permits that were asked for before us, and keep those waiting that are asked for after us."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('people.person', person)) FROM unnest(%s::bigint[]) AS person",
            [sorted(set(person_ids))],
        )
