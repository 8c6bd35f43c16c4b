"""Everything done to the books: money moves forward or is moved back, and is never edited."""

import logging
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection, transaction
from django.db.models import F, QuerySet

from dure.kit.sql import write, written_once
from dure.ledger import errors, queries, rules
from dure.ledger.models import Account, Entry, Posting, Seal
from dure.ledger.storage import heads
from dure.ledger.values import Move

SEAL_ENTRIES = 5_000
SEAL_WAITS, SEAL_LOOKS = timedelta(seconds=10), timedelta(milliseconds=50)
"""How long sealing waits for transactions that write to the books, and how often it looks."""
_log = logging.getLogger(__name__)


def record_entry(
    *,
    key: str,
    kind: str,
    reference: str,
    postings: Sequence[tuple[str, str, int]],
    at: datetime,
    floored: frozenset[str] = frozenset(),
    asset: str = "KRW",
) -> Entry:
    """Move money, or another `asset`: each posting is (source account, destination account, won). Accounts open when first
    named, each for one asset.

    Accounts in `floored` keep a balance that may not fall below zero; whether an account is floored is decided when it
    opens. Repeat-safe: the same key with the same contents is the entry already there.
    Refuses: KeyReused, NotEnough. Publishes nothing. Joins the caller's transaction.
    """
    return _record(key, kind, reference, rules.checked(postings), at, floored, None, asset)


def open_account(*, code: str, floored: bool, asset: str = "KRW") -> None:
    """Open an account before anything moves, so that it keeps its balance from the first won on. Safe to repeat; a
    caller that wants it otherwise than it was opened has a bug (ValueError)."""
    _accounts({code}, frozenset({code}) if floored else frozenset(), asset)


def hold_accounts(*, codes: Collection[str]) -> None:
    """Lock open accounts in id order until the caller's transaction ends: whoever decides by a balance holds it first."""
    list(Account.objects.select_for_update(no_key=True).filter(code__in=codes).order_by("id"))


def reverse_entry(*, entry: Entry, key: str, at: datetime) -> Entry:
    """Move back all that `entry` moved, once: repeating gives the same reversal, whatever the key.

    Refuses: KeyReused when `key` stands for something else, NotEnough when a floored account has spent it.
    """
    with transaction.atomic():
        Entry.objects.select_for_update(of=("self",), no_key=True).get(pk=entry.pk)
        done = Entry.objects.filter(reverses=entry).first()
        if done:
            return done
        moves = [Move(d, s, amount) for s, d, amount in _moves_of(entry)]
        asset = Account.objects.get(code=moves[0].source).asset
        return _record(key, f"{entry.kind}-reversal", entry.reference, moves, at, frozenset(), entry, asset)


@transaction.atomic
def _record(
    key: str,
    kind: str,
    reference: str,
    moves: list[Move],
    at: datetime,
    floored: frozenset[str],
    reverses: Entry | None,
    asset: str,
) -> Entry:
    entry = Entry(key=key, kind=kind, reference=reference, at=at, reverses=reverses)
    if not _reserve(entry):
        return _same(Entry.objects.get(key=key), entry, moves)
    accounts = _accounts({code for move in moves for code in move[:2]}, floored, asset)
    _keep_balances(accounts, rules.changes(moves))
    write(
        *(
            Posting(entry=entry, source=accounts[source], destination=accounts[destination], amount=amount)
            for source, destination, amount in moves
        )
    )
    return entry


