"""Weeks go by: who comes, who was moved by a message, who has had enough. Compiled (numba); chance is a hash of person, edge, week
and seed, so two policies live through the same luck and differ by what they send alone.

A message of week w adds `effect * exp(-0.25 F)` to the chance to come, F being the *fatigue* left of earlier messages; a second
one of the same week half as much, a third half of that, in an order that nobody knows beforehand. Then F becomes 0.6 F + messages, and
each message is the last one with the hazard 0.0008 exp(0.8 F), three times that for somebody without the taste, twice for
a sleeping dog. A visit that a message brought leads on to the shop beside it (15 %) or makes a neighbour aware of the shop (5 %).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from dure.town.engine.world import NEVER, U8, U16, U32, Bools, World

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

FADES, DULLS = 0.6, 0.25
HAZARD, STEEP, BADLY, SLEEPING = 0.0008, 0.8, 3.0, 2.0
UNAWARE = 0.25
"""Who does not know a shop comes a quarter as often."""
LEADS_ON, TELLS = 0.15, 0.05
NEIGHBOURS = 40


@numba.njit(inline="always", cache=True)
def luck(person: int, what: int, week: int, seed: int) -> float:
    """A number of [0, 1) that only the four decide: splitmix64."""
    z = np.uint64(person) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(what) * np.uint64(0xD1B54A32D192ED03)
    z = z ^ (np.uint64(week) * np.uint64(0x8CB92BA72F3D8DD7) + np.uint64(seed) * np.uint64(0xA24BAED4963EE407))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


COMES, ORDER, LEAVES, ON, TELL, WHOM = 0, 64, 128, 192, 256, 320
"""What chance is asked for; an edge's number is added."""
BEFORE = 1 << 20
"""Weeks of history are counted from here on, so that none is a week of the story."""


@numba.njit(parallel=True, cache=True)
def _history(chance, aware, weeks, seed):
    people, degree = chance.shape
    visits = np.zeros((people, degree), np.uint8)
    last = np.full((people, degree), NEVER, np.uint8)
    first = np.full(people, NEVER, np.uint8)
    came = np.zeros(people, np.uint16)
    latest = np.full(people, NEVER, np.uint8)
    for i in numba.prange(people):
        for w in range(weeks):
            ago = weeks - 1 - w
            for e in range(degree):
                p = chance[i, e] if aware[i, e] else chance[i, e] * UNAWARE
                if luck(i, COMES + e, BEFORE + w, seed) < p:
                    if visits[i, e] < 255:
                        visits[i, e] += 1
                    last[i, e] = ago
                    came[i] += 1
                    latest[i] = ago
                    if first[i] == NEVER:
                        first[i] = ago
    return visits, last, first, came, latest


def history(chance: F32, aware: U8, weeks: int, seed: int) -> tuple[U8, U8, U8, U16, U8]:
    """The weeks before the story: visits and weeks since the last one by edge (n, d), and by person the weeks since the first,
    visits in all and weeks since the last (n,)."""
    found: tuple[U8, U8, U8, U16, U8] = _history(chance, aware, weeks, seed)
    return found


@dataclass(slots=True)
class State:
    """How the people of one story stand. (n,) fatigue and gone (refused for good); (n, d) aware."""

    fatigue: F32
    gone: Bools
    aware: U8

    @classmethod
    def begin(cls, world: World) -> State:
        people = world.seen.people
        return cls(np.zeros(people, np.float32), np.zeros(people, bool), world.aware.copy())


@dataclass(frozen=True, slots=True)
class Week:
    """What a week brought. `came`, `moved`: bits (n,) of edges visited, and of those that would not have been; `left` (n,): refused
    this week. Expectations, by shop (s,): `added` by messages, `led_on` to this shop from its neighbour, `organic`; `worth`
    (n, d) in the order of `came`: nothing is kept of it but where messages went. `refusals`: how many are to be expected."""

    came: U32
    moved: U32
    left: Bools
    added: F64
    led_on: F64
    organic: F64
    refusals: float


