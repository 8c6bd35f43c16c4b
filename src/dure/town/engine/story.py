"""One policy lives through a story of weeks in one town; every week its messages are checked and its worth is told.

A policy is told what a platform would see (`Heard`) and nothing else. What it is worth is the sum of expectations, not of draws, so
that two policies need no repetition to be told apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dure.campaigns.engine.assign import assign, never_messaged
from dure.town.engine import living
from dure.town.engine.world import F64, U8, U32, Bools, World

CAP = 2
"""Messages a person and week."""
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Heard:
    """What the platform sees of a week: bits (n,) of edges written to, held out by a coin and visited; (n,) who refused."""

    week: int
    reached: U32
    held: U32
    came: U32
    left: Bools


class Policy(Protocol):
    """Who is written to. `limited`: keeps caps and budgets (all but the blast do); `holdout`: the chance with which a coin takes a
    planned message back, so that what it did can be measured."""

    key: str
    limited: bool
    holdout: float

    def plan(self, week: int, room: U8) -> U32:
        """Bits (n,) of edges to write to. `room` (n,): how many messages each may still get; 0 for whoever may get none."""
        ...

    def hear(self, heard: Heard) -> None:
        """Learn from what came of it."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """What was published of one week, by shop (s,): people reached and held out, how many of each came, how often they came
    a week before, and the truth: the mean of what the messages added for those reached."""

    reached: F64
    held: F64
    came_reached: F64
    came_held: F64
    before: F64
    truth: F64


@dataclass(slots=True)
class Story:
    """What came of a policy. By week: visits added, messages, refusals to be expected, who is gone, all visits of the town; by
    shop: visits added over the whole story. `violations` counts broken rules by name."""

    policy: str
    added: list[float] = field(default_factory=list)
    led_on: list[float] = field(default_factory=list)
    everything: list[float] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    gone: list[float] = field(default_factory=list)
    of_shops: F64 = field(default_factory=lambda: np.zeros(0))
    measured: list[Measured] = field(default_factory=list)
    violations: dict[str, int] = field(default_factory=dict)

    @property
    def value(self) -> float:
        return float(sum(self.added))


def secret_of(world: World) -> str:
    """The key of the town's coins."""
    return f"town:{world.seed}"


def allowed(world: World) -> Bools:
    """(n,): who may be written to when the story begins: they agreed, and are not in the network's holdout."""
    never = never_messaged(np.arange(world.seen.people), secret=secret_of(world))
    return np.asarray(world.seen.consented & ~never)


def live_through(world: World, policy: Policy, weeks: int, progress: Progress = lambda _: None) -> Story:
    """Live `weeks` weeks under a policy."""
    seen, state, may = world.seen, living.State.begin(world), allowed(world)
    story = Story(policy.key, of_shops=np.zeros(seen.shops))
    for week in range(weeks):
        room = np.where(may & ~state.gone, CAP, 0).astype(np.uint8)
        planned = policy.plan(week, room)
        reached, held = hold_out(world, planned, week, policy.holdout)
        for rule, broken in violations(world, policy, may & ~state.gone, reached, held).items():
            story.violations[rule] = story.violations.get(rule, 0) + broken
        measured = _measure(world, state, reached, held, week, weeks) if policy.holdout else None
        lived = living.live(world, state, reached, week, weeks)
        if measured:
            story.measured.append(_completed(world, measured, reached, held, lived.came))
        policy.hear(Heard(week, reached, held, lived.came, lived.left))
        story.added.append(float(lived.added.sum()))
        story.led_on.append(float(lived.led_on.sum()))
        story.everything.append(float((lived.added + lived.led_on + lived.organic).sum()))
        story.messages.append(int(np.bitwise_count(reached).sum()))
        story.refusals.append(lived.refusals)
        story.gone.append(float((state.gone & may).sum() / max(1, may.sum())))
        story.of_shops += lived.added
        progress(f"{world.scenario.key}: {policy.key}, week {week + 1}")
    return story


