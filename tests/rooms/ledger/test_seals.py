"""Whoever changes the books behind our back is found out, also a superuser who takes the triggers off."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from dure.ledger import actions, queries, rules
from dure.ledger.models import Entry, Posting, Seal
from dure.ledger.storage import heads
from dure.project import verify

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ENTRIES, A_SEAL, TAMPERINGS = 48, 12, 1_000


@pytest.fixture(autouse=True)
def own_heads(settings: Settings, tmp_path: Path) -> None:
    settings.SEALS = tmp_path / "seals"


def run(sql: str, *parameters: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.rowcount


def write(number: int) -> Entry:
    return actions.record_entry(
        key=f"e{number}",
        kind="payment" if number % 3 else "refund",
        reference=f"pay_{number // 2}",
        postings=[("provider:x", f"shop:{number % 5}", 1_000 + number), ("provider:x", "fees", 10 + number)][
            : 1 + number % 2
        ],
        at=NOW,
    )


@pytest.fixture
def books(db: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Entries under several seals, with numbers that nobody has between them; the triggers are off."""
    monkeypatch.setattr(actions, "SEAL_ENTRIES", A_SEAL)
    numbers = []
    for number in range(ENTRIES):
        numbers.append(write(number).pk)
        if number % 4 == 0:
            run("SELECT nextval('ledger_entry_id_seq')")  # as a key that was taken already leaves it
    assert actions.seal_entries(at=NOW) == ENTRIES
    run("SET CONSTRAINTS ALL IMMEDIATE")
    for table in ("ledger_entry", "ledger_posting", "ledger_seal"):
        run(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only")
    run("SET CONSTRAINTS ALL DEFERRED")
    return numbers


@contextmanager
def undone() -> Iterator[None]:
    mark = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(mark)


def edit(dice: random.Random, numbers: list[int]) -> int:
    entry = dice.choice(numbers)
    posting = f"entry_id = {entry} AND id = (SELECT min(id) FROM ledger_posting WHERE entry_id = {entry})"
    how = dice.choice(
        [
            f"UPDATE ledger_posting SET amount = amount + 1 WHERE {posting}",
            f"UPDATE ledger_posting SET source_id = destination_id, destination_id = source_id WHERE {posting}",
            f"UPDATE ledger_entry SET reference = reference || ' ' WHERE id = {entry}",
            f"UPDATE ledger_entry SET key = key || 'x' WHERE id = {entry}",
            f"UPDATE ledger_entry SET kind = 'adjustment' WHERE id = {entry}",
            f"UPDATE ledger_entry SET at = at + interval '1 microsecond' WHERE id = {entry}",
        ]
    )
    assert run(how) == 1
    return entry


def delete(dice: random.Random, numbers: list[int]) -> int:
    entry = dice.choice(numbers[:-1])
    run("DELETE FROM ledger_posting WHERE entry_id = %s", entry)
    assert run("DELETE FROM ledger_entry WHERE id = %s", entry) == 1
    return entry


def insert(dice: random.Random, numbers: list[int]) -> int:
    free = sorted(set(range(1, numbers[-1])) - set(numbers))
    entry = dice.choice([*free, -5, 0])
    run("INSERT INTO ledger_entry (id, key, kind, reference, at) VALUES (%s, 'forged', 'refund', 'x', %s)", entry, NOW)
    some = Posting.objects.order_by("id")[0]
    run(
        "INSERT INTO ledger_posting (entry_id, source_id, destination_id, amount) VALUES (%s, %s, %s, 5)",
        entry, some.destination_id, some.source_id,
    )  # fmt: skip
    return entry


def cut_tail(dice: random.Random, numbers: list[int]) -> int:
    """The newest entries go, and every seal over them: what is left is in order by itself."""
    seal = dice.choice(list(Seal.objects.order_by("number")[:3]))
    run("DELETE FROM ledger_posting WHERE entry_id > %s", seal.last_entry)
    run("DELETE FROM ledger_entry WHERE id > %s", seal.last_entry)
    run("DELETE FROM ledger_seal WHERE number > %s", seal.number)
    return seal.last_entry + 1


def swap(dice: random.Random, numbers: list[int]) -> int:
    """Two entries change places: each keeps what it moved, under the other's number."""
    one, other = sorted(dice.sample(numbers, 2))
    for old, new in ((one, -1), (other, one), (-1, other)):
        run("UPDATE ledger_posting SET entry_id = %s WHERE entry_id = %s", new, old)
        run("UPDATE ledger_entry SET id = %s WHERE id = %s", new, old)
    return one


KINDS: list[Callable[[random.Random, list[int]], int]] = [edit, delete, insert, cut_tail, swap]


def test_a_thousand_tamperings_of_five_kinds_are_all_found(books: list[int]) -> None:
    """And the first wrong entry is named, where its seal still stands to name it."""
    outside, dice, found = heads.known(), random.Random(18), 0
    assert list(queries.broken_seals(outside)) == [], "nothing is wrong before"
    for number in range(TAMPERINGS):
        with undone():
            tamper = KINDS[number % len(KINDS)]
            first = tamper(dice, books)
            told = next(queries.broken_seals(outside), "")
            found += bool(told)
            if tamper is not cut_tail:
                assert told.startswith(f"entry {first} "), (tamper.__name__, first, told)
    assert found == TAMPERINGS
    assert list(queries.broken_seals(outside)) == [], "and nothing after"


def test_a_cut_tail_is_not_found_without_the_heads_outside(books: list[int]) -> None:
    """The control: by itself a chain that was cut short is whole."""
    outside = heads.known()
    with undone():
        first = cut_tail(random.Random(1), books)
        assert list(queries.broken_seals([])) == []
        (told,) = queries.broken_seals(outside)
        assert f"entries {first} to {books[-1]}" in told


def test_who_forges_the_seals_too_is_found_by_the_heads_outside(books: list[int]) -> None:
    edit(random.Random(2), books)
    previous, after = "", None
    for seal in Seal.objects.order_by("number"):
        digests = [rules.digest(line.text) for line in queries.lines(after=after, until=seal.last_entry)]
        forged = rules.chained(previous, seal.number, digests)
        Seal.objects.filter(pk=seal.pk).update(previous=previous, hash=forged)
        previous, after = forged, seal.last_entry
    assert list(queries.broken_seals([])) == []
    assert "is not the one that is kept outside" in next(queries.broken_seals(heads.known()))


def test_verify_says_so_and_sealing_stops_over_a_cut_tail(books: list[int], caplog: pytest.LogCaptureFixture) -> None:
    assert verify._unsealed() == []
    kept = heads.known()
    cut_tail(random.Random(3), books)
    assert any("the tail is gone" in line for line in verify._unsealed())
    write(1_000)
    assert actions.seal_entries(at=NOW) == 0
    assert "lack seal" in caplog.text
    assert heads.known() == kept, "a cut tail is never papered over"


def test_a_line_that_a_crash_cut_short_is_completed_next_time(books: list[int]) -> None:
    kept = heads.known()
    text = heads.file().read_text()
    heads.file().write_text(text[: text.rindex("{") + 9])
    assert heads.known() == kept[:-1]
    actions.seal_entries(at=NOW)
    assert heads.known() == kept
    assert heads.file().stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_commits_late_is_sealed_and_not_taken_for_a_forged_one() -> None:
    """Its number is lower than one that was visible when sealing began: sealing waits for its transaction."""
    written, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            write(1)
            written.set()
            go_on.wait(5)
        connection.close()

    slow = threading.Thread(target=slowly)
    slow.start()
    assert written.wait(10)
    write(2)
    threading.Timer(0.3, go_on.set).start()
    assert actions.seal_entries(at=NOW) == 2
    slow.join()
    assert list(queries.broken_seals(heads.known())) == []
