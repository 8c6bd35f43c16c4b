"""What ordering tells the house."""

from dataclasses import dataclass

from dure.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReceived(Fact):
    """The kitchen may see the order."""

    shop_id: int
    order_id: int
    visit_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMoved(Fact):
    """The order reached `state`."""

    shop_id: int
    order_id: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSettled(Fact):
    """`amount` won were paid for the bill, and its coupons took `discount` won off all of it; `person_id` where the phone that
    paid belongs to somebody known."""

    shop_id: int
    bill_id: int
    reference: str
    visit_id: int | None
    discount: int
    person_id: int | None
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BillReturned(Fact):
    """`amount` won of the bill go back, as part or all of it."""

    shop_id: int
    bill_id: int
    visit_id: int | None
    person_id: int | None
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitClosed(Fact):
    """The guests left the table."""

    shop_id: int
    visit_id: int
