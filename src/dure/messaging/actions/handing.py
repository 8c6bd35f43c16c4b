"""From waiting to handed over: claimed in one transaction, gated and handed over in the next, found again after a crash.

Before a provider is asked, the batch is written down and committed. While it is asked, the transaction that holds the
recipients' locks stays open, so a withdrawal is acknowledged either before the gate looked or after the batch was handed over.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from dure.kit import ids
from dure.kit.sql import array
from dure.messaging import providers, queries, rules
from dure.messaging.errors import NotPermitted
from dure.messaging.models import Endpoint, HandOver, Outgoing
from dure.messaging.providers import Unheard
from dure.messaging.values import PERMIT_LASTS, Answer, BatchPermit, Fate, InHand, Letter, Medium, SendingState, Verdict

TRIES_MAX = 5
LOST_AFTER = timedelta(seconds=30)
_PAUSES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))


@transaction.atomic
def claim_batch(*, medium: Medium, limit: int, asleep: bool, at: datetime) -> HandOver | None:
    """Take up to `limit` texts that are due by this medium, so that no other worker does. None when nothing is due.

    `asleep`: it is night, and only sendings that may go at night are taken. What went stale is closed on the way.
    """
    taken: list[int] = []
    with connection.cursor() as cursor:
        for sending in queries.sendings_due(medium, asleep=asleep, at=at):
            cursor.execute(
                "SELECT id FROM messaging_outgoing WHERE fate = 0 AND sending_id = %s AND medium = %s AND due_at <= %s "
                "LIMIT %s FOR UPDATE SKIP LOCKED",
                [sending, str(medium), at, limit - len(taken)],
            )
            taken += [row[0] for row in cursor.fetchall()]
            if len(taken) >= limit:
                break
        if not taken:
            return None
        cursor.execute("SET LOCAL statement_timeout = '60s'")
        provider = providers.provider_for(medium)
        batch = HandOver.objects.create(
            key=ids.new_public_id("hnd"),
            medium=medium,
            provider=provider.name if provider else "",
            count=len(taken),
            begun_at=at,
        )
        cursor.execute(
            "UPDATE messaging_outgoing SET fate = 1, hand_over_id = %s, tries = tries + 1 WHERE id = ANY(%s::bigint[])",
            [batch.pk, array(taken)],
        )
    return batch


def take_batch(*, batch: HandOver) -> list[InHand]:
    """The claimed rows that still wait for their decision, and the batch's own lock until the transaction ends, so that nobody
    takes the batch for abandoned. Empty when somebody did."""
    held = HandOver.objects.select_for_update().filter(pk=batch.pk, ended_at=None).first()
    if held is None:
        return []
    rows = Outgoing.objects.filter(hand_over=held, fate=Fate.HANDING, sending__state=SendingState.OPEN)
    fields = rows.order_by("recipient", "pk").values_list("pk", "sending_id", "recipient", "variables", "medium")
    return [InHand(*row) for row in fields.iterator(chunk_size=10_000)]


def end_batch(*, batch: HandOver, at: datetime) -> None:
    """Everything of this batch was decided or put back; what a pause or a stop left in hand goes where it belongs."""
    left = Outgoing.objects.filter(hand_over=batch, fate=Fate.HANDING, handed_at=None)
    left.filter(sending__state__in=(SendingState.STOPPED, SendingState.CLOSED)).update(
        fate=Fate.STOPPED, reason="stopped", decided_at=at
    )
    put_back(outgoing=list(left.values_list("pk", flat=True)), at=at)
    if not Outgoing.objects.filter(hand_over=batch, fate=Fate.HANDING).exists():
        _end(batch, at)


def issue_batch_permit(*, letters: Sequence[Letter], at: datetime, until: datetime) -> BatchPermit:
    """Sign the right to hand over these letters, in the transaction we stand in. Only the room that keeps the consents calls
    this, while it holds the locks that withdrawals wait for."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a permit is asked for and used inside one transaction.atomic() block")
    permit = BatchPermit(
        letters=rules.letters_hash(letters),
        transaction=queries.this_transaction(),
        issued_at=at,
        expires_at=min(at + PERMIT_LASTS, until),
        signature="",
    )
    return BatchPermit(
        letters=permit.letters,
        transaction=permit.transaction,
        issued_at=permit.issued_at,
        expires_at=permit.expires_at,
        signature=rules.batch_signature(permit, settings.SECRET_KEY),
    )


