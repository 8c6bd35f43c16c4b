"""`make town ARGS="--through-the-product --policies"`: policies side by side over the product's own tables.

The same town and the same luck is lived once a policy, each time in an empty database. Who is written to is the policy's to decide
(`dure/town/deciding.py`); campaigns, plans, coins, the gate, inboxes, bills, coupons, refusals and results are the product's. Chance, RFM
and Dure hand in the same campaigns with as many messages each; the blast writes to every friend. Worth is a sum of expectations,
from the truth. Writes benchmarks/results/town-policies.json and draws test-results/town-policies.html, and fails when a promise
was broken once. A small town is one dong whose people all have the same 24 shops nearest: so it has hardly more shops than that.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import town_report
from benchmarks.campaign import database
from benchmarks.town_lived import NOMINAL, figures
from dure.campaigns.engine.allocate import Budgets
from dure.campaigns.engine.fair import Fairness, stand_alone
from dure.campaigns.engine.market import Edges

RESULT = Path(__file__).parent / "results" / "town-policies.json"
REPORT = Path(__file__).parents[1] / "test-results" / "town-policies.html"
DATABASE = "bench_policies"
POLICIES = ("blast", "chance", "rfm", "dure", "oracle")
QUIET = 26
"""Weeks in which nobody writes and the product comes to know its guests: as many as the town in arrays has of history."""
Row = dict[str, Any]


def live(
    key: str, *, people: int, shops: int, weeks: int, seed: int, scenario: str, tell: Callable[[str], None]
) -> Row:
    """One life under a policy in an empty database, and what came of it."""
    from dure.shops import fence
    from dure.town import deciding
    from dure.town.at_once import AtOnce
    from dure.town.engine import diary, living
    from dure.town.engine.world import SCENARIOS, found
    from dure.town.lived import Life

    begun = time.perf_counter()
    truth = next(one for one in SCENARIOS if one.key == scenario)
    world = found(people, shops, seed, truth, living.history)
    made: dict[str, Callable[[], deciding.Policy]] = {
        "blast": deciding.Blast, "chance": lambda: deciding.Chance(world.seen, seed), "rfm": lambda: deciding.Rfm(world.seen, seed),
        "dure": lambda: deciding.Dure(world.seen, seed), "oracle": lambda: deciding.Oracle(world),
    }  # fmt: skip
    policy = made[key]()
    with fence.across_shops():
        life = Life(
            world, AtOnce(), weeks=QUIET + weeks, quiet=QUIET, policy=policy, tell=lambda what: tell(f"{key}: {what}")
        )
        lived = life.live()
    sent, added = max(1, lived.messages), np.array(lived.added_of)
    reachable = np.where(life.friends & world.seen.consented[:, None], world.effect, 0).astype(np.float32)
    budgets = Budgets(messages=world.seen.budget * float(diary.EVERY))
    alone = stand_alone(Edges(world.seen.shop, reachable), budgets) * weeks / diary.EVERY
    there = alone > 1e-6
    fares = Fairness(np.clip(added[there] / alone[there], 0, 1))
    published = [one for one in lived.published if not one.broken]
    return {
        "scenario": scenario, "messages in inboxes": lived.messages, "campaigns sent": len(lived.published) + lived.unmeasured,
        "visits added": lived.added, "added a 1000 messages": 1000 * lived.added / sent,
        "sales added, won": float(added @ world.seen.ticket), "refusals": lived.refusals,
        "refusals a 1000 messages": 1000 * lived.refusals / sent, "coupons used": lived.coupons_used, "gini": fares.gini,
        "worst tenth": fares.worst_tenth, "shops with friends": int(there.sum()), "harmed": int((added < -1e-9).sum()),
        "friends": lived.friends, "visits paid": lived.visits, "results": figures(published),
        "texts that the gate kept back": dict(lived.kept_back), "campaigns refused": dict(lived.unsent),
        "planned by": dict(policy.planned) if isinstance(policy, deciding.Dure) else {},
        "not put into use": dict(policy.refused) if isinstance(policy, deciding.Dure) else {},
        "violations": dict(lived.violations), "seconds": round(time.perf_counter() - begun, 1),
        "by week": {"added": lived.added_in[QUIET:], "messages": lived.sent[QUIET:], "came": lived.came},
    }  # fmt: skip


def rankings(*, people: int, shops: int, seed: int, scenario: str) -> dict[str, float]:
    """Visits that 1000 messages to rested friends would add once the quiet weeks are over, by what ranks a shop's friends: the truth's
    own answer to what there is to be won. No market, no caps; as many are held out as the product's coin does."""
    from dure.campaigns.engine.assign import holdout_share
    from dure.town.engine import diary, living
    from dure.town.engine.world import CATEGORIES, SCENARIOS, found

    truth = next(one for one in SCENARIOS if one.key == scenario)
    world = found(people, shops, seed, truth, living.history)
    seen, state, friends = world.seen, living.State.begin(world), diary.first_friends(world)
    here, nobody = np.zeros(seen.shop.shape), np.zeros(people, np.uint32)
    for week in range(QUIET):
        came = diary.comings(world, living.live(world, state, nobody, week, QUIET).came, friends, week)
        np.add.at(here, (came.people, came.edges), 1)
        friends[came.people[came.joins], came.edges[came.joins]] = True
    kind = seen.category[seen.shop].astype(np.int64)
    of_kind = np.zeros((people, CATEGORIES))
    np.add.at(of_kind, (np.arange(people)[:, None], kind), here)
    same_kind = np.take_along_axis(of_kind, kind, axis=1)
    rows, edges = np.nonzero(friends & seen.consented[:, None])
    effect, at = world.effect[rows, edges].astype(float), seen.shop[rows, edges]
    told = np.column_stack(
        [np.ones(len(rows)), np.sqrt(here[rows, edges]), np.sqrt(same_kind[rows, edges]), np.sqrt(here.sum(axis=1))[rows],
         np.exp(-seen.distance[rows, edges]), seen.age[rows]]
    )  # fmt: skip
    fitted, *_ = np.linalg.lstsq(told, effect, rcond=None)
    lots = np.random.default_rng(seed).random(len(rows))
    scores = {
        "chance": lots, "visits to this shop": here[rows, edges], "visits to shops of the kind": same_kind[rows, edges],
        "all that is seen, by a line fitted to the truth": told @ fitted, "who comes by themselves, truly": world.chance[rows, edges], "the truth": effect,
    }  # fmt: skip
    added = dict.fromkeys(scores, 0.0)
    messages = 0.0
    for shop in range(shops):
        mine, most = np.flatnonzero(at == shop), int(seen.budget[shop]) * diary.EVERY
        share = holdout_share(min(most, len(mine)))
        many = min(len(mine), int(most / (1 - share)))
        messages += many * (1 - share)
        for name, score in scores.items():
            best = mine[np.lexsort((lots[mine], -score[mine]))[:many]]
            added[name] += float(effect[best].sum()) * (1 - share)
    return {name: round(1000 * one / messages, 2) for name, one in added.items()} | {
        "friends": len(rows), "friends who came": int((here[rows, edges] > 0).sum()), "messages": round(messages),
        "shops below 100 messages": int((seen.budget * diary.EVERY < 100).sum()),
    }  # fmt: skip


