"""The coupon that somebody was given because they had just paid: on the page that says that they did."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from dure.campaigns import queries as campaigns
from dure.shops import fence
from dure.targeting.queries import whys_of
from dure.web.customer.bar import coupon_card

if TYPE_CHECKING:
    from dure.people.models import Person


def till_card(person: Person | None, bill: str, at: datetime) -> dict[str, Any] | None:
    """The coupon as the receipt shows it, with its one line for whoever asks "why me?"; None where nothing was given."""
    if person is None or not campaigns.till_is_open(at=at):
        return None
    with fence.across_shops():  # the coupon is mostly another shop's
        given = campaigns.given_at_till(person, bill, at=at)
        if given is None or given.coupon is None:
            return None
        return {**coupon_card(given.coupon), "why": whys_of(person.pk, {given.shop.public_id})[given.shop.public_id]}
