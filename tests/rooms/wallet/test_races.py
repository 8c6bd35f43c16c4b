"""Everything that moves one wallet's money, at the same instant. (How far the balance and the day's limit are met is one of
the races in tests/project/test_races.py.)"""

from collections.abc import Callable

import pytest

from dure.ledger import queries as ledger
from dure.payments import actions as payments
from dure.payments.models import Payment, Refund
from dure.wallet import actions as wallets
from dure.wallet import errors, queries
from dure.wallet.values import Why
from tests.races import at_once
from tests.rooms.wallet.conftest import AT, SHOP, Owner
from tests.rooms.wallet.test_machine import Bank

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_same_bill_sixteen_times_is_paid_once(owner: Owner) -> None:
    owner.tops_up(100_000)
    results = at_once(*[lambda: owner.pays(5_000, key="bill-once")] * 16, within=120)
    assert {one.pk for one in results if isinstance(one, Payment)} == {Payment.objects.get(key="bill-once").pk}
    assert owner.balance == 95_000


def test_paying_topping_up_returning_and_taking_back_at_once_keep_every_won(owner: Owner) -> None:
    owner.tops_up(40_000)
    bought = [owner.pays(1_000) for _ in range(8)]
    coming = [owner.begins(10_000) for _ in range(4)]
    tokens = [owner.sandbox.agree(one.redirect_url) for one in coming]

    def comes(number: int) -> Payment:
        return payments.approve_payment(payment=coming[number], token=tokens[number], at=AT)

    def returns(number: int) -> object:
        return payments.refund_payment(payment=bought[number], amount=500, reason="r", key=f"back-{number}", at=AT)

    acts: list[Callable[[], object]] = []
    acts += [lambda n=n: owner.pays(2_000, key=f"now-{n}") for n in range(12)]
    acts += [lambda n=n: comes(n) for n in range(4)]
    acts += [lambda n=n: returns(n) for n in range(8)]
    acts += [owner.takes_back] * 8
    results = at_once(*acts, within=120)
    allowed = (errors.BalanceShort, errors.NotYetReturnable, errors.NothingToReturn)
    assert not [one for one in results if isinstance(one, Exception) and not isinstance(one, allowed)], results
    # A provider that answered too late is asked again, as the worker would; then all of it has come.
    for one in coming:
        payments.resolve_payment(payment=one, at=AT)
    entered = sum(one.amount for one in Payment.objects.filter(source="", state="approved"))
    assert entered == 80_000
    on_its_way = ledger.balance_of(f"returning:{owner.wallet.account}")
    assert owner.balance >= 0
    assert owner.balance + ledger.balance_of(SHOP) + on_its_way == entered
    assert queries.safeguarding().agrees


def test_two_top_ups_at_once_cannot_pass_the_limit_together(owner: Owner) -> None:
    results = at_once(*[lambda: owner.begins(300_000)] * 4, within=120)
    assert sum(isinstance(one, Payment) for one in results) == 1, results
    assert sum(isinstance(one, errors.HoldingLimit) for one in results) == 3


def test_taking_all_back_while_the_provider_refuses_earlier_returns_never_waits_in_a_ring(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes money back holds the wallet and asks for the payments that filled it; a refund that is refused holds its
    payment and gives the won back to the wallet. They meet in one order, or each waits for the other."""
    for _ in range(4):
        owner.tops_up(20_000)
    filled = list(Payment.objects.order_by("id"))
    monkeypatch.setattr(payments, "provider_named", lambda name: Bank(returns=False))

    def asks(payment: Payment, number: int) -> Refund:
        return payments.refund_payment(
            payment=payment, amount=1_000, account=owner.wallet.account, reason="r", key=f"r{number}", at=AT
        )

    def takes_all() -> object:
        return wallets.return_balance(wallet=owner.wallet, why=Why.DEFECT, by="operator:o", at=AT)

    for turn in range(6):
        asked = [asks(payment, 10 * turn + n) for n, payment in enumerate(filled)]
        acts: list[Callable[[], object]] = [
            takes_all,
            *[lambda r=r: payments.carry_out_refund(refund=r, at=AT) for r in asked],
        ]
        met = at_once(*acts, within=120)
        assert not [one for one in met if isinstance(one, Exception) and not isinstance(one, errors.NothingToReturn)], (
            met
        )
        # The next turn begins with the whole balance again.
        for refund in Refund.objects.filter(state="asked").order_by("id"):
            payments.carry_out_refund(refund=refund, at=AT)
        assert owner.balance == 80_000
