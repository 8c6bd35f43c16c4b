"""What checkouts do by themselves: nothing that was asked for stays open for ever."""

from dure.checkouts import actions
from dure.kit import clock
from dure.kit.jobs import periodic


@periodic("checkouts.expire", "* * * * *")
def expire(timestamp: int) -> None:
    """Close what nobody paid in time, and forget old one-time codes."""
    actions.expire_checkouts(at=clock.now())
    actions.drop_pay_codes(at=clock.now())