def hand_over(*, batch: HandOver, permit: BatchPermit, letters: Sequence[Letter], at: datetime) -> list[Answer]:
    """Give the letters to whoever carries their medium and write down what they said, inside the permit's transaction.

    Refuses a permit that is forged, altered, expired, of another transaction or for other letters: NotPermitted. A provider
    that was not heard leaves the letters in hand, for `recover_hand_overs`.
    """
    good = rules.is_good_batch(
        permit, letters, transaction=queries.this_transaction(), at=at, secret=settings.SECRET_KEY
    )
    if not good:
        raise NotPermitted
    if not letters:
        return []
    medium = Medium(batch.medium)
    sendings = queries.sendings_of(letters)
    if medium in (Medium.INBOX, Medium.PUSH):
        _put_into_inboxes(letters, sendings, at)
    if medium is Medium.INBOX:
        answers = [Answer(letter.outgoing, Verdict.ARRIVED, "") for letter in letters]
    else:
        provider = providers.provider_for(medium)
        if provider is None:
            answers = [Answer(letter.outgoing, Verdict.OTHER_WAY, "no-provider") for letter in letters]
        else:
            try:
                answers = provider.send(medium, letters, key=batch.key, sending=sendings, at=at)
            except Unheard:
                _note_handed(letters, {}, medium, at)
                return []
    # What went well is one statement; every other answer is written upon what was noted.
    well = {a.outgoing: a for a in answers if a.verdict in (Verdict.ARRIVED, Verdict.ACCEPTED)}
    _note_handed(letters, well, medium, at)
    write_down([a for a in answers if a.outgoing not in well], at=at)
    return answers


def _note_handed(letters: Sequence[Letter], well: Mapping[int, Answer], medium: Medium, at: datetime) -> None:
    """Write down what was handed over, on which consents and for how much, and of those that went `well` that they did."""
    day = queries.day_of(at)
    fates = {Verdict.ARRIVED: int(Fate.ARRIVED), Verdict.ACCEPTED: int(Fate.ACCEPTED)}
    nothing = Answer(0, Verdict.ASK, "")
    heard = [well.get(letter.outgoing, nothing) for letter in letters]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE messaging_outgoing o SET handed_at = %s, decided_at = %s, consent = v.consent, night_consent = v.night, won = v.won,
                   fate = v.fate, reason = v.code, provider_key = coalesce(nullif(v.key, ''), o.provider_key)
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::text[], %s::text[])
                 AS v (id, consent, night, won, fate, code, key)
            WHERE o.id = v.id
            """,
            [
                at,
                at,
                array(letter.outgoing for letter in letters),
                array(letter.consent for letter in letters),
                array(letter.night_consent for letter in letters),
                array(queries.price_of(medium, letter.body, day) for letter in letters),
                array(fates.get(answer.verdict, int(Fate.HANDING)) for answer in heard),
                [answer.code for answer in heard],
                [answer.provider_key for answer in heard],
            ],
        )


def _put_into_inboxes(letters: Sequence[Letter], sendings: Mapping[int, Mapping[str, Any]], at: datetime) -> None:
    """Each text lies in its reader's inbox, in the form that the inbox gives it, whatever rings for it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS inbox_coming (public_id text, key text, address text, sender text, "
            "sender_name text, kind text, topic text, basis text, title text, body text, link text, refuse text) "
            "ON COMMIT DELETE ROWS"
        )
        with cursor.copy("COPY inbox_coming FROM STDIN") as copy:
            for letter in letters:
                said = sendings[letter.outgoing]
                title, body = queries.inbox_form(said, letter)
                basis = "+".join(f"consent:{c}" for c in (letter.consent, letter.night_consent) if c) or said["basis"]
                copy.write_row(
                    (
                        ids.new_public_id("msg"),
                        f"outgoing:{letter.outgoing}",
                        queries.inbox_of_letter(letter),
                        said["sender"],
                        said["sender_name"],
                        said["kind"],
                        said["topic"],
                        basis,
                        title,
                        body,
                        letter.link,
                        letter.refuse,
                    )
                )
        cursor.execute(
            "INSERT INTO messaging_message (public_id, key, address, sender, sender_name, kind, topic, basis, title, body, link, refuse, sent_at) "
            "SELECT *, %s FROM inbox_coming ON CONFLICT (key) DO NOTHING",
            [at],
        )
        cursor.execute("TRUNCATE inbox_coming")


