"""What happens around every page: the reader's language, clean input, and refusals turned into pages."""

import json
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.utils.functional import cached_property

from dure.kit.errors import Busy, DureError, Invalid, NotFound
from dure.kit.language import LANGUAGES, say

Respond = Callable[[HttpRequest], HttpResponse]
_UNREADABLE = re.compile("[\x00\ud800-\udfff]")
_log = logging.getLogger(__name__)


class Forbidden(DureError):
    """A member of staff without this ability."""

    status = 403
    sentence = say(
        "이 일을 할 권한이 없어요. 사장님에게 부탁해 주세요.",
        en="You may not do this. Please ask the owner of the shop.",
    )


class StaleForm(DureError):
    """A form whose token is not this browser's: the page is older than the last login, or cookies are off."""

    status = 403
    sentence = say(
        "화면이 오래됐거나 쿠키가 꺼져 있어서 보내지 못했어요. 돌아가서 다시 눌러 주세요.",
        en="This page was too old, or cookies are off, so nothing was sent. Go back and press again.",
    )


class OnlyByButton(DureError):
    """An address that does something, opened as if it were a page."""

    status = 405
    sentence = say(
        "주소로 바로 열 수 없는 곳이에요. 돌아가서 단추를 눌러 주세요.",
        en="This address cannot be opened by itself. Go back and press the button.",
    )


class LanguageMiddleware:
    """Korean first: the reader's choice, else the browser's if it is one of ours, else Korean."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = request.COOKIES.get("language", "")
        if language not in LANGUAGES:
            asked = [part.split(";")[0].strip()[:2] for part in request.headers.get("Accept-Language", "").split(",")]
            language = next((one for one in asked if one in LANGUAGES), "ko" if not any(asked) else "en")
        translation.activate(language)
        request.LANGUAGE_CODE = language
        response = self.respond(request)
        response.headers.setdefault("Content-Language", language)
        return response


class PolicyMiddleware(CSPMiddleware):
    """The content policy. That of a page which asks for nothing of its own is composed once."""

    _OWN = ("_csp_config", "_csp_update", "_csp_replace", "_csp_exempt")

    @cached_property
    def usual(self) -> str:
        return str(build_policy())

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not any(map(response.__dict__.__contains__, self._OWN)) and not hasattr(request, "_csp_nonce"):
            response.headers.setdefault(HEADER, self.usual)
            return response
        return super().process_response(request, response)


class RefusalMiddleware:
    """Every way to say no, said once: a page, a fragment, or `application/problem+json` (RFC 9457)."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _UNREADABLE.search("\n".join(_typed(request))):
            return refuse(request, Invalid())
        response = self.respond(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            refused = refuse(request, OnlyByButton())
            refused.headers["Allow"] = response.headers["Allow"]
            return refused
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, DureError):
            return refuse(request, exception)
        if isinstance(exception, Http404):
            return refuse(request, NotFound())
        if isinstance(exception, PermissionDenied):
            return refuse(request, Forbidden())
        if isinstance(exception, SuspiciousOperation):
            return refuse(request, Invalid())
        if isinstance(exception, OperationalError):
            _log.exception("the database is busy")
            return refuse(request, Busy())
        return None


def _typed(request: HttpRequest) -> Iterable[str]:
    yield request.path
    for fields in (request.GET, request.POST):
        for name, values in fields.lists():
            yield name
            yield from values


def wants_json(request: HttpRequest) -> bool:
    """Whether a program asks, not a person."""
    return "json" in request.headers.get("Accept", "") or request.path.startswith("/api/")


def refuse(request: HttpRequest, error: DureError) -> HttpResponse:
    """The refusal in the form that the one who asked can read."""
    if wants_json(request):
        problem: dict[str, Any] = {
            "type": f"/problems/{error.code}",
            "title": str(error.sentence),
            "status": error.status,
            "code": error.code,
            "instance": request.path,
            "retryable": error.retryable,
            **{name: value for name, value in error.facts.items() if isinstance(value, str | int | list)},
        }
        response = HttpResponse(json.dumps(problem, ensure_ascii=False), content_type="application/problem+json")
    else:
        fragment = bool(getattr(request, "htmx", False)) or request.headers.get("X-Fragment") == "1"
        template = "ui/refusal_fragment.html" if fragment else "ui/refusal.html"
        response = render(request, template, {"error": error, "back": _same_site_referrer(request)})
    response.status_code = error.status
    add_never_cache_headers(response)
    if error.retryable:
        response.headers["Retry-After"] = "2"
    return response


def _same_site_referrer(request: HttpRequest) -> str:
    referrer = request.headers.get("Referer", "")
    here = f"{request.scheme}://{request.get_host()}/"
    return "/" + referrer.removeprefix(here) if referrer.startswith(here) else "/"
