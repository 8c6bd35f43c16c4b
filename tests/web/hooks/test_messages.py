"""The agencies call back: what they took becomes arrived or failed, and a report from anybody else changes nothing."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from dure.messaging import actions as messaging
from dure.messaging import queries as messages
from dure.messaging.models import Outgoing, Sending
from dure.messaging.values import Fate, Medium, MessageKind, SendingState
from tests.rooms.people.test_providers import NOON, Desk, desk, fate, friend, run, send, with_nhn

__all__ = ["desk"]
SIGNED = {"X-Toast-Webhook-Signature": "SANDBOX-SIGNATURE"}


def called_back(desk: Desk, to: str, by: str, code: str | None = None) -> int:
    said = {"to": to, "by": by, **({"code": code} if code else {})}
    status: int = desk.http.post("/sandbox/messages/report", json=said).json()["status"]
    return status


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("code", "ends", "paid"), [(None, Fate.ARRIVED, True), ("3052", Fate.FAILED, False)], ids=["arrived", "failed"]
)
def test_what_solapi_calls_back_settles_the_sending(
    desk: Desk, live_server: LiveServer, code: str | None, ends: Fate, paid: bool
) -> None:
    person = friend(10009000)
    messaging.fund_messages(account="messages:shp_1", source="subsidy:messages", won=200, key="f", at=NOON)
    sending = send(person, media=[Medium.TEXT], key="cb", refusal_number="0800001111", payer="messages:shp_1")
    won = messages.quote(sending, NOON).won
    messaging.hold_price(sending=sending, won=won, at=NOON)
    run(Medium.TEXT)
    assert fate(sending, person)[0] is Fate.ACCEPTED
    assert called_back(desk, f"{live_server.url}/hooks/solapi/wrong", "solapi", code) == 404
    assert fate(sending, person)[0] is Fate.ACCEPTED
    for _ in range(2):
        assert called_back(desk, f"{live_server.url}/hooks/solapi/practice", "solapi", code) == 200
        assert fate(sending, person)[0] is ends
    messaging.close_sendings(at=NOON + timedelta(hours=7))
    assert Sending.objects.get(pk=sending.pk).state == SendingState.CLOSED
    assert messages.balance_of("messages:shp_1") == 200 - (won if paid else 0)


@pytest.mark.django_db(transaction=True)
def test_what_nhn_calls_back_arrives(desk: Desk, live_server: LiveServer) -> None:
    with_nhn(desk)
    person = friend(10009001)
    sending = send(
        person, media=[Medium.NOTICE], key="cb-nhn", kind=MessageKind.INFORMATION, topic="", title="주문 안내",
        body="주문이 준비됐어요.", details={"template": "T1"},
    )  # fmt: skip
    run(Medium.NOTICE)
    assert fate(sending, person)[0] is Fate.ACCEPTED
    assert called_back(desk, f"{live_server.url}/hooks/nhn/practice", "nhn") == 200
    assert fate(sending, person)[0] is Fate.ARRIVED


@pytest.mark.django_db
def test_nhn_needs_its_header_and_an_empty_word_takes_nothing(client: Client, settings: object) -> None:
    def told(**headers: str) -> int:
        return client.post("/hooks/nhn/practice", "{}", "application/json", headers=headers).status_code

    assert (told(), told(**{"X-Toast-Webhook-Signature": "x"}), told(**SIGNED)) == (404, 404, 200)
    settings.MESSAGES = {**settings.MESSAGES, "nhn_signature": ""}  # type: ignore[attr-defined]
    assert told(**{"X-Toast-Webhook-Signature": ""}) == 404
    settings.MESSAGES = {**settings.MESSAGES, "hook_word": "", "nhn_signature": ""}  # type: ignore[attr-defined]
    assert told(**{"X-Toast-Webhook-Signature": ""}) == 404
    assert client.post("/hooks/solapi/practice", "[]", "application/json").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["o999999-text", "o1-pigeon", "x", "o" + "9" * 40 + "-text", "", 7, None])
@pytest.mark.parametrize("code", ["4000", "\0", "\ud800", "--5", "²", 1e9, None, [[]]])
def test_unknown_and_broken_reports_do_nothing(client: Client, key: object, code: object) -> None:
    events = [{"data": {"customFields": {"key": key}, "statusCode": code, "messageId": "\0"}}, 3, {"data": []}]
    hooks = {"hooks": [{"recipientGroupingKey": key, "resultCode": code, "requestId": "\0"}, None]}
    for path, body in (("solapi", events), ("nhn", hooks)):
        answer = client.post(f"/hooks/{path}/practice", json.dumps(body), "application/json", headers=SIGNED)
        assert answer.status_code == 200
    assert client.post("/hooks/solapi/practice", "{", "application/json").status_code == 422
    assert not Outgoing.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["\0", "\ud800", "--5", "²", "99999999"])
def test_a_code_in_no_form_leaves_a_text_whole(client: Client, desk: Desk, code: str) -> None:
    sending = send(friend(10009002), media=[Medium.TEXT], key="odd", refusal_number="0800001111")
    run(Medium.TEXT)
    row = Outgoing.objects.get(sending=sending)
    hooks = {"hooks": [{"recipientGroupingKey": messages.letter_key(row), "resultCode": code, "requestId": "\0"}]}
    answer = client.post("/hooks/nhn/practice", json.dumps(hooks), "application/json", headers=SIGNED)
    row.refresh_from_db()
    assert (answer.status_code, Fate(row.fate)) == (200, Fate.ACCEPTED)
