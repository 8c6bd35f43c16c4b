"""Somebody with a wallet, and a thumb for the provider's page."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from dure.payments import actions as payments
from dure.payments.models import Payment, Refund
from dure.payments.values import Amount, RefundState
from dure.people import actions as people
from dure.people.models import Device, Person
from dure.wallet import actions as wallets
from dure.wallet import queries
from dure.wallet.models import TopUp, Wallet
from tests.provider import Sandbox

AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
SHOP = "shop:noodles"
_numbers = itertools.count(1)


@dataclass
class Owner:
    """A guest's phone, the person behind it, and their wallet."""

    sandbox: Sandbox
    device: Device
    person: Person
    wallet: Wallet

    @property
    def balance(self) -> int:
        return queries.balance_of(self.wallet)

    def begins(self, amount: int, *, provider: str = "kakaopay", at: datetime = AT) -> Payment:
        return wallets.begin_top_up(
            wallet=self.wallet,
            amount=amount,
            provider=provider,
            origin="http://127.0.0.1:8000",
            key=f"key-{next(_numbers)}",
            at=at,
        )

    def agrees(self, payment: Payment, at: datetime = AT) -> Payment:
        return payments.approve_payment(payment=payment, token=self.sandbox.agree(payment.redirect_url), at=at)

    def tops_up(self, amount: int, *, provider: str = "kakaopay", at: datetime = AT) -> TopUp:
        payment = self.agrees(self.begins(amount, provider=provider, at=at), at=at)
        return TopUp.objects.get(public_id=payment.reference)

    def pays(self, won: int, *, at: datetime = AT, key: str = "") -> Payment:
        name = key or f"bill-{next(_numbers)}"
        return wallets.pay(
            wallet=self.wallet,
            reference=name,
            amount=Amount(won, 0, won // 11),
            item_name="두레국수",
            payee=SHOP,
            key=name,
            at=at,
        )

    def takes_back(self, at: datetime = AT) -> int:
        made = wallets.take_back(wallet=self.wallet, by=f"person:{self.person.public_id}", at=at)
        return sum(one.amount for one in made)


def carry_out_all(at: datetime = AT) -> None:
    """Let every refund that waits happen, as the worker does."""
    for refund in Refund.objects.filter(state=RefundState.ASKED).order_by("id"):
        payments.carry_out_refund(refund=refund, at=at)


@pytest.fixture
def somebody(sandbox: Sandbox) -> Callable[[], Owner]:
    def make() -> Owner:
        device, _ = people.remember_device(at=AT)
        person = people.ensure_person(device=device, at=AT)
        return Owner(sandbox, device, person, wallets.open_wallet(person=person, at=AT))

    return make


@pytest.fixture
def owner(somebody: Callable[[], Owner]) -> Owner:
    return somebody()
