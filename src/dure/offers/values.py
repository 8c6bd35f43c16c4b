"""Words of the offers room: an offer is terms, a coupon is one person's right."""

from dataclasses import dataclass
from enum import StrEnum


class OfferKind(StrEnum):
    """AMOUNT: `value` won off. PERCENT: `value` per cent off, at most `ceiling` won. FREE_ITEM: the dearest `value` units
    are free. BUY_GET: whoever has `buy` + `value` units pays for the dearest `buy`, and the next `value` are free, once."""

    AMOUNT = "amount"
    PERCENT = "percent"
    FREE_ITEM = "free_item"
    BUY_GET = "buy_get"


class OfferOccasion(StrEnum):
    """What issues a coupon by itself. WELCOME: joining the channel. STAMPS: a full stamp card. TIER: reaching a tier.
    POINTS: a friend who pays for it with points. CHANNEL: a friend who takes it from the shop's page. HAND: the owner."""

    WELCOME = "welcome"
    STAMPS = "stamps"
    TIER = "tier"
    POINTS = "points"
    CHANNEL = "channel"
    HAND = "hand"


class OfferState(StrEnum):
    """Only a RUNNING offer issues coupons; coupons already issued stay good. REVIEW: whoever pays for it besides the shop
    has to agree first."""

    DRAFT = "draft"
    REVIEW = "review"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class Stacking(StrEnum):
    """ALONE: with no other coupon. The others are groups: at most one coupon of each group on one bill."""

    ALONE = "alone"
    MENU = "menu"
    BILL = "bill"
    POINTS = "points"


class Funder(StrEnum):
    """Who pays for a discount: the shop itself, the operator, a supplier or a district (these two by name)."""

    SHOP = "shop"
    OPERATOR = "operator"
    SUPPLIER = "supplier"
    DISTRICT = "district"


class RedemptionState(StrEnum):
    """RESERVED while paying, COMMITTED once paid, RELEASED when given up, RETURNED when the payment was refunded."""

    RESERVED = "reserved"
    COMMITTED = "committed"
    RELEASED = "released"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One priced line: `quantity` units of `item`, which stands in `section`, at `unit_price` won."""

    item: str
    section: str
    unit_price: int
    quantity: int = 1

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity
