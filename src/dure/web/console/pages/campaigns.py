"""Campaigns: the list and its calendar, one campaign with its sentence, and what an owner may do with it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

from dure.campaigns import actions, queries
from dure.campaigns.errors import CampaignStateWrong
from dure.campaigns.values import GOALS, CampaignState, Goal
from dure.kit import clock
from dure.kit.errors import Invalid
from dure.kit.language import Text, say
from dure.kit.money import won
from dure.lift import queries as lift
from dure.lift.values import Verdict
from dure.offers.queries import worth_of
from dure.shops.values import Ability
from dure.web.console.frame import see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.campaigns.models import Campaign
    from dure.lift.models import Result
    from dure.shops.models import Shop

STATE_WORDS = {
    CampaignState.DRAFT: (say("쓰는 중", en="Draft"), ""),
    CampaignState.REVIEW: (say("확인을 기다려요", en="In review"), "warn"),
    CampaignState.SCHEDULED: (say("예약됨", en="Scheduled"), ""),
    CampaignState.RUNNING: (say("보내는 중", en="Running"), "good"),
    CampaignState.PAUSED: (say("멈춤", en="Paused"), "warn"),
    CampaignState.MEASURING: (say("결과를 기다려요", en="Measuring"), ""),
    CampaignState.DONE: (say("끝남", en="Done"), ""),
    CampaignState.STOPPED: (say("그만둠", en="Stopped"), "bad"),
}
VERDICT_WORDS = {
    Verdict.WORKED: (say("효과가 있었어요", en="It worked"), "good"),
    Verdict.PROBABLY: (say("아마 있었어요", en="Probably"), ""),
    Verdict.UNKNOWN: (say("아직 몰라요", en="Cannot tell yet"), ""),
    Verdict.HURT: (say("오히려 줄었어요", en="It hurt"), "bad"),
}
WIDTH, HEIGHT, LEFT, FOOT = 620, 240, 44, 28


def _badge(campaign: Campaign, result: Result | None) -> tuple[Text, str]:
    if result and not lift.is_broken(result):
        return VERDICT_WORDS[Verdict(result.verdict)]
    return STATE_WORDS[CampaignState(campaign.state)]


@staff_who_may(Ability.EDIT_OFFERS, "GET")
def campaigns(request: HttpRequest, shop: Shop) -> HttpResponse:
    """What was sent, is being sent and waits; the month at a glance."""
    results = lift.results_of(shop)
    rows = [(one, *_badge(one, results.get(one.id))) for one in queries.campaigns_of(shop)[:50]]
    month = _month(request.GET.get("month", ""))
    days = queries.calendar_of(shop, month=month)
    return show(
        request,
        shop,
        "console/campaigns.html",
        "campaigns",
        rows=rows,
        goals=[(goal.value, plan) for goal, plan in GOALS.items()],
        month=month,
        before=(month - timedelta(days=1)).replace(day=1),
        after=(month + timedelta(days=32)).replace(day=1),
        weeks=_weeks(month, days),
        planned=sorted(days.items()),
        weekdays=(say("월", en="Mo"), say("화", en="Tu"), say("수", en="We"), say("목", en="Th"), say("금", en="Fr"),
                  say("토", en="Sa"), say("일", en="Su")),
        automations=queries.automations_of(shop).count(),
    )  # fmt: skip


def _month(asked: str) -> date:
    try:
        found = date.fromisoformat(f"{asked}-01")
    except ValueError:
        found = clock.now().astimezone(clock.KST).date()
    return found.replace(day=1, year=min(max(found.year, 2020), 2100))


def _weeks(month: date, days: dict[date, list[Campaign]]) -> list[list[dict[str, Any]]]:
    begin = month - timedelta(days=month.weekday())
    weeks = []
    for week in range(6):
        row = [begin + timedelta(days=7 * week + day) for day in range(7)]
        if week and row[0].month != month.month:
            break
        weeks.append([{"day": day, "here": day.month == month.month, "campaigns": days.get(day, [])} for day in row])
    return weeks


@staff_who_may(Ability.EDIT_OFFERS, "GET")
def campaign(request: HttpRequest, shop: Shop, campaign: str) -> HttpResponse:
    """One campaign: how far it is, and on its day the sentence with what stands behind it."""
    found = queries.campaign_by_public_id(shop, campaign)
    result = lift.result_of(found)
    words, tone = STATE_WORDS[CampaignState(found.state)]
    progress = lift.progress_of(found, at=clock.now())
    to_network = queries.is_to_network(found)
    foretold = None if to_network else lift.forecast_of(found)
    return show(
        request,
        shop,
        "console/campaign.html",
        "campaigns",
        live=True,
        campaign=found,
        goal=GOALS[Goal(found.goal)].name,
        words=words,
        tone=tone,
        texts=_texts(found),
        worth=worth_of(found.offer) if found.offer else None,
        sizes=queries.sizes_of(found),
        to_network=to_network,
        foretold=foretold,
        came_true=lift.come_true(foretold, result) if foretold and result else None,
        part=queries.part_of(found) if found.by_plan and not to_network else None,
        delivery=_delivery(found),
        held_price=queries.price_held(found),
        result=result,
        broken=bool(result and lift.is_broken(result)),
        sentence=lift.sentence_of(result) if result else None,
        verdict=VERDICT_WORDS[Verdict(result.verdict)] if result else None,
        figures=_figures(result) if result else [],
        chart=_chart(result) if result else None,
        progress=progress,
        percent=round(100 * progress.share) if progress else 0,
        looks=lift.looks_at(found)[:5],
        steps=[(STATE_WORDS[CampaignState(one.state)][0], one) for one in queries.steps_of(found)],
        can=_can(found),
    )


def _texts(campaign: Campaign) -> list[tuple[str, str]]:
    """Title and body as people read them; a draft with a gap that nothing fills as it was typed."""
    values = actions.gap_values(campaign=campaign, at=campaign.send_at or clock.now())
    try:
        return actions.texts_of(campaign=campaign, values=values)
    except KeyError:
        return [(campaign.title, campaign.body)]


FATE_WORDS = {
    "waiting": say("기다리는 중", en="Waiting"),
    "handing": say("보내는 중", en="Going out"),
    "accepted": say("발송 회사가 받음", en="With the agency"),
    "arrived": say("도착", en="Arrived"),
    "refused": say("보낼 수 없었던 사람", en="May not be sent"),
    "failed": say("도착하지 못함", en="Did not arrive"),
    "expired": say("때를 놓침", en="Too late"),
    "stopped": say("그만둠", en="Stopped"),
    "uncertain": say("알 수 없음", en="Nobody knows"),
}


def _delivery(campaign: Campaign) -> dict[str, Any]:
    """What became of the messages: counts of friends; of strangers only what was said once."""
    told = queries.delivery_of(campaign)
    if queries.is_to_network(campaign):
        return {"won": told.won, "rows": []}
    return {
        "won": told.won,
        "rows": [(words, told.fates[fate]) for fate, words in FATE_WORDS.items() if told.fates.get(fate)],
    }


def _can(campaign: Campaign) -> dict[str, bool]:
    state = CampaignState(campaign.state)
    return {
        "edit": state == CampaignState.DRAFT,
        "pause": state == CampaignState.RUNNING,
        "resume": state == CampaignState.PAUSED,
        "stop": state not in (CampaignState.DONE, CampaignState.STOPPED),
        "copy": True,
    }


def _figures(result: Result) -> list[tuple[Text, str, str]]:
    """What both groups did, for the table under the sentence: counts per hundred people, so that they can be compared."""

    def each(name: str) -> tuple[str, str]:
        pair = result.figures[name]
        return _per(pair[0], result.reached), _per(pair[1], result.held)

    return [
        (say("사람 수", en="People"), f"{result.reached:,}", f"{result.held:,}"),
        (say("온 사람 (100명 가운데)", en="People who came (of 100)"), _per(result.came_reached, result.reached),
         _per(result.came_held, result.held)),
        (say("방문 (100명마다)", en="Visits (for 100)"), *each("visits")),
        (say("주문 (100명마다)", en="Orders (for 100)"), *each("orders")),
        (say("쓴 돈 (100명마다)", en="Spent (for 100)"), *_won_each(result)),
        (say("새 친구 (100명마다)", en="New friends (for 100)"), *each("friends")),
        (say("수신 거부 (100명마다)", en="Refusals (for 100)"), *each("refused")),
    ]  # fmt: skip


def _won_each(result: Result) -> tuple[str, str]:
    reached, held = result.figures["spent"]
    return won(100 * reached // max(1, result.reached)), won(100 * held // max(1, result.held))


def _per(count: int, people: int) -> str:
    return f"{100 * count / people:.1f}" if people else "–"


def _chart(result: Result) -> dict[str, Any]:
    """Two lines over the days: the share that had come, of the reached and of the held out."""
    rows = [(day + 1, 100 * a, 100 * b) for day, a, b in result.curve]
    top = max([*(max(a, b) for _, a, b in rows), 1.0]) * 1.15
    days = max(1, len(rows))

    def point(day: int, value: float) -> str:
        x = LEFT + (WIDTH - LEFT - 12) * day / days
        y = HEIGHT - FOOT - (HEIGHT - FOOT - 16) * value / top
        return f"{x:.1f},{y:.1f}"

    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "foot": HEIGHT - FOOT,
        "label": HEIGHT - 8,
        "reached": " ".join([point(0, 0), *(point(day, a) for day, a, _ in rows)]),
        "held": " ".join([point(0, 0), *(point(day, b) for day, _, b in rows)]),
        "top": f"{top:.0f}%",
        "days": days,
        "last": WIDTH - 12,
        "rows": [(day, f"{a:.1f}%", f"{b:.1f}%") for day, a, b in rows],
    }


@staff_who_may(Ability.EDIT_OFFERS, "POST")
def state(request: HttpRequest, shop: Shop, campaign: str) -> HttpResponse:
    """Pause, resume or stop."""
    found = queries.campaign_by_public_id(shop, campaign)
    by, at = staff_of(request).by, clock.now()
    match request.POST.get("state"):
        case "paused":
            actions.pause_campaign(campaign=found, by=by, at=at)
            told(
                request,
                say(
                    "멈췄어요. 다시 시작할 때까지 아무것도 나가지 않아요.",
                    en="Paused. Nothing goes out until you resume.",
                ),
            )
        case "running":
            actions.resume_campaign(campaign=found, by=by, at=at)
            told(request, say("다시 시작했어요.", en="Resumed."))
        case "stopped":
            actions.stop_campaign(campaign=found, by=by, at=at)
            told(
                request,
                say("그만두었어요. 이미 받은 쿠폰은 쓸 수 있어요.", en="Stopped. Coupons already given stay good."),
            )
        case _:
            raise Invalid
    page = "campaign" if found.trigger == "hand" else "automations"
    return see(page, shop, *([found.public_id] if page == "campaign" else []))


@staff_who_may(Ability.EDIT_OFFERS, "POST")
def copy(request: HttpRequest, shop: Shop, campaign: str) -> HttpResponse:
    """The same again as a new draft."""
    found = queries.campaign_by_public_id(shop, campaign)
    if found.trigger != "hand":
        raise CampaignStateWrong
    made = actions.copy_campaign(campaign=found, by=staff_of(request).by, at=clock.now())
    return see("campaign_edit", shop, made.public_id)
