"""Runs the program of an audience over the index, one block of 65,536 people at a time.

A block of a bitmap is at most 8 KB, so what a block's conditions make of one another never leaves the processor's first
cache, and no bitmap of the whole country is ever made on the way to a count. Blocks where a condition finds nobody end
there and then; blocks where everybody is in are not looked at.

The index hands over a table: for each row (a bitmap that the program names) and each block, what kind of container is
there, the address of its bytes and its size. Bytes are those of the portable Roaring format, wherever they lie.
"""

import numpy as np
from numba import njit

from dure.audiences.engine.machine import (
    and_line,
    half_at,
    ones,
    or_line,
    put_word,
    some_in,
    without_line,
    word_at,
)

BLOCK = 1 << 16
"""People in a block."""
WORDS = BLOCK // 64
LINES = WORDS // 8
"""Lines of a block: 512 people each, what the processor's memory hands out at a time."""

# Kinds of container; size is the number of runs, or of people in a list.
NOBODY, EVERYBODY, BITS, LIST, RUNS = 0, 1, 2, 3, 4

# Steps of a program, (step, row or target). Steps upon a row: push it, or join it with what is on top.
PUSH, AND, OR, WITHOUT = 0, 1, 2, 3
# Steps upon the two on top, and the one on top; jumps keep what is on top.
AND_TOP, OR_TOP, FLIP, IF_NOBODY, IF_EVERYBODY, WITHOUT_TOP = 4, 5, 6, 7, 8, 9
# Of all that is still to be done in this block, only where the top has somebody counts: an AND at the root, and nowhere else.
NARROW = 10

DEPTH_MAX = 64
"""Joins that may wait for one another; the planner writes trees so that few ever do."""
DESK = (2 * DEPTH_MAX + 1) * WORDS
"""Words to work on: two sheets for each join that waits (what is read and written at once is slow), and one aside."""


@njit(cache=True, nogil=True)
def spread(kind, address, size, onto, lines, live):  # type: ignore[no-untyped-def]
    """The address of a container's 1,024 words: its own where it is BITS, else `onto`, which is overwritten.

    Only the first `live` of `lines` are right: lines of 512 people of which something is still to be known.
    """
    if kind == BITS:
        return address
    for at in range(live):
        for place in range(lines[at] * 8, lines[at] * 8 + 8):
            put_word(onto, place, np.uint64(0))
    if kind == LIST:
        # Four places of the list at a time: neighbours share a word, and each would wait for the one before it.
        part = size // 4
        for place in range(part):
            for quarter in range(4):
                person = half_at(address, place + quarter * part)
                word = person >> 6
                put_word(onto, word, word_at(onto, word) | np.uint64(1) << np.uint64(person & 63))
        for place in range(4 * part, size):
            person = half_at(address, place)
            word = person >> 6
            put_word(onto, word, word_at(onto, word) | np.uint64(1) << np.uint64(person & 63))
        return onto
    everyone = ~np.uint64(0)
    for run in range(size):
        first = half_at(address, 2 * run)
        last = first + half_at(address, 2 * run + 1)
        head, tail = first >> 6, last >> 6
        from_first, to_last = everyone << np.uint64(first & 63), everyone >> np.uint64(63 - (last & 63))
        if head == tail:
            put_word(onto, head, word_at(onto, head) | (from_first & to_last))
            continue
        put_word(onto, head, word_at(onto, head) | from_first)
        for word in range(head + 1, tail):
            put_word(onto, word, everyone)
        put_word(onto, tail, word_at(onto, tail) | to_last)
    return onto


@njit(cache=True, nogil=True)
def both(a, b, onto, lines, live):  # type: ignore[no-untyped-def]
    """a ∧ b written onto `onto`; NOBODY or BITS."""
    some = np.uint64(0)
    for at in range(live):
        some |= and_line(a, b, onto, lines[at])
    return BITS if some else NOBODY


@njit(cache=True, nogil=True)
def without(a, b, onto, lines, live):  # type: ignore[no-untyped-def]
    """a ∧ ¬b written onto `onto`; NOBODY or BITS."""
    some = np.uint64(0)
    for at in range(live):
        some |= without_line(a, b, onto, lines[at])
    return BITS if some else NOBODY


@njit(cache=True, nogil=True)
def either(a, b, onto, lines, live):  # type: ignore[no-untyped-def]
    """a ∨ b written onto `onto`. (That it may be everybody is not looked at: it hardly ever is.)"""
    for at in range(live):
        or_line(a, b, onto, lines[at])
    return BITS


@njit(cache=True, nogil=True)
def flipped(a, onto, lines, live):  # type: ignore[no-untyped-def]
    """¬a written onto `onto`."""
    for at in range(live):
        for place in range(lines[at] * 8, lines[at] * 8 + 8):
            put_word(onto, place, ~word_at(a, place))


