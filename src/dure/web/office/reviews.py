"""Campaigns to people who are no friends of the shop, read by an operator before anybody else reads them."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dure.campaigns import actions, queries
from dure.kit import clock
from dure.kit.errors import DureError, Invalid
from dure.kit.language import say


class ReviewForm(forms.Form):
    campaign = forms.CharField(max_length=40)
    say = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")])
    reason = forms.CharField(max_length=300, required=False)


def page(context: Callable[[HttpRequest], dict[str, Any]]) -> Callable[..., HttpResponse]:
    """The queue; the site wraps it, so only operators come in."""

    @require_http_methods(["GET", "HEAD", "POST"])
    def reviews(request: HttpRequest) -> HttpResponse:
        operator: Any = request.user
        refused, status = "", 200
        if request.method == "POST":
            form = ReviewForm(request.POST)
            if not form.is_valid():
                raise Invalid
            typed = form.cleaned_data
            found = queries.review_by_public_id(typed["campaign"])
            try:
                actions.review_campaign(
                    campaign=found,
                    accepted=typed["say"] == "yes",
                    reason=typed["reason"],
                    by=f"operator:{operator.public_id}",
                    at=clock.now(),
                )
                return redirect("admin:reviews")
            except DureError as refusal:
                refused, status = str(refusal.sentence), 422
        title = str(say("보내기 전에 읽기", en="Read before it goes"))
        said = {**context(request), "title": title, "reviews": queries.reviews(), "refused": refused}
        return render(request, "office/reviews.html", said, status=status)

    return reviews
