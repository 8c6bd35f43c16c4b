"""The dark changes colours and nothing else, so what a page is can be asked in the light alone: its words, its places, its
sizes. Where the walks in browsers look at the dark, they ask only for contrast."""

import re
from collections.abc import Iterable, Iterator

from dure.shops.skin_packs import packs, palette_css
from tests.architecture.source import PACKAGE

DARK = re.compile(r"@media \(prefers-color-scheme: dark\)\s*{\s*:root\s*{([^{}]*)}\s*}")
DECLARED = re.compile(r"([-\w]+)\s*:\s*([^;{}]+)")
OF_COLOUR = re.compile(
    r"--.*|(.*-)?color|background(-image)?|(border|outline)(-\w+)?|box-shadow|fill|stroke|text-decoration"
)
ASKING = re.compile(r"prefers-color-scheme")
BAR = re.compile(r'<meta name="theme-color"[^>]*>')
"""The colour of the browser's own bar."""


def sheets() -> Iterator[str]:
    for sheet in (PACKAGE / "web").rglob("*.css"):
        yield re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)


def beyond_colours(sheets: Iterable[str]) -> list[str]:
    """Whatever the dark changes that is more than a colour."""
    found, sheets = [], list(sheets)
    for sheet in sheets:
        if len(ASKING.findall(sheet)) != len(DARK.findall(sheet)):
            found.append("a rule for the dark that is more than values of :root")
    declared = [one for sheet in sheets for one in DECLARED.findall(sheet)]
    changed = {name for sheet in sheets for block in DARK.findall(sheet) for name, _ in DECLARED.findall(block)}
    found += [name for name in changed if not name.startswith("--")]
    while True:
        users = {prop for prop, value in declared if changed & set(re.findall(r"var\(\s*(--[-\w]+)", value))}
        if users <= changed:
            return found
        found += [f"{prop} follows the dark" for prop in sorted(users - changed) if not OF_COLOUR.fullmatch(prop)]
        changed |= users


def test_the_dark_changes_colours_and_nothing_else() -> None:
    assert beyond_colours([*sheets(), *map(palette_css, packs().values())]) == []


def test_nothing_else_asks_whether_it_is_dark() -> None:
    asking = [
        file.name
        for kind in ("html", "js", "svg")
        for file in (PACKAGE / "web").rglob(f"*.{kind}")
        if ASKING.search(BAR.sub("", file.read_text()))
    ]
    assert asking == []


def test_a_dark_that_moves_something_is_noticed() -> None:
    dark = "@media (prefers-color-scheme: dark) { :root { --gap: 2px; } }"
    assert beyond_colours([f"a {{ margin: var(--gap); }} {dark}"]) == ["margin follows the dark"]
    assert beyond_colours([f"a {{ color: var(--gap); }} {dark}"]) == []
    assert beyond_colours([f":root {{ --far: var(--gap); }} a {{ margin: var(--far) }} {dark}"])
    assert beyond_colours(["@media (prefers-color-scheme: dark) { a { display: none; } }"])
