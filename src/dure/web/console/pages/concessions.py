"""What was given back or struck at the counter: by whom, how much, why; and what waits for a second person."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import DureError, Invalid
from dure.kit.language import Text, say
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.ordering.values import ConcessionKind, ConcessionState
from dure.shops import queries as shops
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.console.pages.orders import WHO_WORDS
from dure.web.ui.access import staff_who_may
from dure.web.ui.ways import WAY_WORDS

if TYPE_CHECKING:
    from dure.ordering.models import Concession
    from dure.shops.models import Shop

KIND_WORDS = {
    ConcessionKind.REFUSAL: say("주문 취소", en="Order taken back"),
    ConcessionKind.STRIKE: say("메뉴 뺌", en="Line struck"),
    ConcessionKind.REFUND: say("환불", en="Refund"),
    ConcessionKind.UNPAID: say("못 받은 돈", en="Not received"),
}
STATE_WORDS = {
    ConcessionState.DONE: (say("처리함", en="Done"), ""),
    ConcessionState.DECLINED: (say("승인 안 함", en="Declined"), "bad"),
    ConcessionState.EXPIRED: (say("시간이 지남", en="Expired"), "warn"),
}
PROGRAM = say("연결된 프로그램", en="A connected program")
LEFT = say("그만둔 직원", en="Somebody who left")
MOST = 10_000_000


class LimitsForm(forms.Form):
    limit = forms.IntegerField(
        min_value=0,
        max_value=MOST,
        label=say("한 번에 (원)", en="At once (won)"),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    day_limit = forms.IntegerField(
        min_value=0,
        max_value=MOST,
        label=say("한 사람이 하루에 (원)", en="A person and day (won)"),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


class ApprovalForm(forms.Form):
    do = forms.ChoiceField(choices=[("approve", ""), ("decline", "")])


@staff_who_may(Ability.TAKE_PAYMENT, "GET")
def concessions(request: HttpRequest, shop: Shop) -> HttpResponse:
    """One day's list, and what waits. Who may not approve sees what they did and asked themselves."""
    return _page(request, shop, None)


def _page(request: HttpRequest, shop: Shop, form: LimitsForm | None) -> HttpResponse:
    at, staff = clock.now(), staff_of(request)
    all_of_it = staff.may(Ability.APPROVE_CONCESSIONS)
    today = shops.business_day(shop, at)
    day = min(_day(request.GET.get("day", "")) or today, today)
    names = _names(shop)
    given = [one for one in queries.concessions_of(shop, day) if all_of_it or one.by == staff.by]
    waiting = [one for one in queries.waiting_concessions(shop, at) if all_of_it or one.by == staff.by]
    done = [one for one in given if one.state == ConcessionState.DONE]
    return show(
        request,
        shop,
        "console/concessions.html",
        "concessions",
        live=True,
        status=422 if form else 200,
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1) if day < today else None,
        waiting=[{**_row(one, names), "own": one.by == staff.by, "until": queries.waits_until(one)} for one in waiting],
        rows=[_row(one, names) for one in given],
        sums=[
            (words, sum(one.won for one in done if one.kind == kind))
            for kind, words in KIND_WORDS.items()
            if any(one.kind == kind for one in done)
        ],
        total=sum(one.won for one in done),
        form=form or LimitsForm(initial={"limit": shop.concession_limit, "day_limit": shop.concession_day_limit}),
    )


def _day(said: str) -> date | None:
    try:
        return datetime.strptime(said, "%Y-%m-%d").replace(tzinfo=clock.KST).date()
    except ValueError:
        return None


def _names(shop: Shop) -> dict[str, str]:
    return {
        f"staff:{one.person.public_id}": one.person.name or one.person.email or one.person.public_id
        for one in shops.staff_of(shop)
    }


def _row(one: Concession, names: dict[str, str]) -> dict[str, Any]:
    word, tone = STATE_WORDS.get(ConcessionState(one.state), (say("승인 기다림", en="Waiting"), "warn"))
    return {
        "one": one,
        "kind": KIND_WORDS[ConcessionKind(one.kind)],
        "state": word,
        "tone": tone,
        "who": _called(one.by, names),
        "second": _called(one.decided_by, names) if one.decided_by else "",
        "way": WAY_WORDS.get(one.paid_with, one.paid_with),
    }


def _called(by: str, names: dict[str, str]) -> str | Text:
    kind = by.partition(":")[0]
    if kind == "staff":
        return names.get(by, LEFT)
    return PROGRAM if kind == "key" else WHO_WORDS.get(kind, kind)


@staff_who_may(Ability.APPROVE_CONCESSIONS, "POST")
def approval(request: HttpRequest, shop: Shop, concession: str) -> HttpResponse:
    """The second person agrees, and the money moves; or they do not."""
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        raise Invalid
    by, at = staff_of(request).by, clock.now()
    if form.cleaned_data["do"] == "approve":
        given = ordering.approve_concession(shop=shop, concession=concession, by=by, at=at)
        told(request, say("{w} 승인했어요.", en="{w} approved.", w=f"{given.won:,}원"))
    else:
        ordering.decline_concession(shop=shop, concession=concession, by=by, at=at)
        told(request, say("승인하지 않았어요. 아무것도 바뀌지 않았어요.", en="Declined. Nothing has moved."))
    return see("concessions", shop)


@staff_who_may(Ability.TAKE_PAYMENT, "POST")
def withdrawal(request: HttpRequest, shop: Shop, concession: str) -> HttpResponse:
    """Whoever asked wants it no more."""
    ordering.decline_concession(shop=shop, concession=concession, by=staff_of(request).by, at=clock.now())
    told(request, say("요청을 거뒀어요.", en="The request is withdrawn."))
    return see("concessions", shop)


@staff_who_may(Ability.APPROVE_CONCESSIONS, "POST")
def limits(request: HttpRequest, shop: Shop) -> HttpResponse:
    """How much staff give back alone."""
    form = LimitsForm(request.POST)
    if form.is_valid():
        try:
            ordering.set_concession_limits(shop=shop, **form.cleaned_data, by=staff_of(request).by, at=clock.now())
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(request, say("저장했어요.", en="Saved."))
            return see("concessions", shop, part="limits")
    return _page(request, shop, form)
