"""A campaign goes out: frozen, assigned, held out, given its coupons and queued in one transaction, or not at all."""

from datetime import datetime

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray
from pyroaring import BitMap

from dure.audiences import actions as audiences
from dure.audiences import queries as audience_queries
from dure.audiences.errors import AskedEnough, TooFew
from dure.campaigns import errors, queries, rules
from dure.campaigns.actions.drafts import check_campaign, check_offer, lock, not_before, step
from dure.campaigns.actions.outbox import price_each, queue_wave, write_assignment
from dure.campaigns.engine import assign
from dure.campaigns.models import Assignment, Campaign
from dure.campaigns.values import CampaignState, Trigger
from dure.kit import jobs
from dure.kit.clock import KST
from dure.kit.language import Text, say
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.values import MessageKind
from dure.offers import actions as offers
from dure.offers.errors import OfferNotRunning, OutOfStock
from dure.people import actions as people
from dure.people.values import NETWORK_SENDER, PLATFORM_NAME
from dure.shops import queries as shops
from dure.shops.values import Role

AUTOMATION_SHARE = 0.2


def submit_campaign(*, campaign: Campaign, send_at: datetime, by: str, at: datetime) -> Campaign:
    """Hand a draft in. To the shop's own friends it is scheduled at once when the rules find nothing; to people it does not
    know it waits in review for an operator.

    Refuses CampaignStateWrong, SetBack, TooSoonForPlan, NobodyToReach, OverBudget, CouponEndsFirst, CouponNotEnough and what
    `check_campaign` refuses.
    """
    with transaction.atomic():
        locked = lock(campaign)
        if locked.state != CampaignState.DRAFT:
            raise errors.CampaignStateWrong
        locked.send_at = max(send_at, at)
        check_campaign(campaign=locked, at=at)
        if locked.by_plan and locked.send_at.astimezone(KST).date() <= at.astimezone(KST).date():
            raise errors.TooSoonForPlan(field="on")
        people_now = queries.people_of(locked, at=at)
        if queries.is_to_network(locked):
            _enough_strangers(locked, len(people_now), at=at)
        elif not len(people_now):
            raise errors.NobodyToReach
        _affordable(locked, len(people_now))
        step(locked, CampaignState.REVIEW, by=by, at=at)
        if not queries.is_to_network(locked):
            step(locked, CampaignState.SCHEDULED, by="rules", at=at)
            jobs.enqueue("campaigns.start", at=locked.send_at, campaign_id=locked.pk)
        return locked


def review_campaign(*, campaign: Campaign, accepted: bool, reason: str = "", by: str, at: datetime) -> Campaign:
    """An operator lets a campaign to strangers go, or sends it back as a draft with a reason; its owners are told. One whose
    day passed meanwhile goes at once. Refuses CampaignStateWrong; ReasonMissing for a no without one."""
    with transaction.atomic():
        locked = lock(campaign)
        if locked.state != CampaignState.REVIEW:
            raise errors.CampaignStateWrong
        if not accepted and not reason.strip():
            raise errors.ReasonMissing(field="reason")
        step(locked, CampaignState.SCHEDULED if accepted else CampaignState.DRAFT, by=by, at=at, reason=reason)
        if accepted and locked.send_at:
            locked.send_at = max(locked.send_at, at)
            locked.save(update_fields=["send_at"])
            jobs.enqueue("campaigns.start", at=locked.send_at, campaign_id=locked.pk)
        tell_owners(
            campaign=locked,
            title=say("‘{name}’ 캠페인을 확인했어요", en="We read your campaign “{name}”", name=locked.name),
            body=say("정한 때에 나가요.", en="It goes out when you said.")
            if accepted
            else say("이대로는 보낼 수 없어요: {reason}", en="It cannot go out as it is: {reason}", reason=reason),
            key=f"review:{locked.public_id}:{locked.version}:{at.isoformat()}",
            at=at,
        )
        return locked


def tell_owners(*, campaign: Campaign, title: Text, body: Text, key: str, at: datetime) -> None:
    """Tell the shop's owners about a campaign of theirs, each in their language. Safe to repeat with the same key."""
    for member in shops.staff_of(campaign.shop):
        if member.role == Role.OWNER:
            language = member.person.language
            people.message_person(
                person=member.person,
                sender=NETWORK_SENDER,
                sender_name=PLATFORM_NAME.within(language),
                kind=MessageKind.INFORMATION,
                title=title.within(language),
                body=body.within(language),
                link=f"/console/{campaign.shop.public_id}/campaigns/{campaign.public_id}",
                key=f"{key}:{member.person.public_id}",
                at=at,
            )