def _reserve(entry: Entry) -> bool:
    """Take the key; a second taker waits for the first to commit, then learns that it is taken."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_entry (key, kind, reference, at, reverses_id) VALUES (%s, %s, %s, %s, %s) "
            "ON CONFLICT (key) DO NOTHING RETURNING id",
            [entry.key, entry.kind, entry.reference, entry.at, entry.reverses_id],
        )
        row = cursor.fetchone()
    if row:
        entry.pk = row[0]
        entry._state.adding = False  # noqa: SLF001 - it is in the database, put there by hand
    return row is not None


def _same(known: Entry, wanted: Entry, moves: list[Move]) -> Entry:
    if (known.kind, known.reference, known.reverses_id, _moves_of(known)) != (
        wanted.kind,
        wanted.reference,
        wanted.reverses_id,
        moves,
    ):
        raise errors.KeyReused(key=wanted.key)
    return known


def _moves_of(entry: Entry) -> list[Move]:
    rows = entry.postings.order_by("id").values_list("source__code", "destination__code", "amount")
    return [Move(*row) for row in rows]


def _accounts(codes: set[str], floored: frozenset[str], asset: str) -> dict[str, Account]:
    def known() -> dict[str, Account]:
        return {account.code: account for account in _accounts_coded(tuple(sorted(codes)))}

    accounts = known()
    if missing := sorted(codes - accounts.keys()):
        opened = [Account(code=code, asset=asset, balance=0 if code in floored else None) for code in missing]
        Account.objects.bulk_create(opened, ignore_conflicts=True)
        accounts = known()
    for account in accounts.values():
        if account.asset != asset:
            raise ValueError(f"{account.code} holds {account.asset}, not {asset}")
    for code in floored & accounts.keys():
        if accounts[code].balance is None:
            raise ValueError(f"{code} was opened without a floor")
    return accounts


@written_once
def _accounts_coded(codes: tuple[str, ...]) -> QuerySet[Account]:
    return Account.objects.filter(code__in=codes)


def _keep_balances(accounts: dict[str, Account], gains: Mapping[str, int]) -> None:
    """Change the kept balances, locked in id order so that two entries never wait for each other."""
    kept = {account.pk: account.code for account in accounts.values() if account.balance is not None}
    if not kept:
        return
    locked = Account.objects.select_for_update(no_key=True).filter(pk__in=kept).order_by("id")
    for account in locked:
        if (account.balance or 0) + gains[account.code] < 0:
            raise errors.NotEnough(account=account.code)
    for pk, code in kept.items():
        if gains[code]:
            Account.objects.filter(pk=pk).update(balance=F("balance") + gains[code])


def seal_entries(*, at: datetime) -> int:
    """Seal every entry that nothing can come before any more, in batches, each over the one before; keep the heads outside the
    database. How many entries. Safe to repeat; of two at once one does nothing. Must not be called inside a transaction.

    It adds nothing to what writes an entry: which numbers are settled is read from the locks that writers hold anyway.
    Heads outside that the database does not have are a tail that was cut off: then nothing is sealed, and the log says so.
    """
    outside = heads.known()
    with transaction.atomic():
        if outside and not Seal.objects.filter(number=outside[-1].number, hash=outside[-1].hash).exists():
            _log.error(
                "the books lack seal %s, which is kept in %s; see `dure verify`", outside[-1].number, heads.file()
            )
            return 0
    until = _settled_until()
    sealed = 0
    while batch := _seal_batch(until, at):
        sealed += batch
    fresh = queries.heads_after(outside[-1].number if outside else 0)
    if fresh:
        # After the commit: a head outside that no crash can leave without its seal. What a crash leaves out is kept next time.
        heads.keep(fresh, at=at)
        _log.info(
            "the books are sealed up to entry %s: seal %s is %s", fresh[-1].last_entry, fresh[-1].number, fresh[-1].hash
        )
    return sealed


def _settled_until() -> int:
    """The newest entry before which no entry can appear any more: whoever might still bring one had begun to write before we
    looked, and has ended. 0 where somebody writes for too long; next time, then."""
    until = queries.newest_entry()
    # In this order: who has a number up to `until` holds the table's lock since before, or has ended.
    writing, patience = queries.writers(), time.monotonic() + SEAL_WAITS.total_seconds()
    while writing & queries.writers():
        if time.monotonic() > patience:
            return 0
        threading.Event().wait(SEAL_LOOKS.total_seconds())  # no SQL waits for somebody else's transaction
    return until


@transaction.atomic
def _seal_batch(until: int, at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('dure.ledger.seal'))")
        if not cursor.fetchone()[0]:
            return 0
    before = queries.last_seal()
    found = queries.lines(after=before.last_entry if before else None, until=until, most=SEAL_ENTRIES)
    if not found:
        return 0
    number, previous = (before.number + 1, before.hash) if before else (1, "")
    digests = [rules.digest(line.text) for line in found]
    Seal.objects.create(
        number=number,
        last_entry=found[-1].number,
        entries=len(found),
        previous=previous,
        hash=rules.chained(previous, number, digests),
        marks=rules.marks((line.number, one) for line, one in zip(found, digests, strict=True)),
        sealed_at=at,
    )
    return len(found)


def set_seals_aside(*, at: datetime) -> Path | None:
    """An operator put another database in this one's place: its seals begin their own file. Where the old one lies now."""
    return heads.set_aside(at=at)
