"""What campaigns there are, whom one would reach, and what it would cost. Nothing here tells whose fate was which."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from numpy.typing import NDArray
from pyroaring import BitMap

from dure.audiences import queries as audiences
from dure.campaigns import errors, rules
from dure.campaigns.engine import assign
from dure.campaigns.models import Assignment, Campaign, CampaignStep, TillChoice, WeekPart, WeekPiece, WeekPlan
from dure.campaigns.values import WAYS, CampaignState, Forecast, Goal, Moved, Movement, PlanState, TillFate, Trigger
from dure.kit.clock import KST
from dure.kit.sql import numbers
from dure.ledger import queries as ledger
from dure.messaging import queries as messages
from dure.messaging.values import Medium, Tally
from dure.offers import queries as offers
from dure.offers.models import Offer
from dure.payments import queries as payments
from dure.payments.models import Payment
from dure.payments.values import PaymentState, RefundState
from dure.people.models import Person
from dure.people.values import EVERYBODY, Purpose, shop_sender
from dure.regulars import queries as regulars
from dure.shops.models import Shop
from dure.targeting.values import KEPT


def is_held_out(place: int, *, unit: str, share: float) -> bool:
    """Whether the coin of `unit` holds this one out (`place`: whatever number it has in that unit, a visit's id), with chance `share`. For
    whatever is measured beside campaigns by the same coin; the same whenever it is asked for."""
    return bool(assign.chosen(np.array([place]), unit=unit, secret=settings.SECRET_KEY, share=share)[0])


def split_mismatch(reached: int, held: int, *, share: float) -> float:
    """The chance of two groups at least this far from what that coin makes of them; below 0.001 something else chose."""
    return assign.mismatch(reached, held, share=share)


def campaigns_of(shop: Shop) -> QuerySet[Campaign]:
    """The shop's campaigns that are sent once, newest first."""
    return Campaign.objects.filter(shop=shop, trigger=Trigger.HAND).select_related("offer").order_by("-id")


def automations_of(shop: Shop) -> QuerySet[Campaign]:
    """The shop's automations that were not stopped."""
    alive = Campaign.objects.filter(shop=shop).exclude(trigger=Trigger.HAND).exclude(state=CampaignState.STOPPED)
    return alive.select_related("offer").order_by("id")


def campaign_by_public_id(shop: Shop, public_id: str) -> Campaign:
    """One campaign of this shop, or NoSuchCampaign."""
    found = Campaign.objects.select_related("offer", "shop").filter(shop=shop, public_id=public_id).first()
    if found is None:
        raise errors.NoSuchCampaign
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A campaign that waits for an operator: its texts as they will read, whom it means in words, and what the rules find:
    `faults` are forbidden, `doubts` are to be looked at twice."""

    campaign: Campaign
    texts: list[tuple[str, str]]
    whom: str
    faults: list[rules.Fault]
    doubts: list[rules.Fault]


def reviews() -> list[Review]:
    """Everything that waits for an operator, the oldest first (across shops)."""
    waiting = (
        Campaign.objects.filter(state=CampaignState.REVIEW).select_related("shop", "offer").order_by("send_at", "id")
    )
    found = []
    for one in waiting[:100]:
        texts = [(one.title, one.body)]
        texts += [(one.other_title, one.other_body or one.body)] if one.other_title else []
        said = [part for text in texts for part in text] + ([*one.offer.name.values()] if one.offer else [])
        definition = one.audience.get("definition")
        whom = audiences.as_text(audiences.read_document(definition)) if definition else ""
        found.append(
            Review(
                campaign=one, texts=texts, whom=whom, faults=rules.faults_of(*said), doubts=rules.doubts_about(*said)
            )
        )
    return found


def review_by_public_id(public_id: str) -> Campaign:
    """One campaign that waits for an operator (across shops), or NoSuchCampaign."""
    found = (
        Campaign.objects.select_related("shop", "offer").filter(public_id=public_id, state=CampaignState.REVIEW).first()
    )
    if found is None:
        raise errors.NoSuchCampaign
    return found


def steps_of(campaign: Campaign) -> QuerySet[CampaignStep]:
    """What happened to a campaign, oldest first."""
    return CampaignStep.objects.filter(shop_id=campaign.shop_id, campaign=campaign).order_by("id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many were written to, held out, and belong to the network's holdout, in all of a campaign's waves."""

    reached: int
    held: int
    never: int
    waves: int


def sizes_of(campaign: Campaign) -> Sizes:
    """A campaign's sizes: numbers, never names."""
    rows = list(
        Assignment.objects.filter(shop_id=campaign.shop_id, campaign=campaign, version=campaign.version).values_list(
            "reached_people", "held_people", "never_people"
        )
    )
    return Sizes(
        reached=sum(r for r, _, _ in rows),
        held=sum(h for _, h, _ in rows),
        never=sum(n for _, _, n in rows),
        waves=len(rows),
    )


def delivery_of(campaign: Campaign) -> Tally:
    """What became of a campaign's messages, and what those that arrived cost."""
    return messages.tally(reference_of(campaign))


def price_held(campaign: Campaign) -> int:
    """Won set aside for a campaign's messages, before what did not arrive came back."""
    return sum(messages.sendings_about(reference_of(campaign)).values_list("held", flat=True))


def reference_of(campaign: Campaign) -> str:
    """The word under which everything that a campaign sends is paused, resumed, stopped and counted."""
    return f"campaign:{campaign.public_id}"


def ways_here() -> list[Medium]:
    """The media that may carry a campaign and that somebody carries here, in the order in which they are tried."""
    return [medium for medium in WAYS if messages.is_carried(medium)]


def message_balance(shop: Shop) -> int:
    """Won on the shop's message balance."""
    return messages.balance_of(message_account(shop))


def message_balances() -> list[tuple[Shop, int]]:
    """Shops with a message balance (across shops), the largest first."""
    held = messages.balances_under("messages:")
    known = {shop.public_id: shop for shop in Shop.objects.filter(public_id__in=held)}
    return sorted(((known[name], won) for name, won in held.items() if name in known and won), key=lambda row: -row[1])


SUBSIDY = "subsidy:operator"
"""Where the operator's grants come from: what lies below zero there is what they cost."""
_MOVEMENTS: dict[tuple[str, bool], Movement] = {
    ("payment", True): Movement.TOP_UP,
    ("messages-held", False): Movement.HELD,
    ("messages-freed", True): Movement.FREED,
    ("refund-hold", False): Movement.RETURNED,
    ("refund-hold-reversal", True): Movement.KEPT,
}


def top_ups_of(shop: Shop) -> list[tuple[Payment, int]]:
    """The paid top-ups of a message balance, the latest first, each with the won of it that were not returned."""
    paid = payments.payments_about(message_account(shop)).filter(state=PaymentState.APPROVED).order_by("-id")
    going = paid.annotate(gone=Sum("refunds__amount", filter=~Q(refunds__state=RefundState.FAILED)))
    return [(one, one.amount - (one.gone or 0)) for one in going]


def balance_moves(shop: Shop, *, limit: int = 100) -> list[Moved]:
    """Movements of a shop's message balance, the latest first, each with the balance after it; from the books alone."""
    account, balance = message_account(shop), message_balance(shop)
    rows = ledger.postings_of(account)[:limit]
    sendings = {row.entry.reference for row in rows if row.entry.kind in ("messages-held", "messages-freed")}
    about = {name: said.removeprefix("campaign:") for name, said in messages.references_of(sendings).items()}
    names = dict(Campaign.objects.filter(shop=shop, public_id__in=about.values()).values_list("public_id", "name"))
    lines = []
    for row in rows:
        won = row.amount if row.destination.code == account else -row.amount
        campaign = about.get(row.entry.reference, "")
        granted = Movement.GRANT if row.source.code == SUBSIDY else Movement.BANK
        lines.append(
            Moved(
                at=row.entry.at,
                movement=_MOVEMENTS.get((row.entry.kind, won > 0), granted),
                won=won,
                balance=balance,
                campaign=campaign if campaign in names else "",
                name=names.get(campaign, ""),
            )
        )
        balance -= won
    return lines


def message_account(shop: Shop) -> str:
    """The balance that a shop's messages are paid from."""
    return f"messages:{shop.public_id}"


def calendar_of(shop: Shop, *, month: date) -> dict[date, list[Campaign]]:
    """The campaigns of a month by the Korean day on which they go out or tell their result."""
    begin = datetime(month.year, month.month, 1, tzinfo=KST)
    end = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=KST)
    days: dict[date, list[Campaign]] = {}
    for one in campaigns_of(shop).filter(send_at__gte=begin, send_at__lt=end):
        if one.send_at:
            days.setdefault(one.send_at.astimezone(KST).date(), []).append(one)
    return days


