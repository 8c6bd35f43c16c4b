"""What a provider's file says beside what we know. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from dure.settlement.engine.provider_file import Row
from dure.settlement.values import DifferenceKind


@dataclass(frozen=True, slots=True)
class Side:
    """All trades of one kind of one payment: won, fee (None: not known yet), when traded, when paid."""

    amount: int
    fee: int | None
    traded_on: frozenset[date]
    deposit_on: frozenset[date]


@dataclass(frozen=True, slots=True)
class Found:
    """One difference. Won or days, ours and theirs; nothing where the other side has nothing."""

    kind: DifferenceKind
    payment: str
    trade: str
    ours_won: int | None = None
    theirs_won: int | None = None
    ours_on: date | None = None
    theirs_on: date | None = None


Sides = Mapping[tuple[str, str], Side]


def gathered(rows: Iterable[Row]) -> dict[tuple[str, str], Side]:
    """A file's rows by payment and trade; several refunds of one payment are one sum."""
    sides: dict[tuple[str, str], Side] = {}
    for row in rows:
        before = sides.get((row.payment, row.trade)) or Side(0, 0, frozenset(), frozenset())
        sides[row.payment, row.trade] = Side(
            before.amount + row.amount,
            (before.fee or 0) + row.fee,
            before.traded_on | {row.traded_on},
            before.deposit_on | ({row.deposit_on} if row.deposit_on else frozenset()),
        )
    return sides


def differences(ours: Sides, theirs: Sides) -> list[Found]:
    """Everything on which the two do not agree, by payment."""
    found: list[Found] = []
    for key in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(key), theirs.get(key)
        if here is None and there is not None:
            found.append(
                Found(DifferenceKind.MISSING_HERE, *key, theirs_won=there.amount, theirs_on=min(there.traded_on))
            )
        elif there is None and here is not None:
            found.append(Found(DifferenceKind.MISSING_THERE, *key, ours_won=here.amount, ours_on=min(here.traded_on)))
        elif here is not None and there is not None:
            found += _compared(key, here, there)
    return found


def _compared(key: tuple[str, str], here: Side, there: Side) -> Iterable[Found]:
    if here.amount != there.amount:
        yield Found(DifferenceKind.AMOUNT, *key, ours_won=here.amount, theirs_won=there.amount)
    if here.fee is not None and here.fee != there.fee:
        yield Found(DifferenceKind.FEE, *key, ours_won=here.fee, theirs_won=there.fee)
    for mine, theirs in ((here.traded_on, there.traded_on), (here.deposit_on, there.deposit_on)):
        if mine and theirs and mine != theirs:
            yield Found(DifferenceKind.DATE, *key, ours_on=min(mine), theirs_on=min(theirs))
            return
