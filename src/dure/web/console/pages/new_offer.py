"""Any kind of offer in one form; a sentence and an example bill follow what is typed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import Text, pick, say
from dure.kit.money import BPS
from dure.menu import queries as menus
from dure.menu.values import Menu
from dure.offers import actions, queries
from dure.offers.values import Funder, Line, OfferKind, OfferOccasion, OfferState, Stacking
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.offers.models import Offer
    from dure.shops.models import Shop

KIND_WORDS = {
    OfferKind.AMOUNT: say("금액 할인", en="Won off"),
    OfferKind.PERCENT: say("퍼센트 할인", en="Per cent off"),
    OfferKind.FREE_ITEM: say("무료로 드려요", en="Free dish"),
    OfferKind.BUY_GET: say("몇 개 사면 몇 개 더", en="Buy some, get some"),
}
GROUPS = {
    OfferKind.AMOUNT: Stacking.BILL,
    OfferKind.PERCENT: Stacking.BILL,
    OfferKind.FREE_ITEM: Stacking.MENU,
    OfferKind.BUY_GET: Stacking.MENU,
}


NAMED = (str(Funder.SUPPLIER), str(Funder.DISTRICT))
PAYERS = [
    ("", say("없어요", en="Nobody")),
    (str(Funder.OPERATOR), say("두레 운영자", en="The operator of Dure")),
    (str(Funder.SUPPLIER), say("거래처", en="A supplier")),
    (str(Funder.DISTRICT), say("상권·지자체", en="A district")),
]
MADE_WORDS = {
    OfferState.DRAFT: say(
        "준비해 두었어요. 시작할 때까지 아무에게도 나가지 않아요.", en="Saved. Nobody gets it until you start it."
    ),
    OfferState.REVIEW: say(
        "함께 내는 곳의 확인을 기다려요. 확인되면 저절로 시작해요.",
        en="Waiting for whoever else pays; it starts once they agree.",
    ),
    OfferState.RUNNING: say("쿠폰을 시작했어요.", en="The coupon is running."),
}


class NewOfferForm(forms.Form):
    name = forms.CharField(max_length=40, label=say("쿠폰 이름", en="Name"))
    name_en = forms.CharField(max_length=60, required=False, label=say("영어 이름", en="Name in English"))
    occasion = forms.ChoiceField(
        choices=[
            (OfferOccasion.HAND.value, say("직접 드려요", en="By hand")),
            (OfferOccasion.CHANNEL.value, say("친구가 채널에서 받아 가요", en="Friends take it from the channel page")),
            (OfferOccasion.WELCOME.value, say("친구가 될 때", en="When somebody becomes a friend")),
            (OfferOccasion.STAMPS.value, say("도장을 다 모을 때", en="When the stamp card is full")),
            (OfferOccasion.TIER.value, say("등급에 오를 때", en="When a tier is reached")),
        ],
        label=say("언제 드리나요?", en="When is it given?"),
    )
    kind = forms.ChoiceField(
        choices=[(k.value, words) for k, words in KIND_WORDS.items()], label=say("종류", en="Kind")
    )
    value = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        initial=1000,
        label=say("얼마나요? (원·퍼센트·개)", en="How much? (won, per cent or units)"),
    )
    buy = forms.IntegerField(
        min_value=1, max_value=100, required=False, label=say("몇 개를 사면 드리나요?", en="How many to buy first?")
    )
    ceiling = forms.IntegerField(
        min_value=1, max_value=1_000_000, required=False, label=say("최대 할인(원)", en="At most (won)")
    )
    minimum_spend = forms.IntegerField(
        min_value=0, max_value=10_000_000, initial=0, label=say("최소 주문 금액(원)", en="Minimum order (won)")
    )
    sections = forms.MultipleChoiceField(
        required=False, label=say("메뉴 구분 (안 고르면 전부)", en="Sections (none: all)")
    )
    items = forms.MultipleChoiceField(required=False, label=say("메뉴 (안 고르면 전부)", en="Dishes (none: all)"))
    days = forms.TypedMultipleChoiceField(
        choices=list(enumerate(queries.DAY_WORDS)),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=say("요일 (안 고르면 매일)", en="Days (none: every day)"),
    )
    from_time = forms.TimeField(
        required=False, widget=forms.TimeInput(attrs={"type": "time"}), label=say("몇 시부터", en="From")
    )
    until_time = forms.TimeField(
        required=False, widget=forms.TimeInput(attrs={"type": "time"}), label=say("몇 시까지", en="Until")
    )
    valid_days = forms.IntegerField(
        min_value=1,
        initial=30,
        required=False,
        label=say("며칠 동안 쓸 수 있나요? (비우면 끝나는 날까지)", en="Good for days (empty: until the last day)"),
    )
    starts_on = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}), label=say("쓸 수 있는 첫날", en="First day")
    )
    ends_on = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}), label=say("모두 끝나는 날", en="All end on")
    )
    stock = forms.IntegerField(min_value=1, max_value=1_000_000, required=False, label=say("모두 몇 장", en="In all"))
    stock_per_day = forms.IntegerField(
        min_value=1, max_value=1_000_000, required=False, label=say("하루 몇 장", en="A day")
    )
    per_person = forms.IntegerField(
        min_value=1, max_value=1_000, initial=1, label=say("한 사람에게 몇 장", en="For one person")
    )
    budget = forms.IntegerField(
        min_value=1, max_value=2_000_000_000, required=False, label=say("할인 예산(원)", en="Budget (won)")
    )
    stacks = forms.BooleanField(
        required=False, label=say("다른 쿠폰과 함께 쓸 수 있어요", en="Goes with other coupons")
    )
    payer_1 = forms.ChoiceField(choices=PAYERS, required=False, label=say("함께 내는 곳", en="Who else pays"))
    payer_1_name = forms.CharField(max_length=40, required=False, label=say("이름", en="Name"))
    payer_1_share = forms.IntegerField(min_value=1, max_value=100, required=False, label=say("몫(%)", en="Share (%)"))
    payer_2 = forms.ChoiceField(choices=PAYERS, required=False, label=say("또 함께 내는 곳", en="And another"))
    payer_2_name = forms.CharField(max_length=40, required=False, label=say("이름", en="Name"))
    payer_2_share = forms.IntegerField(min_value=1, max_value=100, required=False, label=say("몫(%)", en="Share (%)"))

    def __init__(self, *said: Any, menu: Menu, **more: Any) -> None:
        super().__init__(*said, **more)
        self.fields["valid_days"].max_value = settings.COUPON_DAYS_MAX  # type: ignore[attr-defined]
        self.fields["valid_days"].widget.attrs["max"] = settings.COUPON_DAYS_MAX
        self.fields["sections"].choices = [(s.public_id, pick(s.name)) for s in menu.sections]  # type: ignore[attr-defined]
        self.fields["items"].choices = [(i.public_id, pick(i.name)) for i in menu.items()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Some validity, and shares that leave the shop no less than nothing."""
        typed = super().clean() or self.cleaned_data
        if not typed.get("valid_days") and not typed.get("ends_on"):
            said = say(
                "며칠 동안인지, 또는 모두 끝나는 날을 적어 주세요.", en="Say for how many days, or when all end."
            )
            self.add_error("valid_days", str(said))
        others: dict[str, int] = {}
        for n in (1, 2):
            kind, name = typed.get(f"payer_{n}") or "", typed.get(f"payer_{n}_name") or ""
            share = int(typed.get(f"payer_{n}_share") or 0)
            if kind in NAMED and not name.strip():
                self.add_error(f"payer_{n}_name", str(say("누구인지 적어 주세요.", en="Say who it is.")))
            if bool(kind) != bool(share):
                self.add_error(
                    f"payer_{n}_share", str(say("누가 몇 %를 내는지 적어 주세요.", en="Say who pays what share."))
                )
            elif kind and share:
                who = f"{kind}:{name.strip()}" if kind in NAMED else kind
                others[who] = others.get(who, 0) + share * 100
        if sum(others.values()) > BPS:
            self.add_error("payer_1_share", str(say("몫을 더하면 100%를 넘어요.", en="The shares are more than 100%.")))
        self.others = others
        return typed

    def terms(self) -> dict[str, Any]:
        """What was typed as `create_offer` takes it."""
        typed = {name: value for name, value in self.cleaned_data.items() if not name.startswith("payer_")}
        begin, end = typed.pop("from_time"), typed.pop("until_time")
        starts_on, ends_on = typed.pop("starts_on"), typed.pop("ends_on")
        rest = BPS - sum(self.others.values())
        kind, english, stacks = OfferKind(typed["kind"]), typed.pop("name_en"), typed.pop("stacks")
        ends_at = datetime.combine(ends_on, time.max, tzinfo=clock.KST) if ends_on else None
        return {
            **typed,
            "kind": kind,
            "occasion": OfferOccasion(typed["occasion"]),
            "name": {"ko": typed["name"], **({"en": english} if english else {})},
            "buy": typed["buy"] or 0,
            "from_minute": begin.hour * 60 + begin.minute if begin else None,
            "until_minute": (end.hour * 60 + end.minute or 24 * 60) if end else None,
            "starts_at": datetime.combine(starts_on, time.min, tzinfo=clock.KST) if starts_on else None,
            "ends_at": ends_at,
            "funders": {**self.others, **({str(Funder.SHOP): rest} if rest else {})} if self.others else {},
            "stacking": GROUPS[kind] if stacks else Stacking.ALONE,
        }