def friends_in(shop: Shop, *, stages: Sequence[str], at: datetime) -> NDArray[np.uint32]:
    """Friends in these stages (none: all) who agreed to the shop's advertising and are in no other campaign of it whose
    result is still open: (n,) ids of persons, sorted."""
    return free(shop, regulars.friends_in(shop, stages=stages, at=at), at=at)


def free(shop: Shop, persons: NDArray[Any], *, at: datetime) -> NDArray[np.uint32]:
    """Those of `persons` who said yes to the shop's advertising and are in no campaign of it that is being measured."""
    return np.setdiff1d(agreed_to(shop, persons, at=at), taken_in(shop, at=at), assume_unique=True)


def agreed_to(shop: Shop, persons: NDArray[Any], *, at: datetime) -> NDArray[np.uint32]:
    """Those of `persons` who had said yes to the shop's advertising by then, and not no to everybody's: (n,) ids, sorted."""
    agreed = numbers(
        f"""
        SELECT person_id FROM people_standing s
        WHERE sender = %(sender)s AND purpose = %(purpose)s AND {_SAID} AND NOT EXISTS (
            SELECT FROM people_standing everybody
            WHERE everybody.sender = %(everybody)s AND everybody.purpose = %(purpose)s AND everybody.person_id = s.person_id
              AND NOT coalesce({_SAID.replace("s.", "everybody.")}, true)
        )
        """,  # noqa: S608 - constants
        {
            "sender": shop_sender(shop.public_id),
            "everybody": EVERYBODY,
            "purpose": Purpose.ADVERTISING,
            "at": at,
        },
    )
    return np.sort(agreed[np.isin(agreed, persons)]).astype(np.uint32)


