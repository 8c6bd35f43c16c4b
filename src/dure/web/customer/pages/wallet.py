"""The person's wallet: what is in it, putting money in, taking it back, and stopping it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from dure.kit import clock, ids
from dure.kit.errors import DureError, Invalid
from dure.payments import queries as payments
from dure.people import actions as people
from dure.wallet import actions as wallets
from dure.wallet import queries
from dure.wallet.errors import NoSuchWallet, WalletOff, explain_top_up
from dure.wallet.values import KIND_WORDS, WHY_WORDS, WalletState, Why
from dure.web.customer import frame
from dure.web.customer.forms import BELOW, REFILLS, AutomationForm, StatementForm, TopUpForm
from dure.web.customer.ways import providers
from dure.web.ui.access import own_device, remember_device
from dure.web.ui.ways import WAY_WORDS

if TYPE_CHECKING:
    from datetime import datetime

    from dure.wallet.models import TopUp, Wallet

CHOICES = (10_000, 30_000, 50_000, 100_000)
SHOWN, A_PAGE = 5, 50
RECURRING, TIMES_A_DAY = "kakaopay", 3


@own_device("GET", "POST")
def wallet(request: HttpRequest) -> HttpResponse:
    """The balance and what can be done with it; before there is a wallet, what it is, and one button that opens it."""
    if not queries.wallets_on():
        raise WalletOff
    if request.method == "GET":
        return _page(request, queries.wallet_of(frame.person_of(request)))
    device, keep = remember_device(request)
    at = clock.now()
    with transaction.atomic():
        person = frame.person_of(request) or people.ensure_person(device=device, at=at)
        wallets.open_wallet(person=person, at=at)
    response = frame.go(request, reverse("customer:wallet"))
    keep(response)
    return response


@own_device("GET")
def state(request: HttpRequest) -> HttpResponse:
    """The part of the page that moves."""
    return render(request, "customer/parts/wallet.html", _context(_own(request)))


@own_device("POST")
def top_up(request: HttpRequest) -> HttpResponse:
    """Begin to put money in: on to the provider."""
    own = _own(request)
    form = TopUpForm(request.POST)
    if not form.is_valid():
        raise Invalid
    try:
        payment = wallets.begin_top_up(
            wallet=own,
            amount=form.cleaned_data["amount"],
            provider=form.cleaned_data["provider"],
            origin=request.build_absolute_uri("/").rstrip("/"),
            key=f"{own.public_id}:{form.cleaned_data['key']}",
            at=clock.now(),
        )
    except DureError as refusal:
        return _page(request, own, refusal)
    return frame.go(request, payment.redirect_url or reverse("customer:wallet"))


@own_device("POST")
def automation(request: HttpRequest) -> HttpResponse:
    """Agree to automatic top-ups, with a first one; or revoke them with one tap."""
    own = _own(request)
    if request.POST.get("end") == "yes":
        wallets.end_automation(wallet=own, by=_by(own), at=clock.now())
        return frame.go(request, reverse("customer:wallet"))
    form = AutomationForm(request.POST)
    if not form.is_valid() or RECURRING not in providers():
        raise Invalid
    amount = form.cleaned_data["amount"]
    try:
        payment = wallets.begin_automation(
            wallet=own,
            below=form.cleaned_data["below"],
            amount=amount,
            most_a_day=amount * TIMES_A_DAY,
            provider=RECURRING,
            origin=request.build_absolute_uri("/").rstrip("/"),
            key=f"{own.public_id}:{form.cleaned_data['key']}",
            at=clock.now(),
        )
    except DureError as refusal:
        return _page(request, own, refusal)
    return frame.go(request, payment.redirect_url or reverse("customer:wallet"))


@own_device("POST")
def pay_back(request: HttpRequest) -> HttpResponse:
    """Take back what the law lets one take back."""
    own = _own(request)
    try:
        wallets.take_back(wallet=own, by=_by(own), at=clock.now())
    except DureError as refusal:
        return _page(request, own, refusal)
    return frame.go(request, reverse("customer:wallet"))


@own_device("POST")
def freeze(request: HttpRequest) -> HttpResponse:
    """Stop the wallet, or let it be used again."""
    own = _own(request)
    try:
        if request.POST.get("freeze") == "no":
            wallets.thaw_wallet(wallet=own, by=_by(own), at=clock.now())
        else:
            wallets.freeze_wallet(wallet=own, by=_by(own), reason="page", at=clock.now())
    except DureError as refusal:
        return _page(request, own, refusal)
    return frame.go(request, reverse("customer:wallet"))


@own_device("GET")
def statement(request: HttpRequest) -> HttpResponse:
    """Every movement, newest first, with the balance after it."""
    own = _own(request)
    form = StatementForm(request.GET)
    if not form.is_valid():
        raise Invalid
    lines = queries.statement_of(own, limit=A_PAGE + 1, before=form.cleaned_data["before"])
    more = lines[A_PAGE - 1].id if len(lines) > A_PAGE else None
    return frame.show(
        request,
        "wallet_statement",
        home=reverse("customer:wallet"),
        home_name=WAY_WORDS["wallet"],
        lines=[(line, KIND_WORDS[line.kind]) for line in lines[:A_PAGE]],
        more=more,
    )


def _own(request: HttpRequest) -> Wallet:
    own = queries.wallet_of(frame.person_of(request))
    if own is None:
        raise NoSuchWallet
    return own


def _by(own: Wallet) -> str:
    return f"person:{own.person.public_id if own.person else ''}"


def _context(own: Wallet) -> dict[str, Any]:
    at = clock.now()
    room = queries.room_in(own, at)
    right = queries.returnable(own, at)
    coming, failed = queries.open_top_up(own), queries.failed_top_up(own, at)
    automated = queries.automation_of(own)
    return {
        "wallet": own,
        "balance": queries.balance_of(own),
        "frozen": own.state == WalletState.FROZEN,
        "frozen_by_us": own.frozen_by.startswith("operator:"),
        "room": room,
        "coming": coming,
        "unfinished": _unfinished(coming, at) if coming else "",
        "failed": explain_top_up(failed.reason) if failed and not coming else None,
        "choices": [won for won in CHOICES if won <= room.top_up],
        "providers": [(name, WAY_WORDS[name]) for name in providers()],
        "key": ids.new_secret()[:24],
        "right": (WHY_WORDS[right[0]], right[1]) if right else None,
        "used_percent": 100 - queries.limits().refund_bps // 100,
        "unused_days": queries.limits().unused_days,
        "going": [(one, WHY_WORDS[Why(one.why)]) for one in queries.pay_backs_under_way(own)],
        "lines": [(line, KIND_WORDS[line.kind]) for line in queries.statement_of(own, limit=SHOWN)],
        "automation": automated if automated and automated.agreement.state == "active" else None,
        "automates": RECURRING in providers(),
        "thresholds": BELOW,
        "refills": REFILLS,
        "times_a_day": TIMES_A_DAY,
        "live_topic": f"wallet:{own.pk}",
        "every": 3 if coming else 0,
        "practising": queries.practising(),
    }


def _unfinished(coming: TopUp, at: datetime) -> str:
    """Where a top-up goes on that its owner left at the provider; empty where its money may be moving."""
    left = [one for one in payments.payments_about(coming.public_id) if payments.can_be_approved(one, at)]
    return left[-1].redirect_url if left else ""


def _page(request: HttpRequest, own: Wallet | None, refusal: DureError | None = None) -> HttpResponse:
    limits = queries.limits()
    return frame.show(
        request,
        "wallet",
        status=refusal.status if refusal else 200,
        here=reverse("customer:wallet"),
        home=reverse("customer:my"),
        home_name=frame.MY,
        error=refusal,
        limits=limits,
        **(_context(own) if own else {"wallet": None, "practising": queries.practising()}),
    )
