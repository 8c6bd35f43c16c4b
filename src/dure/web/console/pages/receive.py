"""Taking money without an order: a QR on the screen, a link to send, the guest's one-time code, printed stickers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from dure.checkouts import actions, queries
from dure.checkouts.values import AMOUNT_MAX, KIND_WORDS, STATE_WORDS, CheckoutKind, CheckoutState
from dure.kit import clock
from dure.kit.errors import DureError, Invalid
from dure.kit.ids import new_secret
from dure.kit.language import say
from dure.kit.paging import page_of
from dure.ordering import actions as ordering
from dure.ordering.values import ConcessionKind, Wish
from dure.shops import queries as shops
from dure.shops import skin_packs
from dure.shops.stands import Size, StandTable, qr_svg, stand_sheet
from dure.shops.values import LINK, Ability
from dure.web.console.frame import blame, conceded, see, show, staff_of, told
from dure.web.console.pages.stands import SIZES
from dure.web.ui.access import staff_who_may
from dure.web.ui.limits import count_try

if TYPE_CHECKING:
    from dure.checkouts.models import Checkout, Sticker
    from dure.shops.models import Shop

TONES = {
    CheckoutState.OPEN: "accent",
    CheckoutState.PAID: "good",
    CheckoutState.RETURNED: "warn",
    CheckoutState.CANCELLED: "",
    CheckoutState.EXPIRED: "",
}
CODES_A_MINUTE = 30
KEY = r"^[A-Za-z0-9_-]{16,64}$"


class AskForm(forms.Form):
    amount = forms.IntegerField(
        min_value=100, max_value=AMOUNT_MAX, label=say("금액 (원)", en="Amount (won)"),
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    item = forms.CharField(
        max_length=100, required=False, label=say("무엇에 대한 돈인가요?", en="What is it for?"),
        help_text=say("손님 화면과 영수증에 나와요.", en="Shown to the guest and on the receipt."),
    )  # fmt: skip
    kind = forms.ChoiceField(choices=[(CheckoutKind.TILL, ""), (CheckoutKind.LINK, "")], widget=forms.HiddenInput)
    key = forms.RegexField(KEY, widget=forms.HiddenInput)


class CodeForm(forms.Form):
    amount = forms.IntegerField(
        min_value=100, max_value=AMOUNT_MAX, label=say("금액 (원)", en="Amount (won)"),
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    code = forms.CharField(
        max_length=60, label=say("손님 화면의 숫자 24자리", en="The 24 digits on the guest's phone"),
        help_text=say("스캐너로 찍거나 숫자를 적어 주세요.", en="Scan it, or type the digits."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    item = forms.CharField(max_length=100, required=False, label=say("무엇에 대한 돈인가요?", en="What is it for?"))
    key = forms.RegexField(KEY, widget=forms.HiddenInput)


class RefundForm(forms.Form):
    amount = forms.IntegerField(
        min_value=1, max_value=AMOUNT_MAX, label=say("돌려줄 금액 (원)", en="Amount to return (won)")
    )
    reason = forms.CharField(max_length=100, required=False, label=say("까닭", en="Reason"))
    key = forms.RegexField(KEY, widget=forms.HiddenInput)


class StickerForm(forms.Form):
    name = forms.CharField(
        max_length=40, label=say("어디에 붙이나요?", en="Where will it stick?"),
        help_text=say("예: 계산대, 창가", en="For example: till, window"),
    )  # fmt: skip


def origin_of(request: HttpRequest) -> str:
    """How guests' phones reach us."""
    return settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"


def _row(checkout: Checkout) -> dict[str, Any]:
    state = CheckoutState(checkout.state)
    return {
        "checkout": checkout,
        "words": STATE_WORDS[state],
        "tone": TONES[state],
        "kind": KIND_WORDS[CheckoutKind(checkout.kind)],
    }


