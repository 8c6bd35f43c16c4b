"""Measuring: outcomes are pulled from orders and bills when the day has come; nothing upstream knows that it is measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from pyroaring import BitMap

from dure.audiences import actions as audiences
from dure.audiences.errors import AskedEnough
from dure.campaigns import actions as campaigns
from dure.campaigns import queries as campaign_queries
from dure.campaigns.models import Campaign
from dure.campaigns.values import CampaignState, Goal, Trigger
from dure.kit import events
from dure.kit.clock import KST
from dure.kit.language import say
from dure.lift import errors, queries, rules
from dure.lift.estimators import cuped, eprocess
from dure.lift.models import Forecast, Look, Result
from dure.lift.values import Footing, Verdict
from dure.people.values import Purpose, shop_sender

HISTORY = 10
REFUSED_WITHIN = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Came:
    """What a group did in its window: people who came, by day of their first visit, and all that they did."""

    people: int
    by_day: list[int]
    visits: int
    orders: int
    spent: int


def measure_campaign(*, campaign: Campaign, at: datetime) -> Result:
    """Read a campaign's result, once, on its day. Everybody counts in the group that the coin put them into, whether or not
    they read, used or received anything. Safe to repeat: the first reading stands.

    Refuses NotMeasured, TooEarly. Rings. Call it across shops: similar shops' results help.
    """
    with transaction.atomic():
        locked = (
            Campaign.objects.select_for_update(no_key=True, of=("self",))
            .select_related("shop", "offer")
            .get(pk=campaign.pk)
        )
        known = queries.result_of(locked)
        if known:
            return known
        if not locked.measured or locked.result_at is None:
            raise errors.NotMeasured
        if locked.state not in (CampaignState.MEASURING, CampaignState.DONE) or at < locked.result_at:
            raise errors.TooEarly
        result = _read(locked, at)
        _judge(result)
        if campaign_queries.is_to_network(locked):
            _say_noised(result, at)
        campaigns.close_campaign(campaign=locked, at=at)
        events.ring(f"shop:{locked.shop_id}")
        return result


def _read(campaign: Campaign, at: datetime) -> Result:
    waves, window = campaign_queries.groups_of(campaign), timedelta(days=campaign.window_days)
    sent_at = waves[0][0]
    # Each wave in its own window: (when, whom), once for those who had it and once for those held out.
    had = [(when, people) for when, people, _ in waves]
    without = [(when, people) for when, _, people in waves]
    reached, held = (sum(len(people) for _, people in group) for group in (had, without))
    came_reached, came_held = (
        _together([_came(campaign, people, when, window) for when, people in group]) for group in (had, without)
    )
    history = {
        name: [pair for when, people in group for pair in _history(campaign, people, when, window)]
        for name, group in (("reached", had), ("held", without))
    }

    def all_that(count: Count) -> list[int]:
        return [sum(count(campaign, people, when, window) for when, people in group) for group in (had, without)]

    mean = max(sum(k for k, _ in history["reached"] + history["held"]) / HISTORY / max(1, reached + held), 1e-4)
    predicted, sums, before = [], np.zeros(6), 0
    for name in ("reached", "held"):
        counts = np.array([k for k, _ in history[name]], float)
        last = np.array([float(y) for _, y in history[name]])
        x = cuped.predicted_rate(counts, HISTORY, mean=mean)
        predicted.append(float(x.mean()) if len(x) else mean)
        sums += np.array([len(x), x.sum(), last.sum(), (x * last).sum(), (x * x).sum(), (last * last).sum()])
        before += int(last.sum())
    return Result.objects.create(
        shop_id=campaign.shop_id,
        campaign=campaign,
        version=campaign.version,
        family=_family_name(campaign, sent_at),
        reached=reached,
        held=held,
        came_reached=came_reached.people,
        came_held=came_held.people,
        figures={
            "coupon": campaign.offer_id is not None,
            "visits": [came_reached.visits, came_held.visits],
            "orders": [came_reached.orders, came_held.orders],
            "spent": [came_reached.spent, came_held.spent],
            "refused": all_that(_refused),
            "friends": all_that(_joined),
            "used": _used(campaign),
            "predicted": predicted,
            "before": sums.tolist(),
        },
        curve=[
            [
                day,
                _share(sum(came_reached.by_day[: day + 1]), reached),
                _share(sum(came_held.by_day[: day + 1]), held),
            ]
            for day in range(campaign.window_days)
        ],
        rate_before=before / max(1, reached + held),
        mismatch=campaign_queries.mismatch_of(campaign),
        verdict=Verdict.UNKNOWN,
        footing=Footing.ALONE,
        low=0.0,
        guess=0.0,
        high=0.0,
        spent=_cost(campaign),
        earned=0,
        at=at,
    )


def _judge(result: Result) -> None:
    family = queries.family_of(result.family)
    place = family.places.get(result.campaign_id) if family else None
    judged = rules.judge(
        came_reached=result.came_reached,
        reached=result.reached,
        came_held=result.came_held,
        held=result.held,
        family=family.pooled if family and place is not None else None,
        place=place or 0,
    )
    broken = queries.is_broken(result)
    visits, spent = sum(result.figures["visits"]), sum(result.figures["spent"])
    each = spent / visits if visits else 0.0
    result.verdict = Verdict.UNKNOWN if broken else judged.verdict
    result.footing, result.shops, result.typical = judged.footing, judged.shops, judged.typical
    result.low, result.guess, result.high = judged.low, judged.guess, judged.high
    # Extra people times what a visit brings: steadier than the difference of two sums of won.
    result.earned = round(judged.guess * result.reached * each)
    rate = max(result.came_held / result.held if result.held else 0.0, 0.01)
    result.needed = rules.needed_for(guess=judged.typical or 0.03, rate=rate, share=0.2)
    result.save()


def _say_noised(result: Result, at: datetime) -> None:
    """What may be said of strangers: how many were written to and how many more came, each noised once, with the noise in the
    range. Too few, or no question left: nothing is said but that nobody can tell."""
    campaign = result.campaign
    counts = {"reached": result.reached, "more": max(0, round(result.guess * result.reached))}
    told: dict[str, int | None] = {}
    for name, count in counts.items():
        try:
            about = f"campaign:{campaign.public_id}:{result.version}:lift:{name}"
            reach = audiences.report_count(shop=campaign.shop, about=about, people=count, at=at)
        except AskedEnough:
            told[name] = None
        else:
            told[name], told["margin"] = reach.people, reach.margin
    result.figures["told"] = told
    result.save(update_fields=["figures"])


def _family_name(campaign: Campaign, sent_at: datetime) -> str:
    """Category × kind of offer × quarter."""
    here = sent_at.astimezone(KST)
    kind = campaign.offer.kind if campaign.offer else "none"
    return f"{campaign.shop.category}:{kind}:{here.year}Q{(here.month + 2) // 3}"


def _came(campaign: Campaign, group: BitMap, sent_at: datetime, window: timedelta) -> Came:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT extract(epoch FROM min(settled_at) - %(at)s)::bigint / 86400, count(DISTINCT coalesce(visit_id, -id)),
                   count(*), sum(total - refunded)
            FROM ordering_bill
            WHERE shop_id = %(shop)s AND person_id = ANY(%(group)s) AND settled_at >= %(at)s AND settled_at < %(end)s
              AND total > refunded
            GROUP BY person_id
            """,
            {"shop": campaign.shop_id, "group": group.to_array().tolist(), "at": sent_at, "end": sent_at + window},
        )
        rows = cursor.fetchall()
    by_day = np.bincount([int(day) for day, *_ in rows], minlength=campaign.window_days).tolist() if rows else []
    return Came(
        people=len(rows),
        by_day=by_day or [0] * campaign.window_days,
        visits=sum(row[1] for row in rows),
        orders=sum(row[2] for row in rows),
        spent=int(sum(row[3] for row in rows)),
    )