def start_campaign(*, campaign: Campaign, at: datetime) -> Campaign:
    """Send a scheduled campaign whose time has come. Everything that decides who is written to is fixed first: the audience
    is frozen, the coin thrown, coupons given, messages queued, in one transaction. Safe to repeat.

    Refuses CampaignStateWrong, SetBack, AudienceShrank, CouponEndsFirst, CouponNotEnough, OverBudget, and then nothing was
    sent and nobody has a coupon.
    """
    with transaction.atomic():
        locked = lock(campaign)
        if locked.state in (CampaignState.RUNNING, CampaignState.MEASURING):
            return locked
        if locked.state != CampaignState.SCHEDULED or locked.send_at is None or at < locked.send_at:
            raise errors.CampaignStateWrong
        not_before(locked, at)
        check_offer(locked, at)
        persons, most, share = _frozen(locked, at=at), locked.most, None
        if locked.by_plan:
            persons, most, share = _planned(locked, persons)
        if not len(persons):
            raise errors.AudienceShrank
        if not locked.by_plan:
            _affordable(locked, len(persons))
        locked.measured = len(persons) >= rules.PEOPLE_TO_MEASURE
        fixed = _assign(locked, persons, share=share if locked.measured else 0.0, most=most, at=at)
        if not fixed.reached_people:
            raise errors.AudienceShrank
        locked.result_at = queries.result_at(locked, at=at) if locked.measured else None
        step(locked, CampaignState.RUNNING, by="schedule", at=at)
        _give_and_queue(locked, fixed, at=at)
        return locked


def run_automation(*, campaign: Campaign, at: datetime) -> Assignment | None:
    """Write to whoever's turn it is today: one wave a day. None where nobody's is. Safe to repeat."""
    with transaction.atomic():
        locked = lock(campaign)
        if locked.state != CampaignState.RUNNING or locked.trigger == Trigger.HAND:
            return None
        not_before(locked, at)
        check_offer(locked, at)
        last = Assignment.objects.filter(shop_id=locked.shop_id, campaign=locked).order_by("-at").first()
        if last and last.at.astimezone(KST).date() >= at.astimezone(KST).date():
            return None
        persons = queries.due_for(locked, at=at)
        if not len(persons):
            return None
        fixed = _assign(locked, persons, share=AUTOMATION_SHARE, most=None, at=at)
        _give_and_queue(locked, fixed, at=at)
        return fixed


def _frozen(campaign: Campaign, *, at: datetime) -> NDArray[np.uint32]:
    """Who is meant, fixed at this instant; where strangers may be among them, the audiences room keeps it and says whether
    they are enough. Refuses: audiences' TooFew and AskedEnough."""
    if not queries.is_to_network(campaign):
        return queries.people_of(campaign, at=at)
    document = campaign.audience["definition"]
    frozen = audiences.freeze_audience(shop=campaign.shop, definition=document, by="schedule", at=at)
    numbers = audience_queries.persons_of(audience_queries.ordinals_of(frozen))
    taken = queries.taken_in(campaign.shop, at=at)
    persons = np.setdiff1d(np.array(numbers.to_array(), np.uint32), taken, assume_unique=True)
    _enough_strangers(campaign, len(persons), at=at)
    return persons


