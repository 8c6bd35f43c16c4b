"""What every page of the console shares: the tabs, the skin, and where a form leads once it was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from dure.kit.errors import DureError, NotFound
from dure.kit.language import Text, say
from dure.shops import skin_packs
from dure.shops.values import ROLE_WORDS, Ability

if TYPE_CHECKING:
    from dure.ordering.models import Concession
    from dure.people.models import Person
    from dure.shops.models import Shop
    from dure.web.ui.access import Staff


@dataclass(frozen=True, slots=True)
class Tab:
    """A page that one may always go to. `further`: behind the last tab of a phone."""

    page: str
    ability: Ability
    name: Text
    further: bool = False


TABS = (
    Tab("today", Ability.SEE_TODAY, say("오늘", en="Today")),
    Tab("kitchen", Ability.RUN_KITCHEN, say("주방", en="Kitchen")),
    Tab("tables", Ability.TAKE_PAYMENT, say("테이블", en="Tables")),
    Tab("menu", Ability.EDIT_MENU, say("메뉴", en="Menu")),
    Tab("orders", Ability.TAKE_PAYMENT, say("주문", en="Orders"), further=True),
    Tab("receive", Ability.TAKE_PAYMENT, say("바로 받기", en="Take payment"), further=True),
    Tab("friends", Ability.SEE_FRIENDS, say("단골", en="Friends"), further=True),
    Tab("channel", Ability.KEEP_CHANNEL, say("채널", en="Channel"), further=True),
    Tab("chats", Ability.KEEP_CHANNEL, say("대화", en="Chats"), further=True),
    Tab("offers", Ability.EDIT_OFFERS, say("쿠폰·도장", en="Offers"), further=True),
    Tab("audiences", Ability.EDIT_OFFERS, say("고객층", en="Audiences"), further=True),
    Tab("campaigns", Ability.EDIT_OFFERS, say("캠페인", en="Campaigns"), further=True),
    Tab("concessions", Ability.TAKE_PAYMENT, say("돌려준 돈", en="Given back"), further=True),
    Tab("money", Ability.SEE_MONEY, say("정산", en="Money"), further=True),
    Tab("staff", Ability.EDIT_STAFF, say("직원", en="Staff"), further=True),
    Tab("settings", Ability.EDIT_SHOP, say("설정", en="Settings"), further=True),
)


def staff_of(request: HttpRequest) -> Staff:
    """Who asks; `staff_who_may` has checked them."""
    found: Staff = request.staff  # type: ignore[attr-defined]
    return found


def person_of(request: HttpRequest) -> Person:
    """Who is logged in; `signed_in` has checked it."""
    if not request.user.is_authenticated:
        raise NotFound
    return request.user


def first_page(shop: Shop, staff: Staff) -> str:
    """Where somebody with this role begins."""
    page = next(tab.page for tab in TABS if staff.may(tab.ability))
    return reverse(f"console:{page}", args=[shop.public_id])


def show(
    request: HttpRequest,
    shop: Shop,
    template: str,
    here: str,
    *,
    live: bool = False,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """A page of the shop under the tab `here`; `live` pages hear what happens in the shop."""
    staff = staff_of(request)
    pack = skin_packs.pack_or_own(shop.skin)
    tabs = [
        {
            "icon": tab.page,
            "name": tab.name,
            "further": tab.further,
            "here": tab.page == here,
            "url": reverse(f"console:{tab.page}", args=[shop.public_id]),
        }
        for tab in TABS
        if staff.may(tab.ability)
    ]
    common = {
        "shop": shop,
        "staff": staff,
        "may": {ability.value: staff.may(ability) for ability in Ability},
        "role_name": ROLE_WORDS[staff.role],
        "skin": pack.id,
        "character": shop.character if shop.character in pack.characters else next(iter(pack.characters)),
        "tabs": tabs,
        "further_here": any(tab["here"] and tab["further"] for tab in tabs),
        "watch": f"shop:{shop.id}" if live else "",
    }
    return render(request, template, {**common, **context}, status=status)


def see(page: str, shop: Shop, *ids: str, query: str = "", part: str = "") -> HttpResponseRedirect:
    """See the page that shows what the form did."""
    address = reverse(f"console:{page}", args=[shop.public_id, *ids])
    response = HttpResponseRedirect(f"{address}{f'?{query}' if query else ''}{f'#{part}' if part else ''}")
    response.status_code = 303
    return response


def told(request: HttpRequest, sentence: Text) -> None:
    """Say on the next page what was done."""
    messages.success(request, str(sentence))


def conceded(request: HttpRequest, waits: Concession | None) -> bool:
    """Say that a second person has been asked, where one was; whether that is so."""
    if waits is None:
        return False
    told(
        request,
        say(
            "{w}원은 사장님이나 매니저가 승인하면 처리돼요. 승인을 부탁했어요.",
            en="{w} won wait for the owner or a manager, who has been asked. Nothing has moved yet.",
            w=f"{waits.won:,}",
        ),
    )
    return True


def is_part(request: HttpRequest) -> bool:
    """Whether only the changing part of the page is asked for."""
    return request.headers.get("X-Fragment") == "1"


def blame(form: Form, error: DureError) -> None:
    """Show a refusal at the field that it is about, so that nothing typed is lost."""
    field = error.facts.get("field")
    form.add_error(field if isinstance(field, str) and field in form.fields else None, str(error.sentence))