def _together(came: Sequence[Came]) -> Came:
    """What several waves of a campaign did, each in its own window; the days are counted from each wave's own."""
    return Came(
        people=sum(one.people for one in came),
        by_day=[sum(day) for day in zip(*(one.by_day for one in came), strict=True)],
        visits=sum(one.visits for one in came),
        orders=sum(one.orders for one in came),
        spent=sum(one.spent for one in came),
    )


def _history(campaign: Campaign, group: BitMap, sent_at: datetime, window: timedelta) -> list[tuple[int, bool]]:
    """For each person of the group, in no order that says who: visits in ten windows up to the last before the campaign, and
    whether they came in that last one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(DISTINCT coalesce(b.visit_id, -b.id)) FILTER (WHERE b.settled_at < %(last)s),
                   count(b.id) FILTER (WHERE b.settled_at >= %(last)s) > 0
            FROM unnest(%(group)s::bigint[]) AS g (person)
            LEFT JOIN ordering_bill b ON b.shop_id = %(shop)s AND b.person_id = g.person AND b.total > b.refunded
              AND b.settled_at >= %(begin)s AND b.settled_at < %(at)s
            GROUP BY g.person ORDER BY 1, 2
            """,
            {
                "shop": campaign.shop_id,
                "group": group.to_array().tolist(),
                "at": sent_at,
                "last": sent_at - window,
                "begin": sent_at - window * (HISTORY + 1),
            },
        )
        return [(int(count), bool(last)) for count, last in cursor.fetchall()]