def _planned(campaign: Campaign, persons: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], int, float]:
    """Those of `persons` whom the week's plan chose for the campaign, how many messages that is, and the share that is held out
    of them: the plan chose more by just that. Refuses NotPlanned."""
    part = queries.part_of(campaign)
    if part is None or part.chosen_bits is None:
        raise errors.NotPlanned
    chosen = np.array(BitMap.deserialize(bytes(part.chosen_bits)).to_array(), np.uint32)
    most = int(round(part.used * (1 - part.share), 6))
    if campaign.budget is not None and part.each:
        most = min(most, campaign.budget // part.each)
    return np.intersect1d(persons, chosen, assume_unique=True), most, part.share


def _enough_strangers(campaign: Campaign, count: int, *, at: datetime) -> None:
    """Whether those who can really be written to are 100, said on a noised number like every other. Refuses: TooFew."""
    about = f"campaign:{campaign.public_id}:people"
    if audiences.report_count(shop=campaign.shop, about=about, people=count, at=at).people is None:
        raise TooFew


def _affordable(campaign: Campaign, people_count: int) -> None:
    at = campaign.send_at or campaign.created_at
    plan = queries.forecast_of(campaign, people=people_count, each=price_each(campaign=campaign, at=at))
    if campaign.budget is not None and plan.price > campaign.budget:
        raise errors.OverBudget
    offer = campaign.offer
    if offer and offer.stock is not None and offer.stock - offer.issued < plan.messages:
        raise errors.CouponNotEnough


def _assign(
    campaign: Campaign, persons: NDArray[np.uint32], *, share: float | None, most: int | None, at: datetime
) -> Assignment:
    unit = f"{campaign.public_id}:{campaign.version}"
    found = assign.assign(persons, unit=unit, secret=settings.SECRET_KEY, most=most, share=share)
    return write_assignment(
        campaign, unit=unit, share=found.share, reached=BitMap(found.reached), held=BitMap(found.held), never=found.never,
        at=at,
    )  # fmt: skip


def _give_and_queue(campaign: Campaign, fixed: Assignment, *, at: datetime) -> None:
    """Coupons for the reached, and their messages in the outbox, looked at by the gate and paid for."""
    if campaign.offer:
        reached = list(BitMap.deserialize(bytes(fixed.reached_bits)))
        try:
            offers.issue_coupons(
                offer=campaign.offer, persons=reached, key=f"campaign:{fixed.unit}:{fixed.wave}", at=at
            )
        except OutOfStock as short:
            raise errors.CouponNotEnough from short
        except OfferNotRunning as over:
            raise errors.CouponEndsFirst from over
    least = rules.SMALLEST_STRANGERS if queries.is_to_network(campaign) else 1
    if queue_wave(campaign, fixed, at=at) < least and campaign.trigger == Trigger.HAND:
        raise errors.AudienceShrank


def finish_sending(*, campaign: Campaign, at: datetime) -> None:
    """Once everything went out: wait for the day of the result, or be done where nobody was held out; what may still be given at
    the till goes on until its week is over. Safe to repeat."""
    with transaction.atomic():
        locked = lock(campaign)
        if locked.trigger != Trigger.HAND or locked.state != CampaignState.RUNNING:
            return
        if locked.at_till and not locked.measured and locked.send_at and at < rules.week_ends(locked.send_at):
            return
        if not messages.is_under_way(queries.reference_of(locked)):
            _say_noised(locked, at=at)
            step(locked, CampaignState.MEASURING if locked.measured else CampaignState.DONE, by="sending", at=at)


def _say_noised(campaign: Campaign, *, at: datetime) -> None:
    """What an owner may know of a campaign to strangers: numbers noised once, when everything went out, and never again."""
    if not queries.is_to_network(campaign):
        return
    counts = {
        "reached": queries.sizes_of(campaign).reached,
        "arrived": queries.delivery_of(campaign).fates.get("arrived", 0),
    }
    for name, people_count in counts.items():
        try:
            told = audiences.report_count(
                shop=campaign.shop, about=f"campaign:{campaign.public_id}:{name}", people=people_count, at=at
            )
        except AskedEnough:
            continue
        campaign.said[name] = told.people


def pause_campaign(*, campaign: Campaign, by: str, at: datetime) -> Campaign:
    """Hold a running campaign: nothing more goes out until it is resumed. Refuses CampaignStateWrong."""
    with transaction.atomic():
        locked = lock(campaign)
        step(locked, CampaignState.PAUSED, by=by, at=at)
        messaging.pause_sendings(reference=queries.reference_of(locked))
        return locked


def resume_campaign(*, campaign: Campaign, by: str, at: datetime) -> Campaign:
    """Let a paused campaign go on. Refuses CampaignStateWrong."""
    with transaction.atomic():
        locked = lock(campaign)
        step(locked, CampaignState.RUNNING, by=by, at=at)
        messaging.resume_sendings(reference=queries.reference_of(locked), at=at)
        return locked


def stop_campaign(*, campaign: Campaign, reason: str = "", by: str, at: datetime) -> Campaign:
    """End a campaign for good: nothing more goes out; coupons given stay good. Refuses CampaignStateWrong. Safe to repeat."""
    with transaction.atomic():
        locked = lock(campaign)
        if locked.state == CampaignState.STOPPED:
            return locked
        step(locked, CampaignState.STOPPED, by=by, at=at, reason=reason)
        messaging.stop_sendings(reference=queries.reference_of(locked), at=at)
        return locked


def close_campaign(*, campaign: Campaign, at: datetime) -> Campaign:
    """The result is there. Refuses CampaignStateWrong unless it was being measured. Safe to repeat."""
    with transaction.atomic():
        locked = lock(campaign)
        if locked.state != CampaignState.DONE:
            step(locked, CampaignState.DONE, by="lift", at=at)
        return locked


def send_back(*, campaign: Campaign, reason: str, at: datetime) -> None:
    """What was scheduled could not go: it is a draft again, with the reason, and nothing was sent. Safe to repeat."""
    with transaction.atomic():
        locked = lock(campaign)
        if locked.state == CampaignState.SCHEDULED:
            last = queries.steps_of(locked).last()
            step(locked, CampaignState.DRAFT, by="schedule", at=max(at, last.at if last else at), reason=reason)