_SAID = """CASE WHEN s.at <= %(at)s THEN s.granted ELSE (
            SELECT granted FROM people_consent c
            WHERE c.person_id = s.person_id AND c.sender = s.sender AND c.purpose = s.purpose AND c.at <= %(at)s
            ORDER BY c.at DESC, c.id DESC LIMIT 1
        ) END"""
"""What the standing `s` was by then; nothing where nothing had been said."""


def taken_in(shop: Shop, *, at: datetime) -> NDArray[np.uint32]:
    """Everybody in a campaign of the shop whose window is open, written to or held out alike: effects that would mix."""
    taken = BitMap()
    rows = Assignment.objects.filter(shop=shop, campaign__state__in=rules.ALIVE, share__gt=0).select_related("campaign")
    for one in rows.filter(at__gt=at - timedelta(days=90)):
        if one.at + timedelta(days=one.campaign.window_days) > at:
            taken |= BitMap.deserialize(bytes(one.reached_bits)) | BitMap.deserialize(bytes(one.held_bits))
    taken |= BitMap(uncounted(shop).values_list("person", flat=True))
    return np.array(taken.to_array(), np.uint32)


def uncounted(shop: Shop) -> QuerySet[TillChoice]:
    """Whom the till gave or held something since its last wave was written down, of the people there still are."""
    chosen = TillChoice.objects.filter(shop=shop, wave__isnull=True, person__isnull=False)
    return chosen.exclude(fate=TillFate.NOTHING).order_by("id")


