"""What is known about people: the traits that an index has, and the columns that it is made from."""

from dataclasses import dataclass
from enum import StrEnum

from dure.audiences.engine.expression import Value

REGION = "region"
"""The one trait every index has, and the order of its people."""

SET_MAX = 63
"""Values that a set may have: its column is one signed 64-bit word a person, a bit a value."""


class Kind(StrEnum):
    """What a trait says of a person, and what its column holds (one number a person)."""

    REGION = "region"
    """Where somebody is registered: the ten digits of a 읍면동; 시도 and 시군구 are its first two and five."""
    CHOICE = "choice"
    """At most one of `values`: its place among them, or -1 where it is unknown."""
    SET = "set"
    """Any of `values`: bit i is set where somebody has `values[i]`."""
    NUMBER = "number"
    """A whole number in `low..high`, or anything below `low` where it is unknown."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One trait. `sorted`: people of one 읍면동 are put in the order of the traits that say so, in the schema's order."""

    name: str
    kind: Kind
    values: tuple[Value, ...] = ()
    low: int = 0
    high: int = 0
    sorted: bool = False

    def __post_init__(self) -> None:
        if self.kind is Kind.SET and len(self.values) > SET_MAX:
            raise ValueError(f"{self.name}: a set has at most {SET_MAX} values; make two traits of it")
        if self.kind is Kind.NUMBER and not self.low <= self.high < self.low + 2**31:
            raise ValueError(f"{self.name}: {self.low}..{self.high} is no range of 31 bits")


Schema = tuple[Trait, ...]
