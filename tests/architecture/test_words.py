"""One word, one meaning: docs/glossary.md against the names of models, facts and refusals."""

import ast
import re

from django.apps import apps

from tests.architecture.source import ROOT, STORY, modules
from tests.architecture.test_facts import facts

GLOSSARY = ROOT / "docs" / "glossary.md"


def words() -> set[str]:
    """What the glossary explains: the bold names at the beginning of its lines."""
    return set(re.findall(r"^- \*\*([A-Za-z ]+)\*\*", GLOSSARY.read_text(), re.MULTILINE))


def avoided() -> set[str]:
    """The words that the house does not use, as the glossary lists them."""
    section = GLOSSARY.read_text().partition("## Words we do not use")[2].partition("\n## ")[0]
    return {word for line in section.splitlines() for word in re.findall(r"~~(\w+)~~", line)}


def spelled(name: str) -> str:
    """`StampCard` as people write it: stamp card."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def models() -> list[str]:
    return [m.__name__ for room in STORY for m in apps.get_app_config(room).get_models()]


def wrong(names: list[str], bad: set[str]) -> list[str]:
    return [name for name in names if set(spelled(name).split()) & bad]


def test_every_model_is_explained() -> None:
    assert sorted(set(map(spelled, models())) - words()) == []


def test_nothing_is_explained_that_is_not_there() -> None:
    known = {*map(spelled, models()), *concepts()}
    assert sorted(words() - known) == []


def concepts() -> set[str]:
    """Words for people and ideas that no table is named after; the glossary marks them with a small circle."""
    return set(re.findall(r"^- \*\*([A-Za-z ]+)\*\* ∘", GLOSSARY.read_text(), re.MULTILINE))


def test_no_name_uses_a_word_that_the_house_does_not_use() -> None:
    # Django's login asks for these two; what is handed to it bears its names.
    theirs = {"Session", "SessionStore"}
    names = {n.name for m in modules(*STORY) for n in ast.walk(m.tree) if isinstance(n, ast.ClassDef)} - theirs
    assert len(names) > 120
    assert len(avoided()) >= 10
    assert wrong(sorted({*names, *facts()}), avoided()) == []


def test_a_wrong_word_is_noticed() -> None:
    assert wrong(["PushSent", "MerchantName", "OrderMoved"], avoided()) == ["PushSent", "MerchantName"]


def test_facts_are_in_the_past() -> None:
    irregular = {"Left", "Given", "Paid", "Withdrawn"}
    assert [f for f in facts() if not f.endswith("ed") and spelled(f).split()[-1].title() not in irregular] == []
