"""The shapes that programs and people may hold what they write against, each at an address that never changes its meaning."""

import json

from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse

from dure.audiences import queries
from dure.web.ui.access import anyone
from dure.web.ui.pages import A_DAY


@anyone()
def audience(request: HttpRequest) -> HttpResponse:
    """JSON Schema of an audience's definition, version 1: docs/reference/audience.md."""
    schema = queries.published_schema(request.build_absolute_uri(reverse("audience_schema")))
    written = json.dumps(schema, ensure_ascii=False, indent=1)
    return HttpResponse(written, "application/schema+json", headers={"Cache-Control": A_DAY})


urlpatterns = [path("audience/v1.json", audience, name="audience_schema")]
