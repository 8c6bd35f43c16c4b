"""The tour leads through code that is there."""

import ast
import re
from pathlib import Path

from tests.architecture.source import ROOT

TOUR = ROOT / "docs" / "tour.md"


def lost(text: str, folder: Path) -> list[str]:
    """Names of the text that the file they link to does not define."""
    found = []
    for name, target in re.findall(r"\[`(\w+)`\]\(([^)]+\.py)\)", text):
        file = (folder / target).resolve()
        defined = {
            node.name
            for node in (ast.walk(ast.parse(file.read_text())) if file.exists() else ())
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }
        if name not in defined:
            found.append(f"{name} in {target}")
    return found + [t for t in re.findall(r"\]\(([^)`]+\.md)\)", text) if not (folder / t).exists()]


def test_every_stop_of_the_tour_exists() -> None:
    text = TOUR.read_text()
    assert len(re.findall(r"\]\(\.\./src/", text)) > 40
    assert lost(text, TOUR.parent) == []


def test_a_stop_that_is_gone_is_noticed() -> None:
    text = "[`scam`](../src/dure/ordering/actions/visits.py) [`x`](../src/dure/gone.py) [y](decisions/9999-no.md)"
    assert len(lost(text, TOUR.parent)) == 3


def test_the_other_pages_lead_somewhere() -> None:
    for page in (ROOT / "docs" / "README.md", ROOT / "CHANGELOG.md"):
        assert lost(page.read_text(), page.parent) == []
