import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from dure.kit.clock import KST
from dure.kit.sql import written_once
from dure.messaging import queries as messages
from dure.messaging.models import Sending
from dure.messaging.values import Medium, MessageKind
from dure.people import rules, values
from dure.people.errors import NoSuchPerson, TooMuchAtOnce
from dure.people.models import Attention, Birthday, Consent, Device, Notice, Person, Retained, SaleContact, Session
from dure.people.values import (
    ALL_CONSENT_TEXTS,
    EVERYBODY,
    MEDIUM_PURPOSE,
    NETWORK_TEXTS,
    NoticeKind,
    Purpose,
    topic_sender,
)


def person_by_public_id(public_id: str) -> Person:
    """Somebody who was not erased. Refuses: NoSuchPerson."""
    found = Person.objects.filter(public_id=public_id, erased_at__isnull=True).first()
    if found is None:
        raise NoSuchPerson
    return found


def person_by_email(email: str) -> Person | None:
    return Person.objects.filter(email=email.strip().lower()).first()


def person_by_phone(phone: str) -> Person | None:
    """By a phone number in any way of writing it."""
    number = values.e164(phone)
    return Person.objects.filter(phone=number).first() if number else None


def device_by_secret(secret: str) -> Device | None:
    """The phone whose cookie this is."""
    return next(iter(_devices(rules.secret_hash(secret))), None)


@written_once
def _devices(secret_hash: bytes) -> QuerySet[Device]:
    return Device.objects.select_related("person").filter(secret_hash=secret_hash)


@written_once
def sessions_alive(session_key: str, at: datetime) -> QuerySet[Session]:
    """The login with this key and its person, unless it is over."""
    return Session.objects.select_related("person").filter(session_key=session_key, expire_date__gt=at)


@written_once
def persons_numbered(number: int) -> QuerySet[Person]:
    """The person whom a session names, if they are there."""
    return Person.objects.filter(pk=number)


def consents_of(person: Person) -> list[Consent]:
    """What holds today: the newest yes or no for each sender and purpose."""
    newest = Consent.objects.filter(person=person).order_by("sender", "purpose", "-at", "-id")
    return list(newest.distinct("sender", "purpose"))


def consent_history(person: Person) -> QuerySet[Consent]:
    """Every yes and no, newest first."""
    return Consent.objects.filter(person=person).order_by("-at", "-id")


def consents_held(person: Person, sender: str) -> dict[Purpose, Consent]:
    """The purposes for which the person's last word to this sender was yes."""
    newest = Consent.objects.filter(person=person, sender=sender).order_by("purpose", "-at", "-id").distinct("purpose")
    return {Purpose(consent.purpose): consent for consent in newest if consent.granted}


def consent_holds(person: Person, sender: str, purpose: Purpose, at: datetime | None = None) -> bool:
    """Whether the last word was yes: now, or as it stood `at` an instant."""
    said = Consent.objects.filter(person=person, sender=sender, purpose=purpose)
    if at is not None:
        said = said.filter(at__lte=at)
    newest = said.order_by("-at", "-id").first()
    return newest is not None and newest.granted


INSPECTION_MOST = 200_000


def consents_for_inspection(
    *, person: Person | None, since: datetime | None, until: datetime | None
) -> list[tuple[str | int, ...]]:
    """Every yes and no of a person or of a period (`since` <= at < `until`), oldest first, under a line of titles: the text's
    version and its words, when, where and by what proof, and when the person was told what came of it.

    Refuses a period with more than `INSPECTION_MOST` rows: TooMuchAtOnce.
    """
    rows = Consent.objects.select_related("person").order_by("at", "id")
    rows = rows.filter(person=person) if person else rows
    rows = rows.filter(at__gte=since) if since else rows
    rows = rows.filter(at__lt=until) if until else rows
    if rows[: INSPECTION_MOST + 1].count() > INSPECTION_MOST:
        raise TooMuchAtOnce
    told = dict(Notice.objects.filter(consent__in=rows, kind=NoticeKind.RESULT).values_list("consent_id", "at"))
    texts = {text.version: text for text in (*ALL_CONSENT_TEXTS, *NETWORK_TEXTS.values())}
    titles = ("번호", "사람", "보내는 곳", "목적", "동의", "문구 판", "문구", "때", "경로", "증거", "결과를 알린 때")
    found: list[tuple[str | int, ...]] = [titles]
    for one in rows.iterator(chunk_size=5_000):
        text = texts.get(one.text_version)
        words = f"{text.question.ko} / {text.body.ko}" if text else ""
        result = told.get(one.pk)
        found.append(
            (
                one.pk,
                one.person.public_id,
                one.sender,
                one.purpose,
                "예" if one.granted else "아니요",
                one.text_version,
                words,
                one.at.astimezone(KST).isoformat(),
                one.source,
                json.dumps(one.proof, ensure_ascii=False, sort_keys=True),
                result.astimezone(KST).isoformat() if result else "",
            )
        )
    return found


