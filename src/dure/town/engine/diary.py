"""Who does what when in a town that is lived on the real platform: friendships and visits with their minutes, as chance has it.

Pure, and drawn from the town's seed alone, so that whoever writes it down, one by one or all at once, writes the same. A shop's
week begins on a weekday of its own, at `DAY` o'clock Korean time: all its campaigns go out then, and whoever comes in the week
comes within the seven days after it, which is the window that the product measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dure.town.engine.story import edges_of
from dure.town.engine.world import U32, Bools, World

Numbers = NDArray[np.int64]

WORKDAYS = 5
"""A shop's week begins on the working day that its number says, so that nobody hears of all shops on one day."""
CAME, KNOWS = 0.8, 0.08
"""The share who have joined a shop's channel when the story begins: of those who came in the weeks of history, and of those who only
know the shop."""
JOINS = 0.3
"""The chance that a guest who is no friend joins after paying."""
EVERY = 2
"""A shop writes every second week."""
WEEK = 7 * 24 * 60
QUIET = 60
"""Minutes at both ends of a shop's week in which nobody comes: a visit belongs to one week beyond doubt."""


@dataclass(frozen=True, slots=True)
class Comings:
    """Who came where, (m,) each, by shop and then by minute: people, the edges that led them, shops, minutes since the shop's week
    began, and whether they join the channel when they leave."""

    people: Numbers
    edges: Numbers
    shops: Numbers
    minutes: Numbers
    joins: Bools


def first_friends(world: World) -> Bools:
    """(n, d): whose channel people have joined when the story begins."""
    lots = _dice(world, 0, 1).random(world.aware.shape)
    return np.asarray(lots < np.where(world.seen.visits > 0, CAME, np.where(world.aware == 1, KNOWS, 0)))


def writes(shop: int, week: int, quiet: int) -> bool:
    """Whether a shop sends a campaign in a week; none does in the first `quiet` ones."""
    return week >= quiet and (shop + week) % EVERY == 0


def comings(world: World, came: U32, friends: Bools, week: int) -> Comings:
    """The visits of a week: `came` as bits (n,) of edges, `friends` (n, d) when it began."""
    people, edges = edges_of(came)
    shops = world.seen.shop[people, edges].astype(np.int64)
    dice = _dice(world, week, 2)
    minutes = dice.integers(QUIET, WEEK - QUIET, len(people))
    joins = ~friends[people, edges] & (dice.random(len(people)) < JOINS)
    order = np.lexsort((people, minutes, shops))
    return Comings(people[order], edges[order], shops[order], minutes[order], joins[order])


def edges_to(world: World, people: Numbers, shops: Numbers) -> Numbers:
    """(m,): by which edge each of these people goes to this shop. Raises ValueError where one has none."""
    at = world.seen.shop[people] == shops[:, None]
    if not at.any(axis=1).all():
        raise ValueError("somebody is asked for at a shop that they could not go to")
    return np.asarray(at.argmax(axis=1), np.int64)


def _dice(world: World, week: int, what: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence((world.seed, week, what, 77))))
