"""The index of everybody: a bitmap of people for each value of each trait, asked with an expression.

People are numbered densely in the order of where they are registered, so a region is a run of numbers, and within a 읍면동 in the
order of sex and age, so these are runs too. An index never changes: `changed` makes another that shares what is alike.
"""

import itertools
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any as Whatever
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dure.audiences.engine import hands, kernel
from dure.audiences.engine.containers import Container, Row, assembled, packed, row_of, thick, thickened, turn
from dure.audiences.engine.expression import All, Between, Expression, Is, Unanswerable, Value
from dure.audiences.engine.layout import Column, Place, base_of, high_row, known_row, low_row, places, words
from dure.audiences.engine.plan import NOBODY, Node, Step, joined, planned, program, turned
from dure.audiences.engine.traits import REGION, Kind, Schema, Trait

Ranges = NDArray[np.int64]
DISTRICT, DONG = 5, 10
"""Digits of the codes of a 시군구 and a 읍면동."""
PLACES_KEPT = 256
"""Choices of regions whose runs are remembered: whoever moves a slider stays where they are."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one person since the index was built, in the order of `sequence`.

    With a `trait`: has a value of a set or no longer has it; is of a choice's value, or of none; has a number (None: unknown).
    Without one: is no longer in any audience (`holds` false), or is again.
    """

    sequence: int
    person: int
    trait: str = ""
    value: Value | None = None
    holds: bool = True


