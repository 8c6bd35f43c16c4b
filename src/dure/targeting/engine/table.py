"""Any covariates as numbers: what a learner is given, what it is not given, and why.

Everything is learned from the training rows alone and applied to others as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Raw = Mapping[str, NDArray[np.generic]]
"""Columns by name, as they came: floats (NaN where nothing is known) or texts (object arrays, None where nothing is known)."""

LEVELS_MOST = 24
"""So many values of a text keep a column of their own; the rest are "another"."""
FEW_VALUES = 12
"""A number of so few values is looked at value by value too: 1 = by phone, 2 = by web, is no amount."""
FORBIDDEN = re.compile(
    r"relig|종교|politic|정당|정치|union_member|노조|race\b|ethnic|인종|nationalit|국적|disab|장애|health|질병|건강상태|disease|pregnan|임신|sexual|성생활|성적|hiv",
    re.IGNORECASE,
)
"""What neither law nor decency lets a shop choose people by (개인정보 보호법 article 23 and what lies beside it)."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column that no learner sees."""

    column: str
    why: str


def is_text(column: NDArray[np.generic]) -> bool:
    return column.dtype == object


def covariates(
    train: Raw, apply: Raw, *, treated: NDArray[np.bool_], outcome: F64, besides: set[str]
) -> tuple[list[str], list[LeftOut]]:
    """The columns to learn from, and those left out with the reason.

    Left out is whatever is not in both files, names a row, never varies, is forbidden, or came about after the treatment: it differs
    between the randomised arms as chance cannot explain, or gives the outcome away.
    """
    kept: list[str] = []
    out: list[LeftOut] = []
    names = [name for name in train if name not in besides]
    for name in names:
        why = _why_not(name, train, apply, treated, outcome, len(names))
        if why:
            out.append(LeftOut(name, why))
        else:
            kept.append(name)
    return kept, out


def _why_not(name: str, train: Raw, apply: Raw, treated: NDArray[np.bool_], outcome: F64, of: int) -> str:
    if name not in apply:
        return "not in the rows to score"
    if FORBIDDEN.search(name):
        return "no shop may choose people by this"
    column = train[name]
    if is_text(column) != is_text(apply[name]):
        return "a number in one file and a text in the other"
    values, codes = np.unique(_known(column), return_inverse=True)
    if len(values) < 2:
        return "always the same"
    rows = len(column)
    if is_text(column) and len(values) > 0.5 * rows:
        return "names the row"
    if not is_text(column) and len(values) == rows and _counts_up(column):
        return "names the row"
    if _gives_away(codes, outcome):
        return "gives the outcome away: it came after it"
    if _differs_between_arms(codes, len(values), treated, of):
        return "differs between the arms: it came after the treatment"
    return ""


def _known(column: NDArray[np.generic]) -> NDArray[np.generic]:
    if is_text(column):
        return np.array(["" if value is None else str(value) for value in column])
    return np.where(np.isnan(column.astype(float)), -9e99, column.astype(float))


def _counts_up(column: NDArray[np.generic]) -> bool:
    """Whole numbers, each once, over a range hardly longer than their count: a number of the row."""
    numbers = column.astype(float)
    return bool(np.all(numbers == np.round(numbers)) and np.ptp(numbers) < 20 * len(numbers))


def _differs_between_arms(codes: NDArray[np.intp], values: int, treated: NDArray[np.bool_], of: int) -> bool:
    """Chi-square of up to twenty groups of the column by arm, at one in ten thousand for all columns together."""
    from scipy.stats import chi2

    groups = codes * min(values, 20) // values
    inside = np.bincount(groups, treated.astype(float))
    every = np.bincount(groups).astype(float)
    there = every > 0
    share = treated.mean()
    statistic = float(np.sum((inside[there] - share * every[there]) ** 2 / (share * (1 - share) * every[there])))
    return bool(chi2.sf(statistic, max(int(there.sum()) - 1, 1)) < 1e-4 / of)


def _gives_away(codes: NDArray[np.intp], outcome: F64) -> bool:
    """Whether one value of the column, or all but its commonest, leaves no doubt about an outcome that is rarer than not.

    Thirty rows agree on that by chance once in 2^30.
    """
    rare = (outcome > 0) if (outcome > 0).mean() < 0.5 else (outcome <= 0)
    if not rare.any():
        return False
    every = np.bincount(codes)
    share = np.bincount(codes, rare.astype(float))
    other = codes != int(np.argmax(every))
    return bool(np.any((share == every) & (every >= 30)) or (other.sum() >= 30 and rare[other].all()))


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


@dataclass(frozen=True, slots=True)
class Encoder:
    """How the training rows' columns become numbers; `fit` learns it, `plain` and `smooth` apply it."""

    columns: tuple[_Number | _Text, ...]

    @classmethod
    def fit(cls, raw: Raw, names: list[str]) -> Encoder:
        return cls(
            tuple(
                _fit_text(name, raw[name]) if is_text(raw[name]) else _fit_number(name, raw[name].astype(float))
                for name in names
            )
        )

    def plain(self, raw: Raw) -> F64:
        """For trees: a number as it is (NaN stays), a text as the rank of its level. (rows, columns)"""
        made = []
        for one in self.columns:
            if isinstance(one, _Text):
                rank = {level: number for number, level in enumerate(one.levels)}
                made.append(np.array([rank.get(_text(value), len(rank)) for value in raw[one.name]], float))
            else:
                made.append(raw[one.name].astype(float))
        return np.column_stack(made) if made else np.zeros((_rows(raw), 0))

    def smooth(self, raw: Raw) -> F64:
        """For linear learners: centred, of like spread, texts and few-valued numbers as one column a value. (rows, features)"""
        made = []
        for one in self.columns:
            made += (
                _smooth_text(one, raw[one.name])
                if isinstance(one, _Text)
                else _smooth_number(one, raw[one.name].astype(float))
            )
        return np.column_stack(made) if made else np.zeros((_rows(raw), 0))

    def names(self) -> list[str]:
        """What each feature of `smooth` is called, in its order."""
        made: list[str] = []
        for one in self.columns:
            if isinstance(one, _Text):
                made += [f"{one.name}={level}" for level in one.levels]
            else:
                made += [one.name] + ([f"{one.name}²"] if one.bends else [])
                made += [f"{one.name}={value:g}" for value in one.values]
                made += [f"{one.name}=?"] if one.unknown else []
        return made


def _rows(raw: Raw) -> int:
    return len(next(iter(raw.values()))) if raw else 0


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _fit_text(name: str, column: NDArray[np.generic]) -> _Text:
    levels, counts = np.unique([_text(value) for value in column], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:LEVELS_MOST]
    return _Text(name, tuple(str(levels[i]) for i in order if counts[i] >= 20))


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


def _smooth_text(one: _Text, column: NDArray[np.generic]) -> list[F64]:
    texts = np.array([_text(value) for value in column])
    return [(texts == level).astype(float) for level in one.levels]


def _smooth_number(one: _Number, column: F64) -> list[F64]:
    held = np.clip(column, one.low, one.high)
    scaled = ((np.log1p(held) if one.log else held) - one.middle) / one.spread
    unknown = np.isnan(column)
    scaled = np.where(unknown, 0.0, scaled)
    made = [scaled] + ([scaled**2 - 1.0] if one.bends else [])
    made += [(column == value).astype(float) for value in one.values]
    return made + ([unknown.astype(float)] if one.unknown else [])
