"""Where Toss sends the browser back to, and where its webhooks arrive. Neither proves anything: the provider's answer does."""

import json
import re
from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from dure.kit import clock
from dure.kit.errors import Invalid
from dure.payments import actions as payments
from dure.payments import errors
from dure.payments import queries as payment_queries
from dure.payments.values import CANCELLED
from dure.web.ui import access
from dure.web.ui.limits import address_of, count_try

PROVIDER = "toss"
KEY = re.compile(r"[A-Za-z0-9_-]{1,200}")
CODE = re.compile(r"[A-Z_]{1,60}")
OURS = re.compile(r"pay_[0-9a-hjkmnp-tv-z]{26}")
BODY_MAX = 100_000
HINTS, HINTS_SECONDS = 600, 60


@access.anyone("GET")
@never_cache
def success(request: HttpRequest, payment: str) -> HttpResponse:
    """The person agreed. What the address says is the browser's word: it must be about this payment and its sum."""
    key, order, amount = (request.GET.get(name, "") for name in ("paymentKey", "orderId", "amount"))
    known = payment_queries.payment_at(PROVIDER, payment)
    if not KEY.fullmatch(key) or (order, amount) != (known.public_id, str(known.amount)):
        raise Invalid
    payments.approve_payment(payment=known, token=key, at=clock.now())
    return _back_to(known.return_path)


@access.anyone("GET")
@never_cache
def fail(request: HttpRequest, payment: str) -> HttpResponse:
    """The person stepped back, or their card was refused."""
    code = request.GET.get("code", "")
    known = payment_queries.payment_at(PROVIDER, payment)
    reason = CANCELLED if code == "PAY_PROCESS_CANCELED" else f"toss {code if CODE.fullmatch(code) else 'fail'}"
    # Somebody went back in the browser after paying: the page they return to shows how it really stands.
    with suppress(errors.PaymentMoving, errors.AlreadyPaid):
        payments.give_up_payment(payment=known, reason=reason, at=clock.now())
    return _back_to(known.return_path)


@csrf_exempt
@access.anyone("POST")
@never_cache
def webhook(request: HttpRequest) -> HttpResponse:
    """Something happened to a payment, somebody says who did not sign. We ask. A payment that is not ours is not found, so
    that one which came before its payment is sent again."""
    count_try("toss webhook", address_of(request), most=HINTS, seconds=HINTS_SECONDS)
    known = payment_queries.payment_at(PROVIDER, _named(request))
    payments.take_hint(payment=known, at=clock.now())
    return HttpResponse(status=200)


def _named(request: HttpRequest) -> str:
    try:
        said = json.loads(request.body[: BODY_MAX + 1])
    except (ValueError, RecursionError, RawPostDataException):  # the last: a form with files, which was read already
        raise Invalid from None
    data = said.get("data") if isinstance(said, dict) else None
    order = data.get("orderId") if isinstance(data, dict) else None
    if not isinstance(order, str) or not OURS.fullmatch(order):
        raise Invalid
    return order


def _back_to(path: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": path})
