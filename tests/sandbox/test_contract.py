"""The practice provider keeps the contract of the real one: fields, checks, codes and money."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.provider import Sandbox

READY: dict[str, Any] = {
    "cid": "TC0ONETIME",
    "partner_order_id": "order-1",
    "partner_user_id": "person-1",
    "item_name": "잔치국수 <b>외</b> 1개",
    "quantity": 1,
    "total_amount": 12_000,
    "tax_free_amount": 1_000,
    "approval_url": "http://192.168.0.7:8000/hooks/a",
    "cancel_url": "http://192.168.0.7:8000/hooks/c",
    "fail_url": "http://192.168.0.7:8000/hooks/f",
}
KEY = {"Authorization": "SECRET_KEY DEV-TEST"}


@pytest.fixture
def call(sandbox: Sandbox) -> Any:
    def call(name: str, **said: Any) -> httpx.Response:
        return httpx.post(f"{sandbox.url}/online/v1/payment/{name}", json=said, headers=KEY, trust_env=False)

    return call


@pytest.fixture
def opened(call: Any) -> dict[str, Any]:
    prepared: dict[str, Any] = call("ready", **READY).json()
    return prepared


def approval(opened: dict[str, Any], token: str, **changed: Any) -> dict[str, Any]:
    named = {"cid": "TC0ONETIME", "tid": opened["tid"], "partner_order_id": "order-1", "partner_user_id": "person-1"}
    return {**named, "pg_token": token, **changed}


def refused(response: httpx.Response) -> int:
    assert response.status_code in (400, 401)
    code: int = response.json()["error_code"]
    return code


def test_ready_gives_a_tid_of_twenty_and_a_page_that_a_phone_can_reach(
    opened: dict[str, Any], sandbox: Sandbox
) -> None:
    assert re.fullmatch(r"T[0-9a-f]{19}", opened["tid"])
    page = urlsplit(opened["next_redirect_mobile_url"])
    assert page.hostname == "192.168.0.7", "the host through which the phone reached the shop"
    assert page.port == urlsplit(sandbox.url).port
    assert set(opened) >= {"next_redirect_app_url", "next_redirect_pc_url", "android_app_scheme", "ios_app_scheme"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cid": "C123456789"}, -731),
        ({"cid": None}, -2),
        ({"partner_order_id": ""}, -2),
        ({"partner_order_id": "x" * 101}, -2),
        ({"partner_user_id": 7}, -2),
        ({"item_name": "\x00"}, -2),
        ({"total_amount": 0}, -703),
        ({"total_amount": -1}, -2),
        ({"total_amount": 2**63}, -2),
        ({"total_amount": "12000"}, -2),
        ({"total_amount": True}, -2),
        ({"total_amount": 12_000.0}, -2),
        ({"tax_free_amount": 12_001}, -703),
        ({"vat_amount": 11_001}, -703),
        ({"approval_url": "javascript:alert(1)"}, -2),
        ({"approval_url": "http://h/" + "x" * 250}, -2),
        ({"approval_url": "http://[/"}, -2),
    ],
)
def test_ready_refuses_what_the_contract_does_not_allow(call: Any, change: dict[str, Any], code: int) -> None:
    assert refused(call("ready", **{**READY, **change})) == code


@pytest.mark.parametrize("key", ["", "DEV-TEST", "KakaoAK x", "SECRET_KEY PRD-REAL"])
def test_only_a_key_for_development_opens_it(sandbox: Sandbox, key: str) -> None:
    response = httpx.post(
        f"{sandbox.url}/online/v1/payment/ready", json=READY, headers={"Authorization": key}, trust_env=False
    )
    assert (response.status_code, response.json()["error_code"]) == (401, -401)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff"])
def test_what_is_no_json_object_is_refused(sandbox: Sandbox, body: bytes) -> None:
    response = httpx.post(f"{sandbox.url}/online/v1/payment/order", content=body, headers=KEY, trust_env=False)
    assert refused(response) == -2


def test_money_moves_only_after_the_person_agreed_and_only_once(
    call: Any, opened: dict[str, Any], sandbox: Sandbox
) -> None:
    assert refused(call("approve", **approval(opened, "guess"))) == -701
    token = sandbox.agree(opened["next_redirect_mobile_url"])
    for change, code in (
        ({"partner_order_id": "order-2"}, -706),
        ({"partner_user_id": "person-2"}, -707),
        ({"pg_token": "wrong"}, -708),
        ({"total_amount": 11_999}, -722),
        ({"tid": "T" + "0" * 19}, -721),
    ):
        assert refused(call("approve", **approval(opened, token, **change))) == code
    done = call("approve", **approval(opened, token)).json()
    assert done["amount"] == {
        "total": 12_000, "tax_free": 1_000, "vat": 1_000, "point": 0, "discount": 0, "green_deposit": 0,
    }  # fmt: skip
    assert refused(call("approve", **approval(opened, token))) == -702
    assert call("order", cid="TC0ONETIME", tid=opened["tid"]).json()["status"] == "SUCCESS_PAYMENT"


def test_money_goes_back_in_parts_and_never_more_than_there_is(
    call: Any, opened: dict[str, Any], sandbox: Sandbox
) -> None:
    def cancel(amount: int, tax_free: int = 0, **more: Any) -> httpx.Response:
        response: httpx.Response = call(
            "cancel", cid="TC0ONETIME", tid=opened["tid"], cancel_amount=amount, cancel_tax_free_amount=tax_free, **more
        )
        return response

    assert refused(cancel(1_000)) == -783
    call("approve", **approval(opened, sandbox.agree(opened["next_redirect_mobile_url"])))
    assert refused(cancel(12_001)) == -710
    assert refused(cancel(0)) == -710
    assert refused(cancel(2_000, 1_001)) == -710
    part = cancel(5_000, 500, cancel_available_amount=12_000).json()
    assert (part["status"], part["approved_cancel_amount"]["vat"]) == ("PART_CANCEL_PAYMENT", 409)
    assert part["cancel_available_amount"]["total"] == 7_000
    stale = cancel(5_000, 500, cancel_available_amount=12_000)
    assert (refused(stale), stale.json()["extras"]["method_result_code"]) == (-782, "INVALID_CANCEL_AMOUNT")
    rest = cancel(7_000, 500, cancel_available_amount=7_000).json()
    assert rest["status"] == "CANCEL_PAYMENT"
    assert rest["canceled_amount"] == rest["amount"]
    assert refused(cancel(1)) == -710


@pytest.mark.parametrize(("button", "status"), [("cancel", "QUIT_PAYMENT"), ("fail", "FAIL_PAYMENT")])
def test_who_steps_back_is_sent_back_and_cannot_pay_any_more(
    call: Any, opened: dict[str, Any], sandbox: Sandbox, button: str, status: str
) -> None:
    page = opened["next_redirect_mobile_url"]
    assert sandbox.press(page, button) == READY[f"{button}_url"]
    assert call("order", cid="TC0ONETIME", tid=opened["tid"]).json()["status"] == status
    assert sandbox.press(page) == READY["fail_url"]
    assert refused(call("approve", **approval(opened, "any"))) == -723


def test_pressing_twice_gives_the_same_token(opened: dict[str, Any], sandbox: Sandbox) -> None:
    page = opened["next_redirect_mobile_url"]
    assert parse_qs(urlsplit(sandbox.press(page)).query) == parse_qs(urlsplit(sandbox.press(page)).query)


def test_an_unknown_call_or_page_is_not_found(call: Any, sandbox: Sandbox) -> None:
    assert call("manage").status_code == 404
    assert httpx.get(f"{sandbox.url}/pay/T0", trust_env=False).status_code == 404
    assert httpx.post(f"{sandbox.url}/pay/T0/approval", trust_env=False).status_code == 404
