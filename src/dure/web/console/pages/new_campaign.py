"""The five steps of a campaign on one page: goal, audience, offer, message, when and how much."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.audiences import queries as audiences
from dure.audiences.actions import ask_reach
from dure.campaigns import actions, queries
from dure.campaigns.errors import CampaignStateWrong
from dure.campaigns.values import FAULTS, GOALS, WAY_NAMES, WAYS, CampaignState, Goal
from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import pick, say
from dure.lift import queries as lift
from dure.messaging.values import Form, Medium
from dure.offers import queries as offers
from dure.offers.values import OfferOccasion, OfferState
from dure.regulars.values import Stage
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.campaigns.models import Campaign
    from dure.campaigns.values import Forecast
    from dure.offers.models import Offer
    from dure.shops.models import Shop

STAGES = {
    Stage.NEW: say("새 친구", en="New friends"),
    Stage.RETURNING: say("다시 온 친구", en="Came again"),
    Stage.REGULAR: say("단골", en="Regulars"),
    Stage.LAPSED: say("뜸해진 친구", en="Stay away"),
}


def offers_to_send(shop: Shop) -> dict[str, Offer]:
    """The coupons that may go with a message, by public id."""
    running = (one for one in offers.offers_of(shop) if one.state == OfferState.RUNNING)
    return {o.public_id: o for o in running if o.occasion == OfferOccasion.HAND and o.stock_per_day is None}


def offer_choices(found: dict[str, Offer]) -> list[tuple[str, Any]]:
    """The same to choose from, with none first."""
    return [("", say("쿠폰 없이", en="No coupon")), *((name, pick(one.name)) for name, one in found.items())]


def way_choices() -> list[tuple[str, Any]]:
    """The media beside the inbox that somebody carries here."""
    return [(str(way), WAY_NAMES[way]) for way in queries.ways_here() if way is not Medium.INBOX]


def ways_of(chosen: list[str]) -> tuple[str, ...]:
    """The chosen media in the order in which they are tried; the inbox is always the last."""
    return tuple(str(way) for way in WAYS if way is Medium.INBOX or way in chosen)


class CampaignForm(forms.Form):
    goal = forms.ChoiceField(
        choices=[(g.value, GOALS[g].name) for g in Goal],
        widget=forms.RadioSelect,
        initial=Goal.WIN_BACK.value,
        label=say("무엇을 바라세요?", en="What do you want?"),
    )
    stages = forms.MultipleChoiceField(
        choices=[(s.value, words) for s, words in STAGES.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=say("어떤 친구에게? (안 고르면 모두)", en="Which friends? (none: all)"),
    )
    to = forms.ChoiceField(required=False, label=say("누구에게?", en="To whom?"))
    definition = forms.CharField(
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        label=say("고객층을 글로", en="The audience in words"),
        help_text=say("보기: 마포구 30대 커피 좋아함", en="For example: Mapo-gu, thirties, like coffee"),
    )
    ways = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=say("알림함 말고 또 어떻게?", en="How else, beside the inbox?"),
    )
    offer = forms.ChoiceField(required=False, label=say("함께 드릴 쿠폰", en="Coupon to go with it"))
    title = forms.CharField(max_length=40, label=say("제목", en="Title"))
    body = forms.CharField(
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 4}),
        label=say("내용", en="Text"),
        help_text=say(
            "#{shop}, #{coupon}, #{until}은 보낼 때 가게·쿠폰·마지막 날로 바뀌어요.",
            en="#{shop}, #{coupon} and #{until} become the shop, the coupon and its last day.",
        ),
    )
    other_title = forms.CharField(max_length=40, required=False, label=say("다른 제목", en="Other title"))
    other_body = forms.CharField(
        max_length=400,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=say("다른 내용", en="Other text"),
    )
    on = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        label=say("보내는 날 (비우면 지금)", en="Day (empty: now)"),
    )
    hour = forms.TypedChoiceField(
        coerce=int, choices=[(h, f"{h:02}:00") for h in range(8, 21)], initial=11, label=say("보내는 시각", en="Hour")
    )
    most = forms.IntegerField(
        min_value=1, max_value=50_000_000, required=False, label=say("많아야 몇 명에게", en="At most so many people")
    )
    budget = forms.IntegerField(
        min_value=0, max_value=2_000_000_000, required=False, label=say("메시지 예산(원)", en="Message budget (won)")
    )
    by_plan = forms.BooleanField(
        required=False,
        label=say(
            "누구에게 갈지는 이번 주 계획에 맡기기 (내일부터)",
            en="Let the week's plan choose who gets it (from tomorrow on)",
        ),
    )
    at_till = forms.IntegerField(
        min_value=0,
        max_value=1_000_000,
        required=False,
        label=say("그중 결제를 마친 손님께 바로 드릴 쿠폰 수", en="Of these, coupons for guests who have just paid"),
    )
    name = forms.CharField(max_length=40, required=False, label=say("나만 보는 이름", en="A name for yourself"))

    def __init__(self, *said: Any, shop: Shop, **more: Any) -> None:
        super().__init__(*said, **more)
        self.offers = offers_to_send(shop)
        self.fields["offer"].choices = offer_choices(self.offers)  # type: ignore[attr-defined]
        self.saved = {one.public_id: one for one in audiences.audiences_of(shop)}
        self.fields["to"].choices = [  # type: ignore[attr-defined]
            ("", say("우리 가게 친구", en="Friends of my shop")),
            *[(one.public_id, one.name) for one in self.saved.values()],
            ("words", say("글로 적은 고객층", en="An audience in words")),
        ]
        self.fields["ways"].choices = way_choices()  # type: ignore[attr-defined]

    def audience(self) -> dict[str, Any]:
        """Whom as a campaign keeps it. Refuses: BadDefinition."""
        to = self.cleaned_data["to"]
        if to in self.saved:
            return {"definition": self.saved[to].definition, "saved": to}
        if to == "words":
            return {"definition": audiences.as_document(audiences.read_definition(self.cleaned_data["definition"]))}
        return {"stages": self.cleaned_data["stages"]}

    def content(self) -> dict[str, Any]:
        """What was typed as `draft_campaign` takes it."""
        typed = self.cleaned_data
        goal = Goal(typed["goal"])
        return {
            "goal": goal,
            "name": typed["name"] or str(GOALS[goal].name),
            "audience": self.audience(),
            "media": ways_of(typed["ways"]),
            "offer": self.offers.get(typed["offer"]),
            "title": typed["title"],
            "body": typed["body"],
            "other_title": typed["other_title"],
            "other_body": typed["other_body"],
            "most": typed["most"],
            "budget": typed["budget"],
            "by_plan": typed["by_plan"],
            "at_till": typed["at_till"] or 0,
        }

    def send_at(self, now: datetime) -> datetime:
        """When it goes: now, or at the Korean hour of the day typed."""
        typed = self.cleaned_data
        if not typed["on"]:
            return now
        return datetime.combine(typed["on"], datetime.min.time(), clock.KST) + timedelta(hours=typed["hour"])


def _start(shop: Shop, goal: Goal) -> dict[str, Any]:
    """A goal's suggestions, so that a campaign is done in a minute."""
    plan = GOALS[goal]
    offer = next(iter(offers_to_send(shop).values()), None)
    body = pick(plan.body)
    if offer is None:
        # Without a coupon only the greeting: what speaks of the coupon is the last part of each proposal.
        body = re.split(r"‘#\{coupon\}|Your coupon “", body)[0].strip()
    return {
        "goal": goal.value,
        "stages": list(plan.stages),
        "offer": offer.public_id if offer else "",
        "title": pick(plan.title),
        "ways": [str(Medium.PUSH)],
        "body": body,
        "hour": 11,
    }


