"""Decisions have one form, and what names them finds them."""

import re

from tests.architecture.source import PACKAGE, ROOT

FOLDER = ROOT / "docs" / "decisions"
PARTS = ["Context", "Decision", "Consequences", "Alternatives", "Enforced by"]


def faults_of(name: str, text: str) -> list[str]:
    """What keeps a text from being a decision of this house."""
    found = []
    number = name[:4]
    if not re.fullmatch(r"\d{4}(-[a-z0-9]+)+\.md", name):
        found.append("its name is not NNNN-imperative-sentence.md")
    if not text.startswith(f"# {number} "):
        found.append("its title does not begin with its number")
    if re.findall(r"^## (.+)$", text, re.MULTILINE) != PARTS:
        found.append(f"its parts are not {', '.join(PARTS)}")
    return found


def test_every_decision_has_the_form() -> None:
    files = sorted(FOLDER.glob("*.md"))
    assert {f.name: bad for f in files if (bad := faults_of(f.name, f.read_text()))} == {}
    assert [int(f.name[:4]) for f in files] == list(range(1, len(files) + 1))


def test_a_text_of_another_form_is_noticed() -> None:
    assert len(faults_of("18_notes.md", "# Notes\n\n## Why\n")) == 3


def test_whoever_names_a_decision_names_one_that_is_there() -> None:
    known = {f.name[:4] for f in FOLDER.glob("*.md")}
    named = {
        (f.name, number)
        for f in (*PACKAGE.rglob("*.py"), *FOLDER.glob("*.md"))
        for number in re.findall(r"(?:decisions/|\()(0\d{3})\b", f.read_text())
    }
    assert len(named) > 8
    assert {pair for pair in named if pair[1] not in known} == set()


def test_what_enforces_a_decision_exists() -> None:
    missing = {
        (f.name, path)
        for f in FOLDER.glob("*.md")
        for path in re.findall(r"`((?:tests|benchmarks)/[\w/.]+)`", f.read_text())
        if not (ROOT / path).exists()
    }
    assert missing == set()
