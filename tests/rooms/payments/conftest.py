"""A person who pays, and an ear for what the rail tells the house."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from dure.kit import events
from dure.payments import actions as payments
from dure.payments.events import PaymentFailed, PaymentRefunded, PaymentSettled
from dure.payments.models import Payment
from dure.payments.values import Amount
from tests.provider import Sandbox

AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
ORIGIN = "http://127.0.0.1:8000"
PAYEE = "shop:noodles"
_keys = itertools.count(1)


@dataclass
class Payer:
    """Opens payments at the practice provider and presses its buttons."""

    sandbox: Sandbox

    def opens(
        self, total: int = 12_000, *, tax_free: int = 0, key: str = "", at: datetime = AT, provider: str = "kakaopay"
    ) -> Payment:
        number = next(_keys)
        return payments.prepare_payment(
            provider=provider,
            reference=f"bill-{number}",
            amount=Amount(total, tax_free, (total - tax_free) // 11),
            item_name="잔치국수 외 1개",
            payer="device-1",
            payee=PAYEE,
            return_path=f"/orders/{number}",
            origin=ORIGIN,
            key=key or f"key-{number}",
            at=at,
        )

    def agrees(self, payment: Payment) -> str:
        return self.sandbox.agree(payment.redirect_url)

    def pays(self, total: int = 12_000, *, tax_free: int = 0, provider: str = "kakaopay") -> Payment:
        payment = self.opens(total, tax_free=tax_free, provider=provider)
        return payments.approve_payment(payment=payment, token=self.agrees(payment), at=AT)

    def truth(self, payment: Payment) -> dict[str, Any]:
        return self.sandbox.truth()[payment.public_id]


@pytest.fixture
def payer(sandbox: Sandbox) -> Payer:
    return Payer(sandbox)


@dataclass
class Ear:
    """What was published, in order; `fail` makes the house break while it listens."""

    facts: list[events.Fact] = field(default_factory=list)
    fail: bool = False

    def hear(self, fact: events.Fact) -> None:
        if self.fail:
            raise RuntimeError("the house broke down while it was told")
        self.facts.append(fact)

    def names(self, payment: Payment) -> list[str]:
        return [type(fact).__name__ for fact in self.facts if getattr(fact, "payment_id", None) == payment.pk]


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    heard = (PaymentSettled, PaymentFailed, PaymentRefunded)
    for fact in heard:
        events.at_once(fact, ear.hear)
    yield ear
    for fact in heard:
        events.listeners()[fact][0].remove(ear.hear)
