"""What is known of campaigns' effects: results of those whose day has come, and nothing before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection
from django.db.models import F

from dure.campaigns import queries as campaigns
from dure.campaigns.models import Campaign
from dure.campaigns.values import CampaignState, Goal
from dure.kit.clock import KST
from dure.kit.language import Text
from dure.lift import rules
from dure.lift.estimators import cuped
from dure.lift.estimators.pooled import Pooled, pool, season_of, smoothed
from dure.lift.estimators.spread import spread_of
from dure.lift.models import Forecast, Look, Result
from dure.lift.values import Footing, Judgement, Told, Verdict
from dure.shops import fence
from dure.shops.models import Shop
from dure.targeting.values import HELD, Place

BROKEN_BELOW = 0.001
RESULTS_TO_LEARN, RESULTS_LEARNED_FROM = 30, 2_000


def result_of(campaign: Campaign) -> Result | None:
    """The campaign's result, once its day has come."""
    return Result.objects.filter(shop_id=campaign.shop_id, campaign=campaign, version=campaign.version).first()


def results_of(shop: Shop) -> dict[int, Result]:
    """The newest result of each of the shop's campaigns, by the campaign's id."""
    return {one.campaign_id: one for one in Result.objects.filter(shop=shop).order_by("id")}


def looks_at(campaign: Campaign) -> list[Look]:
    """Every look of the guardrails at this campaign, newest first."""
    return list(Look.objects.filter(shop_id=campaign.shop_id, campaign=campaign).order_by("-id")[:50])


def sentence_of(result: Result) -> Text:
    """The honest sentence."""
    judged = Judgement(
        verdict=Verdict(result.verdict),
        footing=Footing(result.footing),
        low=result.low,
        guess=result.guess,
        high=result.high,
        shops=result.shops,
        typical=result.typical,
    )
    noised = result.figures.get("told")
    if noised is not None:
        return rules.sentence_of_strangers(
            judged,
            reached=noised.get("reached"),
            more=noised.get("more"),
            margin=noised.get("margin", 0),
            spent=result.spent,
        )
    told = Told(
        reached=result.reached,
        held=result.held,
        coupon=bool(result.figures.get("coupon")),
        spent=result.spent,
        earned=result.earned,
        needed=result.needed,
    )
    return rules.sentence(judged, told)


