"""Whoever answers for customers' money sees, at any time, how much must lie outside: on a page and by a command."""

import re

import pytest
from django.test import Client

from dure.kit import clock
from dure.ledger.models import Account
from dure.payments import actions as payments
from dure.people import actions as people
from dure.project import safeguarding
from dure.wallet import actions as wallets
from dure.wallet.models import Wallet
from tests import cast
from tests.provider import Sandbox

PAGE = "/office/safeguarding/"


@pytest.fixture
def wallet(db: None, sandbox: Sandbox) -> Wallet:
    """30,000 won that came in through a provider."""
    device, _ = people.remember_device(at=cast.NOON)
    person = people.ensure_person(device=device, at=cast.NOON)
    opened = wallets.open_wallet(person=person, at=cast.NOON)
    top_up = wallets.begin_top_up(
        wallet=opened, amount=30_000, provider="toss", origin="http://testserver", key="first-key", at=clock.now()
    )
    payments.approve_payment(payment=top_up, token=sandbox.agree(top_up.redirect_url), at=clock.now())
    return opened


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(people.open_account(email="operator@example.com", operator=True, at=cast.NOON))
    return client


def page(client: Client) -> str:
    return re.sub(r"\s+", " ", client.get(PAGE).content.decode())


def test_the_page_says_what_must_lie_outside(wallet: Wallet, operator: Client) -> None:
    assert "30,000원" in page(operator)


def test_the_page_and_the_command_notice_a_planted_won(
    wallet: Wallet, operator: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    agreed = page(operator)
    assert safeguarding.main(held=None) == 0
    Account.objects.filter(code=wallet.account).update(balance=30_001)
    assert page(operator) != agreed
    assert safeguarding.main(held=None) == 1
    assert "dure verify" in capsys.readouterr().out


@pytest.mark.parametrize(("held", "code"), [(29_999, 1), (30_000, 0), (30_001, 0), (None, 0)])
def test_the_command_compares_what_really_lies_outside(
    wallet: Wallet, capsys: pytest.CaptureFixture[str], held: int | None, code: int
) -> None:
    assert safeguarding.main(held=held) == code
    said = capsys.readouterr().out
    assert "30,000원" in said
    assert ("1원이 모자라요" in said) == (code == 1)


def test_only_an_operator_comes_in(db: None) -> None:
    client = Client()
    assert client.get(PAGE).status_code == 302
    client.force_login(people.open_account(email="kim@example.com", at=cast.NOON))
    assert client.get(PAGE, follow=True).status_code == 403
