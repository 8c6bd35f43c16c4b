import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet, Sum

from dure.kit.clock import KST
from dure.kit.sql import array
from dure.ledger import queries as ledger
from dure.messaging import channels, providers, rules
from dure.messaging.channels import Words
from dure.messaging.errors import NoSuchMessage
from dure.messaging.models import Endpoint, HandOver, Message, Mute, Outgoing, Sending
from dure.messaging.providers import nhn, setup, solapi
from dure.messaging.values import Answer, Fate, Form, InHand, Letter, Medium, MessageKind, Quote, SendingState, Tally


def inbox_of(address: str) -> QuerySet[Message]:
    """The messages of an inbox, newest first."""
    return Message.objects.filter(address=address).order_by("-sent_at", "-id")


def unread_count(address: str) -> int:
    return Message.objects.filter(address=address, read_at__isnull=True).count()


def message_in(address: str, public_id: str) -> Message:
    """One message of this inbox; another inbox's is as unknown as none."""
    found = Message.objects.filter(address=address, public_id=public_id).first()
    if found is None:
        raise NoSuchMessage
    return found


def this_transaction() -> str:
    """The name of the transaction we stand in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        return str(cursor.fetchone()[0])


# Sendings and what is on its way

TOKEN_LENGTH = 28


def sending_by_key(key: str) -> Sending | None:
    return Sending.objects.filter(key=key).first()


def references_of(names: Collection[str]) -> dict[str, str]:
    """The references of sendings by their public ids."""
    return dict(Sending.objects.filter(public_id__in=names).values_list("public_id", "reference"))


def sendings_about(reference: str) -> QuerySet[Sending]:
    """The sendings with this reference, oldest first."""
    return Sending.objects.filter(reference=reference).order_by("pk")


def sending_by_number(number: int) -> Sending | None:
    return Sending.objects.filter(pk=number).first()


def sendings_due(medium: Medium, *, asleep: bool, at: datetime) -> list[int]:
    """Numbers of sendings with something due by this medium, information first. `asleep`: only what may go at night."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM messaging_sending s
            WHERE state = 'open' AND not_before <= %(at)s AND expires_at > %(at)s AND %(medium)s = ANY(media)
              AND (kind <> 'advertising' OR at_night OR NOT %(asleep)s)
              AND EXISTS (SELECT 1 FROM messaging_outgoing o
                          WHERE o.sending_id = s.id AND o.fate = 0 AND o.medium = %(medium)s AND o.due_at <= %(at)s)
            ORDER BY kind DESC, id
            """,
            {"at": at, "medium": str(medium), "asleep": asleep},
        )
        return [row[0] for row in cursor.fetchall()]


def still_in_hand(batch: HandOver) -> set[int]:
    """The numbers of this batch's texts that nobody has decided meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM messaging_outgoing WHERE hand_over_id = %s AND fate = 1", [batch.pk])
        return {row[0] for row in cursor.fetchall()}


