"""Refusals for programs, nasty files, and the control: an app with planted faults, each of which is found."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.urls import get_resolver, include, path
from pytest_django.fixtures import Settings

from dure.web.ui.access import anyone
from tests.architecture.test_pages import routes
from tests.web.nasty import (
    NASTY,
    Walk,
    ours,
    posting,
    reads_of,
    town,  # noqa: F401 - a fixture
    walk_cookies,
    walk_forms,
    walk_paths,
    walk_queries,
)
from tests.web.neighbourhood import Neighbourhood, rows_of, undone
from tests.web.test_authorisation_matrix import ACCOUNTS

pytestmark = pytest.mark.django_db


def test_nasty_problems_are_told_to_programs_too(town: Neighbourhood) -> None:  # noqa: F811
    client = town.actor("guest").client()
    client.defaults["HTTP_ACCEPT"] = "application/json"
    address = f"/t/{town.here.ids['code']}/orders"
    refused = 0
    for what, text in NASTY.items():
        with undone():
            answer = posting(client, address, {"key": "nasty-json-1", "how": "counter", "lines": text})()
        if answer.status_code >= 400:
            refused += 1
            problem = json.loads(answer.content)
            assert answer.headers["Content-Type"] == "application/problem+json", what
            assert {"type", "title", "status", "code"} <= set(problem), what
    assert refused > 20


def test_nasty_files(town: Neighbourhood) -> None:  # noqa: F811
    files = {
        "nothing": b"",
        "zeros": b"\x00" * 1_000,
        "a drawing with a script": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "half a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x23\x28\x00\x00\x23\x28",
        "half a workbook": b"PK\x03\x04" + b"\xff" * 200,
        "half a character": "이름,가격\n국수".encode()[:-1] + b"\xed\xa0\x80",
        "a formula": '구분,이름,가격\n=1+1,=HYPERLINK("x"),99999999999999999999\n'.encode(),
    }
    client = town.actor("owner").client()
    ids = town.here.ids
    before = rows_of(town.here, town.there)
    for what, content in files.items():
        for address, name in (
            (f"/console/{ids['shop']}/menu/items/{ids['item']}/photo", "photo"),
            (f"/console/{ids['shop']}/menu/import", "file"),
        ):
            for filename in ("../../../etc/cron.d/x.png", "a.php", "가\u202e.csv"):
                with undone():
                    answer = client.post(address, {name: SimpleUploadedFile(filename, content)})
                    assert 400 <= answer.status_code < 500, f"{answer.status_code}: {address} {what} {filename}"
                    assert rows_of(town.here, town.there) == before, f"{address} {what}"


# Controls: an app with five planted faults, each found --------------------------------------------------------------


@anyone()
def planted_path(request: HttpRequest, person: str) -> HttpResponse:
    return HttpResponse(int(person))


@anyone()
def planted_query(request: HttpRequest) -> HttpResponse:
    return HttpResponse(int(request.GET.get("n", "1")))


@anyone("POST")
def planted_form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(len(json.loads(request.POST.get("lines", "[]"))))


@anyone()
def planted_cookie(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.COOKIES.get("device", "a").encode("ascii"))


@anyone("POST")
def planted_write(request: HttpRequest) -> HttpResponse:
    from dure.shops.models import Table

    Table.objects.update(position=99)
    return HttpResponse(status=422)


urlpatterns = [
    path("", include("dure.web.ui.urls")),
    path("", include("dure.web.customer.urls")),
    path("planted/<str:person>/", planted_path),
    path("planted-query", planted_query),
    path("planted-form", planted_form),
    path("planted-cookie", planted_cookie),
    path("planted-write", planted_write),
]
handler500 = "dure.web.ui.pages.broken"


def test_planted_faults_are_found(town: Neighbourhood, settings: Settings) -> None:  # noqa: F811
    settings.ROOT_URLCONF = __name__
    found = [route for route in routes(get_resolver(__name__)) if route.address.startswith("planted")]
    walk = Walk(town)
    for one in (walk_paths, walk_queries, walk_forms, walk_cookies):
        one(walk, iter(found))
    for planted in ("planted/<str:person>/", "planted-query", "planted-form", "planted-cookie"):
        assert any(fault.startswith(f"500: {planted}: ") for fault in walk.faults), planted
    assert any(fault.startswith("422 and rows changed: planted-write: ") for fault in walk.faults)


def test_the_walk_finds_the_fields_of_a_form() -> None:
    found = {
        route.address: reads_of(route.view)
        for route in routes()
        if ours(route) and not route.address.startswith(ACCOUNTS)
    }
    assert {"quantity", "coupon"} <= found["t/<code:code>/basket/lines/<public_id:line>"].fields
    assert {"key", "how", "lines", "expected_total"} <= found["t/<code:code>/orders"].fields
    assert "coupon" in found["t/<code:code>/basket"].query
    assert {"name", "price"} <= {n.partition("_")[0] for n in found["console/<public_id:shop>/menu/items/new"].fields}
