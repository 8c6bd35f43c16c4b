"""`make town`: what is targeting worth, in a town whose truth is known? Sixteen weeks, policies side by side, in six scenarios.

Goals and their floors are those of the issue: visits added beside RFM, chance and the blast, judged on the worst scenario; the share
of what the oracles reach; refusals; how shops fare; whether the intervals that the product publishes hold the truth. A figure
that falls short is printed as short. Writes benchmarks/results/town.json and draws test-results/town.html. Fails when a
rule (consent, holdout, cap, budget) was broken once.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import town_lived, town_policies, town_report
from dure.campaigns.engine.allocate import Budgets
from dure.campaigns.engine.fair import Fairness, stand_alone
from dure.campaigns.engine.market import Edges
from dure.lift import rules
from dure.lift.estimators.newcombe import newcombe
from dure.lift.estimators.pooled import (
    PEOPLE_TO_MEASURE,
    SHOPS_FOR_CLAIMS,
    SHOPS_FOR_INTERVALS,
    pool,
    season_of,
    smoothed,
)
from dure.town.engine import living
from dure.town.engine.learning import Learner
from dure.town.engine.policies import Blast, Drawn, FeatureOracle, Nobody, Oracle, Response, Rfm
from dure.town.engine.story import Measured, Policy, Story, allowed, live_through
from dure.town.engine.world import SCENARIOS, World, found

RESULT = Path(__file__).parent / "results" / "town.json"
REPORT = Path(__file__).parents[1] / "test-results" / "town.html"
POLICIES = (
    "none", "random", "blast", "rfm", "response", "response + prices", "learned", "feature oracle", "true uplift",
    "oracle + prices",
)  # fmt: skip
Numbers = NDArray[np.float64]
Row = dict[str, Any]
LAST = 4

GOALS: dict[str, tuple[str, tuple[float, float, float], bool]] = {
    "E1 rfm": ("visits added beside RFM, worst scenario", (1.2, 1.5, 1.7), True),
    "E1 random": ("visits added beside chance, worst scenario", (1.5, 2.0, 2.5), True),
    "E1 blast": ("visits added beside the blast, worst scenario", (2.0, 4.0, 6.0), True),
    "E2": ("share of the feature oracle, last four weeks, worst scenario", (0.80, 0.95, 0.98), True),
    "E3": ("share of the oracle, base", (0.45, 0.57, 0.70), True),
    "E4": ("refusals a message beside RFM, worst scenario", (1.0, 0.7, 0.5), False),
    "E5 gini": ("Gini of satisfaction, worst scenario", (0.25, 0.16, 0.12), False),
    "E5 harmed": ("shops harmed, share, worst scenario", (0.02, 0.0, 0.0), False),
    "M2": ("coverage of pooled 95 % intervals, worst scenario", (0.90, 0.94, 0.95), True),
    "M4": ("false among those that say it worked, worst scenario", (0.10, 0.025, 0.01), False),
    "A/A": ("claims of an effect in the town without effects, share of shops", (0.05, 0.01, 0.0), False),
}
"""Figure: (words, (floor, ambitious, moonshot), whether more is better)."""


def made(key: str, world: World, weeks: int) -> Policy:
    seen, seed = world.seen, world.seed
    ways: dict[str, Callable[[], Policy]] = {
        "none": lambda: Nobody(seen),
        "random": lambda: Drawn(seen, seed),
        "blast": lambda: Blast(seen),
        "rfm": lambda: Rfm(seen, seed),
        "response": lambda: Response(seen, seed, prices=False),
        "response + prices": lambda: Response(seen, seed, prices=True),
        "learned": lambda: Learner(seen, seed),
        "feature oracle": lambda: FeatureOracle(world, weeks),
        "true uplift": lambda: Oracle(world, weeks, prices=False),
        "oracle + prices": lambda: Oracle(world, weeks, prices=True),
    }
    return ways[key]()


def told(story: Story, alone: Numbers, seconds: float) -> Row:
    """What one story comes to."""
    there = alone > 1e-6
    fares = Fairness(np.clip(story.of_shops[there] / (alone[there] * len(story.added)), 0, 1))
    sent = sum(story.messages)
    return {
        "added": story.value, "messages": sent, "per 1000": 1000 * story.value / sent if sent else 0.0,
        "last weeks": sum(story.added[-LAST:]), "refused": story.gone[-1], "refusals a message": sum(story.refusals) / sent if sent else 0.0,
        "gini": fares.gini, "worst tenth": fares.worst_tenth, "harmed": int((story.of_shops < -1e-9).sum()),
        "violations": story.violations, "seconds": round(seconds, 1),
        "by week": {"added": story.added, "gone": story.gone, "messages": story.messages},
    }  # fmt: skip


def summed(weeks: list[Measured]) -> Measured:
    """The whole story as one measurement."""
    n_t, n_c = (np.sum([getattr(one, name) for one in weeks], axis=0) for name in ("reached", "held"))
    yes_t, yes_c = (np.sum([getattr(one, name) for one in weeks], axis=0) for name in ("came_reached", "came_held"))
    truth = np.sum([one.truth * one.reached for one in weeks], axis=0) / np.maximum(n_t, 1)
    before = np.sum([one.before * (one.reached + one.held) for one in weeks], axis=0) / np.maximum(n_t + n_c, 1)
    return Measured(n_t, n_c, yes_t, yes_c, before, truth)


def judged(one: Measured) -> dict[str, Numbers]:
    """Every interval that the product would publish of a measurement, beside the truth: (campaigns,) each, 1 where true."""
    keep = (one.reached > 0) & (one.held > 0) & (one.reached + one.held >= PEOPLE_TO_MEASURE)
    n_t, n_c, yes_t, yes_c, truth = (
        a[keep] for a in (one.reached, one.held, one.came_reached, one.came_held, one.truth)
    )
    alone = newcombe(yes_t, n_t, yes_c, n_c)
    sure = newcombe(yes_t, n_t, yes_c, n_c, level=rules.SURE_ALONE)
    worked, found = (
        sure.low > 0,
        {"alone": (alone.low <= truth) & (truth <= alone.high), "alone width": alone.high - alone.low},
    )
    if len(truth) >= SHOPS_FOR_INTERVALS:
        rate = smoothed(one.before[keep], n_t + n_c)
        family = pool(yes_t / n_t - yes_c / n_c, n_t, n_c, rate, season=season_of(yes_c, n_c, rate))
        low, high = family.quantile(0.025), family.quantile(0.975)
        found |= {"pooled": (low <= truth) & (truth <= high), "pooled width": high - low}
        if len(truth) >= SHOPS_FOR_CLAIMS:
            worked = 1 - family.below(0.0) >= rules.SURE
        worked = worked & (family.quantile((1 - rules.SHOWN) / 2) > 0)
    return {
        name: np.asarray(a, float) for name, a in {**found, "worked": worked, "false": worked & (truth <= 0)}.items()
    }


def coverage(story: Story) -> Row:
    """Coverage, width and claims, week by week and of the whole story."""
    rows: Row = {}
    for name, measurements in (("a week", story.measured), ("the story", [summed(story.measured)])):
        found = [judged(one) for one in measurements]
        campaigns = sum(len(one["alone"]) for one in found)
        row: Row = {"campaigns": campaigns}
        for key in ("alone", "alone width", "pooled", "pooled width", "worked", "false"):
            parts = [one[key] for one in found if key in one and len(one[key])]
            row[key] = float(np.concatenate(parts).mean()) if parts else None
        row["false among claims"] = row["false"] / row["worked"] if row["worked"] else 0.0
        rows[name] = row
    return rows


def figures(scenarios: dict[str, Row], shops: int) -> dict[str, Row]:
    """Each goal's figure by scenario, and on the worst of them."""
    with_effects = {key: one["policies"] for key, one in scenarios.items() if key != "none"}
    by: dict[str, dict[str, float]] = {name: {} for name in GOALS}
    for key, of in with_effects.items():
        mine = of["learned"]
        for other in ("rfm", "random", "blast"):
            by[f"E1 {other}"][key] = mine["added"] / of[other]["added"]
        by["E2"][key] = mine["last weeks"] / of["feature oracle"]["last weeks"]
        if key == "base":
            by["E3"][key] = mine["added"] / of["oracle + prices"]["added"]
        by["E4"][key] = mine["refusals a message"] / of["rfm"]["refusals a message"]
        by["E5 gini"][key] = mine["gini"]
        by["E5 harmed"][key] = mine["harmed"] / shops
    for key, one in scenarios.items():
        for period in one["coverage"].values():
            if period["pooled"] is not None:
                by["M2"][key] = min(by["M2"].get(key, 1.0), period["pooled"])
            if key == "none":
                by["A/A"][key] = max(by["A/A"].get(key, 0.0), period["worked"])
            else:
                by["M4"][key] = max(by["M4"].get(key, 0.0), period["false among claims"])
    found = {}
    for name, (words, levels, more) in GOALS.items():
        if not by[name]:
            continue
        where = (min if more else max)(by[name], key=lambda key: by[name][key])
        worst = by[name][where]
        reached = [
            level
            for level, bar in zip(("floor", "ambitious", "moonshot"), levels, strict=True)
            if (worst >= bar if more else worst <= bar)
        ]
        found[name] = {
            "words": words, "worst": worst, "in": where, "by scenario": by[name], "goals": levels, "reached": reached[-1] if reached else "SHORT",
        }  # fmt: skip
    return found