@staff_who_may(Ability.EDIT_OFFERS, "GET", "POST")
def new_offer(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The form; while one types, the same page answers with the sentence and the example."""
    menu = menus.menu_of(shop)
    if request.method == "POST":
        form = NewOfferForm(request.POST, menu=menu)
        if form.is_valid():
            try:
                wanted = OfferState.DRAFT if request.POST.get("state") == "draft" else OfferState.RUNNING
                made = actions.create_offer(
                    shop=shop, state=wanted, by=staff_of(request).by, at=clock.now(), **form.terms()
                )
            except DureError as refusal:
                blame(form, refusal)
            else:
                told(request, MADE_WORDS[OfferState(made.state)])
                return see("offers", shop)
        return _page(request, shop, menu, form, 422)
    form = NewOfferForm(request.GET, menu=menu) if request.GET.get("kind") else NewOfferForm(menu=menu)
    return _page(request, shop, menu, form)


def _page(request: HttpRequest, shop: Shop, menu: Menu, form: NewOfferForm, status: int = 200) -> HttpResponse:
    draft = _draft(shop, form)
    shown = NewOfferForm(menu=menu, initial=form.data.dict()) if form.is_bound and request.method == "GET" else form  # type: ignore[attr-defined]
    return show(
        request,
        shop,
        "console/new_offer.html",
        "offers",
        status=status,
        form=shown,
        worth=queries.worth_of(draft) if draft else None,
        conditions=queries.conditions_of(draft, _names(menu)) if draft else [],
        example=_example(draft, menu) if draft else None,
    )


def _draft(shop: Shop, form: NewOfferForm) -> Offer | None:
    """The offer as it would be; nothing until all that it needs was typed."""
    if not form.is_bound or not form.is_valid():
        return None
    draft = queries.would_be(shop, **form.terms())
    try:
        actions.check_offer(offer=draft, at=clock.now())
    except DureError:
        return None
    return draft


def _names(menu: Menu) -> dict[str, Mapping[str, str]]:
    return {
        **{section.public_id: section.name for section in menu.sections},
        **{item.public_id: item.name for item in menu.items()},
    }


def _example(draft: Offer, menu: Menu) -> dict[str, Any]:
    """A small bill of dishes that the offer speaks of, large enough for its minimum."""
    dishes = [
        (section, item)
        for section in menu.sections
        for item in section.items
        if not (draft.items or draft.sections) or item.public_id in draft.items or section.public_id in draft.sections
    ][:2]
    least = max(draft.minimum_spend, 1)
    price = sum(item.price for _, item in dishes)
    quantity = min(
        99, max(draft.buy + draft.value if draft.kind == OfferKind.BUY_GET else 1, -(-least // max(1, price)))
    )
    lines = [
        Line(item=item.public_id, section=section.public_id, unit_price=item.price, quantity=quantity)
        for section, item in dishes
    ]
    subtotal = sum(line.total for line in lines)
    off = queries.discount_on(draft, lines)
    rows: list[tuple[str | Text, int]] = [
        (f"{pick(item.name)} × {quantity}", line.total) for (_, item), line in zip(dishes, lines, strict=True)
    ]
    return {"rows": rows, "subtotal": subtotal, "off": off, "total": subtotal - off}
