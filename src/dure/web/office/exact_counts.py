"""Exact counts of the network for an operator, each written down with who asked what; and what was noised for owners."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from dure.audiences import actions, queries
from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import say

MARK = "exact count"
SHOWN = 50


def page(context: Callable[[HttpRequest], dict[str, Any]]) -> Callable[..., HttpResponse]:
    """The form, its answer, and the log; the site wraps it, so only operators come in."""

    @require_http_methods(["GET", "HEAD", "POST"])
    def exact_counts(request: HttpRequest) -> HttpResponse:
        written, found, refused = request.POST.get("definition", ""), None, None
        operator: Any = request.user
        if request.method == "POST":
            try:
                found = actions.count_exactly(definition=written, by=f"operator:{operator.public_id}", at=clock.now())
            except DureError as refusal:
                refused = refusal
            else:
                LogEntry.objects.create(
                    user=operator, action_flag=CHANGE, object_repr=written[:200], change_message=f"{MARK}: {found}"
                )
        log = LogEntry.objects.filter(change_message__startswith=MARK).select_related("user").order_by("-id")
        return render(
            request,
            "office/exact_counts.html",
            {
                **context(request),
                "title": str(say("정확히 세기", en="Exact counts")),
                "written": written[:4000],
                "found": None if found is None else f"{found:,}",
                "refused": refused,
                "log": [
                    (one.action_time, one.user, one.object_repr, f"{int(one.change_message.rpartition(' ')[2]):,}")
                    for one in log[:SHOWN]
                ],
                "releases": queries.releases()[:SHOWN],
            },
            status=refused.status if refused else 200,
        )

    return exact_counts
