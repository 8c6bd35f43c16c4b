"""What the payment rail tells the house. `reference` is the caller's own; the rail never looks into it."""

from dataclasses import dataclass

from dure.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSettled(Fact):
    """Money moved to the payee. Never published for a payment after PaymentFailed was."""

    payment_id: int
    public_id: str
    reference: str
    amount: int
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(Fact):
    """No money moved and none will; should some arrive after all, the rail returns it by itself."""

    payment_id: int
    public_id: str
    reference: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded(Fact):
    """`amount` won of a settled payment went back."""

    payment_id: int
    refund_id: int
    reference: str
    amount: int
