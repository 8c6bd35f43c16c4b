"""The books against a dictionary of won, with somebody hostile at the keyboard."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from dure.ledger import actions as ledger
from dure.ledger import queries as books
from dure.ledger.errors import KeyReused, NotEnough
from dure.ledger.models import Account, Entry
from tests.machines import Machine, falls, walk

AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
BOXES = ("wallet:a", "wallet:b", "wallet:c")
OPEN = ("bank", "shop")
PLACES = st.sampled_from((*OPEN, *BOXES))
MOVES = st.lists(st.tuples(PLACES, PLACES, st.integers(1, 900)), min_size=1, max_size=2)


class Books(Machine):
    """Three accounts with a floor and two without: moved, moved back, repeated and forged."""

    def begin(self) -> None:
        self.model = dict.fromkeys((*OPEN, *BOXES), 0)
        self.done: list[tuple[Entry, list[tuple[str, str, int]]]] = []
        self.back: set[int] = set()
        for box in BOXES:
            ledger.open_account(code=box, floored=True)

    def record(self, key: str, moves: list[tuple[str, str, int]]) -> Entry:
        return ledger.record_entry(key=key, kind="move", reference="ref", postings=moves, at=AT)

    def after(self, moves: list[tuple[str, str, int]]) -> dict[str, int]:
        left = dict(self.model)
        for source, destination, won in moves:
            left[source] -= won
            left[destination] += won
        return left

    @rule(moves=MOVES)
    def move(self, moves: list[tuple[str, str, int]]) -> None:
        key, left = f"k{len(self.done)}", self.after(moves)
        if any(source == destination for source, destination, _ in moves):
            with pytest.raises(ValueError, match="no movement"):
                self.record(key, moves)
            self.met["nonsense refused"] += 1
        elif any(left[box] < 0 for box in BOXES):
            with pytest.raises(NotEnough):
                self.record(key, moves)
            self.met["refused for want of won"] += 1
        else:
            self.done.append((self.record(key, moves), moves))
            self.model = left
            self.met["moved"] += 1

    @rule(box=st.sampled_from(BOXES), won=st.integers(1, 2_000))
    def fill(self, box: str, won: int) -> None:
        self.done.append((self.record(f"k{len(self.done)}", [("bank", box, won)]), [("bank", box, won)]))
        self.model = self.after([("bank", box, won)])

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        entry, moves = data.draw(st.sampled_from(self.done))
        assert self.record(entry.key, moves) == entry
        self.met["repeated"] += 1

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        entry, moves = data.draw(st.sampled_from(self.done))
        left = self.after([(destination, source, won) for source, destination, won in moves])
        if entry.pk in self.back:
            ledger.reverse_entry(entry=entry, key=f"again:{entry.key}", at=AT)
            self.met["reversed again, once"] += 1
        elif any(left[box] < 0 for box in BOXES):
            with pytest.raises(NotEnough):
                ledger.reverse_entry(entry=entry, key=f"back:{entry.key}", at=AT)
        else:
            ledger.reverse_entry(entry=entry, key=f"back:{entry.key}", at=AT)
            self.model = left
            self.back.add(entry.pk)
            self.met["reversed"] += 1

    @precondition(lambda self: self.done)
    @rule(data=st.data(), how=st.sampled_from(("amount", "way", "key of a reversal", "edit", "delete", "below zero")))
    def be_hostile(self, data: st.DataObject, how: str) -> None:
        """A known key with other contents, and somebody with SQL."""
        entry, moves = data.draw(st.sampled_from(self.done))
        (source, destination, won), *rest = moves
        if how == "amount":
            with pytest.raises(KeyReused):
                self.record(entry.key, [(source, destination, won + 1), *rest])
        elif how == "way":
            with pytest.raises(KeyReused):
                self.record(entry.key, [(destination, source, won), *rest])
        elif how == "key of a reversal" and entry.pk in self.back:
            with pytest.raises(KeyReused):
                self.record(f"back:{entry.key}", moves)
        elif how == "below zero":
            with pytest.raises(DatabaseError), transaction.atomic():
                Account.objects.filter(code="wallet:a").update(balance=-1)
        else:
            statement = (
                "UPDATE ledger_posting SET amount = amount + 1" if how == "edit" else "DELETE FROM ledger_posting"
            )
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"{statement} WHERE entry_id = %s", [entry.pk])
        self.met[f"hostile: {how}"] += 1

    @rule(place=PLACES)
    def look(self, place: str) -> None:
        assert books.balance_of(place) == self.model[place]

    @invariant()
    def the_books_are_the_model(self) -> None:
        self.met["steps"] += 1
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT a.code, a.balance, coalesce(sum(CASE a.id WHEN p.destination_id THEN p.amount ELSE -p.amount END), 0)"
                " FROM ledger_account a LEFT JOIN ledger_posting p ON a.id IN (p.source_id, p.destination_id) GROUP BY a.id"
            )
            rows = {code: (kept, int(summed)) for code, kept, summed in cursor.fetchall()}
        for code, won in self.model.items():
            kept, summed = rows.get(code, (None, 0))
            assert summed == won
            assert kept in ((won,) if code in BOXES else (None,))
        assert sum(summed for _, summed in rows.values()) == 0 == sum(self.model.values())
        assert all(self.model[box] >= 0 for box in BOXES)


@pytest.mark.django_db
def test_the_books_are_a_dictionary_of_won_whatever_anybody_does() -> None:
    met = walk(Books, examples=16)
    assert met["steps"] > 300
    assert all(met[name] for name in ("moved", "reversed", "refused for want of won", "repeated", "hostile: edit")), met


@pytest.mark.django_db
def test_books_that_forget_the_floor_of_a_balance_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: kept balances that are not changed with the entries."""
    monkeypatch.setattr(ledger, "_keep_balances", lambda accounts, gains: None)
    falls(Books)


@pytest.mark.django_db
def test_books_that_reverse_as_often_as_they_are_asked_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a reversal that moves its won the same way again."""
    from dure.ledger.values import Move

    monkeypatch.setattr(ledger, "_moves_of", lambda entry: [Move("bank", "shop", 1)])
    falls(Books)
