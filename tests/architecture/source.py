"""The source as the tests of this folder read it: parsed, never run, so that a planted line is judged like a real one."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "dure"

STORY = (
    "ledger",
    "payments",
    "messaging",
    "people",
    "shops",
    "wallet",
    "menu",
    "offers",
    "ordering",
    "checkouts",
    "regulars",
    "channels",
    "audiences",
    "targeting",
    "partners",
    "campaigns",
    "lift",
    "settlement",
)
"""The rooms, lowest first. Of two on one storey neither knows the other; the import contracts see to that."""


@dataclass(frozen=True)
class Module:
    """One file: where it stands under the package, and what it says."""

    path: str
    text: str

    @property
    def room(self) -> str:
        return self.path.partition("/")[0]

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)


def modules(*rooms: str) -> Iterator[Module]:
    """Every module of these rooms (all of the package without any), migrations apart."""
    for file in sorted(PACKAGE.rglob("*.py")):
        path = file.relative_to(PACKAGE)
        if "migrations" not in path.parts and (not rooms or path.parts[0] in rooms):
            yield Module(path.as_posix(), file.read_text())


def imports(tree: ast.AST) -> Iterator[str]:
    """The dotted name of everything that is imported, wherever it stands in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The functions that a module gives to others."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node
