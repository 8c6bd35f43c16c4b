"""`make town ARGS="--through-the-product"`: a town with known truth lives on the real platform, in a database of its own.

Campaigns, coins, the gate, inboxes, bills, refusals and results are the product's; whether the ranges that it published hold the
truth is counted. Three lives: two whose guests are written down set by set, the base and the A/A town in which no message does
anything, and a small one through the rooms' own actions; a test holds both ways' rows against each other. Writes
benchmarks/results/town-lived.json, and fails when a promise was broken once. A town is the dongs around a place, as many as have the
people: a small one is one dong, whose people all have the same 24 shops nearest, and the others find nobody to write to.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.campaign import database

RESULT = Path(__file__).parent / "results" / "town-lived.json"
DATABASE = "bench_town"
NOMINAL = 0.90
"""What the product's ranges promise."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One life: which truth, how many people, shops and weeks, and whether guests are written down one by one."""

    name: str
    scenario: str
    people: int
    shops: int
    weeks: int
    one_by_one: bool


def lives(*, people: int, shops: int, weeks: int) -> list[Asked]:
    """The small one through the actions last."""
    return [
        Asked("base", "base", people, shops, weeks, one_by_one=False),
        Asked("A/A", "none", people, shops, weeks, one_by_one=False),
        Asked("through the actions", "base", 700, 25, 4, one_by_one=True),
    ]


def live(asked: Asked, seed: int, tell: Callable[[str], None]) -> Row:
    """One life in an empty database, and what came of it."""
    from dure.shops import fence
    from dure.town.at_once import AtOnce
    from dure.town.engine import living
    from dure.town.engine.world import SCENARIOS, found
    from dure.town.hands import OneByOne
    from dure.town.lived import Life

    begun = time.perf_counter()
    truth = next(one for one in SCENARIOS if one.key == asked.scenario)
    world = found(asked.people, asked.shops, seed, truth, living.history)
    with fence.across_shops():
        life = Life(world, OneByOne() if asked.one_by_one else AtOnce(), weeks=asked.weeks, tell=tell)
        settled = time.perf_counter()
        lived = life.live()
    published = [one for one in lived.published if not one.broken]
    return {
        "scenario": asked.scenario, "people": asked.people, "shops": asked.shops, "weeks": asked.weeks,
        "guests written down": "through the rooms' actions" if asked.one_by_one else "set by set",
        "friendships": lived.friends, "visits paid": lived.visits, "messages in inboxes": lived.messages, "coupons used": lived.coupons_used,
        "visits added by messages, expected": round(lived.added, 1), "refusals": lived.refusals,
        "share of the people who refused": lived.refusals / asked.people,
        "texts that the gate kept back": dict(lived.kept_back), "campaigns refused": dict(lived.unsent),
        "campaigns too small to measure": lived.unmeasured, "results stopped by the check of the groups": len(lived.published) - len(published),
        "all": figures(published), "alone": figures([one for one in published if one.alone]),
        "with a family": figures([one for one in published if not one.alone]),
        "violations": dict(lived.violations), "an example": example(published),
        "seconds": {"settling": round(settled - begun, 1), "living": round(time.perf_counter() - settled, 1)},
    }  # fmt: skip


def figures(published: list[Any]) -> Row:
    """Coverage and claims of so many results."""
    if not published:
        return {"published": 0}
    covered = np.array([one.covers for one in published])
    said = Counter(str(one.verdict) for one in published)
    worked = [one for one in published if one.verdict == "worked"]
    hurt = [one for one in published if one.verdict == "hurt"]
    claims = len(worked) + len(hurt)
    false = sum(one.truth <= 0 for one in worked) + sum(one.truth >= 0 for one in hurt)
    share = float(covered.mean())
    return {
        "published": len(published), "hold the truth": share, "margin of chance": round(2 * (NOMINAL * (1 - NOMINAL) / len(published)) ** 0.5, 4),
        "width, pp": round(100 * float(np.mean([one.high - one.low for one in published])), 2),
        "truth on average, pp": round(100 * float(np.mean([one.truth for one in published])), 3),
        "guess on average, pp": round(100 * float(np.mean([one.guess for one in published])), 3),
        "said": dict(said), "claims": claims, "false claims": int(false), "reached on average": round(float(np.mean([one.reached for one in published])), 1),
    }  # fmt: skip


def example(published: list[Any]) -> Row | None:
    """What one owner reads: of the campaign with the greatest effect."""
    if not published:
        return None
    best = max(published, key=lambda one: one.truth * one.reached)
    return {
        "said": best.told.within("en"), "truly more": round(best.truth * best.reached, 2),
        "range": [round(best.low * best.reached, 1), round(best.high * best.reached, 1)],
    }  # fmt: skip


def show(console: Console, rows: dict[str, Row]) -> None:
    table = Table(
        "life", "people", "results", "footing", "hold the truth (90 % promised)", "width pp", "said", "false claims"
    )
    for name, row in rows.items():
        for footing in ("alone", "with a family"):
            one = row[footing]
            if one["published"]:
                table.add_row(
                    name, f"{row['people']:,}", f"{one['published']:,}", footing, f"{one['hold the truth']:.1%} ± {one['margin of chance']:.1%}",
                    f"{one['width, pp']:.1f}", ", ".join(f"{word} {count}" for word, count in sorted(one["said"].items())),
                    f"{one['false claims']} of {one['claims']}",
                )  # fmt: skip
    console.print(table)
    for name, row in rows.items():
        console.print(
            f"{name}: {row['visits paid']:,} visits paid, {row['messages in inboxes']:,} messages in inboxes, {row['refusals']:,} people refused; "
            f"kept back by the gate {row['texts that the gate kept back'] or 'none'}; campaigns refused {row['campaigns refused'] or 'none'}, "
            f"too small to measure {row['campaigns too small to measure']}, stopped by the check of the groups "
            f"{row['results stopped by the check of the groups']}; settled in {row['seconds']['settling']} s, lived in {row['seconds']['living']} s"
        )


def main(*, people: int, shops: int, weeks: int, seed: int, only: str) -> int:
    """Live all three, or `only` those named, which is an excerpt and not written down. 1 where a promise was broken."""
    console, begun, rows = Console(), time.perf_counter(), {}
    asked = [one for one in lives(people=people, shops=shops, weeks=weeks) if not only or one.name in only.split(",")]
    with Progress(console=console) as bar:
        task = bar.add_task("town", total=sum(one.weeks for one in asked))
        for one in asked:
            with database(DATABASE):
                rows[one.name] = live(one, seed, lambda what: bar.update(task, advance=1, description=what))
            if not only:
                RESULT.write_text(json.dumps(told(rows, seed, begun), indent=1, ensure_ascii=False) + "\n")
    show(console, rows)
    broken = told(rows, seed, begun)["violations"]
    console.print(f"{broken} promises broken")
    return 1 if broken else 0


def told(rows: dict[str, Row], seed: int, begun: float) -> Row:
    """What is written down, after each life: an hour's work is not lost with the last."""
    return {
        "promised": NOMINAL, "seed": seed, "lives": rows, "violations": sum(sum(row["violations"].values()) for row in rows.values()),
        "seconds": round(time.perf_counter() - begun, 1), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
