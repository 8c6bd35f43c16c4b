"""Who carries a shop's money to its bank: one file each, found by name."""

from collections.abc import Callable, Mapping
from typing import Protocol

from dure.settlement.providers import practice, transfer
from dure.settlement.values import BankAnswer, TransferTerms


class Bank(Protocol):
    """Neither call touches the database or raises for what a bank may answer; what proves nothing is UNKNOWN."""

    def send(self, terms: TransferTerms) -> BankAnswer:
        """Pay. The same public id is the same transfer, however often it is given."""

    def ask(self, terms: TransferTerms) -> BankAnswer:
        """How the transfer stands; NEVER_HEARD only where the bank is sure."""


HAND = "hand"
_MAKE: Mapping[str, Callable[[], Bank]] = {"practice": practice.bank, "transfer": transfer.bank}


def bank_named(name: str) -> Bank | None:
    """The bank `name`; None where an operator pays by hand. KeyError for one we do not have."""
    return None if name == HAND else _MAKE[name]()
