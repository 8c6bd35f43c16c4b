"""What programs may ask: one function an operation, each asks queries or calls one action."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field, StringConstraints

from dure.audiences import queries as audiences
from dure.checkouts import actions as checkouts
from dure.checkouts import queries as checkout_queries
from dure.checkouts.values import CheckoutKind, CheckoutState
from dure.kit import clock
from dure.kit.errors import NotFound
from dure.kit.paging import page_of
from dure.menu import queries as menus
from dure.ordering import queries as ordering
from dure.partners import actions as partners
from dure.partners import queries
from dure.partners.values import Scope
from dure.payments.errors import NotPaid
from dure.payments.values import PaymentState
from dure.shops import queries as shops
from dure.web.api.door import caller_of
from dure.web.api.shapes import (
    AudienceShown,
    CheckoutPage,
    CheckoutSent,
    CheckoutShown,
    EndpointPage,
    EndpointSent,
    EndpointShown,
    EventPage,
    EventShown,
    MenuShown,
    OrderPage,
    OrderShown,
    PaymentPage,
    PaymentSent,
    PaymentShown,
    Problem,
    RefundSent,
    RefundShown,
    ResendSent,
    ResentShown,
    ShopShown,
)

if TYPE_CHECKING:
    from dure.payments.models import Payment, Refund
    from dure.shops.models import Shop

router = Router()
Limit = Annotated[int, Field(ge=1, le=100)]
Cursor = Annotated[str, StringConstraints(max_length=40, pattern=r"^([a-z]{2,4}_[0-9a-hjkmnp-tv-z]{26})?$")]
WRONG = frozenset({400, 401, 403, 404, 405, 409, 415, 422, 429, 503})
SCOPES: dict[str, Scope] = {}
"""The scope of each operation, by its name."""


def asks(scope: Scope) -> Callable[[Any], Any]:
    """Which scope a key must have."""

    def note(operation: Any) -> Any:
        SCOPES[operation.__name__] = scope
        return operation

    return note


def _page(rows: QuerySet[Any], cursor: str, limit: int, show: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    page = page_of(rows, after=cursor or None, limit=limit)
    shown: list[dict[str, Any]] = [show(row) for row in page.rows]
    return {"data": shown, "next_cursor": page.next_cursor, "has_more": page.next_cursor is not None}


# Checkouts ----------------------------------------------------------------------------------------------------------


@router.post("/checkouts", response={201: CheckoutShown, WRONG: Problem}, tags=["checkouts"])
@asks(Scope.WRITE_PAYMENTS)
def create_checkout(request: HttpRequest, sent: CheckoutSent) -> Status[dict[str, Any]]:
    """Ask for money. Send the person to `url`; afterwards they come back to `success_url` or `cancel_url` with `?checkout=`.
    That proves nothing: ask for the checkout, or wait for the webhook `checkout.paid`."""
    caller = caller_of(request)
    checkout = checkouts.open_checkout(
        shop=caller.shop,
        kind=CheckoutKind.API,
        amount=sent.amount,
        tax_free=sent.tax_free,
        item=sent.item,
        reference=sent.reference,
        success_url=sent.success_url,
        cancel_url=sent.cancel_url,
        life=timedelta(minutes=sent.minutes),
        key=_key(request),
        by=caller.by,
        at=clock.now(),
    )
    return Status(201, queries.checkout_as_told(checkout, caller.origin))


@router.get("/checkouts", response={200: CheckoutPage, WRONG: Problem}, tags=["checkouts"])
@asks(Scope.READ_PAYMENTS)
def list_checkouts(
    request: HttpRequest,
    cursor: Cursor = "",
    limit: Limit = 20,
    state: CheckoutState | None = None,
    reference: Annotated[str, StringConstraints(max_length=100)] = "",
) -> dict[str, Any]:
    """The shop's checkouts, newest first."""
    rows = checkout_queries.checkouts_of(caller_of(request).shop)
    rows = rows.filter(state=state) if state else rows
    rows = rows.filter(reference=reference) if reference else rows
    return _page(rows, cursor, limit, lambda one: queries.checkout_as_told(one, caller_of(request).origin))


@router.get("/checkouts/{checkout}", response={200: CheckoutShown, WRONG: Problem}, tags=["checkouts"])
@asks(Scope.READ_PAYMENTS)
def get_checkout(request: HttpRequest, checkout: str) -> dict[str, Any]:
    """One checkout as it stands."""
    caller = caller_of(request)
    return queries.checkout_as_told(checkout_queries.checkout_of_shop(caller.shop, _id(checkout)), caller.origin)