def sendings_of(letters: Sequence[Letter]) -> dict[int, dict[str, Any]]:
    """For each letter what its sending says, with that letter's values filled in."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, sending_id, variables FROM messaging_outgoing WHERE id = ANY(%s::bigint[])",
            [array([letter.outgoing for letter in letters])],
        )
        rows: list[tuple[int, int, str | None]] = cursor.fetchall()
    known = {s.pk: s for s in Sending.objects.filter(pk__in={row[1] for row in rows})}
    plain = {number: _said(sending, None) for number, sending in known.items()}
    return {
        number: _said(known[sending], json.loads(variables)) if variables else plain[sending]
        for number, sending, variables in rows
    }


def _said(sending: Sending, variables: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "sending": sending.pk,
        "sender": sending.sender,
        "sender_name": sending.sender_name,
        "contact": sending.contact,
        "refusal_number": sending.refusal_number,
        "kind": sending.kind,
        "topic": sending.topic,
        "basis": "service" if sending.kind == MessageKind.INFORMATION else "sale",
        "title": sending.title,
        "body": sending.body,
        "details": sending.details,
        "variables": variables or {},
    }


def composed_letters(
    rows: Sequence[Outgoing | InHand],
    sendings: Mapping[int, Sending],
    addresses: Mapping[int, str],
    consents: Mapping[int, Any],
) -> tuple[list[Letter], dict[int, str]]:
    """The letters of these rows in the form of their medium, and the rows whose form is at fault with the first fault.

    `addresses` and `consents` (two numbers) are by row, as the gate looked them up.
    """
    letters, bad = [], {}
    house, secret = _house(), settings.SECRET_KEY
    # A text without gaps differs between recipients in its refusal link alone, so it is filled and looked at once.
    plain = {s.pk: not rules.gaps_of(s.title, s.body, s.link) for s in sendings.values()}
    same: dict[tuple[int, str], Words] = {}
    clean: set[tuple[int, str]] = set()
    for row in rows:
        known = row.sending_id, row.medium
        sending, medium = sendings[row.sending_id], Medium(row.medium)
        words = same.get(known)
        if words is None:
            try:
                words = _words(sending, medium, row.variables or {})
            except KeyError:
                bad[row.pk] = "form:missing-variable"
                continue
            if plain[sending.pk]:
                same[known] = words
        if words.advertising:
            token = rules.refusal_token(sending.pk, row.recipient or 0, secret)
            words = words._replace(refuse=f"{house}/no/{token}")
        composed = channels.compose(medium, words)
        if known not in clean:
            faults = channels.faults(medium, composed, words)
            if not words.advertising and rules.promotes(words.title, words.body):
                faults.append("promotes")
            if faults:
                bad[row.pk] = f"form:{faults[0]}"
                continue
            if plain[sending.pk]:
                clean.add(known)
        consent, night = consents[row.pk]
        letters.append(
            Letter(
                row.pk,
                letter_key(row),
                row.recipient or 0,
                medium,
                addresses[row.pk],
                composed.title,
                composed.body,
                words.link,
                words.refuse,
                consent,
                night,
            )
        )
    return letters, bad


def _words(sending: Sending, medium: Medium, variables: Mapping[str, Any]) -> Words:
    """What a sending says to somebody by this medium, without the link that refuses. Raises KeyError for a gap without a value."""
    return Words(
        advertising=sending.kind == MessageKind.ADVERTISING,
        sender_name=sending.sender_name,
        contact=sending.contact,
        refusal_number=sending.refusal_number,
        title=rules.filled(sending.title, variables),
        body=rules.filled(sending.body, variables),
        link=link_for(medium, rules.filled(sending.link, variables)),
        refuse="",
        details=sending.details,
    )


def letter_key(row: Outgoing | InHand) -> str:
    """The same text by the same medium always has the same key, however often it is tried."""
    return f"o{row.pk}-{row.medium}"


def answer_of(provider: str, key: str, code: str, name: str) -> Answer | None:
    """What a report says of a text that still travels under this key; None for any other key."""
    # What comes from outside is kept in plain letters: PostgreSQL takes no NUL, and a code has nothing else.
    code, name = (re.sub(r"[^\x20-\x7e]", "", said) for said in (code, name))
    found = re.fullmatch(r"o(\d{1,18})-([a-z]{1,10})", key)
    if found is None or found[2] not in set(Medium):
        return None
    number, medium = int(found[1]), Medium(found[2])
    if not Outgoing.objects.filter(pk=number, medium=medium, fate__in=(Fate.HANDING, Fate.ACCEPTED)).exists():
        return None
    return Answer(number, providers.verdict_of(provider, code, medium), code[:20], name[:100])


def solapi_reports(body: object) -> list[tuple[str, str, str]]:
    """Our key, the code and the agency's own id of each message that a webhook of SOLAPI speaks of."""
    return solapi.reports(body)


def nhn_reports(body: object) -> list[tuple[str, str, str]]:
    """The same of a webhook of NHN Cloud."""
    return nhn.reports(body)


def bare_letters(rows: Sequence[Outgoing], medium: Medium) -> list[Letter]:
    """Letters without their texts, to ask a provider what became of them."""
    return [Letter(r.pk, letter_key(r), r.recipient or 0, medium, "", "", "", "", "", None, None) for r in rows]