def kept_about(contact: str) -> QuerySet[Retained]:
    """What the law makes us keep of an erased person who had this e-mail address or phone number."""
    written = values.e164(contact) or contact.strip().lower()
    return Retained.objects.filter(subjects__contains=[rules.pseudonym(written, settings.SECRET_KEY)]).order_by(
        "-kept_at"
    )


# What the gate looks at


class Asked(NamedTuple):
    """One text by one medium, for whomever: what of it the gate has to know."""

    advertising: bool
    medium: Medium
    sender: str
    topic: str
    goods: str
    expires_at: datetime
    on_behalf: str = ""


class Found(NamedTuple):
    """One row as the gate sees it: its number, its case, the address for the medium, and the consents it would rest on."""

    number: int
    case: rules.Case
    address: str
    consent: int | None
    night_consent: int | None


OUTGOING = (
    "SELECT id, recipient FROM messaging_outgoing WHERE sending_id = %(sending)s AND medium = %(medium)s AND fate = 0 "
    "ORDER BY recipient"  # as they lie in the index, for whoever reads many of them beside the people
)
# Given by value, so that the planner knows how many there are: of rows that changed a moment ago it expects one.
IN_HAND = "SELECT id, recipient FROM unnest(%(numbers)s::bigint[], %(recipients)s::bigint[]) AS hand (id, recipient)"
ONE = "SELECT 0::bigint AS id, %(recipient)s::bigint AS recipient"