@njit(cache=True, nogil=True)
def narrowed(a, lines, live):  # type: ignore[no-untyped-def]
    """Keeps those of the lines in which `a` has somebody; how many are left."""
    kept = 0
    for at in range(live):
        line = lines[at]
        lines[kept] = line
        kept += some_in(a, line) != 0
    return kept


@njit(cache=True, nogil=True)
def many(address, lines, live):  # type: ignore[no-untyped-def]
    """People in the lines."""
    found = 0
    for at in range(live):
        line = lines[at] * 8
        for place in range(8):
            found += ones(word_at(address, line + place))
    return found


@njit(cache=True, nogil=True)
def sheet(desk: np.uint64, top: int, taken: np.uint64) -> np.uint64:
    """One of the two sheets of a place on the stack: the one that is not taken."""
    first = desk + np.uint64(top * (BLOCK // 4))
    return first + np.uint64(BLOCK // 8) if first == taken else first


@njit(cache=True, nogil=True)
def run(program, kinds, addresses, sizes, desk, out, begin, end) -> int:  # type: ignore[no-untyped-def]
    """How many people the program finds in the blocks of the table from `begin` up to `end`.

    `program` int32 [steps, 2]; `kinds` uint8, `addresses` uint64 and `sizes` int32 [rows, blocks]; `desk` the address of
    DESK words to work on; `out` uint64 [blocks, WORDS] to write the people to, or [0, WORDS] to count only.
    """
    states = np.empty(DEPTH_MAX, np.int64)
    places = np.empty(DEPTH_MAX, np.uint64)
    aside = desk + np.uint64(DEPTH_MAX * (BLOCK // 4))
    lines = np.empty(LINES, np.int64)
    total = 0
    for block in range(begin, end):
        top, step, live = -1, 0, LINES
        for line in range(LINES):
            lines[line] = line
        while step < program.shape[0]:
            what, row = program[step, 0], program[step, 1]
            step += 1
            if what == PUSH:
                top += 1
                kind = kinds[row, block]
                states[top] = min(kind, BITS)
                if kind >= BITS:
                    own = sheet(desk, top, np.uint64(0))
                    places[top] = spread(kind, addresses[row, block], sizes[row, block], own, lines, live)
                continue
            state = states[top]
            if what == IF_NOBODY:
                if state == NOBODY:
                    step = row
                continue
            if what == IF_EVERYBODY:
                if state == EVERYBODY:
                    step = row
                continue
            if what == NARROW:
                if state == BITS:
                    live = narrowed(places[top], lines, live)
                continue
            if what == FLIP:
                if state == BITS:
                    own = sheet(desk, top, places[top])
                    flipped(places[top], own, lines, live)
                    places[top] = own
                else:
                    states[top] = EVERYBODY if state == NOBODY else NOBODY
                continue
            if what in (AND_TOP, OR_TOP, WITHOUT_TOP):
                kind, address = states[top], places[top]
                top -= 1
                state = states[top]
                what = AND if what == AND_TOP else OR if what == OR_TOP else WITHOUT
                own, size = sheet(desk, top, places[top]), 0
                if kind == BITS and state != BITS:
                    # It may become the top as it is: then its words must not lie where the next push writes.
                    for place in range(WORDS):
                        put_word(own, place, word_at(address, place))
                    address = own
            else:
                own = sheet(desk, top, places[top])
                kind, address, size = np.int64(kinds[row, block]), addresses[row, block], sizes[row, block]
            if what == AND:
                if state == NOBODY or kind == EVERYBODY:
                    continue
                if kind == NOBODY:
                    states[top] = NOBODY
                elif state == EVERYBODY:
                    states[top], places[top] = BITS, spread(kind, address, size, own, lines, live)
                else:
                    there = spread(kind, address, size, aside, lines, live)
                    states[top] = both(places[top], there, own, lines, live)
                    places[top] = own
            elif what == WITHOUT:
                if state == NOBODY or kind == NOBODY:
                    continue
                if kind == EVERYBODY:
                    states[top] = NOBODY
                elif state == EVERYBODY:
                    flipped(spread(kind, address, size, aside, lines, live), own, lines, live)
                    states[top], places[top] = BITS, own
                else:
                    there = spread(kind, address, size, aside, lines, live)
                    states[top] = without(places[top], there, own, lines, live)
                    places[top] = own
            else:
                if state == EVERYBODY or kind == NOBODY:
                    continue
                if kind == EVERYBODY:
                    states[top] = EVERYBODY
                elif state == NOBODY:
                    states[top], places[top] = BITS, spread(kind, address, size, own, lines, live)
                else:
                    there = spread(kind, address, size, aside, lines, live)
                    states[top] = either(places[top], there, own, lines, live)
                    places[top] = own
        if states[top] == EVERYBODY:
            total += 512 * live
        elif states[top] == BITS:
            total += many(places[top], lines, live)
        if out.shape[0]:
            for place in range(WORDS):
                out[block, place] = np.uint64(0)
            if states[top] != NOBODY:
                for at in range(live):
                    for place in range(lines[at] * 8, lines[at] * 8 + 8):
                        out[block, place] = word_at(places[top], place) if states[top] == BITS else ~np.uint64(0)
    return total


@njit(cache=True, nogil=True)
def tally(kinds, addresses, sizes, people, begin, end):  # type: ignore[no-untyped-def]
    """How many of `people`, uint64 [blocks, WORDS], are in each row of a table, in some blocks of it: int64 [rows]."""
    found = np.zeros(kinds.shape[0], np.int64)
    desk = np.empty(WORDS, np.uint64)
    aside = np.uint64(desk.ctypes.data)
    for block in range(begin, end):
        words = people[block]
        here = 0
        for place in range(WORDS):
            desk[place] = words[place]
            here += ones(words[place])
        if here == 0:
            continue
        for row in range(kinds.shape[0]):
            kind = kinds[row, block]
            if kind == EVERYBODY:
                found[row] += here
            elif kind == LIST:
                for place in range(sizes[row, block]):
                    person = half_at(addresses[row, block], place)
                    found[row] += np.int64(words[person >> 6] >> np.uint64(person & 63) & np.uint64(1))
            elif kind == RUNS:
                for run in range(sizes[row, block]):
                    first = half_at(addresses[row, block], 2 * run)
                    last = first + half_at(addresses[row, block], 2 * run + 1)
                    found[row] += inside(words, first, last + 1)
            elif kind == BITS:
                found[row] += shared(aside, addresses[row, block])
    return found


@njit(cache=True, nogil=True)
def shared(a, b):  # type: ignore[no-untyped-def]
    """People in both of 1,024 words and others."""
    found = 0
    for place in range(WORDS):
        found += ones(word_at(a, place) & word_at(b, place))
    return found


@njit(cache=True, nogil=True)
def inside(words, first, end):  # type: ignore[no-untyped-def]
    """How many bits from `first` up to `end`, one at least, are set."""
    head, tail = first >> 6, (end - 1) >> 6
    from_first = ~np.uint64(0) << np.uint64(first & 63)
    to_end = ~np.uint64(0) >> np.uint64(63 - (end - 1 & 63))
    if head == tail:
        return ones(words[head] & from_first & to_end)
    found = ones(words[head] & from_first) + ones(words[tail] & to_end)
    for place in range(head + 1, tail):
        found += ones(words[place])
    return found


@njit(cache=True, nogil=True)
def regions(people, starts):  # type: ignore[no-untyped-def]
    """How many of `people`, uint64 [blocks, WORDS], lie from each of `starts` up to the next: int64 [starts - 1]."""
    words = people.reshape(-1)
    found = np.zeros(len(starts) - 1, np.int64)
    for place in range(len(starts) - 1):
        if starts[place] < starts[place + 1]:
            found[place] = inside(words, starts[place], starts[place + 1])
    return found


@njit(cache=True, nogil=True)
def stretches(kinds, addresses, sizes, weights, begin, end):  # type: ignore[no-untyped-def]
    """Where people of the same rows stand together, in some blocks: the first of each stretch, int32 within its block, the sum
    of the `weights` (int32 [rows]) of the rows that they are in, int32, and how many stretches each block has.

    A row adds its weight where a run begins and takes it away where it ends.
    """
    firsts, sums, many = np.empty(0, np.int32), np.empty(0, np.int32), np.zeros(end - begin, np.int64)
    used = 0
    steps = np.zeros(BLOCK + 1, np.int32)
    for block in range(begin, end):
        steps[:] = 0
        for row in range(kinds.shape[0]):
            kind, address, weight = kinds[row, block], addresses[row, block], weights[row]
            if kind == EVERYBODY:
                steps[0] += weight
            elif kind == RUNS:
                for run in range(sizes[row, block]):
                    first = half_at(address, 2 * run)
                    steps[first] += weight
                    steps[first + half_at(address, 2 * run + 1) + 1] -= weight
            elif kind == LIST:
                for place in range(sizes[row, block]):
                    person = half_at(address, place)
                    steps[person] += weight
                    steps[person + 1] -= weight
            elif kind == BITS:
                before = np.uint64(0)
                for place in range(WORDS):
                    word = word_at(address, place)
                    turns = word ^ (word << np.uint64(1) | before)
                    before = word >> np.uint64(63)
                    while turns:
                        bit = ones((turns & (~turns + np.uint64(1))) - np.uint64(1))
                        turns &= turns - np.uint64(1)
                        rises = word >> np.uint64(bit) & np.uint64(1)
                        steps[place * 64 + bit] += weight if rises else -weight
        if used + BLOCK > len(firsts):
            wider = np.empty(max(2 * len(firsts), used + BLOCK), np.int32)
            wider[:used] = firsts[:used]
            firsts = wider
            wider = np.empty(len(firsts), np.int32)
            wider[:used] = sums[:used]
            sums = wider
        sum_, start = 0, used
        for person in range(BLOCK):
            if steps[person] != 0 or person == 0:
                sum_ += steps[person]
                firsts[used], sums[used] = person, sum_
                used += 1
        many[block - begin] = used - start
    return firsts[:used].copy(), sums[:used].copy(), many


@njit(cache=True, nogil=True)
def along(people, firsts, sums, begins, top, begin, end):  # type: ignore[no-untyped-def]
    """How many of `people`, uint64 [blocks, WORDS], stand in stretches of each sum, in some blocks: int64 [top].

    `firsts` and `sums` are those of `stretches`; those of a block are from `begins[block]` up to the next.
    """
    found = np.zeros(top, np.int64)
    for block in range(begin, end):
        words = people[block]
        some = np.uint64(0)
        for place in range(WORDS):
            some |= words[place]
        if some == 0:
            continue
        last = begins[block + 1] - 1
        for place in range(begins[block], last):
            found[sums[place]] += inside(words, firsts[place], firsts[place + 1])
        found[sums[last]] += inside(words, firsts[last], BLOCK)
    return found


@njit(cache=True, nogil=True)
def digits(kinds, addresses, sizes, highs, people, begin, end):  # type: ignore[no-untyped-def]
    """Of `people`, uint64 [blocks, WORDS], how many have each high digit and at least each low one, in some blocks.

    The table: row 0 whoever's number is known, rows 1..highs "high digit at least 1..highs", the others "low digit at least
    1…". int64 [highs + 1, lows + 1].
    """
    lows = kinds.shape[0] - 1 - highs
    found = np.zeros((highs + 1, lows + 1), np.int64)
    desk = np.empty((kinds.shape[0] + 2, WORDS), np.uint64)
    places = np.empty(kinds.shape[0], np.uint64)
    left, here = desk[kinds.shape[0]], desk[kinds.shape[0] + 1]
    lines = np.arange(LINES)
    here_at = np.uint64(here.ctypes.data)
    for block in range(begin, end):
        some = 0
        for place in range(WORDS):
            some += ones(people[block, place])
        if some == 0:
            continue
        for row in range(kinds.shape[0]):
            own, kind = np.uint64(desk[row].ctypes.data), kinds[row, block]
            if kind == EVERYBODY:
                desk[row] = ~np.uint64(0)
                places[row] = own
            else:
                size = 0 if kind == NOBODY else sizes[row, block]
                places[row] = spread(kind, addresses[row, block], size, own, lines, LINES)
        for place in range(WORDS):
            left[place] = people[block, place] & word_at(places[0], place)
        for high in range(highs + 1):
            many_here, many_left = 0, 0
            for place in range(WORDS):
                word = left[place]
                further = word & word_at(places[high + 1], place) if high < highs else np.uint64(0)
                here[place] = word & ~further
                left[place] = further
                many_here += ones(word & ~further)
                many_left += ones(further)
            found[high, 0] += many_here
            if many_here:
                for low in range(1, lows + 1):
                    enough = shared(here_at, places[highs + low])
                    if enough == 0:
                        break
                    found[high, low] += enough
            if many_left == 0:
                break
    return found


@njit(cache=True, nogil=True)
def copied(kind: int, address: np.uint64, size: int, onto: np.uint64) -> None:
    """The words of a container, of any kind but EVERYBODY, written onto `onto`."""
    found = spread(kind, address, size, onto, np.arange(LINES), LINES)
    if found != onto:
        for place in range(WORDS):
            put_word(onto, place, word_at(found, place))


@njit(cache=True, nogil=True)
def named(people, persons, many):  # type: ignore[no-untyped-def]
    """The ids of `people`, uint64 [blocks, WORDS]: `persons` are those of the blocks' people in order; uint32 [many]."""
    words = people.reshape(-1)
    found, used = np.empty(many, np.uint32), 0
    for place in range(len(words)):
        word = words[place]
        while word:
            bit = ones((word & (~word + np.uint64(1))) - np.uint64(1))
            word &= word - np.uint64(1)
            found[used] = persons[place * 64 + bit]
            used += 1
    return found


@njit(cache=True, nogil=True)
def marked(numbers, words):  # type: ignore[no-untyped-def]
    """Sets the bits of these numbers in uint64 words."""
    for place in range(len(numbers)):
        number = np.int64(numbers[place])
        words[number >> 6] |= np.uint64(1) << np.uint64(number & 63)
