"""Whole lives of payments at a provider that fails: whatever goes wrong, in whichever order news arrive, one truth is left.

Each kind of fault befalls the approval of one payment and the return of another, at Kakao Pay and at Toss. Meanwhile the
same callback comes twice, hints come too early, too late and again, and whoever asks has a clock that is wrong by ten minutes.
Then nothing fails any more, and the provider's own books must be ours to the won. What each single fault does by itself is
in test_payments.py, test_refunds.py and test_toss.py.
"""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest

from dure.ledger.models import Entry, Posting
from dure.payments import actions as payments
from dure.payments.models import Payment
from dure.payments.values import PaymentState, RefundState
from tests.machines import THOROUGH
from tests.rooms.payments.conftest import AT, Ear, Payer

pytestmark = pytest.mark.django_db

KINDS = (
    "timeout_before", "timeout_after", "error_5xx_before", "error_5xx_after", "unknown_before", "unknown_after", "cut",
    "refused", "stale", "slow",
)  # fmt: skip
CALLS = {"kakaopay": ("approve", "order", "cancel"), "toss": ("toss_confirm", "toss_query", "toss_cancel")}
SKEW = (timedelta(minutes=-10), timedelta(0), timedelta(minutes=10))
TURNS = 8 if THOROUGH else 1


def live(payer: Payer, provider: str, kind: str, befalls: str, dice: random.Random) -> Payment:
    """One payment from its opening until nothing about it is open: paid, and half of it returned, with one fault on the way.
    Callbacks, hints and the sweeper come in any order."""
    approve, order, cancel = CALLS[provider]
    payment = payer.opens(provider=provider)
    token = payer.agrees(payment)
    now = AT + timedelta(seconds=5)

    def skewed() -> datetime:
        # Never before it was opened by so much that the provider's own time-limit would matter.
        return now + dice.choice(SKEW)

    if befalls == "approval":
        payer.sandbox.faults(**{order if kind == "stale" else approve: {"kind": kind, "count": 1, "seconds": 0.6}})
    news: list[Callable[[], object]] = [
        lambda: payments.approve_payment(payment=payment, token=token, at=skewed()),
        lambda: payments.approve_payment(payment=payment, token=token, at=skewed()),
        lambda: payments.check_payment(payment=payment, at=skewed()),
        lambda: payments.check_payment(payment=payment, at=skewed()),
        lambda: payments.resolve_payment(payment=payment, at=skewed()),
    ]
    dice.shuffle(news)
    for heard in news:
        heard()
    calm(payer, provider)
    for _ in range(3):
        payment = payments.resolve_payment(payment=payment, at=now)
    if payment.state != PaymentState.APPROVED:
        return payment
    back = payments.refund_payment(payment=payment, amount=5_000, reason="r", key=f"back:{payment.public_id}", at=now)
    if befalls == "return":
        payer.sandbox.faults(**{order if kind == "stale" else cancel: {"kind": kind, "count": 1, "seconds": 0.6}})
    for _ in range(2):
        payments.carry_out_refund(refund=back, at=skewed())
    payments.check_payment(payment=payment, at=skewed())
    calm(payer, provider)
    for _ in range(2):
        payments.carry_out_refund(refund=back, at=now)
    payment.refresh_from_db()
    return payment


def calm(payer: Payer, provider: str) -> None:
    payer.sandbox.faults(**dict.fromkeys(CALLS[provider]))


def differences(payer: Payer, ear: Ear, lives: list[Payment]) -> list[str]:
    """What of these payments the provider's books, our books and the house were told differently. Empty: one truth."""
    truth, said = payer.sandbox.truth(), []
    for payment in lives:
        theirs, name = truth[payment.public_id], payment.public_id
        held = payment.amount - payment.refunded if payment.state == PaymentState.APPROVED else 0
        kept = theirs["total"] - theirs["canceled"] if theirs["approvals"] else 0
        booked = sum(
            posting.amount if posting.destination.code == payment.payee else -posting.amount
            for posting in Posting.objects.filter(entry__in=Entry.objects.filter(reference=name)).select_related(
                "destination"
            )
        )
        if not held == kept == booked:
            said.append(f"{name}: {held} here, {kept} there, {booked} in the books")
        if theirs["approvals"] > 1 or theirs["cancels"] > 1:
            said.append(f"{name}: money moved {theirs['approvals']} and back {theirs['cancels']} times")
        if payment.state not in (PaymentState.APPROVED, PaymentState.FAILED):
            said.append(f"{name} is {payment.state}")
        if payment.refunds.filter(state=RefundState.ASKED).exists():
            said.append(f"{name}: a refund is still open")
        told = Counter(ear.names(payment))
        if max(told.values(), default=0) > 1 or told["PaymentSettled"] == told["PaymentFailed"]:
            said.append(f"{name}: the house heard {dict(told)}")
    return said


@pytest.mark.parametrize("provider", CALLS)
def test_whatever_goes_wrong_one_truth_is_left(payer: Payer, ear: Ear, provider: str) -> None:
    dice = random.Random(provider)
    before = Counter(payer.sandbox.faults()["happened"])
    lives = []
    # In every suite each provider meets every other kind; all of them, on both ways, in the thorough one.
    kinds = KINDS if THOROUGH else KINDS[list(CALLS).index(provider) :: 2]
    for turn in range(TURNS):
        for number, kind in enumerate(kinds):
            lives.append(live(payer, provider, kind, ("approval", "return")[(number + turn) % 2], dice))
    assert differences(payer, ear, lives) == []
    met = Counter(payer.sandbox.faults()["happened"]) - before
    assert {name.split()[1] for name in met} >= set(kinds) - {"stale"}, f"a hazard never happened: {met}"
    assert any(payment.state == PaymentState.APPROVED and payment.refunded for payment in lives)


def test_a_difference_would_be_seen(payer: Payer, ear: Ear) -> None:
    """The control: money that went back without us, a payment that somebody's hand changed, a fact that was told twice."""
    payment = payer.pays()
    assert differences(payer, ear, [payment]) == []
    by_hand = {"cid": "TC0ONETIME", "tid": payment.provider_key, "cancel_amount": 5_000, "cancel_tax_free_amount": 0}
    httpx.post(
        f"{payer.sandbox.url}/online/v1/payment/cancel", json=by_hand, headers={"Authorization": "SECRET_KEY DEV-HAND"}
    ).raise_for_status()
    assert "7000 there" in differences(payer, ear, [payment])[0]
    ear.facts.append(ear.facts[-1])
    assert "the house heard" in differences(payer, ear, [payment])[-1]