@router.post("/checkouts/{checkout}/cancellation", response={200: CheckoutShown, WRONG: Problem}, tags=["checkouts"])
@asks(Scope.WRITE_PAYMENTS)
def cancel_checkout(request: HttpRequest, checkout: str) -> dict[str, Any]:
    """Ask for it no more. A paid one is returned by a refund of its payment."""
    caller = caller_of(request)
    found = checkout_queries.checkout_of_shop(caller.shop, _id(checkout))
    return queries.checkout_as_told(
        checkouts.cancel_checkout(checkout=found, by=caller.by, at=clock.now()), caller.origin
    )


# Payments -----------------------------------------------------------------------------------------------------------


@router.post("/payments", response={201: CheckoutShown, WRONG: Problem}, tags=["payments"])
@asks(Scope.WRITE_PAYMENTS)
def create_payment(request: HttpRequest, sent: PaymentSent) -> Status[dict[str, Any]]:
    """Take the guest's one-time code. The answer is a checkout: `paid` where the guest's wallet paid it at once; `open` where
    the guest is asked on their phone, and `checkout.paid` follows."""
    caller = caller_of(request)
    checkout = checkouts.take_code(
        shop=caller.shop,
        digits=sent.code,
        amount=sent.amount,
        item=sent.item,
        reference=sent.reference,
        key=_key(request),
        by=caller.by,
        at=clock.now(),
    )
    return Status(201, queries.checkout_as_told(checkout, caller.origin))


@router.get("/payments", response={200: PaymentPage, WRONG: Problem}, tags=["payments"])
@asks(Scope.READ_PAYMENTS)
def list_payments(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = 20, state: PaymentState | None = None
) -> dict[str, Any]:
    """Every payment to the shop, for tables and checkouts alike, newest first."""
    shop = caller_of(request).shop
    rows = checkout_queries.payments_of(shop)
    return _page(rows.filter(state=state) if state else rows, cursor, limit, lambda one: _payment(shop, one))


@router.get("/payments/{payment}", response={200: PaymentShown, WRONG: Problem}, tags=["payments"])
@asks(Scope.READ_PAYMENTS)
def get_payment(request: HttpRequest, payment: str) -> dict[str, Any]:
    """One payment as it stands."""
    shop = caller_of(request).shop
    return _payment(shop, checkout_queries.payment_of_shop(shop, _id(payment)))


@router.post("/payments/{payment}/refunds", response={201: RefundShown, WRONG: Problem}, tags=["payments"])
@asks(Scope.WRITE_PAYMENTS)
def refund_payment(request: HttpRequest, payment: str, sent: RefundSent) -> Status[dict[str, Any]]:
    """Send back all or part of what was paid for a checkout. What a table paid is returned where its order is: in the
    kitchen and at the counter."""
    caller = caller_of(request)
    found = checkout_queries.payment_of_shop(caller.shop, _id(payment))
    checkout = checkout_queries.checkout_of_payment(caller.shop, found)
    if checkout is None or found.state != PaymentState.APPROVED:
        raise NotPaid
    amount = sent.amount if sent.amount is not None else checkout.bill.total - checkout.bill.refunded
    refund = checkouts.return_money(
        checkout=checkout, amount=amount, reason=sent.reason, key=_key(request), by=caller.by, at=clock.now()
    )
    return Status(201, _refund(found, refund))


def _payment(shop: Shop, payment: Payment) -> dict[str, Any]:
    checkout = checkout_queries.checkout_of_payment(shop, payment)
    return {
        "id": payment.public_id,
        "object": "payment",
        "state": payment.state,
        "amount": payment.amount,
        "tax_free": payment.tax_free,
        "vat": payment.vat,
        "refunded": payment.refunded,
        "currency": "KRW",
        "provider": payment.provider,
        "item": payment.item_name,
        "checkout": checkout.public_id if checkout else None,
        "reference": checkout.reference if checkout else "",
        "created_at": queries.instant(payment.created_at),
        "settled_at": queries.instant(payment.settled_at),
    }


def _refund(payment: Payment, refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.public_id,
        "object": "refund",
        "payment": payment.public_id,
        "amount": refund.amount,
        "state": refund.state,
        "reason": refund.reason,
        "asked_at": queries.instant(refund.asked_at),
        "done_at": queries.instant(refund.done_at),
    }


# The shop -----------------------------------------------------------------------------------------------------------


