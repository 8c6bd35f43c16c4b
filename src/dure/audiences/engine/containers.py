"""Bitmaps of people in the portable Roaring format: made from columns, and read where they lie.

A column holds one word a person. Sixty-four people's words are a square of bits; turned on its side it is one word of each of
sixty-four bitmaps. That is all an index is: the country's table, turned on its side and packed.

The format (https://github.com/RoaringBitmap/RoaringFormatSpec): a header that says which blocks of 65,536 have anybody, how
many, and where; then for each a list of 16-bit numbers, 8 KB of bits, or runs, whichever is least. Little-endian throughout.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dure.audiences.engine.kernel import BITS, BLOCK, EVERYBODY, LIST, NOBODY, RUNS, WORDS, copied, marked
from dure.audiences.engine.machine import ones

WITH_RUNS, WITHOUT_RUNS = 12347, 12346
OFFSETS_FROM = 4
"""Bitmaps with runs and fewer containers than this carry no offsets."""
LIST_MAX = 4096
Words = NDArray[np.uint64]


class Damaged(ValueError):
    """Bytes that are no bitmap of this index."""


@njit(cache=True, nogil=True)
def turn(column, bits):  # type: ignore[no-untyped-def]
    """One word a person, uint64 [people ≤ 65,536], as `bits` bitmaps, uint64 [bits, WORDS]: bit b of person p is bit p of b."""
    turned = np.zeros((bits, WORDS), np.uint64)
    square = np.empty(64, np.uint64)
    for word in range((len(column) + 63) // 64):
        for row in range(64):
            person = word * 64 + row
            square[row] = column[person] if person < len(column) else np.uint64(0)
        # Halves change places, then quarters, down to single bits (Hacker's Delight 7-3, for low bits first).
        width, mask = 32, np.uint64(0xFFFFFFFF)
        while width:
            row = 0
            shift = np.uint64(width)
            while row < 64:
                swap = (square[row] >> shift ^ square[row + width]) & mask
                square[row] ^= swap << shift
                square[row + width] ^= swap
                row = (row + width + 1) & ~width
            width >>= 1
            mask ^= mask << np.uint64(width)
        for bit in range(bits):
            turned[bit, word] = square[bit]
    return turned


@njit(cache=True, nogil=True)
def pack(words, onto):  # type: ignore[no-untyped-def]
    """The smallest container of 1,024 words: (kind, people, 16-bit numbers written onto `onto`, uint16 [≥ 4096]). BITS are the
    words as they are, and nothing is written."""
    people, runs, before = 0, 0, np.uint64(0)
    for place in range(WORDS):
        word = words[place]
        people += ones(word)
        runs += ones(word & ~(word << np.uint64(1) | before))
        before = word >> np.uint64(63)
    if people == 0:
        return NOBODY, 0, 0
    least = min(people, LIST_MAX) if people <= LIST_MAX else LIST_MAX
    if 1 + 2 * runs < least:
        used, first, inside = 1, 0, False
        onto[0] = runs
        for place in range(WORDS):
            word = words[place]
            if (word == 0 and not inside) or (word == ~np.uint64(0) and inside):
                continue
            for bit in range(64):
                here = (word >> np.uint64(bit)) & np.uint64(1)
                if here and not inside:
                    first, inside = place * 64 + bit, True
                elif not here and inside:
                    onto[used], onto[used + 1] = first, place * 64 + bit - 1 - first
                    used, inside = used + 2, False
        if inside:
            onto[used], onto[used + 1] = first, BLOCK - 1 - first
            used += 2
        return RUNS, people, used
    if people <= LIST_MAX:
        used = 0
        for place in range(WORDS):
            word = words[place]
            while word:
                onto[used] = place * 64 + ones((word & (~word + np.uint64(1))) - np.uint64(1))
                used += 1
                word &= word - np.uint64(1)
        return LIST, people, used
    return BITS, people, 0


@dataclass(frozen=True, slots=True)
class Container:
    """One packed block of one bitmap."""

    block: int
    kind: int
    people: int
    body: bytes


def packed(block: int, words: Words) -> Container | None:
    """A block of a bitmap in its smallest form; None where nobody is in it."""
    onto = np.empty(LIST_MAX + 2, "<u2")
    kind, people, used = pack(words, onto)
    if kind == NOBODY:
        return None
    return Container(block, kind, people, words.astype("<u8").tobytes() if kind == BITS else onto[:used].tobytes())


def assembled(containers: Iterable[Container]) -> bytes:
    """A whole bitmap in the portable format, as any Roaring library reads and writes it."""
    parts = list(containers)
    with_runs = any(part.kind == RUNS for part in parts)
    if with_runs:
        flags = np.packbits([part.kind == RUNS for part in parts], bitorder="little").tobytes()
        head = struct.pack("<I", WITH_RUNS | len(parts) - 1 << 16) + flags
    else:
        head = struct.pack("<II", WITHOUT_RUNS, len(parts))
    keys = b"".join(struct.pack("<HH", part.block, part.people - 1) for part in parts)
    bodies = b"".join(part.body for part in parts)
    if with_runs and len(parts) < OFFSETS_FROM:
        return head + keys + bodies
    sizes = [len(head) + len(keys) + 4 * len(parts), *(len(part.body) for part in parts[:-1])]
    return head + keys + np.cumsum(sizes[: len(parts)]).astype("<u4").tobytes() + bodies


def gathered(numbers: NDArray[np.uint32], base: int = 0) -> bytes:
    """The bitmap of these numbers, in any order, each `base` (a multiple of 65,536) higher; empty bytes where there are none.

    Made through words of everybody up to the highest, so millions in no order cost milliseconds.
    """
    if not len(numbers):
        return b""
    words = np.zeros((int(numbers.max()) // BLOCK + 1, WORDS), np.uint64)
    marked(numbers, words.reshape(-1))
    parts = (packed(base // BLOCK + block, here) for block, here in enumerate(words))
    return assembled(part for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class Row:
    """Where the containers of one bitmap lie: `kinds` uint8, `addresses` uint64, `sizes` int32, one a block."""

    kinds: NDArray[np.uint8]
    addresses: NDArray[np.uint64]
    sizes: NDArray[np.int32]


def row_of(portable: NDArray[np.uint8], blocks: int) -> Row:
    """Reads a portable bitmap's header and nothing else. Damaged where it points outside itself or beyond `blocks`."""
    row = Row(np.zeros(blocks, np.uint8), np.zeros(blocks, np.uint64), np.zeros(blocks, np.int32))
    try:
        cookie = int(portable[:4].view("<u4")[0])
        if cookie & 0xFFFF == WITH_RUNS:
            containers, at = (cookie >> 16) + 1, 4 + ((cookie >> 16) + 8) // 8
            with_runs = np.unpackbits(portable[4:at], bitorder="little")[:containers].astype(bool)
        elif cookie == WITHOUT_RUNS:
            containers, at = int(portable[4:8].view("<u4")[0]), 8
            with_runs = np.zeros(containers, bool)
        else:
            raise Damaged("no bitmap")
        keys = portable[at : at + 4 * containers].copy().view("<u2").reshape(containers, 2).astype(np.int64)
        at += 4 * containers
        block, people = keys[:, 0], keys[:, 1] + 1
        if containers == 0:
            return row
        if block[-1] >= blocks or (np.diff(block) <= 0).any():
            raise Damaged("blocks")
        if cookie == WITHOUT_RUNS or containers >= OFFSETS_FROM:
            offsets = portable[at : at + 4 * containers].copy().view("<u4").astype(np.int64)
        else:
            offsets = _walked(portable, at, people, with_runs)
        sizes = np.where(with_runs, 0, people)
        for place in np.flatnonzero(with_runs).tolist():
            sizes[place] = int(portable[offsets[place] : offsets[place] + 2].copy().view("<u2")[0])
        lengths = np.where(with_runs, 2 + 4 * sizes, np.where(people <= LIST_MAX, 2 * people, 2 * LIST_MAX))
        if (offsets < at).any() or (offsets + lengths > len(portable)).any():
            raise Damaged("cut off")
    except (IndexError, ValueError) as wrong:
        raise wrong if isinstance(wrong, Damaged) else Damaged(str(wrong)) from wrong
    kinds = np.where(with_runs, RUNS, np.where(people <= LIST_MAX, LIST, BITS))
    kinds[people == BLOCK] = EVERYBODY
    row.kinds[block] = kinds
    row.addresses[block] = (portable.ctypes.data + offsets + 2 * with_runs).astype(np.uint64)
    row.sizes[block] = sizes
    return row


