"""How fast the demo's neighbourhood lives."""

from dataclasses import dataclass

from dure.regulars.models import Relation
from dure.shops.models import Shop

PACES = (0, 1, 5, 20)
"""How many times faster than life; 0 stands still."""

JUMPS = (1, 7, 14)
"""Days that a visitor may let the demo's clock jump ahead."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A friend of a shop whom a visitor may be for a while, and the path of a free table there."""

    relation: Relation
    shop: Shop
    path: str


@dataclass(frozen=True, slots=True)
class Lately:
    """One of the demo's shops in the last hour: orders, won, and guests who sit there now."""

    shop: Shop
    orders: int
    won: int
    seated: int
