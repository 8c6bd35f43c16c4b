"""Which bitmaps an index has, in which order, and how a column becomes them.

Row 0 is everybody. A choice and a set have a row a value. A number that people are sorted by has a row "at least v" for each v,
which is nearly nothing but runs, so any range is a difference of two. Any other number is written with two digits to a base near
the root of its span: a row "known", a row "high digit at least h" for each h and a row "low digit at least l" for each l. So
"at least v" is three rows at most, whatever the span, for 2√span rows instead of span.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.audiences.engine.traits import Kind, Schema, Trait

Column = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """The rows of a trait: `rows` of them from `first`."""

    trait: Trait
    first: int
    rows: int


def places(schema: Schema) -> dict[str, Place]:
    """Where each trait's rows are. Regions have none: they are runs of people."""
    found, first = {}, 1
    for trait in schema:
        many = rows_of(trait)
        found[trait.name] = Place(trait, first, many)
        first += many
    return found


def rows_of(trait: Trait) -> int:
    """How many rows a trait has."""
    if trait.kind is Kind.REGION:
        return 0
    if trait.kind is not Kind.NUMBER:
        return len(trait.values)
    span = trait.high - trait.low + 1
    return span if trait.sorted else 1 + (span - 1) // base_of(trait) + base_of(trait) - 1


def base_of(trait: Trait) -> int:
    """The base of a number's two digits: the least whose square is no less than its span."""
    return max(1, math.isqrt(trait.high - trait.low) + 1)


def known_row(place: Place) -> int:
    """The row of whoever's number is known."""
    return place.first


def high_row(place: Place, digit: int) -> int:
    """The row of whoever's high digit is at least `digit`, 1 and more; -1 where no number has that one."""
    return place.first + digit if digit <= (place.trait.high - place.trait.low) // base_of(place.trait) else -1


def low_row(place: Place, digit: int) -> int:
    """The row of whoever's low digit is at least `digit`, 1..base - 1."""
    return place.first + (place.trait.high - place.trait.low) // base_of(place.trait) + digit


def words(trait: Trait, column: Column) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    """The column as words, 64 rows of the trait each: (how many rows, uint64 [people]) from the first row on."""
    rows = rows_of(trait)
    if trait.kind is Kind.SET:
        yield rows, np.maximum(column, 0).astype(np.uint64) & np.uint64((1 << rows) - 1)
        return
    if trait.kind is Kind.NUMBER:
        code = np.where(column < trait.low, 0, np.minimum(column, trait.high).astype(np.int64) - trait.low + 1)
        if trait.sorted:
            yield from _up_to(code, rows)
            return
        known, base = code > 0, base_of(trait)
        high, low = np.divmod(np.maximum(code - 1, 0), base)
        yield 1, known.astype(np.uint64)
        yield from _up_to(high, (trait.high - trait.low) // base)
        yield from _up_to(low, base - 1)
        return
    for first in range(0, rows, 64):
        place = column.astype(np.int64) - first
        known = (place >= 0) & (place < 64)
        yield min(64, rows - first), np.where(known, np.uint64(1) << (place & 63).astype(np.uint64), np.uint64(0))


def _up_to(code: NDArray[np.int64], rows: int) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    """The rows "at least 1" to "at least `rows`" of a code."""
    for first in range(0, rows, 64):
        yield min(64, rows - first), _lowest(code - first)


def _lowest(bits: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Words whose lowest `bits` bits are set; none below one, all from 64 on."""
    some = np.clip(bits, 0, 63).astype(np.uint64)
    return np.where(bits >= 64, ~np.uint64(0), (np.uint64(1) << some) - np.uint64(1))
