"""What guests ask, and what the shop answers. A nickname is all that is seen of them."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse

from dure.channels import actions, queries
from dure.channels.values import ANSWER_MAX, LINE_MAX, LINES_KEPT
from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import say
from dure.kit.paging import page_of
from dure.shops.values import Ability
from dure.web.console.frame import blame, is_part, see, show, staff_of, told
from dure.web.ui.access import staff_who_may

if TYPE_CHECKING:
    from dure.channels.models import Chat
    from dure.shops.models import Shop


class LineForm(forms.Form):
    text = forms.CharField(
        max_length=4_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 2, "maxlength": LINE_MAX}),
        label=say("답", en="Answer"),
    )
    after = forms.IntegerField(min_value=0, max_value=2**31 - 1, required=False)


class PictureForm(forms.Form):
    picture = forms.FileField(label=say("사진", en="Picture"))
    after = forms.IntegerField(min_value=0, max_value=2**31 - 1, required=False)


class AnswerForm(forms.Form):
    text = forms.CharField(max_length=ANSWER_MAX, label=say("자주 쓰는 답", en="Canned answer"))


@staff_who_may(Ability.KEEP_CHANNEL, "GET")
def chats(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Who waits for an answer, then the rest by the latest line."""
    return _chats(request, shop, AnswerForm())


def _chats(request: HttpRequest, shop: Shop, form: AnswerForm, status: int = 200) -> HttpResponse:
    older = request.GET.get("after", "")[:40]
    page = page_of(queries.chats_of(shop), after=older or None, limit=50) if older else None
    rows = page.rows if page else list(queries.chats_of(shop)[:50])
    latest = queries.latest_lines(rows)
    return show(
        request,
        shop,
        "console/chats.html",
        "chats",
        status=status,
        watch=f"chats:{shop.id}",
        rows=[(row, latest.get(row.pk)) for row in rows],
        answers=list(queries.answers_of(shop)),
        form=form,
        days=LINES_KEPT.days,
        next_cursor=page.next_cursor if page else rows[-1].public_id if len(rows) == 50 else "",
    )


@staff_who_may(Ability.KEEP_CHANNEL, "GET", "POST")
def chat(request: HttpRequest, shop: Shop, chat: str) -> HttpResponse:
    """One conversation, and the field for an answer."""
    found = queries.chat_by_public_id(shop, chat)
    if request.method == "GET":
        actions.look_at_chat_as_shop(chat=found, at=clock.now())
        return _chat(request, shop, found, LineForm())
    form = PictureForm(request.POST, request.FILES) if "picture" in request.FILES else LineForm(request.POST)
    if form.is_valid():
        file, text = form.cleaned_data.get("picture"), form.cleaned_data.get("text", "")
        said = hashlib.sha256(file.read() if file else text.encode()).hexdigest()[:16]
        if file:
            file.seek(0)
        try:
            with actions.fresh_picture(file=file) if file else nullcontext() as picture:
                actions.answer_chat(
                    shop=shop,
                    chat=found,
                    text=text,
                    picture=picture,
                    key=f"{form.cleaned_data['after'] or 0}.{said}",
                    by=staff_of(request).by,
                    at=clock.now(),
                )
        except DureError as refusal:
            blame(form, refusal)
        else:
            return see("chat", shop, chat, part="answer")
    if isinstance(form, PictureForm):
        return _chat(request, shop, found, LineForm(), 422, picture_form=form)
    return _chat(request, shop, found, form, 422)


@staff_who_may(Ability.KEEP_CHANNEL, "GET")
def picture(request: HttpRequest, shop: Shop, chat: str, picture: str) -> HttpResponse:
    """A picture of one of the shop's conversations."""
    found = queries.chat_by_public_id(shop, chat)
    return HttpResponse(queries.picture_in(found, picture), "image/webp")


def _chat(
    request: HttpRequest,
    shop: Shop,
    found: Chat,
    form: LineForm,
    status: int = 200,
    picture_form: PictureForm | None = None,
) -> HttpResponse:
    at = clock.now()
    lines = queries.lines_of(found, at=at)
    context: dict[str, Any] = {
        "chat": found,
        "lines": lines,
        "after": len(lines),
        "form": form,
        "picture_form": picture_form or PictureForm(),
        "answers": list(queries.answers_of(shop)),
        "answerable": queries.answerable(found, at=at),
        "days": LINES_KEPT.days,
    }
    template = "console/parts/chat.html" if is_part(request) else "console/chat.html"
    return show(request, shop, template, "chats", status=status, watch=f"chats:{shop.id}", **context)


@staff_who_may(Ability.KEEP_CHANNEL, "POST")
def blocking(request: HttpRequest, shop: Shop, chat: str) -> HttpResponse:
    """Take nothing more from this guest here; or talk again."""
    found = queries.chat_by_public_id(shop, chat)
    act = actions.block_chat if "block" in request.POST else actions.unblock_chat
    act(shop=shop, chat=found, by=staff_of(request).by, at=clock.now())
    return see("chat", shop, chat)


@staff_who_may(Ability.KEEP_CHANNEL, "POST")
def answers(request: HttpRequest, shop: Shop) -> HttpResponse:
    """A new canned answer."""
    form = AnswerForm(request.POST)
    if form.is_valid():
        try:
            actions.keep_answer(shop=shop, text=form.cleaned_data["text"], by=staff_of(request).by, at=clock.now())
        except DureError as refusal:
            blame(form, refusal)
        else:
            told(request, say("자주 쓰는 답을 저장했어요.", en="The canned answer is saved."))
            return see("chats", shop, part="answers")
    return _chats(request, shop, form, 422)


@staff_who_may(Ability.KEEP_CHANNEL, "POST")
def answer_removal(request: HttpRequest, shop: Shop, answer: str) -> HttpResponse:
    """One fewer."""
    actions.drop_answer(shop=shop, answer=queries.answer_by_public_id(shop, answer))
    return see("chats", shop, part="answers")
