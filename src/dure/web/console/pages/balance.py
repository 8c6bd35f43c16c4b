"""The shop's message balance: what it is, how it moved, put in through a provider, and taken back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from dure.campaigns import actions, queries
from dure.campaigns.values import MOVEMENT_WORDS, TOP_UPS
from dure.kit import clock
from dure.kit.errors import DureError, Invalid
from dure.kit.language import say
from dure.shops.values import WALLET, Ability
from dure.web.console.frame import see, show, staff_of, told
from dure.web.ui.access import staff_who_may
from dure.web.ui.ways import WAY_WORDS

if TYPE_CHECKING:
    from dure.shops.models import Shop


def providers() -> list[str]:
    """Who carries a top-up: whatever guests pay with, but for their own wallets."""
    return [name for name in settings.WAYS_TO_PAY if name != WALLET]


class TopUpForm(forms.Form):
    amount = forms.IntegerField(min_value=1, max_value=100_000_000)
    provider = forms.ChoiceField(choices=lambda: [(name, "") for name in providers()])
    key = forms.RegexField(r"^[A-Za-z0-9_-]{8,60}$")


@staff_who_may(Ability.SEE_MONEY, "GET")
def balance(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The balance and its statement."""
    return _page(request, shop)


@staff_who_may(Ability.EDIT_SHOP, "POST")
def top_up(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Begin to put money in: on to the provider."""
    form = TopUpForm(request.POST)
    if not form.is_valid():
        raise Invalid
    try:
        payment = actions.begin_top_up(
            shop=shop,
            amount=form.cleaned_data["amount"],
            provider=form.cleaned_data["provider"],
            origin=request.build_absolute_uri("/").rstrip("/"),
            key=form.cleaned_data["key"],
            at=clock.now(),
        )
    except DureError as refusal:
        return _page(request, shop, refusal)
    there = HttpResponseRedirect(payment.redirect_url or reverse("console:balance", args=[shop.public_id]))
    there.status_code = 303
    return there


@staff_who_may(Ability.EDIT_SHOP, "POST")
def take_back(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Take back what is left of the top-ups."""
    try:
        actions.take_balance_back(shop=shop, by=staff_of(request).by, at=clock.now())
    except DureError as refusal:
        return _page(request, shop, refusal)
    told(request, say("넣은 곳으로 돌려보내고 있어요.", en="On its way back to where it came from."))
    return see("balance", shop)


def _page(request: HttpRequest, shop: Shop, refusal: DureError | None = None) -> HttpResponse:
    held = queries.message_balance(shop)
    returnable = min(held, sum(left for _, left in queries.top_ups_of(shop)))
    return show(
        request,
        shop,
        "console/balance.html",
        "campaigns",
        status=refusal.status if refusal else 200,
        refusal=refusal,
        balance=held,
        returnable=returnable,
        choices=TOP_UPS,
        providers=[(name, WAY_WORDS[name]) for name in providers()],
        key=secrets.token_urlsafe(12),
        moves=[(MOVEMENT_WORDS[one.movement], one) for one in queries.balance_moves(shop)],
    )
