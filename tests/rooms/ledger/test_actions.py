"""The books: balanced, kept once per key, never edited, and floored accounts never below zero under any race."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dure.ledger import actions as ledger
from dure.ledger import queries
from dure.ledger.errors import KeyReused, NotEnough
from dure.ledger.models import Account, Entry, Posting
from tests.races import at_once

AT = datetime(2026, 11, 23, 3, tzinfo=UTC)


def move(key: str = "k1", *postings: tuple[str, str, int], floored: frozenset[str] = frozenset()) -> Entry:
    return ledger.record_entry(
        key=key,
        kind="payment",
        reference="pay_1",
        postings=postings or [("provider:kakaopay", "shop:a", 12_000)],
        at=AT,
        floored=floored,
    )


@pytest.mark.django_db
def test_money_leaves_one_account_and_reaches_the_other() -> None:
    move()
    assert (queries.balance_of("provider:kakaopay"), queries.balance_of("shop:a")) == (-12_000, 12_000)
    assert queries.balance_of("shop:nobody") == 0
    assert [entry.reference for entry in queries.entries_about("pay_1")] == ["pay_1"]
    trial = queries.trial()
    assert (trial.entries, trial.moved, trial.inside, trial.outside) == (1, 12_000, 12_000, 12_000)
    assert trial.balanced


@pytest.mark.django_db
def test_the_same_key_with_the_same_contents_is_the_same_entry() -> None:
    assert move() == move()
    assert Entry.objects.count() == Posting.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "posting",
    [("provider:kakaopay", "shop:a", 12_001), ("provider:kakaopay", "shop:b", 12_000), ("x", "shop:a", 12_000)],
)
def test_the_same_key_with_other_contents_is_refused_and_writes_nothing(posting: tuple[str, str, int]) -> None:
    move()
    with pytest.raises(KeyReused):
        move("k1", posting)
    assert Entry.objects.count() == Posting.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("postings", [[], [("a", "b", 0)], [("a", "b", -1)], [("a", "a", 5)], [("", "b", 5)]])
def test_what_is_no_movement_is_a_bug_of_the_caller(postings: list[tuple[str, str, int]]) -> None:
    with pytest.raises(ValueError, match="mov"):
        ledger.record_entry(key="k", kind="x", reference="r", postings=postings, at=AT)
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_a_floored_account_never_falls_below_zero() -> None:
    wallet = frozenset({"wallet:1"})
    move("in", ("bank", "wallet:1", 100), floored=wallet)
    with pytest.raises(NotEnough):
        move("out", ("wallet:1", "shop:a", 101), floored=wallet)
    move("all", ("wallet:1", "shop:a", 100), floored=wallet)
    assert queries.balance_of("wallet:1") == 0
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.filter(code="wallet:1").update(balance=-1)


@pytest.mark.django_db
def test_a_floor_holds_even_when_a_later_entry_forgets_to_name_it() -> None:
    move("in", ("bank", "wallet:1", 100), floored=frozenset({"wallet:1"}))
    with pytest.raises(NotEnough):
        move("out", ("wallet:1", "shop:a", 101))


@pytest.mark.django_db
def test_an_account_opened_without_a_floor_cannot_get_one() -> None:
    move("in", ("bank", "wallet:1", 100))
    with pytest.raises(ValueError, match="without a floor"):
        move("out", ("wallet:1", "shop:a", 1), floored=frozenset({"wallet:1"}))


@pytest.mark.django_db
def test_a_reversal_moves_everything_back_once() -> None:
    entry = move("k1", ("provider:kakaopay", "shop:a", 12_000), ("shop:a", "dure:fee", 120))
    back = ledger.reverse_entry(entry=entry, key="undo", at=AT)
    assert back.reverses == entry
    assert [queries.balance_of(code) for code in ("provider:kakaopay", "shop:a", "dure:fee")] == [0, 0, 0]
    assert ledger.reverse_entry(entry=entry, key="undo again", at=AT) == back
    with pytest.raises(KeyReused):
        ledger.reverse_entry(entry=move("k2"), key="undo", at=AT)


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["ledger_entry", "ledger_posting"])
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_to_change_the_books(table: str, change: str) -> None:
    move()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table))
    assert Posting.objects.count() == 1


CODES = st.sampled_from(["bank", "shop:a", "shop:b", "wallet:1", "wallet:2"])
MOVES = st.lists(
    st.tuples(CODES, CODES, st.integers(1, 10**12)).filter(lambda move: move[0] != move[1]), min_size=1, max_size=6
)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.lists(MOVES, min_size=1, max_size=6))
def test_whatever_is_recorded_the_books_balance(entries: list[list[tuple[str, str, int]]]) -> None:
    wallets = frozenset({"wallet:1", "wallet:2"})
    expected = dict.fromkeys(["bank", "shop:a", "shop:b", "wallet:1", "wallet:2"], 0)
    with transaction.atomic():
        for number, moves in enumerate(entries):
            after = dict(expected)
            for source, destination, amount in moves:
                after[source] -= amount
                after[destination] += amount
            try:
                named = frozenset(code for move in moves for code in move[:2])
                move(f"e{number}", *moves, floored=wallets & named)
            except NotEnough:
                assert min(after["wallet:1"], after["wallet:2"]) < 0
            else:
                assert min(after["wallet:1"], after["wallet:2"]) >= 0
                expected = after
        assert {code: queries.balance_of(code) for code in expected} == expected
        assert queries.trial().balanced
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_spend_the_same_wallet_at_once_only_as_many_succeed_as_it_holds() -> None:
    wallet = frozenset({"wallet:1"})
    move("in", ("bank", "wallet:1", 500), floored=wallet)
    spend = [lambda n=n: move(f"out{n}", ("wallet:1", "shop:a", 100), floored=wallet) for n in range(12)]
    results = at_once(*spend)
    assert sum(isinstance(result, Entry) for result in results) == 5
    assert sum(isinstance(result, NotEnough) for result in results) == 7
    assert (queries.balance_of("wallet:1"), queries.balance_of("shop:a")) == (0, 500)


@pytest.mark.django_db(transaction=True)
def test_the_race_is_real_reading_before_writing_without_a_lock_overspends() -> None:
    """The control for the test above: the same race, with the lock left out, breaks the books."""
    Account.objects.create(code="naive")
    both_read = threading.Barrier(2)
    left = {"won": 100}

    def spend() -> None:
        enough = queries.balance_of("naive") + left["won"] >= 100
        both_read.wait(10)
        if enough:
            move(f"naive{threading.get_ident()}", ("naive", "shop:a", 100))

    at_once(spend, spend)
    assert queries.balance_of("naive") + left["won"] < 0


@pytest.mark.django_db(transaction=True)
def test_the_same_key_sent_by_many_at_once_is_one_entry() -> None:
    results = at_once(*[move] * 10)
    assert len({entry.pk for entry in results}) == 1
    assert queries.balance_of("shop:a") == 12_000


@pytest.mark.django_db(transaction=True)
def test_entries_across_the_same_wallets_in_both_directions_never_deadlock() -> None:
    both = frozenset({"wallet:1", "wallet:2"})
    move("in", ("bank", "wallet:1", 1000), ("bank", "wallet:2", 1000), floored=both)
    there = [lambda n=n: move(f"t{n}", ("wallet:1", "wallet:2", 10), floored=both) for n in range(8)]
    back = [lambda n=n: move(f"b{n}", ("wallet:2", "wallet:1", 10), floored=both) for n in range(8)]
    results = at_once(*there, *back)
    assert all(isinstance(result, Entry) for result in results), results
    assert (queries.balance_of("wallet:1"), queries.balance_of("wallet:2")) == (1000, 1000)
    assert queries.trial().balanced


@pytest.mark.django_db(transaction=True)
def test_reversing_every_entry_twice_at_once_reverses_each_once() -> None:
    entries = [move(f"k{n}", ("bank", "shop:a", 100 + n)) for n in range(6)]
    twice = [
        lambda e=e, t=t: ledger.reverse_entry(entry=e, key=f"undo:{e.pk}:{t}", at=AT) for e in entries for t in range(2)
    ]
    results = at_once(*twice)
    assert len({entry.pk for entry in results}) == 6
    assert queries.balance_of("shop:a") == 0