_FACTS = """
    WITH line AS MATERIALIZED ({lines}),
    handed AS (
        SELECT g.recipient, count(*) FILTER (WHERE g.handed_at > %(day_ago)s) AS day, count(*) AS week,
               count(*) FILTER (WHERE s.sender = %(sender)s) AS sender_week
        FROM messaging_outgoing g JOIN messaging_sending s ON s.id = g.sending_id AND s.kind = 'advertising'
        WHERE g.handed_at > %(week_ago)s AND g.recipient IN (SELECT recipient FROM line) GROUP BY 1
    ),
    direct AS (
        SELECT recipient, count(*) FILTER (WHERE sent_at > %(day_ago)s) AS day, count(*) AS week,
               count(*) FILTER (WHERE sender = %(sender)s) AS sender_week
        FROM (
            SELECT (SELECT id FROM people_person WHERE public_id = substr(m.address, 7)) AS recipient, m.sent_at, m.sender
            FROM messaging_message m
            WHERE m.kind = 'advertising' AND NOT m.key LIKE 'outgoing:%%' AND m.sent_at > %(week_ago)s
        ) said
        WHERE recipient IN (SELECT recipient FROM line) GROUP BY 1
    )
    SELECT line.id, p.id IS NULL OR p.erased_at IS NOT NULL AS gone,
           {reachable} AS reachable,
           coalesce(NOT everybody.granted, false) AS refused_all,
           coalesce(NOT ad.granted, false) OR coalesce(NOT behalf.granted, false) AS refused,
           coalesce(NOT medium.granted, false) OR coalesce(NOT every_medium.granted, false) AS refused_medium,
           coalesce(NOT topic.granted, false) AS refused_topic,
           CASE WHEN ad.granted THEN ad.told_at END AS ad_told_at,
           CASE WHEN medium.granted THEN medium.told_at END AS medium_told_at,
           CASE WHEN night.granted THEN night.told_at END AS night_told_at,
           sale.ended_at AS sale_ended_at,
           coalesce(handed.day, 0) + coalesce(direct.day, 0) AS handed_day,
           coalesce(handed.week, 0) + coalesce(direct.week, 0) AS handed_week,
           coalesce(handed.sender_week, 0) + coalesce(direct.sender_week, 0) AS sender_week,
           wallet.per_day AS own_day, wallet.per_week AS own_week,
           (extract(hour FROM wallet.quiet_from) * 60 + extract(minute FROM wallet.quiet_from))::int AS quiet_from,
           (extract(hour FROM wallet.quiet_until) * 60 + extract(minute FROM wallet.quiet_until))::int AS quiet_until,
           CASE WHEN wallet.zone IS NULL OR wallet.zone = 'Asia/Seoul' THEN %(korean)s ELSE
               (extract(hour FROM %(at)s AT TIME ZONE wallet.zone) * 60 + extract(minute FROM %(at)s AT TIME ZONE wallet.zone))::int
           END AS local,
           {address} AS address,
           CASE WHEN ad.granted THEN ad.consent END AS consent,
           CASE WHEN night.granted THEN night.consent END AS night_consent
    FROM line
    LEFT JOIN people_person p ON p.id = line.recipient AND p.id BETWEEN %(lowest)s AND %(highest)s
    {said}
    LEFT JOIN people_salecontact sale ON sale.sender = %(sender)s AND sale.medium = %(medium)s AND sale.goods = %(goods)s AND sale.goods <> ''
         AND sale.person_id = line.recipient
    LEFT JOIN people_attention wallet ON wallet.person_id = line.recipient
    LEFT JOIN handed ON handed.recipient = line.recipient
    LEFT JOIN direct ON direct.recipient = line.recipient
"""
# What holds of each person's words, by the name under which the facts speak of it: to whom, for what.
_SAID = {
    "everybody": ("'*'", "'advertising'"),
    "ad": ("%(sender)s", "'advertising'"),
    "behalf": ("%(on_behalf)s", "'advertising'"),
    "medium": ("%(sender)s", "%(medium_purpose)s"),
    "every_medium": ("'*'", "%(medium_purpose)s"),
    "topic": ("%(topic_sender)s", "'advertising'"),
    "night": ("%(sender)s", "'night'"),
}
_STANDINGS = "\n    ".join(
    f"LEFT JOIN people_standing {name} ON {name}.sender = {sender} AND {name}.purpose = {purpose}"
    f" AND {name}.person_id = line.recipient AND {name}.person_id BETWEEN %(lowest)s AND %(highest)s"
    for name, (sender, purpose) in _SAID.items()
)
_MAIL = "EXISTS (SELECT 1 FROM account_emailaddress e WHERE e.user_id = p.id AND e.email = p.email AND e.verified)"
_RING = "EXISTS (SELECT 1 FROM messaging_endpoint e WHERE e.address = 'inbox:' || p.public_id)"
_PHONE = "(p.phone IS NOT NULL AND p.phone_verified)"
_REACHABLE = {Medium.INBOX: "(p.id IS NOT NULL)", Medium.PUSH: _RING, Medium.MAIL: _MAIL}
_ADDRESS = {Medium.INBOX: "'inbox:' || p.public_id", Medium.PUSH: "'inbox:' || p.public_id", Medium.MAIL: "p.email"}

