"""What waits for an operator: campaigns to people who are no friends of the shop, and offers that others help to pay for."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dure.campaigns import actions, queries
from dure.kit import clock
from dure.kit.errors import DureError, Invalid, NotFound
from dure.kit.language import say
from dure.offers import actions as offers
from dure.offers import queries as offer_queries


class ReviewForm(forms.Form):
    campaign = forms.CharField(max_length=40, required=False)
    offer = forms.CharField(max_length=40, required=False)
    say = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")])
    reason = forms.CharField(max_length=300, required=False)


def _answer(typed: dict[str, Any], *, by: str) -> None:
    said: dict[str, Any] = {"accepted": typed["say"] == "yes", "reason": typed["reason"], "by": by, "at": clock.now()}
    if typed["offer"]:
        found = offer_queries.review_by_public_id(typed["offer"])
        offers.review_offer(shop=found.shop, offer=found.public_id, **said)
    else:
        actions.review_campaign(campaign=queries.review_by_public_id(typed["campaign"]), **said)


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
            try:
                _answer(form.cleaned_data, by=f"operator:{operator.public_id}")
                return redirect("admin:reviews")
            except NotFound:
                raise
            except DureError as refusal:
                refused, status = str(refusal.sentence), 422
        title = str(say("보내기 전에 읽기", en="Read before it goes"))
        waiting = [(one, offer_queries.worth_of(one), offer_queries.shares_of(one)) for one in offer_queries.reviews()]
        said = {**context(request), "title": title, "reviews": queries.reviews(), "offers": waiting, "refused": refused}
        return render(request, "office/reviews.html", said, status=status)

    return reviews
