"""The shop's money: what every order really costs, what was paid out, and each won traced."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import NotFound
from dure.kit.language import Text, say
from dure.kit.money import won
from dure.settlement import actions, queries
from dure.settlement.values import (
    LINE_WORDS,
    STATE_WORDS,
    TIER_WORDS,
    LineKind,
    PayoutState,
    SalesTier,
    TrueCost,
)
from dure.shops.values import Ability
from dure.web.console.frame import see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

CSV, XLSX = "text/csv; charset=utf-8", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STATE_TONES = {
    PayoutState.DUE: "",
    PayoutState.SENDING: "accent",
    PayoutState.UNKNOWN: "warn",
    PayoutState.PAID: "good",
    PayoutState.REFUSED: "bad",
}
WIDTH, ROW, BAR = 380, 54, 20
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


class TierForm(forms.Form):
    sales_tier = forms.ChoiceField(
        choices=[(tier.value, words) for tier, words in TIER_WORDS.items()],
        label=say("우리 가게의 한 해 매출", en="Our sales of a year"),
        help_text=say(
            "카드 수수료율이 이 구간으로 정해져요. 여신금융협회에서 받은 안내문에 적혀 있어요.",
            en="It decides the card rate. The card association's notice says which one is yours.",
        ),
    )


def _month(request: HttpRequest, at: datetime) -> date:
    """The month asked for; this one where the question makes no sense or lies ahead."""
    now = at.astimezone(clock.KST).date().replace(day=1)
    asked = _MONTH.fullmatch(request.GET.get("month", ""))
    return min(date(int(asked[1]), int(asked[2]), 1), now) if asked else now


def _percent(won: int, of: int) -> str:
    hundredths = (2 * won * 10_000 + of) // (2 * of) if of else 0
    return f"{hundredths // 100}.{hundredths % 100:02d}%"


def _chart(cost: TrueCost) -> dict[str, object]:
    """Four bars from one zero, on one scale."""
    rows: list[tuple[Text, int, str]] = [
        (say("지금 우리 가게", en="This shop now"), cost.cost, "ours"),
        (say("법으로 정한 카드 수수료만", en="The card law's rate alone"), cost.regulated, ""),
        (say("테이블오더 업체, 낮으면", en="Table-order vendors, low"), cost.low, ""),
        (say("테이블오더 업체, 높으면", en="Table-order vendors, high"), cost.high, ""),
    ]
    top = max(amount for _, amount, _ in rows) or 1
    bars = [
        {
            "words": words,
            "won": amount,
            "percent": _percent(amount, cost.online.amount),
            "tone": tone,
            "label": number * ROW + 18,
            "y": number * ROW + 26,
            "width": max(WIDTH * amount // top, 2),
        }
        for number, (words, amount, tone) in enumerate(rows)
    ]
    return {"bars": bars, "width": WIDTH, "height": ROW * len(rows), "bar": BAR}


def _sentence(cost: TrueCost) -> Text:
    if not cost.online.amount:
        return say(
            "아직 온라인으로 받은 돈이 없어서 나간 돈도 없어요. 두레가 받는 돈은 0원이에요.",
            en="Nothing was paid online yet, so nothing was taken. Dure takes 0 won.",
        )
    return say(
        "온라인으로 받은 {taken} 가운데 {cost}({percent})이 카드사와 결제사로 나갔고, 두레가 받은 돈은 {dure}이에요.",
        en="Of {taken} paid online, {cost} ({percent}) went to card and payment companies; Dure took {dure}.",
        taken=won(cost.online.amount),
        cost=won(cost.cost),
        percent=_percent(cost.cost, cost.online.amount),
        dure=won(cost.online.platform_fee),
    )


@staff_who_may(Ability.SEE_MONEY, "GET")
def money(request: HttpRequest, shop: Shop) -> HttpResponse:
    """What a month cost, and when its money arrives."""
    return _money(request, shop, None)


def _money(request: HttpRequest, shop: Shop, form: TierForm | None) -> HttpResponse:
    at = clock.now()
    month = _month(request, at)
    this = at.astimezone(clock.KST).date().replace(day=1)
    cost = queries.true_cost_of(shop, month)
    rows = [
        (payout, STATE_WORDS[PayoutState(payout.state)], STATE_TONES[PayoutState(payout.state)])
        for payout in queries.payouts_in(shop, month)
    ]
    return show(
        request,
        shop,
        "console/money.html",
        "money",
        month=month,
        before=(month - timedelta(days=1)).replace(day=1),
        after=(month + timedelta(days=32)).replace(day=1) if month < this else None,
        cost=cost,
        percent=_percent(cost.cost, cost.online.amount),
        percent_of_all=_percent(cost.cost, cost.taken),
        each=cost.cost // cost.orders if cost.orders else 0,
        sentence=_sentence(cost),
        chart=_chart(cost),
        rows=rows,
        waiting=queries.waiting_of(shop, at=at),
        held=[(hold, -hold.amount) for hold in queries.held_of(shop)],
        tier_words=TIER_WORDS[cost.tier],
        unknown=cost.tier == SalesTier.UNKNOWN,
        days=queries.terms_of(shop, at.astimezone(clock.KST).date()).payout_days,
        form=form or TierForm(initial={"sales_tier": cost.tier.value}),
        live=True,
        status=422 if form else 200,
    )


@staff_who_may(Ability.EDIT_SHOP, "POST")
def tier(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The shop says how much it sells in a year; it holds from today."""
    form = TierForm(request.POST)
    if not form.is_valid():
        return _money(request, shop, form)
    at = clock.now()
    today = at.astimezone(clock.KST).date()
    actions.set_terms(
        shop=shop,
        sales_tier=form.cleaned_data["sales_tier"],
        payout_days=queries.terms_of(shop, today).payout_days,
        valid_from=today,
        by=staff_of(request).by,
        at=at,
    )
    told(request, say("매출 구간을 바꿨어요. 오늘 판매부터 적용돼요.", en="Changed; it holds from today's sales."))
    return see("money", shop)


@staff_who_may(Ability.SEE_MONEY, "GET")
def payout(request: HttpRequest, shop: Shop, payout: str) -> HttpResponse:
    """One day's money: every line, to the won."""
    found = queries.payout_of(shop, payout)
    lines = [(line, LINE_WORDS[LineKind(line.kind)], queries.parts_of(line)) for line in queries.lines_of(found)[:500]]
    state = PayoutState(found.state)
    return show(
        request,
        shop,
        "console/payout.html",
        "money",
        payout=found,
        lines=lines,
        state_words=STATE_WORDS[state],
        tone=STATE_TONES[state],
        steps=[(step, STATE_WORDS[PayoutState(step.state)]) for step in queries.steps_of(found)],
        live=True,
    )


@staff_who_may(Ability.SEE_MONEY, "GET")
def statement(request: HttpRequest, shop: Shop, kind: str) -> HttpResponse:
    """The month on paper or as a spreadsheet."""
    if kind not in ("pdf", "csv", "xlsx"):
        raise NotFound
    month = _month(request, clock.now())
    told_all = queries.statement_of(shop, month)
    if kind == "pdf":
        content, media = queries.statement_as_pdf(shop, told_all, request.LANGUAGE_CODE), "application/pdf"
    elif kind == "csv":
        content, media = queries.statement_as_csv(told_all), CSV
    else:
        content, media = queries.statement_as_xlsx(told_all), XLSX
    name = f"statement-{month:%Y-%m}.{kind}"
    where = "inline" if kind == "pdf" else "attachment"
    return HttpResponse(content, media, headers={"Content-Disposition": f'{where}; filename="{name}"'})
