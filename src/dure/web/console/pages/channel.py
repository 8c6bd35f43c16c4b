"""The shop's channel: what its page says, what it tells, how friends find it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from dure.channels import actions, queries
from dure.channels.values import ABOUT_MAX, AWAY_MAX, WELCOME_MAX, Door
from dure.kit import clock
from dure.kit.errors import DureError, Invalid
from dure.kit.language import Text, say
from dure.offers import queries as offers
from dure.offers.values import OfferOccasion
from dure.shops import skin_packs
from dure.shops.stands import Size, StandTable, stand_sheet
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.console.pages.stands import SIZES
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from datetime import datetime

    from dure.channels.models import Post, Profile
    from dure.shops.models import Shop


def _area(most: int, label: Text, help_text: Text | str = "", *, rows: int = 3) -> forms.CharField:
    return forms.CharField(
        max_length=most + 200,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": rows, "maxlength": most}),
        label=label,
        help_text=help_text,
    )


class ProfileForm(forms.Form):
    """What the page says. The greeting and the automatic answer go out as information and praise nothing."""

    about = _area(ABOUT_MAX, say("소개", en="About the shop"))
    about_en = _area(ABOUT_MAX, say("영어 소개", en="About, in English"))
    welcome = _area(
        WELCOME_MAX,
        say("새 친구에게 하는 인사", en="Greeting to new friends"),
        say(
            "안내로 나가요. 할인·쿠폰 이야기는 적을 수 없고, 환영 쿠폰은 따로 알려 드려요.",
            en="Goes out as information: no discounts or coupons here; the welcome coupon is told apart.",
        ),
        rows=2,
    )
    welcome_en = _area(WELCOME_MAX, say("영어 인사", en="Greeting, in English"), rows=2)
    away = _area(
        AWAY_MAX,
        say("영업시간 밖의 자동 답", en="Automatic answer while closed"),
        say("비워 두면 여는 시간을 알려 줘요.", en="Left empty, it says when you open."),
        rows=2,
    )
    away_en = _area(AWAY_MAX, say("영어 자동 답", en="Automatic answer, in English"), rows=2)
    takes_chats = forms.BooleanField(required=False, label=say("손님의 물음을 받아요", en="Guests may ask us"))

    def terms(self) -> dict[str, Any]:
        typed = self.cleaned_data
        return {name: {"ko": typed[name], "en": typed[f"{name}_en"]} for name in ("about", "welcome", "away")} | {
            "takes_chats": typed["takes_chats"]
        }


def _start(profile: Profile) -> dict[str, Any]:
    return {
        "takes_chats": profile.takes_chats,
        **{name: getattr(profile, name).get("ko", "") for name in ("about", "welcome", "away")},
        **{f"{name}_en": getattr(profile, name).get("en", "") for name in ("about", "welcome", "away")},
    }


@staff_who_may(Ability.KEEP_CHANNEL, "GET", "POST")
def channel(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The profile as a form; posts, the poster and who came by which door."""
    if request.method == "GET":
        return _channel(request, shop, ProfileForm(initial=_start(queries.profile_of(shop))))
    form = ProfileForm(request.POST)
    if form.is_valid():
        try:
            actions.keep_profile(shop=shop, by=staff_of(request).by, at=clock.now(), **form.terms())
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(request, say("채널을 저장했어요.", en="The channel is saved."))
            return see("channel", shop)
    return _channel(request, shop, form, 422)


def _channel(request: HttpRequest, shop: Shop, form: ProfileForm, status: int = 200) -> HttpResponse:
    at = clock.now()
    doors = queries.friends_by_door(shop)
    address = address_of(request, shop)
    welcome = offers.offer_for(shop, OfferOccasion.WELCOME)
    return show(
        request,
        shop,
        "console/channel.html",
        "channel",
        status=status,
        form=form,
        posts=[(post, *_state(post, at)) for post in queries.all_posts_of(shop)[:50]],
        doors=doors,
        friends=sum(n for _, n in doors),
        address=address,
        page=reverse("customer:channel", args=[shop.public_id]),
        welcome=offers.worth_of(welcome) if welcome else None,
        takeable=[(one.offer, offers.worth_of(one.offer)) for one in queries.takeable_by(None, shop, at=at)],
        sizes=SIZES,
        waiting=queries.waiting_count(shop),
    )


def _state(post: Post, at: datetime) -> tuple[Text, str]:
    if post.shown_at > at:
        return say("예약", en="Scheduled"), "warn"
    return (say("고정", en="Pinned"), "full") if post.pinned_at else (say("보이는 중", en="Shown"), "good")


def address_of(request: HttpRequest, shop: Shop, door: Door | None = None) -> str:
    """Where the outside finds the shop's channel; a code on paper says that it came from there."""
    origin = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    path = reverse("customer:channel", args=[shop.public_id])
    return f"{origin}{path}{f'?from={door}' if door else ''}"


@staff_who_may(Ability.KEEP_CHANNEL, "GET")
def poster(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The sheet for the printer: scan, and become a friend."""
    size = request.GET.get("size", "a6")
    if size not in dict(SIZES):
        raise Invalid
    chosen: Size = size  # type: ignore[assignment]
    pack = skin_packs.pack_or_own(shop.skin)
    sheet = stand_sheet(
        shop_name=shop.name,
        tables=[
            StandTable(
                say("단골 친구", en="Friends").within(request.LANGUAGE_CODE), address_of(request, shop, Door.POSTER)
            )
        ],
        pack=pack,
        character=shop.character if shop.character in pack.characters else next(iter(pack.characters)),
        size=chosen,
        language=request.LANGUAGE_CODE,
        joins=True,
    )
    return HttpResponse(sheet, "application/pdf", headers={"Content-Disposition": 'inline; filename="channel.pdf"'})
