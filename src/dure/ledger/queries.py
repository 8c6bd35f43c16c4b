"""Everything read from the books."""

from collections.abc import Iterator, Sequence

from django.db import connection
from django.db.models import Q, QuerySet, Sum

from dure.ledger import rules
from dure.ledger.models import Account, Entry, Posting, Seal
from dure.ledger.values import Head, Line, Trial

# Lengths before texts, so that no text can pretend to be two; numbers and instants in one way of writing, whatever the session.
_LINES = """
    WITH chosen AS MATERIALIZED (
        SELECT * FROM ledger_entry WHERE id <= %(until)s AND (%(after)s::bigint IS NULL OR id > %(after)s) ORDER BY id LIMIT %(most)s
    ), moved AS (
        SELECT p.entry_id, string_agg(concat_ws(',', p.id, octet_length(s.code), s.code, octet_length(d.code), d.code,
                                                octet_length(s.asset), s.asset, octet_length(d.asset), d.asset, p.amount),
                                      ';' ORDER BY p.id) AS postings
        FROM ledger_posting p JOIN ledger_account s ON s.id = p.source_id JOIN ledger_account d ON d.id = p.destination_id
        WHERE p.entry_id IN (SELECT id FROM chosen) GROUP BY p.entry_id
    )
    SELECT e.id, e.key, concat_ws('|', e.id, octet_length(e.key), e.key, octet_length(e.kind), e.kind,
                                  octet_length(e.reference), e.reference, (extract(epoch FROM e.at) * 1000000)::bigint,
                                  coalesce(e.reverses_id::text, '-'), coalesce(m.postings, '-'))
    FROM chosen e LEFT JOIN moved m ON m.entry_id = e.id ORDER BY e.id
"""


def balance_of(code: str) -> int:
    """What lies in the account `code` in won; an account nobody named yet is empty."""
    account = Account.objects.filter(code=code).first()
    if account is None:
        return 0
    if account.balance is not None:
        return account.balance
    gained = Posting.objects.filter(destination=account).aggregate(won=Sum("amount"))["won"] or 0
    lost = Posting.objects.filter(source=account).aggregate(won=Sum("amount"))["won"] or 0
    return int(gained - lost)


def keeps_floor(code: str) -> bool:
    """Whether the account may not fall below zero."""
    return Account.objects.filter(code=code, balance__isnull=False).exists()


def floored_sum(prefix: str) -> int:
    """What lies in all accounts with a floor whose codes begin with `prefix`, in won."""
    held = Account.objects.filter(code__startswith=prefix, balance__isnull=False)
    return int(held.aggregate(won=Sum("balance"))["won"] or 0)


def balances_under(prefix: str) -> dict[str, int]:
    """What lies in each account with a floor whose code begins with `prefix`, by the rest of the code."""
    found = Account.objects.filter(code__startswith=prefix, balance__isnull=False).order_by("code")
    return {
        code.removeprefix(prefix): int(held) for code, held in found.values_list("code", "balance") if held is not None
    }


def entries_about(reference: str) -> QuerySet[Entry]:
    """The entries with this reference, oldest first, with their postings and accounts."""
    return (
        Entry.objects.filter(reference=reference)
        .order_by("id")
        .prefetch_related("postings__source", "postings__destination")
    )


def postings_of(code: str) -> QuerySet[Posting]:
    """What moved on an account, the latest first, with entries and accounts."""
    moved = Posting.objects.filter(Q(source__code=code) | Q(destination__code=code))
    return moved.select_related("entry", "source", "destination").order_by("-id")


def trial() -> Trial:
    """The whole of the books added up."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH change AS (
                SELECT destination_id AS account, amount FROM ledger_posting
                UNION ALL
                SELECT source_id, -amount FROM ledger_posting
            ), balance AS (SELECT account, sum(amount) AS won FROM change GROUP BY account)
            SELECT (SELECT count(*) FROM ledger_entry),
                   (SELECT coalesce(sum(amount), 0) FROM ledger_posting),
                   (SELECT coalesce(sum(won) FILTER (WHERE won > 0), 0) FROM balance),
                   (SELECT coalesce(-sum(won) FILTER (WHERE won < 0), 0) FROM balance)
            """
        )
        entries, moved, inside, outside = cursor.fetchone()
    return Trial(int(entries), int(moved), int(inside), int(outside))


# Seals --------------------------------------------------------------------------------------------------------------


def lines(*, after: int | None, until: int, most: int | None = None) -> list[Line]:
    """Entries in order with number beyond `after` (None: from the first) and up to `until`, `most` of them at most."""
    with connection.cursor() as cursor:
        cursor.execute(_LINES, {"after": after, "until": until, "most": most})
        return [Line(*row) for row in cursor.fetchall()]


def last_seal() -> Seal | None:
    """The newest seal."""
    return Seal.objects.order_by("-number").first()


def heads_after(number: int) -> list[Head]:
    """The heads of the seals beyond `number`, oldest first."""
    rows = Seal.objects.filter(number__gt=number).order_by("number").values_list("number", "last_entry", "hash")
    return [Head(*row) for row in rows]


def writers() -> set[str]:
    """Other transactions that have begun to write to the books and have not ended, by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT virtualtransaction FROM pg_locks
            WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND relation = 'ledger_entry'::regclass AND mode = 'RowExclusiveLock' AND granted
              AND pid <> pg_backend_pid()
            """
        )
        return {str(row[0]) for row in cursor.fetchall()}


def newest_entry() -> int:
    """The number of the newest entry that anybody can see; 0 where there is none."""
    return Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0


def broken_seals(outside: Sequence[Head]) -> Iterator[str]:
    """What is wrong with the sealed entries, a line for each seal that does not hold, the first wrong entry by name. `outside`:
    the heads that were kept outside the database; without them a tail that was cut off is not found."""
    kept = {head.number: head for head in outside}
    seals = Seal.objects.order_by("number")
    expected, previous, after = 1, "", None
    for seal in seals.iterator(chunk_size=200):
        if seal.number != expected:
            yield f"seal {expected} is missing before seal {seal.number}"
        found = lines(after=after, until=seal.last_entry)
        digests = [rules.digest(line.text) for line in found]
        if seal.previous != previous:
            yield f"seal {seal.number} does not follow the seal before it"
        if rules.chained(seal.previous, seal.number, digests) != seal.hash or len(found) != seal.entries:
            yield _named(seal, found, digests)
        head = kept.get(seal.number)
        if outside and (head is None or (head.last_entry, head.hash) != (seal.last_entry, seal.hash)):
            where = "is not kept outside" if head is None else "is not the one that is kept outside"
            yield f"seal {seal.number} (entries {(after or 0) + 1} to {seal.last_entry}) {where}"
        expected, previous, after = seal.number + 1, seal.hash, seal.last_entry
    gone = [head for head in outside if head.number >= expected]
    if gone:
        yield f"the tail is gone: entries {(after or 0) + 1} to {gone[-1].last_entry} were sealed, and their seals are no more"


def _named(seal: Seal, found: Sequence[Line], digests: Sequence[bytes]) -> str:
    now = rules.marks((line.number, one) for line, one in zip(found, digests, strict=True))
    difference = rules.first_difference(bytes(seal.marks), now)
    if difference is None:
        return f"seal {seal.number} was changed; its last entry is {seal.last_entry}"
    number, what = difference
    key = next((f" ({line.key})" for line in found if line.number == number), "")
    return f"entry {number}{key} was {what} after seal {seal.number}"
