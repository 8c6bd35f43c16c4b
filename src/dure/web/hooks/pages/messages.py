"""Where the agencies report what became of texts. Neither signs what it says: a secret word in the address, and NHN Cloud's
fixed header, are all that tells them from anybody. A report moves only a text that still travels under its key."""

import hmac
import json
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from dure.kit import clock
from dure.kit.errors import Invalid, NotFound
from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.web.ui import access

BODY_MAX = 5_000_000


@csrf_exempt
@access.anyone("POST")
@never_cache
def solapi(request: HttpRequest, word: str) -> HttpResponse:
    """SOLAPI: a list of events, each about one message."""
    return _noted(request, word, "solapi", messages.solapi_reports)


@csrf_exempt
@access.anyone("POST")
@never_cache
def nhn(request: HttpRequest, word: str) -> HttpResponse:
    """NHN Cloud: up to a thousand hooks, with the signature that was typed when the webhook was set up."""
    given = request.headers.get("X-Toast-Webhook-Signature", "")
    if not _same(given, settings.MESSAGES["nhn_signature"]):
        raise NotFound
    return _noted(request, word, "nhn", messages.nhn_reports)


def _noted(
    request: HttpRequest, word: str, provider: str, read: Callable[[object], list[tuple[str, str, str]]]
) -> HttpResponse:
    if not _same(word, settings.MESSAGES["hook_word"]):
        raise NotFound
    try:
        body = request.body
        if len(body) > BODY_MAX:
            raise Invalid
        said = json.loads(body)
    except (ValueError, RecursionError, RawPostDataException):  # the last: a form with files, which was read already
        raise Invalid from None
    messaging.note_reports(reports=read(said), provider=provider, at=clock.now())
    return HttpResponse(status=200)


def _same(given: str, kept: str) -> bool:
    """Never with an empty word: an agency that was not set up reports nothing."""
    return bool(kept) and hmac.compare_digest(given.encode("utf-8", "replace"), kept.encode())
