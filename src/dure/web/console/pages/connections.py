"""Programs that act for the shop: their keys, where they hear, and what did not arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import Text, say
from dure.partners import actions, queries
from dure.partners.values import DISPATCH_WORDS, SCOPE_WORDS, DispatchState, Scope
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

TONES = {DispatchState.WAITING: "warn", DispatchState.SENT: "good", DispatchState.GIVEN_UP: "bad"}
WHY_DISABLED: dict[str, Text] = {
    "gone": say("받는 쪽이 이제 없다고 답했어요 (410)", en="It answered that it is gone (410)"),
    "dead": say("닷새 동안 아무것도 받지 않았어요", en="It took nothing for five days"),
    "asked": say("끄도록 부탁받았어요", en="Switched off on request"),
}


class KeyForm(forms.Form):
    name = forms.CharField(
        max_length=60,
        label=say("누가 쓰나요?", en="Who will use it?"),
        help_text=say("예: 포스, 예약 사이트", en="For example: till program, booking site"),
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, words) for scope, words in SCOPE_WORDS.items()],
        widget=forms.CheckboxSelectMultiple,
        label=say("무엇을 할 수 있나요?", en="What may it do?"),
    )


class EndpointForm(forms.Form):
    url = forms.CharField(
        max_length=500, label=say("웹훅 주소", en="Webhook address"),
        help_text=say("https로 시작하는 주소로 일어난 일을 알려 드려요.", en="An https address; we tell it what happens."),
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip


@staff_who_may(Ability.EDIT_SHOP, "GET", "POST")
def connections(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Keys and endpoints; a POST makes a key, which is shown in its answer and never again."""
    form = KeyForm(request.POST if request.method == "POST" else None, initial={"scopes": [Scope.READ_PAYMENTS]})
    if request.method == "POST" and form.is_valid():
        scopes = [Scope(one) for one in form.cleaned_data["scopes"]]
        _, secret = actions.make_key(
            shop=shop, name=form.cleaned_data["name"], scopes=scopes, by=staff_of(request).by, at=clock.now()
        )
        return _page(request, shop, secret=secret)
    return _page(request, shop, form=form)


def _page(
    request: HttpRequest, shop: Shop, *, form: KeyForm | None = None, ends: EndpointForm | None = None, secret: str = ""
) -> HttpResponse:
    endpoints = [
        {
            "endpoint": one,
            "lost": queries.lost_of(one),
            "why": WHY_DISABLED.get(one.disabled_because, one.disabled_because),
        }
        for one in queries.endpoints_of(shop).order_by("-id")
    ]
    dispatches: list[dict[str, Any]] = [
        {
            "dispatch": one,
            "words": DISPATCH_WORDS[DispatchState(one.state)],
            "tone": TONES[DispatchState(one.state)],
            "again": one.state != DispatchState.WAITING,
        }
        for one in queries.dispatches_of(shop)[:30]
    ]
    wrong = bool((form and form.errors) or (ends and ends.errors))
    response = show(
        request,
        shop,
        "console/connections.html",
        "settings",
        live=not secret,
        status=422 if wrong else 200,
        form=form or KeyForm(initial={"scopes": [Scope.READ_PAYMENTS]}),
        ends=ends or EndpointForm(),
        keys=[(one, [SCOPE_WORDS[Scope(scope)] for scope in one.scopes]) for one in queries.keys_of(shop)],
        endpoints=endpoints,
        dispatches=dispatches,
        secret=secret,
    )
    if secret:
        response.headers["Cache-Control"] = "no-store"
    return response


@staff_who_may(Ability.EDIT_SHOP, "POST")
def key_rotation(request: HttpRequest, shop: Shop, key: str) -> HttpResponse:
    """A new secret for the same program; the old one goes on for a day."""
    _, secret = actions.rotate_key(key=queries.key_of_shop(shop, key), by=staff_of(request).by, at=clock.now())
    return _page(request, shop, secret=secret)


@staff_who_may(Ability.EDIT_SHOP, "POST")
def key_revocation(request: HttpRequest, shop: Shop, key: str) -> HttpResponse:
    """This key opens nothing any more."""
    actions.revoke_key(key=queries.key_of_shop(shop, key), by=staff_of(request).by, at=clock.now())
    told(
        request,
        say("키를 끊었어요. 이제 이 키로는 아무것도 할 수 없어요.", en="Revoked. The key opens nothing any more."),
    )
    return see("connections", shop)


@staff_who_may(Ability.EDIT_SHOP, "POST")
def endpoints(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Tell one more address what happens."""
    form = EndpointForm(request.POST)
    if form.is_valid():
        try:
            _, secret = actions.add_endpoint(
                shop=shop, url=form.cleaned_data["url"], by=staff_of(request).by, at=clock.now()
            )
            return _page(request, shop, secret=secret)
        except DureError as refusal:
            blame(form, refusal)
    return _page(request, shop, ends=form)


@staff_who_may(Ability.EDIT_SHOP, "POST")
def endpoint_secret(request: HttpRequest, shop: Shop, endpoint: str) -> HttpResponse:
    """A new secret; both sign for a day."""
    _, secret = actions.rotate_secret(endpoint=queries.endpoint_of_shop(shop, endpoint), at=clock.now())
    return _page(request, shop, secret=secret)


@staff_who_may(Ability.EDIT_SHOP, "POST")
def endpoint_state(request: HttpRequest, shop: Shop, endpoint: str) -> HttpResponse:
    """Off, or on again."""
    found = queries.endpoint_of_shop(shop, endpoint)
    if found.disabled_at is None:
        actions.disable_endpoint(endpoint=found, because="asked", at=clock.now())
    else:
        actions.enable_endpoint(endpoint=found, at=clock.now())
    return see("connections", shop, part="endpoints")


@staff_who_may(Ability.EDIT_SHOP, "POST")
def endpoint_trial(request: HttpRequest, shop: Shop, endpoint: str) -> HttpResponse:
    """Send a webhook that says nothing, to see whether it arrives."""
    actions.ping_endpoint(endpoint=queries.endpoint_of_shop(shop, endpoint), at=clock.now())
    told(request, say("시험 알림을 보냈어요. 아래에서 결과를 볼 수 있어요.", en="A trial is on its way; see below."))
    return see("connections", shop, part="dispatches")


@staff_who_may(Ability.EDIT_SHOP, "POST")
def endpoint_recovery(request: HttpRequest, shop: Shop, endpoint: str) -> HttpResponse:
    """Send again everything that it never took."""
    n = actions.resend_lost(endpoint=queries.endpoint_of_shop(shop, endpoint), at=clock.now())
    told(request, say("받지 못한 알림 {n}개를 다시 보내요.", en="{n} lost events are sent again.", n=n))
    return see("connections", shop, part="dispatches")


@staff_who_may(Ability.EDIT_SHOP, "POST")
def event_resending(request: HttpRequest, shop: Shop, event: str) -> HttpResponse:
    """Send one event once more."""
    actions.resend_event(event=queries.event_of_shop(shop, event), at=clock.now())
    told(request, say("다시 보내요.", en="It is sent again."))
    return see("connections", shop, part="dispatches")
