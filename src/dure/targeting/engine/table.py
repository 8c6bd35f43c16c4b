"""Any covariates as numbers: what a learner is given, what it is not given, and why.

Everything is learned from the training rows alone and applied to others as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Words:
    """A column of texts: `codes` (rows,) point into `levels`, -1 where nothing is known."""

    codes: NDArray[np.int32]
    levels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)


Column = F64 | Words
"""Numbers, NaN where nothing is known, or words."""
Raw = Mapping[str, Column]

LEVELS_MOST = 24
"""So many values of a text keep a column of their own; the rest are "another"."""
LEVELS_RANKED = 250
LEVEL_LEAST = 20
"""Rows that a value of a text needs to be looked at by itself."""
FEW_VALUES = 12
"""A number of so few values is looked at value by value too: 1 = by phone, 2 = by web, is no amount."""
FORBIDDEN = re.compile(
    r"relig|종교|politic|정당|정치|union_member|노조|(?<![a-z])race(?![a-z])|ethnic|인종|nationalit|국적|disabilit|disabled|장애"
    r"|health|질병|건강상태|disease|pregnan|임신|sexual|성생활|성적|(?<![a-z])hiv(?![a-z])",
    re.IGNORECASE,
)
"""What neither law nor decency lets a shop choose people by (개인정보 보호법 article 23 and what lies beside it)."""
SUSPECT = 1e-2
"""A column without which the outcome never is comes after it, if it differs between the arms even so little surely."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column that no learner sees."""

    column: str
    why: str


def rows_of(column: Column, which: NDArray[Any] | slice) -> Column:
    """The rows asked for of one column."""
    return Words(column.codes[which], column.levels) if isinstance(column, Words) else column[which]


def covariates(
    train: Raw, apply: Raw, *, treated: NDArray[np.bool_], outcome: F64, besides: set[str]
) -> tuple[list[str], list[LeftOut]]:
    """The columns to learn from, and those left out with the reason.

    Left out is whatever is not in both files, names a row, never varies, repeats another, is forbidden, or came about after the
    treatment: it differs between the randomised arms as chance cannot explain, or gives the outcome away. Of `apply` only the
    names are looked at.
    """
    kept: list[str] = []
    out: list[LeftOut] = []
    seen: dict[bytes, str] = {}
    names = [name for name in train if name not in besides]
    for name in names:
        why = _why_not(name, train, apply, treated, outcome, len(names))
        if not why:
            twin = seen.setdefault(_content(train[name]), name)
            why = "" if twin == name else f"the same as {twin}"
        if why:
            out.append(LeftOut(name, why))
        else:
            kept.append(name)
    return kept, out


def _content(column: Column) -> bytes:
    """The same for columns that tell the same: equal numbers, or words that differ in nothing but how they are called."""
    import hashlib

    if not isinstance(column, Words):
        return hashlib.blake2b(np.ascontiguousarray(column).tobytes()).digest()
    first = np.full(len(column.levels) + 1, len(column))
    np.minimum.at(first, column.codes, np.arange(len(column)))
    place = np.argsort(np.argsort(first, kind="stable"))
    return hashlib.blake2b(place.astype(np.int32)[column.codes].tobytes() + b"words").digest()


def _why_not(name: str, train: Raw, apply: Raw, treated: NDArray[np.bool_], outcome: F64, of: int) -> str:
    if name not in apply:
        return "not in the rows to score"
    if FORBIDDEN.search(name):
        return "no shop may choose people by this"
    column = train[name]
    values, codes = _coded(column)
    if len(values) < 2:
        return "always the same"
    rows = len(column)
    if isinstance(column, Words) and len(values) > 0.5 * rows:
        return "names the row"
    if not isinstance(column, Words) and len(values) > 0.95 * rows and _counts_up(column):
        return "names the row"
    if _gives_away(codes, outcome):
        return "gives the outcome away: it came after it"
    chance = _chance_of_arms(codes, len(values), treated)
    if chance < 1e-4 / of:
        return "differs between the arms: it came after the treatment"
    if chance < SUSPECT and _needed(codes, outcome):
        return "the outcome never is without it, and it differs between the arms: it came after the treatment"
    return ""


