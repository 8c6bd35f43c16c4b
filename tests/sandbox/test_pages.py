"""The pages where a person presses pay, cancel or fail, and where an engineer sets faults."""

import httpx
import pytest

from tests.provider import Sandbox
from tests.sandbox.test_contract import KEY, READY


@pytest.fixture
def page(sandbox: Sandbox) -> str:
    ready = httpx.post(f"{sandbox.url}/online/v1/payment/ready", json=READY, headers=KEY, trust_env=False).json()
    return f"{sandbox.url}/pay/{ready['tid']}"


def test_the_page_says_what_is_paid_and_that_no_real_money_moves(page: str) -> None:
    response = httpx.get(page, trust_env=False)
    assert "12,000" in response.text
    assert "진짜 돈은 움직이지 않아요" in response.text
    assert "No real money moves" in response.text
    assert "<b>" not in response.text
    assert "잔치국수 &lt;b&gt;외&lt;/b&gt; 1개" in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "<script" not in response.text
    assert "style=" not in response.text


def test_a_payment_that_is_over_offers_no_button(sandbox: Sandbox, page: str) -> None:
    sandbox.press(page, "cancel")
    text = httpx.get(page, trust_env=False).text
    assert "<button" not in text
    assert "취소함" in text


def test_the_desk_shows_payments_and_sets_faults(sandbox: Sandbox, page: str) -> None:
    desk = httpx.get(f"{sandbox.url}/", trust_env=False).text
    assert page.removeprefix(sandbox.url) in desk
    chosen = {"call": "approve", "kind": "timeout_after", "count": "2"}
    assert httpx.post(f"{sandbox.url}/faults", data=chosen, trust_env=False).status_code == 303
    assert sandbox.faults()["set"] == {"approve": {"kind": "timeout_after", "count": 2, "seconds": 30.0}}
    assert "처리 후 무응답" in httpx.get(f"{sandbox.url}/", trust_env=False).text
    httpx.post(f"{sandbox.url}/faults", data={**chosen, "kind": ""}, trust_env=False)
    assert sandbox.faults()["set"] == {}


@pytest.mark.parametrize(
    "wanted",
    [
        {"pay": {"kind": "slow"}},
        {"approve": {"kind": "lost"}},
        {"approve": {"kind": "slow", "count": 0}},
        {"approve": {"kind": "slow", "seconds": -1}},
        {"approve": {"kind": "slow", "seconds": 10**6}},
        {"approve": "slow"},
        ["approve"],
    ],
)
def test_a_fault_that_is_none_is_refused_and_changes_nothing(sandbox: Sandbox, wanted: object) -> None:
    response = httpx.post(f"{sandbox.url}/sandbox/faults", json=wanted, trust_env=False)
    assert response.status_code == 422
    assert sandbox.faults()["set"] == {}


def test_a_fault_happens_as_often_as_it_was_set(sandbox: Sandbox) -> None:
    before = sandbox.faults()["happened"].get("ready error_5xx_before", 0)
    sandbox.faults(ready={"kind": "error_5xx_before", "count": 2})
    answers = [
        httpx.post(f"{sandbox.url}/online/v1/payment/ready", json=READY, headers=KEY, trust_env=False) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [500, 500, 200]
    assert sandbox.faults()["happened"]["ready error_5xx_before"] == before + 2
