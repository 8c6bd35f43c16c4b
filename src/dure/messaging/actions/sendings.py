"""A text for many: opened once, queued by the million, paused, resumed and stopped by the asker's reference, paid for."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from numpy.typing import NDArray

from dure.kit import ids, jobs
from dure.kit.language import say
from dure.kit.sql import array
from dure.ledger import actions as ledger
from dure.ledger.errors import NotEnough
from dure.messaging import channels, queries, rules
from dure.messaging.channels import Words
from dure.messaging.errors import BadText, KeyReused, MissingVariable, NotEnoughBalance, TooLate
from dure.messaging.models import Outgoing, Sending
from dure.messaging.values import ON_THE_WAY, Fate, Medium, MessageKind, SendingState

WATCH = "people.dispatch"
AT_ONCE = 20_000


def open_sending(
    *,
    key: str,
    reference: str,
    sender: str,
    sender_name: str,
    kind: MessageKind,
    media: Sequence[Medium],
    title: str,
    body: str,
    not_before: datetime,
    expires_at: datetime,
    at: datetime,
    topic: str = "",
    goods: str = "",
    link: str = "",
    contact: str = "",
    refusal_number: str = "",
    details: Mapping[str, Any] | None = None,
    at_night: bool = False,
    payer: str = "",
) -> Sending:
    """Write down one text for many; nobody is written to until recipients are queued.

    `media` are tried in this order for each recipient. `expires_at` is when the text is stale: nothing goes out after it, and
    nothing waits for the next morning unless this says so. The text has gaps `#{name}`. Repeating it with the same key and
    text gives the same sending; KeyReused with another. Refuses: TooLate; BadText with the faults of each medium, among them
    "promotes": information that praises an offer is an advertisement.
    """
    fields: dict[str, Any] = {
        "reference": reference,
        "sender": sender,
        "sender_name": sender_name,
        "contact": contact,
        "refusal_number": refusal_number,
        "kind": str(kind),
        "topic": topic,
        "goods": goods,
        "media": [str(medium) for medium in media],
        "title": title,
        "body": body,
        "link": link,
        "details": dict(details or {}),
        "at_night": at_night,
        "not_before": not_before,
        "expires_at": expires_at,
        "payer": payer,
    }
    known = Sending.objects.filter(key=key).first()
    if known is None:
        if expires_at <= max(at, not_before):
            raise TooLate
        _refuse_bad_text(fields)
        with transaction.atomic():
            known, _ = Sending.objects.get_or_create(
                key=key, defaults={"public_id": ids.new_public_id("snd"), "created_at": at, **fields}
            )
    if any(getattr(known, name) != value for name, value in fields.items()):
        raise KeyReused
    return known


def _refuse_bad_text(fields: Mapping[str, Any]) -> None:
    found = check_text(
        kind=MessageKind(fields["kind"]),
        media=[Medium(medium) for medium in fields["media"]],
        sender_name=fields["sender_name"],
        contact=fields["contact"],
        refusal_number=fields["refusal_number"],
        title=fields["title"],
        body=fields["body"],
        link=fields["link"],
        details=fields["details"],
    )
    if not fields["media"]:
        found["media"] = ["none"]
    if fields["kind"] == MessageKind.ADVERTISING and not fields["topic"]:
        found["topic"] = ["none"]
    if found:
        raise BadText(faults=found)


def check_text(
    *,
    kind: MessageKind,
    media: Sequence[Medium],
    sender_name: str,
    contact: str,
    title: str,
    body: str,
    refusal_number: str = "",
    link: str = "",
    details: Mapping[str, Any] | None = None,
    variables: Mapping[str, object] | None = None,
) -> dict[str, list[str]]:
    """The faults of a text by medium, with the gaps filled as far as they are known; empty where it may be sent."""
    known = dict.fromkeys(rules.gaps_of(title, body, link), "○○○") | dict(variables or {})
    found = {}
    for medium in media:
        words = Words(
            advertising=kind == MessageKind.ADVERTISING,
            sender_name=sender_name,
            contact=contact,
            refusal_number=refusal_number,
            title=rules.filled(title, known),
            body=rules.filled(body, known),
            link=queries.link_for(medium, rules.filled(link, known)),
            refuse=queries.refusal_link("x" * queries.TOKEN_LENGTH),
            details=details or {},
        )
        faults = channels.faults(medium, channels.compose(medium, words), words)
        if not words.advertising and rules.promotes(title, body):
            faults.append("promotes")
        if faults:
            found[str(medium)] = faults
    return found


def queue_messages(
    *, sending: Sending, recipients: Iterable[tuple[int, Mapping[str, object] | None]], at: datetime
) -> int:
    """Queue the text for these recipients, each with the values of its gaps; how many were not queued before.

    One COPY and one INSERT, whatever the number. Somebody queued before stays as they are. Refuses: MissingVariable; TooLate where
    the sending was dropped.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE coming (recipient bigint, variables jsonb) ON COMMIT DROP")
        with cursor.copy("COPY coming FROM STDIN") as copy:
            for recipient, variables in recipients:
                copy.write_row((recipient, json.dumps(variables, ensure_ascii=False) if variables else None))
        fresh = _queue(sending, "SELECT recipient, variables FROM coming", [], at)
        cursor.execute("DROP TABLE coming")
        return fresh


