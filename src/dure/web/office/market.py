"""The week's market: the plan with its certificate, prices, how shops fare, what fairness costs; and whether forecasts came true."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dure.audiences import queries as audiences
from dure.campaigns import actions, queries
from dure.campaigns.models import WeekPlan
from dure.campaigns.values import Nothing, PlanState
from dure.kit import clock
from dure.kit.errors import DureError, Invalid
from dure.kit.language import Text, say
from dure.lift import queries as lift
from dure.shops.values import CATEGORY_WORDS, Category

ALPHAS = ("0", "0.5", "1", "2")
WIDTH, HEIGHT, FOOT = 440, 240, 210


class PlanForm(forms.Form):
    do = forms.ChoiceField(choices=[("this", "this"), ("next", "next"), ("again", "again")])
    plan = forms.CharField(max_length=40, required=False)
    alpha = forms.ChoiceField(choices=[(one, one) for one in ALPHAS], required=False)


def page(context: Callable[[HttpRequest], dict[str, Any]]) -> Callable[..., HttpResponse]:
    """The newest plan, or the one asked for; the site wraps it, so only operators come in."""

    @require_http_methods(["GET", "HEAD", "POST"])
    def market(request: HttpRequest) -> HttpResponse:
        refused, status = "", 200
        if request.method == "POST":
            form = PlanForm(request.POST)
            if not form.is_valid():
                raise Invalid
            try:
                made = _plan(request, form.cleaned_data)
                return redirect(f"{request.path}?plan={made.public_id}")
            except DureError as refusal:
                refused, status = str(refusal.sentence), refusal.status
        asked = request.GET.get("plan", "")
        plan = queries.plan_by_public_id(asked) if asked else queries.plans().first()
        ready = plan is not None and plan.state == PlanState.READY
        told = lift.calibration()
        said = {
            **context(request),
            "title": str(say("시장", en="Market")),
            "plan": plan,
            "ready": ready,
            "percent": round(100 * plan.done / plan.total) if plan else 0,
            "gap": f"{100 * (plan.bound - plan.most_value) / plan.bound:.3f}" if plan and plan.bound else "0",
            "cost": plan.most_value - plan.value if plan else 0,
            "cost_share": f"{100 * (plan.most_value - plan.value) / plan.most_value:.2f}"
            if plan and plan.most_value
            else "0",
            "fares": _fares(plan) if plan and ready else None,
            "market": _market(plan) if plan and ready else None,
            "till": _till(plan) if plan and ready and plan.at_till else None,
            "others": queries.plans()[:12],
            "alphas": ALPHAS,
            "refused": refused,
            "forecasts": _forecasts(told),
        }
        return render(request, "office/market.html", said, status=status)

    return market


def _plan(request: HttpRequest, typed: dict[str, Any]) -> WeekPlan:
    operator: Any = request.user
    by, at = f"operator:{operator.public_id}", clock.now()
    alpha = float(typed["alpha"] or "1")
    if typed["do"] == "again":
        return actions.replan_week(plan=queries.plan_by_public_id(typed["plan"]), alpha=alpha, by=by, at=at)
    day = at.astimezone(clock.KST).date() + timedelta(days=7 if typed["do"] == "next" else 0)
    return actions.plan_week(week_on=queries.week_of(day), alpha=alpha, by=by, at=at)


def _market(plan: WeekPlan) -> queries.Market:
    """The market with trades and districts in the operator's words."""
    market = queries.market_of(plan)
    categories = [
        replace(one, name=str(CATEGORY_WORDS[Category(one.name)])) if one.name in set(Category) else one
        for one in market.categories
    ]
    districts = [replace(one, name=str(audiences.district_name(one.name))) for one in market.districts]
    return replace(market, categories=categories, districts=districts)


WHY_NOTHING: Mapping[str, Text] = {
    Nothing.PRICE: say("더 값진 것이 없음", en="Worth less than its price"),
    Nothing.NONE_LEFT: say("드릴 쿠폰이 남지 않음", en="No coupons left"),
    Nothing.ENOUGH: say("이번 주에 충분히 받음", en="Has had enough this week"),
    "night": say("밤", en="Night"),
    "quiet": say("조용히 있고 싶은 시간", en="Quiet hours"),
    "enough_today": say("오늘 충분히 받음", en="Has had enough today"),
    "enough_this_week": say("이번 주에 충분히 받음", en="Has had enough this week"),
}
OTHERWISE = say("동의가 없거나 거절함, 그 밖의 까닭", en="No consent, a refusal, or another reason")


def _till(plan: WeekPlan) -> dict[str, Any]:
    """What guests who had just paid were given beside the plan, and why others were given nothing."""
    told = queries.till_of(plan)
    reasons: dict[str, int] = {}
    for reason, many in told.nothing.items():
        words = str(WHY_NOTHING.get(reason, OTHERWISE))
        reasons[words] = reasons.get(words, 0) + many
    return {
        "planned": told.planned,
        "given": told.given,
        "most": told.most,
        "reasons": sorted(reasons.items(), key=lambda pair: -pair[1]),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fares:
    """How satisfied shops are, from the worst off to the best off, under the fair plan and under the one of most value."""

    rows: list[tuple[str, str, str]]
    fair: str
    most: str
    gini: tuple[str, str]
    worst: tuple[str, str]


def _fares(plan: WeekPlan) -> _Fares:
    fair, most = plan.fairness["fair"], plan.fairness["most"]

    def points(deciles: Sequence[float]) -> str:
        return " ".join(f"{40 + 40 * n},{FOOT - round(190 * share)}" for n, share in enumerate(deciles))

    return _Fares(
        rows=[
            (f"{10 * n} %", f"{100 * a:.0f} %", f"{100 * b:.0f} %")
            for n, (a, b) in enumerate(zip(fair["deciles"], most["deciles"], strict=True))
        ],
        fair=points(fair["deciles"]),
        most=points(most["deciles"]),
        gini=(f"{fair['gini']:.3f}", f"{most['gini']:.3f}"),
        worst=(f"{100 * fair['worst_tenth']:.0f} %", f"{100 * most['worst_tenth']:.0f} %"),
    )


def _forecasts(told: list[lift.ComeTrue]) -> dict[str, Any]:
    """Foretold against measured, one dot a campaign: on the line they agree."""
    top = max([1, *(max(one.high, one.guess, one.to) for one in told)])

    def place(people: float) -> int:
        return round(190 * min(max(people, 0), top) / top)

    dots = [
        {
            "x": 40 + 2 * place((one.low + one.high) / 2),
            "y": FOOT - place(one.guess),
            "low": FOOT - place(one.from_),
            "high": FOOT - place(one.to),
            "said": one,
        }
        for one in told
    ]
    held = sum(one.held for one in told)
    return {
        "dots": dots,
        "top": top,
        "held": held,
        "count": len(told),
        "share": round(100 * held / len(told)) if told else 0,
    }
