"""Logging in by a code, a password or not at all: one page that tells nobody who has an account."""

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from dure.messaging import providers
from dure.people import actions as people
from dure.people import queries
from dure.people.models import Person
from dure.people.values import Purpose
from dure.web.ui.access import DEVICE_COOKIE
from dure.web.ui.sending import LogMail

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LOGIN, CODE = "/accounts/login/", "/accounts/login/code/confirm/"
PASSWORD = "ten letters or more"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_limits(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a slow one is for attackers
    cache.clear()


@pytest.fixture
def owner() -> Person:
    return people.open_account(email="owner@example.com", phone="010-1234-5678", password=PASSWORD, at=NOON)


def page(response: HttpResponse) -> str:
    return response.content.decode()


def ask(client: Client, login: str, **more: str) -> HttpResponse:
    return client.post(LOGIN, {"login": login, **more})


def mailed_code() -> str:
    found = re.search(r"\b\d{6}\b", str(mail.outbox[-1].body))
    assert found
    return found.group()


def logged_in(client: Client) -> str | None:
    """Whose session it is."""
    return client.session.get("_auth_user_id")


def test_a_code_by_mail_logs_in_and_proves_the_address(client: Client) -> None:
    person = people.open_account(email="kim@example.com", proven=False, at=NOON)
    assert ask(client, "Kim@Example.com").headers["Location"] == CODE
    entered = client.post(CODE, {"code": mailed_code()})
    assert entered.headers["Location"] == "/my"
    assert logged_in(client) == str(person.pk)


def test_a_code_by_text_message_logs_in_and_proves_the_number(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "dure"):
        ask(client, "010 9876 5432")
    (text,) = [r.getMessage() for r in caplog.records if "+821098765432" in r.getMessage()]
    found = re.search(r"\b\d{6}\b", text)
    assert found
    client.post(CODE, {"code": found.group()})
    person = queries.person_by_phone("01098765432")
    assert person is not None
    assert person.phone_verified
    assert logged_in(client) == str(person.pk)


def test_a_password_logs_in_by_address_or_number(client: Client, owner: Person) -> None:
    for login in ("owner@example.com", "+82 10-1234-5678"):
        assert ask(client, login, password=PASSWORD).status_code == 302
        assert logged_in(client) == str(owner.pk)
        client.logout()


def test_the_page_answers_the_same_for_known_and_unknown(owner: Person) -> None:
    answers = []
    for login in ("owner@example.com", "nobody@example.com"):
        client = Client()
        asked = ask(client, login)
        confirm = page(client.get(CODE)).replace(login, "X")
        wrong = page(client.post(CODE, {"code": "000000"})).replace(login, "X")
        no_password = page(ask(Client(), login, password="wrong password")).replace(login, "X")
        token = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')
        answers.append(
            (asked.status_code, asked.headers["Location"], *(token.sub("", p) for p in (confirm, wrong, no_password)))
        )
    assert answers[0] == answers[1]
    assert len(mail.outbox) == 2


def test_three_wrong_codes_end_it(client: Client, owner: Person) -> None:
    ask(client, "owner@example.com")
    code = mailed_code()
    wrong = "111111" if code != "111111" else "222222"
    for _ in range(3):
        client.post(CODE, {"code": wrong})
    client.post(CODE, {"code": code})
    assert logged_in(client) is None


def test_a_code_is_good_once_and_only_where_it_was_asked_for(client: Client, owner: Person) -> None:
    ask(client, "owner@example.com")
    code = mailed_code()
    other = Client()
    other.post(CODE, {"code": code})
    assert logged_in(other) is None
    client.post(CODE, {"code": code})
    client.logout()
    client.post(CODE, {"code": code})
    assert logged_in(client) is None


def test_the_session_changes_its_name_at_login(client: Client, owner: Person) -> None:
    ask(client, "owner@example.com")
    before = client.session.session_key
    client.post(CODE, {"code": mailed_code()})
    assert client.session.session_key != before


@pytest.mark.parametrize(
    ("to", "lands"),
    [
        ("/office/", "/office/"),
        ("/my/coupons", "/my/coupons"),
        ("https://evil.example/", "/my"),
        ("//evil.example/", "/my"),
        ("/\\evil.example", "/my"),
        ("javascript:alert(1)", "/my"),
        ("", "/my"),
    ],
)
def test_after_login_one_stays_on_this_site(client: Client, owner: Person, to: str, lands: str) -> None:
    answer = ask(client, "owner@example.com", password=PASSWORD, next=to)
    assert urlsplit(answer.headers["Location"])[1:3] == ("", lands)


def test_codes_cannot_be_asked_for_without_end(owner: Person) -> None:
    for _ in range(5):
        ask(Client(), "owner@example.com")
    assert len(mail.outbox) == 3
    assert "너무 여러 번" in page(ask(Client(), "owner@example.com"))


def test_passwords_cannot_be_guessed_without_end(owner: Person) -> None:
    for guess in range(8):
        ask(Client(), "owner@example.com", password=f"guess number {guess}")
    ask(client := Client(), "owner@example.com", password=PASSWORD)
    assert logged_in(client) is None


def test_one_address_cannot_try_everybody(client: Client) -> None:
    answers = [ask(Client(), f"kim{n}@example.com", password="guess") for n in range(31)]
    assert answers[-1].status_code == 429
    assert "너무 여러 번" in page(answers[-1])


def test_a_login_claims_the_phone_and_what_its_guest_did(client: Client, owner: Person) -> None:
    device, secret = people.remember_device(at=NOON)
    guest = people.ensure_person(device=device, at=NOON)
    people.give_consent(
        person=guest, sender="shop:shp_1", purpose=Purpose.TASTE, source="join", proof={}, by="guest", at=NOON
    )
    client.cookies[DEVICE_COOKIE] = secret
    ask(client, "owner@example.com", password=PASSWORD)
    claimed = queries.device_by_secret(secret)
    assert claimed is not None
    assert claimed.person == owner
    assert queries.consent_holds(owner, "shop:shp_1", Purpose.TASTE)


@pytest.mark.parametrize("login", ["", "국수", "12", "a" * 5000, "@", "010-12", "a@b", "' OR 1=1 --"])
def test_what_is_no_contact_is_told_so(client: Client, login: str) -> None:
    answer = ask(client, login)
    assert answer.status_code == 200
    assert "errorlist" in page(answer)
    assert not Person.objects.exists()


def test_somebody_kept_out_does_not_come_in_and_their_sessions_end(client: Client, owner: Person) -> None:
    ask(client, "owner@example.com", password=PASSWORD)
    people.admit_person(person=owner, active=False, by="operator:x", at=NOON)
    assert client.get("/office/", follow=True).redirect_chain[-1][0].startswith(LOGIN)
    ask(client := Client(), "owner@example.com", password=PASSWORD)
    assert logged_in(client) is None
    ask(client, "owner@example.com")
    assert not mail.outbox


def test_there_is_no_sign_up_form_and_the_page_says_what_to_do(client: Client) -> None:
    assert "로그인하기" in page(client.get("/accounts/signup/"))
    client.post("/accounts/signup/", {"email": "kim@example.com"})
    assert not Person.objects.exists()


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", [LOGIN, "/accounts/login/code/", "/accounts/signup/", "/accounts/password/reset/"])
def test_every_page_is_ours_in_both_languages_and_needs_no_inline_script(path: str, language: str) -> None:
    client = Client(headers={"Accept-Language": language})
    shown = page(client.get(path))
    assert f'<html lang="{language}"' in shown
    assert "ui/tokens" in shown
    assert not re.search(r"<script(?![^>]*(src=|application/json))", shown)
    assert not re.search(r"\son\w+=|style=", shown)


def test_an_owner_manages_passkeys_after_logging_in(client: Client, owner: Person) -> None:
    ask(client, "owner@example.com", password=PASSWORD)
    assert "패스키" in page(client.get("/accounts/2fa/"))
    again = client.get("/accounts/2fa/webauthn/add/").headers["Location"]
    assert again.startswith("/accounts/reauthenticate/")
    assert client.post(again, {"password": PASSWORD}).headers["Location"] == "/accounts/2fa/webauthn/add/"
    assert "등록하기" in page(client.get("/accounts/2fa/webauthn/add/"))


def test_kakao_is_offered_where_it_is_set_up(client: Client, settings: Settings) -> None:
    assert "카카오" not in page(client.get(LOGIN))
    settings.SOCIALACCOUNT_PROVIDERS = {"kakao": {"APPS": [{"client_id": "id", "secret": "s", "key": ""}]}}
    assert "카카오로 시작하기" in page(client.get(LOGIN))
    away = client.post("/accounts/kakao/login/")
    assert away.headers["Location"].startswith("https://kauth.kakao.com/oauth/authorize?client_id=id")


@pytest.fixture
def no_agency(settings: Settings) -> Iterator[None]:
    settings.PRODUCTION, settings.MESSAGES = True, dict.fromkeys(settings.MESSAGES, "")
    providers.choose({})
    yield
    providers.choose({})


def test_where_no_text_can_be_sent_the_page_says_so(client: Client, no_agency: None) -> None:
    assert "이메일로 로그인해 주세요" in page(ask(client, "010-9876-5432"))
    assert not Person.objects.exists()


def test_mail_of_the_demo_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "dure"):
        LogMail().send_messages([mail.EmailMessage("제목", "코드 123456", to=["kim@example.com"])])
    assert "kim@example.com: 코드 123456" in caplog.text


@pytest.mark.parametrize(("language", "sentence"), [("ko", "화면이 오래됐거나"), ("en", "This page was too old")])
def test_a_page_older_than_the_last_login_says_what_to_do(language: str, sentence: str) -> None:
    client = Client(enforce_csrf_checks=True, headers={"Accept": "text/html", "Accept-Language": language})
    client.get(LOGIN)
    sent = client.post(LOGIN, {"login": "owner@example.com", "csrfmiddlewaretoken": "x" * 64})
    assert sent.status_code == 403
    assert sentence in page(sent)
    assert "<style" not in page(sent)
    asked = client.post(LOGIN, {}, headers={"Accept": "application/json"})
    assert (asked.status_code, asked["Content-Type"]) == (403, "application/problem+json")


def test_an_address_that_only_a_button_opens_says_so(client: Client) -> None:
    opened = client.get("/language", headers={"Accept": "text/html", "Accept-Language": "ko"})
    assert (opened.status_code, opened["Allow"]) == (405, "POST")
    assert "돌아가서 단추를 눌러 주세요" in page(opened)
