"""A town whose truth is known: who lives where, what they like, and what a message would really change for whom.

The town is the 읍면동 around a place, as many of the nearest as have the people; a person lives near the inside point of one of
them and is as old as people there are. Everybody could go to the `DEGREE` shops nearest to that point: their *edges*. What a
platform may see is in `Seen`; everything else in `World` is hidden from whoever learns. Units: km, weeks, won; a chance is a
week's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dure.audiences.population.regions import country

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
Bools = NDArray[np.bool_]

DEGREE = 24
CATEGORIES = 12
AGES = (15, 25, 35, 45, 55, 65)
"""Where the six bands of age begin; the last has no end."""
CENTRE = (126.9010, 37.5560)
"""망원동."""
JOINED = 0.45
"""The share of the grown-ups of the town who are on the platform."""
CONSENTED = 0.85
MESSAGES = 0.5
"""What all shops together may send, a person and week."""
SPREAD_KM = 0.35
KM_PER_DEGREE = 111.195


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the truth of one town is like beside the base's."""

    key: str
    ko: str
    en: str
    effects: str = "own"
    """own: everybody's own · flat: one for all · none · reversed: a message works on those who like it least · ties: one a
    dong, age and shop."""
    shock: bool = False
    """In the middle of the story some kinds of shop are wanted twice as much, others hardly."""


