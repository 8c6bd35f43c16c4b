"""One clock: whoever wants to know the time asks `kit.clock`, so that a demo's fortnight passes everywhere at once."""

import re
from collections.abc import Iterable

from tests.architecture.source import Module, modules

OTHER = re.compile(r"\b(?:timezone\.now|datetime\.now|datetime\.today|date\.today|utcnow|localdate|time\.time)\b")
DATABASE = re.compile(r"\bnow\(\)|current_timestamp|clock_timestamp|db_default=Now|auto_now", re.IGNORECASE)
OURS = re.compile(r"\b(?:clock\.|def |_)?now\(\)")
CLOCKS = {"kit/clock.py": "the one place", "sandbox/clock.py": "a practice provider knows nothing of Dure"}
BY_THE_WALL = {
    "kit/jobs.py": "the queue, its heartbeats and its pauses live in PostgreSQL, by the machine's clock",
    "web/ui/limits.py": "how often somebody may try in real minutes",
    "project/health.py": "whether a worker is alive now",
}
WALL = {
    "kit/clock.py", "kit/jobs.py", "sandbox/clock.py", "sandbox/messages.py", "messaging/providers/solapi.py", "people/sessions.py",
    "web/ui/live.py",  # Django signs by it
}  # fmt: skip


def past_the_clock(found: Iterable[Module]) -> list[str]:
    """Files that ask another clock than ours."""
    return [one.path for one in found if OTHER.search(one.text) and one.path not in CLOCKS]


def by_the_database(found: Iterable[Module]) -> set[str]:
    """Files whose SQL asks the database's clock."""
    return {one.path for one in found if DATABASE.search(OURS.sub(_keep_bare, one.text))}


def _keep_bare(match: re.Match[str]) -> str:
    return match[0] if match[0] == "now()" else ""


def test_nobody_asks_another_clock() -> None:
    assert past_the_clock(modules()) == []
    planted = [Module("campaigns/jobs.py", "from django.utils import timezone\nnow = timezone.now()\n")]
    assert past_the_clock(planted) == ["campaigns/jobs.py"]


def test_the_databases_clock_is_asked_only_where_the_machines_is_meant() -> None:
    asked = {
        path for path in by_the_database(modules()) if path not in ("project/verify.py", "project/safeguarding.py")
    }
    assert asked == set(BY_THE_WALL)
    planted = [Module("lift/actions.py", 'cursor.execute("SELECT now()")'), Module("lift/jobs.py", "at = clock.now()")]
    assert by_the_database(planted) == {"lift/actions.py"}


def test_the_machines_own_clock_is_for_what_other_clocks_are_compared_with() -> None:
    assert {one.path for one in modules() if re.search(r"\bwall\(\)", one.text)} == WALL
