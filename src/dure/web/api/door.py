"""What happens around every request of a program: its key, its limits, its shop's fence, and each POST once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.language import say
from dure.partners import actions as partners
from dure.partners import queries
from dure.partners.errors import KeyUnknown, ScopeMissing
from dure.partners.values import Scope
from dure.shops import fence
from dure.web.ui.access import Access
from dure.web.ui.limits import TooOften, address_of, count_try
from dure.web.ui.middleware import refuse

if TYPE_CHECKING:
    from dure.partners.models import ApiKey
    from dure.shops.models import Shop

View = Callable[..., HttpResponse]
READS_A_MINUTE, WRITES_A_MINUTE = 600, 120
WRONG_KEYS, WRONG_KEYS_SECONDS = 30, 600
JSON = "application/json"
HTTP_REFUSED = 400


class MethodUnknown(DureError):
    """This address does not do that."""

    status = 405
    sentence = say("이 주소에서 쓸 수 없는 방법이에요.", en="This address does not know that method.")


class KindUnknown(DureError):
    """The body is of a kind that no address of the API reads, such as a form with files."""

    status = 415
    sentence = say(
        "요청 본문은 JSON으로 보내 주세요 (Content-Type: application/json).",
        en="Send the body as JSON (Content-Type: application/json).",
    )


@dataclass(frozen=True, slots=True)
class Caller:
    """The program that asks, and how it reaches us."""

    key: ApiKey
    origin: str

    @property
    def shop(self) -> Shop:
        return self.key.shop

    @property
    def by(self) -> str:
        return f"key:{self.key.public_id}"


def caller_of(request: HttpRequest) -> Caller:
    """Who asks; `guarded` has checked them."""
    found: Caller = request.caller  # type: ignore[attr-defined]
    return found


def guarded(view: View, scopes: dict[str, Scope]) -> View:
    """The one door of the API. `scopes` names, for each method of the address, what a key must be good for."""

    @csrf_exempt
    @never_cache
    @wraps(view)
    def door(request: HttpRequest, **ids: Any) -> HttpResponse:
        number = f"req_{secrets.token_hex(12)}"
        request.is_program = True  # type: ignore[attr-defined]
        try:
            response = _asked(request, view, scopes, ids)
        except DureError as refusal:
            response = refuse(request, refusal)
            if refusal.status == KeyUnknown.status:
                response.headers["WWW-Authenticate"] = "Bearer"
            if refusal.status == MethodUnknown.status:
                response.headers["Allow"] = ", ".join(scopes)
            if refusal.status == TooOften.status:
                response.headers["Retry-After"] = "60"
        response.headers["X-Request-Id"] = number
        return response

    door.access = Access("key", methods=tuple(scopes), scopes=dict(scopes))  # type: ignore[attr-defined]
    return door


def _asked(request: HttpRequest, view: View, scopes: dict[str, Scope], ids: dict[str, Any]) -> HttpResponse:
    at = clock.now()
    key = _key_of(request)
    method = request.method or ""
    if method not in scopes:
        raise MethodUnknown
    if scopes[method] not in key.scopes:
        raise ScopeMissing(scope=str(scopes[method]))
    most = READS_A_MINUTE if method == "GET" else WRITES_A_MINUTE
    left = most - count_try(f"api {method}", key.public_id, most=most, seconds=60)
    request.caller = Caller(key, request.build_absolute_uri("/").rstrip("/"))  # type: ignore[attr-defined]
    with fence.within_shop(key.shop_id):
        partners.note_use(key=key, at=at)
        response = view(request, **ids) if method == "GET" else _once(request, key, view, ids)
    response.headers["Api-Version"] = key.version
    response.headers["RateLimit-Policy"] = f'"default";q={most};w=60'
    response.headers["RateLimit"] = f'"default";r={left}'
    return response


def _key_of(request: HttpRequest) -> ApiKey:
    """The key that the request shows. Wrong ones are counted, so that nobody tries out many."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        if kind.lower() != "bearer":
            raise KeyUnknown
        with fence.across_shops():  # whose key it is says which shop it is
            return queries.key_that_says(text.strip(), clock.now())
    except KeyUnknown:
        if text:
            count_try("api key", address_of(request), most=WRONG_KEYS, seconds=WRONG_KEYS_SECONDS)
        raise


def _once(request: HttpRequest, api_key: ApiKey, view: View, ids: dict[str, Any]) -> HttpResponse:
    """Carry out a POST once for its Idempotency-Key; whatever is refused leaves nothing, not even the key."""
    if request.content_type not in ("", JSON) and request.headers.get("Content-Length") not in (None, "", "0"):
        raise KindUnknown
    key = request.headers.get("Idempotency-Key", "")
    asked: dict[str, Any] = {"method": request.method or "", "path": request.path, "body": request.body}
    with transaction.atomic():
        told = partners.reserve_reply(api_key=api_key, key=key, at=clock.now(), **asked)
        if told is not None:
            return HttpResponse(told.body, JSON, told.status, headers={"Idempotency-Replayed": "true"})
        response = view(request, **ids)
        if response.status_code >= HTTP_REFUSED:
            transaction.set_rollback(True)
            return response
        kept = _without_secret(response.content.decode())
        partners.keep_reply(api_key=api_key, key=key, status=response.status_code, body=kept)
    return response


def _without_secret(text: str) -> str:
    """What may be kept: a secret is told once, and asking again with the same key does not tell it again."""
    said = json.loads(text)
    if not said.get("secret"):
        return text
    return json.dumps({**said, "secret": None}, ensure_ascii=False)
