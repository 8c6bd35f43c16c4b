"""Points and tiers: how they are earned, how long they last, what friends are called who spend more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import say
from dure.kit.money import share_of, won
from dure.offers import queries as offers
from dure.regulars import actions, queries
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

EXAMPLE = 10_000


class PointsForm(forms.Form):
    running = forms.BooleanField(required=False, label=say("포인트를 드려요", en="Give points"))
    earn = forms.DecimalField(
        min_value=0.01,
        max_value=30,
        decimal_places=2,
        initial=1,
        label=say("낸 금액의 몇 퍼센트를 적립하나요?", en="Per cent of what was paid"),
    )
    valid_days = forms.IntegerField(
        min_value=30, max_value=1_825, initial=365, label=say("며칠 동안 쓸 수 있나요?", en="Good for days")
    )
    least = forms.IntegerField(
        min_value=1,
        max_value=100_000,
        initial=1_000,
        label=say("한 번에 몇 포인트부터 쓰나요?", en="Least used at once"),
    )
    tier_days = forms.IntegerField(
        min_value=30, max_value=730, initial=180, label=say("등급은 최근 며칠로 보나요?", en="Tiers look back (days)")
    )


class TierForm(forms.Form):
    name = forms.CharField(max_length=20, label=say("등급 이름", en="Name of the tier"))
    name_en = forms.CharField(max_length=30, required=False, label=say("영어 이름", en="Name in English"))
    spend = forms.IntegerField(
        min_value=1, max_value=100_000_000, label=say("최근에 쓴 금액(원)", en="Spent of late (won)")
    )
    earn = forms.DecimalField(
        min_value=0, max_value=30, decimal_places=2, initial=0, label=say("적립률(퍼센트)", en="Earns (per cent)")
    )
    offer = forms.ChoiceField(required=False, label=say("오를 때 드리는 쿠폰", en="Coupon on reaching it"))


def _tier_form(shop: Shop, sent: object = None) -> TierForm:
    form = TierForm(sent, auto_id="tier_%s")  # type: ignore[arg-type]
    running = offers.offers_of(shop).filter(occasion="tier", state="running")
    form.fields["offer"].choices = [("", "—"), *((o.public_id, o.name.get("ko", "")) for o in running)]  # type: ignore[attr-defined]
    return form


@staff_who_may(Ability.EDIT_OFFERS, "GET", "POST")
def points(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The settings, and the sentence that says what they mean."""
    if request.method == "GET":
        return _page(request, shop)
    form = PointsForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            actions.keep_points(
                shop=shop,
                running=said["running"],
                earn_bps=int(said["earn"] * 100),
                valid_days=said["valid_days"],
                least=said["least"],
                tier_days=said["tier_days"],
                by=staff_of(request).by,
                at=clock.now(),
            )
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(request, say("포인트 조건을 저장했어요.", en="The terms of points are saved."))
            return see("points", shop)
    return _page(request, shop, form=form, status=422)


@staff_who_may(Ability.EDIT_OFFERS, "POST")
def tiers(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Add a tier."""
    form = _tier_form(shop, request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            actions.keep_tier(
                shop=shop,
                name={"ko": said["name"], **({"en": said["name_en"]} if said["name_en"] else {})},
                spend=said["spend"],
                earn_bps=int(said["earn"] * 100),
                offer=offers.offer_of_shop(shop, said["offer"]) if said["offer"] else None,
                by=staff_of(request).by,
                at=clock.now(),
            )
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(request, say("등급을 만들었어요.", en="The tier is made."))
            return see("points", shop)
    return _page(request, shop, tier_form=form, status=422)


@staff_who_may(Ability.EDIT_OFFERS, "POST")
def tier_removal(request: HttpRequest, shop: Shop, tier: str) -> HttpResponse:
    """Take a tier away; coupons that it gave stay good."""
    actions.remove_tier(shop=shop, tier=tier, by=staff_of(request).by, at=clock.now())
    return see("points", shop)


def _page(
    request: HttpRequest,
    shop: Shop,
    form: PointsForm | None = None,
    tier_form: TierForm | None = None,
    status: int = 200,
) -> HttpResponse:
    terms = queries.points_ever_of(shop)
    start = (
        {
            "running": terms.running,
            "earn": terms.earn_bps / 100,
            "valid_days": terms.valid_days,
            "least": terms.least,
            "tier_days": terms.tier_days,
        }
        if terms
        else None
    )
    sentence = (
        say(
            "{paid}을 내면 {n} 포인트를 드리고, {days}일 동안 {least} 포인트부터 쓸 수 있어요.",
            en="Paying {paid} earns {n} points, good for {days} days, from {least} points on.",
            paid=won(EXAMPLE),
            n=f"{share_of(EXAMPLE, terms.earn_bps):,}",
            days=terms.valid_days,
            least=f"{terms.least:,}",
        )
        if terms and terms.running
        else say("지금은 포인트를 드리지 않아요.", en="No points are given now.")
    )
    return show(
        request,
        shop,
        "console/points.html",
        "offers",
        status=status,
        form=form or PointsForm(initial=start),
        sentence=sentence,
        tiers=[(one, f"{one.earn_bps / 100:g}%") for one in queries.tiers_of(shop)],
        tier_form=tier_form or _tier_form(shop),
    )