def queue_people(*, sending: Sending, recipients: NDArray[Any], at: datetime) -> int:
    """As `queue_messages`, for (n,) recipients of a text without gaps. Whoever else queues for it waits, so that a million rows need
    not each be looked for first. Refuses: MissingVariable for a text with gaps; TooLate."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM messaging_sending WHERE id = %s FOR UPDATE", [sending.pk])
        first = not Outgoing.objects.filter(sending=sending).exists()
        query = "SELECT unnest(%s::bigint[]), NULL::jsonb"
        return _queue(sending, query, [array(recipients.tolist())], at, first=first)


def queue_from(*, sending: Sending, query: str, parameters: Sequence[object] = (), at: datetime) -> int:
    """As `queue_messages`, for the recipients that an SQL `query` of the caller's own finds: its columns are the recipient
    (bigint) and the values of the gaps (jsonb, may be null)."""
    with transaction.atomic():
        return _queue(sending, query, list(parameters), at)


def _queue(sending: Sending, query: str, parameters: list[Any], at: datetime, *, first: bool = False) -> int:
    """`first`: nobody is queued for it, and nobody else can be."""
    gaps = rules.gaps_of(sending.title, sending.body, sending.link)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '120s'")
        # It stays until its rows are committed: nothing else keeps a row from belonging to nothing.
        cursor.execute("SELECT 1 FROM messaging_sending WHERE id = %s FOR KEY SHARE", [sending.pk])
        if cursor.fetchone() is None:
            raise TooLate
        if gaps:
            cursor.execute(
                f"SELECT 1 FROM ({query}) AS q (r, v) WHERE NOT coalesce(v ?& %s, false) LIMIT 1",  # noqa: S608 - the caller's
                [*parameters, gaps],
            )
            if cursor.fetchone():
                names = ", ".join(gaps)
                raise MissingVariable(
                    say(
                        "글에 채울 값이 없는 자리가 있어요: {names}",
                        en="The text has gaps without a value: {names}",
                        names=names,
                    )
                )
        cursor.execute(
            "INSERT INTO messaging_outgoing (sending_id, recipient, variables, fate, reason, medium, tries, won, due_at) "  # noqa: S608
            f"SELECT %s, q.r, q.v, 0, '', %s, 0, 0, %s FROM ({query}) AS q (r, v) "
            f"{'' if first else 'ON CONFLICT (sending_id, recipient) DO NOTHING'}",
            [sending.pk, sending.media[0], max(at, sending.not_before), *parameters],
        )
        fresh = int(cursor.rowcount)
    _wake(sending, at)
    return fresh


def _wake(sending: Sending, at: datetime) -> None:
    for medium in sending.media:
        when = max(at, sending.not_before)
        jobs.enqueue(WATCH, once=f"{WATCH}:{medium}" if when <= at else None, at=when, medium=medium)


def pause_sendings(*, reference: str) -> int:
    """Hold everything back that has this reference; what a provider is being told this instant is the last. Safe to repeat."""
    before = rules.states_before(SendingState.PAUSED)
    return Sending.objects.filter(reference=reference, state__in=before).update(state=SendingState.PAUSED)


@transaction.atomic
def resume_sendings(*, reference: str, at: datetime) -> int:
    """Let it go on. What went stale meanwhile is never sent. Safe to repeat."""
    held = list(Sending.objects.filter(reference=reference, state__in=rules.states_before(SendingState.OPEN)))
    Sending.objects.filter(pk__in=[one.pk for one in held]).update(state=SendingState.OPEN)
    for one in held:
        _wake(one, at)
    return len(held)


@transaction.atomic
def stop_sendings(*, reference: str, at: datetime) -> int:
    """End it: whoever waits gets nothing, for good. How many waited. Safe to repeat.

    What ends it is the state of the sending. The rows of more than `AT_ONCE` are written down by `close_sendings`, so that a
    stop is answered at once.
    """
    ended = Sending.objects.filter(reference=reference, state__in=rules.states_before(SendingState.STOPPED))
    numbers = list(ended.values_list("pk", flat=True))
    ended.update(state=SendingState.STOPPED)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '120s'")
    waiting = Outgoing.objects.filter(sending_id__in=numbers, fate=Fate.WAITING)
    many = waiting.count()
    if many <= AT_ONCE:
        waiting.update(fate=Fate.STOPPED, reason="stopped", decided_at=at)
    return many


# Who pays


def fund_messages(*, account: str, source: str, won: int, key: str, at: datetime) -> None:
    """Put won onto a message balance. Safe to repeat."""
    ledger.record_entry(
        key=key,
        kind="messages-funded",
        reference=account,
        postings=[(source, account, won)],
        floored=frozenset({account}),
        at=at,
    )


@transaction.atomic
def hold_price(*, sending: Sending, won: int, at: datetime) -> None:
    """Set the quoted price aside from the payer's balance. Refuses: NotEnoughBalance. Safe to repeat."""
    locked = Sending.objects.select_for_update().get(pk=sending.pk)
    more = won - locked.held
    if more <= 0:
        return
    try:
        ledger.record_entry(
            key=f"messages-held:{locked.public_id}:{locked.held}",
            kind="messages-held",
            reference=locked.public_id,
            postings=[(locked.payer, f"messages-held:{locked.public_id}", more)],
            floored=frozenset({locked.payer, f"messages-held:{locked.public_id}"}),
            at=at,
        )
    except NotEnough as short:
        raise NotEnoughBalance from short
    Sending.objects.filter(pk=locked.pk).update(held=won)


