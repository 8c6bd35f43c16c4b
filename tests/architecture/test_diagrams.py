"""States live in tables: each has one, the table is complete, the code asks it, and the page that shows it is up to date."""

import ast
import importlib
import sys
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import diagrams  # noqa: E402

DEBTS: dict[str, str] = {}
"""What is not so yet, by name: nothing may join this list quietly."""


def states_of_rooms() -> dict[str, type[StrEnum]]:
    found = {}
    for file in sorted((ROOT / "src" / "dure").glob("*/values.py")):
        values = importlib.import_module(f"dure.{file.parent.name}.values")
        for name, value in vars(values).items():
            if isinstance(value, type) and issubclass(value, StrEnum) and name.endswith("State"):
                found[f"{file.parent.name}.{name}"] = value
    return found


def test_the_page_of_state_machines_is_up_to_date() -> None:
    assert diagrams.PAGE.read_text() == diagrams.page(), "run `make diagrams`"


def test_every_state_has_its_row_and_every_machine_its_table() -> None:
    drawn = {f"{room}.{states.__name__}": table for room, _, states, table in diagrams.tables()}
    for name, states in states_of_rooms().items():
        if name in DEBTS:
            assert name not in drawn, f"{name} has its table: take it off DEBTS"
            continue
        assert name in drawn, f"{name} has no table of TRANSITIONS in its room's rules.py"
        assert set(drawn[name]) == set(states), name


def test_every_table_is_asked_by_the_code() -> None:
    """A table that nobody asks is a drawing. Its reader in rules.py is called from another file of the room."""
    for room, name, _, _ in diagrams.tables():
        tree = ast.parse((ROOT / "src" / "dure" / room / "rules.py").read_text())
        readers = [
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef)
            and any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))
        ]
        others = [file.read_text() for file in (ROOT / "src" / "dure" / room).rglob("*.py") if file.name != "rules.py"]
        asked = any(f"rules.{reader}(" in text for reader in readers for text in others)
        assert asked != (f"{room}.{name}" in DEBTS), f"{room}.{name}: asked by the code? {asked}"