def write_down(answers: Collection[Answer], *, at: datetime) -> None:
    """What a provider said of each letter. A letter that cannot go this way goes the next way that its sending names."""
    by_verdict: dict[Verdict, list[Answer]] = {}
    for answer in answers:
        by_verdict.setdefault(answer.verdict, []).append(answer)
    for verdict, said in by_verdict.items():
        if verdict is Verdict.ARRIVED:
            _set(said, Fate.ARRIVED, at)
        elif verdict in (Verdict.ACCEPTED, Verdict.ASK):
            _set(said, Fate.ACCEPTED, at)
        elif verdict is Verdict.FAILED:
            _set(said, Fate.FAILED, at)
        elif verdict is Verdict.LATER:
            _again(said, at)
        else:
            if verdict is Verdict.GONE:
                _forget_endpoints(said)
            pass_on(reasons={answer.outgoing: answer.code or str(verdict) for answer in said}, to=Fate.FAILED, at=at)


def _set(answers: Sequence[Answer], fate: Fate, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE messaging_outgoing o SET fate = %s, reason = v.code, provider_key = coalesce(nullif(v.key, ''), o.provider_key),
                   won = CASE WHEN %s THEN o.won ELSE 0 END
            FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS v (id, code, key)
            WHERE o.id = v.id AND o.fate IN (1, 2)
            """,
            [
                int(fate),
                fate in (Fate.ARRIVED, Fate.ACCEPTED),
                [answer.outgoing for answer in answers],
                [answer.code for answer in answers],
                [answer.provider_key for answer in answers],
            ],
        )


def _again(answers: Sequence[Answer], at: datetime) -> None:
    """Back into the queue, a little later each time; after that it has failed."""
    codes = {answer.outgoing: answer.code for answer in answers}
    rows = list(Outgoing.objects.filter(pk__in=codes, fate__in=(Fate.HANDING, Fate.ACCEPTED)).only("pk", "tries"))
    for row in rows:
        row.reason, row.handed_at, row.won, row.hand_over_id = codes[row.pk], None, 0, None
        if row.tries >= TRIES_MAX:
            row.fate = Fate.FAILED
        else:
            row.fate, row.due_at = Fate.WAITING, at + _PAUSES[min(row.tries, len(_PAUSES)) - 1]
    Outgoing.objects.bulk_update(rows, ["reason", "handed_at", "won", "hand_over", "fate", "due_at"], batch_size=2_000)


def _forget_endpoints(answers: Sequence[Answer]) -> None:
    """Browsers that their push service no longer knows ring no more."""
    Endpoint.objects.filter(url__in=[answer.provider_key for answer in answers if answer.provider_key]).delete()


def pass_on(*, reasons: Mapping[int, str], to: Fate, at: datetime) -> int:
    """Try the next medium that each text's sending names; where there is none the text meets the fate `to`. How many go on."""
    if not reasons:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE messaging_outgoing o SET
                medium = coalesce(n.next, o.medium), fate = CASE WHEN n.next IS NULL THEN %s ELSE 0 END,
                reason = v.reason, decided_at = %s, handed_at = NULL, won = 0, hand_over_id = NULL, tries = 0
            FROM unnest(%s::bigint[], %s::text[]) AS v (id, reason)
                 JOIN messaging_outgoing p ON p.id = v.id
                 JOIN messaging_sending s ON s.id = p.sending_id
                 CROSS JOIN LATERAL (SELECT s.media[array_position(s.media, p.medium) + 1] AS next) n
            WHERE o.id = v.id AND o.fate IN (0, 1, 2)
            RETURNING o.fate
            """,
            [int(to), at, list(reasons), list(reasons.values())],
        )
        return sum(1 for (fate,) in cursor.fetchall() if fate == Fate.WAITING)


def refuse_outgoing(*, reasons: Mapping[int, str], at: datetime) -> None:
    """Write down that these may not be sent, and why. Nothing sends them afterwards."""
    if not reasons:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE messaging_outgoing o SET fate = 4, reason = v.reason, decided_at = %s, hand_over_id = NULL
            FROM unnest(%s::bigint[], %s::text[]) AS v (id, reason) WHERE o.id = v.id AND o.fate IN (0, 1)
            """,
            [at, list(reasons), list(reasons.values())],
        )


