"""Everything done for and by connected programs: keys, kept replies, webhooks."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from dure.checkouts.events import CheckoutClosed, CheckoutOpened, CheckoutPaid, CheckoutReturned
from dure.checkouts.models import Checkout
from dure.kit import clock, events, ids, jobs
from dure.ordering.events import OrderMoved, OrderReceived
from dure.ordering.models import Order
from dure.partners import errors, queries, rules
from dure.partners.channels import webhooks
from dure.partners.models import ApiKey, Dispatch, Endpoint, Event, Reply
from dure.partners.values import VERSION, Answered, DispatchState, EventKind, Scope, Told
from dure.shops import fence
from dure.shops.models import Shop

ENDPOINTS_MAX = 10
REPLIES_FOR, EVENTS_FOR = timedelta(days=7), timedelta(days=90)
USED_EVERY = timedelta(minutes=1)


# Keys ---------------------------------------------------------------------------------------------------------------


def make_key(*, shop: Shop, name: str, scopes: Sequence[Scope], by: str, at: datetime) -> tuple[ApiKey, str]:
    """A key for one program. The second value is all of it, told once: of its secret only a hash is kept.

    Refuses: NoScope. Rings.
    """
    if not scopes:
        raise errors.NoScope(field="scopes")
    kind = "live" if settings.PRODUCTION else "test"
    prefix, secret = f"sk_{kind}_{ids.new_code(8).lower()}", secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        shop=shop,
        public_id=ids.new_public_id("key"),
        name=name.strip()[:60] or "API",
        prefix=prefix,
        secret_hash=rules.secret_hash(secret),
        scopes=[str(scope) for scope in Scope if scope in scopes],
        version=VERSION,
        by=by,
        made_at=at,
    )
    return key, f"{prefix}_{secret}"


def rotate_key(*, key: ApiKey, by: str, at: datetime) -> tuple[ApiKey, str]:
    """A successor with the same name and scopes; the old one goes on for a day, so that nothing stands still meanwhile.

    Refuses: NoSuchKey for one that is over or already has its successor.
    """
    with transaction.atomic():
        locked = ApiKey.objects.select_for_update(of=("self",)).select_related("shop").get(pk=key.pk)
        if not queries.is_living(locked, at) or locked.expires_at is not None:
            raise errors.NoSuchKey
        locked.expires_at = at + rules.OLD_KEY_LIVES
        locked.save(update_fields=["expires_at"])
        scopes = [Scope(one) for one in locked.scopes]
        return make_key(shop=locked.shop, name=locked.name, scopes=scopes, by=by, at=at)


def revoke_key(*, key: ApiKey, by: str, at: datetime) -> ApiKey:
    """From the next request on this key opens nothing. Repeat-safe."""
    ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=at)
    key.refresh_from_db()
    return key


def note_use(*, key: ApiKey, at: datetime) -> None:
    """Write down when a key was last used, to the minute: a busy key is not a row that everybody writes."""
    if key.last_used_at is None or at - key.last_used_at >= USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)


# Repeating a request ------------------------------------------------------------------------------------------------


def reserve_reply(*, api_key: ApiKey, key: str, method: str, path: str, body: bytes, at: datetime) -> Told | None:
    """Take an Idempotency-Key for the caller's transaction, in which its effect happens too: None, go on. What was answered
    before where the same request was made before; whoever asks at the same instant waits for the first to commit.

    Refuses: KeyMissing, BodyChanged (another request with this key).
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a reply is reserved in the transaction of its effect")
    if not rules.could_be_idempotency_key(key):
        raise errors.KeyMissing
    body_hash = rules.request_hash(method, path, body)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO partners_reply (shop_id, api_key_id, key, body_hash, status, body, at) "
            "VALUES (%s, %s, %s, %s, 0, '', %s) ON CONFLICT (api_key_id, key) DO NOTHING RETURNING id",
            [api_key.shop_id, api_key.pk, key, body_hash, at],
        )
        if cursor.fetchone():
            return None
    kept = Reply.objects.get(api_key=api_key, key=key)
    if kept.body_hash != body_hash:
        raise errors.BodyChanged
    return Told(status=kept.status, body=kept.body, replayed=True)


