from dataclasses import dataclass

from dure.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErased(Fact):
    """Somebody asked to be forgotten. Whoever keeps something of them lets go of it, at once. What the law makes us keep
    is handed to `people.keep_by_law` first."""

    person_id: int
    public_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonsMerged(Fact):
    """A guest turned out to be somebody we know: whatever was the gone person's belongs to the kept one, at once."""

    kept_id: int
    gone_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Fact):
    """A person said yes to one sender for one purpose."""

    person_id: int
    sender: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn(Fact):
    """A person said no to one sender for one purpose, having said yes or nothing before."""

    person_id: int
    sender: str
    purpose: str