def show(console: Console, rows: dict[str, Row]) -> None:
    table = Table("", "messages", "visits added", "a 1000", "refusals a 1000", "coupons", "Gini", "harmed", "s")
    for key, row in rows.items():
        table.add_row(
            key, f"{row['messages in inboxes']:,}", f"{row['visits added']:.1f}", f"{row['added a 1000 messages']:.2f}",
            f"{row['refusals a 1000 messages']:.1f}", f"{row['coupons used']:,}", f"{row['gini']:.3f}", str(row["harmed"]), f"{row['seconds']:.0f}",
        )  # fmt: skip
    console.print(table)
    for key, row in rows.items():
        results = row["results"]
        held = f"{results['hold the truth']:.1%} of {results['published']}" if results["published"] else "none"
        console.print(
            f"{key}: results that hold the truth {held}; {row['sales added, won']:,.0f} won of sales added; kept back by the gate "
            f"{row['texts that the gate kept back'] or 'none'}; campaigns refused {row['campaigns refused'] or 'none'}; planned by "
            f"{row['planned by'] or 'nothing'}; not put into use {row['not put into use'] or 'nothing'}"
        )


def main(*, people: int, shops: int, weeks: int, seed: int, only: str, scenario: str) -> int:
    """Live all of them, or `only` those named, which is an excerpt and not written down. 1 where a promise was broken."""
    console, begun, rows = Console(), time.perf_counter(), {}
    asked = [key for key in POLICIES if not only or key in only.split(",")]
    with Progress(console=console) as bar:
        task = bar.add_task("town", total=len(asked) * (QUIET + weeks))
        for key in asked:
            with database(DATABASE):
                rows[key] = live(
                    key, people=people, shops=shops, weeks=weeks, seed=seed, scenario=scenario,
                    tell=lambda what: bar.update(task, advance=1, description=what),
                )  # fmt: skip
    show(console, rows)
    ranked = rankings(people=people, shops=shops, seed=seed, scenario=scenario)
    console.print(f"a 1000 messages to rested friends would add, ranked by: {ranked}")
    broken = sum(sum(row["violations"].values()) for row in rows.values())
    result = {
        "people": people, "shops": shops, "weeks": weeks, "quiet weeks before": QUIET, "seed": seed, "scenario": scenario, "promised": NOMINAL,
        "policies": rows, "what ranks rested friends": ranked, "violations": broken, "seconds": round(time.perf_counter() - begun, 1), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    console.print(f"{broken} promises broken; {result['seconds']} s at load {result['load']}")
    if not only:
        RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(town_report.side_by_side(result))
        console.print(f"the story: {REPORT}")
    return 1 if broken else 0
