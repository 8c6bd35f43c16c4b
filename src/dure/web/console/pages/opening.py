"""A new shop in three fields: the rest has defaults that the settings change later."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import say
from dure.shops import actions as shops
from dure.shops.values import CATEGORY_WORDS, PayTiming
from dure.web.console.frame import blame, person_of, see
from dure.web.ui.access import signed_in


class OpeningForm(forms.Form):
    name = forms.CharField(max_length=40, label=say("가게 이름", en="Name of the shop"))
    category = forms.ChoiceField(
        choices=[(c.value, words) for c, words in CATEGORY_WORDS.items()],
        label=say("무엇을 파나요?", en="What do you sell?"),
    )
    tables = forms.IntegerField(
        min_value=0, max_value=300, initial=8, label=say("테이블 수", en="Number of tables"),
        help_text=say("테이블마다 QR을 하나씩 만들어요.", en="Each table gets a code of its own."),
    )  # fmt: skip
    pay_timing = forms.ChoiceField(
        choices=[
            (PayTiming.FIRST.value, say("주문할 때 결제", en="Pay when ordering")),
            (PayTiming.TAB.value, say("먹고 나서 계산", en="Pay when leaving")),
        ],
        initial=PayTiming.FIRST.value,
        widget=forms.RadioSelect,
        label=say("언제 결제하나요?", en="When do guests pay?"),
    )


@signed_in("GET", "POST")
def opening(request: HttpRequest) -> HttpResponse:
    """Open a shop; whoever does is its owner."""
    form = OpeningForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            shop = shops.open_shop(**form.cleaned_data, owner=person_of(request), at=clock.now())
        except DureError as refusal:
            blame(form, refusal)
        else:
            return see("menu", shop)
    return render(request, "console/opening.html", {"form": form}, status=422 if request.method == "POST" else 200)