def edges_of(bits: U32) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The (person, edge) pairs of set bits, by person."""
    who = np.flatnonzero(bits)
    spread = (bits[who, None] >> np.arange(32, dtype=np.uint32)) & np.uint32(1)
    row, edge = np.nonzero(spread)
    return who[row], edge


def bits_of(people: int, rows: NDArray[np.int64], edges: NDArray[np.int64]) -> U32:
    """The inverse of `edges_of`."""
    bits = np.zeros(people, np.uint32)
    np.bitwise_or.at(bits, rows, np.uint32(1) << edges.astype(np.uint32))
    return bits


def hold_out(world: World, planned: U32, week: int, share: float) -> tuple[U32, U32]:
    """(reached, held): the product's own randomisation, campaign by campaign, no more messages than each budget."""
    if not share:
        return planned, np.zeros_like(planned)
    seen = world.seen
    rows, edges = edges_of(planned)
    shops = seen.shop[rows, edges].astype(np.int64)
    order = np.argsort(shops, kind="stable")
    ends = np.searchsorted(shops[order], np.arange(seen.shops + 1))
    reached: list[NDArray[np.int64]] = []
    held: list[NDArray[np.int64]] = []
    for s in range(seen.shops):
        mine = order[ends[s] : ends[s + 1]]
        if not len(mine):
            continue
        group = assign(
            rows[mine], unit=f"{s}:{week}", secret=secret_of(world), most=int(seen.budget[s]), share=share
        )  # fmt: skip
        reached.append(mine[np.isin(rows[mine], group.reached)])
        held.append(mine[np.isin(rows[mine], group.held)])
    sent, kept = (np.concatenate([*parts, np.zeros(0, np.int64)]) for parts in (reached, held))
    return bits_of(seen.people, rows[sent], edges[sent]), bits_of(seen.people, rows[kept], edges[kept])


def violations(world: World, policy: Policy, may: Bools, reached: U32, held: U32) -> dict[str, int]:
    """How often each rule was broken this week; all must be 0."""
    seen = world.seen
    rows, edges = edges_of(reached)
    used = np.bincount(seen.shop[rows, edges], minlength=seen.shops)
    never = never_messaged(np.arange(seen.people), secret=secret_of(world))
    return {
        "no consent, or refused": int((reached[~may] != 0).sum()),
        "network holdout": int((reached[never] != 0).sum()),
        "campaign holdout": int(np.count_nonzero(reached & held)),
        "cap": int((np.bitwise_count(reached) > CAP).sum()) if policy.limited else 0,
        "budget": int((used > seen.budget).sum()) if policy.limited else 0,
    }


def _measure(
    world: World, state: living.State, reached: U32, held: U32, week: int, weeks: int
) -> tuple[F64, F64, F64, F64]:
    seen = world.seen
    rows, edges = edges_of(reached)
    true = living.true_effects(world, state, reached, rows, edges, week, weeks)
    shops = seen.shop[rows, edges]
    n_t = np.bincount(shops, minlength=seen.shops).astype(float)
    truth = np.bincount(shops, true, seen.shops) / np.maximum(n_t, 1)
    both, of = edges_of(reached | held)
    n_c = np.bincount(seen.shop[edges_of(held)], minlength=seen.shops).astype(float)
    often = np.minimum(1.0, seen.visits[both, of] / seen.weeks)
    before = np.bincount(seen.shop[both, of], often, seen.shops) / np.maximum(n_t + n_c, 1)
    return n_t, n_c, before, truth


def _completed(world: World, known: tuple[F64, F64, F64, F64], reached: U32, held: U32, came: U32) -> Measured:
    seen = world.seen
    n_t, n_c, before, truth = known
    yes_t = np.bincount(seen.shop[edges_of(reached & came)], minlength=seen.shops).astype(float)
    yes_c = np.bincount(seen.shop[edges_of(held & came)], minlength=seen.shops).astype(float)
    return Measured(n_t, n_c, yes_t, yes_c, before, truth)
