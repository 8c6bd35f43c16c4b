"""Friends of the shop: how often they come and what they spend, never who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import say
from dure.kit.paging import page_of
from dure.regulars import queries
from dure.regulars.values import Stage
from dure.shops import actions as shops
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

STAGE_WORDS = {
    Stage.NEW: say("새 친구", en="New"),
    Stage.RETURNING: say("다시 온 친구", en="Returning"),
    Stage.REGULAR: say("단골", en="Regular"),
    Stage.LAPSED: say("뜸한 친구", en="Lapsed"),
}
STAGE_TONES = {Stage.NEW: "", Stage.RETURNING: "good", Stage.REGULAR: "full", Stage.LAPSED: "warn"}


class DefinitionsForm(forms.Form):
    regular_visits = forms.IntegerField(min_value=2, max_value=100, label=say("방문 횟수", en="Visits"))
    regular_days = forms.IntegerField(min_value=7, max_value=365, label=say("며칠 동안", en="Within days"))
    lapsed_days = forms.IntegerField(
        min_value=7, max_value=365, label=say("며칠 안 오면 뜸한 친구", en="Lapsed after days away")
    )


def _definitions(shop: Shop) -> dict[str, int]:
    return {name: getattr(shop, name) for name in DefinitionsForm.base_fields}


@staff_who_may(Ability.SEE_FRIENDS, "GET")
def friends(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Every friend, or those of one stage."""
    return _friends(request, shop, DefinitionsForm(initial=_definitions(shop)))


def _friends(request: HttpRequest, shop: Shop, form: DefinitionsForm, status: int = 200) -> HttpResponse:
    at = clock.now()
    asked = request.GET.get("stage", "")
    stage = Stage(asked) if asked in [s.value for s in Stage] else None
    counts = queries.stage_counts(shop, at=at)
    rows = queries.friends_of(shop, at=at)
    if stage:
        rows = rows.filter(stage=stage)
    page = page_of(rows, after=request.GET.get("after", "")[:40] or None, limit=30)
    found: list[Any] = page.rows
    return show(
        request,
        shop,
        "console/friends.html",
        "friends",
        status=status,
        rows=[(row, STAGE_WORDS[Stage(row.stage)], STAGE_TONES[Stage(row.stage)]) for row in found],
        next_cursor=page.next_cursor,
        stage=stage.value if stage else "",
        chips=[(s.value, STAGE_WORDS[s], counts[s]) for s in Stage],
        all=sum(counts.values()),
        form=form,
    )


@staff_who_may(Ability.EDIT_SHOP, "POST")
def definitions(request: HttpRequest, shop: Shop) -> HttpResponse:
    """What this shop calls a regular, and when it misses somebody."""
    form = DefinitionsForm(request.POST)
    if form.is_valid():
        try:
            shops.update_shop(shop=shop, by=staff_of(request).by, at=clock.now(), **form.cleaned_data)
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(request, say("단골 기준을 바꿨어요.", en="The definition is changed."))
            return see("friends", shop)
    return _friends(request, shop, form, status=422)
