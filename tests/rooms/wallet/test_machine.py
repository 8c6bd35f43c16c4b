"""Wallets against a model of plain numbers. A provider of ours answers as the machine tells it (that a real one may say
anything is proven in tests/rooms/payments), and somebody hostile tries what no page offers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from pytest_django.fixtures import Settings

from dure.kit.errors import DureError
from dure.ledger import errors as ledger_errors
from dure.payments import actions as payments
from dure.payments import errors as rail_errors
from dure.payments.events import PaymentSettled
from dure.payments.models import Payment, Refund
from dure.payments.values import Amount, Answer, Outcome, Standing, Terms, Truth
from dure.people import actions as people
from dure.wallet import actions as wallets
from dure.wallet import errors, queries, rules
from dure.wallet.models import TopUp, Wallet
from dure.wallet.values import Limits, TopUpState
from tests.machines import Machine, falls, walk
from tests.rooms.wallet.conftest import AT, SHOP

HOLD, PAY_A_DAY, TOP_UP_A_DAY, LEAST, UNUSED_DAYS = 50_000, 70_000, 90_000, 1_000, 7
WON = st.sampled_from((1, 999, 1_000, 3_000, 10_000, 20_000, 30_000, 60_000))
_Done = TypeVar("_Done")

BALANCES = """
SELECT a.code, a.balance, coalesce(sum(CASE a.id WHEN p.destination_id THEN p.amount ELSE -p.amount END), 0)
FROM ledger_account a LEFT JOIN ledger_posting p ON a.id IN (p.source_id, p.destination_id) GROUP BY a.id
"""


class Bank:
    """The provider: it returns money, or refuses to, as it was told; asked, it says what it did."""

    def __init__(self, *, returns: bool = True) -> None:
        self.returns = returns
        self.given: dict[str, int] = {}

    def cancel(self, terms: Terms, *, amount: int, tax_free: int, available: int, key: str) -> Answer:
        if not self.returns:
            return Answer(outcome=Outcome.REFUSED, code="CLOSED_ACCOUNT")
        self.given[terms.public_id] = self.given.get(terms.public_id, 0) + amount
        return Answer(outcome=Outcome.DONE)

    def order(self, terms: Terms) -> Truth:
        given = self.given.get(terms.public_id, 0)
        return Truth(standing=Standing.PAID, public_id=terms.public_id, total=terms.amount.total, refunded=given)


@dataclass
class Coming:
    """A top-up as the model knows it."""

    payment: Payment
    won: int
    day: datetime
    state: str = "open"
    gone: int = 0


@dataclass
class Purse:
    """A wallet as the model knows it: numbers, and no rule about them."""

    wallet: Wallet
    balance: int = 0
    frozen: bool = False
    closed: bool = False
    coming: list[Coming] = field(default_factory=list)
    paid: list[tuple[datetime, int]] = field(default_factory=list)
    peak: int = 0
    last: Coming | None = None
    last_at: datetime = AT


class Wallets(Machine):
    """Two people with wallets and small limits, a shop, a provider, and days that pass."""

    bank: Bank

    def begin(self) -> None:
        self.now, self.count = AT, 0
        self.bank.returns, self.bank.given = True, {}
        self.shop = self.entered = self.under_way = 0
        self.purses = []
        for _ in range(2):
            device, _ = people.remember_device(at=AT)
            person = people.ensure_person(device=device, at=AT)
            self.purses.append(Purse(wallets.open_wallet(person=person, at=AT)))
        self.bought: list[tuple[Payment, Purse]] = []
        self.backs: list[tuple[Refund, Purse, Coming]] = []
        for who, won in enumerate((30_000, 3_000)):
            self.top_up(who, won)
            self.settle(self.purses[who], self.purses[who].coming[0], comes=True)

    def name(self) -> str:
        self.count += 1
        self.now += timedelta(minutes=1)
        return f"n{self.count}"

    def today(self, days: list[tuple[datetime, int]]) -> int:
        return sum(won for day, won in days if day == rules.day_begins(self.now))

    def done(self, act: Callable[[], _Done], expected: type[DureError] | None) -> _Done | None:
        """What the act gave; None where it was refused. It must be refused exactly as the model expects."""
        refusal: type[DureError] | None = None
        try:
            result = act()
        except DureError as error:
            refusal = type(error)
        assert refusal is expected
        self.met[refusal.__name__ if refusal else "done"] += 1
        return None if refusal else result

    def refused(self, purse: Purse) -> type[DureError] | None:
        return errors.WalletClosed if purse.closed else errors.WalletFrozen if purse.frozen else None

    @rule(who=st.integers(0, 1), won=WON)
    def begin_top_up(self, who: int, won: int) -> None:
        self.top_up(who, won)

    def top_up(self, who: int, won: int) -> None:
        purse, name = self.purses[who], self.name()
        pending = sum(one.won for one in purse.coming if one.state == "open")
        day = self.today([(one.day, one.won) for one in purse.coming if one.state != "failed"])
        holding = max(0, HOLD - purse.balance - pending)
        expected = self.refused(purse) or (
            errors.AmountWrong
            if won < LEAST
            else errors.HoldingLimit
            if won > holding
            else errors.DayLimit
            if day + won > TOP_UP_A_DAY
            else None
        )
        top_up = self.done(
            lambda: wallets._new_top_up(purse.wallet, won, "kakaopay", name, automatic=False, at=self.now), expected
        )
        if top_up is None:
            return
        payment = Payment.objects.create(
            public_id=f"pay_{top_up.public_id}", key=name, provider="kakaopay", reference=top_up.public_id,
            item_name="i", payer="p", payee=purse.wallet.account, amount=won, tax_free=won, created_at=self.now,
            state="approving", approving_at=self.now, provider_key=name,
        )  # fmt: skip
        purse.coming.append(Coming(payment, won, rules.day_begins(self.now)))

    @precondition(lambda self: any(one.state == "open" for purse in self.purses for one in purse.coming))
    @rule(data=st.data(), comes=st.booleans())
    def the_provider_says_how_it_went(self, data: st.DataObject, comes: bool) -> None:
        self.name()
        waiting = [(purse, one) for purse in self.purses for one in purse.coming if one.state == "open"]
        self.settle(*data.draw(st.sampled_from(waiting)), comes=comes)

    def settle(self, purse: Purse, top_up: Coming, *, comes: bool) -> None:
        payment = payments._locked(top_up.payment)
        if not comes:
            payments._close(payment, payments.PaymentState.FAILED, "refused", self.now)
            top_up.state = "failed"
            return
        payments._settle(payment, self.now)
        top_up.state = "paid"
        self.entered += top_up.won
        if purse.closed:  # it goes straight back to where it came from
            self.note_backs(purse)
            return
        purse.balance += top_up.won
        purse.peak, purse.last, purse.last_at = purse.balance, top_up, self.now
        self.met["top-up paid"] += 1

    @rule(who=st.integers(0, 1), won=WON)
    def pay(self, who: int, won: int) -> None:
        purse, name = self.purses[who], self.name()
        expected = self.refused(purse) or (
            errors.DayLimit
            if self.today(purse.paid) + won > PAY_A_DAY
            else errors.BalanceShort
            if won > purse.balance
            else None
        )
        payment = self.done(
            lambda: wallets.pay(
                wallet=purse.wallet, reference=name, amount=Amount(won, 0, 0), item_name="i", payee=SHOP, key=name,
                at=self.now,
            ),
            expected,
        )  # fmt: skip
        if payment is None:
            return
        purse.balance -= won
        purse.paid.append((rules.day_begins(self.now), won))
        self.shop += won
        self.bought.append((payment, purse))
        self.met["paid"] += 1

    @precondition(lambda self: self.bought)
    @rule(data=st.data(), won=WON)
    def the_shop_returns(self, data: st.DataObject, won: int) -> None:
        payment, purse = data.draw(st.sampled_from(self.bought))
        name = self.name()
        payment.refresh_from_db()
        if won > payment.amount - payment.refunded:
            with pytest.raises(rail_errors.RefundTooMuch):
                payments.refund_payment(payment=payment, amount=won, reason="r", key=name, at=self.now)
            return
        payments.refund_payment(payment=payment, amount=won, reason="r", key=name, at=self.now)
        self.shop -= won
        purse.balance += won
        self.met["returned by the shop"] += 1
        if purse.closed:
            self.expect_back(purse)

    def right(self, purse: Purse) -> int:
        """What the law lets go back: all of the last fifth, or a last top-up of which nothing was spent, within its days."""
        if purse.last is None or not purse.balance:
            return 0
        if purse.balance * 5 <= purse.peak:
            return purse.balance
        fresh = self.now < purse.last_at + timedelta(days=UNUSED_DAYS)
        return purse.last.won if purse.balance >= purse.peak and purse.last.won <= purse.balance and fresh else 0

    @rule(who=st.integers(0, 1))
    def take_back(self, who: int) -> None:
        purse = self.purses[who]
        self.name()
        right = self.right(purse)
        expected = (
            errors.WalletClosed
            if purse.closed
            else errors.NothingToReturn
            if not purse.balance
            else None
            if right
            else errors.NotYetReturnable
        )
        made = self.done(lambda: wallets.take_back(wallet=purse.wallet, by="p", at=self.now), expected)
        if made is None:
            return
        assert sum(one.amount for one in made) == right
        purse.balance -= right
        self.note_backs(purse)
        self.met["taken back"] += 1

    def expect_back(self, purse: Purse) -> None:
        """A closed wallet keeps nothing that a provider still takes."""
        purse.balance = 0
        self.note_backs(purse)

    def note_backs(self, purse: Purse) -> None:
        known = {refund.pk for refund, _, _ in self.backs}
        for refund in Refund.objects.filter(state="asked").exclude(pk__in=known).order_by("id"):
            of = next(one for one in purse.coming if one.payment.pk == refund.payment_id)
            of.gone += refund.amount
            assert of.gone <= of.won, "more goes back to a card than came from it"
            self.under_way += refund.amount
            self.backs.append((refund, purse, of))

    @precondition(lambda self: self.backs)
    @rule(returns=st.booleans())
    def the_provider_returns_the_oldest(self, returns: bool) -> None:
        self.name()
        refund, purse, of = self.backs.pop(0)
        self.bank.returns = returns
        done = payments.carry_out_refund(refund=refund, at=self.now)
        assert done.state == ("done" if returns else "failed")
        self.under_way -= refund.amount
        if returns:
            self.entered -= refund.amount
            self.met["back at the provider"] += 1
        else:
            of.gone -= refund.amount
            purse.balance += refund.amount  # also of a closed wallet: an operator pays it out
            self.met["kept, the provider refused"] += 1

    @rule(who=st.integers(0, 1), on=st.sampled_from((True, False, False)))
    def freeze(self, who: int, on: bool) -> None:
        purse = self.purses[who]
        self.name()
        act = wallets.freeze_wallet if on else wallets.thaw_wallet
        said = {"wallet": purse.wallet, "by": "p", "at": self.now, **({"reason": ""} if on else {})}
        if purse.closed:
            with pytest.raises(errors.WalletClosed):
                act(**said)  # type: ignore[operator]
            return
        act(**said)  # type: ignore[operator]
        purse.frozen = on

    @rule(who=st.integers(0, 1), sure=st.integers(0, 5))
    def be_forgotten(self, who: int, sure: int) -> None:
        purse = self.purses[who]
        if sure or purse.closed:
            return
        self.name()
        person = Wallet.objects.get(pk=purse.wallet.pk).person
        assert person
        people.erase_person(person=person, by="p", at=self.now)
        purse.closed, purse.frozen = True, False
        self.expect_back(purse)
        self.met["forgotten"] += 1

    @rule(days=st.sampled_from((0, 0, 0, 1, UNUSED_DAYS)))
    def days_pass(self, days: int) -> None:
        self.now += timedelta(days=days)

    @precondition(lambda self: any(one.state == "paid" for purse in self.purses for one in purse.coming))
    @rule(data=st.data(), won=WON, how=st.sampled_from(("twice", "more than came", "another's key")))
    def be_hostile(self, data: st.DataObject, won: int, how: str) -> None:
        """Somebody says again that a top-up was paid, wants more back than came, pays with the key of another bill."""
        name = self.name()
        came = [(purse, one) for purse in self.purses for one in purse.coming if one.state == "paid"]
        purse, top_up = data.draw(st.sampled_from(came))
        payment = Payment.objects.get(pk=top_up.payment.pk)
        if how == "twice":
            fact = PaymentSettled(
                payment_id=payment.pk, public_id=payment.public_id, reference=payment.reference, amount=won,
                provider="kakaopay", at=self.now,
            )  # fmt: skip
            with pytest.raises(RuntimeError):
                wallets.confirm_top_up(fact)
            assert TopUp.objects.get(public_id=payment.reference).state == TopUpState.PAID
        elif how == "more than came":
            left = top_up.won - top_up.gone
            spent = purse.balance < left
            with pytest.raises(ledger_errors.NotEnough if spent else rail_errors.RefundTooMuch):
                payments.refund_payment(
                    payment=payment, amount=left if spent else left + won, account=purse.wallet.account, reason="r",
                    key=name, at=self.now,
                )  # fmt: skip
        elif self.bought and not purse.closed and not purse.frozen:
            other, _ = self.bought[0]
            with pytest.raises(rail_errors.KeyReused):
                wallets.pay(
                    wallet=purse.wallet, reference="another bill", amount=Amount(other.amount, 0, 0), item_name="i",
                    payee=SHOP, key=other.key, at=self.now,
                )  # fmt: skip
        self.met[f"hostile: {how}"] += 1

    @rule()
    def look_at_what_must_lie_outside(self) -> None:
        outside = queries.safeguarding()
        assert outside.agrees
        assert outside.on_its_way_back == self.under_way
        assert outside.due_outside + self.shop == self.entered

    @invariant()
    def every_won_is_somewhere(self) -> None:
        """Every balance is the model's, and is what its entries add up to. In plain SQL: not by the code that is tried."""
        self.met["steps"] += 1
        with connection.cursor() as cursor:
            cursor.execute(BALANCES)
            kept = {code: (balance, int(summed)) for code, balance, summed in cursor.fetchall()}
        for purse in self.purses:
            assert kept[purse.wallet.account] == (purse.balance, purse.balance)
            assert purse.balance >= 0
        assert kept.get(SHOP, (None, 0))[1] == self.shop >= 0
        on_its_way = sum(won for code, (_, won) in kept.items() if code.startswith("returning:"))
        assert on_its_way == self.under_way
        assert sum(purse.balance for purse in self.purses) + on_its_way + self.shop == self.entered


