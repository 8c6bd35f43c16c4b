"""Paying what a shop asks for without an order: a checkout's page, a sticker's page, and the guest's one-time code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from dure.checkouts import actions as checkouts
from dure.checkouts import queries
from dure.checkouts.errors import AmountOutOfRange
from dure.checkouts.values import STICKER_AMOUNT_MAX, CheckoutKind, CheckoutState
from dure.kit import clock
from dure.kit.errors import DureError, Invalid
from dure.kit.ids import new_secret
from dure.kit.language import say
from dure.offers import queries as offers
from dure.offers.values import OfferOccasion
from dure.payments.errors import explain
from dure.payments.values import PaymentState
from dure.regulars import queries as regulars
from dure.shops.stands import qr_svg
from dure.web.customer import frame, ways
from dure.web.customer.bar import worth_of
from dure.web.customer.till import till_card
from dure.web.ui.access import at_checkout, at_sticker, device_of, own_device, remember_device
from dure.web.ui.limits import address_of, count_try
from dure.web.ui.ways import WAY_WORDS

if TYPE_CHECKING:
    from dure.checkouts.models import Checkout, PayCode, Sticker

CODES_A_MINUTE = 10
ASKED_A_MINUTE = 20


class WayForm(forms.Form):
    how = forms.ChoiceField(choices=ways.choices)


class AmountForm(forms.Form):
    amount = forms.RegexField(r"^[0-9][0-9,]{0,11}$")
    key = forms.RegexField(r"^[A-Za-z0-9_-]{16,64}$")

    def won(self) -> int:
        return int(self.cleaned_data["amount"].replace(",", ""))


@at_checkout("GET", "POST")
def pay(request: HttpRequest, checkout: Checkout) -> HttpResponse:
    """What is asked, by whom, for what; how to pay it; and, paid, its receipt."""
    if request.method == "POST":
        return _begin(request, checkout)
    if request.GET.get("back") == "1" and checkout.success_url and checkout.state == CheckoutState.PAID:
        return frame.go(request, with_checkout(checkout.success_url, checkout))
    return frame.show(request, "pay", shop=checkout.shop, here=address(checkout), **_context(request, checkout))


@at_checkout("GET")
def state(request: HttpRequest, checkout: Checkout) -> HttpResponse:
    """The part of the page that moves."""
    shop = checkout.shop
    context = {"skin": frame.skin_of(shop), "shop": shop, "shop_name": frame.name_of(shop)}
    return render(request, "customer/parts/pay.html", {**context, **_context(request, checkout)})


@at_checkout("POST")
def leave(request: HttpRequest, checkout: Checkout) -> HttpResponse:
    """Step back, to where the checkout was opened from. It stays open until its time is over."""
    return frame.go(request, with_checkout(checkout.cancel_url, checkout) if checkout.cancel_url else address(checkout))


def _begin(request: HttpRequest, checkout: Checkout) -> HttpResponse:
    form = WayForm(request.POST)
    if not form.is_valid():
        raise Invalid
    device, keep = remember_device(request)
    at = clock.now()
    try:
        where = ways.begin(
            request,
            form.cleaned_data["how"],
            bill=checkouts.name_payer(checkout=checkout, device=device, at=at),
            device=device,
            item_name=checkout.item,
            return_path=queries.return_path_of(checkout),
            at=at,
        )
    except DureError as refusal:
        fresh = _fresh(checkout)
        context = {**_context(request, fresh), "refusal": refusal}
        response = frame.show(
            request, "pay", shop=checkout.shop, here=address(checkout), status=refusal.status, **context
        )
    else:
        response = frame.go(request, where or queries.return_path_of(checkout))
    keep(response)
    return response


def _fresh(checkout: Checkout) -> Checkout:
    return queries.checkout_of_shop(checkout.shop, checkout.public_id)


def with_checkout(url: str, checkout: Checkout) -> str:
    """The address that the asker gave, with `checkout=` added to its query."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode({"checkout": checkout.public_id})) if part)
    return urlunsplit(parts._replace(query=query))


def address(checkout: Checkout) -> str:
    return reverse("customer:pay", args=[checkout.code])


