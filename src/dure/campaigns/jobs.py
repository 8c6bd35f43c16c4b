"""What campaigns do by themselves: start when it is time, write to whoever's turn it is, hand messages over."""

import logging
import os
import subprocess
import sys
from datetime import date, datetime, timedelta

from django.db.models import Q

from dure.campaigns import actions, queries, rules
from dure.campaigns.errors import NothingToPlan
from dure.campaigns.models import Campaign, WeekPlan
from dure.campaigns.values import CampaignState, PlanState, Trigger
from dure.kit import clock, jobs
from dure.kit.errors import DureError
from dure.shops import fence
from dure.shops.models import Shop

GIVEN_UP_AFTER = timedelta(hours=12)
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


@jobs.job("campaigns.choose_at_till")
def choose_at_till(reference: str, person_id: int, shop_id: int, paid_at: str) -> None:
    """What the guest who has just paid gets of this week's campaigns. A person's campaigns are those of many shops."""
    with fence.across_shops():
        actions.choose_at_till(
            reference=reference,
            person_id=person_id,
            shop=Shop.objects.get(pk=shop_id),
            paid_at=datetime.fromisoformat(paid_at),
            at=clock.now(),
        )


@jobs.job("campaigns.plan_week")
def plan_week(plan_id: int) -> None:
    """Finish a planning in a process of its own, which gives way to everybody else and takes its memory with it. One that was
    killed is begun again by the queue and goes on where it stood."""
    with fence.across_shops():
        open_plan = WeekPlan.objects.filter(pk=plan_id, state__in=(PlanState.SCORING, PlanState.SOLVING)).first()
    if open_plan:
        subprocess.run(
            [sys.executable, "-m", "dure.project.cli", "week", "plan", "--number", str(plan_id)],
            check=True,
            preexec_fn=lambda: os.nice(15),
        )


@jobs.periodic("campaigns.plan_weeks", cron="30 20 * * *")
def plan_weeks(timestamp: int) -> None:
    """Early each Korean morning: plan this week and the next where campaigns wait that no plan knows yet."""
    now = clock.now()
    monday = rules.week_of(now.astimezone(clock.KST).date())
    with fence.across_shops():
        actions.count_till(at=now)
        for week_on in (monday, monday + timedelta(days=7)):
            begin(week_on, by="schedule")
        actions.forget_plans(at=now)


def begin(week_on: date, *, by: str) -> WeekPlan | None:
    """A new planning of the week, where a campaign waits that its newest plan does not know."""
    lately = Q(state=PlanState.READY) | Q(at__gt=clock.now() - GIVEN_UP_AFTER)
    known = queries.plans().filter(lately, week_on=week_on).first()
    waiting = set(queries.waiting_for_plan(week_on).values_list("pk", flat=True))
    if known and waiting <= set(known.parts.values_list("campaign_id", flat=True)):
        return None
    try:
        return actions.plan_week(week_on=week_on, by=by, at=clock.now())
    except NothingToPlan:
        return None