@router.get("/shop", response={200: ShopShown, WRONG: Problem}, tags=["shop"])
@asks(Scope.READ_SHOP)
def get_shop(request: HttpRequest) -> dict[str, Any]:
    """The shop that the key belongs to."""
    shop = caller_of(request).shop
    return {
        "id": shop.public_id,
        "object": "shop",
        **{name: getattr(shop, name) for name in ("name", "name_en", "category", "address", "phone")},
        "business_number": shop.business_number,
        "hours": shop.hours,
        "takes_orders": shops.opening(shop, clock.now()).open,
        "pay_timing": shop.pay_timing,
    }


@router.get("/menu", response={200: MenuShown, WRONG: Problem}, tags=["shop"])
@asks(Scope.READ_SHOP)
def get_menu(request: HttpRequest) -> dict[str, Any]:
    """The menu with prices, options and what is sold out."""
    sections = [
        {
            "id": section.public_id,
            "name": dict(section.name),
            "items": [
                {
                    "id": item.public_id,
                    "name": dict(item.name),
                    "price": item.price,
                    "sold_out": item.sold_out,
                    "tax_free": item.tax_free,
                }
                for item in section.items
            ],
        }
        for section in menus.menu_of(caller_of(request).shop).sections
    ]
    return {"object": "menu", "sections": sections}


@router.get("/orders", response={200: OrderPage, WRONG: Problem}, tags=["orders"])
@asks(Scope.READ_ORDERS)
def list_orders(request: HttpRequest, cursor: Cursor = "", limit: Limit = 20) -> dict[str, Any]:
    """The shop's orders, newest first."""
    rows = ordering.orders_of_shop(caller_of(request).shop).select_related("table").prefetch_related("lines")
    return _page(rows, cursor, limit, queries.order_as_told)


@router.get("/orders/{order}", response={200: OrderShown, WRONG: Problem}, tags=["orders"])
@asks(Scope.READ_ORDERS)
def get_order(request: HttpRequest, order: str) -> dict[str, Any]:
    """One order with its lines."""
    return queries.order_as_told(ordering.order_of_shop(caller_of(request).shop, _id(order)))


# Audiences ----------------------------------------------------------------------------------------------------------


@router.get("/audiences/count", response={200: AudienceShown, WRONG: Problem}, tags=["audiences"])
@asks(Scope.READ_AUDIENCES)
def count_audience(
    request: HttpRequest, definition: Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
) -> dict[str, Any]:
    """How many people `region:서울-마포구 age:25-39 -friend` reaches: exactly among the shop's own friends, otherwise in a
    look-alike of the country in which nobody is real, so that it may be asked as often as one likes."""
    shop, asked = caller_of(request).shop, audiences.read_definition(definition)
    friends = audiences.means_friends_alone(asked)
    people = audiences.friends_meant(shop, asked, at=clock.now()) if friends else audiences.count_in_twin(shop, asked)
    return {
        "object": "audience",
        "definition": audiences.as_text(asked, "en"),
        "people": people,
        "counted_in": "friends" if friends else "twin",
    }


# Webhooks -----------------------------------------------------------------------------------------------------------


@router.post("/webhook-endpoints", response={201: EndpointShown, WRONG: Problem}, tags=["webhooks"])
@asks(Scope.WRITE_WEBHOOKS)
def create_endpoint(request: HttpRequest, sent: EndpointSent) -> Status[dict[str, Any]]:
    """Be told at an address of yours. The answer has the secret, once."""
    caller = caller_of(request)
    endpoint, secret = partners.add_endpoint(
        shop=caller.shop, url=sent.url, kinds=sent.kinds, by=caller.by, at=clock.now()
    )
    return Status(201, {**queries.endpoint_as_told(endpoint), "secret": secret})


@router.get("/webhook-endpoints", response={200: EndpointPage, WRONG: Problem}, tags=["webhooks"])
@asks(Scope.READ_EVENTS)
def list_endpoints(request: HttpRequest, cursor: Cursor = "", limit: Limit = 20) -> dict[str, Any]:
    """The shop's endpoints, newest first, disabled ones too."""
    return _page(queries.endpoints_of(caller_of(request).shop), cursor, limit, queries.endpoint_as_told)


@router.get("/webhook-endpoints/{endpoint}", response={200: EndpointShown, WRONG: Problem}, tags=["webhooks"])
@asks(Scope.READ_EVENTS)
def get_endpoint(request: HttpRequest, endpoint: str) -> dict[str, Any]:
    """One endpoint: whether it is on, and since when nothing arrives."""
    return queries.endpoint_as_told(queries.endpoint_of_shop(caller_of(request).shop, _id(endpoint)))


