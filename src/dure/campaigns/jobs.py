"""What campaigns do by themselves: start when it is time, write to whoever's turn it is, hand messages over."""

import logging

from dure.campaigns import actions
from dure.campaigns.models import Campaign
from dure.campaigns.values import CampaignState, Trigger
from dure.kit import clock, jobs
from dure.kit.errors import DureError
from dure.shops import fence

_log = logging.getLogger(__name__)


@jobs.job("campaigns.start")
def start(campaign_id: int) -> None:
    """Start one campaign whose time has come; one that cannot go is a draft again, with the reason."""
    with fence.across_shops():
        campaign = Campaign.objects.filter(pk=campaign_id).first()
        if campaign:
            _start(campaign)


def _start(campaign: Campaign) -> None:
    now = clock.now()
    if campaign.state != CampaignState.SCHEDULED or campaign.send_at is None or now < campaign.send_at:
        return
    try:
        actions.start_campaign(campaign=campaign, at=now)
    except DureError as refusal:
        _log.info("campaign %s was sent back: %s", campaign.public_id, refusal.code)
        actions.send_back(campaign=campaign, reason=refusal.sentence.within("ko"), at=now)


@jobs.periodic("campaigns.finish_sent", cron="* * * * *")
def finish_sent(timestamp: int) -> None:
    """What has gone out waits for its result from now on."""
    with fence.across_shops():
        for one in Campaign.objects.filter(state=CampaignState.RUNNING, trigger=Trigger.HAND).order_by("id"):
            actions.finish_sending(campaign=one, at=clock.now())


@jobs.periodic("campaigns.start_due", cron="* * * * *")
def start_due(timestamp: int) -> None:
    """Start whatever a lost job left behind."""
    with fence.across_shops():
        for one in Campaign.objects.filter(state=CampaignState.SCHEDULED, send_at__lte=clock.now())[:100]:
            _start(one)


@jobs.periodic("campaigns.run_automations", cron="5 * * * *")
def run_automations(timestamp: int) -> None:
    """Once a day each, between ten and six Korean time: nobody wants a greeting at night."""
    now = clock.now()
    if not 10 <= now.astimezone(clock.KST).hour < 18:
        return
    with fence.across_shops():
        alive = Campaign.objects.filter(state=CampaignState.RUNNING).exclude(trigger=Trigger.HAND)
        for one in alive.order_by("id"):
            try:
                actions.run_automation(campaign=one, at=now)
            except DureError as refusal:
                _log.info("automation %s did not run: %s", one.public_id, refusal.code)
