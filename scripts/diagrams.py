"""Draw every room's states from the tables in its rules.py. `make diagrams` writes docs/reference/state-machines.md.

A table is a constant of a room's `rules` whose name ends with TRANSITIONS: each state and the states that may follow.
"""

import importlib
import inspect
import sys
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "state-machines.md"
HEAD = """# State machines

What may follow what, in every room. `make diagrams` draws this page from the tables in each room's `rules.py`, which the
actions ask before every step; `tests/architecture/test_diagrams.py` fails while it is out of date.
"""


def tables() -> Iterator[tuple[str, str, type[StrEnum], Mapping[StrEnum, Collection[StrEnum]]]]:
    """Each table: the room, its constant, the states, and what may follow each of them."""
    for file in sorted((ROOT / "src" / "dure").glob("*/rules.py")):
        room = file.parent.name
        rules = importlib.import_module(f"dure.{room}.rules")
        for name, table in sorted(vars(rules).items()):
            if name.endswith("TRANSITIONS"):
                yield room, name, type(next(iter(table))), table


def page() -> str:
    """The whole page."""
    parts, room_before = [HEAD], ""
    for room, name, states, table in tables():
        if room != room_before:
            parts.append(f"## {room}\n")
            room_before = room
        said = inspect.cleandoc(states.__doc__ or "")
        parts.append(
            f"### {states.__name__.removesuffix('State')}\n\n{said}\n\n{_drawn(states, table)}\n\n`{room}.rules.{name}`\n"
        )
    return "\n".join(parts)


def _drawn(states: type[StrEnum], table: Mapping[StrEnum, Collection[StrEnum]]) -> str:
    reached = {after for before, follow in table.items() for after in follow if after is not before}
    lines = ["```mermaid", "stateDiagram-v2"]
    for state in states:
        if state not in reached or state is next(iter(states)):
            lines.append(f"    [*] --> {state.value}")
        lines.extend(f"    {state.value} --> {after.value}" for after in states if after in table[state])
        if not table[state]:
            lines.append(f"    {state.value} --> [*]")
    return "\n".join([*lines, "```"])


def main() -> int:
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
