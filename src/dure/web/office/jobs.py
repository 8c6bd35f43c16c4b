"""Jobs that were given up: what, how often, why; try them anew, or want them no more."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from dure.kit import jobs
from dure.kit.language import say

AGAIN = say("다시 해 보기", en="Tried anew")
LET_GO = say("그만두기", en="Wanted no more")
KEPT = 30


class StepForm(forms.Form):
    do = forms.ChoiceField(choices=[("again", ""), ("forget", "")])


def pages(
    context: Callable[[HttpRequest], dict[str, Any]],
) -> tuple[Callable[..., HttpResponse], Callable[..., HttpResponse]]:
    """The list, and what is done with one of them; the site wraps both, so only operators come in."""

    @require_safe
    def given_up(request: HttpRequest) -> HttpResponse:
        trail = LogEntry.objects.filter(object_repr__startswith="job:").select_related("user").order_by("-action_time")
        return render(
            request,
            "office/jobs.html",
            {
                **context(request),
                "title": str(say("포기한 일", en="Given-up jobs")),
                "rows": jobs.given_up(),
                "trail": trail[:KEPT],
            },
        )

    @require_POST
    def step(request: HttpRequest, object_id: int) -> HttpResponse:
        form = StepForm(request.POST)
        name = next((one.name for one in jobs.given_up() if one.number == object_id), "")
        if form.is_valid() and name:
            again = form.cleaned_data["do"] == "again"
            if jobs.try_again(object_id) if again else jobs.let_go(object_id):
                _note(request, object_id, name, str(AGAIN if again else LET_GO))
                messages.success(request, str(AGAIN if again else LET_GO))
                return redirect("admin:jobs")
        messages.error(
            request,
            str(
                say(
                    "그런 포기한 일이 없거나, 같은 일이 벌써 기다려요.",
                    en="No such job was given up, or the same work waits already.",
                )
            ),
        )
        return redirect("admin:jobs")

    return given_up, step


def _note(request: HttpRequest, number: int, name: str, done: str) -> None:
    operator: Any = request.user
    LogEntry.objects.create(
        user_id=operator.pk,
        object_id=str(number),
        object_repr=f"job:{name}",
        action_flag=CHANGE,
        change_message=done,
    )
