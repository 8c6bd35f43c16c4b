"""Words of the shops room."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dure.kit.language import Text, say


class Role(StrEnum):
    """What a member of staff may do: OWNER everything, MANAGER all but staff and the shop's settings, CASHIER tables and
    payments, KITCHEN the kitchen board."""

    OWNER = "owner"
    MANAGER = "manager"
    CASHIER = "cashier"
    KITCHEN = "kitchen"


class Ability(StrEnum):
    """One thing that a role lets a person do. Pages ask for an ability, never for a role."""

    SEE_TODAY = "see_today"
    RUN_KITCHEN = "run_kitchen"
    TAKE_PAYMENT = "take_payment"
    EDIT_MENU = "edit_menu"
    EDIT_TABLES = "edit_tables"
    SEE_FRIENDS = "see_friends"
    EDIT_OFFERS = "edit_offers"
    KEEP_CHANNEL = "keep_channel"
    APPROVE_CONCESSIONS = "approve_concessions"
    SEE_MONEY = "see_money"
    EDIT_STAFF = "edit_staff"
    EDIT_SHOP = "edit_shop"


_KITCHEN = frozenset({Ability.RUN_KITCHEN})
_CASHIER = _KITCHEN | {Ability.SEE_TODAY, Ability.TAKE_PAYMENT}
_MANAGER = _CASHIER | {
    Ability.EDIT_MENU,
    Ability.EDIT_TABLES,
    Ability.SEE_FRIENDS,
    Ability.EDIT_OFFERS,
    Ability.KEEP_CHANNEL,
    Ability.APPROVE_CONCESSIONS,
    Ability.SEE_MONEY,
}

ABILITIES: dict[Role, frozenset[Ability]] = {
    Role.OWNER: frozenset(Ability),
    Role.MANAGER: _MANAGER,
    Role.CASHIER: _CASHIER,
    Role.KITCHEN: _KITCHEN,
}

ROLE_WORDS: dict[Role, Text] = {
    Role.OWNER: say("사장님", en="Owner"),
    Role.MANAGER: say("매니저", en="Manager"),
    Role.CASHIER: say("계산", en="Cashier"),
    Role.KITCHEN: say("주방", en="Kitchen"),
}


class PayTiming(StrEnum):
    """FIRST: pay, then cook. TAB: eat, then pay."""

    FIRST = "first"
    TAB = "tab"


class Seating(StrEnum):
    """SCAN: scanning an empty table's code opens a visit. STAFF: a member of staff opens it."""

    SCAN = "scan"
    STAFF = "staff"


COUNTER = "counter"
"""The way to pay that needs no provider: staff take the money."""
LINK = "link"
"""Payment links that staff send: no way to pay, but an owner may do without them."""
WALLET = "wallet"
"""The prepaid balance: not every guest has one, so it cannot be the only way."""


class Category(StrEnum):
    """What a shop mainly sells: it chooses the defaults a new shop starts with."""

    KOREAN = "korean"
    NOODLES = "noodles"
    SNACKS = "snacks"
    GRILL = "grill"
    CHICKEN = "chicken"
    JAPANESE = "japanese"
    CHINESE = "chinese"
    WESTERN = "western"
    CAFE = "cafe"
    BAKERY = "bakery"
    PUB = "pub"


CATEGORY_WORDS: dict[Category, Text] = {
    Category.KOREAN: say("한식", en="Korean"),
    Category.NOODLES: say("국수·면", en="Noodles"),
    Category.SNACKS: say("분식", en="Street food"),
    Category.GRILL: say("고기·구이", en="Grill"),
    Category.CHICKEN: say("치킨", en="Fried chicken"),
    Category.JAPANESE: say("일식", en="Japanese"),
    Category.CHINESE: say("중식", en="Chinese"),
    Category.WESTERN: say("양식", en="Western"),
    Category.CAFE: say("카페", en="Café"),
    Category.BAKERY: say("베이커리", en="Bakery"),
    Category.PUB: say("주점", en="Pub"),
}


class OpeningWhy(StrEnum):
    """Why a shop takes orders or does not. HOURS: outside its opening hours. PAUSED: for some minutes. CLOSED: for good."""

    OPEN = "open"
    HOURS = "hours"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Whether a shop takes orders at an instant; until when, or from when again (None: not within eight days)."""

    open: bool
    why: OpeningWhy
    opens_at: datetime | None = None
    closes_at: datetime | None = None
