"""What is known of campaigns' effects: results of those whose day has come, and nothing before."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from dure.campaigns.models import Campaign
from dure.campaigns.values import CampaignState
from dure.kit.language import Text
from dure.lift import rules
from dure.lift.estimators import cuped
from dure.lift.estimators.pooled import Pooled, pool, season_of, smoothed
from dure.lift.models import Look, Result
from dure.lift.values import Footing, Judgement, Told, Verdict
from dure.shops.models import Shop

BROKEN_BELOW = 0.001


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
