"""A shop that asks for money, and a guest's phone."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from dure.checkouts import actions
from dure.checkouts.models import Checkout
from dure.checkouts.values import CheckoutKind
from dure.payments import actions as payments
from dure.payments.models import Payment
from dure.people import actions as people
from dure.people.models import Device
from dure.shops import fence
from dure.shops.models import Shop
from tests import cast
from tests.provider import Sandbox


class Till:
    """두레국수 asks; 목련's phone pays."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.shop: Shop = cast.noodle_house()
        self.device: Device = people.remember_device(at=cast.NOON)[0]

    def asks(self, amount: int = 12_500, *, key: str = "k1", at: datetime = cast.NOON, **more: object) -> Checkout:
        kind = more.pop("kind", CheckoutKind.LINK)
        return actions.open_checkout(shop=self.shop, kind=kind, amount=amount, key=key, by="staff:test", at=at, **more)  # type: ignore[arg-type]

    def begins(self, checkout: Checkout, at: datetime = cast.NOON) -> Payment:
        return actions.begin_payment(
            checkout=checkout, provider="kakaopay", origin="http://testserver", device=self.device, at=at
        )

    def pays(self, checkout: Checkout, at: datetime = cast.NOON) -> Payment:
        payment = self.begins(checkout, at)
        token = self.sandbox.agree(payment.redirect_url)
        return payments.approve_payment(payment=payment, token=token, at=at)


@pytest.fixture
def till(transactional_db: None, sandbox: Sandbox) -> Iterator[Till]:
    with fence.across_shops():
        yield Till(sandbox)


@pytest.fixture
def lone_till(transactional_db: None, fresh_sandbox: Sandbox) -> Iterator[Till]:
    """The same with a provider that knows nobody else's payments, for comparing whole books."""
    with fence.across_shops():
        yield Till(fresh_sandbox)
