"""Words of the audiences room: the traits that people may ask for, as they are written and read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dure.kit.language import Text, say

SMALLEST = 100
"""People below whom nothing is sent and no number is said; decided on the noised number."""


NAME_MAX = 40
"""Letters of the name under which an audience is saved."""


class Asks(StrEnum):
    """How a trait is asked: by region, by some of its words, or by a range of numbers."""

    REGION = "region"
    WORDS = "words"
    RANGE = "range"


class Where(StrEnum):
    """Who can answer: the index of everybody, the map (a radius is a set of districts), or the shop's own relations."""

    INDEX = "index"
    MAP = "map"
    SHOP = "shop"


@dataclass(frozen=True, slots=True)
class TraitWords:
    """One trait as people meet it: its name for programs, in two languages, its words or its bounds and unit."""

    name: str
    title: Text
    asks: Asks
    where: Where = Where.INDEX
    words: Mapping[str, Text] = field(default_factory=dict)
    low: int = 0
    high: int = 0
    unit: Text = field(default_factory=lambda: say("", en=""))
    needs_taste: bool = False


NETWORK = 1 << 31
"""Numbers of the network's people begin here in a frozen audience; below are ids of persons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What an owner may be told about real people: `people` is noised; None means "under 100", decided on the noise too.

    `left_today` and `left` are the questions that remain to the owner of the shop.
    """

    people: int | None
    margin: int
    left_today: int
    left: int


RELATIONS = {
    "never": say("남", en="never"),
    "friend": say("친구", en="friend"),
    "new": say("새친구", en="new"),
    "returning": say("다시온친구", en="returning"),
    "regular": say("단골", en="regular"),
    "lapsed": say("뜸한친구", en="lapsed"),
    "near-reward": say("도장임박", en="near-reward"),
}
"""Where somebody stands with the shop that asks. `never`: no friend of it. `near-reward`: two stamps or fewer to go."""
