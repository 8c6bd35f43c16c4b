"""Automations: campaigns that never end, each with its own holdout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.campaigns import actions, queries
from dure.campaigns.values import TRIGGERS, CampaignState, Trigger
from dure.kit import clock
from dure.kit.errors import DureError, NotFound
from dure.kit.language import pick, say
from dure.messaging.values import Medium
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.console.pages.campaigns import STATE_WORDS
from dure.web.console.pages.new_campaign import offer_choices, offers_to_send, way_choices, ways_of
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop


class AutomationForm(forms.Form):
    number = forms.IntegerField(min_value=1, max_value=365, label=say("며칠·몇 개", en="Days or stamps"))
    title = forms.CharField(max_length=40, label=say("제목", en="Title"))
    body = forms.CharField(max_length=400, widget=forms.Textarea(attrs={"rows": 3}), label=say("내용", en="Text"))
    offer = forms.ChoiceField(required=False, label=say("함께 드릴 쿠폰", en="Coupon to go with it"))
    ways = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=say("알림함 말고 또 어떻게?", en="How else, beside the inbox?"),
    )

    def __init__(self, *said: Any, shop: Shop, **more: Any) -> None:
        super().__init__(*said, **more)
        self.offers = offers_to_send(shop)
        self.fields["offer"].choices = offer_choices(self.offers)  # type: ignore[attr-defined]
        self.fields["ways"].choices = way_choices()  # type: ignore[attr-defined]


@staff_who_may(Ability.EDIT_OFFERS, "GET")
def automations(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Every automation there is: on, paused or off, with its own words."""
    return _page(request, shop)


@staff_who_may(Ability.EDIT_OFFERS, "POST")
def automation(request: HttpRequest, shop: Shop, trigger: str) -> HttpResponse:
    """Turn one on, or change what it says."""
    if trigger not in {t.value for t in TRIGGERS}:
        raise NotFound
    form = AutomationForm(request.POST, auto_id=f"{trigger}_%s", shop=shop)
    if form.is_valid():
        try:
            actions.start_automation(
                shop=shop,
                trigger=Trigger(trigger),
                number=form.cleaned_data["number"],
                title=form.cleaned_data["title"],
                body=form.cleaned_data["body"],
                offer=form.offers.get(form.cleaned_data["offer"]),
                media=ways_of(form.cleaned_data["ways"]),
                by=staff_of(request).by,
                at=clock.now(),
            )
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(
                request,
                say("켰어요. 날마다 차례가 된 친구에게만 보내요.", en="It is on, and writes to whoever's turn it is."),
            )
            return see("automations", shop, part=trigger)
    return _page(request, shop, 422, {trigger: form})


def _page(
    request: HttpRequest, shop: Shop, status: int = 200, typed: dict[str, AutomationForm] | None = None
) -> HttpResponse:
    known = {one.trigger: one for one in queries.automations_of(shop)}
    rows = []
    for trigger, plan in TRIGGERS.items():
        one = known.get(trigger)
        start = (
            {
                "number": one.number,
                "title": one.title,
                "body": one.body,
                "offer": one.offer.public_id if one.offer else "",
                "ways": one.media,
            }
            if one
            else {"number": plan.number, "title": pick(plan.title), "body": pick(plan.body), "ways": [str(Medium.PUSH)]}
        )
        form = (typed or {}).get(trigger) or AutomationForm(initial=start, auto_id=f"{trigger}_%s", shop=shop)
        words, tone = STATE_WORDS[CampaignState(one.state)] if one else (say("꺼짐", en="Off"), "")
        if one and one.state == CampaignState.RUNNING:
            words = say("켜짐", en="On")
        rows.append(
            {
                "trigger": trigger.value,
                "plan": plan,
                "form": form,
                "campaign": one,
                "words": words,
                "tone": tone,
                "sizes": queries.sizes_of(one) if one else None,
                "open": trigger in (typed or {}),
            }
        )
    return show(request, shop, "console/automations.html", "campaigns", status=status, rows=rows)