def given_uncounted(week_on: date, *, at: datetime) -> BitMap:
    """Whom the till gave a coupon in this week, by then, that is in no wave yet (across shops)."""
    given = TillChoice.objects.filter(week_on=week_on, at__lte=at, fate=TillFate.GIVEN, wave__isnull=True)
    return BitMap(given.filter(person__isnull=False).values_list("person", flat=True))


def is_to_network(campaign: Campaign) -> bool:
    """Whether anybody but friends of the shop may be meant: then nobody is told exact numbers, and an operator reads it first."""
    definition = campaign.audience.get("definition")
    return definition is not None and not audiences.means_own_alone(definition)


def people_of(campaign: Campaign, *, at: datetime) -> NDArray[np.uint32]:
    """Whom a campaign could reach at this instant: (n,) ids of persons, sorted. Inside the platform only, where it is to the
    network."""
    if campaign.trigger != Trigger.HAND:
        return due_for(campaign, at=at)
    if "definition" in campaign.audience:
        expression = audiences.read_document(campaign.audience["definition"])
        found = audiences.persons_of(audiences.resolve(campaign.shop, expression, at=at))
        return np.setdiff1d(np.array(found.to_array(), np.uint32), taken_in(campaign.shop, at=at), assume_unique=True)
    return friends_in(campaign.shop, stages=campaign.audience.get("stages", []), at=at)


_DUE = {
    Trigger.WELCOME: """
        SELECT person_id FROM regulars_relation WHERE shop_id = %(shop)s AND left_at IS NULL
          AND joined_at <= %(at)s - make_interval(days => %(n)s) AND joined_at > %(at)s - make_interval(days => %(n)s + 7)""",
    Trigger.SECOND_VISIT: """
        SELECT person_id FROM regulars_relation WHERE shop_id = %(shop)s AND left_at IS NULL AND visits = 1
          AND last_visit_at <= %(at)s - make_interval(days => %(n)s)
          AND last_visit_at > %(at)s - make_interval(days => %(n)s + 30)""",
    Trigger.WIN_BACK: """
        SELECT person_id FROM regulars_relation WHERE shop_id = %(shop)s AND left_at IS NULL
          AND last_visit_at <= %(at)s - make_interval(days => %(n)s)
          AND last_visit_at > %(at)s - make_interval(days => %(n)s + 60)""",
    Trigger.STAMP_NEARLY: """
        SELECT r.person_id FROM regulars_relation r JOIN regulars_stampcard c ON c.shop_id = r.shop_id AND c.running
        WHERE r.shop_id = %(shop)s AND r.left_at IS NULL AND r.stamps - r.stamps_spent BETWEEN c.goal - %(n)s AND c.goal - 1
          AND r.last_visit_at <= %(at)s - interval '7 days'""",
    Trigger.UNUSED_COUPON: """
        SELECT DISTINCT person_id FROM offers_coupon WHERE shop_id = %(shop)s AND used_at IS NULL AND withdrawn_at IS NULL
          AND person_id IS NOT NULL AND expires_at > %(at)s AND expires_at <= %(at)s + make_interval(days => %(n)s)""",
    Trigger.QUIET_HOURS: """
        SELECT person_id FROM regulars_relation WHERE shop_id = %(shop)s AND left_at IS NULL AND visits > 0
          AND last_visit_at <= %(at)s - make_interval(days => %(n)s)
          AND last_visit_at > %(at)s - interval '60 days'""",
    Trigger.BIRTHDAY: """
        SELECT r.person_id FROM regulars_relation r JOIN people_birthday b ON b.person_id = r.person_id
        WHERE r.shop_id = %(shop)s AND r.left_at IS NULL
          AND (b.month, b.day) IN (SELECT * FROM unnest(%(months)s::int[], %(days)s::int[]))""",
    Trigger.SOLD_OUT_BACK: """
        SELECT DISTINCT r.person_id FROM menu_item i
        JOIN ordering_orderline l ON l.shop_id = i.shop_id AND l.item_id = i.id
        JOIN ordering_order o ON o.id = l.order_id AND o.placed_at > %(at)s - make_interval(days => %(n)s)
        JOIN people_device d ON d.id = o.device_id
        JOIN regulars_relation r ON r.shop_id = i.shop_id AND r.person_id = d.person_id AND r.left_at IS NULL
        WHERE i.shop_id = %(shop)s AND NOT i.sold_out AND i.retired_at IS NULL
          AND i.back_at > %(at)s - interval '2 days' AND i.back_at <= %(at)s
          AND NOT EXISTS (SELECT 1 FROM channels_wish w WHERE w.person_id = r.person_id AND w.item_id = i.id)""",
}
"""Whose turn each automation finds. Whoever asked to be told that a dish is back hears it as information, and not as this."""
AGAIN_AFTER = {
    Trigger.WELCOME: 36_500,
    Trigger.UNUSED_COUPON: 14,
    Trigger.QUIET_HOURS: 21,
    Trigger.BIRTHDAY: 300,
    Trigger.SOLD_OUT_BACK: 30,
}
"""Days until an automation may write to the same person again; 90 unless it says otherwise."""