# The table of rules once more, for a million rows at once; a test holds the two against each other.
_BAN = """
    CASE WHEN gone THEN 'gone'
         WHEN %(at)s >= %(expires_at)s THEN 'stale'
         WHEN NOT reachable THEN 'no_address'
         WHEN NOT %(advertising)s THEN NULL
         WHEN refused_all THEN 'refused_all'
         WHEN refused THEN 'refused'
         WHEN refused_topic THEN 'refused_topic'
         WHEN refused_medium THEN 'refused_medium'
         WHEN NOT (consented OR by_sale) THEN 'no_consent'
         WHEN (NOT by_sale AND (ad_told_at <= %(told_since)s OR (%(needs_medium)s AND medium_told_at <= %(told_since)s)))
              OR (night AND night_told_at <= %(told_since)s) THEN 'not_told'
         WHEN NOT %(certified)s THEN 'not_certified'
         WHEN %(closed)s THEN 'medium_closed'
         WHEN night AND night_told_at IS NULL THEN 'night'
         WHEN quiet_from < quiet_until AND local >= quiet_from AND local < quiet_until
              OR quiet_from > quiet_until AND (local >= quiet_from OR local < quiet_until) THEN 'quiet'
         WHEN handed_day >= %(cap_day)s OR handed_day >= own_day THEN 'enough_today'
         WHEN handed_week >= %(cap_week)s OR handed_week >= own_week THEN 'enough_this_week'
         WHEN sender_week >= %(cap_sender)s THEN 'enough_from_sender'
    END
"""


def _asked(asked: Asked, at: datetime) -> dict[str, Any]:
    here = at.astimezone(KST)
    korean = here.hour * 60 + here.minute
    caps = caps_here()
    purpose = MEDIUM_PURPOSE[asked.medium]
    return {
        "at": at,
        "day_ago": at - timedelta(days=1),
        "week_ago": at - timedelta(days=7),
        "medium": str(asked.medium),
        "sender": asked.sender,
        "topic_sender": topic_sender(asked.topic),
        "goods": asked.goods,
        "on_behalf": asked.on_behalf,
        "korean": korean,
        "medium_purpose": str(purpose or ""),
        "needs_medium": purpose is not None,
        "advertising": asked.advertising,
        "expires_at": asked.expires_at,
        "told_since": rules.months_before(at, rules.TOLD_EVERY_MONTHS),
        "sale_since": rules.months_before(at, rules.SALE_MONTHS),
        "certified": messages.certified(asked.medium),
        "closed": asked.medium is Medium.BRAND and rules.within(korean, rules.BRAND_UNTIL, rules.NIGHT_UNTIL),
        "mail": asked.medium is Medium.MAIL,
        # Between whom the recipients lie: a batch reads its part of an index and not the index from its beginning.
        "lowest": 0,
        "highest": 2**63 - 1,
        "cap_day": caps.day,
        "cap_week": caps.week,
        "cap_sender": caps.sender_week,
    }


def _facts(medium: Medium, lines: str) -> str:
    return _FACTS.format(
        lines=lines, said=_STANDINGS, reachable=_REACHABLE.get(medium, _PHONE), address=_ADDRESS.get(medium, "p.phone")
    )


def caps_here() -> rules.Caps:
    """The operator's limits, by the settings."""
    day, week, sender_week = settings.AD_CAPS
    return rules.Caps(day=day, week=week, sender_week=sender_week)


def facts_about(asked: Asked, lines: str, at: datetime, **parameters: object) -> list[Found]:
    """The case of each line that the SQL `lines` finds."""
    told = {**_asked(asked, at), **parameters}
    found = []
    with connection.cursor() as cursor:
        cursor.execute(_facts(asked.medium, lines), told)
        for row in cursor.fetchall():
            case = rules.Case(  # type: ignore[misc]
                asked.advertising,
                asked.medium,
                row[1],
                bool(row[2]),
                at < asked.expires_at,
                *row[3:19],
                korean=told["korean"],
                certified=told["certified"],
                at=at,
            )
            found.append(Found(row[0], case, row[19] or "", row[20], row[21]))
    return found


def ban_for(person: Person, sending: Sending, medium: Medium, at: datetime) -> str:
    """What forbids this text to one person by this medium now, by the gate's table; empty where it may go. It need not be written
    down. Hold the person while you act on the answer: see `permit_message`."""
    (found,) = facts_about(asked_by(sending, medium), ONE, at, recipient=person.pk)
    return str(rules.verdict(found.case, caps_here()) or "")


