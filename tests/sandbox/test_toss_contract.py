"""The practice Toss keeps the contract of the real one: addresses, headers, keys for repeating, codes and money."""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.provider import Sandbox

KEY = "test_sk_sandbox"


def basic(key: str = KEY) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}


class Toss:
    """What a shop's server asks."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = httpx.Client(base_url=f"{sandbox.url}/toss/v1", headers=basic(), trust_env=False)
        self.order = 0

    def post(self, path: str, *, key: str = "", **said: object) -> httpx.Response:
        return self.http.post(path, json=said, headers={"Idempotency-Key": key} if key else {})

    def create(self, **changed: object) -> httpx.Response:
        self.order += 1
        said = {
            "method": "CARD",
            "amount": 12_000,
            "orderId": f"order-{id(self)}-{self.order}",
            "orderName": "잔치국수 외 1건",
            "successUrl": "http://127.0.0.1:1/hooks/toss/pay_1/success",
            "failUrl": "http://127.0.0.1:1/hooks/toss/pay_1/fail",
            **changed,
        }
        return self.post("/payments", **{name: value for name, value in said.items() if value is not None})

    def agreed(self) -> dict[str, Any]:
        made: dict[str, Any] = self.create().json()
        self.sandbox.press(made["checkout"]["url"])
        return made

    def paid(self) -> dict[str, Any]:
        made = self.agreed()
        answer = self.confirm(made)
        assert answer.status_code == 200, answer.text
        done: dict[str, Any] = answer.json()
        return done

    def confirm(self, made: dict[str, Any], *, key: str = "", **changed: object) -> httpx.Response:
        said = {"paymentKey": made["paymentKey"], "orderId": made["orderId"], "amount": made["totalAmount"], **changed}
        return self.post("/payments/confirm", key=key, **said)

    def cancel(self, made: dict[str, Any], *, key: str = "", **said: object) -> httpx.Response:
        return self.post(f"/payments/{made['paymentKey']}/cancel", key=key, **said)


@pytest.fixture
def toss(sandbox: Sandbox) -> Iterator[Toss]:
    sandbox.webhooks()  # kept here: nobody listens
    asks = Toss(sandbox)
    yield asks
    asks.http.close()


def refused(answer: httpx.Response) -> tuple[int, str]:
    said = answer.json()
    assert set(said) == {"code", "message"}
    return answer.status_code, said["code"]


def test_a_payment_goes_from_ready_by_agreement_to_done(toss: Toss) -> None:
    made = toss.create().json()
    assert (made["status"], made["version"], made["type"], made["currency"]) == ("READY", "2022-11-16", "NORMAL", "KRW")
    back = urlsplit(toss.sandbox.press(made["checkout"]["url"]))
    assert parse_qs(back.query) == {
        "paymentType": ["NORMAL"],
        "orderId": [made["orderId"]],
        "paymentKey": [made["paymentKey"]],
        "amount": ["12000"],
    }
    assert toss.http.get(f"/payments/{made['paymentKey']}").json()["status"] == "IN_PROGRESS"
    done = toss.confirm(made).json()
    assert (done["status"], done["balanceAmount"], done["suppliedAmount"] + done["vat"]) == ("DONE", 12_000, 12_000)
    assert done["approvedAt"]
    assert toss.http.get(f"/payments/orders/{made['orderId']}").json() == done


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({}, "INCORRECT_BASIC_AUTH_FORMAT"),
        ({"Authorization": f"Bearer {KEY}"}, "INCORRECT_BASIC_AUTH_FORMAT"),
        ({"Authorization": f"Basic {KEY}"}, "INCORRECT_BASIC_AUTH_FORMAT"),
        ({"Authorization": f"Basic {base64.b64encode(KEY.encode()).decode()}"}, "INCORRECT_BASIC_AUTH_FORMAT"),
        (basic("live_sk_real"), "UNAUTHORIZED_KEY"),
    ],
)
def test_the_key_comes_as_basic_with_a_colon(sandbox: Sandbox, header: dict[str, str], code: str) -> None:
    answer = httpx.get(f"{sandbox.url}/toss/v1/payments/none", headers=header, trust_env=False)
    assert refused(answer) == (401, code)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amount": 99}, "BELOW_MINIMUM_AMOUNT"),
        ({"amount": "12000"}, "INVALID_REQUEST"),
        ({"orderId": "short"}, "INVALID_ORDER_ID"),
        ({"orderId": "국수-주문-1"}, "INVALID_ORDER_ID"),
        ({"taxFreeAmount": 12_001}, "INVALID_REQUEST"),
        ({"successUrl": "javascript:x"}, "INVALID_REQUEST"),
        ({"failUrl": None}, "INVALID_REQUEST"),
    ],
)
def test_what_cannot_be_a_payment_is_refused(toss: Toss, changed: dict[str, object], code: str) -> None:
    assert refused(toss.create(**changed)) == (400, code)


def test_confirm_checks_order_and_amount_and_moves_money_once(toss: Toss) -> None:
    made = toss.agreed()
    assert refused(toss.confirm(made, amount=11_999)) == (400, "INVALID_REQUEST")
    assert refused(toss.confirm(made, orderId="order-other")) == (400, "INVALID_REQUEST")
    assert refused(toss.confirm(made, paymentKey="tgen_none")) == (404, "NOT_FOUND_PAYMENT_SESSION")
    assert toss.confirm(made).json()["status"] == "DONE"
    assert refused(toss.confirm(made)) == (400, "ALREADY_PROCESSED_PAYMENT")
    assert toss.sandbox.truth()[made["orderId"]]["approvals"] == 1


def test_nobody_agreed_nothing_is_confirmed(toss: Toss) -> None:
    assert refused(toss.confirm(toss.create().json())) == (404, "NOT_FOUND_PAYMENT_SESSION")


def test_a_key_gives_the_first_answer_again_also_where_it_was_an_error(toss: Toss) -> None:
    made = toss.agreed()
    first = toss.confirm(made, key="k-1")
    assert toss.confirm(made, key="k-1").json() == first.json()
    assert refused(toss.confirm(made, key="k-2")) == (400, "ALREADY_PROCESSED_PAYMENT")
    done = first.json()
    too_much = toss.cancel(done, key="c-1", cancelReason="x", cancelAmount=12_001)
    assert refused(too_much) == (403, "NOT_CANCELABLE_AMOUNT")
    assert toss.cancel(done, key="c-1", cancelReason="x", cancelAmount=100).json() == too_much.json()
    once = toss.cancel(done, key="c-2", cancelReason="x", cancelAmount=5_000).json()
    assert toss.cancel(done, key="c-2", cancelReason="x", cancelAmount=5_000).json() == once
    assert toss.sandbox.truth()[made["orderId"]]["canceled"] == 5_000
    assert refused(toss.cancel(done, key="x" * 301, cancelReason="x"))[1] == "INVALID_IDEMPOTENCY_KEY"


def test_a_key_belongs_to_its_address(toss: Toss) -> None:
    one, other = toss.paid(), toss.paid()
    assert toss.cancel(one, key="same", cancelReason="x").json()["paymentKey"] == one["paymentKey"]
    assert toss.cancel(other, key="same", cancelReason="x").json()["paymentKey"] == other["paymentKey"]


def test_while_the_first_is_running_the_second_is_told_so(toss: Toss) -> None:
    made = toss.agreed()
    toss.sandbox.faults(toss_confirm={"kind": "processing", "count": 1})
    assert refused(toss.confirm(made, key="k")) == (409, "IDEMPOTENT_REQUEST_PROCESSING")
    assert toss.confirm(made, key="k").json()["status"] == "DONE"


def test_cancels_add_up_with_their_reasons_and_end(toss: Toss) -> None:
    done = toss.paid()
    assert refused(toss.cancel(done)) == (400, "INVALID_REQUEST")
    part = toss.cancel(done, cancelReason="품절", cancelAmount=4_000).json()
    assert (part["status"], part["balanceAmount"]) == ("PARTIAL_CANCELED", 8_000)
    whole = toss.cancel(done, cancelReason="손님이 원해서").json()
    assert (whole["status"], whole["balanceAmount"]) == ("CANCELED", 0)
    assert [(one["cancelAmount"], one["cancelReason"]) for one in whole["cancels"]] == [
        (4_000, "품절"),
        (8_000, "손님이 원해서"),
    ]
    assert refused(toss.cancel(done, cancelReason="x")) == (400, "ALREADY_CANCELED_PAYMENT")
    assert refused(toss.cancel(toss.agreed(), cancelReason="x")) == (403, "NOT_CANCELABLE_PAYMENT")


@pytest.mark.parametrize(("button", "code"), [("cancel", "PAY_PROCESS_CANCELED"), ("fail", "REJECT_CARD_COMPANY")])
def test_who_leaves_comes_back_with_their_code_and_cannot_be_charged(toss: Toss, button: str, code: str) -> None:
    made = toss.create().json()
    back = parse_qs(urlsplit(toss.sandbox.press(made["checkout"]["url"], button)).query)
    assert (back["code"], back["orderId"]) == ([code], [made["orderId"]])
    assert refused(toss.confirm(made)) == (404, "NOT_FOUND_PAYMENT_SESSION")


def test_what_nobody_knows_is_not_found(toss: Toss) -> None:
    for path in ("/payments/tgen_none", "/payments/orders/order-none"):
        assert refused(toss.http.get(path)) == (404, "NOT_FOUND_PAYMENT")


def test_webhooks_carry_the_whole_payment_and_no_signature(toss: Toss) -> None:
    done = toss.paid()
    toss.cancel(done, cancelReason="x")
    mine = [one for one in toss.sandbox.webhooks() if one["data"]["paymentKey"] == done["paymentKey"]]
    assert [(one["eventType"], one["data"]["status"]) for one in mine] == [
        ("PAYMENT_STATUS_CHANGED", "IN_PROGRESS"),
        ("PAYMENT_STATUS_CHANGED", "DONE"),
        ("CANCEL_STATUS_CHANGED", "CANCELED"),
    ]
    assert all(set(one) == {"eventType", "createdAt", "data"} for one in mine)