SCENARIOS = (
    Scenario("base", "바탕", "Base"),
    Scenario("flat", "모두에게 같은 효과", "Flat effects", effects="flat"),
    Scenario("none", "효과 없음 (A/A)", "No effect (A/A)", effects="none"),
    Scenario("reversed", "거꾸로인 취향", "Reversed tastes", effects="reversed"),
    Scenario("shock", "철의 충격", "Seasonal shock", shock=True),
    Scenario("ties", "모두 같은 값", "Adversarial ties", effects="ties"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the platform may know of people and shops before it does anything. n people, d edges each, s shops."""

    shop: U16
    """(n, d): the shop of each edge, nearest first."""
    distance: F32
    """(n, d): km from the inside point of the person's dong to the shop."""
    dong: NDArray[np.int32]
    """(n,): which of the town's dongs; people of one dong have neighbouring numbers."""
    age: U8
    """(n,): band of age."""
    consented: Bools
    """(n,): whom a shop may write to at all when the story begins."""
    category: U8
    """(s,)"""
    budget: NDArray[np.int64]
    """(s,): messages a week."""
    ticket: NDArray[np.int64]
    """(s,): won a visit."""
    visits: U8
    """(n, d): visits paid at the edge's shop in the weeks of history, 255 at most."""
    last: U8
    """(n, d): how many weeks ago the last one was at the end of history; NEVER where there was none."""
    first: U8
    """(n,): how many weeks ago the person was first seen anywhere; NEVER where never."""
    came: U16
    """(n,): visits anywhere."""
    latest: U8
    """(n,): how many weeks ago the person was last seen anywhere."""
    weeks: int

    @property
    def people(self) -> int:
        return int(self.shop.shape[0])

    @property
    def shops(self) -> int:
        return int(self.category.shape[0])


NEVER = 255


@dataclass(frozen=True, slots=True)
class World:
    """A town with its truth."""

    scenario: Scenario
    seed: int
    seen: Seen
    chance: F32
    """(n, d): the chance to come within a week with no message."""
    effect: F32
    """(n, d): what a first message adds to it when nothing was sent lately."""
    badly: Bools
    """(n, d): whether a message of this shop is of a kind that the person has no taste for."""
    sleeping: Bools
    """(n,): sleeping dogs: a message keeps them away."""
    aware: U8
    """(n, d): 1 where the person knows of the shop when the story begins."""
    beside: U16
    """(s,): the nearest other shop."""
    names: tuple[str, ...]
    """The town's dongs."""

    def season(self, week: int, weeks: int) -> F32:
        """(s,): how much each shop is wanted in a week of `weeks`, as a multiple."""
        wanted = np.ones(self.seen.shops, np.float32)
        if self.scenario.shock and weeks // 3 <= week < 2 * weeks // 3:
            wanted[self.seen.category < CATEGORIES // 3] = 2.0
            wanted[(self.seen.category >= CATEGORIES // 3) & (self.seen.category < 2 * CATEGORIES // 3)] = 0.4
        return wanted


History = Callable[[F32, U8, int, int], tuple[U8, U8, U8, U16, U8]]


def found(people: int, shops: int, seed: int, scenario: Scenario, history: History, weeks: int = 26) -> World:
    """Found a town. `history(chance, aware, weeks, seed)` lives the weeks before the story; the same seed founds the same town.

    Raises:
        ValueError: fewer shops than a person has edges.
    """
    if shops <= DEGREE:
        raise ValueError(f"a town has more than {DEGREE} shops")
    dice = np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, 7))))
    dongs, points, ages = _dongs(people)
    shares = np.array([dong_ages.sum() for dong_ages in ages], float)
    dong = np.repeat(np.arange(len(dongs)), _shared_out(people, shares)).astype(np.int32)
    age = np.empty(people, np.uint8)
    for number, of_age in enumerate(ages):
        here = np.flatnonzero(dong == number)
        age[here] = dice.choice(len(AGES), len(here), p=of_age / of_age.sum())
    home = points[dong] + dice.normal(0, SPREAD_KM, (people, 2))

    # Shops stand where people live, and two in five of them around the three busiest dongs.
    busy = np.argsort(-shares)[:3]
    stands = np.where(
        dice.random(shops) < 0.4, dice.choice(busy, shops), dice.choice(len(dongs), shops, p=shares / shares.sum())
    )
    place = points[stands] + dice.normal(0, SPREAD_KM, (shops, 2))
    category = dice.permutation(np.arange(shops) % CATEGORIES).astype(np.uint8)
    attraction = np.exp(dice.normal(0, 0.4, shops))
    quality = np.exp(dice.normal(0, 0.3, shops))
    sizes = np.ones(shops) if scenario.effects == "ties" else np.exp(dice.normal(0, 1.1, shops))
    budget = np.maximum(1, _shared_out(int(people * MESSAGES), sizes))
    ticket = (np.exp(dice.normal(9.4, 0.4, shops)) // 100 * 100).astype(np.int64)

    apart = np.linalg.norm(points[:, None] - place[None], axis=2)
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :DEGREE]
    shop = nearest[dong].astype(np.uint16)
    seen_distance = np.take_along_axis(apart, nearest, axis=1)[dong].astype(np.float32)
    distance = np.empty((people, DEGREE), np.float32)
    for e in range(DEGREE):
        distance[:, e] = np.linalg.norm(home - place[shop[:, e]], axis=1)

    likes = dice.gamma(0.9, 1.0, (len(AGES), CATEGORIES)) + 0.25
    taste = dice.standard_gamma(likes[age] * 0.7).astype(np.float32)
    taste /= taste.sum(axis=1, keepdims=True)
    activity = dice.gamma(1.2, 1.0, people).astype(np.float32)
    reach = (0.5 + dice.gamma(3.0, 1.0, people)).astype(np.float32)
    sensitivity = np.exp(dice.normal(0, 0.8, people) - 0.12 * (age - 3.0)).astype(np.float32)
    sleeping = dice.random(people) < 0.07
    liked = np.take_along_axis(taste, category[shop].astype(np.int64), axis=1)
    near = np.exp(-distance / reach[:, None])
    chance = np.minimum(0.5, 0.06 * activity[:, None] * liked * attraction[shop].astype(np.float32) * near).astype(
        np.float32
    )
    noise = np.exp(dice.normal(0, 0.3, (people, DEGREE)) - 0.045).astype(np.float32)
    effect = _effect(
        scenario, sensitivity, liked, near, quality[shop].astype(np.float32), chance, noise, age, seen_distance
    )
    if scenario.effects in ("own", "reversed"):
        effect = np.where(sleeping[:, None], -0.4 * chance, effect)
    else:
        sleeping = np.zeros(people, bool)
    aware = (dice.random((people, DEGREE), dtype=np.float32) < 0.8).astype(np.uint8)
    consented = dice.random(people) < CONSENTED
    visits, last, first, came, latest = history(chance, aware, weeks, seed)
    between = np.linalg.norm(place[:, None] - place[None], axis=2) + np.diag(np.full(shops, np.inf))
    seen = Seen(
        shop, seen_distance, dong, age, consented, category, budget, ticket, visits, last, first, came, latest, weeks
    )  # fmt: skip
    return World(
        scenario, seed, seen, chance, effect.astype(np.float32), liked < 0.03, sleeping, aware,
        between.argmin(axis=1).astype(np.uint16), tuple(dongs),
    )  # fmt: skip


def _effect(
    scenario: Scenario, sensitivity: F32, liked: F32, near: F32, quality: F32, chance: F32, noise: F32, age: U8, distance: F32,
) -> F32:  # fmt: skip
    """(n, d): what a message adds. All but "none" add the same on average, as the base does."""
    own = 0.055 * sensitivity[:, None] * np.sqrt(liked) * near * quality * (1 - chance) * noise
    if scenario.effects == "own":
        return np.asarray(np.minimum(own, 0.6), np.float32)
    if scenario.effects == "none":
        return np.zeros_like(own)
    if scenario.effects == "flat":
        return np.full_like(own, own.mean())
    if scenario.effects == "reversed":
        other = sensitivity[:, None] * near * quality * noise / np.sqrt(liked + 0.02)
    else:
        other = np.repeat((1.2 - 0.15 * age)[:, None], DEGREE, axis=1) * np.exp(-distance / 1.5)
    return np.asarray(np.minimum(other * (own.mean() / other.mean()), 0.6), np.float32)


def _dongs(people: int) -> tuple[list[str], F64, list[F64]]:
    """The nearest dongs to the centre that have so many grown-ups on the platform: names, points in km east and north of the
    centre (m, 2), and how many residents of each are in each band of age."""
    here = country()
    lon = np.array([dong.lon for dong in here.dongs])
    lat = np.array([dong.lat for dong in here.dongs])
    east = (lon - CENTRE[0]) * KM_PER_DEGREE * np.cos(np.radians(CENTRE[1]))
    north = (lat - CENTRE[1]) * KM_PER_DEGREE
    by_band = here.residents.sum(axis=1, dtype=np.int64)
    edges = [*(age // 5 for age in AGES), by_band.shape[1]]
    by_age = np.stack([by_band[:, low:high].sum(axis=1) for low, high in pairwise(edges)], axis=1)
    order = np.argsort(np.hypot(east, north), kind="stable")
    reached = np.cumsum(by_age[order].sum(axis=1)) * JOINED
    taken = order[: int(np.searchsorted(reached, people)) + 1]
    taken = np.sort(taken)
    return (
        [here.dongs[one].name for one in taken],
        np.column_stack([east[taken], north[taken]]),
        [by_age[one].astype(float) for one in taken],
    )


def _shared_out(whole: int, shares: F64) -> NDArray[np.int64]:
    """`whole` in whole parts after `shares`, by largest remainder."""
    exact: F64 = shares / shares.sum() * whole
    parts: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    left = np.argsort(parts - exact, kind="stable")[: whole - int(parts.sum())]
    parts[left] += 1
    return parts
