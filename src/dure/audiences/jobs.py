"""Building in the background, in a process of its own that gives way to everybody else."""

import os
import subprocess
import sys

from dure.audiences import actions, queries
from dure.kit import clock, jobs


@jobs.job("audiences.build_network")
def build_network(people: int) -> None:
    """The synthetic network and its twin, for the demo."""
    subprocess.run(
        [sys.executable, "-m", "dure.project.cli", "audience", "build", "--people", str(people)],
        check=True,
        preexec_fn=lambda: os.nice(15),
    )


@jobs.periodic("audiences.renew_twin", "23 3 1 * *")
def renew_twin(timestamp: int) -> None:
    """The twin of the month, where there is a network."""
    if queries.has_index("network"):
        subprocess.run(
            [sys.executable, "-m", "dure.project.cli", "audience", "twin"], check=True, preexec_fn=lambda: os.nice(15)
        )


@jobs.periodic("audiences.forget_answers", "41 4 * * *")
def forget_answers(timestamp: int) -> int:
    """Drop what is older than the days it is counted in."""
    return actions.forget_answers(at=clock.now())
