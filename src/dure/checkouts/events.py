"""What checkouts tell the house."""

from dataclasses import dataclass

from dure.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutOpened(Fact):
    """A shop asks for money."""

    shop_id: int
    checkout_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPaid(Fact):
    """The money is there."""

    shop_id: int
    checkout_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutReturned(Fact):
    """`amount` won of it go back."""

    shop_id: int
    checkout_id: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutClosed(Fact):
    """Nobody will pay it: cancelled or expired, as its state says."""

    shop_id: int
    checkout_id: int
