"""The browser comes back from Kakao Pay: one action, then to where it came from. A redirect alone proves nothing."""

import pytest
from django.test import Client

from dure.payments import actions as payments
from dure.payments.models import Payment
from dure.payments.values import Amount, PaymentState
from tests.races import at_once
from tests.rooms.payments.conftest import AT, Payer

pytestmark = pytest.mark.django_db


def state(payment: Payment) -> str:
    payment.refresh_from_db()
    return payment.state


def path(payment: Payment, end: str) -> str:
    return f"/hooks/kakaopay/{payment.public_id}/{end}"


def test_the_address_that_the_provider_was_given_is_the_one_that_answers(client: Client, payer: Payer) -> None:
    payment = payer.opens()
    back = payer.sandbox.press(payment.redirect_url).removeprefix("http://127.0.0.1:8000")
    response = client.get(back)
    assert (response.status_code, response["Location"]) == (303, payment.return_path)
    assert state(payment) == PaymentState.APPROVED


@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_who_stepped_back_returns_to_the_order(client: Client, payer: Payer, end: str) -> None:
    payment = payer.opens()
    back = payer.sandbox.press(payment.redirect_url, end).removeprefix("http://127.0.0.1:8000")
    for _ in range(2):
        response = client.get(back)
        assert (response.status_code, response["Location"]) == (303, payment.return_path)
    assert state(payment) == PaymentState.FAILED


@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_going_back_in_the_browser_after_paying_changes_nothing(client: Client, payer: Payer, end: str) -> None:
    payment = payer.pays()
    assert client.get(path(payment, end))["Location"] == payment.return_path
    assert state(payment) == PaymentState.APPROVED


def test_a_lost_answer_sends_the_person_to_the_order_that_says_so(client: Client, payer: Payer) -> None:
    payment = payer.opens()
    token = payer.agrees(payment)
    payer.sandbox.faults(approve={"kind": "timeout_after", "count": 1})
    response = client.get(path(payment, "approval"), {"pg_token": token})
    assert (response.status_code, state(payment)) == (303, PaymentState.APPROVING)
    assert client.get(path(payment, "cancel")).status_code == 303
    assert state(payment) == PaymentState.APPROVING


@pytest.mark.parametrize("token", ["", " ", "x" * 201, "토큰", "a\nb", "a\x00b"])
def test_a_token_that_cannot_be_one_is_refused_before_anything_happens(
    client: Client, payer: Payer, token: str
) -> None:
    payment = payer.opens()
    response = client.get(path(payment, "approval"), {"pg_token": token}, headers={"Accept": "application/json"})
    assert response.status_code == 422
    assert state(payment) == PaymentState.READY


def test_a_token_of_another_payment_pays_neither(client: Client, payer: Payer) -> None:
    mine, other = payer.opens(), payer.opens()
    response = client.get(path(mine, "approval"), {"pg_token": payer.agrees(other)})
    assert response.status_code == 303
    assert (state(mine), state(other)) == (PaymentState.READY, PaymentState.READY)


@pytest.mark.parametrize("public_id", ["pay_" + "0" * 26, "ord_" + "0" * 26, "nothing", "pay_%00"])
@pytest.mark.parametrize("end", ["approval?pg_token=t", "cancel", "fail"])
def test_an_unknown_payment_is_not_found(client: Client, public_id: str, end: str) -> None:
    assert client.get(f"/hooks/kakaopay/{public_id}/{end}").status_code in (404, 422)


def test_money_taken_at_the_counter_is_no_payment_of_kakao_pay(client: Client) -> None:
    payment = payments.settle_at_counter(
        reference="b", amount=Amount(1_000, 0, 91), item_name="국수", payer="counter", payee="shop:a",
        key="k", by="staff:p", at=AT,
    )  # fmt: skip
    assert client.get(path(payment, "cancel")).status_code == 404


@pytest.mark.parametrize("end", ["approval", "cancel", "fail"])
def test_only_a_browser_that_follows_a_redirect_is_answered(client: Client, payer: Payer, end: str) -> None:
    payment = payer.opens()
    assert client.post(path(payment, end)).status_code == 405
    assert state(payment) == PaymentState.READY


@pytest.mark.django_db(transaction=True)
def test_the_same_redirect_ten_times_at_once_pays_once(payer: Payer) -> None:
    payment = payer.opens()
    token = payer.agrees(payment)
    answers = at_once(*[lambda: Client().get(path(payment, "approval"), {"pg_token": token}).status_code] * 10)
    assert answers == [303] * 10
    assert state(payment) == PaymentState.APPROVED
    assert payer.truth(payment)["approvals"] == 1
