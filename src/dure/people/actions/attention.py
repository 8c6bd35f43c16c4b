"""A person's attention is theirs: how much of it advertising may have, and one tap that ends it."""

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction

from dure.messaging import queries as messages
from dure.messaging.errors import NoSuchMessage
from dure.people.actions.persons import hold_alone, withdraw_consent
from dure.people.errors import WrongAttention
from dure.people.models import Attention, Person, SaleContact
from dure.people.values import EVERYBODY, Purpose, RefusalScope, topic_sender

MOST = 100


@transaction.atomic
def set_attention(
    *,
    person: Person,
    per_day: int | None,
    per_week: int | None,
    quiet_from: time | None,
    quiet_until: time | None,
    zone: str,
    at: datetime,
) -> Attention:
    """Say how many advertisements a day and a week, and the hours of quiet where the person lives. None leaves it to the
    operator's limits. Refuses: WrongAttention. It holds for what is queued already."""
    if any(n is not None and not 0 <= n <= MOST for n in (per_day, per_week)):
        raise WrongAttention
    if (quiet_from is None) != (quiet_until is None):
        raise WrongAttention
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise WrongAttention from unknown
    hold_alone(person.pk)
    said: dict[str, Any] = {
        "per_day": per_day,
        "per_week": per_week,
        "quiet_from": quiet_from,
        "quiet_until": quiet_until,
        "zone": zone,
        "changed_at": at,
    }
    wallet, _ = Attention.objects.update_or_create(person=person, defaults=said)
    return wallet


def refuse_advertising(
    *, person: Person, sender: str, source: str, proof: dict[str, Any], by: str, at: datetime
) -> None:
    """A no to this sender, to a topic (`topic:…`), or to everybody (`*`). When it returns and the caller commits, nothing of
    it is handed over, whatever was queued. Safe to repeat."""
    withdraw_consent(
        person=person, sender=sender, purpose=Purpose.ADVERTISING, source=source, proof=proof, by=by, at=at
    )


def refuse_by_link(*, token: str, scope: RefusalScope, proof: dict[str, Any], at: datetime) -> str:
    """The no that a message's own link carries: no login, as often as somebody taps. The sender's name, for the page.

    Refuses a link that we did not write: NoSuchMessage. Of somebody forgotten nothing is left to refuse, and that is fine.
    """
    found = messages.refused_by(token)
    if found is None:
        raise NoSuchMessage
    sending, recipient = found
    senders = {
        RefusalScope.SENDER: str(sending.details.get("on_behalf") or sending.sender),
        RefusalScope.TOPIC: topic_sender(sending.topic),
        RefusalScope.ALL: EVERYBODY,
    }
    person = Person.objects.filter(pk=recipient, erased_at__isnull=True).first()
    if person is not None:
        refuse_advertising(
            person=person,
            sender=senders[scope],
            source="link",
            proof={**proof, "sending": sending.public_id},
            by="link",
            at=at,
        )
    return sending.sender_name


@transaction.atomic
def note_sale_contact(*, person: Person, sender: str, medium: str, goods: str, ended_at: datetime) -> None:
    """A seller took down this contact in a sale of `goods` that ended then. It lets the seller advertise the same goods there
    for six months, and nobody else, nothing else, nowhere else; a no ends it. Safe to repeat; the newest sale counts."""
    known, fresh = SaleContact.objects.get_or_create(
        person=person, sender=sender, medium=medium, goods=goods, defaults={"ended_at": ended_at}
    )
    if not fresh and known.ended_at < ended_at:
        SaleContact.objects.filter(pk=known.pk).update(ended_at=ended_at)
