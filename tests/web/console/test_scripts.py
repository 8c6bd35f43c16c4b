"""The kitchen's scripts run on an old tablet: nothing younger than ES2017 stands in them."""

import re
from pathlib import Path

import pytest

from dure.web.console import apps

STATIC = Path(apps.__file__).parent / "static" / "console"
YOUNGER = {
    "optional chaining": r"\?\.\D",
    "nullish coalescing": r"\?\?",
    "catch without a binding": r"catch\s*\{",
    "object spread": r"\{\s*\.\.\.|,\s*\.\.\.\w+\s*\}",
    "private field": r"[\s.]#\w+\s*[=(;]",
    "newer methods": r"\.(?:replaceAll|at|flat|flatMap|matchAll|fromEntries|allSettled)\(",
    "numeric separator": r"\b\d+_\d+",
}


def younger(script: str) -> list[str]:
    return [name for name, pattern in YOUNGER.items() if re.search(pattern, script)]


@pytest.mark.parametrize("name", ["live.js", "kitchen.js", "console.js", "audience.js"])
def test_a_script_is_small_and_old_enough_for_an_old_tablet(name: str) -> None:
    script = (STATIC / name).read_text()
    assert younger(script) == []
    assert len(script) < 12_000


def test_each_younger_thing_is_noticed() -> None:
    planted = ["a?.b", "a ?? b", "try {} catch {}", "x = { ...y }", "this.#x = 1", "s.replaceAll(a, b)", "1_000"]
    assert [younger(one) for one in planted] == [[name] for name in YOUNGER]
