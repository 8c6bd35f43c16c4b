"""Between two plans: somebody has paid, and the network may give them one coupon of the week's campaigns, at the plan's prices.

The paying pays for none of it: in a week whose plan gives something a job is left behind in its transaction, and the coupon is on
the receipt a moment later. Locks are taken in one order: the person, the week's parts, the campaign, its offer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from pyroaring import BitMap

from dure.campaigns import errors, queries, rules
from dure.campaigns.actions import outbox
from dure.campaigns.actions.drafts import lock
from dure.campaigns.engine import assign
from dure.campaigns.models import Assignment, Campaign, TillChoice, WeekPart
from dure.campaigns.values import CampaignState, Nothing, TillFate
from dure.checkouts import queries as checkouts
from dure.kit import events, jobs
from dure.kit.clock import KST
from dure.kit.errors import DureError
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.models import Sending
from dure.messaging.values import Medium
from dure.offers import actions as offers
from dure.ordering import queries as ordering
from dure.ordering.events import BillSettled
from dure.people import queries as people
from dure.people.events import PersonsMerged
from dure.people.models import Person
from dure.people.values import Purpose, shop_sender
from dure.shops import fence
from dure.shops.models import Shop

if TYPE_CHECKING:
    from dure.campaigns.engine.online import Till

FRESH = timedelta(minutes=10)
"""A guest who paid longer ago is not at the till any more."""
OPEN = (CampaignState.RUNNING, CampaignState.MEASURING)
WHOEVER_ASKS = {"gone", "refused_all", "night", "quiet", "enough_today", "enough_this_week"}
"""What the gate says of a person whatever the campaign is."""


def note_paid_bill(fact: BillSettled) -> None:
    """Hears BillSettled: what the guest gets is chosen by a job, and in a week without such campaigns nothing is asked at all."""
    if fact.person_id is not None and queries.till_is_open(at=fact.at):
        jobs.enqueue(
            "campaigns.choose_at_till",
            reference=fact.reference,
            person_id=fact.person_id,
            shop_id=fact.shop_id,
            paid_at=fact.at.isoformat(),
        )


@dataclass(frozen=True, slots=True)
class _Stand:
    """One campaign before the guest: its part in the plan, won that it is `weighed` at by the week's market, and what the lottery, which
    moves that by no more than its `half`, has `drawn`."""

    part: WeekPart
    weighed: float
    half: float
    drawn: float


def choose_at_till(*, reference: str, person_id: int, shop: Shop, paid_at: datetime, at: datetime) -> TillChoice | None:
    """Give a guest who has just paid `shop` the coupon that is worth most above its price in the week's market, or nothing, and keep
    why. One choice a bill and person, one coupon a week and person. None where no campaign of this week's till means them, or where they
    paid too long ago. Safe to repeat. Call it across shops; rings the page of the paid bill.

    The one gate looks at consents, refusals, limits and hours; the campaign's own coin holds people out, as it did in its wave; of a
    campaign's coupons, its offer's stock and budget never more are given than there are, whoever comes at the same instant.
    """
    from dure.campaigns.engine import online  # noqa: F401 - loading it takes a second, and no lock waits for that

    if at - paid_at > FRESH:
        return None
    week_on = rules.week_of(at.astimezone(KST).date())
    with transaction.atomic():
        person = Person.objects.select_for_update(no_key=True).filter(pk=person_id, erased_at__isnull=True).first()
        if person is None:
            return None
        known = TillChoice.objects.filter(reference=reference, person=person).first()
        if known:
            return known
        edges = queries.edges_of(person.pk, week_on=week_on)
        stands = _stands(edges, paid=shop, reference=reference)
        if not stands:
            return None
        blank = TillChoice(
            shop=shop, plan=stands[0].part.plan, week_on=week_on, reference=reference, person=person,
            fate=TillFate.NOTHING, at=at,
        )  # fmt: skip
        refused = _whoever_comes(person, edges, week_on=week_on)
        choice = _nothing(blank, refused) if refused else _choose(blank, stands, at=at)
        choice.save()
        if choice.fate == TillFate.GIVEN:
            events.ring(*ordering.topics_of_orders(reference), *checkouts.topics_of_bill(reference))
        return choice


def _stands(edges: Sequence[queries.Edge], *, paid: Shop, reference: str) -> list[_Stand]:
    """The campaigns that may give something now and scored this person. No shop's guest is sent to its rival over the road."""
    open_now = [
        edge
        for edge in edges
        if edge.part.campaign.at_till
        and edge.part.campaign.offer_id
        and edge.part.campaign.state in OPEN
        and (edge.part.shop_id == paid.pk or (edge.part.shop.category, edge.part.shop.district) != (paid.category, paid.district))
    ]  # fmt: skip
    numbers = np.array([edge.part.campaign_id for edge in open_now], np.uint64)
    lot = assign.draws(numbers, unit=f"{reference}:till", secret=settings.SECRET_KEY) / assign.SCALE - 0.5
    stands = []
    for edge, one in zip(open_now, lot, strict=True):
        weighed, width = edge.value * edge.part.weight, edge.part.plan.jitter
        stands.append(_Stand(edge.part, weighed, width / 2, weighed * (1 + width * float(one))))
    return stands


