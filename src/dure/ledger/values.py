"""Words of the ledger."""

from dataclasses import dataclass
from typing import NamedTuple


class Move(NamedTuple):
    """`amount` won leave the account `source` and reach `destination`."""

    source: str
    destination: str
    amount: int


@dataclass(frozen=True, slots=True)
class Trial:
    """The trial balance: `outside` and `inside` are what accounts owe and own; they are equal, or the books are broken."""

    entries: int
    moved: int
    inside: int
    outside: int

    @property
    def balanced(self) -> bool:
        return self.inside == self.outside


class Line(NamedTuple):
    """One entry with its postings, as the seals read it: `text` says all of it, unambiguously."""

    number: int
    key: str
    text: str


class Head(NamedTuple):
    """What is kept of a seal outside the database: its number, the last entry under it, its hash (hex)."""

    number: int
    last_entry: int
    hash: str
