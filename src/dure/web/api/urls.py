"""The API's addresses: ninja reads and describes them, our one door stands before each."""

import json
import re
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from dure.kit.errors import DureError, Invalid, NotFound
from dure.kit.language import say
from dure.partners.values import VERSION
from dure.web.api.door import guarded
from dure.web.api.operations import SCOPES, router
from dure.web.ui.access import anyone
from dure.web.ui.middleware import refuse

api = NinjaAPI(
    title="Dure",
    version=VERSION,
    description="Payments, orders and webhooks of one shop. See docs/reference/api.md.",
    urls_namespace="api",
    docs_url=None,
    openapi_url=None,
)


class BodyUnreadable(Invalid):
    """The body is no JSON, or not the JSON that this address reads."""

    status = 400
    sentence = say("요청 본문이 올바른 JSON이 아니에요.", en="The body is not valid JSON.")


class FieldsWrong(Invalid):
    """A field is missing, unknown, or not what it must be; `errors` says which."""

    sentence = say("보낸 값 가운데 올바르지 않은 것이 있어요.", en="Something in the request is not right; see errors.")


@api.exception_handler(DureError)
def refused(request: HttpRequest, refusal: DureError) -> HttpResponse:
    if pointer := refusal.facts.pop("pointer", ""):  # what is wrong lies inside a value, and each place is told alike
        refusal.facts["errors"] = [{"pointer": pointer, "code": refusal.code, "message": str(refusal.sentence)}]
    return refuse(request, refusal)


@api.exception_handler(ValidationError)
def wrong(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Which fields, by JSON pointer; never what was sent, which may be a secret."""
    errors = [
        {
            "pointer": "/" + "/".join(str(part) for part in one["loc"] if part not in ("body", "query", "sent")),
            "code": str(one["type"]),
            "message": str(one["msg"]),
        }
        for one in error.errors[:20]
    ]
    return refuse(request, FieldsWrong(errors=errors))


@api.exception_handler(HttpError)
def broken(request: HttpRequest, error: HttpError) -> HttpResponse:
    return refuse(request, BodyUnreadable() if error.status_code == BodyUnreadable.status else NotFound())


api.add_router("", router)


@anyone()
def openapi(request: HttpRequest) -> HttpResponse:
    """The description of the API, OpenAPI 3.1."""
    return HttpResponse(_written(), "application/json")


@cache
def _written() -> str:
    # Describing takes a second of computing, and anybody may ask.
    return json.dumps(described(), ensure_ascii=False)


def described() -> dict[str, Any]:
    """OpenAPI as ninja writes it, with what our door adds: the key, the scopes, the Idempotency-Key."""
    schema: dict[str, Any] = dict(api.get_openapi_schema(path_prefix="/api/v1"))
    schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{"key": []}]
    once = {
        "in": "header",
        "name": "Idempotency-Key",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "The same key is carried out once, for seven days.",
    }
    for methods in schema["paths"].values():
        for method, operation in methods.items():
            name = operation["operationId"].rpartition("operations_")[2]
            operation["operationId"] = name
            operation["description"] = f"{operation.get('description', '')}\n\nScope: `{SCOPES[name]}`.".strip()
            if method == "post":
                operation.setdefault("parameters", []).append(once)
            for status, answer in operation["responses"].items():
                if int(status) >= BodyUnreadable.status and "content" in answer:
                    answer["content"] = {"application/problem+json": answer["content"]["application/json"]}
    return schema


def _doors() -> list[URLPattern]:
    """Ninja's addresses, each behind our door; ids of ours only, so that anything else is not found at once."""
    found = []
    for bound in api._get_bound_routers():  # noqa: SLF001 - ninja gives its operations out in no other way
        for address, view in bound.path_operations.items():
            scopes = {
                method: SCOPES[operation.view_func.__name__]
                for operation in view.operations
                for method in operation.methods
            }
            route = re.sub(r"{(\w+)}", r"<public_id:\1>", address.lstrip("/"))
            found.append(path(route, guarded(view.get_view(), scopes)))
    return found


urlpatterns = [path("openapi.json", openapi, name="openapi"), *_doors()]