def put_back(*, outgoing: Iterable[int], at: datetime, after: timedelta = timedelta(0)) -> None:
    """These were not decided: they wait again, as if nobody had taken them."""
    numbers = list(outgoing)
    if numbers:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE messaging_outgoing SET fate = 0, hand_over_id = NULL, handed_at = NULL, won = 0, tries = greatest(tries - 1, 0), due_at = greatest(due_at, %s) "
                "WHERE id = ANY(%s) AND fate = 1",
                [at + after, numbers],
            )


def note_reports(*, reports: Collection[tuple[str, str, str]], provider: str, at: datetime) -> int:
    """What a provider reports later: (our key, its code, its own id) of each text. How many were ours. Safe to repeat; what is
    settled stays, and a report about another medium than the one that the text travels by now is an old one."""
    answers = [a for key, code, name in reports if (a := queries.answer_of(provider, key, code, name))]
    with transaction.atomic():
        write_down(answers, at=at)
    return len(answers)


def recover_hand_overs(*, at: datetime) -> int:
    """Batches whose answer was never written down, because a worker died or a provider was not heard: how many were cleared up.

    A provider that can be asked is asked; what it never received waits again under the same key. One that knows its keys again
    is simply told again. Of any other nobody can say whether it went: such texts are UNCERTAIN and are never sent again.
    """
    cleared = 0
    for number in HandOver.objects.filter(ended_at=None, begun_at__lte=at - LOST_AFTER).values_list("pk", flat=True):
        with transaction.atomic():
            # Whoever is handing this batch over holds its row; a batch that nobody holds was abandoned.
            batch = HandOver.objects.select_for_update(skip_locked=True).filter(pk=number, ended_at=None).first()
            if batch is None:
                continue
            _clear_up(batch, at)
            cleared += 1
    return cleared


def _clear_up(batch: HandOver, at: datetime) -> None:
    medium = Medium(batch.medium)
    in_hand = list(Outgoing.objects.filter(hand_over=batch, fate=Fate.HANDING).order_by("pk"))
    provider = providers.provider_for(medium)
    if medium is Medium.INBOX:
        put_back(outgoing=[row.pk for row in in_hand], at=at)
    elif provider is None or not (provider.can_find or provider.repeatable):
        Outgoing.objects.filter(pk__in=[row.pk for row in in_hand]).update(
            fate=Fate.UNCERTAIN, reason="unheard", handed_at=batch.begun_at, decided_at=at
        )
    else:
        known: set[int] = set()
        if provider.can_find:
            letters = queries.bare_letters(in_hand, medium)
            try:
                found = provider.find(medium, letters, key=batch.key, begun_at=batch.begun_at)
            except Unheard:
                return
            known = {answer.outgoing for answer in found}
            Outgoing.objects.filter(pk__in=known, handed_at=None).update(handed_at=batch.begun_at)
            write_down(found, at=at)
        put_back(outgoing=[row.pk for row in in_hand if row.pk not in known], at=at)
    _end(batch, at)


def _end(batch: HandOver, at: datetime) -> None:
    HandOver.objects.filter(pk=batch.pk).update(ended_at=at)
