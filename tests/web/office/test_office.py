"""The operator's office: everything to see, next to nothing to do, and nobody else comes in."""

import re
from datetime import UTC, datetime

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dure.ledger import actions as ledger
from dure.people import actions as people
from dure.people.models import Person
from dure.people.values import Purpose, RetainedKind
from dure.web.office.site import COUNTED_TO, office
from dure.web.office.words import COLUMNS, HIDDEN, ROOMS, TABLES
from tests.cast import noodle_house

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
EVERY_TABLE = sorted(TABLES)

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    cache.clear()
    client = Client()
    client.force_login(people.open_account(email="operator@example.com", operator=True, at=NOON))
    return client


def listing(label: str) -> str:
    return reverse(f"admin:{label.lower().replace('.', '_')}_changelist")


def row_of(label: str, pk: int, what: str) -> str:
    return reverse(f"admin:{label.lower().replace('.', '_')}_{what}", args=[pk])


def test_every_table_of_every_room_is_there() -> None:
    ours = {m._meta.label for room in ROOMS for m in apps.get_app_config(room).get_models()}
    assert set(TABLES) == ours - {"people.Session"}, (
        "a new table needs its words and its sheet (office/words.py, site.py)"
    )


def test_every_column_has_a_word_in_both_languages() -> None:
    shown = {
        field.name
        for label in TABLES
        for field in apps.get_model(label)._meta.get_fields()
        if isinstance(field, models.Field)
    }
    assert shown - HIDDEN <= set(COLUMNS), "a new column needs its words (office/words.py)"
    assert set(COLUMNS) <= shown, "a word for a column that is gone"


def test_the_menu_beside_a_page_scrolls_by_itself_says_where_one_is_and_speaks_the_readers_language(
    operator: Client,
) -> None:
    here = listing("ledger.Entry")
    for language in ("ko", "en", "ko"):
        page = operator.get(here, headers={"Accept-Language": language}).content.decode()
        menu = page[page.index('id="nav-sidebar-apps"') :]
        assert menu.startswith('id="nav-sidebar-apps" class="h-0 grow overflow-auto"')
        assert re.findall(r'href="([^"]+)" aria-current="page"', menu) == [here]
        assert TABLES["ledger.Entry"].within(language) in menu


@pytest.mark.parametrize("label", EVERY_TABLE)
def test_every_list_and_its_search_opens_without_a_full_count(operator: Client, label: str) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert operator.get(listing(label)).status_code == 200
    counts = [q["sql"] for q in queries if "COUNT(" in q["sql"]]
    assert all(f"LIMIT {COUNTED_TO}" in sql for sql in counts), counts
    assert operator.get(listing(label), {"q": "nothing like this"}).status_code == 200


@pytest.mark.parametrize("label", EVERY_TABLE)
def test_no_list_offers_to_add_or_delete(operator: Client, label: str) -> None:
    add = listing(label) + "add/"
    assert operator.get(add).status_code == 403
    assert operator.post(add, {}).status_code == 403
    assert "delete_selected" not in operator.get(listing(label)).content.decode()


@pytest.fixture
def posting() -> models.Model:
    ledger.record_entry(
        key="e1",
        kind="settlement",
        reference="bill:1",
        postings=[("provider:kakaopay", "shop:1", 12_000)],
        at=NOON,
    )
    return apps.get_model("ledger.Posting")._default_manager.get()


def test_money_is_shown_and_no_post_changes_it(operator: Client, posting: models.Model) -> None:
    page = row_of("ledger.Posting", posting.pk, "change")
    assert "12,000원" in operator.get(page).content.decode()
    before = list(type(posting)._default_manager.values())
    assert operator.post(page, {"amount": "1", "amount_shown": "1"}).status_code == 403
    assert operator.post(row_of("ledger.Posting", posting.pk, "delete"), {"post": "yes"}).status_code == 403
    operator.post(
        listing("ledger.Posting"), {"action": "delete_selected", "_selected_action": posting.pk, "post": "yes"}
    )
    operator.post(listing("ledger.Posting"), {"form-TOTAL_FORMS": "1", "form-0-amount": "1", "_save": "1"})
    assert list(type(posting)._default_manager.values()) == before


def test_consents_cannot_be_changed_or_deleted(operator: Client) -> None:
    person = people.open_account(email="kim@example.com", at=NOON)
    said = people.give_consent(
        person=person, sender="shop:1", purpose=Purpose.TASTE, source="join", proof={}, by="guest", at=NOON
    )
    page = row_of("people.Consent", said.pk, "change")
    assert operator.get(page).status_code == 200
    assert operator.post(page, {"granted": ""}).status_code == 403
    assert operator.post(row_of("people.Consent", said.pk, "delete"), {"post": "yes"}).status_code == 403
    said.refresh_from_db()
    assert said.granted