@router.post("/webhook-endpoints/{endpoint}/secret", response={201: EndpointShown, WRONG: Problem}, tags=["webhooks"])
@asks(Scope.WRITE_WEBHOOKS)
def rotate_secret(request: HttpRequest, endpoint: str) -> Status[dict[str, Any]]:
    """A new secret. For a day every webhook carries two signatures, so nothing is lost while you change over."""
    found = queries.endpoint_of_shop(caller_of(request).shop, _id(endpoint))
    changed, secret = partners.rotate_secret(endpoint=found, at=clock.now())
    return Status(201, {**queries.endpoint_as_told(changed), "secret": secret})


@router.post(
    "/webhook-endpoints/{endpoint}/disabling", response={200: EndpointShown, WRONG: Problem}, tags=["webhooks"]
)
@asks(Scope.WRITE_WEBHOOKS)
def disable_endpoint(request: HttpRequest, endpoint: str) -> dict[str, Any]:
    """Be told nothing any more."""
    found = queries.endpoint_of_shop(caller_of(request).shop, _id(endpoint))
    return queries.endpoint_as_told(partners.disable_endpoint(endpoint=found, because="asked", at=clock.now()))


@router.post("/webhook-endpoints/{endpoint}/enabling", response={200: EndpointShown, WRONG: Problem}, tags=["webhooks"])
@asks(Scope.WRITE_WEBHOOKS)
def enable_endpoint(request: HttpRequest, endpoint: str) -> dict[str, Any]:
    """Be told again, from now on; `recovery` sends what was missed."""
    found = queries.endpoint_of_shop(caller_of(request).shop, _id(endpoint))
    return queries.endpoint_as_told(partners.enable_endpoint(endpoint=found, at=clock.now()))


@router.post("/webhook-endpoints/{endpoint}/recovery", response={200: ResentShown, WRONG: Problem}, tags=["webhooks"])
@asks(Scope.WRITE_WEBHOOKS)
def recover_endpoint(request: HttpRequest, endpoint: str) -> dict[str, Any]:
    """Send again everything that the endpoint never took, in the order in which it happened. `endpoints` counts events."""
    found = queries.endpoint_of_shop(caller_of(request).shop, _id(endpoint))
    return {"id": found.public_id, "endpoints": partners.resend_lost(endpoint=found, at=clock.now())}


@router.get("/events", response={200: EventPage, WRONG: Problem}, tags=["webhooks"])
@asks(Scope.READ_EVENTS)
def list_events(
    request: HttpRequest,
    cursor: Cursor = "",
    limit: Limit = 20,
    object: Cursor = "",  # noqa: A002
) -> dict[str, Any]:
    """What happened in the last ninety days, newest first, all of it or to one `object`: whoever missed a webhook reads it
    here."""
    rows = queries.events_of(caller_of(request).shop)
    return _page(rows.filter(object_id=object) if object else rows, cursor, limit, queries.event_as_told)


@router.get("/events/{event}", response={200: EventShown, WRONG: Problem}, tags=["webhooks"])
@asks(Scope.READ_EVENTS)
def get_event(request: HttpRequest, event: str) -> dict[str, Any]:
    """One event."""
    return queries.event_as_told(queries.event_of_shop(caller_of(request).shop, _id(event)))


@router.post("/events/{event}/resending", response={200: ResentShown, WRONG: Problem}, tags=["webhooks"])
@asks(Scope.READ_EVENTS)
def resend_event(request: HttpRequest, event: str, sent: ResendSent) -> dict[str, Any]:
    """Send it once more."""
    shop = caller_of(request).shop
    found = queries.event_of_shop(shop, _id(event))
    endpoint = queries.endpoint_of_shop(shop, sent.endpoint) if sent.endpoint else None
    return {"id": found.public_id, "endpoints": partners.resend_event(event=found, endpoint=endpoint, at=clock.now())}


def _key(request: HttpRequest) -> str:
    """The asker's key for the effect itself, so that not even a lost reply makes it happen twice."""
    return f"{caller_of(request).key.public_id}:{request.headers['Idempotency-Key']}"


def _id(text: str) -> str:
    """An id as it can be; anything else is not found before the database is asked."""
    if not text.isascii() or len(text) > 40 or "\x00" in text:
        raise NotFound
    return text
