"""What every answer says about itself, how cookies are sent, and how often somebody may guess."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from dure.kit.ids import new_code
from dure.web.customer.frame import skin_of
from dure.web.customer.style import style_of
from dure.web.ui import access
from tests import cast
from tests.architecture.test_pages import Route, routes
from tests.web.nasty import ASKS
from tests.web.neighbourhood import Neighbourhood, at_noon, settle, undone, unwatched_templates
from tests.web.test_authorisation_matrix import OFFICE, OFFICE_IDS, path_of

pytestmark = pytest.mark.django_db

STRICT = {
    "default-src": {"'self'"},
    "script-src": {"'self'"},
    "style-src": {"'self'"},
    "object-src": {"'none'"},
    "base-uri": {"'none'"},
    "frame-ancestors": {"'none'"},
}


def policy_of(response: HttpResponse) -> dict[str, set[str]]:
    said = response.headers.get("Content-Security-Policy", "")
    parts = [part.split() for part in said.split(";") if part.strip()]
    return {part[0]: set(part[1:]) for part in parts}


def own_styles(response: HttpResponse) -> set[str]:
    """The house's own style by its hash, where the page really has it inside."""
    if response.streaming:
        return set()
    skin = skin_of(None)
    own = style_of(skin.pack, skin.fingerprint)
    digest = base64.b64encode(hashlib.sha256(own.text.encode()).digest()).decode()
    inside = f"<style>{own.text}</style>" in response.content.decode(errors="replace")
    return {f"'sha256-{digest}'"} if inside else set()


def weaknesses(address: str, response: HttpResponse) -> list[str]:
    """What the answer should say and does not."""
    found = []
    policy = policy_of(response)
    loose = {"script-src", "style-src"} if address.startswith(OFFICE) else set()
    policy["style-src"] = policy.get("style-src", set()) - own_styles(response)
    found += [
        f"{name} {policy.get(name)}"
        for name, value in STRICT.items()
        if name not in loose and policy.get(name) != value
    ]
    if not loose and any("unsafe" in word for words in policy.values() for word in words):
        found.append("unsafe")
    if response.headers.get("X-Frame-Options") != "DENY":
        found.append("X-Frame-Options")
    if response.headers.get("X-Content-Type-Options") != "nosniff":
        found.append("nosniff")
    if response.headers.get("Referrer-Policy") != "same-origin":
        found.append("Referrer-Policy")
    return found


@pytest.fixture
def town() -> Iterator[Neighbourhood]:
    with at_noon(), unwatched_templates():
        yield settle()


def answers(town: Neighbourhood) -> Iterator[tuple[Route, HttpResponse]]:
    for route in routes():
        methods = route.access.methods if route.access else ("GET",)
        who = "operator" if route.address.startswith(OFFICE) else ASKS[route.access.who if route.access else "anyone"]
        path = path_of(route.address, OFFICE_IDS | town.here.ids)
        client = town.actor(who).client()
        with undone():
            yield route, client.get(path) if "GET" in methods else client.post(path)  # type: ignore[misc]


def test_every_answer_carries_the_strict_headers_and_what_is_about_somebody_is_kept_by_no_cache(
    town: Neighbourhood,
) -> None:
    asked = 0
    faults = {}
    kept = []
    for route, response in answers(town):
        asked += 1
        if found := weaknesses(route.address, response):
            faults[route.address] = (response.status_code, found)
        about_somebody = route.access and route.access.who != "anyone" and response.status_code != 405
        if about_somebody and "no-store" not in response.headers.get("Cache-Control", ""):
            kept.append(route.address)
    assert asked > 250
    assert faults == {}
    assert kept == []


def test_a_weak_answer_is_noticed() -> None:
    weak = HttpResponse(headers={"Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'"})
    found = weaknesses("my", weak)
    assert {"unsafe", "X-Frame-Options", "nosniff", "Referrer-Policy"} <= set(found)
    assert any(f.startswith("script-src") for f in found)


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(town: Neighbourhood) -> None:
    client = Client()
    assert client.get(f"/t/{town.here.ids['code']}").status_code == 200
    kept = client.cookies
    assert {"visit", "device"} <= set(kept)
    for name in ("visit", "device"):
        assert kept[name]["httponly"], name
        assert kept[name]["samesite"] == "Lax", name
    assert kept["visit"]["path"] == f"/t/{town.here.ids['code']}"