def _refused(campaign: Campaign, group: BitMap, since: datetime, within: timedelta) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(DISTINCT person_id) FROM people_consent
            WHERE sender = %s AND purpose = %s AND NOT granted AND at >= %s AND at < %s AND person_id = ANY(%s)
            """,
            [
                shop_sender(campaign.shop.public_id),
                Purpose.ADVERTISING,
                since,
                since + within,
                group.to_array().tolist(),
            ],
        )
        return int(cursor.fetchone()[0])


def _joined(campaign: Campaign, group: BitMap, since: datetime, within: timedelta) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM regulars_relation WHERE shop_id = %s AND joined_at >= %s AND joined_at < %s AND person_id = ANY(%s)",
            [campaign.shop_id, since, since + within, group.to_array().tolist()],
        )
        return int(cursor.fetchone()[0])


def _used(campaign: Campaign) -> list[int]:
    """How many coupons of the campaign were used, and the won that the shop itself gave for them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), coalesce(sum(r.amount - r.funded), 0) FROM offers_redemption r JOIN offers_coupon c ON c.id = r.coupon_id
            WHERE r.shop_id = %s AND r.state = 'committed' AND c.key LIKE %s
            """,
            [campaign.shop_id, f"campaign:{campaign.public_id}:{campaign.version}:%"],
        )
        used, won = cursor.fetchone()
    return [int(used), int(won)]


def _cost(campaign: Campaign) -> int:
    return campaign_queries.delivery_of(campaign).won + _used(campaign)[1]


def _share(part: int, whole: int) -> float:
    return round(part / whole, 5) if whole else 0.0


# Guardrails ----------------------------------------------------------------------------------------------------------


def guard_campaign(*, campaign: Campaign, at: datetime) -> list[Look]:
    """Look whether a campaign hurts: whether those written to refuse the shop more than those held out, and whether they
    come less. Only people whose time is over count, each once. Evidence of 100 stops the campaign and tells the owner; a
    harmless one is stopped at most once in a hundred. Every look is written down.
    """
    with transaction.atomic():
        locked = (
            Campaign.objects.select_for_update(no_key=True, of=("self",)).select_related("shop").get(pk=campaign.pk)
        )
        if (
            locked.state not in (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.MEASURING)
            or not locked.measured
        ):
            return []
        watched = [("refusals", _evidence(locked, _refusals_of, REFUSED_WITHIN, at))]
        if locked.trigger != Trigger.HAND:
            window = timedelta(days=locked.window_days)
            watched.append(("visits", _evidence(locked, _stayed_away, window, at)))
        looks = []
        for what, evidence in watched:
            if evidence is None:
                continue
            alarm = evidence >= eprocess.ALARM
            looks.append(
                Look.objects.create(
                    shop_id=locked.shop_id,
                    campaign=locked,
                    what=what,
                    evidence=min(evidence, 1e300),
                    alarm=alarm,
                    at=at,
                )
            )
        if any(one.alarm for one in looks):
            _stop(locked, next(one.what for one in looks if one.alarm), at)
        return looks


def _refusals_of(campaign: Campaign, group: BitMap, since: datetime, within: timedelta) -> int:
    return _refused(campaign, group, since, within)


def _stayed_away(campaign: Campaign, group: BitMap, since: datetime, within: timedelta) -> int:
    return len(group) - _came(campaign, group, since, within).people


Count = Callable[[Campaign, BitMap, datetime, timedelta], int]


def _evidence(campaign: Campaign, count: Count, within: timedelta, at: datetime) -> float | None:
    rows: list[tuple[int, int, int, int]] = []
    for sent_at, reached, held in campaign_queries.groups_of(campaign):
        if sent_at + within > at:
            continue
        parts = 1 if campaign.trigger != Trigger.HAND else 20
        halves = [campaign_queries.parts_of(campaign, group, parts) for group in (reached, held)]
        for a, b in zip(*halves, strict=True):
            rows.append((count(campaign, a, sent_at, within), len(a), count(campaign, b, sent_at, within), len(b)))
    if not rows:
        return None
    ya, na, yb, nb = (np.array(column, float) for column in zip(*rows, strict=True))
    return float(eprocess.evidence(ya, na, yb, nb)[-1])


def _stop(campaign: Campaign, what: str, at: datetime) -> None:
    why = {
        "refusals": say(
            "받은 사람들이 수신을 거부하고 있어서 멈췄어요.", en="Stopped: people who got it refuse further messages."
        ),
        "visits": say("받은 사람들이 오히려 덜 와서 멈췄어요.", en="Stopped: people who got it come less often."),
    }[what]
    campaigns.stop_campaign(campaign=campaign, reason=why.within("ko"), by="guardrail", at=at)
    campaigns.tell_owners(
        campaign=campaign,
        title=say("캠페인 ‘{name}’을 멈췄어요", en="We stopped the campaign “{name}”", name=campaign.name),
        body=why,
        key=f"guardrail:{campaign.public_id}:{campaign.version}",
        at=at,
    )


def foretell_campaign(*, campaign: Campaign, at: datetime) -> Forecast:
    """Write down what a campaign that has just gone out is expected to bring, before anybody could have come because of it; later
    it stands beside the result. Safe to repeat: the first word stands. Call it across shops."""
    known = queries.forecast_of(campaign)
    if known:
        return known
    usual = queries.usual_of(Goal(campaign.goal))
    messages = campaign_queries.sizes_of(campaign).reached
    expected = campaign_queries.forecast_of(campaign, people=messages, usual=queries.range_for(Goal(campaign.goal)))
    each = (expected.visits_low / max(1, expected.messages), expected.visits_high / max(1, expected.messages))
    return Forecast.objects.create(
        shop_id=campaign.shop_id, campaign=campaign, version=campaign.version, messages=messages,
        low=int(messages * each[0]), high=-int(-messages * each[1] // 1), behind=usual.results if usual else 0, at=at,
    )  # fmt: skip


def due_results(*, at: datetime) -> Sequence[Campaign]:
    """Campaigns whose day has come and that have no result yet (across shops)."""
    return list(
        Campaign.objects.filter(state=CampaignState.MEASURING, result_at__lte=at)
        .select_related("shop")
        .order_by("result_at")[:200]
    )