def _coded(column: Column) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The different values, the unknown as one of them, and which each row has."""
    if isinstance(column, Words):
        return np.unique(column.codes, return_inverse=True)
    return np.unique(np.where(np.isnan(column), -9e99, column), return_inverse=True)


def _counts_up(column: F64) -> bool:
    """Whole numbers, hardly one twice, over a range hardly longer than their count: a number of the row."""
    numbers = column[~np.isnan(column)]
    return bool(np.all(numbers == np.round(numbers)) and np.ptp(numbers) < 20 * len(numbers))


def _chance_of_arms(codes: NDArray[np.intp], values: int, treated: NDArray[np.bool_]) -> float:
    """How likely chance alone parts up to twenty groups of the column between the arms like this (chi-square)."""
    from scipy.stats import chi2

    groups = codes * min(values, 20) // values
    inside = np.bincount(groups, treated.astype(float))
    every = np.bincount(groups).astype(float)
    share = treated.mean()
    there = every * min(share, 1 - share) >= 5  # fewer and chi-square is no law
    if there.sum() < 2:
        return 1.0
    statistic = float(np.sum((inside[there] - share * every[there]) ** 2 / (share * (1 - share) * every[there])))
    return float(chi2.sf(statistic, max(int(there.sum()) - 1, 1)))


def _rare(outcome: F64) -> NDArray[np.bool_]:
    return (outcome > 0) if (outcome > 0).mean() < 0.5 else (outcome <= 0)


def _gives_away(codes: NDArray[np.intp], outcome: F64) -> bool:
    """Whether one value of the column, or all but its commonest, leaves no doubt about an outcome that is rarer than not.

    Thirty rows agree on that by chance once in 2^30.
    """
    rare = _rare(outcome)
    if not rare.any():
        return False
    every = np.bincount(codes)
    share = np.bincount(codes, rare.astype(float))
    other = codes != int(np.argmax(every))
    return bool(np.any((share == every) & (every >= 30)) or (other.sum() >= 30 and rare[other].all()))


def _needed(codes: NDArray[np.intp], outcome: F64) -> bool:
    """Whether the rarer outcome never comes with the commonest value, where it should thirty times by chance."""
    rare = _rare(outcome)
    every = np.bincount(codes)
    common = int(np.argmax(every))
    return bool(not rare[codes == common].any() and rare.mean() * every[common] >= 30)


@dataclass(frozen=True, slots=True)
class _Number:
    name: str
    low: float
    high: float
    log: bool
    middle: float
    spread: float
    unknown: bool
    bends: bool
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Text:
    name: str
    levels: tuple[str, ...]
    alone: int


@dataclass(frozen=True, slots=True)
class Encoder:
    """How the training rows' columns become numbers; `fit` learns it, `plain` and `smooth` apply it."""

    columns: tuple[_Number | _Text, ...]

    @classmethod
    def fit(cls, raw: Raw, names: list[str]) -> Encoder:
        return cls(tuple(_fit(name, raw[name]) for name in names))

    def plain(self, raw: Raw, which: NDArray[Any] | slice = slice(None)) -> NDArray[np.float32]:
        """For trees: a number as it is (NaN stays), a text as the rank of its level. (rows, columns)"""
        made: list[NDArray[Any]] = []
        for one in self.columns:
            column = rows_of(raw[one.name], which)
            if isinstance(column, Words):
                assert isinstance(one, _Text)
                made.append(_ranks(column, one.levels))
            else:
                made.append(column)
        return np.column_stack(made).astype(np.float32) if made else np.zeros((_rows(raw, which), 0), np.float32)

    def smooth(self, raw: Raw, which: NDArray[Any] | slice = slice(None)) -> NDArray[np.float32]:
        """For linear learners: centred, of like spread, texts and few-valued numbers as one column a value. (rows, features)"""
        made: list[NDArray[np.float32]] = []
        for one in self.columns:
            column = rows_of(raw[one.name], which)
            if isinstance(column, Words):
                assert isinstance(one, _Text)
                ranks = _ranks(column, one.levels)
                made += [(ranks == number).astype(np.float32) for number in range(one.alone)]
            else:
                assert isinstance(one, _Number)
                made += [part.astype(np.float32) for part in _smooth_number(one, column)]
        return np.column_stack(made) if made else np.zeros((_rows(raw, which), 0), np.float32)

    def names(self) -> list[str]:
        """What each feature of `smooth` is called, in its order."""
        made: list[str] = []
        for one in self.columns:
            if isinstance(one, _Text):
                made += [f"{one.name}={level}" for level in one.levels[: one.alone]]
            else:
                made += [one.name] + ([f"{one.name}²"] if one.bends else [])
                made += [f"{one.name}={value:g}" for value in one.values]
                made += [f"{one.name}=?"] if one.unknown else []
        return made


def _rows(raw: Raw, which: NDArray[Any] | slice) -> int:
    return len(rows_of(next(iter(raw.values())), which)) if raw else 0


def _ranks(column: Words, levels: tuple[str, ...]) -> F64:
    """Which of `levels` each row has; their count where it is another."""
    rank = {level: number for number, level in enumerate(levels)}
    of = np.array([rank.get(level, len(rank)) for level in (*column.levels, "")], float)
    return of[column.codes]


def _fit(name: str, column: Column) -> _Number | _Text:
    return _fit_text(name, column) if isinstance(column, Words) else _fit_number(name, column)


def _fit_text(name: str, column: Words) -> _Text:
    counts = np.bincount(column.codes + 1, minlength=len(column.levels) + 1)
    levels = ("", *column.levels)
    order = sorted(range(len(levels)), key=lambda i: (-counts[i], levels[i]))[:LEVELS_RANKED]
    often = tuple(levels[i] for i in order if counts[i] >= LEVEL_LEAST)
    return _Text(name, often, min(len(often), LEVELS_MOST))


def _fit_number(name: str, column: F64) -> _Number:
    known = column[~np.isnan(column)]
    low, high = np.quantile(known, [0.001, 0.999])
    values = np.unique(known)
    few = len(values) <= FEW_VALUES
    alone = tuple(float(value) for value in values) if few and len(values) > 2 else ()
    held = np.clip(known, low, high)
    log = bool(low >= 0 and held.std() > 0 and _skew(held) > 1.5)
    scaled = np.log1p(held) if log else held
    return _Number(
        name, float(low), float(high), log, float(scaled.mean()), float(scaled.std()) or 1.0,
        unknown=bool(np.isnan(column).any()), bends=not few, values=alone,
    )  # fmt: skip


def _skew(values: F64) -> float:
    centred = values - values.mean()
    return float((centred**3).mean() / values.std() ** 3)


def _smooth_number(one: _Number, column: F64) -> list[F64]:
    held = np.clip(column, one.low, one.high)
    scaled = ((np.log1p(held) if one.log else held) - one.middle) / one.spread
    unknown = np.isnan(column)
    scaled = np.where(unknown, 0.0, scaled)
    made = [scaled] + ([scaled**2 - 1.0] if one.bends else [])
    made += [(column == value).astype(float) for value in one.values]
    return made + ([unknown.astype(float)] if one.unknown else [])