def due_for(campaign: Campaign, *, at: datetime) -> NDArray[np.uint32]:
    """Whose turn an automation is today: (n,) ids of persons. Whoever was in one of its waves of late is not."""
    trigger = Trigger(campaign.trigger)
    if trigger == Trigger.QUIET_HOURS and at.astimezone(KST).weekday() != quietest_day(campaign.shop, at=at):
        return np.empty(0, np.uint32)
    with connection.cursor() as cursor:
        near = rules.days_ahead(at.astimezone(KST).date(), min(campaign.number, rules.BIRTHDAY_AHEAD_MAX))
        months, days = zip(*near, strict=True)
        cursor.execute(
            _DUE[trigger],
            {"shop": campaign.shop_id, "n": campaign.number, "at": at, "months": list(months), "days": list(days)},
        )
        due = np.array(sorted(row[0] for row in cursor.fetchall()), np.uint32)
    since = at - timedelta(days=AGAIN_AFTER.get(trigger, 90))
    lately = BitMap()
    for one in Assignment.objects.filter(shop_id=campaign.shop_id, campaign=campaign, at__gt=since):
        lately |= BitMap.deserialize(bytes(one.reached_bits)) | BitMap.deserialize(bytes(one.held_bits))
    fresh = np.setdiff1d(due, np.array(lately.to_array(), np.uint32), assume_unique=True)
    fresh = fresh[~assign.never_messaged(fresh, secret=settings.SECRET_KEY)]
    return free(campaign.shop, fresh, at=at)


def quietest_day(shop: Shop, *, at: datetime) -> int:
    """The weekday (Monday 0) with the fewest paid bills of eight weeks, of those on which the shop is open."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT extract(isodow FROM settled_at AT TIME ZONE 'Asia/Seoul')::int - 1, count(*) FROM ordering_bill
            WHERE shop_id = %s AND settled_at > %s AND settled_at <= %s GROUP BY 1
            """,
            [shop.pk, at - timedelta(weeks=8), at],
        )
        counts = dict(cursor.fetchall())
    days = [day for day in range(7) if shop.hours.get(str(day))] or list(range(7))
    return min(days, key=lambda day: (counts.get(day, 0), day))


def worth_of(offer: Offer | None) -> int:
    """About how many won a coupon of this offer takes off a bill."""
    return offers.most_off(offer) if offer else 0


def forecast_of(
    campaign: Campaign, *, people: int, each: int = 0, usual: tuple[float, float] | None = None
) -> Forecast:
    """What a campaign would send, hold out, cost and bring, as ranges; `each`: won a message at most (`actions.price_each`)."""
    most = campaign.most
    share = assign.holdout_share(people if most is None else min(most, people))
    return rules.forecast(
        each=each,
        goal=Goal(campaign.goal),
        people=people,
        most=most,
        share=share,
        window_days=campaign.window_days,
        worth=worth_of(campaign.offer),
        usual=usual,
    )


