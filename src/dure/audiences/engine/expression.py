"""What an audience is, as a value: conditions on traits, joined by and, or and not.

The engine answers any tree of these. It knows nothing of names, chips or JSON: who writes one for people is
`audiences`' business. Trees are values, so two audiences that are written alike are equal and hash alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

Value = str | int
"""One value of a trait: a word ("f", "coffee"), or a number where the trait counts."""

PARTS_MAX = 20_000
"""More conditions than any person writes; beyond it an audience is refused before work is spent on it."""


class Unanswerable(ValueError):
    """The expression cannot be asked of this index: `reason` is a word for programs, `trait` and `value` say where."""

    def __init__(self, reason: str, *, trait: str = "", value: Value | None = None) -> None:
        self.reason, self.trait, self.value = reason, trait, value
        where = trait if value is None else f"{trait}:{value}"
        super().__init__(f"{reason} ({where})" if where else reason)


@dataclass(frozen=True, slots=True)
class Everybody:
    """All people of the index."""


@dataclass(frozen=True, slots=True)
class Is:
    """Whoever has at least one of the values. No value: nobody."""

    trait: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """Whoever's number is known and lies in low..high, both included. None leaves that end open."""

    trait: str
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """Whoever is not in `part`; an unknown number is not in any range, so it is in the negation."""

    part: "Expression"


@dataclass(frozen=True, slots=True)
class All:
    """Whoever is in every part. No part: everybody."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Whoever is in at least one part. No part: nobody."""

    parts: tuple["Expression", ...]


Expression = Everybody | Is | Between | Not | All | Any


def walk(expression: Expression) -> Iterator[Expression]:
    """Every part of the tree, parents first, without recursion: depth costs nothing but a list."""
    left = [expression]
    seen = 0
    while left:
        part = left.pop()
        seen += 1
        if seen > PARTS_MAX:
            raise Unanswerable("too-large")
        yield part
        if isinstance(part, Not):
            left.append(part.part)
        elif isinstance(part, All | Any):
            left.extend(reversed(part.parts))
