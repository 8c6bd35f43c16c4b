"""One post: words, photo, from when it is shown, whether it stays on top."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.channels import actions, queries
from dure.channels.values import BODY_MAX, TITLE_MAX
from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import say
from dure.shops.values import Ability
from dure.web.console.frame import blame, see, show, staff_of, told
from dure.web.console.pages.items import PhotoForm
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.channels.models import Post
    from dure.shops.models import Shop


class PostForm(forms.Form):
    title = forms.CharField(max_length=TITLE_MAX, label=say("제목", en="Title"))
    body = forms.CharField(
        max_length=BODY_MAX,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        label=say("내용", en="Text"),
    )
    title_en = forms.CharField(max_length=TITLE_MAX, required=False, label=say("영어 제목", en="Title in English"))
    body_en = forms.CharField(
        max_length=BODY_MAX,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        label=say("영어 내용", en="Text in English"),
    )
    shown_on = forms.DateField(
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        label=say("보여 줄 날 (비우면 지금)", en="Show from (empty: now)"),
    )
    shown_from = forms.TimeField(
        required=False,
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        label=say("보여 줄 시각", en="At"),
    )

    def shown_at(self, otherwise: datetime) -> datetime:
        """From when it is shown: the day and hour typed, at the shop's clock."""
        day, hour = self.cleaned_data["shown_on"], self.cleaned_data["shown_from"]
        if day is None:
            return otherwise
        return datetime.combine(day, hour or datetime.min.time(), tzinfo=clock.KST)


def _start(post: Post) -> dict[str, Any]:
    shown = post.shown_at.astimezone(clock.KST)
    return {
        "title": post.title.get("ko", ""),
        "title_en": post.title.get("en", ""),
        "body": post.body.get("ko", ""),
        "body_en": post.body.get("en", ""),
        "shown_on": shown.date(),
        "shown_from": shown.time(),
    }


@staff_who_may(Ability.KEEP_CHANNEL, "GET", "POST")
def new_post(request: HttpRequest, shop: Shop) -> HttpResponse:
    """A title is enough; the photo comes after saving."""
    return _written(request, shop, None)


@staff_who_may(Ability.KEEP_CHANNEL, "GET", "POST")
def post(request: HttpRequest, shop: Shop, post: str) -> HttpResponse:
    """A post, to be changed."""
    return _written(request, shop, queries.post_by_public_id(shop, post))


def _written(request: HttpRequest, shop: Shop, found: Post | None) -> HttpResponse:
    if request.method == "GET":
        return _post(request, shop, found, PostForm(initial=_start(found)) if found else PostForm())
    form, at = PostForm(request.POST), clock.now()
    if form.is_valid():
        typed = form.cleaned_data
        try:
            kept = actions.write_post(
                shop=shop,
                post=found,
                title={"ko": typed["title"], "en": typed["title_en"]},
                body={"ko": typed["body"], "en": typed["body_en"]},
                shown_at=form.shown_at(found.shown_at if found else at),
                by=staff_of(request).by,
                at=at,
            )
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(request, say("소식을 저장했어요.", en="The post is saved."))
            return see("post", shop, kept.public_id)
    return _post(request, shop, found, form, 422)


def _post(
    request: HttpRequest, shop: Shop, found: Post | None, form: PostForm, status: int = 200, **more: Any
) -> HttpResponse:
    context = {"post": found, "form": form, "photo_form": PhotoForm(), **more}
    return show(request, shop, "console/post.html", "channel", status=status, **context)


@staff_who_may(Ability.KEEP_CHANNEL, "POST")
def photo(request: HttpRequest, shop: Shop, post: str) -> HttpResponse:
    """A picture, or none."""
    found = queries.post_by_public_id(shop, post)
    if "remove" in request.POST:
        actions.drop_post_photo(shop=shop, post=found)
        return see("post", shop, post)
    form = PhotoForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            actions.keep_post_photo(
                shop=shop, post=found, file=form.cleaned_data["photo"], by=staff_of(request).by, at=clock.now()
            )
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(request, say("사진을 올렸어요.", en="The photo is there."))
            return see("post", shop, post)
    return _post(request, shop, found, PostForm(initial=_start(found)), 422, photo_form=form)


@staff_who_may(Ability.KEEP_CHANNEL, "POST")
def pin(request: HttpRequest, shop: Shop, post: str) -> HttpResponse:
    """On top, or in its turn again."""
    found = queries.post_by_public_id(shop, post)
    actions.pin_post(shop=shop, post=found, pinned="pinned" in request.POST, at=clock.now())
    return see("channel", shop, part="posts")


@staff_who_may(Ability.KEEP_CHANNEL, "POST")
def removal(request: HttpRequest, shop: Shop, post: str) -> HttpResponse:
    """Gone for good, with its photo."""
    actions.remove_post(shop=shop, post=queries.post_by_public_id(shop, post))
    told(request, say("소식을 지웠어요.", en="The post is deleted."))
    return see("channel", shop, part="posts")