def test_cookies_travel_over_tls_alone_where_it_is_spoken(town: Neighbourhood, settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    client = Client(headers={"X-Forwarded-Proto": "https"})
    client.get(f"/t/{town.here.ids['code']}")
    client.post("/language", {"language": "en"})
    assert {name for name, cookie in client.cookies.items() if not cookie["secure"]} <= {"csrftoken"}


def test_production_is_strict() -> None:
    """As `DURE_MODE=production` really reads it, in a process of its own."""
    wanted = [
        "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SECURE",
        "CSRF_COOKIE_SAMESITE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "X_FRAME_OPTIONS", "DEBUG",
        "ALLAUTH_TRUSTED_PROXY_COUNT",
    ]  # fmt: skip
    program = (
        f"import json; from dure.project import settings as s; print(json.dumps([getattr(s, n) for n in {wanted}]))"
    )
    production = {
        "DURE_MODE": "production",
        "DURE_SECRET_KEY": "k" * 64,
        "DURE_DATABASE_URL": "postgresql://dure@db.example/dure",
        "DURE_HOSTS": "dure.example",
        "DURE_PUBLIC_URL": "https://dure.example",
        "DURE_MAIL_FROM": "dure@dure.example",
        "DURE_SMTP_URL": "smtp://mail.example:25",
    }
    plain = {name: value for name, value in os.environ.items() if not name.startswith("DURE_")}
    said = subprocess.run(
        [sys.executable, "-c", program],
        env={**plain, **production},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == [True, True, "Lax", True, "Lax", True, 31_536_000, "DENY", False, 1]


WITHOUT_TOKEN = {
    "hooks/toss/webhook": "a hint is believed from nobody: the provider is asked",
    "hooks/solapi/<str:word>": "an agency's report; the word in the address is its proof",
    "hooks/nhn/<str:word>": "an agency's report; the word in the address and a header are its proof",
    "no/<str:token>": "a mail program says no in one step (RFC 8058), and the signed address is its proof",
}
"""The few forms that no page of ours offers, and why they may come from elsewhere."""


def test_a_form_without_its_token_is_refused(town: Neighbourhood) -> None:
    actors = {who: town.actor(who) for who in set(ASKS.values())}
    let_through = []
    for route in routes():
        if route.access is None or "POST" not in route.access.methods:
            continue
        if route.access.who == "key" or route.address in WITHOUT_TOKEN:
            continue  # a program's key travels in a header, which no other site makes a browser send
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        for name, value in actors[ASKS[route.access.who]].cookies.items():
            client.cookies[name] = value
        with undone():
            if client.post(path_of(route.address, town.here.ids), {"name": "x"}).status_code != 403:
                let_through.append(route.address)
    assert let_through == []


def test_nobody_is_sent_to_another_site(town: Neighbourhood) -> None:
    away = ("https://evil.example/", "//evil.example", "/\\evil.example", "https:evil.example", "javascript:alert(1)")
    for address in away:
        client = Client()
        answer = client.post("/language", {"language": "en", "next": address})
        assert answer.headers["Location"] == "/", address
        login = client.get("/accounts/login/", {"next": address})
        assert "evil.example" not in login.headers.get("Location", "")


def guess(client: Client, **headers: str) -> int:
    return client.get(f"/t/{new_code(16)}", headers=headers).status_code


def test_guessing_codes_ends_at_thirty_and_harms_no_neighbour(town: Neighbourhood) -> None:
    client = Client()
    assert [guess(client) for _ in range(access.WRONG_CODES)] == [404] * 30
    assert [guess(client) for _ in range(5)] == [429] * 5
    assert client.get(f"/t/{town.here.ids['code']}").status_code == 200
    assert guess(Client(REMOTE_ADDR="203.0.113.9")) == 404


def test_a_guesser_cannot_write_their_own_address(town: Neighbourhood) -> None:
    statuses = [guess(Client(), **{"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(31)]
    assert statuses[-1] == 429


def test_behind_a_proxy_each_guesser_is_counted_alone(town: Neighbourhood, settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    forged = [guess(Client(), **{"X-Forwarded-For": f"10.0.0.{n}, 198.51.100.1"}) for n in range(31)]
    assert forged[-1] == 429
    assert guess(Client(), **{"X-Forwarded-For": "198.51.100.2"}) == 404


def test_a_login_changes_the_session(town: Neighbourhood) -> None:
    client = Client()
    person = cast.person(cast.SOONI)
    session = client.session
    session["planted"] = "1"
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = str(before)
    client.force_login(person, "dure.people.sessions.ByPassword")
    assert client.cookies["sessionid"].value != before