def keep_reply(*, api_key: ApiKey, key: str, status: int, body: str) -> None:
    """Keep what was answered to the request that reserved this key."""
    Reply.objects.filter(api_key=api_key, key=key).update(status=status, body=body)


# Webhook endpoints --------------------------------------------------------------------------------------------------


def add_endpoint(
    *, shop: Shop, url: str, kinds: Sequence[EventKind] = (), by: str, at: datetime
) -> tuple[Endpoint, str]:
    """Tell `url` from now on what happens (no kinds: everything). The second value is its secret.

    Refuses: UrlNotAllowed, TooManyEndpoints.
    """
    if not rules.could_be_sent_to(url, practice=settings.WEBHOOK_PRACTICE):
        raise errors.UrlNotAllowed(field="url")
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        if Endpoint.objects.filter(shop=shop, disabled_at__isnull=True).count() >= ENDPOINTS_MAX:
            raise errors.TooManyEndpoints
        endpoint = Endpoint.objects.create(
            shop=shop,
            public_id=ids.new_public_id("whk"),
            url=url,
            kinds=[str(kind) for kind in EventKind if kind in kinds],
            by=by,
            made_at=at,
        )
    return endpoint, queries.secrets_of(endpoint, at)[0]


def rotate_secret(*, endpoint: Endpoint, at: datetime) -> tuple[Endpoint, str]:
    """A new secret; for a day webhooks are signed with both, so that the program can change over in peace."""
    with transaction.atomic():
        locked = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        locked.generation, locked.old_until = locked.generation + 1, at + rules.OLD_SECRET_LIVES
        locked.save(update_fields=["generation", "old_until"])
    return locked, queries.secrets_of(locked, at)[0]


def disable_endpoint(*, endpoint: Endpoint, because: str, at: datetime) -> Endpoint:
    """Tell it nothing any more; what waits is given up, and can be sent again later. Repeat-safe."""
    with transaction.atomic():
        changed = Endpoint.objects.filter(pk=endpoint.pk, disabled_at__isnull=True).update(
            disabled_at=at, disabled_because=because
        )
        if changed:
            before = rules.states_before(DispatchState.GIVEN_UP)
            waiting = Dispatch.objects.filter(endpoint=endpoint, state__in=before)
            waiting.update(state=DispatchState.GIVEN_UP, fault="disabled")
            events.ring(f"shop:{endpoint.shop_id}")
    endpoint.refresh_from_db()
    return endpoint


def enable_endpoint(*, endpoint: Endpoint, at: datetime) -> Endpoint:
    """Tell it again what happens from now on. What it missed is sent by resend_lost. Repeat-safe. Refuses: UrlNotAllowed."""
    if not rules.could_be_sent_to(endpoint.url, practice=settings.WEBHOOK_PRACTICE):
        raise errors.UrlNotAllowed
    Endpoint.objects.filter(pk=endpoint.pk).update(disabled_at=None, disabled_because="", failing_since=None)
    endpoint.refresh_from_db()
    return endpoint


# Events -------------------------------------------------------------------------------------------------------------


def ping_endpoint(*, endpoint: Endpoint, at: datetime) -> Event:
    """Send a webhook that says nothing, to see whether it arrives. Refuses: EndpointDisabled."""
    if endpoint.disabled_at is not None:
        raise errors.EndpointDisabled
    with transaction.atomic():
        content = {"id": endpoint.public_id, "object": "webhook_endpoint"}
        event = _event(endpoint.shop_id, EventKind.PING, endpoint.public_id, content, at)
        _queue(event, endpoint, at)
        return event


def resend_event(*, event: Event, endpoint: Endpoint | None = None, at: datetime) -> int:
    """Send an event once more, to one endpoint or to every one that is told of its kind; what already waits, waits.
    Returns to how many."""
    with transaction.atomic():
        told = [endpoint] if endpoint else list(_told_of(event.shop_id, event.kind))
        return sum(_queue(event, one, at) for one in told if one.disabled_at is None)