def inbox_of_letter(letter: Letter) -> str:
    """The inbox in which a letter lies: its own address, which push letters carry too."""
    return letter.address


def inbox_form(said: Mapping[str, Any], letter: Letter) -> tuple[str, str]:
    """Title and text of a letter as they lie in the inbox, whatever rings for it."""
    if letter.medium is Medium.INBOX:
        return letter.title, letter.body
    words = Words(
        advertising=said["kind"] == MessageKind.ADVERTISING,
        sender_name=said["sender_name"],
        contact=said["contact"],
        refusal_number=said["refusal_number"],
        title=rules.filled(said["title"], said["variables"]),
        body=rules.filled(said["body"], said["variables"]),
        link=letter.link,
        refuse=letter.refuse,
    )
    composed = channels.compose(Medium.INBOX, words)
    return composed.title, composed.body


def refusal_link(token: str) -> str:
    """Where one tap and no login refuse."""
    return f"{_house()}/no/{token}"


def link_for(medium: Medium, link: str) -> str:
    """A path of ours as whoever reads this medium can follow it: whole where it is read outside Dure."""
    inside = medium in (Medium.INBOX, Medium.PUSH) or not link.startswith("/")
    return link if inside else f"{_house()}{link}"


def _house() -> str:
    return settings.PUBLIC_URL or f"http://127.0.0.1:{settings.PORT}"


def refusal_path(row: Outgoing) -> str:
    """The same link for whoever reads it here: a path."""
    return f"/no/{rules.refusal_token(row.sending_id, row.recipient or 0, settings.SECRET_KEY)}"


def local_path(link: str) -> str:
    """The path of a refusal link of ours; empty for anything else."""
    _, found, token = link.partition("/no/")
    return f"/no/{token}" if found and rules.refused_by(token, settings.SECRET_KEY) else ""


def endpoints_of(addresses: Collection[str]) -> dict[str, list[Endpoint]]:
    """The browsers that ring for these inboxes."""
    found: dict[str, list[Endpoint]] = {}
    for endpoint in Endpoint.objects.filter(address__in=addresses).order_by("pk"):
        found.setdefault(endpoint.address, []).append(endpoint)
    return found


def rings_at(address: str, url: str) -> bool:
    """Whether this browser rings for this inbox."""
    return Endpoint.objects.filter(address=address, url=url).exists()


def is_muted(address: str, sender: str) -> bool:
    """Whether no browser of this inbox rings for `sender`."""
    return Mute.objects.filter(address=address, sender=sender).exists()


def push_key() -> str:
    """What a browser is given when it subscribes: our VAPID public key (RFC 8292), an uncompressed point in base64url."""
    return setup.bell().public_key()


def certified(medium: Medium) -> bool:
    """Whether advertising may go by this medium: through nobody else's hands, or through a certified sender's."""
    if not channels.CAPABILITIES[medium].through_agency:
        return True
    provider = providers.provider_for(medium)
    return provider is not None and bool(provider.certificate)


def window_of(medium: Medium) -> tuple[time, time] | None:
    """The hours (Korean time) outside which this medium takes nothing, consent or not."""
    return channels.CAPABILITIES[medium].window


def day_of(at: datetime) -> date:
    return at.astimezone(KST).date()


def price_of(medium: Medium, body: str, on: date) -> int:
    """Won for this text by this medium on a day."""
    return channels.CAPABILITIES[medium].price(channels.price_type(medium, body), on)


def quote(sending: Sending, at: datetime) -> Quote:
    """What the texts of this sending that wait would cost at most: each by the dearest medium that it may still come to."""
    prices = _prices(sending, at)
    counts: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT medium, count(*) FROM messaging_outgoing WHERE sending_id = %s AND fate = 0 GROUP BY 1",
            [sending.pk],
        )
        counts = dict(cursor.fetchall())
    won = sum(n * max(prices[m] for m in sending.media[sending.media.index(name) :]) for name, n in counts.items())
    return Quote(won=won, by_medium=counts)


def batch_most(medium: Medium) -> int:
    """How many texts this medium's provider takes at once."""
    provider = providers.provider_for(medium)
    return provider.batch_max if provider else 1_000