def is_broken(result: Result) -> bool:
    """Whether the groups are not what the coin made of them, so that the report says nothing."""
    return result.mismatch < BROKEN_BELOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the waiting is: `share` of the window is over (0 to 1), the result comes `at`."""

    share: float
    at: datetime


def progress_of(campaign: Campaign, *, at: datetime) -> Progress | None:
    """The way to the one day of the result; None where none is waited for. It tells time alone, never what came so far."""
    waits = campaign.state in (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.MEASURING)
    if not (waits and campaign.measured and campaign.result_at):
        return None
    whole = campaign.window_days * 86_400
    left = (campaign.result_at - at).total_seconds()
    return Progress(share=min(1.0, max(0.0, 1 - left / whole)), at=campaign.result_at)


@dataclass(frozen=True, slots=True)
class Family:
    """The pooled results of similar shops, and the place of each campaign (id) among them."""

    pooled: Pooled
    places: dict[int, int]


def family_of(name: str) -> Family | None:
    """Pool every result of a family (across shops), with weights and variances that know no shop's own outcome; None below
    two."""
    rows = [
        one
        for one in Result.objects.filter(family=name, reached__gt=0, held__gt=0).order_by("id")
        if not is_broken(one)
    ]
    if len(rows) < 2:
        return None
    reached = np.array([r.reached for r in rows], float)
    held = np.array([r.held for r in rows], float)
    came_held = np.array([r.came_held for r in rows], float)
    difference = np.array([r.came_reached for r in rows], float) / reached - came_held / held
    before = smoothed(np.array([r.rate_before for r in rows], float), reached + held)
    sums = np.array([r.figures["before"] for r in rows], float).sum(axis=0)
    theta, explained = coefficient_from(sums)
    predicted = np.array([r.figures["predicted"] for r in rows], float)
    adjusted = cuped.adjusted(difference, predicted[:, 0], predicted[:, 1], theta)
    season = season_of(came_held, held, before)
    pooled = pool(adjusted, reached, held, before, explained=explained, season=season)
    return Family(pooled, {r.campaign_id: i for i, r in enumerate(rows)})


def coefficient_from(sums: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, float]:
    """CUPED's coefficient and R² from sums (n, Σx, Σy, Σxy, Σx², Σy²) over the whole family's people before the campaigns."""
    n, x, y, xy, xx, yy = sums
    if n < 2:
        return 0.0, 0.0
    spread_x, spread_y = xx - x * x / n, yy - y * y / n
    common = xy - x * y / n
    if spread_x <= 1e-12 or spread_y <= 1e-12:
        return 0.0, 0.0
    return float(common / spread_x), float(min(1.0, common * common / (spread_x * spread_y)))


@dataclass(frozen=True, slots=True)
class Usual:
    """What campaigns with one goal brought: from `low` to `high` more people a message for nine in ten, by `results` of them."""

    low: float
    high: float
    results: int


def usual_of(goal: Goal) -> Usual | None:
    """What the whole network's campaigns with this goal brought; None below 30 results, where one shop's would shine through."""
    with fence.across_shops():  # a figure of all shops together
        rows = list(
            Result.objects.filter(campaign__goal=goal, reached__gt=0, held__gt=0, mismatch__gte=BROKEN_BELOW)
            .order_by("-id")
            .values_list("reached", "held", "came_reached", "came_held")[:2_000]
        )
    if len(rows) < rules.RESULTS_TO_FORECAST:
        return None
    reached, held, came_reached, came_held = np.array(rows, float).T
    low, high = spread_of(came_reached, reached, came_held, held, level=rules.SHOWN)
    return Usual(low, high, len(rows))


def range_for(goal: Goal) -> tuple[float, float] | None:
    """The usual range a message for `campaigns.forecast_of`, where the network knows it."""
    known = usual_of(goal)
    return (max(0.0, known.low), max(0.0, known.high)) if known else None


def results_to_learn_from(*, since: datetime) -> list[Result]:
    """Results (across shops) of campaigns that held somebody out and whose groups are what the coin made of them, newest first."""
    sound = Result.objects.filter(reached__gt=0, held__gt=0, mismatch__gte=BROKEN_BELOW, at__gte=since)
    # An edited automation's groups are those of its present version; the result of a former one has other groups.
    same = sound.filter(version=F("campaign__version")).select_related("campaign", "shop")
    return list(same.order_by("-id")[:RESULTS_LEARNED_FROM])


def forecast_of(campaign: Campaign) -> Forecast | None:
    """What was expected of a campaign when it went out."""
    return Forecast.objects.filter(shop_id=campaign.shop_id, campaign=campaign, version=campaign.version).first()


def without_forecast() -> list[Campaign]:
    """Measured campaigns (across shops) that are out and of which nothing was foretold yet."""
    out = (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.MEASURING)
    told = Forecast.objects.values("campaign")
    waiting = Campaign.objects.filter(state__in=out, measured=True, result_at__isnull=False).exclude(pk__in=told)
    return list(waiting.select_related("shop", "offer").order_by("id")[:200])


@dataclass(frozen=True, slots=True)
class ComeTrue:
    """One forecast beside what was measured: people, the range `low` to `high` foretold, the range `from_` to `to` measured
    around `guess`; `held` when the two ranges meet."""

    low: int
    high: int
    guess: int
    from_: int
    to: int
    held: bool


def come_true(forecast: Forecast, result: Result) -> ComeTrue:
    """How a forecast stands beside the result. Both are ranges; it came true where they meet."""
    low, guess, high = (round(result.reached * rate) for rate in (result.low, result.guess, result.high))
    return ComeTrue(forecast.low, forecast.high, guess, low, high, forecast.low <= high and low <= forecast.high)


def calibration(most: int = 200) -> list[ComeTrue]:
    """The newest forecasts whose day has come (across shops), beside what was measured."""
    told = {(one.campaign_id, one.version): one for one in Forecast.objects.order_by("-id")[: most * 2]}
    results = Result.objects.filter(campaign__in={campaign for campaign, _ in told}).order_by("-id")
    known = [(told[key], one) for one in results if (key := (one.campaign_id, one.version)) in told]
    return [come_true(forecast, one) for forecast, one in known if not is_broken(one)][:most]


def suggestions_told(shop: Shop, *, at: datetime) -> list[Text]:
    """What the line at the basket and the one over the menu brought in the last calendar month (Seoul) that is over, in one honest
    sentence each; when it will be told where there was none in it but is now; no sentence where nothing was suggested in either.

    A month is looked at once it is over and then stays as it is: looking every day would find something sooner or later. Every
    visit counts where the coin put it, as one that ordered the suggested dish after its basket was seen or did not.
    """
    this_month = at.astimezone(KST).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT g.place, g.at < %(this)s, g.shown, count(*), count(*) FILTER (WHERE EXISTS (
                SELECT 1 FROM ordering_order o JOIN ordering_orderline l ON l.order_id = o.id
                WHERE o.visit_id = g.visit_id AND o.placed_at >= g.at AND o.received_at IS NOT NULL AND o.state <> 'refused'
                  AND l.item_id = g.item_id AND l.struck_at IS NULL
            ))
            FROM targeting_suggestion g WHERE g.shop_id = %(shop)s AND g.at >= %(last)s AND g.at < %(at)s GROUP BY 1, 2, 3
            """,
            {"shop": shop.pk, "this": this_month, "last": last_month, "at": at},
        )
        found: dict[str, dict[tuple[bool, bool], tuple[int, int]]] = {}
        for place, over, shown, visits, took in cursor.fetchall():
            found.setdefault(place, {})[over, shown] = visits, took
    next_month = (this_month + timedelta(days=32)).month
    return [_suggestions_told(place, found[place], next_month) for place in Place if place in found]


def _suggestions_told(place: Place, found: Mapping[tuple[bool, bool], tuple[int, int]], next_month: int) -> Text:
    reached, took = found.get((True, True), (0, 0))
    held, took_held = found.get((True, False), (0, 0))
    if not reached and not held:
        return rules.suggestions_waited_for(place, next_month)
    mismatch = campaigns.split_mismatch(reached, held, share=HELD[place])
    if not reached or not held or mismatch < BROKEN_BELOW:
        return rules.sentence_of_suggestions(place, None, reached=reached, held=held)
    judged = rules.judge(came_reached=took, reached=reached, came_held=took_held, held=held)
    return rules.sentence_of_suggestions(place, judged, reached=reached, held=held)