def ceiling(scenarios: dict[str, Row]) -> dict[str, float]:
    """What the oracles themselves reach beside RFM: no learner can be asked for more."""
    return {
        f"{key}: {who}": one["policies"][who]["added"] / one["policies"]["rfm"]["added"]
        for key, one in scenarios.items() if key != "none" for who in ("feature oracle", "oracle + prices")
    }  # fmt: skip


def show(console: Console, key: str, row: Row) -> None:
    table = Table(
        "policy", "visits added", "a 1000 messages", "refused", "Gini", "worst tenth", "harmed", "s", title=row["en"]
    )
    for name, one in row["policies"].items():
        table.add_row(
            name, f"{one['added']:,.0f}", f"{one['per 1000']:.1f}", f"{one['refused']:.1%}", f"{one['gini']:.3f}",
            f"{one['worst tenth']:.2f}", str(one["harmed"]), f"{one['seconds']:.0f}",
        )  # fmt: skip
    console.print(table)
    for period, one in row["coverage"].items():
        pooled = (
            "no family of 100"
            if one["pooled"] is None
            else f"pooled {one['pooled']:.1%} ({100 * one['pooled width']:.1f} pp)"
        )
        console.print(
            f"  intervals of {period}: {one['campaigns']:,}; alone {one['alone'] or 0:.1%} ({100 * (one['alone width'] or 0):.1f} pp), {pooled}; "
            f"said it worked {one['worked'] or 0:.1%}, false {one['false'] or 0:.2%}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, help="200,000; 5,000 through the product")
    parser.add_argument("--shops", type=int, help="400; 120 through the product")
    parser.add_argument("--weeks", type=int, help="16; 8 through the product")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="scenarios, by comma: an excerpt, which is not written down")
    parser.add_argument(
        "--through-the-product",
        action="store_true",
        help="live on the platform, and hold what it publishes against the truth",
    )
    parser.add_argument(
        "--policies",
        action="store_true",
        help="through the product: who is written to decided by several, side by side",
    )
    parser.add_argument("--scenario", default="base", help="with --policies: in which truth")
    asked = parser.parse_args()
    through = asked.through_the_product
    if through and asked.policies:
        return town_policies.main(
            people=asked.customers or 5_000, shops=asked.shops or 30, weeks=asked.weeks or 12, seed=asked.seed,
            only=asked.only, scenario=asked.scenario,
        )  # fmt: skip
    asked.customers = asked.customers or (5_000 if through else 200_000)
    asked.shops, asked.weeks = asked.shops or (120 if through else 400), asked.weeks or (8 if through else 16)
    if through:
        return town_lived.main(
            people=asked.customers, shops=asked.shops, weeks=asked.weeks, seed=asked.seed, only=asked.only
        )
    scenarios = [one for one in SCENARIOS if not asked.only or one.key in asked.only.split(",")]
    began, console = time.perf_counter(), Console()
    result: Row = {
        "customers": asked.customers, "shops": asked.shops, "weeks": asked.weeks, "seed": asked.seed, "scenarios": {},
    }  # fmt: skip
    with Progress(console=console) as bar:
        task = bar.add_task("town", total=len(scenarios) * len(POLICIES) * asked.weeks)
        for scenario in scenarios:
            world = found(asked.customers, asked.shops, asked.seed, scenario, living.history)
            reachable = np.where(allowed(world)[:, None], world.effect, 0).astype(np.float32)
            alone = stand_alone(Edges(world.seen.shop, reachable), Budgets(messages=world.seen.budget.astype(float)))
            row: Row = {"ko": scenario.ko, "en": scenario.en, "policies": {}}
            for key in POLICIES:
                begun = time.perf_counter()
                policy = made(key, world, asked.weeks)
                story = live_through(
                    world, policy, asked.weeks, lambda what: bar.update(task, advance=1, description=what)
                )
                row["policies"][key] = told(story, alone, time.perf_counter() - begun)
                if isinstance(policy, Learner):
                    row["coverage"] = coverage(story)
                    row["ranked by"] = [one.ranks for one in policy.learned]
            result["scenarios"][scenario.key] = row
            show(console, scenario.key, row)
    broken = sum(
        sum(one["violations"].values()) for row in result["scenarios"].values() for one in row["policies"].values()
    )
    result |= {
        "figures": figures(result["scenarios"], asked.shops), "oracles beside RFM": ceiling(result["scenarios"]), "violations": broken,
        "seconds": round(time.perf_counter() - began, 1), "load": round(os.getloadavg()[0], 1),
        "memory GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }  # fmt: skip
    table = Table("figure", "", "worst", "in", "floor / ambitious / moonshot", "reached", title="Goals")
    for name, one in result["figures"].items():
        table.add_row(
            name,
            one["words"],
            f"{one['worst']:.3f}",
            one["in"],
            " / ".join(f"{level:g}" for level in one["goals"]),
            one["reached"],
        )
    console.print(table)
    console.print(f"{broken} rules broken; {result['seconds']} s at load {result['load']}, {result['memory GB']} GB")
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(town_report.drawn(result))
    console.print(f"the story: {REPORT}")
    if not asked.only:
        RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
