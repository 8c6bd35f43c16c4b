"""A table splits its bill: what is left, who has paid what, and the part that this phone pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from dure.kit.errors import DureError, Invalid
from dure.kit.language import Text, pick, say
from dure.ordering import actions as ordering
from dure.ordering import queries
from dure.ordering.values import BillState, PartState, SplitBy
from dure.web.customer import frame, ways
from dure.web.customer.bar import bar_of
from dure.web.customer.forms import PartForm, PartStepForm
from dure.web.customer.frame import Guest
from dure.web.ui.access import at_table

if TYPE_CHECKING:
    from dure.ordering.models import Bill, BillPart
    from dure.shops.models import Table

PART_WORDS = {
    PartState.TAKEN: say("내는 중", en="Paying"),
    PartState.PAID: say("냈어요", en="Paid"),
    PartState.RETURNED: say("돌려받음", en="Returned"),
    PartState.WAIVED: say("안 받음", en="Waived"),
}
WAY_WORDS = {
    SplitBy.EVENLY: say("똑같이", en="Evenly"),
    SplitBy.ITEM: say("먹은 것만", en="By dish"),
    SplitBy.AMOUNT: say("금액으로", en="By amount"),
}


@at_table("GET", "POST")
def parts(request: HttpRequest, table: Table, bill: str) -> HttpResponse:
    """What is left of the bill and who has paid what; taking a part of it."""
    queries.bill_of_shop(table.shop, bill)  # another shop's bill is unknown here before anybody is asked to sit down
    guest, visit = frame.seated(request, table)
    shared = queries.bill_at(visit, bill)
    if request.method == "GET":
        if frame.is_part(request):
            context = {"skin": frame.skin_of(guest.shop), "shop": guest.shop, "table": table}
            return render(request, "customer/parts/split.html", {**context, **_context(request, guest, shared)})
        return _page(request, guest, shared)
    form = PartForm(request.POST)
    if not form.is_valid():
        return _page(request, guest, shared, Invalid())
    said = form.cleaned_data
    try:
        part = ordering.take_part(
            bill=shared,
            device=guest.device,
            split_by=SplitBy(said["split_by"]),
            ways=said["ways"] or 0,
            amount=said["amount"] or 0,
            dishes=form.dishes(request.POST),
            at=guest.at,
        )
        return _pay(request, guest, shared, part, said["how"])
    except DureError as refusal:
        return _page(request, guest, queries.bill_at(visit, bill), refusal)


@at_table("POST")
def part(request: HttpRequest, table: Table, bill: str, part: str) -> HttpResponse:
    """Pay the part that this phone took, or give it back."""
    guest, visit = frame.seated(request, table)
    shared = queries.bill_at(visit, bill)
    mine = queries.part_of_bill(shared, part)
    form = PartStepForm(request.POST)
    if not form.is_valid() or guest.device is None or mine.device_id != guest.device.pk:
        raise Invalid
    try:
        if form.cleaned_data["how"] == "back":
            ordering.give_part_back(part=mine, at=guest.at)
            return frame.go(request, address(table, shared))
        return _pay(request, guest, shared, mine, form.cleaned_data["how"])
    except DureError as refusal:
        return _page(request, guest, queries.bill_at(visit, bill), refusal)


def _pay(request: HttpRequest, guest: Guest, bill: Bill, part: BillPart, how: str) -> HttpResponse:
    here = address(guest.table, bill)
    ways.refuse_counter(guest.shop, how)
    if how == "counter":
        ordering.call_staff(table=guest.table, why="bill", at=guest.at)
        return frame.go(request, here)
    there = ways.begin_part(request, how, part=part, here=here, device=guest.device, at=guest.at)
    return frame.go(request, there or here)


def address(table: Table, bill: Bill) -> str:
    """Where the table splits a bill."""
    return reverse("customer:parts", args=[table.code, bill.public_id])


def _page(request: HttpRequest, guest: Guest, bill: Bill, refusal: DureError | None = None) -> HttpResponse:
    return frame.show(
        request,
        "split",
        shop=guest.shop,
        status=refusal.status if refusal else 200,
        here=address(guest.table, bill),
        table=guest.table,
        visit=guest.visit,
        error=refusal,
        copy=False,
        split_url=address(guest.table, bill),
        **{**bar_of(guest, "page"), **_context(request, guest, bill)},
        **frame.opening_at(guest),
        **frame.home_at(guest.table),
    )


def _context(request: HttpRequest, guest: Guest, bill: Bill) -> dict[str, Any]:
    split = queries.split_of(bill)
    by = request.GET.get("by", "")
    chosen = bill.split_by or (by if by in set(SplitBy) else SplitBy.EVENLY)
    number = _ways(request, bill, split)
    mine = [part for part in split.parts if guest.device and part.device_id == guest.device.pk]
    said: Text | str = ""
    if bill.state == BillState.OPEN:
        said = say("남은 금액 {won}", en="{won} left to pay", won=f"{split.unpaid:,}원")
    return {
        "bill": bill,
        "split": split,
        "open": bill.state == BillState.OPEN,
        "done": bill.state in (BillState.SETTLED, BillState.RETURNED),
        "rows": [(_who(part, split.parts, mine), PART_WORDS[PartState(part.state)], part) for part in split.parts],
        "mine": next((part for part in mine if part.state == PartState.TAKEN), None),
        "paid_mine": sum(part.amount - part.refunded for part in mine if part.state == PartState.PAID),
        "by": chosen,
        "fixed": bool(bill.split_by),
        "tabs": [(way.value, words) for way, words in WAY_WORDS.items()],
        "people": number,
        "fewer": number - 1 if number - 1 in split.shares else 0,
        "more": number + 1 if number + 1 in split.shares else 0,
        "share": split.shares.get(number, 0),
        "methods": [
            (way.value, way.words)
            for way in ways.ways_for(guest.shop, guest.person, split.left or bill.total, guest.at)
        ],
        "takes_counter": ways.takes_counter(guest.shop),
        "dishes": [
            {
                "position": dish.position,
                "name": pick(dish.name),
                "detail": " · ".join(pick(option["name"]) for option in dish.options),
                "counts": range(len(dish.prices) + 1),
                "free": len(dish.prices),
                "price": dish.prices[0] if dish.prices else 0,
            }
            for dish in split.dishes
        ],
        "left": split.left,
        "paid_per_cent": 100 * split.paid // bill.total if bill.total else 100,
        "said": said,
    }


def _ways(request: HttpRequest, bill: Bill, split: queries.Split) -> int:
    asked = request.GET.get("ways", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 3 else bill.ways
    return number if number in split.shares else split.fewest


def _who(part: BillPart, parts: list[BillPart], mine: list[BillPart]) -> Text:
    if part in mine:
        return say("이 휴대폰", en="This phone")
    if part.device_id is None:
        return say("카운터", en="Counter")
    others = list(dict.fromkeys(one.device_id for one in parts if one.device_id and one not in mine))
    return say("다른 휴대폰 {n}", en="Other phone {n}", n=others.index(part.device_id) + 1)
