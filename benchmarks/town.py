"""`make town`: what is targeting worth, in a town whose truth is known? Sixteen weeks, policies side by side, in several scenarios.

Writes benchmarks/results/town.json. Fails when a rule was broken once; a figure that falls short of its goal is printed as short.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from dure.town.engine import living
from dure.town.engine.policies import Blast, Drawn, FeatureOracle, Nobody, Oracle, Response, Rfm
from dure.town.engine.story import Policy, live_through
from dure.town.engine.world import SCENARIOS, World, found

RESULT = Path(__file__).parent / "results" / "town.json"


def policies(world: World, weeks: int) -> list[Callable[[], Policy]]:
    """The policies in the order of the tables, each made when its turn comes."""
    seen, seed = world.seen, world.seed
    return [
        lambda: Nobody(seen), lambda: Drawn(seen, seed), lambda: Blast(seen), lambda: Rfm(seen, seed),
        lambda: Response(seen, seed, prices=False), lambda: Response(seen, seed, prices=True),
        lambda: FeatureOracle(world, weeks), lambda: Oracle(world, weeks, prices=False), lambda: Oracle(world, weeks, prices=True),
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--shops", type=int, default=400)
    parser.add_argument("--weeks", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    began, broken = time.perf_counter(), 0
    result: dict[str, Any] = {"customers": asked.customers, "shops": asked.shops, "weeks": asked.weeks, "scenarios": {}}
    console = Console()
    with Progress(console=console) as bar:
        task = bar.add_task("town", total=len(SCENARIOS) * 9 * asked.weeks)
        for scenario in SCENARIOS:
            world = found(asked.customers, asked.shops, asked.seed, scenario, living.history)
            table = Table("policy", "visits added", "a 1000 messages", "refused", title=scenario.en)
            here = result["scenarios"][scenario.key] = {}
            for made in policies(world, asked.weeks):
                policy = made()
                story = live_through(
                    world, policy, asked.weeks, lambda what: bar.update(task, advance=1, description=what)
                )
                broken += sum(story.violations.values())
                sent = sum(story.messages)
                here[policy.key] = {
                    "added": story.value, "messages": sent, "refused": story.gone[-1], "violations": story.violations,
                }  # fmt: skip
                table.add_row(
                    policy.key,
                    f"{story.value:,.0f}",
                    f"{1000 * story.value / max(1, sent):.1f}",
                    f"{story.gone[-1]:.1%}",
                )
            console.print(table)
    result |= {"seconds": round(time.perf_counter() - began, 1), "load": os.getloadavg()[0], "violations": broken}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