def _whoever_comes(person: Person, edges: Sequence[queries.Edge], *, week_on: date) -> str:
    """Why this person gets nothing from any campaign; empty where they may."""
    if assign.never_messaged(np.array([person.pk]), secret=settings.SECRET_KEY)[0]:
        return Nothing.NEVER
    if TillChoice.objects.filter(week_on=week_on, person=person).exclude(fate=TillFate.NOTHING).exists():
        return Nothing.ENOUGH
    # Whom the plan chose has used up that much of the week, whatever the coin said: nobody learns it here.
    chosen = sum(person.pk in BitMap.deserialize(bytes(e.part.chosen_bits)) for e in edges if e.part.chosen_bits)
    return Nothing.ENOUGH if chosen >= edges[0].part.plan.cap else ""


def _choose(blank: TillChoice, stands: Sequence[_Stand], *, at: datetime) -> TillChoice:
    from dure.campaigns.engine import online

    held = WeekPart.objects.select_for_update(no_key=True, of=("self",)).order_by("pk")
    now = {part.pk: part for part in held.filter(pk__in=[stand.part.pk for stand in stands])}
    # Read once the parts are held: whoever chose before has written what they gave.
    given = dict(
        Campaign.objects.filter(pk__in=[s.part.campaign_id for s in stands]).values_list("pk", "given_at_till")
    )
    for stand in stands:
        stand.part.till_price, stand.part.till_due = now[stand.part.pk].till_price, now[stand.part.pk].till_due
    till = _till(stands, given)
    could = [j for j, one in enumerate(stands) if one.weighed * (1 + one.half) > till.price[j] and till.left[j] >= 1]
    reason: str = Nothing.PRICE if any(one >= 1 for one in till.left) else Nothing.NONE_LEFT
    asked = list(range(len(stands)))
    for j in list(could):
        ban = _ban(stands[j], _person(blank), at=at)
        if ban in WHOEVER_ASKS:
            return _nothing(blank, ban)
        if ban:
            could.remove(j)
            asked.remove(j)
            reason = ban
    choice, used = None, None
    while choice is None and (place := till.best(could, [stands[j].drawn for j in could])) is not None:
        j = could[place]
        weighed, jitter = [stands[n].weighed for n in could], 2 * stands[j].half
        blank.propensity = min(1.0, online.odds(weighed, jitter, [till.price[n] for n in could])[place])
        blank.value, blank.price = stands[j].weighed, till.price[j]
        try:
            with transaction.atomic():
                choice = _give(blank, stands[j], at=at)
            used = asked.index(j) if choice.fate == TillFate.GIVEN else None
        except DureError as refusal:
            could.remove(j)
            asked.remove(j)
            reason = refusal.code
    till.note(asked, used)
    for j, stand in enumerate(stands):
        stand.part.till_price, stand.part.till_due = till.price[j], max(0.0, till.occasions[j])
    WeekPart.objects.bulk_update([stand.part for stand in stands], ["till_price", "till_due"])
    return choice or _nothing(blank, reason)


def _till(stands: Sequence[_Stand], given: Mapping[int, int]) -> Till:
    from dure.campaigns.engine.allocate import Budgets, Prices
    from dure.campaigns.engine.online import Till

    parts = [stand.part for stand in stands]
    prices = Prices(np.array([one.till_price for one in parts], np.float32), np.zeros(len(parts), np.float32))
    return Till(
        prices,
        Budgets(np.array([one.campaign.at_till for one in parts], float)),
        np.array([one.till_due for one in parts], float),
        float(np.mean([one.effect * one.worth * one.weight for one in parts])),
        given=np.array([given[one.campaign_id] for one in parts], float),
    )


def _person(blank: TillChoice) -> Person:
    if blank.person is None:
        raise ValueError("a choice is made for somebody")
    return blank.person


def _ban(stand: _Stand, person: Person, *, at: datetime) -> str:
    """What keeps this campaign from this person now; empty where nothing does."""
    campaign = stand.part.campaign
    if queries.is_taken_in(campaign, person.pk, at=at):
        return Nothing.ENOUGH
    try:
        said = _said(campaign, person, at=at)
    except errors.CouponEndsFirst as refusal:
        return refusal.code
    return people.ban_for(person, Sending(**said), Medium.INBOX, at)