def is_carried(medium: Medium) -> bool:
    """Whether anybody carries this medium here."""
    return medium is Medium.INBOX or providers.provider_for(medium) is not None


def form_as(sending: Sending, medium: Medium) -> Form:
    """A text as it would look by this medium, with what is wrong with it and what it costs; it need not be written down."""
    words = _dearest(sending, medium, gap="○○○")
    composed = channels.compose(medium, words)
    return Form(
        medium=medium,
        title=composed.title,
        body=composed.body,
        faults=channels.faults(medium, composed, words),
        won=price_of(medium, composed.body, day_of(sending.not_before)),
        measure=channels.measure(medium, composed),
    )


def price_each(sending: Sending, at: datetime) -> int:
    """Won that one text of this sending costs at most, by the dearest of its media. It need not be written down."""
    return max(_prices(sending, at).values(), default=0)


def _prices(sending: Sending, at: datetime) -> dict[str, int]:
    day = day_of(max(at, sending.not_before))
    media = [Medium(name) for name in sending.media]
    return {str(m): price_of(m, channels.compose(m, _dearest(sending, m)).body, day) for m in media}


def _dearest(sending: Sending, medium: Medium, gap: str = "가" * 45) -> Words:
    """The text as long as its medium allows where it has gaps, so that no filled text costs more than was quoted."""
    long = dict.fromkeys(rules.gaps_of(sending.title, sending.body, sending.link), gap)
    return _words(sending, medium, long)._replace(refuse=refusal_link("x" * TOKEN_LENGTH))


def won_arrived(sending: Sending) -> int:
    """What the texts that arrived cost."""
    return Outgoing.objects.filter(sending=sending, fate=Fate.ARRIVED).aggregate(won=Sum("won"))["won"] or 0


def is_under_way(reference: str) -> bool:
    """Whether anything with this reference still waits or is being handed over."""
    rows = Outgoing.objects.filter(sending__reference=reference, fate__in=(Fate.WAITING, Fate.HANDING))
    return rows.exclude(sending__state=SendingState.STOPPED).exists()


def worth_settling(at: datetime) -> Q:
    """Sendings that are over, or whose money has been held while texts arrived."""
    return Q(expires_at__lte=at) | Q(state=SendingState.STOPPED) | Q(held__gt=0)


def tally(reference: str) -> Tally:
    """What has become of everything with this reference."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT fate, CASE WHEN fate IN (4, 5, 6, 7, 8) THEN reason ELSE '' END, count(*), sum(won) FILTER (WHERE fate = 3)
            FROM messaging_outgoing WHERE sending_id IN (SELECT id FROM messaging_sending WHERE reference = %s) GROUP BY 1, 2
            """,
            [reference],
        )
        fates: dict[str, int] = {}
        reasons: dict[str, int] = {}
        won = 0
        for fate, reason, number, paid in cursor.fetchall():
            name = Fate(fate).name.lower()
            fates[name] = fates.get(name, 0) + number
            won += int(paid or 0)
            if reason:
                reasons[reason] = reasons.get(reason, 0) + number
    return Tally(fates=fates, reasons=reasons, won=won)


def refused_by(token: str) -> tuple[Sending, int] | None:
    """The sending and the recipient that a refusal link names; None for one that we did not write."""
    said = rules.refused_by(token, settings.SECRET_KEY)
    sending = sending_by_number(said[0]) if said else None
    return (sending, said[1]) if said and sending else None


def received_by(recipient: int, since: datetime) -> QuerySet[Outgoing]:
    """What was handed over for this recipient since an instant, newest first, with its sending."""
    found = Outgoing.objects.filter(recipient=recipient, handed_at__gte=since)
    return found.select_related("sending").order_by("-handed_at", "-pk")


def balance_of(account: str) -> int:
    """Won on a message balance."""
    return ledger.balance_of(account)


def balances_under(prefix: str) -> dict[str, int]:
    """Won on every message balance whose account begins with `prefix`, by the rest of its name."""
    return ledger.balances_under(prefix)


def is_due(medium: Medium, at: datetime) -> bool:
    """Whether anything that may go in the daytime is due by this medium."""
    return bool(sendings_due(medium, asleep=False, at=at))
