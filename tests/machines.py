"""State machines against a simple model: seconds in every suite, thousands of steps when DURE_THOROUGH=1 asks for them.

The ordinary walk is always the same one, so that a red suite is red again; the thorough one is new every time, and
Hypothesis prints what to call to repeat it.
"""

import os
import sys
from collections import Counter
from typing import ClassVar

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

THOROUGH = os.environ.get("DURE_THOROUGH") == "1"
TIMES = 25


class Machine(RuleBasedStateMachine):
    """One example is one transaction that is taken back at its end: no example meets another one's rows, the tables stay
    small, and nobody waits for a disk. What was really met is counted in `met`."""

    met: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self._whole = transaction.atomic()
        # As Django's own test cases do: an action that must begin its own transaction may begin it in here.
        self._whole._from_testcase = True  # type: ignore[attr-defined]
        self._whole.__enter__()
        self.begin()

    def begin(self) -> None:
        """Build what every example begins with."""

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._whole.__exit__(None, None, None)


def walk(machine: type[Machine], *, examples: int, steps: int = 50) -> Counter[str]:
    """Let the machine walk; how often each thing was met. The first disagreement with the model fails."""
    machine.met = Counter()
    phases = [Phase.generate, Phase.shrink] if THOROUGH else [Phase.generate]
    _run(machine, examples * (TIMES if THOROUGH else 1), steps, phases, always_the_same=not THOROUGH)
    if THOROUGH:
        sys.stdout.write(f"{machine.__name__}: {dict(machine.met)}\n")
    return machine.met


def falls(machine: type[Machine], *, examples: int = 60, steps: int = 50) -> None:
    """The control: with a bug planted, the same walk must find a disagreement."""
    machine.met = Counter()
    # Whatever the machine meets is a finding: its own assertion, a refusal of the database, a limit that did not refuse.
    with pytest.raises((Exception, pytest.fail.Exception)) as found:
        _run(machine, examples, steps, [Phase.generate], always_the_same=True)
    assert machine.met, f"it fell before its first step: {found.value!r}"


def _run(machine: type[Machine], examples: int, steps: int, phases: list[Phase], *, always_the_same: bool) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            phases=phases,
            derandomize=always_the_same,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