def groups_of(campaign: Campaign) -> list[tuple[datetime, BitMap, BitMap]]:
    """For the measuring alone: each wave's instant and its two groups (reached, held out) as bitmaps of persons."""
    rows = Assignment.objects.filter(shop_id=campaign.shop_id, campaign=campaign, version=campaign.version).order_by(
        "wave"
    )
    return [
        (one.at, BitMap.deserialize(bytes(one.reached_bits)), BitMap.deserialize(bytes(one.held_bits))) for one in rows
    ]


def parts_of(campaign: Campaign, group: BitMap, parts: int) -> list[BitMap]:
    """For the measuring alone: a group in `parts` by lot, fixed before anything happened to anybody."""
    persons = np.array(group.to_array(), np.uint32)
    layer = f"{campaign.public_id}:{campaign.version}"
    slots = assign.slot(persons, layer=layer, slots=parts, secret=settings.SECRET_KEY)
    return [BitMap(persons[slots == part]) for part in range(parts)]


def mismatch_of(campaign: Campaign) -> float:
    """The chance of groups at least this far from what the coin was to make; 1 where nobody was held out."""
    rows = Assignment.objects.filter(shop_id=campaign.shop_id, campaign=campaign, version=campaign.version)
    sizes = sizes_of(campaign)
    share = rows.values_list("share", flat=True).first() or 0.0
    return assign.mismatch(sizes.reached, sizes.held, share=share)


def usual_effect(goal: Goal) -> float:
    """Extra visits that a message with this goal brings on average, before anything was learned."""
    return rules.usual_effect(goal)


def waiting_for_plan(week_on: date) -> QuerySet[Campaign]:
    """Campaigns (across shops) that are scheduled for a day of this week and leave to its plan who hears of them."""
    begin = datetime(week_on.year, week_on.month, week_on.day, tzinfo=KST)
    waiting = Campaign.objects.filter(state=CampaignState.SCHEDULED, by_plan=True, trigger=Trigger.HAND)
    within = waiting.filter(send_at__gte=begin, send_at__lt=begin + timedelta(days=7))
    return within.select_related("shop", "offer").order_by("id")


def result_at(campaign: Campaign, *, at: datetime) -> datetime:
    """When the result of a campaign is read that goes out `at`: whoever gets it at the till on its week's last day has the whole
    window too."""
    return rules.result_at(rules.week_ends(at) if campaign.at_till else at, campaign.window_days)


def week_of(day: date) -> date:
    """The Monday of a day's week, by which its plan is named."""
    return rules.week_of(day)


def parts_of_plan(plan: WeekPlan) -> QuerySet[WeekPart]:
    """A plan's campaigns in their order, with what each may spend and got."""
    return plan.parts.select_related("campaign", "shop").order_by("place")


def plans() -> QuerySet[WeekPlan]:
    """Every plan, newest first."""
    return WeekPlan.objects.order_by("-id")


def plan_of_week(week_on: date) -> WeekPlan | None:
    """The newest plan of a week that is ready."""
    return WeekPlan.objects.filter(week_on=week_on, state=PlanState.READY).order_by("-id").first()


def part_of(campaign: Campaign) -> WeekPart | None:
    """What the newest plan of its week gave a campaign."""
    if campaign.send_at is None:
        return None
    week_on = rules.week_of(campaign.send_at.astimezone(KST).date())
    ready = WeekPart.objects.filter(shop_id=campaign.shop_id, campaign=campaign, plan__week_on=week_on)
    return ready.filter(plan__state=PlanState.READY).select_related("plan").order_by("-plan_id").first()


