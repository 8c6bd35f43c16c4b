"""The gate: who may be written to, decided while the lock is held that a withdrawal waits for, and handed over before it is let go.

One person at a time through `message_person`; many through `gate_sending` (a first look, so that a quote is true) and
`dispatch` (the decision that counts, at the moment of sending).
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from dure.kit import clock
from dure.kit.sql import array
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.models import HandOver, Message, Sending
from dure.messaging.values import Fate, InHand, Medium, MessageKind, Permit
from dure.people import queries, rules
from dure.people.errors import Erased, Latched, NightTime, NoConsent, NotMarked, NotWanted
from dure.people.models import Person
from dure.people.rules import Ban
from dure.people.values import Purpose, inbox_address

NO_CONSENT = {Ban.NO_CONSENT, Ban.REFUSED, Ban.REFUSED_ALL, Ban.REFUSED_MEDIUM, Ban.REFUSED_TOPIC, Ban.NOT_TOLD}
BATCH = {Medium.INBOX: 2_000, Medium.PUSH: 100, Medium.MAIL: 50}
RUNS_FOR = 45.0
"""Seconds that one job dispatches before it leaves the worker to others."""
MANY, PAYS_AT = 20_000, 20
"""From so many rows on the first look reads its tables whole instead of looking up each row, if they hold no more than so many
times as many."""


def permit_message(
    *,
    person: Person,
    sender: str,
    kind: MessageKind,
    title: str,
    body: str,
    link: str,
    at: datetime,
    topic: str = "",
) -> Permit:
    """The right to send this text to this person, in the transaction we stand in.

    Refuses (all are messaging's NotPermitted): NoConsent, NotMarked, NightTime, NotWanted for advertising; Erased for
    anything. From here until the transaction ends a withdrawal waits, so send before you commit: see `message_person`.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a permit is asked for and used inside one transaction.atomic() block")
    with connection.cursor() as cursor:
        # PostgreSQL lets whoever shares a row in past whoever waits to have it alone, for ever if they keep coming. So permits
        # queue first: behind a withdrawal that waits, as `hold_alone` does.
        cursor.execute(
            "SELECT erased_at FROM (SELECT pg_advisory_xact_lock_shared(hashtextextended('people.person', %s))) AS queued,"
            " people_person WHERE id = %s FOR SHARE OF people_person",
            [person.pk, person.pk],
        )
        row = cursor.fetchone()
    if row is None or row[0] is not None:
        raise Erased
    advertising = kind == MessageKind.ADVERTISING
    # Read after the lock: a withdrawal we waited for has committed, and this statement sees it.
    held = queries.consents_held(person, sender) if advertising else {}
    if advertising:
        _refuse(person, sender, topic, title, at)
    return messaging.issue_permit(
        address=inbox_address(person.public_id),
        sender=sender,
        kind=kind,
        title=title,
        body=body,
        link=link,
        basis="+".join(f"consent:{held[p].pk}" for p in (Purpose.ADVERTISING, Purpose.NIGHT) if p in held) or "service",
        until=rules.night_after(at) if advertising and Purpose.NIGHT not in held else None,
        at=at,
    )


def _refuse(person: Person, sender: str, topic: str, title: str, at: datetime) -> None:
    asked = queries.Asked(True, Medium.INBOX, sender, topic, "", at + timedelta(minutes=1))
    (found,) = queries.facts_about(asked, queries.ONE, at, recipient=person.pk)
    ban = rules.verdict(found.case, queries.caps_here())
    if ban in NO_CONSENT:
        raise NoConsent
    if not rules.is_marked(title):
        raise NotMarked
    if ban is Ban.NIGHT:
        raise NightTime
    if ban is not None:
        raise NotWanted(ban=str(ban))


@transaction.atomic
def message_person(
    *,
    person: Person,
    sender: str,
    sender_name: str,
    kind: MessageKind,
    title: str,
    body: str,
    link: str,
    key: str,
    at: datetime,
    topic: str = "",
) -> Message:
    """Put a text into a person's inbox, if the law and their consents allow it now.

    Refuses as `permit_message` and messaging's `send_message` do. The same key never makes two messages.
    """
    permit = permit_message(
        person=person, sender=sender, kind=kind, title=title, body=body, link=link, topic=topic, at=at
    )
    return messaging.send_message(
        permit=permit, title=title, body=body, link=link, sender_name=sender_name, topic=topic, key=key, at=at
    )


# Many at once


@transaction.atomic
def gate_sending(*, sending: Sending, at: datetime) -> dict[str, int]:
    """The first look at everybody who waits: who may not be sent this, as things stand, is refused with the reason now, who can
    be reached by a later medium only is moved there. One statement for each medium. How many of each: "may" and the bans.

    It spares work and makes the quote true; what counts is looked at again when each text is handed over.
    """
    when = max(at, sending.not_before)
    counted: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '120s'")
        cursor.execute("SET LOCAL work_mem = '128MB'")
        many = _pays_whole(cursor, _waiting(sending))
        for place, name in enumerate(sending.media):
            last = place == len(sending.media) - 1
            asked = queries.asked_by(sending, Medium(name))
            sql, parameters = queries.bans_sql(asked, queries.OUTGOING, when, sending=sending.pk)
            bans = f"SELECT id, ban FROM ({sql}) b WHERE ban IS NOT NULL"  # noqa: S608 - built from constants
            if many:
                bans = _read_whole(cursor, bans, parameters)
            cursor.execute(
                f"""
                WITH banned AS MATERIALIZED ({bans}),
                changed AS (
                    UPDATE messaging_outgoing o SET
                        medium = CASE WHEN b.ban = ANY(%(other)s) AND NOT %(last)s THEN %(next)s ELSE o.medium END,
                        fate = CASE WHEN b.ban = ANY(%(other)s) AND NOT %(last)s THEN 0 ELSE 4 END,
                        reason = b.ban, decided_at = %(now)s
                    FROM banned b WHERE o.id = b.id
                    RETURNING o.fate, o.reason
                )
                SELECT reason, count(*) FROM changed WHERE fate = 4 GROUP BY 1
                """,  # noqa: S608 - built from constants
                {
                    **parameters,
                    "other": [str(ban) for ban in rules.OTHER_MEDIUM_MAY],
                    "last": last,
                    "next": "" if last else sending.media[place + 1],
                    "now": at,
                },
            )
            for reason, number in cursor.fetchall():
                counted[reason] = counted.get(reason, 0) + number
    counted["may"] = _waiting(sending)
    return counted


def _pays_whole(cursor: Any, waiting: int) -> bool:
    """Whether so many rows are looked at sooner by reading the tables whole than by looking up each."""
    cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'people_standing'::regclass")
    return waiting >= MANY and cursor.fetchone()[0] <= PAYS_AT * waiting


def _read_whole(cursor: Any, bans: str, parameters: dict[str, Any]) -> str:
    """Find the bans by reading each table once, in the order of the people; a query of what was found. The planner has to be
    told: rows that were queued in this transaction are unknown to it, and it takes them for one."""
    cursor.execute("DROP TABLE IF EXISTS banned")
    for way in ("nestloop", "hashjoin"):
        cursor.execute(f"SET LOCAL enable_{way} = off")
    cursor.execute(f"CREATE TEMPORARY TABLE banned ON COMMIT DROP AS {bans}", parameters)
    for way in ("nestloop", "hashjoin"):
        cursor.execute(f"SET LOCAL enable_{way} TO DEFAULT")
    return "SELECT id, ban FROM banned"


def _waiting(sending: Sending) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM messaging_outgoing WHERE sending_id = %s AND fate = 0", [sending.pk])
        return int(cursor.fetchone()[0])


def dispatch(
    *,
    medium: Medium,
    limit: int = 0,
    seconds: float = RUNS_FOR,
    read_clock: Callable[[], datetime] = clock.now,
) -> int:
    """Hand over what is due by this medium, batch by batch, until nothing is due or `seconds` have passed. How many texts were
    decided. Refuses: Latched, where this is a restored copy."""
    if not messaging.turn_latch(at=read_clock()):
        raise Latched
    ends = time.monotonic() + seconds
    decided = 0
    while time.monotonic() < ends:
        batch = messaging.claim_batch(
            medium=medium,
            limit=limit or BATCH.get(medium) or messages.batch_most(medium),
            asleep=rules.sleeps(medium, read_clock()),
            at=read_clock(),
        )
        if batch is None:
            return decided
        decided += dispatch_batch(batch=batch, at=read_clock())
    return decided


@transaction.atomic
def dispatch_batch(*, batch: HandOver, at: datetime) -> int:
    """Gate and hand over one claimed batch. While it runs, nobody in it can withdraw; who is just withdrawing is left for the
    next batch. How many texts it took."""
    rows = messaging.take_batch(batch=batch)
    held = _hold({row.recipient for row in rows if row.recipient is not None})
    # Somebody whose row is locked is just saying something; a recipient who is gone has no row to hold.
    busy = [row.pk for row in rows if row.recipient in held.busy]
    messaging.put_back(outgoing=busy, at=at, after=timedelta(milliseconds=50))
    # The first text of a person in a batch counts for the second: one at a time, the others wait.
    seen: set[int] = set()
    twice = []
    for row in rows:
        if row.recipient in held.busy or row.recipient is None:
            continue
        if row.recipient in seen:
            twice.append(row.pk)
        seen.add(row.recipient)
    messaging.put_back(outgoing=twice, at=at)
    left = {row.pk: row for row in rows if row.pk not in {*busy, *twice}}
    _gate_and_hand_over(batch, left, at)
    messaging.end_batch(batch=batch, at=at)
    return len(left)


class _Held:
    def __init__(self, held: set[int], busy: set[int]) -> None:
        self.held, self.busy = held, busy


def _hold(recipients: set[int]) -> _Held:
    """Lock these persons against withdrawal, in the order of their ids; who is locked by somebody else is not waited for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM people_person WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            [array(recipients)],
        )
        held = {row[0] for row in cursor.fetchall()}
        if len(held) == len(recipients):
            return _Held(held, set())
        cursor.execute("SELECT id FROM people_person WHERE id = ANY(%s)", [list(recipients - held)])
        return _Held(held, {row[0] for row in cursor.fetchall()})


def _given(rows: Sequence[InHand]) -> dict[str, object]:
    """The parameters of `queries.IN_HAND`."""
    people = [row.recipient for row in rows]
    known = [person for person in people if person is not None]
    return {
        "numbers": array(row.pk for row in rows),
        "recipients": array(people),
        "lowest": min(known, default=0),
        "highest": max(known, default=0),
    }


def _gate_and_hand_over(batch: HandOver, rows: dict[int, InHand], at: datetime) -> None:
    if not rows:
        return
    medium, caps = Medium(batch.medium), queries.caps_here()
    numbers = {row.sending_id for row in rows.values()}
    sendings = {sending.pk: sending for sending in Sending.objects.filter(pk__in=numbers)}
    refused: dict[int, str] = {}
    elsewhere: dict[int, str] = {}
    addresses: dict[int, str] = {}
    consents: dict[int, tuple[int | None, int | None]] = {}
    still = messages.still_in_hand(batch)
    for sending in sendings.values():
        asked = queries.asked_by(sending, medium)
        its = [row for row in rows.values() if row.sending_id == sending.pk and row.pk in still]
        for found in queries.facts_about(asked, queries.IN_HAND, at, **_given(its)):
            ban = rules.verdict(found.case, caps)
            if ban is None:
                addresses[found.number] = found.address
                consents[found.number] = (found.consent, found.night_consent) if asked.advertising else (None, None)
            elif ban in rules.OTHER_MEDIUM_MAY:
                elsewhere[found.number] = str(ban)
            else:
                refused[found.number] = str(ban)
    going = [row for number, row in rows.items() if number in addresses]
    letters, bad = messages.composed_letters(going, sendings, addresses, consents)
    messaging.refuse_outgoing(reasons=refused, at=at)
    messaging.pass_on(reasons={**elsewhere, **bad}, to=Fate.REFUSED, at=at)
    until = min((sendings[row.sending_id].expires_at for row in going), default=at + timedelta(minutes=1))
    permit = messaging.issue_batch_permit(letters=letters, at=at, until=until)
    messaging.hand_over(batch=batch, permit=permit, letters=letters, at=at)
