"""Where Kakao Pay sends the browser back to. A redirect proves nothing: the provider's own answer does."""

import re
from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from dure.kit import clock
from dure.kit.errors import Invalid
from dure.payments import actions as payments
from dure.payments import errors
from dure.payments import queries as payment_queries
from dure.payments.values import CANCELLED
from dure.web.ui import access

PROVIDER = "kakaopay"
TOKEN = re.compile(r"[\x21-\x7e]{1,200}")


@access.anyone("GET")
@never_cache
def approval(request: HttpRequest, payment: str) -> HttpResponse:
    """The person agreed; the token lets us move the money."""
    token = request.GET.get("pg_token", "")
    if not TOKEN.fullmatch(token):
        raise Invalid
    known = payment_queries.payment_at(PROVIDER, payment)
    payments.approve_payment(payment=known, token=token, at=clock.now())
    return _back_to(known.return_path)


@access.anyone("GET")
@never_cache
def cancel(request: HttpRequest, payment: str) -> HttpResponse:
    """The person stepped back."""
    return _given_up(payment, CANCELLED)


@access.anyone("GET")
@never_cache
def fail(request: HttpRequest, payment: str) -> HttpResponse:
    """Kakao Pay could not get the person's agreement."""
    return _given_up(payment, "kakaopay fail")


def _given_up(public_id: str, reason: str) -> HttpResponse:
    known = payment_queries.payment_at(PROVIDER, public_id)
    # Somebody went back in the browser after paying: the page they return to shows how it really stands.
    with suppress(errors.PaymentMoving, errors.AlreadyPaid):
        payments.give_up_payment(payment=known, reason=reason, at=clock.now())
    return _back_to(known.return_path)


def _back_to(path: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": path})
