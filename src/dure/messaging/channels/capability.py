"""What a medium can carry, by when, and what it costs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from types import MappingProxyType
from typing import NamedTuple


class Words(NamedTuple):
    """What a sending says, its gaps filled for one recipient, before any medium has given it a form."""

    advertising: bool
    sender_name: str
    contact: str
    refusal_number: str
    title: str
    body: str
    link: str
    refuse: str
    details: Mapping[str, object] = MappingProxyType({})


class Composed(NamedTuple):
    """The same in the form of one medium."""

    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """Lengths in characters unless they say bytes; `window` in Korean time has no exception; prices in won without VAT, each
    from a day on. `through_agency`: advertising by it may be given only to holders of the sending certificate."""

    title_max: int = 0
    body_max: int = 0
    lines_max: int = 0
    bytes_max: int = 0
    encoding: str = "utf-8"
    buttons_max: int = 0
    button_name_max: int = 0
    advertising: bool = True
    information: bool = True
    window: tuple[time, time] | None = None
    through_agency: bool = False
    prices: Mapping[str, tuple[tuple[date, int], ...]] = field(default_factory=dict)

    def price(self, of: str, on: date) -> int:
        """Won for one text of this type on this day; nothing for a medium without prices."""
        return max(((since, won) for since, won in self.prices.get(of, ()) if since <= on), default=(on, 0))[1]