def usual_bill(shop: Shop) -> int:
    """What a friend's visit to the shop brings on average, in won of sales."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(spend), sum(visits) FROM regulars_relation WHERE shop_id = %s AND visits > 0", [shop.pk]
        )
        spent, visits = cursor.fetchone()
    return int(spent // visits) if spent and visits else rules.BILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """Some campaigns of a plan together: won that a message costs in the market on average, messages asked for and given, and
    the satisfaction of their shops (0 to 1)."""

    name: str
    campaigns: int
    price: int
    messages: int
    used: int
    satisfaction: float
    at_till: int
    given_at_till: int
    till_price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A plan as the operator sees it: the same campaigns by district, by category and by hour, and each by itself."""

    districts: list[Stall]
    categories: list[Stall]
    hours: list[Stall]
    campaigns: list[tuple[WeekPart, Stall]]


def market_of(plan: WeekPlan, *, most: int = 50) -> Market:
    """What a plan's messages cost and whom they serve. The dearest first."""
    parts = list(parts_of_plan(plan))

    def stalls(key: Callable[[WeekPart], str]) -> list[Stall]:
        groups: dict[str, list[WeekPart]] = {}
        for part in parts:
            groups.setdefault(key(part), []).append(part)
        return sorted((_stall(name, group) for name, group in groups.items()), key=lambda one: (-one.price, one.name))

    alone = [(part, _stall(part.campaign.name, [part])) for part in parts]
    return Market(
        districts=stalls(lambda part: part.shop.district)[:most],
        categories=stalls(lambda part: part.shop.category)[:most],
        hours=sorted(stalls(_hour), key=lambda one: one.name),
        campaigns=sorted(alone, key=lambda pair: (-pair[1].price, pair[0].pk))[:most],
    )


def _hour(part: WeekPart) -> str:
    return f"{part.campaign.send_at.astimezone(KST):%H:00}" if part.campaign.send_at else ""


def _stall(name: str, parts: list[WeekPart]) -> Stall:
    weights = [max(1, part.used) for part in parts]
    prices = [part.price + part.money_price * part.each for part in parts]
    alone = sum(part.alone for part in parts)
    return Stall(
        name=name,
        campaigns=len(parts),
        price=round(sum(price * weight for price, weight in zip(prices, weights, strict=True)) / sum(weights)),
        messages=sum(part.messages for part in parts),
        used=sum(part.used for part in parts),
        satisfaction=min(1.0, sum(part.value for part in parts) / alone) if alone else 0.0,
        at_till=sum(part.campaign.at_till for part in parts),
        given_at_till=sum(part.campaign.given_at_till for part in parts),
        till_price=round(max(part.till_price for part in parts)),
    )


def plan_by_public_id(public_id: str) -> WeekPlan:
    """One plan, or NoSuchPlan."""
    found = WeekPlan.objects.filter(public_id=public_id).first()
    if found is None:
        raise errors.NoSuchPlan
    return found


# At the till, between two plans


def bills_a_week(people: int, *, at: datetime) -> float:
    """How often one of these `people` pays somewhere in a week, by the visits of all friends in the week before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM regulars_countedvisit WHERE at > %s AND at <= %s", [at - timedelta(days=7), at]
        )
        return min(7.0, max(rules.USUAL_BILLS, float(cursor.fetchone()[0]) / max(1, people)))


LOOK_AGAIN = 30.0
_looked: dict[date, tuple[float, bool]] = {}


def till_is_open(*, at: datetime) -> bool:
    """Whether a plan of this instant's week may give coupons at the till. Each process looks once in half a minute and then
    remembers: whoever pays in a week without one pays no question for it."""
    week_on = rules.week_of(at.astimezone(KST).date())
    now = monotonic()
    known = _looked.get(week_on)
    if known is None or now - known[0] > LOOK_AGAIN:
        open_now = WeekPlan.objects.filter(week_on=week_on, state=PlanState.READY, at_till__gt=0).exists()
        _looked.clear()
        _looked[week_on] = known = (now, open_now)
    return known[1]


def look_at_the_till_again() -> None:
    """Forget whether the till is open, in this process."""
    _looked.clear()


@dataclass(frozen=True, slots=True)
class Edge:
    """A campaign that the week's market scored for one person: its part in its newest plan, won of value."""

    part: WeekPart
    value: float


