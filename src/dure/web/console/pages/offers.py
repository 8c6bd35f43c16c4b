"""What friends get: a welcome coupon, and a coupon for every full stamp card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import DureError, Invalid
from dure.kit.language import Text, say
from dure.kit.money import won
from dure.offers import actions, queries
from dure.offers.values import OfferKind, OfferOccasion, OfferState
from dure.regulars import actions as regulars
from dure.regulars import queries as regular_queries
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.regulars.models import StampCard
    from dure.shops.models import Shop

GOAL = 10
NAMES = {
    OfferOccasion.WELCOME: {"ko": "환영 쿠폰", "en": "Welcome coupon"},
    OfferOccasion.STAMPS: {"ko": "도장 쿠폰", "en": "Stamp card coupon"},
}
STATE_WORDS = {
    OfferState.DRAFT: say("준비 중", en="Draft"),
    OfferState.REVIEW: say("확인을 기다려요", en="In review"),
    OfferState.RUNNING: say("나가는 중", en="Running"),
    OfferState.PAUSED: say("멈춤", en="Paused"),
    OfferState.ENDED: say("끝남", en="Ended"),
}


class OfferForm(forms.Form):
    kind = forms.ChoiceField(
        choices=[
            (OfferKind.AMOUNT.value, say("원", en="won")),
            (OfferKind.PERCENT.value, say("퍼센트", en="per cent")),
        ],
        initial=OfferKind.AMOUNT.value,
        label=say("단위", en="Unit"),
    )
    value = forms.IntegerField(
        min_value=1, max_value=1_000_000, initial=1000, label=say("얼마를 깎아 줄까요?", en="How much off?")
    )
    minimum_spend = forms.IntegerField(
        min_value=0, max_value=10_000_000, initial=0, label=say("최소 주문 금액(원)", en="Minimum order (won)")
    )
    valid_days = forms.IntegerField(
        min_value=1, max_value=90, initial=30, label=say("며칠 동안 쓸 수 있나요?", en="Good for days")
    )

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or self.cleaned_data
        if typed.get("kind") == OfferKind.PERCENT and typed.get("value", 0) > 100:
            self.add_error("value", str(say("퍼센트는 100까지예요.", en="Per cent goes up to 100.")))
        return typed


class StampCardForm(forms.Form):
    goal = forms.IntegerField(
        min_value=2, max_value=50, initial=GOAL, label=say("도장 몇 개면 쿠폰인가요?", en="Stamps for a coupon")
    )
    won_per_stamp = forms.IntegerField(
        min_value=0,
        max_value=1_000_000,
        initial=0,
        label=say("얼마마다 하나인가요?(원)", en="A stamp for every … won"),
        help_text=say("0이면 오실 때마다 하나예요.", en="0 is one for each visit."),
    )
    running = forms.BooleanField(required=False, initial=True, label=say("도장을 찍어요", en="Give stamps"))


def _sentence(occasion: OfferOccasion, terms: Mapping[str, Any], goal: int, by_amount: bool) -> Text:
    """The offer as a guest understands it. `by_amount`: stamps come for what is spent, not for visits."""
    off = won(terms["value"]) if terms["kind"] == OfferKind.AMOUNT else f"{terms['value']}%"
    floor, days = terms["minimum_spend"], terms["valid_days"]
    ko, en = {
        OfferOccasion.WELCOME: ("친구가 되면 {off} 할인 쿠폰을 드려요.", "New friends get a coupon for {off} off."),
        OfferOccasion.STAMPS: ("{goal}번 오시면 {off} 할인 쿠폰을 드려요.", "After {goal} visits you get {off} off."),
    }[occasion]
    if occasion == OfferOccasion.STAMPS and by_amount:
        ko, en = "도장 {goal}개를 모으시면 {off} 할인 쿠폰을 드려요.", "{goal} stamps get you {off} off."
    if floor:
        ko, en = f"{ko} {{floor}} 이상 주문할 때,", f"{en} For orders from {{floor}},"
        ko, en = f"{ko} 받은 날부터 {{days}}일 동안 쓸 수 있어요.", f"{en} within {{days}} days."
    else:
        ko, en = f"{ko} 받은 날부터 {{days}}일 동안 쓸 수 있어요.", f"{en} Good for {{days}} days."
    return say(ko, en=en, off=off, floor=won(floor), days=days, goal=goal)


def _part(
    shop: Shop, occasion: OfferOccasion, typed: OfferForm | None, asked: Any, card: StampCard | None
) -> dict[str, object]:
    offer = queries.offer_for(shop, occasion)
    fields = list(OfferForm.base_fields)
    simple = offer is not None and offer.kind in (OfferKind.AMOUNT, OfferKind.PERCENT) and offer.valid_days
    start = {name: getattr(offer, name) for name in fields} if simple else {}
    auto_id = f"{occasion}_%s"
    form = typed or OfferForm(initial=start, auto_id=auto_id)
    trial = OfferForm(asked) if asked and asked.get("occasion") == occasion else None
    terms = (
        trial.cleaned_data
        if trial and trial.is_valid()
        else {name: start.get(name, field.initial) for name, field in OfferForm.base_fields.items()}
    )
    other = offer is not None and trial is None and offer.kind not in (OfferKind.AMOUNT, OfferKind.PERCENT)
    goal, by_amount = (card.goal, bool(card.won_per_stamp)) if card else (GOAL, False)
    sentence = queries.worth_of(offer) if offer and other else _sentence(occasion, terms, goal, by_amount)
    return {"form": form, "offer": offer, "sentence": sentence}


@staff_who_may(Ability.EDIT_OFFERS, "GET")
def offers(request: HttpRequest, shop: Shop) -> HttpResponse:
    """What runs; the sentence follows what is typed."""
    return _offers(request, shop)


def _offers(request: HttpRequest, shop: Shop, status: int = 200, **typed: forms.Form) -> HttpResponse:
    card = regular_queries.stamp_card_of(shop)
    rows = [
        (
            offer,
            STATE_WORDS[OfferState(offer.state)],
            queries.worth_of(offer),
            queries.shares_of(offer),
            queries.sent_back_because(offer),
        )
        for offer in queries.offers_of(shop)[:30]
    ]
    welcome, stamps = typed.get("welcome"), typed.get("stamps")
    return show(
        request,
        shop,
        "console/offers.html",
        "offers",
        status=status,
        rows=rows,
        welcome=_part(
            shop, OfferOccasion.WELCOME, welcome if isinstance(welcome, OfferForm) else None, request.GET, card
        ),
        stamps=_part(shop, OfferOccasion.STAMPS, stamps if isinstance(stamps, OfferForm) else None, request.GET, card),
        card=card,
        card_form=typed.get("card")
        or StampCardForm(
            initial={"goal": card.goal, "won_per_stamp": card.won_per_stamp, "running": True}
            if card
            else {"running": False}
        ),
    )


def _create(request: HttpRequest, shop: Shop, occasion: OfferOccasion) -> HttpResponse:
    form = OfferForm(request.POST, auto_id=f"{occasion}_%s")
    if form.is_valid():
        try:
            actions.create_offer(
                shop=shop,
                name=NAMES[occasion],
                occasion=occasion,
                # A friend fills many cards; a friend is welcomed once.
                per_person=1 if occasion == OfferOccasion.WELCOME else 1000,
                by=staff_of(request).by,
                at=clock.now(),
                **{**form.cleaned_data, "kind": OfferKind(form.cleaned_data["kind"])},
            )
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(request, say("쿠폰을 시작했어요.", en="The coupon is running."))
            return see("offers", shop)
    return _offers(request, shop, status=422, **{str(occasion): form})


@staff_who_may(Ability.EDIT_OFFERS, "POST")
def welcome(request: HttpRequest, shop: Shop) -> HttpResponse:
    """What a new friend gets."""
    return _create(request, shop, OfferOccasion.WELCOME)


@staff_who_may(Ability.EDIT_OFFERS, "POST")
def stamps(request: HttpRequest, shop: Shop) -> HttpResponse:
    """What a full stamp card gets."""
    return _create(request, shop, OfferOccasion.STAMPS)


@staff_who_may(Ability.EDIT_OFFERS, "POST")
def stamp_card(request: HttpRequest, shop: Shop) -> HttpResponse:
    """How many stamps fill a card, and whether any are given."""
    form = StampCardForm(request.POST)
    if form.is_valid():
        regulars.keep_stamp_card(shop=shop, **form.cleaned_data, by=staff_of(request).by, at=clock.now())
        told(request, say("도장 카드를 저장했어요.", en="The stamp card is saved."))
        return see("offers", shop)
    return _offers(request, shop, status=422, card=form)


class StateForm(forms.Form):
    state = forms.ChoiceField(
        choices=[
            (s.value, s.value) for s in (OfferState.REVIEW, OfferState.RUNNING, OfferState.PAUSED, OfferState.ENDED)
        ]
    )


@staff_who_may(Ability.EDIT_OFFERS, "POST")
def state(request: HttpRequest, shop: Shop, offer: str) -> HttpResponse:
    """Submit, start, pause, resume or end; coupons already given stay good."""
    form = StateForm(request.POST)
    if not form.is_valid():
        raise Invalid
    actions.change_offer_state(
        shop=shop, offer=offer, state=OfferState(form.cleaned_data["state"]), by=staff_of(request).by, at=clock.now()
    )
    return see("offers", shop)