@pytest.fixture(autouse=True)
def small_limits(settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    limits = Limits(
        holding_named=HOLD, holding_anonymous=HOLD, pay_a_day=PAY_A_DAY, top_up_a_day=TOP_UP_A_DAY, least=LEAST,
        refund_bps=2_000, unused_days=UNUSED_DAYS,
    )  # fmt: skip
    settings.WALLET = {**settings.WALLET, "limits": limits}
    Wallets.bank = Bank()
    monkeypatch.setattr(payments, "provider_named", lambda name: Wallets.bank)


def test_wallets_are_plain_numbers_whatever_anybody_does() -> None:
    met = walk(Wallets, examples=10)
    assert met["steps"] > 200
    for hazard in (
        "paid",
        "top-up paid",
        "taken back",
        "back at the provider",
        "kept, the provider refused",
        "forgotten",
    ):
        assert met[hazard], met
    assert any(name.startswith("hostile") for name in met), met


def test_wallets_that_do_not_hold_what_goes_back_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what is on its way back can still be spent."""
    monkeypatch.setattr(payments, "_hold", lambda payment, refund, at: None)
    falls(Wallets)


def test_wallets_that_forget_what_is_coming_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: two open top-ups pass the holding limit together."""
    honest = rules.room_in
    monkeypatch.setattr(rules, "room_in", lambda limits, **said: honest(limits, **{**said, "coming": 0}))
    falls(Wallets)
