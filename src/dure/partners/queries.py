"""Everything read for programs: what they are told, and about the keys and endpoints they come by."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from dure.checkouts import queries as checkouts
from dure.checkouts.models import Checkout
from dure.kit.clock import KST
from dure.ordering.models import Order
from dure.partners import errors, rules
from dure.partners.models import ApiKey, Dispatch, Endpoint, Event
from dure.partners.values import DispatchState
from dure.shops.models import Shop


def key_that_says(text: str, at: datetime) -> ApiKey:
    """The living key with this secret, with its shop. Raises KeyUnknown. Stand across shops."""
    read = rules.read_key(text)
    found = ApiKey.objects.select_related("shop").filter(prefix=read[0]).first() if read else None
    if found is None or read is None or found.secret_hash != rules.secret_hash(read[1]) or not is_living(found, at):
        raise errors.KeyUnknown
    return found


def is_living(key: ApiKey, at: datetime) -> bool:
    """Whether a key opens anything."""
    return key.revoked_at is None and (key.expires_at is None or at < key.expires_at) and key.shop.closed_at is None


def keys_of(shop: Shop) -> QuerySet[ApiKey]:
    """The shop's keys that were not revoked, newest first."""
    return ApiKey.objects.select_related("shop").filter(shop=shop, revoked_at__isnull=True).order_by("-id")


def key_of_shop(shop: Shop, public_id: str) -> ApiKey:
    """One of them. Raises NoSuchKey."""
    found = keys_of(shop).filter(public_id=public_id).first()
    if found is None:
        raise errors.NoSuchKey
    return found


def endpoints_of(shop: Shop) -> QuerySet[Endpoint]:
    """The shop's webhook endpoints, disabled ones too."""
    return Endpoint.objects.filter(shop=shop)


def endpoint_of_shop(shop: Shop, public_id: str) -> Endpoint:
    """One of them. Raises NoSuchEndpoint."""
    found = endpoints_of(shop).filter(public_id=public_id).first()
    if found is None:
        raise errors.NoSuchEndpoint
    return found


def secrets_of(endpoint: Endpoint, at: datetime) -> list[str]:
    """The secrets that sign for an endpoint now: the newest first, the one before it while it is good."""
    generations = [endpoint.generation]
    if endpoint.old_until is not None and at < endpoint.old_until:
        generations.append(endpoint.generation - 1)
    return [rules.webhook_secret(settings.SECRET_KEY, endpoint.public_id, number) for number in generations]


def events_of(shop: Shop) -> QuerySet[Event]:
    """What happened, as programs are told."""
    return Event.objects.filter(shop=shop)


def event_of_shop(shop: Shop, public_id: str) -> Event:
    """One of them. Raises NoSuchEvent."""
    found = events_of(shop).filter(public_id=public_id).first()
    if found is None:
        raise errors.NoSuchEvent
    return found


def dispatches_of(shop: Shop) -> QuerySet[Dispatch]:
    """Every event on its way, with event and endpoint, newest first."""
    return Dispatch.objects.select_related("event", "endpoint").filter(shop=shop).order_by("-id")


def lost_of(endpoint: Endpoint) -> int:
    """How many events an endpoint never took."""
    return Dispatch.objects.filter(endpoint=endpoint, state=DispatchState.GIVEN_UP).count()


def due_dispatches(at: datetime) -> list[int]:
    """Numbers of the dispatches whose time has come, each the first of its object at its endpoint. Stand across shops."""
    waiting = Dispatch.objects.filter(state=DispatchState.WAITING)
    before = waiting.filter(endpoint=OuterRef("endpoint"), object_id=OuterRef("object_id"), id__lt=OuterRef("id"))
    due = waiting.filter(~Exists(before), due_at__lte=at).order_by("id")
    return list(due.values_list("id", flat=True)[:5_000])


def is_first_of_its_object(dispatch: Dispatch) -> bool:
    """Whether nothing that happened to the same object before still waits for this endpoint."""
    same = Dispatch.objects.filter(endpoint_id=dispatch.endpoint_id, object_id=dispatch.object_id)
    return not same.filter(Q(state=DispatchState.WAITING), id__lt=dispatch.pk).exists()


# What programs are told ---------------------------------------------------------------------------------------------


def instant(at: datetime | None) -> str | None:
    """RFC 3339 with Seoul's offset."""
    return at.astimezone(KST).isoformat(timespec="milliseconds") if at else None


def checkout_as_told(checkout: Checkout, origin: str = "") -> dict[str, Any]:
    """A checkout, as the API and the webhooks show it. `origin` is how the outside reaches us."""
    bill, paid = checkout.bill, checkouts.paid_by(checkout)
    return {
        "id": checkout.public_id,
        "object": "checkout",
        "kind": checkout.kind,
        "state": checkout.state,
        "amount": bill.total,
        "tax_free": bill.tax_free,
        "vat": bill.vat,
        "refunded": bill.refunded,
        "currency": "KRW",
        "item": checkout.item,
        "reference": checkout.reference,
        "payment": paid.public_id if paid else None,
        "provider": paid.provider if paid else None,
        "url": f"{origin or settings.PUBLIC_URL or f'http://127.0.0.1:{settings.PORT}'}/pay/{checkout.code}",
        "success_url": checkout.success_url,
        "cancel_url": checkout.cancel_url,
        "opened_at": instant(checkout.opened_at),
        "expires_at": instant(checkout.expires_at),
        "paid_at": instant(checkout.paid_at),
    }


def order_as_told(order: Order) -> dict[str, Any]:
    """An order with its lines, without anybody's name."""
    return {
        "id": order.public_id,
        "object": "order",
        "number": order.number,
        "state": order.state,
        "table": order.table.name if order.table else None,
        "total": order.total,
        "currency": "KRW",
        "by_staff": order.by_staff,
        "reason": order.reason,
        "placed_at": instant(order.placed_at),
        "received_at": instant(order.received_at),
        "changed_at": instant(order.changed_at),
        "lines": [
            {
                "name": line.name,
                "options": line.options,
                "unit_price": line.unit_price,
                "quantity": line.quantity,
                "total": line.total,
                "discount": line.discount,
                "tax_free": line.tax_free,
            }
            for line in order.lines.all()
        ],
    }


def event_as_told(event: Event) -> dict[str, Any]:
    """An event, as the API shows it and as the body of its webhook."""
    return {
        "id": event.public_id,
        "type": event.kind,
        "timestamp": instant(event.at),
        "data": event.content,
    }


def endpoint_as_told(endpoint: Endpoint) -> dict[str, Any]:
    """A webhook endpoint, without its secret."""
    return {
        "id": endpoint.public_id,
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "kinds": endpoint.kinds,
        "enabled": endpoint.disabled_at is None,
        "disabled_because": endpoint.disabled_because,
        "failing_since": instant(endpoint.failing_since),
        "old_secret_until": instant(endpoint.old_until),
        "made_at": instant(endpoint.made_at),
    }
