"""The demo's neighbourhood: how fast it lives, its clock, and stepping in as one of its people. A real installation has no such page."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dure.kit import clock
from dure.kit.errors import Invalid
from dure.kit.language import say
from dure.town import actions, queries
from dure.town.values import JUMPS, PACES
from dure.web.ui.access import hand_phone

WORDS = {
    0: say("멈춤", en="Still"),
    1: say("실제처럼", en="As in life"),
    5: say("5배", en="5 times"),
    20: say("20배", en="20 times"),
}
JUMP_WORDS = {
    1: say("하루 뒤", en="A day on"),
    7: say("한 주 뒤", en="A week on"),
    14: say("두 주 뒤", en="Two weeks on"),
}


class TownForm(forms.Form):
    pace = forms.TypedChoiceField(choices=[(one, one) for one in PACES], coerce=int, required=False, empty_value=None)
    ahead = forms.TypedChoiceField(choices=[(one, one) for one in JUMPS], coerce=int, required=False, empty_value=None)
    neighbour = forms.CharField(max_length=40, required=False)


def page(context: Callable[[HttpRequest], dict[str, Any]]) -> Callable[..., HttpResponse]:
    """The page; the site wraps it, so only operators come in."""

    @require_http_methods(["GET", "HEAD", "POST"])
    def town(request: HttpRequest) -> HttpResponse:
        if settings.PRODUCTION:
            raise Http404
        if request.method == "POST":
            form = TownForm(request.POST)
            if not form.is_valid():
                raise Invalid
            if form.cleaned_data["neighbour"]:
                shop, secret = actions.step_in(relation=form.cleaned_data["neighbour"], at=clock.now())
                return hand_phone(request, redirect("customer:friendship", shop.public_id), secret)
            if form.cleaned_data["ahead"]:
                actions.jump_ahead(by=timedelta(days=form.cleaned_data["ahead"]))
            elif form.cleaned_data["pace"] is not None:
                actions.keep_pace(form.cleaned_data["pace"])
            else:
                raise Invalid
            return redirect(reverse("admin:town"))
        said = {
            **context(request),
            "title": str(say("동네", en="Neighbourhood")),
            "pace": queries.pace(),
            "paces": [(one, WORDS[one]) for one in PACES],
            "jumps": [(one, JUMP_WORDS[one]) for one in JUMPS] if clock.followed() else [],
            "now": f"{clock.now().astimezone(clock.KST):%Y-%m-%d %H:%M}",
            "ahead": round(clock.ahead() / timedelta(days=1)),
            "lately": queries.lately(at=clock.now()),
            "neighbours": queries.neighbours(),
        }
        return render(request, "office/town.html", said)

    return town
