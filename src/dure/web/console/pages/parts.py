"""A bill that a table splits, taken part by part at the counter; and a line struck from an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict

from dure.kit import clock, ids
from dure.kit.errors import DureError, Invalid
from dure.kit.language import say
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.ordering.values import BillState, ConcessionKind, PartState, SplitBy, Wish
from dure.shops.values import Ability
from dure.web.console.frame import blame, conceded, see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

PART_WORDS = {
    PartState.TAKEN: (say("내는 중", en="Paying"), "warn"),
    PartState.PAID: (say("받음", en="Paid"), "good"),
    PartState.RETURNED: (say("돌려줌", en="Returned"), ""),
    PartState.WAIVED: (say("못 받음", en="Not received"), "bad"),
}


class TakingForm(forms.Form):
    """Money for a part of a bill. Dishes come as `d-<place on the bill>` = units."""

    split_by = forms.ChoiceField(choices=[("evenly", ""), ("item", ""), ("amount", "")])
    ways = forms.IntegerField(min_value=2, max_value=20, required=False)
    amount = forms.IntegerField(min_value=1, max_value=10_000_000, required=False)

    def dishes(self, sent: QueryDict) -> dict[int, int]:
        found = {}
        for name, value in sent.items():
            place = name.removeprefix("d-")
            if (
                name != place
                and len(place) < 5
                and place.isdecimal()
                and str(value).isdecimal()
                and len(str(value)) < 3
            ):
                found[int(place)] = int(str(value))
        return found


@staff_who_may(Ability.TAKE_PAYMENT, "GET", "POST")
def parts(request: HttpRequest, shop: Shop, bill: str) -> HttpResponse:
    """Who has paid what of a bill and what is left; taking money for a part of it."""
    found = queries.bill_of_shop(shop, bill)
    refusal: DureError | None = None
    if request.method == "POST":
        form = TakingForm(request.POST)
        try:
            if not form.is_valid():
                raise Invalid
            said = form.cleaned_data
            part = ordering.take_part(
                bill=found,
                device=None,
                split_by=SplitBy(said["split_by"]),
                ways=said["ways"] or 0,
                amount=said["amount"] or 0,
                dishes=form.dishes(request.POST),
                at=clock.now(),
            )
            ordering.settle_part_at_counter(part=part, by=staff_of(request).by, at=clock.now())
        except DureError as refused:
            refusal = refused
            found = queries.bill_of_shop(shop, bill)
        else:
            told(request, say("{w} 받았어요.", en="{w} received.", w=f"{part.amount:,}원"))
            return see("parts", shop, bill)
    split = queries.split_of(found)
    ways = found.ways if found.ways in split.shares else split.fewest
    return show(
        request,
        shop,
        "console/parts.html",
        "tables",
        live=True,
        status=refusal.status if refusal else 200,
        bill=found,
        table=found.visit.table if found.visit else None,
        split=split,
        open=found.state == BillState.OPEN,
        rows=[(part, *PART_WORDS[PartState(part.state)]) for part in split.parts],
        by=found.split_by,
        shares=[(n, won) for n, won in split.shares.items() if n < ways + 5],
        ways=ways,
        refusal=refusal.sentence if refusal else "",
    )


class StepForm(forms.Form):
    do = forms.ChoiceField(choices=[("paid", ""), ("back", "")])


@staff_who_may(Ability.TAKE_PAYMENT, "POST")
def part(request: HttpRequest, shop: Shop, bill: str, part: str) -> HttpResponse:
    """The money for one part was taken at the counter, or nobody pays it and the table owes it again."""
    form = StepForm(request.POST)
    if not form.is_valid():
        raise Invalid
    found = queries.part_of_bill(queries.bill_of_shop(shop, bill), part)
    if form.cleaned_data["do"] == "paid":
        ordering.settle_part_at_counter(part=found, by=staff_of(request).by, at=clock.now())
        told(request, say("{w} 받았어요.", en="{w} received.", w=f"{found.amount:,}원"))
    else:
        ordering.give_part_back(part=found, at=clock.now())
    return see("parts", shop, bill)


class StrikeForm(forms.Form):
    line = forms.IntegerField(min_value=1, max_value=10_000)
    quantity = forms.IntegerField(min_value=1, max_value=99)
    reason = forms.CharField(
        max_length=200,
        label=say("손님이 읽을 이유", en="The reason, as the guest reads it"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    key = forms.RegexField(r"^[A-Za-z0-9_-]{8,100}$")


@staff_who_may(Ability.TAKE_PAYMENT, "GET", "POST")
def strikes(request: HttpRequest, shop: Shop, order: str) -> HttpResponse:
    """Take a line off an order; what it cost goes back to whoever paid."""
    found = queries.order_of_shop(shop, order)
    form = StrikeForm(request.POST or None, initial={"key": ids.new_code(16)})
    if request.method == "POST" and form.is_valid():
        try:
            wish = Wish(kind=ConcessionKind.STRIKE, subject=order, **form.cleaned_data)
            waits = ordering.concede(shop=shop, wish=wish, by=staff_of(request).by, at=clock.now())
        except DureError as refusal:
            blame(form, refusal)
        else:
            returned = sum(
                line.returned or 0
                for line in queries.order_of_shop(shop, order).lines.all()
                if line.strike_key == form.cleaned_data["key"]
            )
            if not conceded(request, waits) and returned:
                told(request, say("{w} 돌려줬어요.", en="{w} goes back.", w=f"{returned:,}원"))
            return see("order", shop, order)
    lines: list[dict[str, Any]] = [
        {"position": n, "line": line, "most": range(line.quantity, 0, -1), "won": line.total - line.discount}
        for n, line in enumerate(sorted(found.lines.all(), key=lambda line: line.pk), 1)
        if line.struck_at is None
    ]
    status = 422 if request.method == "POST" else 200
    return show(
        request,
        shop,
        "console/strikes.html",
        "orders",
        status=status,
        order=found,
        lines=lines,
        form=form,
        key=form["key"].value(),
        paid=bool(found.bill and found.bill.settled_at),
    )