def _said(campaign: Campaign, person: Person, *, at: datetime) -> dict[str, Any]:
    """The campaign's first text as the inbox carries it; from the platform to whoever did not agree to the shop itself."""
    agreed = Purpose.ADVERTISING in people.consents_held(person, shop_sender(campaign.shop.public_id))
    said = outbox.sendings_of(campaign=campaign, at=at, for_shop=queries.is_to_network(campaign) and not agreed)[0]
    return {**said, "media": [Medium.INBOX]}


def _give(blank: TillChoice, stand: _Stand, *, at: datetime) -> TillChoice:
    """A coupon and the message that says so, or neither where the campaign's coin holds the person out. Refuses what is not there
    any more: CampaignStateWrong, CouponNotEnough and what `offers.issue_coupon` refuses."""
    person, campaign = _person(blank), lock(stand.part.campaign)
    wave = Assignment.objects.filter(campaign=campaign, version=campaign.version).order_by("wave").first()
    if campaign.state not in OPEN or campaign.offer is None or wave is None:
        raise errors.CampaignStateWrong
    held = bool(assign.held_out(np.array([person.pk]), unit=wave.unit, secret=settings.SECRET_KEY, share=wave.share)[0])
    if not held:
        room = Campaign.objects.filter(pk=campaign.pk, given_at_till__lt=F("at_till"))
        if not room.update(given_at_till=F("given_at_till") + 1):
            raise errors.CouponNotEnough
        key = f"campaign:{wave.unit}:till:{person.pk}"
        blank.coupon = offers.issue_coupon(offer=campaign.offer, person=person, key=key, covered=True, at=at)
        _tell(campaign, person, at=at)
    blank.shop, blank.campaign, blank.plan = campaign.shop, campaign, stand.part.plan
    blank.fate, blank.reason = TillFate.HELD if held else TillFate.GIVEN, ""
    blank.propensity *= wave.share if held else 1 - wave.share
    return blank


def _tell(campaign: Campaign, person: Person, *, at: datetime) -> None:
    """Put the text that goes with the coupon into the outbox, where the gate looks at it once more."""
    said = _said(campaign, person, at=at)
    day, who = f"{at.astimezone(KST):%Y%m%d}", "network" if "on_behalf" in said["details"] else "shop"
    key = f"{queries.reference_of(campaign)}:{campaign.version}:till:{who}:{day}"
    # One text a day: its hours were written down with the day's first.
    sending = messages.sending_by_key(key) or messaging.open_sending(key=key, at=at, **said)
    messaging.queue_people(sending=sending, recipients=np.array([person.pk]), at=at)


def _nothing(blank: TillChoice, reason: str) -> TillChoice:
    blank.fate, blank.reason, blank.campaign, blank.coupon = TillFate.NOTHING, reason, None, None
    blank.value, blank.price, blank.propensity = 0.0, 0.0, 1.0
    return blank


def hand_choices_over(fact: PersonsMerged) -> None:
    """Hears PersonsMerged: what a guest was given at the till was given to who they turned out to be; where that person has been
    chosen for the same bill or week too, the guest's choice is nobody's."""
    with fence.across_shops():  # choices are those of many shops
        theirs = TillChoice.objects.filter(person_id=fact.gone_id)
        kept = TillChoice.objects.filter(person_id=fact.kept_id)
        given = Q(week_on__in=kept.exclude(fate=TillFate.NOTHING).values("week_on")) & ~Q(fate=TillFate.NOTHING)
        theirs.filter(given | Q(reference__in=kept.values("reference"))).update(person=None)
        theirs.update(person=fact.kept_id)


def count_till(*, at: datetime) -> int:
    """Write down whom the till gave something and whom it held out, as one more wave of each campaign, so that all who read waves
    read them. How many waves. Safe to repeat. Call it across shops."""
    waiting = TillChoice.objects.filter(wave__isnull=True, campaign__isnull=False).exclude(fate=TillFate.NOTHING)
    waves = 0
    for pk in waiting.order_by("campaign").values_list("campaign", flat=True).distinct():
        with transaction.atomic():
            campaign = lock(Campaign(pk=pk))
            rows = list(queries.uncounted(campaign.shop).filter(campaign=campaign, at__lte=at))
            first = Assignment.objects.filter(campaign=campaign, version=campaign.version).order_by("wave").first()
            if rows and first:
                fixed = _wave(campaign, first, rows)
                TillChoice.objects.filter(pk__in=[one.pk for one in rows]).update(wave=fixed.wave)
                waves += 1
    return waves


def _wave(campaign: Campaign, first: Assignment, rows: Sequence[TillChoice]) -> Assignment:
    whom = {
        fate: BitMap([one.person_id for one in rows if one.fate == fate and one.person_id])
        for fate in (TillFate.GIVEN, TillFate.HELD)
    }
    return outbox.write_assignment(
        campaign, unit=first.unit, share=first.share, reached=whom[TillFate.GIVEN], held=whom[TillFate.HELD],
        never=0, at=max(one.at for one in rows),
    )  # fmt: skip