def _context(request: HttpRequest, checkout: Checkout) -> dict[str, Any]:
    at, device, bill = clock.now(), device_of(request), checkout.bill
    tries = queries.tries_of(checkout)
    checking = any(one.state == PaymentState.APPROVING for one in tries)
    over = checkout.state in (CheckoutState.CANCELLED, CheckoutState.EXPIRED) or (
        checkout.state == CheckoutState.OPEN and not queries.is_payable(checkout, at) and not checking
    )
    paid = checkout.state in (CheckoutState.PAID, CheckoutState.RETURNED)
    own = device is not None and bill.device_id == device.pk
    friend = regulars.relation_of(device.person if device else None, checkout.shop)
    welcome = offers.offer_for(checkout.shop, OfferOccasion.WELCOME) if paid and own and not friend else None
    last = tries[-1] if tries else None
    failed = bool(last and last.state in (PaymentState.FAILED, PaymentState.EXPIRED))
    return {
        "chip": frame.name_of(checkout.shop),
        "checkout": checkout,
        "bill": bill,
        "item": checkout.item if checkout.item != checkout.shop.name else "",
        "checking": checking,
        "over": over,
        "paid": paid,
        "till": till_card(device.person, bill.public_id, at) if device and paid and own and not bill.refunded else None,
        "failed": explain(last.reason) if failed and last and not checking and not paid else None,
        "ways": ways.ways_for(checkout.shop, device.person if device else None, bill.total, at),
        "total": bill.total,
        "paid_with": WAY_WORDS.get(bill.settled_with, bill.settled_with),
        "invites": paid and own and friend is None,
        "welcome_worth": worth_of(welcome) if welcome else "",
        "back_to": with_checkout(checkout.success_url, checkout) if paid and checkout.success_url else "",
        "leaves": bool(checkout.cancel_url) and not paid,
        "live_topic": f"checkout:{checkout.pk}",
        "every": 3 if checking else 0,
        "state_url": reverse("customer:pay_state", args=[checkout.code]),
        "refusal": None,
        "said": _said(paid=paid, checking=checking, over=over),
    }


def _said(*, paid: bool, checking: bool, over: bool) -> object:
    if paid:
        return say("결제됐어요", en="Paid")
    if checking:
        return say("결제 결과를 확인하고 있어요", en="We're checking your payment")
    return say("더는 결제할 수 없어요", en="This can't be paid any more") if over else say("결제할 금액", en="To pay")


# The page of a sticker ----------------------------------------------------------------------------------------------


@at_sticker("GET", "POST")
def sticker(request: HttpRequest, sticker: Sticker) -> HttpResponse:
    """The guest types the amount on large keys, and goes on to the page where it is paid."""
    form = AmountForm(request.POST if request.method == "POST" else None)
    refusal: DureError | None = None
    if request.method == "POST":
        try:
            if not form.is_valid():
                raise AmountOutOfRange(say("금액을 숫자로 적어 주세요.", en="Please enter the amount in digits."))
            count_try("sticker", address_of(request), most=ASKED_A_MINUTE, seconds=60)
            asked = checkouts.open_checkout(
                shop=sticker.shop,
                kind=CheckoutKind.STICKER,
                amount=form.won(),
                key=f"{sticker.public_id}:{form.cleaned_data['key']}",
                by=f"sticker:{sticker.public_id}",
                at=clock.now(),
            )
            return frame.go(request, address(asked))
        except DureError as refused:
            refusal = refused
    return frame.show(
        request,
        "sticker",
        shop=sticker.shop,
        status=refusal.status if refusal else 200,
        here=reverse("customer:sticker", args=[sticker.code]),
        chip=frame.name_of(sticker.shop),
        sticker=sticker,
        refusal=refusal,
        amount=request.POST.get("amount", "")[:12],
        key=new_secret(),
        keys=["1", "2", "3", "4", "5", "6", "7", "8", "9", "00", "0"],
        most=STICKER_AMOUNT_MAX,
    )


# The guest's one-time code ------------------------------------------------------------------------------------------


@own_device("GET", "POST")
def code(request: HttpRequest) -> HttpResponse:
    """24 digits and a QR for the till. GET shows what became of the last one; POST makes a new one, shown in its answer only."""
    if request.method == "GET":
        return _code_page(request, None, "")
    device, keep = remember_device(request)
    count_try("pay code", str(device.pk), most=CODES_A_MINUTE, seconds=60)
    made, digits = checkouts.make_pay_code(device=device, at=clock.now())
    response = _code_page(request, made, digits)
    keep(response)
    return response


@own_device("GET")
def code_state(request: HttpRequest) -> HttpResponse:
    """What became of the code that this phone shows."""
    latest = queries.newest_code_of(device_of(request))
    return render(request, "customer/parts/code_state.html", _code_context(latest))


def _code_context(latest: PayCode | None) -> dict[str, Any]:
    at = clock.now()
    asked = latest.checkout if latest else None
    payable = bool(asked and asked.state == CheckoutState.OPEN and queries.is_payable(asked, at))
    return {
        "latest": latest,
        "asked": asked,
        "asked_shop": frame.name_of(asked.shop) if asked else "",
        "pay_url": address(asked) if asked else "",
        "payable": payable,
        "was_paid": bool(asked and asked.state in (CheckoutState.PAID, CheckoutState.RETURNED)),
        "ended": bool(latest and latest.used_at is None and latest.expires_at <= at),
        "left": max(0, int((latest.expires_at - at).total_seconds())) if latest and latest.used_at is None else 0,
        "skin": frame.skin_of(None),
    }


def _code_page(request: HttpRequest, made: PayCode | None, digits: str) -> HttpResponse:
    latest = made or queries.newest_code_of(device_of(request))
    return frame.show(
        request,
        "code",
        home=reverse("customer:my"),
        home_name=frame.MY,
        here=reverse("customer:my_code"),
        digits=[digits[n : n + 4] for n in range(0, 24, 4)] if digits else [],
        qr=f"data:image/svg+xml,{quote(qr_svg(digits))}" if digits else "",
        live_topic=f"pay-code:{latest.device_id}" if latest else "",
        **_code_context(latest),
    )
