"""The wallet's pages: opened with one tap, topped up without a field, revoked and frozen with one tap; paying from the basket."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client

from dure.kit import clock
from dure.payments import actions as payments
from dure.payments.models import Payment
from dure.wallet import queries
from dure.wallet.models import Wallet
from tests.provider import Sandbox

pytestmark = pytest.mark.django_db


def key_in(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found
    return found[1]


@pytest.fixture
def client() -> Client:
    client = Client()
    assert client.post("/my/wallet").status_code == 303
    return client


def topped_up(client: Client, sandbox: Sandbox, amount: int = 30_000, provider: str = "kakaopay") -> Wallet:
    key = key_in(client.get("/my/wallet").content.decode())
    went = client.post("/my/wallet/top-ups", {"amount": amount, "provider": provider, "key": key})
    assert went.status_code == 303
    back = urlsplit(sandbox.press(went["Location"]))
    assert client.get(f"{back.path}?{back.query}")["Location"] == "/my/wallet"
    return Wallet.objects.get()


def test_before_there_is_a_wallet_the_page_says_what_it_is(db: None) -> None:
    text = Client().get("/my/wallet").content.decode()
    assert "지갑 열기" in text
    assert "진짜 돈은 움직이지 않아요" in text


@pytest.mark.parametrize("provider", ["kakaopay", "toss"])
def test_a_top_up_through_either_provider_is_on_the_page(client: Client, sandbox: Sandbox, provider: str) -> None:
    wallet = topped_up(client, sandbox, provider=provider)
    text = client.get("/my/wallet").content.decode()
    assert queries.balance_of(wallet) == 30_000
    assert "30,000원" in text
    assert "충전" in client.get("/my/wallet/statement").content.decode()
    assert client.get("/my/wallet/state").status_code == 200


@pytest.mark.parametrize(("button", "words"), [("cancel", "충전을 그만뒀어요"), ("fail", "충전하지 못했어요")])
def test_a_top_up_that_was_left_or_failed_says_what_became_of_the_money(
    client: Client, sandbox: Sandbox, button: str, words: str
) -> None:
    key = key_in(client.get("/my/wallet").content.decode())
    went = client.post("/my/wallet/top-ups", {"amount": 10_000, "provider": "kakaopay", "key": key})
    left = client.get("/my/wallet").content.decode()
    assert "충전을 아직 끝내지 않았어요" in left  # nobody is told that we check what nobody paid yet
    assert went["Location"] in left
    back = urlsplit(sandbox.press(went["Location"], button))
    client.get(f"{back.path}?{back.query}")
    text = client.get("/my/wallet").content.decode()
    assert words in text
    assert "돈은 나가지 않았어요" in text
    assert "충전을 아직 끝내지 않았어요" not in text
    much_later = clock.now() + timedelta(minutes=31)
    with clock.showing(lambda: much_later):
        assert words not in client.get("/my/wallet").content.decode()


def test_the_same_form_sent_twice_is_one_top_up(client: Client, sandbox: Sandbox) -> None:
    key = key_in(client.get("/my/wallet").content.decode())
    said = {"amount": 10_000, "provider": "toss", "key": key}
    assert {client.post("/my/wallet/top-ups", said)["Location"] for _ in range(3)} == {
        Payment.objects.get().redirect_url
    }


def test_automatic_top_ups_are_agreed_to_and_revoked(client: Client, sandbox: Sandbox) -> None:
    key = key_in(client.get("/my/wallet").content.decode())
    went = client.post("/my/wallet/automation", {"below": 5_000, "amount": 10_000, "key": f"{key}-a"})
    back = urlsplit(sandbox.press(went["Location"]))
    client.get(f"{back.path}?{back.query}")
    assert "자동 충전 그만하기" in client.get("/my/wallet").content.decode()
    assert client.post("/my/wallet/automation", {"end": "yes"}).status_code == 303
    assert "자동 충전 그만하기" not in client.get("/my/wallet").content.decode()


def test_taking_back_freezing_and_refusals_say_what_to_do(client: Client, sandbox: Sandbox) -> None:
    wallet = topped_up(client, sandbox)
    assert client.post("/my/wallet/freeze", {"freeze": "yes"}).status_code == 303
    assert "다시 쓰기" in client.get("/my/wallet").content.decode()
    key = "12345678"
    refused = client.post("/my/wallet/top-ups", {"amount": 10_000, "provider": "toss", "key": key})
    assert (refused.status_code, "지갑이 멈춰 있어요" in refused.content.decode()) == (409, True)
    client.post("/my/wallet/freeze", {"freeze": "no"})
    assert client.post("/my/wallet/pay-backs").status_code == 303
    assert queries.balance_of(wallet) == 0
    assert "돌려보내고 있어요" in client.get("/my/wallet").content.decode()
    for refund in wallet.pay_backs.all():
        payments.carry_out_refund(refund=refund.refund, at=clock.now())
    assert client.post("/my/wallet/pay-backs").status_code == 409


def test_somebody_elses_phone_has_no_wallet(client: Client, sandbox: Sandbox) -> None:
    topped_up(client, sandbox)
    other = Client()
    for path in ("/my/wallet/state", "/my/wallet/statement"):
        assert other.get(path).status_code == 404
    assert other.post("/my/wallet/pay-backs").status_code == 404
