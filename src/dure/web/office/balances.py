"""Message balances: what shops paid in by bank transfer is put onto them here."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dure.campaigns import actions, queries
from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import say
from dure.kit.money import won
from dure.shops import queries as shops

BOX = "border rounded px-2 py-1"


class BalanceForm(forms.Form):
    shop = forms.CharField(
        max_length=40, label=say("가게 번호", en="Shop's id"), widget=forms.TextInput(attrs={"class": BOX})
    )
    won = forms.IntegerField(
        min_value=1,
        max_value=100_000_000,
        label=say("금액(원)", en="Won"),
        widget=forms.NumberInput(attrs={"class": BOX}),
    )
    transfer = forms.CharField(
        max_length=80,
        label=say("입금 번호 (같은 번호는 한 번만)", en="The transfer's number (each counts once)"),
        widget=forms.TextInput(attrs={"class": BOX}),
    )


def page(context: Callable[[HttpRequest], dict[str, Any]]) -> Callable[..., HttpResponse]:
    """The balances and the form; the site wraps it, so only operators come in."""

    @require_http_methods(["GET", "HEAD", "POST"])
    def balances(request: HttpRequest) -> HttpResponse:
        operator: Any = request.user
        form = BalanceForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                shop = shops.shop_by_public_id(form.cleaned_data["shop"])
                actions.fund_messages(
                    shop=shop,
                    won=form.cleaned_data["won"],
                    transfer=form.cleaned_data["transfer"],
                    by=f"operator:{operator.public_id}",
                    at=clock.now(),
                )
                return redirect("admin:balances")
            except DureError as refusal:
                form.add_error(None, str(refusal.sentence))
        rows = [(shop, won(balance)) for shop, balance in queries.message_balances()]
        title = str(say("메시지 잔액", en="Message balances"))
        said = {**context(request), "title": title, "form": form, "rows": rows}
        return render(request, "office/balances.html", said, status=422 if form.errors else 200)

    return balances
