"""Every fact that the wiring knows is described where people look it up, and said by whoever says so."""

import ast
import re

from dure.kit.events import Fact, listeners
from tests.architecture.source import PACKAGE, ROOT, STORY, imports, modules

TOLD_IN = ROOT / "docs" / "glossary.md"


def facts() -> dict[str, str]:
    """Each fact of the rooms and the room that says it."""
    return {
        node.name: module.room
        for module in modules(*STORY)
        if module.path.endswith("/events.py")
        for node in module.tree.body
        if isinstance(node, ast.ClassDef)
    }


def heard_by() -> dict[str, list[str]]:
    """Each wired fact with the rooms' actions that hear it, as `room.action`."""

    def name(path: str) -> str:
        module, _, action = path.partition(":")
        return f"{module.split('.')[1]}.{action}"

    return {
        fact.__name__: [name(f"{h.__module__}:{h.__qualname__}") for h in at_once] + [name(p) for p in afterwards]
        for fact, (at_once, afterwards) in listeners().items()
        if issubclass(fact, Fact) and fact.__module__.startswith("dure.")
    }


def untold(text: str, wired: dict[str, list[str]]) -> list[str]:
    """Pairs of fact and listener that `text` does not name on the fact's line."""
    lines = {match[1]: match[0] for match in re.finditer(r"^\| `(\w+)` \|.*$", text, re.MULTILINE)}
    return [f"{fact} → {who}" for fact, ears in wired.items() for who in ears if f"`{who}`" not in lines.get(fact, "")]


def test_the_glossary_says_who_hears_each_fact() -> None:
    text = TOLD_IN.read_text()
    assert len(heard_by()) >= 7
    assert untold(text, heard_by()) == []
    assert [fact for fact in facts() if not re.search(rf"^\| `{fact}` \|", text, re.MULTILINE)] == []


def test_a_listener_nobody_wrote_down_is_noticed() -> None:
    assert untold("| `BillSettled` | hears `regulars.count_visit` |\n", {"BillSettled": ["lift.pull_visit"]}) == [
        "BillSettled → lift.pull_visit"
    ]


def test_only_the_wiring_decides_who_hears() -> None:
    wires = {"dure.kit.events.at_once", "dure.kit.events.afterwards"}
    assert [m.path for m in modules() if wires & set(imports(m.tree))] == ["project/wiring.py"]


def test_every_room_tells_on_one_screen_what_it_hears_and_says() -> None:
    for room in (*STORY, "kit", "web"):
        text = (PACKAGE / room / "README.md").read_text()
        assert len(text.splitlines()) <= 60, room
        for fact, speaker in facts().items():
            if speaker == room:
                assert f"`{fact}`" in text, f"{room} says {fact} and does not write it down"
        for fact, ears in heard_by().items():
            if any(ear.startswith(f"{room}.") for ear in ears):
                assert f"`{fact}`" in text, f"{room} hears {fact} and does not write it down"