@transaction.atomic
def settle_sending(*, sending: Sending, at: datetime) -> int:
    """Pay the agencies for what really arrived; when nothing is on its way any more, give the rest back. Won paid so far."""
    locked = Sending.objects.select_for_update().get(pk=sending.pk)
    owed = min(queries.won_arrived(locked), locked.held)
    account = f"messages-held:{locked.public_id}"
    if owed > locked.settled:
        ledger.record_entry(
            key=f"messages-paid:{locked.public_id}:{locked.settled}",
            kind="messages-paid",
            reference=locked.public_id,
            postings=[(account, "agency:messages", owed - locked.settled)],
            at=at,
        )
    Sending.objects.filter(pk=locked.pk).update(settled=owed)
    over = not Outgoing.objects.filter(sending=locked, fate__in=ON_THE_WAY).exists()
    if (
        over
        and locked.state in rules.states_before(SendingState.CLOSED)
        and (locked.state == SendingState.STOPPED or at >= locked.expires_at)
    ):
        if locked.held > owed:
            ledger.record_entry(
                key=f"messages-freed:{locked.public_id}",
                kind="messages-freed",
                reference=locked.public_id,
                postings=[(account, locked.payer, locked.held - owed)],
                at=at,
            )
        Sending.objects.filter(pk=locked.pk).update(state=SendingState.CLOSED)
    return owed


def close_sendings(*, at: datetime) -> int:
    """Expire what is stale, settle what arrived, and close what is over. How many rows went stale. Safe to repeat."""
    stopped = Outgoing.objects.filter(fate=Fate.WAITING, sending__state=SendingState.STOPPED)
    stopped.update(fate=Fate.STOPPED, reason="stopped", decided_at=at)
    stale = Outgoing.objects.filter(fate=Fate.WAITING, sending__expires_at__lte=at)
    expired = stale.update(fate=Fate.EXPIRED, reason="stale", decided_at=at)
    for sending in Sending.objects.exclude(state=SendingState.CLOSED).filter(queries.worth_settling(at)).order_by("pk"):
        settle_sending(sending=sending, at=at)
    return expired


@transaction.atomic
def drop_notices(*, topics: Sequence[str], before: datetime) -> int:
    """Delete the receipts of information about these topics that was over before an instant; nothing of it was an
    advertisement, and no refusal link names it. How many sendings. Safe to repeat."""
    old = Sending.objects.filter(
        kind=MessageKind.INFORMATION, topic__in=topics, state=SendingState.CLOSED, expires_at__lt=before
    )
    held = list(old.select_for_update().values_list("pk", flat=True))
    Outgoing.objects.filter(sending__in=held).delete()
    _, by_model = Sending.objects.filter(pk__in=held).delete()
    return by_model.get("messaging.Sending", 0)