class Index:
    """Answers expressions exactly. Safe to ask from many threads at once."""

    def __init__(
        self,
        schema: Schema,
        rows: Sequence[Row],
        *,
        shares: NDArray[np.float64],
        regions: NDArray[np.int64],
        starts: NDArray[np.int64],
        persons: NDArray[np.uint32],
        places_of: NDArray[np.uint32],
        sequence: int = 0,
        keep: Iterable[object] = (),
    ) -> None:
        """`rows` as `layout.places` orders them; `regions` the 읍면동 in order and `starts` [regions + 1] the first person of
        each; `persons` [people] the ids in order, `places_of` [largest id + 1] the way back (its own length: nobody).
        `keep` holds what the rows' addresses point into.
        """
        self.schema = schema
        self.traits: dict[str, Trait] = {trait.name: trait for trait in schema}
        self.people, self.sequence = int(starts[-1]), sequence
        self._places = places(schema)
        self._kinds = np.stack([row.kinds for row in rows])
        self._addresses = np.stack([row.addresses for row in rows])
        self._sizes = np.stack([row.sizes for row in rows])
        self._shares: list[float] = shares.tolist()
        self._regions, self._starts = regions, starts
        self._persons, self._places_of = persons, places_of
        self._keep: tuple[object, ...] = tuple(keep)
        self._beside: dict[str, dict[Value, Row]] = {}
        self._kept: _Stretches | None = None
        self._places_kept: dict[tuple[Value, ...], _Registered] = {}
        self._regions_kept: dict[int, tuple[NDArray[np.object_], NDArray[np.int64]]] = {}
        self._rests = _Rests()

    @classmethod
    def of(cls, schema: Schema, persons: Column, columns: Mapping[str, Column], sequence: int = 0) -> Self:
        """An index in memory of the people `persons` (unique ids, 1 and more) with one column a trait, see `Kind`."""
        keys = [columns[t.name] for t in schema if t.sorted and t.kind is not Kind.REGION]
        order = np.lexsort((persons, *reversed(keys), columns[REGION]))
        builder = Builder(schema)
        for first in range(0, len(persons), kernel.BLOCK):
            piece = order[first : first + kernel.BLOCK]
            builder.add({name: column[piece] for name, column in columns.items()})
        codes, counts = np.unique(columns[REGION], return_counts=True)
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        ids = persons[order].astype(np.uint32)
        back = np.full(int(ids.max()) + 1 if len(ids) else 1, len(ids), np.uint32)
        back[ids] = np.arange(len(ids), dtype=np.uint32)
        made = [np.frombuffer(bitmap, np.uint8) for bitmap in builder.bitmaps()]
        rows = [row_of(bitmap, max(1, builder.blocks)) for bitmap in made]
        beside = [thick(row) for row in rows]
        for row, words_ in zip(rows, beside, strict=True):
            thickened(row, words_)
        return cls(
            schema,
            rows,
            shares=builder.people / max(1, len(ids)),
            regions=codes.astype(np.int64),
            starts=starts,
            persons=ids,
            places_of=back,
            sequence=sequence,
            keep=(made, beside),
        )

    def count(self, expression: Expression) -> int:
        """How many people the expression reaches. Unanswerable where it names what the index does not have."""
        return self._run(expression, _NOWHERE)[0]

    def count_sliding(self, expression: Expression) -> int:
        """What `count` says, sooner for whoever asks again and again with another range of a number and all else alike: the people
        of all else are kept, some at a time. Unanswerable as `count`."""
        parts = list(_met_by(expression))
        moving = tuple(part for part in parts if isinstance(part, Between))
        rest = tuple(part for part in parts if not isinstance(part, Between))
        if not moving or not rest or not self._rests.is_asked_again(rest):
            return self.count(expression)
        kept = self._rests.get(rest)
        if kept is None:
            kept = self._rests.keep(rest, self._stood(All(rest)))
        return self._run(All(moving), _NOWHERE, kept)[0]

    def _stood(self, expression: Expression) -> "_Registered":
        """The people of an expression as a row of their own."""
        words, first = self._found(expression)
        row = Row(*(np.zeros(self._kinds.shape[1], table.dtype) for table in self._tables))
        some = np.flatnonzero(words.any(axis=1))
        row.kinds[first + some] = kernel.BITS
        row.addresses[first + some] = words.ctypes.data + some.astype(np.uint64) * np.uint64(8 * kernel.WORDS)
        bounds = (first + int(some[0]), first + int(some[-1]) + 1) if len(some) else (0, 0)
        return _Registered(row, words, bounds, float(np.bitwise_count(words).sum()) / max(1, self.people))

    def resolve(self, expression: Expression) -> BitMap:
        """Who they are, as ordinals of this index."""
        people, first = self._found(expression)
        parts = [made for place, block in enumerate(people) if (made := packed(first + place, block)) is not None]
        return BitMap.deserialize(assembled(parts)) if parts else BitMap()

    def ids(self, expression: Expression) -> NDArray[np.uint32]:
        """The ids of whoever the expression reaches, in the order of the index."""
        out = np.empty((self._kinds.shape[1], kernel.WORDS), np.uint64)
        many, first, end = self._run(expression, out)
        return np.asarray(kernel.named(out[: end - first], self._persons[first * kernel.BLOCK :], many))

    def persons(self, ordinals: BitMap) -> Column:
        """The ids behind ordinals, in their order."""
        return self._persons[np.asarray(ordinals.to_array(), dtype=np.int64)].astype(np.int64)

    def ordinals(self, persons: Column) -> BitMap:
        """Where these people are in this index; whoever is not in it is left out."""
        known = persons[(persons > 0) & (persons < len(self._places_of))]
        at = self._places_of[known]
        return BitMap(at[at < self.people])

    def breakdown(self, expression: Expression, trait: str) -> dict[Value, int]:
        """How many of them have each value of a trait: each value of a choice or set; each 읍면동 and number that occurs."""
        told = self._trait(trait)
        people, first = self._found(expression)
        if told.kind is Kind.REGION:
            return self._by_region(people, first, DONG)
        if told.sorted:
            return {key[0]: many for key, many in self._by_order(people, first, (told,)).items() if key[0] is not None}
        place = self._places[trait]
        rows, blocks = slice(place.first, place.first + place.rows), slice(first, first + len(people))
        kinds, addresses, sizes = (np.ascontiguousarray(table[rows, blocks]) for table in self._tables)
        if told.kind is Kind.NUMBER:
            highs = (told.high - told.low) // base_of(told)

            def some(begin: int, end: int) -> NDArray[np.int64]:
                return np.asarray(kernel.digits(kinds, addresses, sizes, highs, people, begin, end))

            at_least = np.sum(hands.shared(some, len(people), 4 * place.rows), axis=0)
            many = (at_least - np.pad(at_least[:, 1:], ((0, 0), (0, 1)))).ravel()
            return {told.low + int(at): int(many[at]) for at in np.flatnonzero(many).tolist()}

        def each(begin: int, end: int) -> NDArray[np.int64]:
            return np.asarray(kernel.tally(kinds, addresses, sizes, people, begin, end))

        found = np.sum(hands.shared(each, len(people), place.rows), axis=0)
        return {value: int(many) for value, many in zip(told.values, found, strict=True)}

    def portrait(self, expression: Expression) -> "Portrait":
        """How many they are, by what people are sorted by and by region, in one go."""
        people, first = self._found(expression)
        cells = self._by_order(people, first, self._sorted)
        districts, regions = (self._by_region(people, first, digits) for digits in (DISTRICT, DONG))
        return Portrait(sum(cells.values()), cells, districts, regions)

    def by_region(self, expression: Expression, digits: int) -> dict[Value, int]:
        """How many of them are registered in each region of so many digits that has any: 2 시도, 5 시군구, 10 읍면동."""
        return self._by_region(*self._found(expression), digits)

    def _by_region(self, people: NDArray[np.uint64], first: int, digits: int) -> dict[Value, int]:
        names, starts = self._regions_of(digits)
        found = kernel.regions(people, np.clip(starts - first * kernel.BLOCK, 0, people.size * 64))
        some = np.flatnonzero(found)
        return dict(zip(names[some].tolist(), found[some].tolist(), strict=True))

    def _regions_of(self, digits: int) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
        """The codes of regions of so many digits as people write them, and where each begins, and the last ends."""
        kept = self._regions_kept.get(digits)
        if kept is None:
            codes, heads = np.unique(self._regions // 10 ** (DONG - digits), return_index=True)
            names = np.array([f"{code:0{digits}d}" for code in codes.tolist()], object)
            kept = self._regions_kept[digits] = names, np.append(self._starts[heads], self._starts[-1])
        return kept

    def _by_order(
        self, people: NDArray[np.uint64], first: int, wanted: tuple[Trait, ...]
    ) -> dict[tuple[Value | None, ...], int]:
        """How many of them have each combination of values of some of the traits that people are sorted by; None: unknown."""
        kept = self._stretches
        top = int(np.prod([_sizes_of(trait) for trait in self._sorted], dtype=np.int64))
        begins = kept.begins[first : first + len(people) + 1]

        def some(begin: int, end: int) -> NDArray[np.int64]:
            return np.asarray(kernel.along(people, kept.firsts, kept.sums, begins, top, begin, end))

        found = np.sum(hands.shared(some, len(people), 24), axis=0)
        found = found.reshape([_sizes_of(trait) for trait in self._sorted])
        found = found.sum(axis=tuple(at for at, trait in enumerate(self._sorted) if trait not in wanted))
        return {
            tuple(_value_of(trait, code) for trait, code in zip(wanted, codes, strict=True)): int(found[tuple(codes)])
            for codes in np.argwhere(found).tolist()
        }

    @property
    def _sorted(self) -> tuple[Trait, ...]:
        return tuple(trait for trait in self.schema if trait.sorted and trait.kind is not Kind.REGION)

    @property
    def _stretches(self) -> "_Stretches":
        """Where people who are alike in all they are sorted by stand together; found when first asked for, then kept."""
        if self._kept is None:
            rows: list[int] = []
            weights: list[int] = []
            unit = 1
            for trait in reversed(self._sorted):
                place = self._places[trait.name]
                rows += range(place.first, place.first + place.rows)
                weights += [unit if trait.kind is Kind.NUMBER else unit * (at + 1) for at in range(place.rows)]
                unit *= _sizes_of(trait)
            kinds, addresses, sizes = (np.ascontiguousarray(table[rows]) for table in self._tables)
            weighed, blocks = np.array(weights, np.int32), self._kinds.shape[1]

            def some(begin: int, end: int) -> tuple[int, tuple[NDArray[Whatever], ...]]:
                return begin, kernel.stretches(kinds, addresses, sizes, weighed, begin, end)

            parts = [found for _, found in sorted(hands.shared(some, blocks, 1_000), key=lambda part: part[0])]
            firsts, sums, many = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
            self._kept = _Stretches(firsts, sums, np.concatenate([[0], np.cumsum(many)]).astype(np.int64))
        return self._kept

    def beside(self, traits: Mapping[str, Mapping[Value, BitMap]]) -> Self:
        """This index with further traits for one asking, such as who is a friend of one shop, as bitmaps of ordinals."""
        other = self._alike()
        keep: list[object] = []
        for name, values in traits.items():
            if name in self.traits:
                raise ValueError(f"{name} is a trait of the index itself")
            other.traits = {**other.traits, name: Trait(name, Kind.CHOICE, tuple(values))}
            rows = {}
            for value, ordinals in values.items():
                bitmap = np.frombuffer((ordinals & BitMap(range(self.people))).serialize(), np.uint8)
                keep.append(bitmap)
                rows[value] = row_of(bitmap, self._kinds.shape[1])
            other._beside = {**other._beside, name: rows}  # noqa: SLF001 another of this class
        other._keep = (*self._keep, *keep)  # noqa: SLF001 another of this class
        return other

    def changed(self, changes: Iterable[Change]) -> Self:
        """The index after the changes. Those it was built with, and people it does not have, are passed over."""
        other = self._alike()
        other._kinds, other._addresses, other._sizes = self._kinds.copy(), self._addresses.copy(), self._sizes.copy()  # noqa: SLF001
        patches: dict[tuple[int, int], NDArray[np.uint64]] = {}
        sorted_places = [self._places[trait.name] for trait in self._sorted]
        moving = {row for place in sorted_places for row in range(place.first, place.first + place.rows)}
        for change in changes:
            if change.sequence <= other.sequence:
                continue
            other.sequence = change.sequence
            at = int(self._places_of[change.person]) if 0 < change.person < len(self._places_of) else self.people
            if at >= self.people:
                continue
            block, bit = divmod(at, kernel.BLOCK)
            for row, holds in self._bits(change):
                patch = patches.get((row, block))
                if patch is None:
                    patch = patches[row, block] = self._copied(row, block)
                    other._kinds[row, block] = kernel.BITS  # noqa: SLF001
                    other._addresses[row, block] = patch.ctypes.data  # noqa: SLF001
                if row in moving:
                    other._kept = None  # noqa: SLF001
                mask = np.uint64(1 << (bit & 63))
                patch[bit >> 6] = patch[bit >> 6] | mask if holds else patch[bit >> 6] & ~mask
        other._keep = (*self._keep, patches)  # noqa: SLF001
        return other

    # ── how conditions become rows ────────────────────────────────────────────────────────────────────────────────────

    @property
    def _tables(self) -> tuple[NDArray[Whatever], ...]:
        return self._kinds, self._addresses, self._sizes

    def _alike(self) -> Self:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._rests = _Rests()
        return other

    def _trait(self, name: str) -> Trait:
        try:
            return self.traits[name]
        except KeyError:
            raise Unanswerable("unknown-trait", trait=name) from None

    def _found(self, expression: Expression) -> tuple[NDArray[np.uint64], int]:
        """The people as words, uint64 [blocks, WORDS], and the first of the blocks."""
        people = np.empty((self._kinds.shape[1], kernel.WORDS), np.uint64)
        _, first, end = self._run(expression, people)
        return people[: end - first], first

    def _run(
        self, expression: Expression, people: NDArray[np.uint64], among: "_Registered | None" = None
    ) -> tuple[int, int, int]:
        """Plan and run: (how many, first block, block after the last), the words of the blocks written to `people`. `among`: of
        these people alone."""
        asking = _Asking(self)
        node = planned(expression, asking.rows)
        if among:
            node = joined(kernel.AND, [asking.standing(among), node])
        first, end = asking.bounds(node)
        steps, (kinds, addresses, sizes) = asking.written(program(node, 0), first, end)
        out = people[: end - first]

        def some(begin: int, until: int) -> int:
            return int(kernel.run(steps, kinds, addresses, sizes, _desk(), out, begin, until))

        return sum(hands.shared(some, end - first, len(steps))), first, end

    def _bits(self, change: Change) -> Iterable[tuple[int, bool]]:
        """The rows that a change sets and clears for its person."""
        if not change.trait:
            return [(0, change.holds)]
        told, place = self._trait(change.trait), self._places.get(change.trait)
        if place is None or told.kind is Kind.REGION:
            raise Unanswerable("unchangeable", trait=change.trait)
        if told.kind is Kind.NUMBER:
            if change.value is not None and not isinstance(change.value, int):
                raise Unanswerable("not-a-number", trait=change.trait, value=change.value)
            known = change.holds and change.value is not None and change.value >= told.low
            column = np.array([change.value if known else told.low - 1], np.int64)
        else:
            if change.value not in told.values:
                raise Unanswerable("unknown-value", trait=change.trait, value=change.value)
            at = told.values.index(change.value)
            if told.kind is Kind.SET:
                return [(place.first + at, change.holds)]
            column = np.array([at if change.holds else -1], np.int64)
        bits = (int(word[0]) >> bit & 1 for rows, word in words(told, column) for bit in range(rows))
        return [(place.first + row, bool(bit)) for row, bit in enumerate(bits)]

    def _copied(self, row: int, block: int) -> NDArray[np.uint64]:
        """One block of one row as words of our own."""
        own = np.empty(kernel.WORDS, np.uint64)
        kind = int(self._kinds[row, block])
        if kind == kernel.EVERYBODY:
            own[:] = ~np.uint64(0)
            return own
        size = 0 if kind == kernel.NOBODY else int(self._sizes[row, block])
        kernel.copied(kind, self._addresses[row, block], size, np.uint64(own.ctypes.data))
        return own


@dataclass(frozen=True, slots=True)
class Portrait:
    """Some people at a glance: `cells` by the values of all that people are sorted by, in the schema's order (None: unknown),
    and how many are registered in each 시군구 and 읍면동 that has any."""

    people: int
    cells: dict[tuple[Value | None, ...], int]
    districts: dict[Value, int]
    regions: dict[Value, int]


@dataclass(frozen=True, slots=True)
class _Stretches:
    """See `kernel.stretches`; those of a block are from `begins[block]` up to the next."""

    firsts: NDArray[np.int32]
    sums: NDArray[np.int32]
    begins: NDArray[np.int64]


def _sizes_of(trait: Trait) -> int:
    """How many codes a trait has: nought is unknown."""
    return 1 + (len(trait.values) if trait.kind is Kind.CHOICE else trait.high - trait.low + 1)


def _value_of(trait: Trait, code: int) -> Value | None:
    if code == 0:
        return None
    return trait.values[code - 1] if trait.kind is Kind.CHOICE else trait.low + code - 1


_NOWHERE = np.empty((0, kernel.WORDS), np.uint64)
_THREAD = threading.local()


def _desk() -> np.uint64:
    """The address of this thread's words to work on, warm from the last question."""
    address: np.uint64 | None = getattr(_THREAD, "address", None)
    if address is None:
        _THREAD.desk = np.zeros(kernel.DESK, np.uint64)
        address = _THREAD.address = np.uint64(_THREAD.desk.ctypes.data)
    return address


@dataclass(frozen=True, slots=True)
class _Registered:
    """People who are somewhere, or anything else that was found out once: their row, what its addresses point into, the blocks
    that they are in, their part of all."""

    row: Row
    keep: NDArray[Whatever]
    bounds: tuple[int, int]
    share: float


RESTS_BYTES, RESTS_SEEN = 32 << 20, 64
"""What is kept for sliders: people, 5 MB for each who could be anywhere in a country of forty million; and what was asked lately."""


class _Rests:
    """The people of what stays alike while somebody slides. Kept from the second time on, because most is asked once; the longest
    unasked is let go of first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[Expression, ...], _Registered | None] = {}

    def is_asked_again(self, rest: tuple[Expression, ...]) -> bool:
        """Whether it was asked lately."""
        with self._lock:
            again = rest in self._seen
            self._seen[rest] = self._seen.pop(rest, None)
            if len(self._seen) > RESTS_SEEN:
                del self._seen[next(iter(self._seen))]
        return again

    def get(self, rest: tuple[Expression, ...]) -> _Registered | None:
        """Its people, if they are kept."""
        return self._seen.get(rest)

    def keep(self, rest: tuple[Expression, ...], people: _Registered) -> _Registered:
        """Keeps them while there is room."""
        with self._lock:
            self._seen.pop(rest, None)
            self._seen[rest] = people
            held = sum(one.keep.nbytes for one in self._seen.values() if one)
            for other, one in list(self._seen.items()):
                if held <= RESTS_BYTES:
                    break
                if one:
                    held -= one.keep.nbytes
                    del self._seen[other]
        return people


def _met_by(expression: Expression) -> Iterable[Expression]:
    """The conditions that must all hold, joins within joins opened."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, All):
            waiting += reversed(part.parts)
        else:
            yield part


class _Asking:
    """One question: what its conditions are in the index, and the rows that are made for it alone."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._made: list[Row] = []
        self._bounds: dict[int, tuple[int, int]] = {}
        self._keep: list[object] = []

    def rows(self, part: Is | Between) -> Node:
        """The node of a condition."""
        trait = self._index._trait(part.trait)  # noqa: SLF001 its own machinery
        if isinstance(part, Between):
            if trait.kind is not Kind.NUMBER:
                raise Unanswerable("not-a-number", trait=part.trait)
            low, high = (trait.low if part.low is None else part.low), (trait.high if part.high is None else part.high)
            if low > high:
                raise Unanswerable("contradictory-range", trait=part.trait)
            return self._between(trait, low, high)
        if trait.kind is Kind.REGION:
            return self._regions(part)
        if trait.kind is Kind.NUMBER:
            numbers = []
            for value in part.values:
                if not isinstance(value, int):
                    raise Unanswerable("not-a-number", trait=part.trait, value=value)
                numbers.append(self._between(trait, value, value))
            return joined(kernel.OR, numbers)
        return joined(kernel.OR, [self._value(trait, value) for value in dict.fromkeys(part.values)])

    def _value(self, trait: Trait, value: Value) -> Node:
        if value not in trait.values:
            raise Unanswerable("unknown-value", trait=trait.name, value=value)
        beside = self._index._beside.get(trait.name)  # noqa: SLF001
        if beside is not None:
            return self._made_row(beside[value], share=0.001)
        row = self._index._places[trait.name].first + trait.values.index(value)  # noqa: SLF001
        return self._row(row, runs=trait.sorted)

    def _row(self, row: int, *, runs: bool = False) -> Node:
        return Node(self._index._shares[row], row=row, runs=runs)  # noqa: SLF001

    def _made_row(self, row: Row, share: float, *, runs: bool = False) -> Node:
        self._made.append(row)
        return Node(share, row=len(self._index._kinds) + len(self._made) - 1, runs=runs)  # noqa: SLF001

    def _between(self, trait: Trait, low: int, high: int) -> Node:
        """Numbers in low..high. An unknown one has code 0 and is in no range."""
        place = self._index._places[trait.name]  # noqa: SLF001
        first, last = max(low, trait.low) - trait.low + 1, min(high, trait.high) - trait.low + 1
        if first > last:
            return NOBODY
        parts = [self._at_least(place, first)]
        if last < trait.high - trait.low + 1:
            parts.append(turned(self._at_least(place, last + 1)))
        return joined(kernel.AND, parts)

    def _at_least(self, place: Place, code: int) -> Node:
        """Numbers from the `code`-th on, 1 being the lowest: a row, or (high is more) or (high is as much and low is enough)."""
        if place.trait.sorted:
            return self._row(place.first + code - 1, runs=True)
        high, low = divmod(code - 1, base_of(place.trait))
        if low == 0:
            return self._row(high_row(place, high) if high else known_row(place))
        shares, more, enough = self._index._shares, high_row(place, high + 1), low_row(place, low)  # noqa: SLF001
        chain, share = [(kernel.PUSH, enough)], shares[enough]
        if high:
            chain.append((kernel.AND, high_row(place, high)))
            share *= shares[high_row(place, high)] / max(shares[known_row(place)], 1e-12)
        if more >= 0:
            chain.append((kernel.OR, more))
            share = min(1.0, share + shares[more])
        return Node(share, chain=tuple(chain))

    def _regions(self, part: Is) -> Node:
        """Runs of people, made a row of their own: few containers, none of which is read from the index."""
        kept = self._index._places_kept  # noqa: SLF001
        place = kept.get(part.values)
        if place is None:
            place = self._registered(part)
            if place is None:
                return NOBODY
            if len(kept) >= PLACES_KEPT:
                kept.clear()
            kept[part.values] = place
        return self.standing(place, runs=True)

    def standing(self, place: _Registered, *, runs: bool = False) -> Node:
        """Whoever is among these people."""
        self._keep.append(place.keep)
        node = self._made_row(place.row, place.share, runs=runs)
        self._bounds[node.row] = place.bounds
        return node

    def _registered(self, part: Is) -> _Registered | None:
        index = self._index
        bounds = []
        for value in part.values:
            if not (isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) in (2, 5, 10)):
                raise Unanswerable("unknown-value", trait=part.trait, value=value)
            unit = 10 ** (10 - len(value))
            bounds += [int(value) * unit, (int(value) + 1) * unit]
        ranges = _merged(index._starts[np.searchsorted(index._regions, bounds)].reshape(-1, 2))  # noqa: SLF001
        if not len(ranges):
            return None
        row, keep = _runs_row(ranges, index._kinds.shape[1])  # noqa: SLF001
        blocks = int(ranges[0, 0]) // kernel.BLOCK, (int(ranges[-1, 1]) - 1) // kernel.BLOCK + 1
        return _Registered(row, keep, blocks, float((ranges[:, 1] - ranges[:, 0]).sum() / index.people))

    def bounds(self, node: Node) -> tuple[int, int]:
        """The blocks outside which the plan has nobody: (first, after the last)."""
        first, end = 0, self._index._kinds.shape[1]  # noqa: SLF001
        if node is NOBODY:
            return 0, 0
        if not node.negated:
            for part in [node] if node.row >= 0 else node.parts if node.join == kernel.AND else []:
                if not part.negated and part.row in self._bounds:
                    low, high = self._bounds[part.row]
                    first, end = max(first, low), min(end, high)
        return first, max(first, end)

    def written(
        self, steps: list[Step], first: int, end: int
    ) -> tuple[NDArray[np.int32], tuple[NDArray[Whatever], ...]]:
        """The steps as `kernel.run` reads them, int32 [steps, 2], and a table of the rows that they name alone, in the blocks from
        `first` up to `end`."""
        own = len(self._index._kinds)  # noqa: SLF001
        names = dict.fromkeys(row for what, row in steps if what <= kernel.WITHOUT)
        rows = [*(row for row in names if row < own), *(row for row in names if row >= own)]
        place = {row: at for at, row in enumerate(rows)}
        program = [(what, place[row] if what <= kernel.WITHOUT else row) for what, row in steps]
        made = [self._made[row - own] for row in rows if row >= own]
        many = len(rows) - len(made)
        tables = []
        for table, column in zip(self._index._tables, ("kinds", "addresses", "sizes"), strict=True):  # noqa: SLF001
            part = np.empty((len(rows), end - first), table.dtype)
            np.take(table[:, first:end], rows[:many], axis=0, out=part[:many], mode="clip")
            for at, row in enumerate(made, many):
                part[at] = getattr(row, column)[first:end]
            tables.append(part)
        return np.array(program, np.int32), tuple(tables)


def _merged(runs: Ranges) -> Ranges:
    """Ranges [n, 2] in order, without overlaps, touching ones joined, empty ones gone."""
    runs = runs[runs[:, 0] < runs[:, 1]]
    runs = runs[np.argsort(runs[:, 0], kind="stable")]
    if not len(runs):
        return runs
    ends = np.maximum.accumulate(runs[:, 1])
    heads = np.flatnonzero(np.r_[True, runs[1:, 0] > ends[:-1]])
    return np.stack([runs[heads, 0], np.maximum.reduceat(runs[:, 1], heads)], axis=1)


def _runs_row(ranges: Ranges, blocks: int) -> tuple[Row, NDArray[Whatever]]:
    """A row of these runs of people, and what its addresses point into."""
    row = Row(np.zeros(blocks, np.uint8), np.zeros(blocks, np.uint64), np.zeros(blocks, np.int32))
    pieces: dict[int, list[int]] = {}
    for first, end in ranges.tolist():
        head, tail = first // kernel.BLOCK, (end - 1) // kernel.BLOCK
        row.kinds[head + 1 : tail] = kernel.EVERYBODY
        for block in {head, tail}:
            low, high = max(first - block * kernel.BLOCK, 0), min(end - block * kernel.BLOCK, kernel.BLOCK)
            pieces.setdefault(block, []).extend((low, high - low - 1))
    body = np.array(list(itertools.chain.from_iterable(pieces.values())), "<u2")
    at = 0
    for block, halves in pieces.items():
        row.kinds[block] = kernel.EVERYBODY if halves == [0, kernel.BLOCK - 1] else kernel.RUNS
        row.addresses[block], row.sizes[block] = body.ctypes.data + 2 * at, len(halves) // 2
        at += len(halves)
    return row, body


class Builder:
    """Takes people in the order of the index, a block at a time, and packs them into the bitmaps of a schema."""

    def __init__(self, schema: Schema, first_block: int = 0) -> None:
        """`first_block` is where a shard begins: its bitmaps speak of its own people only, in their places of the whole."""
        self._schema, self.first_block = schema, first_block
        self._places = places(schema)
        rows = 1 + sum(place.rows for place in self._places.values())
        self._containers: list[list[Container]] = [[] for _ in range(rows)]
        self.people = np.zeros(rows, np.int64)
        self.blocks = 0

    def add(self, columns: Mapping[str, Column]) -> None:
        """The next block: 65,536 people, or the last of all."""
        many = len(columns[REGION])
        if many > kernel.BLOCK:
            raise ValueError("more than a block")
        self._put(0, turn(np.ones(many, np.uint64), 1))
        for name, place in self._places.items():
            row = place.first
            if place.rows:
                for rows, column in words(place.trait, columns[name]):
                    self._put(row, turn(column, rows))
                    row += rows
        self.blocks += 1

    def _put(self, row: int, turned: NDArray[np.uint64]) -> None:
        for place, bits in enumerate(turned):
            made = packed(self.first_block + self.blocks, bits)
            if made is not None:
                self._containers[row + place].append(made)
                self.people[row + place] += made.people

    def bitmaps(self) -> Iterable[bytes]:
        """The bitmaps, row by row; each is let go of once it was given."""
        for row, containers in enumerate(self._containers):
            yield assembled(containers)
            self._containers[row] = []