def resend_lost(*, endpoint: Endpoint, at: datetime) -> int:
    """Send again everything that an endpoint never took, in the order in which it happened. Returns how many.

    Refuses: EndpointDisabled.
    """
    if endpoint.disabled_at is not None:
        raise errors.EndpointDisabled
    with transaction.atomic():
        lost = Dispatch.objects.select_for_update().filter(endpoint=endpoint, state=DispatchState.GIVEN_UP)
        return sum(_queue(dispatch.event, endpoint, at) for dispatch in lost.order_by("id"))


def _told_of(shop_id: int, kind: str) -> Sequence[Endpoint]:
    living = Endpoint.objects.filter(shop_id=shop_id, disabled_at__isnull=True).order_by("id")
    return [one for one in living if not one.kinds or kind in one.kinds]


def _event(shop_id: int, kind: EventKind, object_id: str, content: Mapping[str, object], at: datetime) -> Event:
    return Event.objects.create(
        shop_id=shop_id, public_id=ids.new_public_id("evt"), kind=kind, object_id=object_id, content=content, at=at
    )


def _queue(event: Event, endpoint: Endpoint, at: datetime) -> int:
    """Have an event sent to an endpoint, from the first try on. 0 where it waits already."""
    dispatch, new = Dispatch.objects.get_or_create(
        event=event,
        endpoint=endpoint,
        defaults={"shop_id": event.shop_id, "object_id": event.object_id, "due_at": at},
    )
    if not new:
        moved = Dispatch.objects.filter(pk=dispatch.pk, state__in=rules.states_before(DispatchState.WAITING))
        if not moved.update(state=DispatchState.WAITING, tries=0, due_at=at, fault="", status=0):
            return 0
    jobs.enqueue("partners.send", once=f"dispatch:{dispatch.pk}", dispatch_id=dispatch.pk)
    return 1


def record_checkout(fact: CheckoutOpened | CheckoutPaid | CheckoutReturned | CheckoutClosed) -> None:
    """Something happened to a checkout: written down in the same transaction, and on its way to whoever is told."""
    kind = {
        CheckoutOpened: EventKind.CHECKOUT_OPENED,
        CheckoutPaid: EventKind.CHECKOUT_PAID,
        CheckoutReturned: EventKind.CHECKOUT_RETURNED,
        CheckoutClosed: EventKind.CHECKOUT_CLOSED,
    }[type(fact)]
    with fence.anywhere():
        if not _anybody_connected(fact.shop_id):
            return
        checkout = Checkout.objects.select_related("shop", "bill").get(pk=fact.checkout_id)
        _tell(fact.shop_id, kind, checkout.public_id, queries.checkout_as_told(checkout), fact.at)


def record_order(fact: OrderReceived | OrderMoved) -> None:
    """Something happened to an order: as above."""
    kind = EventKind.ORDER_RECEIVED if isinstance(fact, OrderReceived) else EventKind.ORDER_MOVED
    with fence.anywhere():
        if not _anybody_connected(fact.shop_id):
            return
        order = Order.objects.select_related("table").prefetch_related("lines").get(pk=fact.order_id)
        _tell(fact.shop_id, kind, order.public_id, queries.order_as_told(order), fact.at)


def _anybody_connected(shop_id: int) -> bool:
    """Most shops have no program at all, and pay for none."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (SELECT FROM partners_apikey WHERE shop_id = %s AND revoked_at IS NULL)
                OR EXISTS (SELECT FROM partners_endpoint WHERE shop_id = %s AND disabled_at IS NULL)
            """,
            [shop_id, shop_id],
        )
        return bool(cursor.fetchone()[0])


def _tell(shop_id: int, kind: EventKind, object_id: str, content: dict[str, object], at: datetime) -> None:
    if len(json.dumps(content, ensure_ascii=False).encode()) > rules.BODY_MAX - 500:
        content = {"id": object_id, "object": str(content.get("object", "")), "state": str(content.get("state", ""))}
    event = _event(shop_id, kind, object_id, content, at)
    for endpoint in _told_of(shop_id, kind):
        _queue(event, endpoint, at)


