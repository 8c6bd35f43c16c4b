"""A wave in the outbox: its texts opened, its people queued, the gate's first look, the price held."""

import hashlib
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from pyroaring import BitMap

from dure.campaigns import errors, queries, rules
from dure.campaigns.engine import assign
from dure.campaigns.models import Assignment, Campaign
from dure.campaigns.values import TOPICS, WAYS, Goal
from dure.kit.clock import KST
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.models import Sending
from dure.messaging.values import Form, Medium, MessageKind
from dure.people import actions as people
from dure.people import queries as people_queries
from dure.people.values import NETWORK_SENDER, PLATFORM_NAME, Topic, shop_sender

LASTS = timedelta(days=1)


def write_assignment(
    campaign: Campaign, *, unit: str, share: float, reached: BitMap, held: BitMap, never: int, at: datetime
) -> Assignment:
    """Write down a wave of a locked campaign: whom the coin `unit` let have it and whom it held out."""
    wave = Assignment.objects.filter(campaign=campaign, version=campaign.version).count() + 1
    bits = reached.serialize(), held.serialize()
    return Assignment.objects.create(
        shop_id=campaign.shop_id,
        campaign=campaign,
        version=campaign.version,
        wave=wave,
        unit=unit,
        share=share,
        reached_people=len(reached),
        held_people=len(held),
        never_people=never,
        reached_bits=bits[0],
        held_bits=bits[1],
        digest=hashlib.sha256(b"|".join(bits)).hexdigest(),
        at=at,
    )


def queue_wave(campaign: Campaign, fixed: Assignment, *, at: datetime) -> int:
    """Put everybody whom the coin chose to be written to into the outbox, in the caller's transaction: how many may be.

    Each person gets one text by the first of the campaign's media that reaches them and that they agreed to. Refuses:
    CouponEndsFirst; messaging's BadText and NotEnoughBalance.
    """
    everybody = np.array(BitMap.deserialize(bytes(fixed.reached_bits)).to_array(), np.uint32)
    if not queries.is_to_network(campaign):
        return _queue(campaign, fixed, everybody, at=at)
    friends = queries.agreed_to(campaign.shop, everybody, at=at)
    others = np.setdiff1d(everybody, friends, assume_unique=True)
    return _queue(campaign, fixed, friends, at=at) + _queue(campaign, fixed, others, at=at, for_shop=True)


def _queue(
    campaign: Campaign, fixed: Assignment, persons: NDArray[np.uint32], *, at: datetime, for_shop: bool = False
) -> int:
    if not len(persons):
        return 0
    second = assign.chosen(persons, unit=f"{fixed.unit}:text", secret=settings.SECRET_KEY, share=0.5)
    said = sendings_of(campaign=campaign, at=at, for_shop=for_shop)
    may = 0
    for place, fields in enumerate(said):
        chosen = persons if len(said) == 1 else persons[second] if place else persons[~second]
        name = f"{fixed.version}:{fixed.wave}:{place}{':network' if for_shop else ''}"
        sending = messaging.open_sending(key=f"{queries.reference_of(campaign)}:{name}", at=at, **fields)
        messaging.queue_people(sending=sending, recipients=chosen, at=at)
        may += people.gate_sending(sending=sending, at=at)["may"]
        messaging.hold_price(sending=sending, won=messages.quote(sending, at).won, at=at)
    return may


def sendings_of(*, campaign: Campaign, at: datetime, for_shop: bool = False) -> list[dict[str, Any]]:
    """What `open_sending` takes for each text of the campaign. `for_shop`: to people who are no friends of the shop; then the
    platform is the sender, with its own consent, and a no to either of them holds. Refuses: CouponEndsFirst."""
    begins = people_queries.daytime_from(at)
    ends = begins + LASTS
    until = _coupon_until(campaign, at)
    if until is not None:
        if until <= begins:
            raise errors.CouponEndsFirst(field="offer")
        ends = min(ends, until)
    texts = texts_of(campaign=campaign, values=gap_values(campaign=campaign, at=at))
    common: dict[str, Any] = {
        "reference": queries.reference_of(campaign),
        "sender": shop_sender(campaign.shop.public_id),
        "sender_name": campaign.shop.name,
        "contact": campaign.shop.phone,
        "kind": MessageKind.ADVERTISING,
        "topic": str(Topic.DISCOUNT if campaign.offer else TOPICS[Goal(campaign.goal)]),
        "media": [Medium(medium) for medium in campaign.media],
        "link": "/my/coupons" if campaign.offer else "/my/",
        "details": {"mail_contact": parseaddr(settings.DEFAULT_FROM_EMAIL)[1]},
        "not_before": begins,
        "expires_at": ends,
        "payer": queries.message_account(campaign.shop),
    }
    if for_shop:
        details = {**common["details"], "on_behalf": common["sender"]}
        name = f"{campaign.shop.name} ({PLATFORM_NAME.ko})"
        common |= {"sender": NETWORK_SENDER, "sender_name": name, "details": details}
    return [{**common, "title": title, "body": body} for title, body in texts]


def forms_of(*, campaign: Campaign, at: datetime) -> list[list[Form]]:
    """Each text of the campaign in the form of every medium that may carry it, those that it names first."""
    ways = [m for m in WAYS if m in campaign.media] + [m for m in WAYS if m not in campaign.media]
    return [
        [messages.form_as(Sending(**said), medium) for medium in ways] for said in sendings_of(campaign=campaign, at=at)
    ]


def price_each(*, campaign: Campaign, at: datetime) -> int:
    """Won that one message costs at most: by the dearest of the campaign's media and texts."""
    said = sendings_of(campaign=campaign, at=at)
    return max(messages.price_each(Sending(**fields), at) for fields in said)


def _coupon_until(campaign: Campaign, at: datetime) -> datetime | None:
    offer = campaign.offer
    if offer is None:
        return None
    ends = [at + timedelta(days=offer.valid_days)] if offer.valid_days else []
    return min([*ends, offer.ends_at] if offer.ends_at else ends)


def gap_values(*, campaign: Campaign, at: datetime) -> dict[str, str]:
    """What fills the gaps of a text: the shop, its coupon, the last day of the coupon."""
    values = {"shop": campaign.shop.name}
    until = _coupon_until(campaign, at)
    if campaign.offer and until:
        here = until.astimezone(KST)
        values |= {"coupon": campaign.offer.name["ko"], "until": f"{here.month}월 {here.day}일"}
    return values


def texts_of(*, campaign: Campaign, values: dict[str, str]) -> list[tuple[str, str]]:
    """Title and body with their gaps filled, one pair for each text of the campaign. Its medium gives each its form."""
    texts = [(campaign.title, campaign.body)]
    if campaign.other_title:
        texts.append((campaign.other_title, campaign.other_body or campaign.body))
    return [(rules.filled(title, values), rules.filled(body, values)) for title, body in texts]