@staff_who_may(Ability.TAKE_PAYMENT, "GET", "POST")
def receive(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Ask for an amount; what was asked for lately."""
    form = AskForm(request.POST if request.method == "POST" else None, initial={"key": new_secret(), "kind": "till"})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            asked = actions.open_checkout(
                shop=shop,
                kind=CheckoutKind(said["kind"]),
                amount=said["amount"],
                item=said["item"],
                key=f"console:{said['key']}",
                by=staff_of(request).by,
                at=clock.now(),
            )
            return see("checkout", shop, asked.public_id)
        except DureError as refusal:
            blame(form, refusal)
    page = page_of(queries.checkouts_of(shop), after=request.GET.get("after", "")[:40] or None, limit=20)
    return show(
        request,
        shop,
        "console/receive.html",
        "receive",
        live=True,
        status=422 if form.errors else 200,
        form=form,
        rows=[_row(one) for one in page.rows],
        links=shops.takes(shop, LINK),
        after=page.next_cursor or "",
    )


@staff_who_may(Ability.TAKE_PAYMENT, "GET")
def checkout(request: HttpRequest, shop: Shop, checkout: str) -> HttpResponse:
    """One of them: its QR and link until it is paid, then what came of it."""
    return _checkout(request, shop, queries.checkout_of_shop(shop, checkout))


def _checkout(request: HttpRequest, shop: Shop, found: Checkout, form: RefundForm | None = None) -> HttpResponse:
    url = f"{origin_of(request)}/pay/{found.code}"
    left = found.bill.total - found.bill.refunded
    return show(
        request,
        shop,
        "console/checkout.html",
        "receive",
        live=True,
        status=422 if form else 200,
        **_row(found),
        url=url,
        open=found.state == CheckoutState.OPEN,
        paid=found.state == CheckoutState.PAID,
        coded=found.kind == CheckoutKind.CODE,
        qr=f"data:image/svg+xml,{quote(qr_svg(url))}",
        payload=queries.payload_of_checkout(found),
        left=left,
        form=form or RefundForm(initial={"amount": left, "key": new_secret()}),
    )


@staff_who_may(Ability.TAKE_PAYMENT, "POST")
def cancel(request: HttpRequest, shop: Shop, checkout: str) -> HttpResponse:
    """Ask for it no more."""
    found = queries.checkout_of_shop(shop, checkout)
    actions.cancel_checkout(checkout=found, by=staff_of(request).by, at=clock.now())
    told(request, say("결제 요청을 취소했어요.", en="Cancelled."))
    return see("receive", shop)


@staff_who_may(Ability.TAKE_PAYMENT, "POST")
def refund(request: HttpRequest, shop: Shop, checkout: str) -> HttpResponse:
    """Send back all or part of it."""
    found = queries.checkout_of_shop(shop, checkout)
    form = RefundForm(request.POST)
    if not form.is_valid():
        return _checkout(request, shop, found, form)
    said = form.cleaned_data
    try:
        wish = Wish(
            kind=ConcessionKind.REFUND,
            subject=found.bill.public_id,
            amount=said["amount"],
            reason=said["reason"] or str(say("돌려줌", en="returned")),
            key=f"console:{said['key']}",
        )
        waits = ordering.concede(shop=shop, wish=wish, by=staff_of(request).by, at=clock.now())
    except DureError as refusal:
        blame(form, refusal)
        return _checkout(request, shop, found, form)
    if not conceded(request, waits):
        told(request, say("돌려드리고 있어요.", en="It is on its way back."))
    return see("checkout", shop, found.public_id)


@staff_who_may(Ability.TAKE_PAYMENT, "GET", "POST")
def code(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Take the guest's one-time code: by camera, by a hand scanner, or typed."""
    form = CodeForm(request.POST if request.method == "POST" else None, initial={"key": new_secret()})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            count_try("take code", shop.public_id, most=CODES_A_MINUTE, seconds=60)
            asked = actions.take_code(
                shop=shop,
                digits=said["code"],
                amount=said["amount"],
                item=said["item"],
                key=f"console:{said['key']}",
                by=staff_of(request).by,
                at=clock.now(),
            )
            return see("checkout", shop, asked.public_id)
        except DureError as refusal:
            blame(form, refusal)
    return show(
        request,
        shop,
        "console/receive_code.html",
        "receive",
        form=form,
        library=settings.CAMERA_LIBRARY,
        status=422 if form.errors else 200,
    )


@staff_who_may(Ability.EDIT_TABLES, "GET", "POST")
def stickers(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Printed codes on which the guest types the amount."""
    form = StickerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        actions.make_sticker(shop=shop, name=form.cleaned_data["name"], at=clock.now())
        told(request, say("스티커를 만들었어요. 인쇄해서 붙여 주세요.", en="Made. Print it and stick it up."))
        return see("stickers", shop)
    rows = [(one, queries.payload_of_sticker(one)) for one in queries.stickers_of(shop)]
    return show(
        request,
        shop,
        "console/stickers.html",
        "receive",
        form=form,
        rows=rows,
        sizes=SIZES,
        origin=origin_of(request),
        status=422 if form.errors else 200,
    )


@staff_who_may(Ability.EDIT_TABLES, "POST")
def sticker_retirement(request: HttpRequest, shop: Shop, sticker: str) -> HttpResponse:
    """The printed code opens nothing any more."""
    actions.retire_sticker(sticker=queries.sticker_of_shop(shop, sticker), at=clock.now())
    told(
        request,
        say("스티커를 없앴어요. 이제 이 QR로는 결제할 수 없어요.", en="Retired. Its code takes no money any more."),
    )
    return see("stickers", shop)


@staff_who_may(Ability.EDIT_TABLES, "GET")
def sticker_pdf(request: HttpRequest, shop: Shop, sticker: str) -> HttpResponse:
    """The sheet for the printer, in the shop's skin."""
    found = queries.sticker_of_shop(shop, sticker)
    size = request.GET.get("size", "sticker")
    if size not in dict(SIZES):
        raise Invalid
    return HttpResponse(
        _sheet(request, shop, found, size),  # type: ignore[arg-type]
        "application/pdf",
        headers={"Content-Disposition": 'inline; filename="pay-sticker.pdf"'},
    )


def _sheet(request: HttpRequest, shop: Shop, sticker: Sticker, size: Size) -> bytes:
    pack = skin_packs.pack_or_own(shop.skin)
    character = shop.character if shop.character in pack.characters else next(iter(pack.characters))
    return stand_sheet(
        shop_name=shop.name,
        tables=[StandTable(sticker.name, f"{origin_of(request)}/q/{sticker.code}")],
        pack=pack,
        character=character,
        size=size,
        language=request.LANGUAGE_CODE,
        pays=True,
    )