def send_event(*, dispatch: Dispatch, at: datetime) -> Dispatch:
    """One try to deliver one event, if it is due and nothing before it about the same object still waits.

    Must not run inside a transaction: the partner's server is asked. At least once: a crash between its answer and our note
    means that it is told again, with the same webhook-id. 2xx is taken; 410 disables the endpoint; anything else is tried
    again later, ten times over three and a half days.
    """
    dispatch = Dispatch.objects.select_related("event", "endpoint").get(pk=dispatch.pk)
    endpoint = dispatch.endpoint
    if dispatch.state != DispatchState.WAITING or dispatch.due_at > at or not queries.is_first_of_its_object(dispatch):
        return dispatch
    if endpoint.disabled_at is not None:
        before = rules.states_before(DispatchState.GIVEN_UP)
        Dispatch.objects.filter(pk=dispatch.pk, state__in=before).update(state=DispatchState.GIVEN_UP, fault="disabled")
        return dispatch
    body = json.dumps(queries.event_as_told(dispatch.event), ensure_ascii=False, separators=(",", ":")).encode()
    stamp = int((at - clock.ahead()).timestamp())  # whoever reads it compares it with a clock of its own
    name = dispatch.event.public_id
    signatures = [rules.signature(secret, name, stamp, body) for secret in queries.secrets_of(endpoint, at)]
    answered = webhooks.send(
        endpoint.url,
        [
            ("webhook-id", name),
            ("webhook-timestamp", str(stamp)),
            ("webhook-signature", " ".join(signatures)),
        ],
        body,
        practice=settings.WEBHOOK_PRACTICE,
        seconds=settings.WEBHOOK_SECONDS,
    )
    with transaction.atomic():
        return _note(dispatch, answered, at)


def _note(dispatch: Dispatch, answered: Answered, at: datetime) -> Dispatch:
    endpoint = Endpoint.objects.select_for_update().get(pk=dispatch.endpoint_id)
    locked = Dispatch.objects.select_for_update(of=("self",)).select_related("event").get(pk=dispatch.pk)
    if locked.state not in rules.states_before(DispatchState.SENT):
        return locked
    locked.tries, locked.tried_at = locked.tries + 1, at
    locked.status, locked.fault = answered.status, answered.fault
    again = None
    if answered.took_it:
        locked.state, locked.sent_at = DispatchState.SENT, at
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)
    else:
        again = rules.next_try(locked.tries, at, answered, secrets.randbelow(100))
        locked.state = DispatchState.WAITING if again else DispatchState.GIVEN_UP
        locked.due_at = again or locked.due_at
        since = endpoint.failing_since or at
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=since)
    locked.save()
    if answered.status == rules.GONE:
        disable_endpoint(endpoint=endpoint, because="gone", at=at)
    elif not answered.took_it and at - (endpoint.failing_since or at) >= rules.DEAD_AFTER:
        disable_endpoint(endpoint=endpoint, because="dead", at=at)
    elif again:
        jobs.enqueue("partners.send", at=again, once=f"dispatch:{locked.pk}", dispatch_id=locked.pk)
    else:
        _next(locked)
    events.ring(f"shop:{locked.shop_id}")
    return locked


def _next(dispatch: Dispatch) -> None:
    same = Dispatch.objects.filter(endpoint_id=dispatch.endpoint_id, object_id=dispatch.object_id)
    waiting = same.filter(state=DispatchState.WAITING).order_by("id").first()
    if waiting:
        jobs.enqueue("partners.send", at=waiting.due_at, once=f"dispatch:{waiting.pk}", dispatch_id=waiting.pk)


def forget_old(*, at: datetime) -> tuple[int, int]:
    """Drop kept replies after a week and events after ninety days. Returns how many of each."""
    replies = Reply.objects.filter(at__lt=at - REPLIES_FOR).delete()[0]
    gone = Event.objects.filter(at__lt=at - EVENTS_FOR).exclude(dispatches__state=DispatchState.WAITING)
    return replies, gone.delete()[0]