def bans_sql(asked: Asked, lines: str, at: datetime, **parameters: object) -> tuple[str, dict[str, Any]]:
    """A query (and its parameters) of each line's number and the ban on it, NULL where it may go: the rules as one statement."""
    sql = f"""
        SELECT id, {_BAN} AS ban FROM (
            SELECT f.*, ad_told_at IS NOT NULL AND (NOT %(needs_medium)s OR medium_told_at IS NOT NULL) AS consented,
                   coalesce(sale_ended_at <= %(at)s AND sale_ended_at > %(sale_since)s, false) AS by_sale,
                   NOT %(mail)s AND (%(korean)s >= 1260 OR %(korean)s < 480 OR local >= 1260 OR local < 480) AS night
            FROM ({_facts(asked.medium, lines)}) f
        ) g
    """  # noqa: S608 - built from the constants above and nothing else
    return sql, {**_asked(asked, at), **parameters}


def daytime_from(at: datetime) -> datetime:
    """This instant, or the end of the night in which it lies: when advertising to people who did not agree to nights begins."""
    if not rules.is_night(at):
        return at
    here = at.astimezone(KST)
    day = here.date() if here.time() < rules.NIGHT_ENDS else here.date() + timedelta(days=1)
    return datetime.combine(day, rules.NIGHT_ENDS, KST)


def asked_by(sending: Sending, medium: Medium) -> Asked:
    """What the gate has to know of this sending when it goes by this medium."""
    return Asked(
        advertising=sending.kind == MessageKind.ADVERTISING,
        medium=medium,
        sender=sending.sender,
        topic=sending.topic,
        goods=sending.goods,
        expires_at=sending.expires_at,
        on_behalf=str(sending.details.get("on_behalf", "")),
    )


def attention_of(person: Person) -> Attention:
    """How much attention this person gives; the operator's limits alone where they never said."""
    return Attention.objects.filter(person=person).first() or Attention(person=person, changed_at=person.created_at)


def birthday_of(person: Person) -> Birthday | None:
    """The day on which this person likes to be congratulated, as far as they said."""
    return Birthday.objects.filter(person=person).first()


def refuses(person: Person, sender: str = EVERYBODY, purpose: Purpose = Purpose.ADVERTISING) -> bool:
    """Whether the last word was no."""
    newest = Consent.objects.filter(person=person, sender=sender, purpose=purpose).order_by("-at", "-id").first()
    return newest is not None and not newest.granted


def sale_contacts_of(person: Person) -> QuerySet[SaleContact]:
    return SaleContact.objects.filter(person=person).order_by("-ended_at")


def advertising_left(persons: Sequence[int], *, at: datetime) -> dict[int, int]:
    """How many advertisements each of `persons` may still get within a week, by the operator's limit, their own, and what they
    got in the seven days before `at`; nobody who is erased or refused everything is in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH handed AS (
                SELECT g.recipient, count(*) AS many
                FROM messaging_outgoing g JOIN messaging_sending s ON s.id = g.sending_id AND s.kind = 'advertising'
                WHERE g.handed_at > %(since)s AND g.handed_at <= %(at)s AND g.recipient = ANY(%(persons)s) GROUP BY 1
            ), direct AS (
                SELECT p.id AS recipient, count(*) AS many
                FROM messaging_message m JOIN people_person p ON p.public_id = substr(m.address, 7)
                WHERE m.kind = 'advertising' AND NOT m.key LIKE 'outgoing:%%' AND m.sent_at > %(since)s
                  AND m.sent_at <= %(at)s AND p.id = ANY(%(persons)s) GROUP BY 1
            )
            SELECT p.id, CASE WHEN wallet.per_day = 0 THEN 0 ELSE
                least(%(most)s, wallet.per_week) - coalesce(handed.many, 0) - coalesce(direct.many, 0) END
            FROM people_person p
            LEFT JOIN people_attention wallet ON wallet.person_id = p.id
            LEFT JOIN people_standing everybody
                ON everybody.sender = '*' AND everybody.purpose = 'advertising' AND everybody.person_id = p.id
            LEFT JOIN handed ON handed.recipient = p.id LEFT JOIN direct ON direct.recipient = p.id
            WHERE p.id = ANY(%(persons)s) AND p.erased_at IS NULL AND coalesce(everybody.granted, true)
            """,
            {"persons": list(persons), "since": at - timedelta(days=7), "at": at, "most": caps_here().week},
        )
        return {person: left for person, left in cursor.fetchall() if left > 0}