def edges_of(person_id: int, *, week_on: date) -> list[Edge]:
    """What the plans of a week scored for one person, one edge a campaign, each with its part in the newest plan that holds it, in
    the order of the parts. Of a piece only the person's own row leaves the database, once it is found."""
    plans = list(WeekPlan.objects.filter(week_on=week_on, state=PlanState.READY).order_by("id"))
    first = {plan.pk: plan.first_id or plan.pk for plan in plans}
    pieces = WeekPiece.objects.filter(
        plan__in=set(first.values()), low_person__lte=person_id, high_person__gte=person_id
    ).order_by("plan_id")
    found: dict[int, Edge] = {}
    for piece, base, persons in pieces.values_list("pk", "plan_id", "persons"):
        numbers_here = np.frombuffer(bytes(persons), "<u4")
        row = int(np.searchsorted(numbers_here, person_id))
        scored = _row_of(piece, row) if numbers_here[row] == person_id else {}
        family = [plan for plan, begun in first.items() if begun == base]
        parts = WeekPart.objects.filter(plan__in=family, place__in=scored).select_related("plan", "campaign", "shop")
        for part in parts.order_by("plan_id", "pk"):
            found[part.campaign_id] = Edge(part, scored[part.place])
    return sorted(found.values(), key=lambda edge: edge.part.pk)


def _row_of(piece: int, row: int) -> dict[int, float]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT substr(campaign, %s, %s), substr(value, %s, %s) FROM campaigns_weekpiece WHERE id = %s",
            [row * 2 * KEPT + 1, 2 * KEPT, row * 4 * KEPT + 1, 4 * KEPT, piece],
        )
        campaign, value = (bytes(one) for one in cursor.fetchone())
    places, worth = np.frombuffer(campaign, "<u2"), np.frombuffer(value, "<f4")
    return {int(place): float(won) for place, won in zip(places, worth, strict=True) if won > 0}


def is_taken_in(campaign: Campaign, person_id: int, *, at: datetime) -> bool:
    """Whether this person is in the campaign already, or in one of the same shop whose window is open (`taken_in`)."""
    rows = Assignment.objects.filter(shop_id=campaign.shop_id, at__gt=at - timedelta(days=90)).select_related(
        "campaign"
    )
    return any(
        person_id in BitMap.deserialize(bytes(bits))
        for one in rows
        if one.campaign_id == campaign.pk
        or (one.share and one.campaign.state in rules.ALIVE and one.at + timedelta(days=one.campaign.window_days) > at)
        for bits in (one.reached_bits, one.held_bits)
    )


def given_at_till(person: Person | None, reference: str, *, at: datetime) -> TillChoice | None:
    """What this person was given when this bill was paid, with its campaign, coupon and shop; None where nothing was. Asks nothing
    in a week whose plan gives nothing. Call it across shops."""
    if person is None or not till_is_open(at=at):
        return None
    given = TillChoice.objects.filter(reference=reference, person=person, fate=TillFate.GIVEN, coupon__isnull=False)
    return given.select_related("coupon__offer", "campaign", "shop").first()


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTill:
    """Beside a plan: messages that it `planned`, coupons `given` to guests who had just paid, of at `most`, and how many of them got
    `nothing`, by the reason. Whom a coin held out is among none of them: nobody reads that."""

    planned: int
    given: int
    most: int
    nothing: dict[str, int]


def till_of(plan: WeekPlan) -> AtTill:
    """What was given at the till beside a plan. An operator's alone: it is of all shops."""
    sums = plan.parts.aggregate(used=Sum("used"), given=Sum("campaign__given_at_till"), most=Sum("campaign__at_till"))
    none = TillChoice.objects.filter(plan=plan, fate=TillFate.NOTHING, person__isnull=False)
    return AtTill(
        planned=sums["used"] or 0,
        given=sums["given"] or 0,
        most=sums["most"] or 0,
        nothing=dict(none.values_list("reason").annotate(many=Count("pk")).order_by("reason")),
    )
