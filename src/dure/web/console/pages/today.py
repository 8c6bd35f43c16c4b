"""Today at a glance, and one thing that would help most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from dure.channels import queries as channels
from dure.kit import clock
from dure.kit.language import Text, say
from dure.lift import queries as lift
from dure.menu import queries as menus
from dure.offers import queries as offers
from dure.offers.values import OfferOccasion
from dure.ordering import queries as ordering
from dure.regulars import queries as regulars
from dure.regulars.values import Stage
from dure.shops import queries as shops
from dure.shops.values import Ability
from dure.web.console.frame import show, staff_of
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.shops.models import Shop

WIDTH, HEIGHT, FOOT, LABELS = 480, 200, 28, 8


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do next: why, what, where."""

    why: Text
    do: Text
    page: str
    ability: Ability
    query: str = ""


def _chart(by_hour: list[int], day_starts: int) -> dict[str, object]:
    """Bars from the first hour with sales to the last, in the shop's own order of hours."""
    order = [(day_starts + n) % 24 for n in range(24)]
    busy = [i for i, hour in enumerate(order) if by_hour[hour]]
    shown = order[min(busy) : max(busy) + 1] if busy else []
    while busy and len(shown) < 6:
        shown.append((shown[-1] + 1) % 24)
    top = max(by_hour) or 1
    room = WIDTH / max(len(shown), 1)
    bars = [
        {
            "hour": hour,
            "sales": by_hour[hour],
            "x": round(i * room + room * 0.16, 1),
            "middle": round(i * room + room / 2, 1),
            **_label(i * room, room),
            "width": round(room * 0.68, 1),
            "height": round((HEIGHT - FOOT - 24) * by_hour[hour] / top, 1),
            "y": round(HEIGHT - FOOT - (HEIGHT - FOOT - 24) * by_hour[hour] / top, 1),
            "top": by_hour[hour] == top,
            "labelled": i % (len(shown) // LABELS + 1) == 0,
        }
        for i, hour in enumerate(shown)
    ]
    return {"bars": bars, "width": WIDTH, "height": HEIGHT, "foot": HEIGHT - FOOT, "label": HEIGHT - 8}


def _label(left: float, room: float) -> dict[str, Any]:
    """Where the figure above a bar is written: near an edge it leans inwards, so that all of it is on the picture."""
    if left + room > WIDTH * 0.8:
        return {"label": round(left + room * 0.84, 1), "anchor": "end"}
    if left < WIDTH * 0.2:
        return {"label": round(left + room * 0.16, 1), "anchor": "start"}
    return {"label": round(left + room / 2, 1), "anchor": "middle"}


def _bounds(shop: Shop, at: datetime) -> tuple[datetime, datetime]:
    day = shops.business_day(shop, at)
    starts = datetime.combine(day, shop.day_starts_at, clock.KST)
    return starts, starts + timedelta(days=1)


def _next_step(shop: Shop, stages: dict[Stage, int], *, has_orders: bool) -> Step | None:
    """The one thing that brings a shop further, in the order in which a shop grows."""
    if not menus.sections_of(shop).exists():
        return Step(
            say("메뉴가 아직 비어 있어요. 가진 메뉴판을 엑셀로 올리거나 하나씩 적을 수 있어요.",
                en="The menu is still empty. Upload a spreadsheet or write the first item."),
            say("메뉴 넣기", en="Add the menu"), "menu", Ability.EDIT_MENU)  # fmt: skip
    if not shops.tables_of(shop).exists():
        return Step(
            say("테이블을 만들면 QR이 생겨요.", en="Add tables to get their codes."),
            say("테이블 만들기", en="Add tables"), "tables", Ability.EDIT_TABLES)  # fmt: skip
    if not has_orders:
        return Step(
            say("아직 주문이 없어요. QR을 인쇄해서 내 휴대폰으로 시험 주문해 보세요.",
                en="No orders yet. Print a code and try ordering with your own phone."),
            say("QR 인쇄", en="Print codes"), "stands", Ability.EDIT_TABLES)  # fmt: skip
    if offers.offer_for(shop, OfferOccasion.WELCOME) is None:
        return Step(
            say("친구가 된 손님에게 줄 환영 쿠폰이 없어요. 다음 방문의 이유가 돼요.",
                en="New friends get no welcome coupon yet. It gives them a reason to return."),
            say("환영 쿠폰 만들기", en="Make a welcome coupon"), "offers", Ability.EDIT_OFFERS)  # fmt: skip
    if stages[Stage.LAPSED]:
        return Step(
            say("{d}일 넘게 안 오신 친구가 {n}명 있어요. 누구인지 살펴보세요.",
                en="Friends who have not come for {d} days: {n}. See who they are.",
                n=stages[Stage.LAPSED], d=shop.lapsed_days),
            say("살펴보기", en="Have a look"), "friends", Ability.SEE_FRIENDS, f"stage={Stage.LAPSED}")  # fmt: skip
    return None


@staff_who_may(Ability.SEE_TODAY, "GET")
def today(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Sales, orders, new friends, who came back; by hour; what is open; what to do next."""
    at = clock.now()
    starts, ends = _bounds(shop, at)
    day = shops.business_day(shop, at)
    figures = ordering.day_of(shop, day, starts_at=starts, ends_at=ends)
    before = ordering.day_of(
        shop, day - timedelta(days=7), starts_at=starts - timedelta(days=7), ends_at=at - timedelta(days=7)
    )
    step = _next_step(
        shop,
        regulars.stage_counts(shop, at=at),
        has_orders=bool(figures.orders) or ordering.orders_of_shop(shop).exists(),
    )
    return show(
        request,
        shop,
        "console/today.html",
        "today",
        live=True,
        day=day,
        figures=figures,
        before=before,
        comebacks=regulars.comebacks(shop, starts_at=starts, ends_at=ends),
        suggestions=lift.suggestions_told(shop, at=at),
        chart=_chart(figures.by_hour, shop.day_starts_at.hour),
        opening=shops.opening(shop, at),
        calls=ordering.open_calls(shop).count(),
        seated=ordering.open_visits(shop).count(),
        chats=channels.waiting_count(shop) if staff_of(request).may(Ability.KEEP_CHANNEL) else 0,
        to_approve=ordering.waiting_concessions(shop, at).count()
        if staff_of(request).may(Ability.APPROVE_CONCESSIONS)
        else 0,
        step=step if step and staff_of(request).may(step.ability) else None,
        step_url=reverse(f"console:{step.page}", args=[shop.public_id]) + (f"?{step.query}" if step.query else "")
        if step
        else "",
    )
