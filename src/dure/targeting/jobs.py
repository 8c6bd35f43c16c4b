"""Learning in the background, in a process of its own that gives way to everybody else."""

import os
import subprocess
import sys

from dure.kit import jobs


@jobs.periodic("targeting.learn", cron="10 17 * * 0")
def learn(timestamp: int) -> None:
    """Once a week, before the week is planned: a new model of visits, put into use if nothing is wrong with it."""
    subprocess.run(
        [sys.executable, "-m", "dure.project.cli", "targeting", "learn"], check=True, preexec_fn=lambda: os.nice(15)
    )