def _goal(asked: str) -> Goal:
    return Goal(asked) if asked in set(Goal) else Goal.WIN_BACK


@staff_who_may(Ability.EDIT_OFFERS, "GET", "POST")
def new_campaign(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The form; while one types, the same page answers with the preview and the forecast."""
    if request.method == "POST":
        form = CampaignForm(request.POST, shop=shop)
        return _save(request, shop, form, None)
    if "title" in request.GET:
        return _page(request, shop, CampaignForm(request.GET, shop=shop), None)
    start = _start(shop, _goal(request.GET.get("goal", "")))
    asked = request.GET.get("audience", "")
    if any(one.public_id == asked for one in audiences.audiences_of(shop)):
        start["to"] = asked
    return _page(request, shop, CampaignForm(start, shop=shop), None, fresh=True)


@staff_who_may(Ability.EDIT_OFFERS, "GET", "POST")
def campaign_edit(request: HttpRequest, shop: Shop, campaign: str) -> HttpResponse:
    """A draft again in the same form."""
    found = queries.campaign_by_public_id(shop, campaign)
    if found.state != CampaignState.DRAFT or found.trigger != "hand":
        raise CampaignStateWrong
    if request.method == "POST":
        return _save(request, shop, CampaignForm(request.POST, shop=shop), found)
    if "title" in request.GET:
        return _page(request, shop, CampaignForm(request.GET, shop=shop), found)
    start = {
        **{name: getattr(found, name) for name in ("goal", "name", "title", "body", "other_title", "other_body")},
        **_whom(shop, found),
        "ways": found.media,
        "offer": found.offer.public_id if found.offer else "",
        "most": found.most or "",
        "budget": "" if found.budget is None else found.budget,
        "by_plan": found.by_plan,
        "at_till": found.at_till or "",
        "hour": 11,
    }
    return _page(request, shop, CampaignForm(start, shop=shop), found, fresh=True)


def _whom(shop: Shop, campaign: Campaign) -> dict[str, Any]:
    """A draft's audience as the form shows it: an audience that was changed or dropped since stands in its words."""
    said = campaign.audience
    if "definition" not in said:
        return {"stages": said.get("stages", [])}
    known = next((one for one in audiences.audiences_of(shop) if one.public_id == said.get("saved")), None)
    if known and known.definition == said["definition"]:
        return {"to": known.public_id}
    return {"to": "words", "definition": audiences.as_text(audiences.read_document(said["definition"]))}


def _save(request: HttpRequest, shop: Shop, form: CampaignForm, known: Campaign | None) -> HttpResponse:
    by, at = staff_of(request).by, clock.now()
    if form.is_valid():
        try:
            if known:
                saved = actions.change_draft(campaign=known, changes=form.content(), by=by, at=at)
            else:
                saved = actions.draft_campaign(shop=shop, by=by, at=at, **form.content())
        except DureError as refusal:
            blame(form, refusal)
            return _page(request, shop, form, known, 422)
        if request.POST.get("do") == "draft":
            told(request, say("저장했어요. 아직 아무에게도 보내지 않았어요.", en="Saved. Nothing was sent yet."))
            return see("campaign", shop, saved.public_id)
        try:
            done = actions.submit_campaign(campaign=saved, send_at=form.send_at(at), by=by, at=at)
        except DureError as refusal:
            blame(form, refusal)
            return _page(request, shop, form, saved, 422)
        told(
            request,
            say("보냈어요. 곧 도착해요.", en="On its way.")
            if done.send_at == at
            else say("예약했어요.", en="Scheduled."),
        )
        return see("campaign", shop, done.public_id)
    return _page(request, shop, form, known, 422)


def _page(
    request: HttpRequest,
    shop: Shop,
    form: CampaignForm,
    known: Campaign | None,
    status: int = 200,
    *,
    fresh: bool = False,
) -> HttpResponse:
    at = clock.now()
    draft, faults, said, reach = None, [], [], None
    if form.is_valid():
        try:
            draft = actions.would_be(shop=shop, **form.content())
            said = actions.forms_of(campaign=draft, at=at)
            reach = _reach(request, shop, draft, at)
            actions.check_campaign(campaign=draft, at=at)
        except KeyError as gap:
            faults.append(say("채울 수 없는 자리가 있어요: {name}", en="A gap has no value: {name}", name=gap.args[0]))
        except DureError as refusal:
            faults.append(refusal.sentence)
    shown = form if status == 422 else CampaignForm(initial=_typed(form), shop=shop)
    price = actions.price_each(campaign=draft, at=at) if draft and said else 0
    usual = lift.usual_of(Goal(draft.goal)) if draft else None
    forecast = _forecast(draft, reach.people, price) if draft and reach else None
    balance = queries.message_balance(shop)
    return show(
        request,
        shop,
        "console/new_campaign.html",
        "campaigns",
        status=status,
        form=shown,
        known=known,
        reach=reach,
        goals=[(g.value, GOALS[g].name, GOALS[g].why) for g in Goal],
        chosen=form.data.get("goal"),
        previews=[[_preview(one, draft) for one in each] for each in said] if draft else [],
        faults=[] if fresh else faults,
        forecast=forecast,
        known_from=usual.results if usual else 0,
        balance=balance,
        short=bool(forecast and forecast.price > balance),
        result_on=queries.result_at(draft, at=form.send_at(at)) if draft else None,
    )


def _forecast(draft: Campaign, people: int, price: int) -> Forecast:
    return queries.forecast_of(draft, people=people, each=price, usual=lift.range_for(Goal(draft.goal)))


def _typed(form: CampaignForm) -> dict[str, Any]:
    data: Any = form.data
    if not hasattr(data, "getlist"):
        return dict(data)
    return {**data.dict(), "stages": data.getlist("stages"), "ways": data.getlist("ways")}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    """How many people, and how we know: "own" counted, "twin" estimated, "asked" a noised number of real people."""

    people: int
    by: str
    left: int = 0


def _reach(request: HttpRequest, shop: Shop, draft: Campaign, at: datetime) -> _Reach:
    if not queries.is_to_network(draft):
        return _Reach(people=len(queries.people_of(draft, at=at)), by="own")
    asked = audiences.read_document(draft.audience["definition"])
    if request.GET.get("ask"):
        told = ask_reach(shop=shop, expression=asked, by=staff_of(request).by, at=at)
        return _Reach(people=told.people or 0, by="asked", left=told.left_today)
    return _Reach(people=audiences.count_in_twin(shop, asked), by="twin")


def _preview(form: Form, draft: Campaign) -> dict[str, Any]:
    """The message as one channel shows it, and what its linter finds."""
    return {
        "way": form.medium.value,
        "name": WAY_NAMES[form.medium],
        "form": form,
        "chosen": form.medium in draft.media,
        "faults": [FAULTS.get(fault, FAULTS["too-long"]) for fault in form.faults],
        "unit": say("바이트", en="bytes") if form.medium is Medium.TEXT else say("자", en="characters"),
    }