@numba.njit(parallel=True, cache=True)
def _live(
    chance, effect, badly, sleeping, shop, beside, sent, fatigue, gone, aware, season, week, seed, shops, threads
):
    people, degree = chance.shape
    came = np.zeros(people, np.uint32)
    moved = np.zeros(people, np.uint32)
    told = np.zeros(people, np.uint32)
    left = np.zeros(people, np.bool_)
    added = np.zeros((threads, shops), np.float64)
    led = np.zeros((threads, shops), np.float64)
    organic = np.zeros((threads, shops), np.float64)
    refusals = np.zeros(threads, np.float64)
    for thread in numba.prange(threads):
        order = np.empty(degree, np.float64)
        for i in range(people * thread // threads, people * (thread + 1) // threads):
            bits = sent[i]
            messages = 0
            dull = np.exp(-DULLS * fatigue[i])
            for e in range(degree):
                if (bits >> np.uint32(e)) & np.uint32(1):
                    messages += 1
                    order[e] = luck(i, ORDER + e, week, seed)
            for e in range(degree):
                s = shop[i, e]
                p = chance[i, e] * season[s]
                if not aware[i, e]:
                    p *= UNAWARE
                p = min(p, 0.5)
                organic[thread, s] += p
                u = 0.0
                if (bits >> np.uint32(e)) & np.uint32(1):
                    u = effect[i, e] * dull * season[s]
                    for other in range(degree):
                        if (bits >> np.uint32(other)) & np.uint32(1) and order[other] < order[e]:
                            u *= 0.5
                    u = min(max(u, -p), 1.0 - p)
                    added[thread, s] += u
                    led[thread, beside[s]] += LEADS_ON * u
                drawn = luck(i, COMES + e, week, seed)
                if drawn < p + u:
                    came[i] |= np.uint32(1) << np.uint32(e)
                    aware[i, e] = 1
                    if drawn >= p:
                        moved[i] |= np.uint32(1) << np.uint32(e)
                        if luck(i, TELL + e, week, seed) < TELLS:
                            told[i] |= np.uint32(1) << np.uint32(e)
                        if luck(i, ON + e, week, seed) < LEADS_ON:
                            for other in range(degree):
                                if shop[i, other] == beside[s]:
                                    came[i] |= np.uint32(1) << np.uint32(other)
                                    aware[i, other] = 1
            fatigue[i] = FADES * fatigue[i] + messages
            if messages:
                stays = 1.0
                for e in range(degree):
                    if (bits >> np.uint32(e)) & np.uint32(1):
                        h = HAZARD * np.exp(STEEP * fatigue[i])
                        if badly[i, e]:
                            h *= BADLY
                        if sleeping[i]:
                            h *= SLEEPING
                        stays *= 1.0 - min(h, 1.0)
                refusals[thread] += 1.0 - stays
                if luck(i, LEAVES, week, seed) >= stays:
                    left[i] = True
                    gone[i] = True
    return came, moved, told, left, added, led, organic, refusals


@numba.njit(cache=True)
def _tell_neighbours(told, shop, aware, week, seed):
    people, degree = shop.shape
    for i in range(people):
        if told[i] == 0:
            continue
        for e in range(degree):
            if (told[i] >> np.uint32(e)) & np.uint32(1):
                step = 1 + int(luck(i, WHOM + e, week, seed) * NEIGHBOURS)
                other = (i + step) % people
                for f in range(degree):
                    if shop[other, f] == shop[i, e]:
                        aware[other, f] = 1


def live(world: World, state: State, sent: U32, week: int, weeks: int) -> Week:
    """One week in which the edges of `sent` (bits, (n,)) get a message. Moves `state` on."""
    seen = world.seen
    came, moved, told, left, added, led, organic, refusals = _live(
        world.chance, world.effect, world.badly, world.sleeping, seen.shop, world.beside, sent, state.fatigue, state.gone,
        state.aware, world.season(week, weeks), week, world.seed, seen.shops, numba.get_num_threads(),
    )  # fmt: skip
    _tell_neighbours(told, seen.shop, state.aware, week, world.seed)
    return Week(
        came, moved, left, added.sum(axis=0), led.sum(axis=0), organic.sum(axis=0), float(refusals.sum())
    )  # fmt: skip


@numba.njit(cache=True)
def _true_effects(effect, chance, aware, shop, season, fatigue, sent, rows, edges, week, seed):
    found = np.empty(len(rows), np.float64)
    degree = shop.shape[1]
    for n in range(len(rows)):
        i, e = rows[n], edges[n]
        s = shop[i, e]
        p = chance[i, e] * season[s]
        if not aware[i, e]:
            p *= UNAWARE
        p = min(p, 0.5)
        u = effect[i, e] * np.exp(-DULLS * fatigue[i]) * season[s]
        mine = luck(i, ORDER + e, week, seed)
        for other in range(degree):
            if (
                other != e
                and (sent[i] >> np.uint32(other)) & np.uint32(1)
                and luck(i, ORDER + other, week, seed) < mine
            ):
                u *= 0.5
        found[n] = min(max(u, -p), 1.0 - p)
    return found


def true_effects(
    world: World, state: State, sent: U32, rows: NDArray[np.int64], edges: NDArray[np.int64], week: int, weeks: int
) -> F64:
    """(m,): what a message on each of these edges adds this week, beside the messages of `sent`. Ask before `live`."""
    return np.asarray(
        _true_effects(
            world.effect,
            world.chance,
            state.aware,
            world.seen.shop,
            world.season(week, weeks),
            state.fatigue,
            sent,
            rows,
            edges,
            week,
            world.seed,
        )
    )
