"""The client against a server that may answer anything: it never raises, and never believes what is not proven."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.payments.providers.kakaopay import words
from dure.payments.providers.kakaopay.client import KakaoPay
from dure.payments.values import Amount, Outcome, Standing, Terms

TERMS = Terms(public_id="pay_1", payer="device-1", item_name="국수", amount=Amount(12_000, 0, 1_090), provider_key="T1")
APPROVED = {"tid": "T1", "partner_order_id": "pay_1", "amount": {"total": 12_000}}
ORDERED = {**APPROVED, "status": "SUCCESS_PAYMENT", "canceled_amount": {"total": 0}}
CANCELLED = {"tid": "T1", "approved_cancel_amount": {"total": 500}}


class Scripted:
    """What the server says next, and what it was asked."""

    status, body, location = 200, b"{}", ""
    asked: list[tuple[str, dict[str, str], Any]]

    def __init__(self, url: str) -> None:
        self.url, self.asked = url, []

    def says(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def script() -> Iterator[Scripted]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            said = self.rfile.read(int(self.headers["Content-Length"]))
            script.asked.append((self.path, dict(self.headers), json.loads(said)))
            self.send_response(script.status)
            if script.location:
                self.send_header("Location", script.location)
            self.send_header("Content-Length", str(len(script.body)))
            self.end_headers()
            self.wfile.write(script.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script = Scripted(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield script
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture(scope="module")
def kakaopay(script: Scripted) -> Iterator[KakaoPay]:
    client = KakaoPay(script.url, "TC0ONETIME", "DEV-KEY", 2.0)
    yield client
    client.close()


def test_it_speaks_the_contract(script: Scripted, kakaopay: KakaoPay) -> None:
    script.asked.clear()
    script.says(200, {"tid": "T1", "next_redirect_mobile_url": "https://pay.example/T1"})
    answer = kakaopay.ready(TERMS, origin="https://dure.example")
    assert (answer.outcome, answer.provider_key, answer.redirect_url) == (Outcome.DONE, "T1", "https://pay.example/T1")
    path, headers, said = script.asked[0]
    assert path == "/online/v1/payment/ready"
    assert headers["Authorization"] == "SECRET_KEY DEV-KEY"
    assert headers["Content-Type"] == "application/json"
    assert said == {
        "cid": "TC0ONETIME",
        "partner_order_id": "pay_1",
        "partner_user_id": "device-1",
        "item_name": "국수",
        "quantity": 1,
        "total_amount": 12_000,
        "tax_free_amount": 0,
        "vat_amount": 1_090,
        "approval_url": "https://dure.example/hooks/kakaopay/pay_1/approval",
        "cancel_url": "https://dure.example/hooks/kakaopay/pay_1/cancel",
        "fail_url": "https://dure.example/hooks/kakaopay/pay_1/fail",
    }


def test_only_an_answer_about_this_payment_and_sum_is_done(script: Scripted, kakaopay: KakaoPay) -> None:
    script.says(200, APPROVED)
    assert kakaopay.approve(TERMS, token="t").outcome is Outcome.DONE
    for change in ({"tid": "T2"}, {"partner_order_id": "pay_2"}, {"amount": {"total": 11_999}}, {"amount": 12_000}):
        script.says(200, {**APPROVED, **change})
        assert kakaopay.approve(TERMS, token="t").outcome is Outcome.UNKNOWN
    script.says(200, CANCELLED)
    assert kakaopay.cancel(TERMS, amount=500, tax_free=0, available=12_000).outcome is Outcome.DONE
    assert kakaopay.cancel(TERMS, amount=501, tax_free=0, available=12_000).outcome is Outcome.UNKNOWN


def test_what_was_returned_is_read_from_the_providers_truth(script: Scripted, kakaopay: KakaoPay) -> None:
    script.says(200, {**ORDERED, "status": "PART_CANCEL_PAYMENT", "canceled_amount": {"total": 2_000}})
    truth = kakaopay.order(TERMS)
    assert (truth.standing, truth.total, truth.refunded, truth.counted) == (Standing.PAID, 12_000, 2_000, 10_000)


@pytest.mark.parametrize("status", sorted(words.STANDINGS))
def test_every_documented_state_is_understood(script: Scripted, kakaopay: KakaoPay, status: str) -> None:
    script.says(200, {**ORDERED, "status": status})
    assert kakaopay.order(TERMS).standing is words.STANDINGS[status]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429])
@pytest.mark.parametrize("code", [-1, -702, -783, -784, -785, -9798, -99999, "-722", None])
def test_an_error_that_proves_nothing_is_unknown(script: Scripted, kakaopay: KakaoPay, status: int, code: Any) -> None:
    script.says(status, {"error_code": code, "error_message": "?"})
    assert kakaopay.approve(TERMS, token="t").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("code", sorted(words.REFUSED))
def test_a_documented_refusal_counts_only_with_a_clients_error(script: Scripted, kakaopay: KakaoPay, code: int) -> None:
    script.says(400, {"error_code": code, "error_message": "no"})
    assert kakaopay.approve(TERMS, token="t").outcome is Outcome.REFUSED
    for status in (200, 302, 500, 503):
        script.says(status, {"error_code": code, "error_message": "no"})
        assert kakaopay.approve(TERMS, token="t").outcome is Outcome.UNKNOWN


def test_a_redirect_is_never_followed(script: Scripted, kakaopay: KakaoPay) -> None:
    script.asked.clear()
    script.says(307, APPROVED)
    script.location = f"{script.url}/elsewhere"
    try:
        assert kakaopay.approve(TERMS, token="t").outcome is Outcome.UNKNOWN
    finally:
        script.location = ""
    assert [path for path, _, _ in script.asked] == ["/online/v1/payment/approve"]


def test_the_cards_details_are_not_kept(script: Scripted, kakaopay: KakaoPay) -> None:
    script.says(200, {**APPROVED, "aid": "A1", "card_info": {"bin": "621640"}})
    assert kakaopay.approve(TERMS, token="t").detail == {"aid": "A1"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "tid", "status", "amount", "canceled_amount", "error_code", "extras", "error_message", "aid",
        "partner_order_id", "next_redirect_mobile_url", "approved_cancel_amount",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(status=st.sampled_from([200, 201, 400, 401, 404, 500, 503]), changed=st.dictionaries(FIELDS, JSON, max_size=4))
def test_no_answer_makes_it_raise_or_believe(
    script: Scripted, kakaopay: KakaoPay, status: int, changed: dict[str, Any]
) -> None:
    script.says(status, {**ORDERED, **changed})
    approved = kakaopay.approve(TERMS, token="t")
    proven = (
        status == 200 and {**ORDERED, **changed}["tid"] == "T1" and changed.get("partner_order_id", "pay_1") == "pay_1"
    )
    assert (approved.outcome is Outcome.DONE) <= proven
    assert "\x00" not in json.dumps([approved.code, approved.detail])
    script.says(status, changed)
    assert kakaopay.ready(TERMS, origin="http://h").outcome is not Outcome.DONE or status == 200
    assert kakaopay.order(TERMS).standing is not Standing.PAID or status == 200
    assert kakaopay.cancel(TERMS, amount=1, tax_free=0, available=1).outcome is not Outcome.DONE or status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000, b"<html>"])
@pytest.mark.parametrize("status", [200, 400, 502])
def test_what_is_no_json_object_proves_nothing(script: Scripted, kakaopay: KakaoPay, status: int, body: bytes) -> None:
    script.says(status, body)
    assert kakaopay.approve(TERMS, token="t").outcome is Outcome.UNKNOWN
    assert kakaopay.order(TERMS).standing is Standing.UNKNOWN
