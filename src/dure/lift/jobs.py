"""What lift does by itself: read results on their day, and watch for harm."""

import logging

from dure.campaigns.models import Campaign
from dure.campaigns.values import CampaignState
from dure.kit import clock, jobs
from dure.kit.errors import DureError
from dure.lift import actions, queries
from dure.shops import fence

_log = logging.getLogger(__name__)


@jobs.periodic("lift.measure", cron="* * * * *")
def measure(timestamp: int) -> None:
    """Results whose day has come; each on its own, so that one shop's trouble is not another's."""
    now = clock.now()
    with fence.across_shops():
        for campaign in actions.due_results(at=now):
            try:
                actions.measure_campaign(campaign=campaign, at=now)
            except DureError as refusal:
                _log.warning("campaign %s was not measured: %s", campaign.public_id, refusal.code)


@jobs.periodic("lift.guard", cron="35 * * * *")
def guard(timestamp: int) -> None:
    """Watch every campaign that is out."""
    now = clock.now()
    alive = (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.MEASURING)
    with fence.across_shops():
        for campaign in Campaign.objects.filter(state__in=alive, measured=True).order_by("id"):
            actions.guard_campaign(campaign=campaign, at=now)


@jobs.periodic("lift.foretell", cron="* * * * *")
def foretell(timestamp: int) -> None:
    """Write down what is expected of whatever has just gone out."""
    with fence.across_shops():
        for campaign in queries.without_forecast():
            actions.foretell_campaign(campaign=campaign, at=clock.now())