THICK = 768
"""People from which a list is kept as words beside the portable bitmap: spreading it each time would cost more than reading it."""


def thick(row: Row) -> NDArray[np.uint64]:
    """The row's long lists as words, uint64 [lists, WORDS], in the order of the blocks."""
    long = _long_lists(row)
    found = np.empty((len(long), WORDS), np.uint64)
    for at, block in enumerate(long.tolist()):
        copied(LIST, row.addresses[block], row.sizes[block], np.uint64(found[at].ctypes.data))
    return found


def thickened(row: Row, words: NDArray[np.uint64]) -> int:
    """Lets the row's long lists be read from these words (see `thick`); how many there are. Damaged where words are missing."""
    long = _long_lists(row)
    if len(words) < len(long):
        raise Damaged("words")
    row.kinds[long] = BITS
    row.addresses[long] = words.ctypes.data + np.arange(len(long), dtype=np.uint64) * np.uint64(8 * WORDS)
    return len(long)


def _long_lists(row: Row) -> NDArray[np.int64]:
    return np.flatnonzero((row.kinds == LIST) & (row.sizes > THICK))


def _walked(
    portable: NDArray[np.uint8], at: int, people: NDArray[np.int64], with_runs: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The offsets of few containers, one after the other, where the header keeps none."""
    offsets = []
    for many, runs in zip(people.tolist(), with_runs.tolist(), strict=True):
        offsets.append(at)
        if runs:
            at += 2 + 4 * int(portable[at : at + 2].copy().view("<u2")[0])
        else:
            at += 2 * min(many, LIST_MAX)
    return np.array(offsets, np.int64)
