"""How much of customers' money must lie outside the operator's own, now; and returning what no rule returns by itself."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dure.kit import clock
from dure.kit.language import say
from dure.kit.money import won
from dure.wallet import queries
from dure.wallet.values import SAFEGUARDING_WORDS

COUNTS = ("wallets", "frozen")


def page(context: Callable[[HttpRequest], dict[str, Any]]) -> Callable[..., HttpResponse]:
    """The report; the site wraps it, so only operators come in."""

    @require_safe
    def safeguarding(request: HttpRequest) -> HttpResponse:
        report = queries.safeguarding()
        rows = [
            (text, getattr(report, name) if name in COUNTS else won(getattr(report, name)))
            for name, text in SAFEGUARDING_WORDS.items()
        ]
        return render(
            request,
            "office/safeguarding.html",
            {
                **context(request),
                "title": str(say("고객의 돈 지키기", en="Safeguarding")),
                "at": clock.now(),
                "report": report,
                "rows": rows,
                "left": [(one, won(queries.balance_of(one))) for one in queries.wallets_for_a_person()],
                "on": queries.wallets_on(),
                "practising": queries.practising(),
            },
        )

    return safeguarding
