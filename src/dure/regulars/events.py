"""What regulars tells the house."""

from dataclasses import dataclass

from dure.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class FriendJoined(Fact):
    """A person joined a shop's channel, for the first time or again."""

    shop_id: int
    person_id: int
    relation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FriendLeft(Fact):
    """A person left a shop's channel."""

    shop_id: int
    person_id: int
    relation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StampCardFilled(Fact):
    """A friend's card is full for the `filled`th time."""

    shop_id: int
    person_id: int
    relation_id: int
    filled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TierReached(Fact):
    """A friend spent enough lately to stand in another tier than before."""

    shop_id: int
    person_id: int
    relation_id: int
    tier_id: int
