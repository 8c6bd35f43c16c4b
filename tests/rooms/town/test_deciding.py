"""Policies side by side on the product's own tables: the same town, the same luck, as many messages, and no promise broken."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.db import transaction

from dure.regulars.models import Relation
from dure.shops import fence
from dure.town.at_once import AtOnce
from dure.town.deciding import Blast, Chance, Dure, Oracle, Policy, Rfm
from dure.town.engine import diary, living
from dure.town.engine.world import SCENARIOS, World, found
from dure.town.lived import Life, Lived

pytestmark = pytest.mark.django_db

PEOPLE, SHOPS, WEEKS, QUIET = 240, 25, 3, 1
WITH_FRIENDS, MESSAGES = 3, 20
"""Shops with friends, and what each may send a week: to a few of them only."""
POLICIES: dict[str, Callable[[World], Policy]] = {
    "blast": lambda world: Blast(), "chance": lambda world: Chance(world.seen, world.seed),
    "rfm": lambda world: Rfm(world.seen, world.seed), "dure": lambda world: Dure(world.seen, world.seed), "oracle": Oracle,
}  # fmt: skip


def town(scenario: str = "none", seed: int = 5) -> World:
    truth = next(one for one in SCENARIOS if one.key == scenario)
    world = found(PEOPLE, SHOPS, seed, truth, living.history)
    often = np.where(world.seen.shop < WITH_FRIENDS, world.chance * 6, world.chance / 4)
    return replace(
        world,
        chance=np.minimum(often, 0.5).astype(np.float32),
        seen=replace(world.seen, budget=np.full(SHOPS, MESSAGES)),
    )


@pytest.fixture(autouse=True)
def some_shops_have_friends(monkeypatch: pytest.MonkeyPatch) -> None:
    def friends(world: World) -> Any:
        return (world.seen.shop < WITH_FRIENDS) & (world.aware == 1)

    monkeypatch.setattr(diary, "first_friends", friends)
    monkeypatch.setattr(diary, "JOINS", 0.0)


def lived_and_undone(
    policy: Policy, world: World, look: Callable[[Life], Any] = lambda life: None
) -> tuple[Lived, Any]:
    with transaction.atomic(), fence.across_shops():
        life = Life(world, AtOnce(), weeks=WEEKS, quiet=QUIET, policy=policy)
        lived, seen = life.live(), look(life)
        transaction.set_rollback(True)
    return lived, seen


def test_every_policy_keeps_every_promise_with_the_same_luck_and_as_many_messages() -> None:
    """Where messages do nothing, the same people come whoever was written to."""
    world, came = town(), []
    deciders = {
        name: made(world) for name, made in POLICIES.items() if name != "oracle"
    }  # nobody is worth its messages
    lives = {}
    for name, policy in deciders.items():
        lives[name], who = lived_and_undone(policy, world, _who_came)
        came.append(who)
        assert +lives[name].violations == Counter(), name
        assert not set(lives[name].unsent) - {"nobody-to-reach"}, name
    assert len(came[0]) > WITH_FRIENDS
    assert all(one == came[0] for one in came)
    by_plan = [one for one in deciders.values() if isinstance(one, Dure)]
    assert len({one.planned.total() for one in by_plan}) == 1
    assert [set(one.planned) for one in by_plan] == [{"chance"}, {"rfm"}, {"usual"}]
    for one in by_plan:
        most = len(lives[one.key].published) * diary.EVERY * MESSAGES
        assert 0.75 * most < lives[one.key].messages <= most
        assert lives[one.key].messages < lives["blast"].messages


def test_only_messages_tell_two_lives_apart() -> None:
    """The oracle and chance write to as many; until then the same come, and what the oracle's messages add is more."""
    world = town("base")
    chance, oracle = (lived_and_undone(POLICIES[name](world), world)[0] for name in ("chance", "oracle"))
    assert chance.came[:QUIET] == oracle.came[:QUIET]
    assert chance.added_in[:QUIET] == oracle.added_in[:QUIET] == [0.0] * QUIET
    assert oracle.added / oracle.messages > chance.added / chance.messages > 0
    for one in (chance, oracle):
        assert sum(one.added_in) == pytest.approx(one.added) == sum(one.added_of)


def _who_came(life: Life) -> list[tuple[int, str]]:
    where = Relation.objects.filter(visits__gt=0).values_list("person", "shop__name", "visits", "last_visit_at")
    first = int(life.persons[0])
    return sorted((person - first, *rest) for person, *rest in where)
