"""What programs send and are shown, as the API's description has it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints

from dure.checkouts.values import AMOUNT_MAX, ITEM_MAX, REFERENCE_MAX, URL_MAX
from dure.partners.values import EventKind

Won = Annotated[int, Field(strict=True, ge=100, le=AMOUNT_MAX, description="Whole won.")]
PartOfWon = Annotated[int, Field(strict=True, ge=0, le=AMOUNT_MAX, description="Whole won.")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=ITEM_MAX, pattern=r"^[^\x00-\x1f\x7f]*$")]
Reference = Annotated[str, StringConstraints(max_length=REFERENCE_MAX, pattern=r"^[^\x00-\x1f\x7f]*$")]
Url = Annotated[str, StringConstraints(max_length=URL_MAX)]


class Sent(Schema):
    """What is sent; a field that nobody knows is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class CheckoutSent(Sent):
    """Ask for money on a page of ours."""

    amount: Won
    tax_free: PartOfWon = 0
    item: Line = ""
    reference: Reference = ""
    success_url: Url = ""
    cancel_url: Url = ""
    minutes: Annotated[int, Field(strict=True, ge=5, le=43_200)] = 60


class PaymentSent(Sent):
    """Take a guest's one-time code."""

    amount: Won
    code: Annotated[str, StringConstraints(min_length=24, max_length=40)]
    item: Line = ""
    reference: Reference = ""


class RefundSent(Sent):
    """Send money back; no amount means all that is left."""

    amount: Annotated[int, Field(strict=True, ge=1, le=AMOUNT_MAX)] | None = None
    reason: Line = ""


class EndpointSent(Sent):
    """Be told at this address what happens; no kinds means everything."""

    url: Annotated[str, StringConstraints(max_length=500)]
    kinds: Annotated[list[EventKind], Field(max_length=20)] = []


class ResendSent(Sent):
    """Send an event again, to one endpoint or to all that are told of its kind."""

    endpoint: Annotated[str, StringConstraints(max_length=40)] | None = None


class CheckoutShown(Schema):
    """A shop asks for money. `state`: open, paid, cancelled, expired or returned; `refunded` says how much went back."""

    id: str
    object: Literal["checkout"]
    kind: str
    state: str
    amount: int
    tax_free: int
    vat: int
    refunded: int
    currency: Literal["KRW"]
    item: str
    reference: str
    payment: str | None
    provider: str | None
    url: str
    success_url: str
    cancel_url: str
    opened_at: datetime
    expires_at: datetime
    paid_at: datetime | None


class PaymentShown(Schema):
    """Money that moved, or is to move, to the shop. `state`: created, ready, approving (its outcome is being looked into),
    approved, failed or expired."""

    id: str
    object: Literal["payment"]
    state: str
    amount: int
    tax_free: int
    vat: int
    refunded: int
    currency: Literal["KRW"]
    provider: str
    item: str
    checkout: str | None
    reference: str
    created_at: datetime
    settled_at: datetime | None


class RefundShown(Schema):
    """Money on its way back. `state`: asked, done or failed."""

    id: str
    object: Literal["refund"]
    payment: str
    amount: int
    state: str
    reason: str
    asked_at: datetime
    done_at: datetime | None


class AudienceShown(Schema):
    """How many people a description reaches; no question tells anything about one of them."""

    object: Literal["audience"]
    definition: str
    people: int
    counted_in: Literal["twin", "friends"]


class ShopShown(Schema):
    """The shop that the key belongs to."""

    id: str
    object: Literal["shop"]
    name: str
    name_en: str
    category: str
    address: str
    phone: str
    business_number: str
    hours: dict[str, list[str]]
    takes_orders: bool
    pay_timing: str


class MenuShown(Schema):
    """The menu as guests see it."""

    object: Literal["menu"]
    sections: list[dict[str, Any]]


class OrderShown(Schema):
    """An order with its lines, and nobody's name."""

    id: str
    object: Literal["order"]
    number: int
    state: str
    table: str | None
    total: int
    currency: Literal["KRW"]
    by_staff: bool
    reason: str
    placed_at: datetime
    received_at: datetime | None
    changed_at: datetime
    lines: list[dict[str, Any]]


class EndpointShown(Schema):
    """Where a program hears. `secret` is there in the answer that made it, and never again."""

    id: str
    object: Literal["webhook_endpoint"]
    url: str
    kinds: list[str]
    enabled: bool
    disabled_because: str
    failing_since: datetime | None
    old_secret_until: datetime | None
    made_at: datetime
    secret: str | None = None


class EventShown(Schema):
    """Something that happened, as its webhook says it."""

    id: str
    type: str
    timestamp: datetime
    data: dict[str, Any]


class ResentShown(Schema):
    """To how many endpoints an event goes again."""

    id: str
    endpoints: int


class CheckoutPage(Schema):
    data: list[CheckoutShown]
    next_cursor: str | None
    has_more: bool


class PaymentPage(Schema):
    data: list[PaymentShown]
    next_cursor: str | None
    has_more: bool


class OrderPage(Schema):
    data: list[OrderShown]
    next_cursor: str | None
    has_more: bool


class EndpointPage(Schema):
    data: list[EndpointShown]
    next_cursor: str | None
    has_more: bool


class EventPage(Schema):
    data: list[EventShown]
    next_cursor: str | None
    has_more: bool


class FieldWrong(Schema):
    """One field that is not right, by JSON pointer."""

    pointer: str
    code: str
    message: str


class Problem(Schema):
    """RFC 9457. `code` is for programs, `title` for people; `retryable`: the same request may work in a moment."""

    type: str
    title: str
    status: int
    code: str
    instance: str
    retryable: bool
    errors: list[FieldWrong] = []
