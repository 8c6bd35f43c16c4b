"""One text into one inbox, and the browsers that ring for it."""

from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db import transaction

from dure.kit import ids
from dure.messaging import queries, rules
from dure.messaging.errors import KeyReused, NoEndpoint, NotPermitted
from dure.messaging.models import Endpoint, Message, Mute, Outgoing
from dure.messaging.values import AD_MARK, PERMIT_LASTS, Fate, MessageKind, Permit


def issue_permit(
    *,
    address: str,
    sender: str,
    kind: MessageKind,
    title: str,
    body: str,
    link: str,
    basis: str,
    at: datetime,
    until: datetime | None = None,
) -> Permit:
    """Sign the right to send one text once, in the transaction we stand in, for a minute or `until`, if that is sooner.

    Only the room that keeps the consents calls this, while it holds the lock that a withdrawal waits for: a permit that
    outlived its transaction would outlive that lock, so the rail takes it in no other.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a permit is asked for and used inside one transaction.atomic() block")
    expires_at = at + PERMIT_LASTS
    permit = Permit(
        address=address,
        sender=sender,
        kind=kind,
        text_hash=rules.text_hash(title, body, link),
        basis=basis,
        transaction=queries.this_transaction(),
        issued_at=at,
        expires_at=min(expires_at, until) if until else expires_at,
        signature="",
    )
    return replace(permit, signature=rules.signature(permit, settings.SECRET_KEY))


@transaction.atomic
def send_message(
    *,
    permit: Permit,
    title: str,
    body: str,
    link: str,
    sender_name: str,
    key: str,
    at: datetime,
    topic: str = "",
) -> Message:
    """Put one text into the inbox that `permit` names.

    Refuses a permit that is forged, altered, expired, of another transaction or for another text, and an advertisement
    whose title does not begin with (광고): NotPermitted. Repeating it with the same key and text gives the same message;
    with another text KeyReused.
    """
    good = rules.is_good(
        permit,
        title=title,
        body=body,
        link=link,
        transaction=queries.this_transaction(),
        at=at,
        secret=settings.SECRET_KEY,
    )
    if not good or (permit.kind == MessageKind.ADVERTISING and not title.startswith(AD_MARK)):
        raise NotPermitted
    message, fresh = Message.objects.get_or_create(
        key=key,
        defaults={
            "public_id": ids.new_public_id("msg"),
            "address": permit.address,
            "sender": permit.sender,
            "sender_name": sender_name,
            "kind": permit.kind,
            "topic": topic,
            "basis": permit.basis,
            "title": title,
            "body": body,
            "link": link,
            "sent_at": at,
        },
    )
    same = (message.address, message.sender, rules.text_hash(message.title, message.body, message.link))
    if not fresh and same != (permit.address, permit.sender, permit.text_hash):
        raise KeyReused
    return message


def read_message(*, address: str, message: str, at: datetime) -> Message:
    """Mark the message with this public id read, keeping the first time. Refuses one of another inbox: NoSuchMessage."""
    Message.objects.filter(address=address, public_id=message, read_at__isnull=True).update(read_at=at)
    return queries.message_in(address, message)


def move_inbox(*, address: str, to: str, recipient: int = 0, to_recipient: int = 0) -> None:
    """Whatever reached `address` belongs to `to` from now on; so does what is still on its way. Safe to repeat."""
    Message.objects.filter(address=address).update(address=to)
    Endpoint.objects.filter(address=address).update(address=to)
    Mute.objects.filter(address=address, sender__in=Mute.objects.filter(address=to).values("sender")).delete()
    Mute.objects.filter(address=address).update(address=to)
    if recipient and to_recipient:
        # Where both were to get the same text, one of the two is enough; what one of them got stays as a receipt.
        both = Outgoing.objects.filter(recipient=to_recipient).values("sending_id")
        gone = Outgoing.objects.filter(recipient=recipient)
        gone.filter(sending_id__in=both, fate=Fate.WAITING).update(fate=Fate.STOPPED, reason="merged", recipient=None)
        gone.filter(sending_id__in=both).update(recipient=None)
        gone.update(recipient=to_recipient)


def forget_address(*, address: str, recipient: int = 0) -> None:
    """Delete every message of this inbox and the browsers that rang for it. What was on its way stops; receipts stay without
    saying whose they were. Safe to repeat."""
    Message.objects.filter(address=address).delete()
    Endpoint.objects.filter(address=address).delete()
    Mute.objects.filter(address=address).delete()
    if recipient:
        gone = Outgoing.objects.filter(recipient=recipient)
        gone.filter(fate=Fate.WAITING).update(fate=Fate.STOPPED, reason="erased")
        gone.update(recipient=None, variables=None, provider_key=None)


def keep_endpoint(*, address: str, url: str, p256dh: str, auth: str, at: datetime) -> Endpoint:
    """Ring this browser for this inbox from now on. A browser rings for one inbox: the last that asked. Refuses a place that
    is no push service's, or keys nobody could read with: NoEndpoint. Safe to repeat."""
    if not rules.is_endpoint(url, p256dh, auth, allow_loopback=not settings.PRODUCTION):
        raise NoEndpoint
    kept, _ = Endpoint.objects.update_or_create(
        url=url, defaults={"address": address, "p256dh": p256dh, "auth": auth, "created_at": at}
    )
    return kept


def drop_endpoint(*, address: str, url: str) -> None:
    """Ring this browser no more. Safe to repeat."""
    Endpoint.objects.filter(address=address, url=url).delete()


def mute_sender(*, address: str, sender: str, at: datetime) -> None:
    """Ring no browser of this inbox for `sender` from now on. Safe to repeat."""
    Mute.objects.get_or_create(address=address, sender=sender, defaults={"since_at": at})


def unmute_sender(*, address: str, sender: str) -> None:
    """Ring for them again. Safe to repeat."""
    Mute.objects.filter(address=address, sender=sender).delete()