def test_an_operator_keeps_somebody_out_and_lets_them_in_again(operator: Client) -> None:
    person = people.open_account(email="kim@example.com", at=NOON)
    for action, active in (("block", False), ("admit", True)):
        operator.post(listing("people.Person"), {"action": action, "_selected_action": person.pk})
        person.refresh_from_db()
        assert person.is_active is active


def test_who_lost_every_passkey_logs_in_without_one_again(operator: Client) -> None:
    person = people.open_account(email="kim@example.com", at=NOON)
    other = people.open_account(email="lee@example.com", operator=True, at=NOON)
    for somebody in (person, other):
        Authenticator.objects.create(user=somebody, type=Authenticator.Type.WEBAUTHN, data={"name": "노트북"})
    Person.objects.filter(email="operator@example.com").update(is_superuser=False)
    said = {"action": "forget_keys", "_selected_action": [person.pk, other.pk]}
    operator.post(listing("people.Person"), said)
    left = Authenticator.objects.values_list("user_id", flat=True)
    assert list(left) == [other.pk], "an operator's keys are the chief's to take"
    Person.objects.filter(email="operator@example.com").update(is_superuser=True)
    operator.post(listing("people.Person"), said)
    assert not Authenticator.objects.exists()
    assert LogEntry.objects.filter(change_message="keys forgotten").count() == 3


def test_secrets_and_password_hashes_are_nowhere(operator: Client) -> None:
    person = people.open_account(email="kim@example.com", password="a long password", at=NOON)
    page = operator.get(row_of("people.Person", person.pk, "change")).content.decode()
    assert "kim@example.com" in page
    assert person.password not in page
    assert "pbkdf2" not in page


def test_what_the_law_keeps_is_for_the_chief_operator_alone(operator: Client) -> None:
    person = people.open_account(email="kim@example.com", at=NOON)
    people.keep_by_law(person=person, kind=RetainedKind.CONTRACT, content={}, at=NOON)
    assert operator.get(listing("people.Retained")).status_code == 200
    Person.objects.filter(email="operator@example.com").update(is_superuser=False)
    assert operator.get(listing("people.Retained")).status_code == 403
    assert operator.get(listing("people.Person")).status_code == 200


def test_the_door_is_the_same_login_and_others_stay_outside(client: Client) -> None:
    away = client.get("/office/payments/payment/", follow=True)
    assert away.redirect_chain[-1][0] == "/accounts/login/?next=/office/payments/payment/"
    client.force_login(people.open_account(email="kim@example.com", at=NOON))
    for path in ("/office/", "/office/payments/payment/"):
        assert client.get(path, follow=True).status_code == 403


def test_only_the_office_has_the_relaxed_policy(operator: Client) -> None:
    assert "'unsafe-inline'" in operator.get("/office/").headers["Content-Security-Policy"]
    for path in ("/accounts/login/", "/healthz"):
        assert "unsafe" not in Client().get(path).headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "query", ["p=abc", "p=-1", "p=99999999999999999999", "o=x.y", "e=1", "id__exact=x", "nosuch=1", "q=%27", "all="]
)
def test_a_strange_address_is_no_error_of_ours(operator: Client, query: str) -> None:
    assert operator.get(f"{listing('people.Person')}?{query}").status_code in {200, 302, 400, 404, 422}


@pytest.mark.parametrize("pk", ["0", "x", "99999999999999999999", "_5F"])
def test_a_row_that_is_not_there_is_no_error_of_ours(operator: Client, pk: str) -> None:
    assert operator.get(f"/office/people/person/{pk}/change/", follow=True).status_code in {200, 404}


def test_the_office_speaks_both_languages(operator: Client) -> None:
    for language, word in (("ko", "장부"), ("en", "Ledger")):
        page = operator.get("/office/", headers={"Accept-Language": language}).content.decode()
        assert re.search(rf">\s*{word}\s*<", page)


def test_the_list_of_shops_tells_districts_in_the_operators_language(operator: Client) -> None:
    noodle_house()
    for language, district in (("ko", "서울 마포구 망원동"), ("en", "Mangwon-dong, Mapo-gu, Seoul")):
        page = operator.get(listing("shops.Shop"), headers={"Accept-Language": language}).content.decode()
        assert district in page


def test_it_is_one_site() -> None:
    assert {m._meta.label for m in office._registry} == set(TABLES)
