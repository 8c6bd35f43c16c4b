"""Learning in the background, in a process of its own that gives way to everybody else."""

import os
import subprocess
import sys

from dure.kit import clock, jobs
from dure.shops import fence
from dure.targeting import actions


@jobs.periodic("targeting.learn", cron="10 17 * * 0")
def learn(timestamp: int) -> None:
    """Once a week, before the week is planned: new models of visits and effects, each put into use if nothing is wrong with it."""
    subprocess.run(
        [sys.executable, "-m", "dure.project.cli", "targeting", "learn"], check=True, preexec_fn=lambda: os.nice(15)
    )


@jobs.periodic("targeting.pair", cron="50 18 * * *")
def pair(timestamp: int) -> None:
    """Every night: what is ordered together, for the line at the basket, and what is chosen next, for the line over the menu."""
    with fence.across_shops():
        actions.learn_pairings(at=clock.now())
        actions.learn_sequels(at=clock.now())
