"""The API as a program meets it: one door, problems that can be read, each POST once."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from dure.checkouts import actions as checkouts
from dure.checkouts.models import Checkout
from dure.ordering.models import Bill
from dure.partners import actions as partners
from dure.partners.models import ApiKey, Event, Reply
from dure.partners.values import Scope
from dure.payments import actions as payments
from dure.payments import queries as payment_queries
from dure.payments.models import Refund
from dure.people import actions as people
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.provider import Sandbox
from tests.races import at_once
from tests.web.neighbourhood import at_noon

import dure.project.urls  # noqa: F401 isort:skip - every page is read in before a test's transaction begins

pytestmark = pytest.mark.django_db


class Program:
    """A program with a key of 두레국수."""

    def __init__(self, shop: Shop, scopes: list[Scope] | None = None) -> None:
        self.shop = shop
        with fence.within_shop(shop.pk):
            self.key, self.secret = partners.make_key(
                shop=shop, name="포스", scopes=scopes or list(Scope), by="staff:test", at=cast.NOON
            )
        self.turn = 0

    def client(self, **headers: str) -> Client:
        return Client(headers={"Authorization": f"Bearer {self.secret}", **headers}, raise_request_exception=False)

    def get(self, path: str) -> Any:
        return self.client().get(f"/api/v1/{path}")

    def post(self, path: str, body: object = None, key: str | None = None) -> Any:
        self.turn += 1
        headers = {"Idempotency-Key": f"turn-{self.turn}" if key is None else key}
        text = body if isinstance(body, str | bytes) else json.dumps(body or {})
        return self.client().post(f"/api/v1/{path}", text, "application/json", headers=headers)


@pytest.fixture
def program() -> Iterator[Program]:
    with at_noon():
        yield Program(cast.noodle_house())


def count(model: Any) -> int:
    with fence.across_shops():
        return int(model.objects.count())


ASK = {
    "amount": 12_500,
    "item": "국수 밀키트 2인",
    "reference": "order-77",
    "success_url": "https://partner.example/thanks?order=77",
    "cancel_url": "https://partner.example/cart",
}


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["code"] == code
    assert {"type", "title", "status", "instance", "retryable"} <= set(said)
    assert answer.headers["X-Request-Id"].startswith("req_")
    return said


def test_a_checkout_is_asked_for_shown_listed_and_cancelled(program: Program) -> None:
    made = program.post("checkouts", ASK)
    assert made.status_code == 201, made.content
    said = made.json()
    assert said["state"] == "open"
    assert said["url"].startswith("http://testserver/pay/")
    assert program.get(f"checkouts/{said['id']}").json() == said
    assert program.get("checkouts?reference=order-77").json()["data"] == [said]
    assert program.post(f"checkouts/{said['id']}/cancellation").json()["state"] == "cancelled"
    problem(program.post("checkouts", {**ASK, "success_url": "http://evil.example"}), 422, "address-not-allowed")
    with fence.across_shops():
        assert list(Event.objects.order_by("id").values_list("kind", flat=True)) == [
            "checkout.opened",
            "checkout.closed",
        ]


def test_the_same_key_is_carried_out_once_and_another_body_writes_nothing(program: Program) -> None:
    first = program.post("checkouts", ASK, key="once")
    again = program.post("checkouts", json.dumps(ASK, indent=3), key="once")
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    problem(program.post("checkouts", {**ASK, "amount": 1_000}, key="once"), 422, "body-changed")
    problem(program.post("webhook-endpoints", {"url": "https://a.example/"}, key="once"), 422, "body-changed")
    assert count(Checkout) == count(Bill) == count(Event) == 1


def test_what_was_refused_leaves_nothing_not_even_the_key(program: Program) -> None:
    problem(
        program.post("checkouts", {**ASK, "cancel_url": "javascript:alert(1)"}, key="k"), 422, "address-not-allowed"
    )
    assert count(Reply) == count(Bill) == 0
    assert program.post("checkouts", ASK, key="k").status_code == 201


def test_a_post_without_a_key_is_refused(program: Program) -> None:
    for key in ("", " ", "a" * 256, "키"):
        problem(program.post("checkouts", ASK, key=key), 422, "key-missing")
    assert count(Bill) == 0


@pytest.mark.django_db(transaction=True)
def test_thirty_two_posts_with_one_key_make_one_checkout(program: Program) -> None:
    answers = at_once(*[lambda: program.post("checkouts", ASK, key="storm")] * 32)
    bodies = {answer.content for answer in answers if answer.status_code == 201}
    assert len(bodies) == 1
    assert {answer.status_code for answer in answers} <= {201, 503}
    assert count(Bill) == count(Checkout) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_bodies_that_race_for_a_key_one_is_written(program: Program) -> None:
    for turn in range(20):
        before = count(Bill)
        answers = at_once(
            *[
                lambda n=n, t=turn: program.post("checkouts", {**ASK, "amount": n}, key=f"race-{t}")
                for n in (1_000, 2_000)
            ]  # type: ignore[misc]
        )
        assert sorted(answer.status_code for answer in answers) == [201, 422]
        assert count(Bill) == before + 1


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_reserved_apart_from_its_effect_would_be_noticed(program: Program) -> None:
    """Control: look first, act, then note: two senders both act."""
    import threading

    both = threading.Barrier(2)

    def naive() -> bool:
        with fence.across_shops():
            free = not Reply.objects.filter(key="naive").exists()
            both.wait(10)
            return free

    assert at_once(naive, naive) == [True, True]


def test_no_key_a_wrong_one_and_a_revoked_one_get_one_answer(program: Program) -> None:
    client = Client(raise_request_exception=False)
    said = problem(client.get("/api/v1/shop"), 401, "key-unknown")
    other = "B" if program.secret.endswith("A") else "A"
    for secret in (program.secret[:-1] + other, "sk_test_zzzzzzzz_" + "a" * 43, "x", "é"):
        wrong = client.get("/api/v1/shop", headers={"Authorization": f"Bearer {secret}"})
        assert problem(wrong, 401, "key-unknown") == said
    assert client.get("/api/v1/shop").headers["WWW-Authenticate"] == "Bearer"
    with fence.across_shops():
        partners.revoke_key(key=program.key, by="staff:test", at=cast.NOON)
    problem(program.get("shop"), 401, "key-unknown")


def test_a_rotated_key_goes_on_for_a_day(program: Program) -> None:
    from datetime import timedelta

    from dure.kit import clock

    with fence.across_shops():
        _, newer = partners.rotate_key(key=program.key, by="staff:test", at=cast.NOON)
    assert program.get("shop").status_code == 200
    old, program.secret = program.secret, newer
    assert program.get("shop").status_code == 200
    with clock.showing(lambda: cast.NOON + timedelta(hours=24)):
        assert program.get("shop").status_code == 200
        program.secret = old
        problem(program.get("shop"), 401, "key-unknown")


def test_a_secret_is_not_in_the_database(program: Program) -> None:
    program.post("webhook-endpoints", {"url": "https://a.example/hook"})
    random = program.secret.rpartition("_")[2]
    with fence.across_shops():
        for model in (ApiKey, Reply, Event):
            for row in model.objects.all():
                assert random not in str(vars(row))
                assert "whsec_" not in str(vars(row))


def test_a_key_does_only_what_it_is_good_for(program: Program) -> None:
    reader = Program(program.shop, [Scope.READ_PAYMENTS])
    assert reader.get("checkouts").status_code == 200
    problem(reader.post("checkouts", ASK), 403, "scope-missing")
    problem(reader.get("orders"), 403, "scope-missing")
    assert count(Bill) == 0


def test_another_shops_things_are_not_there(program: Program) -> None:
    other = Program(cast.zelkova_coffee())
    mine = program.post("checkouts", ASK).json()["id"]
    problem(other.get(f"checkouts/{mine}"), 404, "no-such-checkout")
    problem(other.post(f"checkouts/{mine}/cancellation"), 404, "no-such-checkout")
    assert other.get("checkouts").json()["data"] == []
    assert other.get("events").json()["data"] == []


def test_wrong_bodies_are_told_by_field(program: Program) -> None:
    said = problem(program.post("checkouts", {"amount": "12500", "tip": 1}), 422, "fields-wrong")
    assert {one["pointer"] for one in said["errors"]} == {"/amount", "/tip"}
    problem(program.post("checkouts", "{"), 400, "body-unreadable")
    problem(program.post("checkouts", b"\xff\xfe"), 400, "body-unreadable")
    problem(program.get("checkouts?limit=0"), 422, "fields-wrong")
    problem(program.client().delete("/api/v1/checkouts"), 405, "method-unknown")
    korean = program.client().get("/api/v1/checkouts?limit=0", headers={"Accept-Language": "ko"}).json()["title"]
    assert "올바르지 않은" in korean


def test_pages_follow_one_another_and_hold_everything_once(program: Program) -> None:
    made = [program.post("checkouts", {**ASK, "amount": 1_000 + n}).json()["id"] for n in range(7)]
    found: list[str] = []
    cursor = ""
    while True:
        page = program.get(f"checkouts?limit=3&cursor={cursor}").json()
        found += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]
    assert found == made[::-1]


def test_too_many_requests_are_told_when_to_come_back(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from dure.web.api import door

    monkeypatch.setattr(door, "READS_A_MINUTE", 3)
    answers = [program.get("shop") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[2].headers["RateLimit"] == '"default";r=0'
    assert problem(answers[3], 429, "too-often")["retryable"]
    assert answers[3].headers["Retry-After"] == "60"


@pytest.mark.django_db(transaction=True)
def test_the_hosted_page_pays_returns_and_refunds_in_parts(program: Program, sandbox: Sandbox) -> None:
    made = program.post("checkouts", ASK).json()
    guest = Client(headers={"Accept-Language": "ko"})
    path = made["url"].removeprefix("http://testserver")
    page = guest.get(path)
    assert "국수 밀키트 2인" in page.content.decode()
    assert "12,500원" in page.content.decode()
    to_provider = guest.post(path, {"how": "provider"})
    assert to_provider.status_code == 303
    back = guest.get(sandbox.press(to_provider.headers["Location"]).removeprefix("http://testserver"))
    assert back.status_code == 303
    home = guest.get(back.headers["Location"])
    assert (home.status_code, home.headers["Location"]) == (
        303,
        f"https://partner.example/thanks?order=77&checkout={made['id']}",
    )
    paid = program.get(f"checkouts/{made['id']}").json()
    assert paid["state"] == "paid"
    assert program.get("payments").json()["data"][0]["checkout"] == made["id"]
    refund = program.post(f"payments/{paid['payment']}/refunds", {"amount": 2_500, "reason": "하나 빠짐"}, key="r")
    assert refund.status_code == 201, refund.content
    assert program.post(
        f"payments/{paid['payment']}/refunds", {"amount": 2_500, "reason": "하나 빠짐"}, key="r"
    ).json() == (refund.json())
    problem(program.post(f"payments/{paid['payment']}/refunds", {"amount": 10_001}), 409, "refund-too-much")
    rest = program.post(f"payments/{paid['payment']}/refunds")
    assert rest.json()["amount"] == 10_000
    assert program.get(f"checkouts/{made['id']}").json()["state"] == "returned"
    with fence.across_shops():
        for one in Refund.objects.order_by("id"):
            payments.carry_out_refund(refund=one, at=cast.NOON)
        payment = payment_queries.payment_by_public_id(paid["payment"])
    assert payment.refunded == sandbox.truth()[paid["payment"]]["canceled"] == 12_500
    kinds = [one["type"] for one in program.get(f"events?object={made['id']}").json()["data"]]
    assert kinds == ["checkout.returned", "checkout.returned", "checkout.paid", "checkout.opened"]


def test_stepping_back_leads_to_the_address_that_was_given_and_no_other(program: Program) -> None:
    path = program.post("checkouts", ASK).json()["url"].removeprefix("http://testserver")
    answer = Client().post(f"{path}/leaving", {"cancel_url": "https://evil.example/"})
    assert answer.headers["Location"].startswith("https://partner.example/cart?checkout=chk_")
    plain = program.post("checkouts", {"amount": 1_000}).json()["url"].removeprefix("http://testserver")
    assert Client().post(f"{plain}/leaving").headers["Location"] == plain


def test_a_till_takes_a_guests_code_once(program: Program) -> None:
    with fence.across_shops():
        device, _ = people.remember_device(at=cast.NOON)
        _, digits = checkouts.make_pay_code(device=device, at=cast.NOON)
    taken = program.post("payments", {"amount": 4_500, "code": digits}, key="till")
    assert (taken.status_code, taken.json()["state"]) == (201, "open")
    assert program.post("payments", {"amount": 4_500, "code": digits}, key="till").json() == taken.json()
    problem(program.post("payments", {"amount": 4_500, "code": digits}), 409, "code-used")
    problem(program.post("payments", {"amount": 4_500, "code": "1" * 24}), 422, "code-wrong")
    assert count(Bill) == 1


def test_shop_menu_and_orders_can_be_read(program: Program) -> None:
    assert program.get("shop").json()["name"] == "두레국수"
    assert program.get("menu").json()["sections"][0]["items"]
    assert program.get("orders").json() == {"data": [], "next_cursor": None, "has_more": False}


def test_the_description_names_every_operation_with_its_scope_and_problems() -> None:
    described = Client().get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    operations = [one for methods in described["paths"].values() for one in methods.values()]
    assert len(operations) >= 20
    for operation in operations:
        assert "Scope: `" in operation["description"]
        assert "application/problem+json" in operation["responses"]["404"]["content"]


# Audiences


def test_an_audience_is_counted_in_the_look_alike_and_among_friends(program: Program) -> None:
    said = program.get("audiences/count?definition=sex:f").json()
    assert said["counted_in"] == "twin"
    everybody = program.get("audiences/count?definition=sex:f,m").json()
    assert 0 < said["people"] < everybody["people"]
    here = program.get("audiences/count?definition=region:서울-마포구").json()
    assert here["definition"] == "region:Seoul-Mapo-gu"
    assert program.get("audiences/count?definition=region:seoul-mapo-gu").json() == here
    own = program.get("audiences/count?definition=relation:friend").json()
    assert own["counted_in"] == "friends"


def test_a_definition_that_cannot_be_understood_says_where(program: Program) -> None:
    said = problem(program.get("audiences/count?definition=colour:red"), 422, "bad-definition")
    assert said["errors"][0]["pointer"]


def test_counting_has_a_scope_of_its_own() -> None:
    with at_noon():
        program = Program(cast.noodle_house(), scopes=[Scope.READ_SHOP])
        assert program.get("audiences/count?definition=sex:f").status_code == 403
