"""Words of the payment rail. It knows amounts and opaque references, never a shop or a person."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any


class PaymentState(StrEnum):
    """CREATED: kept, the provider not asked yet. READY: the person is at the provider. APPROVING: the approve call has
    left and its answer is not known. APPROVED: money moved. FAILED, EXPIRED: it did not and will not. `refunded` on the
    payment says how much of an approved payment went back."""

    CREATED = "created"
    READY = "ready"
    APPROVING = "approving"
    APPROVED = "approved"
    FAILED = "failed"
    EXPIRED = "expired"


class RefundState(StrEnum):
    """ASKED: kept, the call may have left. DONE: money went back. FAILED: the provider refused, a person must look."""

    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"


class AgreementState(StrEnum):
    """ASKED: its first payment is under way. ACTIVE: it may be charged. ENDING: never charged again by us, and the provider
    is being told. ENDED: the provider knows. FAILED: it never began."""

    ASKED = "asked"
    ACTIVE = "active"
    ENDING = "ending"
    ENDED = "ended"
    FAILED = "failed"


COUNTER = "counter"
WALLET = "wallet"
LATE = "late"
RETURNING = "returning:"
"""The accounts that hold won on their way back out of an account with a floor begin with it."""
CANCELLED = "cancelled"
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Amount:
    """Won. `tax_free` and `vat` are parts of `total`."""

    total: int
    tax_free: int
    vat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a provider is told about one payment. `public_id` binds its answers to this payment and no other. `recurring`:
    it begins or follows an agreement to be charged again, which the provider calls `agreement_key`."""

    public_id: str
    payer: str
    item_name: str
    amount: Amount
    provider_key: str = ""
    recurring: bool = False
    agreement_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a provider can do, so that the rail need not guess. `keys`: it honours our idempotency key, so a lost call may
    be repeated with the same one. `finds_by_reference`: it finds a payment by our own name for it. `compares_rest`: a
    cancel is refused unless what is left is what we think. `recurring`: it charges again under an agreement. `least`: the
    smallest payment in won. `cancel_window`: how long after the payment it returns money; None where none is known."""

    keys: bool
    finds_by_reference: bool
    compares_rest: bool
    recurring: bool = False
    least: int = 1
    cancel_window: timedelta | None = None


class Outcome(StrEnum):
    """What an answer to a call proves. DONE: it happened. NOT_YET: it did not, and the payment may still go on.
    REFUSED: it did not and will not. UNKNOWN: nothing is proven; ask before doing anything again."""

    DONE = "done"
    NOT_YET = "not_yet"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A provider's answer to ready, approve or cancel. `code` is the provider's own word, for the record."""

    outcome: Outcome
    code: str = ""
    provider_key: str = ""
    agreement_key: str = ""
    redirect_url: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


class Standing(StrEnum):
    """How a payment stands at its provider. PENDING: not approved, may still be. CLOSED: not approved, never will be."""

    PAID = "paid"
    PENDING = "pending"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the provider says about a payment when asked: money facts in won, and whose payment it is."""

    standing: Standing
    code: str = ""
    public_id: str = ""
    total: int = 0
    refunded: int = 0
    agreement_key: str = ""

    @property
    def counted(self) -> int:
        """The won that moved to us and stayed."""
        return self.total - self.refunded if self.standing is Standing.PAID else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementTruth:
    """How an agreement stands at its provider: `active` is None where it did not say. `last` is the provider's own word for
    when it was last charged: the same word twice means that nothing was charged in between."""

    active: bool | None
    last: str = ""
    code: str = ""
