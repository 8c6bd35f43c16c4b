"""The browser and the webhooks of Toss: what they say is compared, asked about, and never believed."""

import itertools
import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from dure.payments import jobs as payment_jobs
from dure.payments.models import Payment
from dure.payments.values import PaymentState
from tests.rooms.payments.conftest import Payer

pytestmark = pytest.mark.django_db
WEBHOOK = "/hooks/toss/webhook"


def state(payment: Payment) -> str:
    payment.refresh_from_db()
    return payment.state


def told(client: Client, event: object) -> int:
    return client.post(WEBHOOK, json.dumps(event), content_type="application/json").status_code


def hinted() -> list[int]:
    waiting = ProcrastinateJob.objects.filter(task_name="payments.check")
    return [job.args["payment_id"] for job in waiting.order_by("id")]


def test_the_address_that_toss_was_given_is_the_one_that_answers(client: Client, payer: Payer) -> None:
    payment = payer.opens(provider="toss")
    back = payer.sandbox.press(payment.redirect_url).removeprefix("http://127.0.0.1:8000")
    response = client.get(back)
    assert (response.status_code, response["Location"]) == (303, payment.return_path)
    assert state(payment) == PaymentState.APPROVED


@pytest.mark.parametrize(
    "forged",
    [{"amount": "1"}, {"amount": ""}, {"amount": "12000.0"}, {"orderId": "pay_" + "0" * 26}, {"orderId": ""}, {"paymentKey": ""}, {"paymentKey": "a b"}],
)  # fmt: skip
def test_an_address_that_speaks_of_another_payment_or_sum_is_refused(
    client: Client, payer: Payer, forged: dict[str, str]
) -> None:
    payment = payer.opens(provider="toss")
    back = urlsplit(payer.sandbox.press(payment.redirect_url))
    fields = {name: values[0] for name, values in parse_qs(back.query).items()}
    response = client.get(f"{back.path}?{urlencode({**fields, **forged})}", headers={"Accept": "application/json"})
    assert (response.status_code, state(payment)) == (422, PaymentState.READY)


@pytest.mark.parametrize(("button", "reason"), [("cancel", "cancelled"), ("fail", "toss REJECT_CARD_COMPANY")])
def test_who_stepped_back_returns_to_the_order(client: Client, payer: Payer, button: str, reason: str) -> None:
    payment = payer.opens(provider="toss")
    back = payer.sandbox.press(payment.redirect_url, button).removeprefix("http://127.0.0.1:8000")
    for _ in range(2):
        assert client.get(back)["Location"] == payment.return_path
    assert (state(payment), payment.reason) == (PaymentState.FAILED, reason)


def test_a_payment_of_another_provider_is_not_found_here(client: Client, payer: Payer) -> None:
    payment = payer.opens()
    assert client.get(f"/hooks/toss/{payment.public_id}/fail").status_code == 404
    assert told(client, {"data": {"orderId": payment.public_id}}) == 404


def test_webhooks_in_every_order_twice_early_and_late_end_in_one_truth(client: Client, payer: Payer) -> None:
    seen = len(payer.sandbox.webhooks())
    payment = payer.opens(provider="toss")
    back = payer.sandbox.press(payment.redirect_url).removeprefix("http://127.0.0.1:8000")
    early = payer.sandbox.webhooks()[seen:]
    assert [told(client, event) for event in early] == [200]
    assert hinted() == [payment.pk]
    payment_jobs.check(payment_id=payment.pk)
    assert state(payment) == PaymentState.READY
    client.get(back)
    events = payer.sandbox.webhooks()[seen:]
    for order in itertools.permutations([*events, *events]):
        assert [told(client, event) for event in order] == [200] * 4
        payment_jobs.check(payment_id=payment.pk)
    assert (state(payment), payer.truth(payment)["approvals"]) == (PaymentState.APPROVED, 1)
    assert hinted() == [payment.pk], "a storm of hints is one question"


def test_a_forged_webhook_pays_nothing(client: Client, payer: Payer) -> None:
    payment = payer.opens(provider="toss")
    forged = {"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": payment.public_id, "status": "DONE", "totalAmount": 12_000}}  # fmt: skip
    assert told(client, forged) == 200
    payment_jobs.check(payment_id=payment.pk)
    assert state(payment) == PaymentState.READY


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", '{"data": 1}', '{"data": {"orderId": 7}}', '{"data": {"orderId": "pay_x"}}', "[" * 50_000, '{"data":{"orderId":"pay_\\u0000"}}'],
)  # fmt: skip
def test_what_is_no_webhook_is_refused_and_leaves_no_trace(client: Client, body: str) -> None:
    response = client.post(WEBHOOK, body, content_type="application/json", headers={"Accept": "application/json"})
    assert response.status_code == 422
    assert hinted() == []


def test_a_webhook_that_came_before_its_payment_is_sent_again(client: Client) -> None:
    assert told(client, {"data": {"orderId": "pay_" + "0" * 26}}) == 404
