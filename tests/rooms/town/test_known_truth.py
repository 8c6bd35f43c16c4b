"""The town with known truth: whoever learns sees what a platform sees, rules hold, expectations are the mean of draws."""

from collections.abc import Iterator
from dataclasses import fields, replace

import numba
import numpy as np
import pytest

from dure.targeting.engine.measures import lead
from dure.town.engine import living
from dure.town.engine.learning import Coins, Learner, fit_log_linear
from dure.town.engine.policies import Blast, Drawn, FeatureOracle, Oracle, Response, Rfm
from dure.town.engine.story import Heard, Policy, allowed, bits_of, edges_of, hold_out, live_through, violations
from dure.town.engine.world import SCENARIOS, U8, U32, Scenario, Seen, World, found

pytestmark = pytest.mark.usefixtures("one_thread")

BASE = SCENARIOS[0]
AA = next(one for one in SCENARIOS if one.effects == "none")


def town(scenario: Scenario = BASE, seed: int = 3, people: int = 1_000) -> World:
    return found(people, 30, seed, scenario, living.history)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """So little work is done sooner by one."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


@pytest.fixture(scope="module")
def base() -> World:
    return town()


def test_the_same_seed_founds_the_same_town_and_another_another(base: World) -> None:
    again, other = town(), town(seed=4)
    assert np.array_equal(base.effect, again.effect)
    assert np.array_equal(base.seen.visits, again.seen.visits)
    assert not np.array_equal(base.effect, other.effect)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.key)
def test_every_scenario_adds_as_much_on_average_as_the_base_or_nothing(scenario: Scenario, base: World) -> None:
    there = town(scenario)
    dogs = base.sleeping if scenario.effects in ("own", "reversed") else np.zeros(0, bool)
    mean = float(there.effect[~base.sleeping].mean() if dogs.size else there.effect.mean())
    assert mean == 0 if scenario is AA else mean == pytest.approx(float(base.effect[~base.sleeping].mean()), rel=0.25)


def test_people_live_where_people_live() -> None:
    world = town(people=20_000)
    assert {"망원1동", "망원2동"} <= set(world.names)
    lived = np.bincount(world.seen.dong)
    assert len(lived) == len(world.names)
    assert lived.min() > 1_000
    assert np.all(np.diff(world.seen.dong) >= 0)


def test_expectations_are_the_mean_of_draws(base: World) -> None:
    rows = np.flatnonzero(allowed(base))
    sent = bits_of(base.seen.people, rows, rows % base.seen.shop.shape[1])
    loud = replace(base, effect=np.minimum(base.effect * 8, 0.6))
    added, came, expected, held = [], [], [], []
    for luck in range(60):
        other = replace(loud, seed=luck)
        lived = living.live(other, living.State.begin(other), sent, 0, 8)
        # What leads on to another shop comes on top of what is organic, so only edges without it are compared.
        added.append(lived.added.sum())
        came.append(np.bitwise_count(lived.came & sent).sum())
        held.append(np.bitwise_count(living.live(other, living.State.begin(other), sent * 0, 0, 8).came & sent).sum())
        expected.append(lived.refusals)
    drawn = np.array(came, float) - np.array(held, float)
    error = drawn.std() / np.sqrt(len(drawn))
    assert np.ptp(added) == pytest.approx(0, abs=1e-9)
    assert drawn.mean() == pytest.approx(np.mean(added), abs=4 * error + 0.02 * np.mean(added))
    assert abs(drawn.mean() - 2 * np.mean(added)) > 4 * error, "an expectation twice as large is noticed"


def test_refusals_are_as_many_as_expected(base: World) -> None:
    rows = np.repeat(np.flatnonzero(allowed(base)), 6)
    sent = bits_of(base.seen.people, rows, np.tile(np.arange(6), len(rows) // 6))
    left, expected = [], []
    for luck in range(40):
        lived = living.live(replace(base, seed=luck), living.State.begin(base), sent, 0, 8)
        left.append(lived.left.sum())
        expected.append(lived.refusals)
    error = np.std(left) / np.sqrt(len(left))
    assert np.mean(left) == pytest.approx(np.mean(expected), abs=4 * error)
    assert np.mean(left) > 10


def test_a_town_without_effects_has_none() -> None:
    world = town(AA)
    story = live_through(world, Drawn(world.seen, 3), 3)
    assert sum(story.messages) > 0
    assert story.value == 0
    assert not story.of_shops.any()


class _Deaf(Blast):
    """Writes to everybody, whatever they said."""

    limited = True

    def plan(self, week: int, room: U8) -> U32:
        return np.full(self.seen.people, 7, np.uint32)


def test_rules_that_are_broken_are_counted(base: World) -> None:
    story = live_through(base, _Deaf(base.seen), 2)
    assert min(count for rule, count in story.violations.items() if rule != "campaign holdout") > 0


def policies_of(world: World, weeks: int) -> list[Policy]:
    seen = world.seen
    return [
        Drawn(seen, 1), Blast(seen), Rfm(seen, 1), Learner(seen, 1), Response(seen, 1, prices=False), Response(seen, 1, prices=True),
        Oracle(world, weeks, prices=True), Oracle(world, weeks, prices=False),
    ]  # fmt: skip


def test_no_policy_breaks_a_rule_and_whoever_refused_is_never_written_to_again(base: World) -> None:
    for policy in policies_of(base, 4):
        state, gone = living.State.begin(base), np.zeros(base.seen.people, bool)
        for week in range(4):
            room = np.where(allowed(base) & ~gone, 2, 0).astype(np.uint8)
            planned = policy.plan(week, room)
            reached, held = hold_out(base, planned, week, policy.holdout)
            assert not any(violations(base, policy, allowed(base) & ~gone, reached, held).values()), policy.key
            assert not reached[gone].any()
            lived = living.live(base, state, reached, week, 4)
            policy.hear(Heard(week, reached, held, lived.came, lived.left))
            gone |= lived.left
            assert np.array_equal(gone, state.gone)


def test_the_coin_holds_out_its_share_and_no_budget_is_exceeded(base: World) -> None:
    planned = bits_of(base.seen.people, *np.divmod(np.arange(base.seen.people * 2), 2))
    planned[~allowed(base)] = 0
    reached, held = hold_out(base, planned, 1, 0.3)
    n, m = (int(np.bitwise_count(bits).sum()) for bits in (reached, held))
    assert not (reached & held).any()
    assert m / (n + m) == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / (n + m)))
    used = np.bincount(base.seen.shop[edges_of(reached)], minlength=base.seen.shops)
    assert (used <= base.seen.budget).all()


def hidden(world: World) -> set[str]:
    return {one.name for one in fields(World)} - {"seen", "scenario", "seed", "names"}


def test_what_is_seen_holds_nothing_hidden(base: World) -> None:
    for name in hidden(base):
        for one in fields(Seen):
            seen = getattr(base.seen, one.name)
            if isinstance(seen, np.ndarray):
                assert not np.shares_memory(getattr(base, name), seen), (name, one.name)


def test_another_truth_behind_the_same_sight_changes_nobodys_plan_but_the_oracles(base: World) -> None:
    other = replace(
        base, effect=np.ascontiguousarray(base.effect[::-1]), chance=np.ascontiguousarray(base.chance[::-1])
    )
    room = np.where(allowed(base), 2, 0).astype(np.uint8)
    for one, two in zip(policies_of(base, 4), policies_of(other, 4), strict=True):
        same = np.array_equal(one.plan(0, room), two.plan(0, room))
        assert same != one.key.startswith(("oracle", "true")), one.key


def coins(rows: int, slope: float) -> Coins:
    """Rows of a coin whose effect follows one of the features."""
    dice = np.random.default_rng(5)
    features = dice.normal(size=(rows, 9))
    treated = dice.random(rows) < 0.5
    organic = np.full(rows, 0.05)
    effect = 0.05 * np.exp(slope * features[:, 3])
    came = (dice.random(rows) < organic + treated * effect).astype(float)
    return Coins(features, treated, came, organic, np.ones(rows))


def test_the_log_linear_effect_finds_what_is_there_and_nothing_where_nothing_is() -> None:
    there, nothing = (fit_log_linear(coins(20_000, slope)).weights for slope in (0.6, 0.0))
    assert there[4] == pytest.approx(0.6, abs=0.2)
    assert abs(nothing[4]) < 0.2


def test_the_gate_opens_for_what_ranks_better_and_not_for_noise() -> None:
    seen = coins(20_000, 0.6)
    noise = np.random.default_rng(1).normal(size=len(seen.came))
    assert lead(seen.features[:, 3], noise, seen.treated, seen.came) > 0
    assert lead(noise, seen.features[:, 3], seen.treated, seen.came) < 0
    assert lead(noise[::-1], noise, seen.treated, seen.came) < 0


def test_the_quadratic_scores_edges_as_the_model_scores_rows(base: World) -> None:
    learner = Learner(base.seen, 1)
    rows, edges = np.divmod(np.arange(base.seen.shop.size), base.seen.shop.shape[1])
    features = learner.book.features(rows, edges)
    model = fit_log_linear(
        Coins(features, rows % 2 == 0, (rows % 7 == 0).astype(float), np.full(len(rows), 0.02), np.ones(len(rows)))
    )
    scored = learner.book.score(model.quadratic(), np.ones(base.seen.people, np.uint8))
    assert scored.ravel() == pytest.approx(model(features), rel=1e-4)
    assert not learner.book.score(model.quadratic(), np.zeros(base.seen.people, np.uint8)).any()


def test_where_all_values_are_alike_the_prices_still_spread_the_messages() -> None:
    world = town(next(one for one in SCENARIOS if one.effects == "flat"))
    oracle = Oracle(world, 3, prices=True)
    story = live_through(world, oracle, 3)
    assert oracle.market is not None
    assert max(oracle.market.gaps) < 0.1
    assert story.value > 0.95 * live_through(world, Drawn(world.seen, 3), 3).value


def test_prices_and_the_truth_are_worth_more_than_chance(base: World) -> None:
    best = live_through(base, Oracle(base, 3, prices=True), 3).value
    alike = live_through(base, FeatureOracle(base, 3), 3).value
    chance = live_through(base, Drawn(base.seen, 3), 3).value
    assert best > alike > chance
