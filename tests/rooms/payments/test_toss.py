"""Toss over real HTTP: money moves once, whatever is lost, doubled, late or forged."""

import itertools
from datetime import timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dure.ledger import queries as ledger
from dure.payments import actions as payments
from dure.payments import errors, rules
from dure.payments.models import Call, Payment, Refund
from dure.payments.providers import provider_named
from dure.payments.providers.toss import words
from dure.payments.providers.toss.client import Toss
from dure.payments.values import Amount, Outcome, PaymentState, RefundState, Standing, Terms
from tests.races import at_once
from tests.rooms.payments.conftest import AT, PAYEE, Ear, Payer

pytestmark = pytest.mark.django_db
SOON = AT + timedelta(seconds=5)
LOST_BEFORE = ["timeout_before", "error_5xx_before", "unknown_before", "processing"]
LOST_AFTER = ["timeout_after", "error_5xx_after", "unknown_after", "slow", "cut"]


def opens(payer: Payer, total: int = 12_000) -> Payment:
    return payer.opens(total, provider="toss")


def test_a_payment_is_prepared_agreed_to_and_confirmed(payer: Payer, ear: Ear) -> None:
    payment = opens(payer)
    assert "/toss/pay/" in payment.redirect_url
    paid = payments.approve_payment(payment=payment, token=payer.agrees(payment), at=AT)
    assert paid.state == PaymentState.APPROVED
    assert payer.truth(payment)["status"] == "DONE"
    assert (ledger.balance_of("provider:toss"), ledger.balance_of(PAYEE)) == (-12_000, 12_000)
    assert ear.names(payment) == ["PaymentSettled"]


def test_every_post_carries_a_key_of_its_own_and_a_repeated_ready_is_the_same(payer: Payer) -> None:
    payer.sandbox.faults(toss_create={"kind": "timeout_after", "count": 1})
    with pytest.raises(errors.ProviderSilent):
        payer.opens(key="again", provider="toss")
    lost = Payment.objects.get(key="again")
    again = payments.prepare_payment(
        provider="toss", reference=lost.reference, amount=lost.terms.amount, item_name=lost.item_name, payer=lost.payer,
        payee=lost.payee, return_path=lost.return_path, origin="http://127.0.0.1:8000", key="again", at=SOON,
    )  # fmt: skip
    assert again.state == PaymentState.READY
    assert payer.truth(lost)["tid"] == again.provider_key


@pytest.mark.parametrize("kind", [*LOST_BEFORE, *LOST_AFTER])
def test_a_lost_confirm_ends_with_the_money_moved_once(payer: Payer, ear: Ear, kind: str) -> None:
    payment = opens(payer)
    payer.sandbox.faults(toss_confirm={"kind": kind, "count": 1, "seconds": 2})
    unsure = payments.approve_payment(payment=payment, token=payer.agrees(payment), at=AT)
    assert unsure.state == PaymentState.APPROVING
    paid = payments.resolve_payment(payment=payment, at=SOON)
    assert (paid.state, payer.truth(payment)["approvals"]) == (PaymentState.APPROVED, 1)
    assert (ear.names(payment), ledger.balance_of(PAYEE)) == (["PaymentSettled"], 12_000)


@pytest.mark.parametrize("kind", [*LOST_BEFORE, *LOST_AFTER])
def test_a_lost_cancel_ends_with_the_money_back_once(payer: Payer, kind: str) -> None:
    payment = payer.pays(provider="toss")
    refund = payments.refund_payment(payment=payment, amount=5_000, reason="r", key="r", at=AT)
    payer.sandbox.faults(toss_cancel={"kind": kind, "count": 1, "seconds": 2})
    assert payments.carry_out_refund(refund=refund, at=AT).state == RefundState.ASKED
    assert payments.carry_out_refund(refund=refund, at=SOON).state == RefundState.DONE
    truth = payer.truth(payment)
    assert (truth["canceled"], truth["cancels"], ledger.balance_of(PAYEE)) == (5_000, 1, 7_000)


def test_a_cancel_that_happens_long_after_we_hung_up_happens_once_because_of_its_key(payer: Payer) -> None:
    payment = payer.pays(provider="toss")
    refund = payments.refund_payment(payment=payment, amount=5_000, reason="r", key="r", at=AT)
    client = provider_named("toss")
    for _ in range(3):
        answer = client.cancel(payment.terms, amount=5_000, tax_free=0, available=12_000, key=refund.public_id)
        assert answer.outcome is Outcome.DONE
    assert payer.truth(payment)["canceled"] == 5_000
    # The control: without the key the same three calls take the money back three times, for Toss compares no rest.
    for _ in range(2):
        client.cancel(payment.terms, amount=1_000, tax_free=0, available=7_000, key="")
    assert payer.truth(payment)["canceled"] == 7_000


def test_partial_cancels_add_up_and_never_pass_the_payment(payer: Payer) -> None:
    payment = payer.pays(provider="toss")
    for number, won in enumerate((3_000, 4_000, 5_000)):
        refund = payments.refund_payment(payment=payment, amount=won, reason="r", key=f"r{number}", at=AT)
        payments.carry_out_refund(refund=refund, at=AT)
    with pytest.raises(errors.RefundTooMuch):
        payments.refund_payment(payment=payment, amount=1, reason="r", key="r9", at=AT)
    assert (payer.truth(payment)["status"], ledger.balance_of(PAYEE)) == ("CANCELED", 0)


def test_a_refused_card_fails_the_payment_with_its_reason(payer: Payer, ear: Ear) -> None:
    payment = opens(payer)
    payer.sandbox.faults(toss_confirm={"kind": "refused", "count": 1})
    failed = payments.approve_payment(payment=payment, token=payer.agrees(payment), at=AT)
    assert (failed.state, failed.reason) == (PaymentState.FAILED, "toss REJECT_CARD_COMPANY")
    assert ear.names(payment) == ["PaymentFailed"]


def test_a_key_of_another_payment_moves_nothing_and_spoils_nothing(payer: Payer) -> None:
    mine, other = opens(payer), opens(payer)
    token, others = payer.agrees(mine), payer.agrees(other)
    assert payments.approve_payment(payment=mine, token=others, at=AT).state == PaymentState.READY
    assert payments.approve_payment(payment=mine, token=token, at=AT).state == PaymentState.APPROVED
    assert ledger.balance_of(PAYEE) == 12_000


def test_a_confirm_before_the_person_agreed_moves_nothing_and_can_follow_later(payer: Payer) -> None:
    payment = opens(payer)
    key = payment.provider_key or ""
    assert payments.approve_payment(payment=payment, token=key, at=AT).state == PaymentState.READY
    payer.agrees(payment)
    assert payments.approve_payment(payment=payment, token=key, at=AT).state == PaymentState.APPROVED


def test_a_payment_is_found_by_our_own_name_when_its_key_was_lost(payer: Payer) -> None:
    payment = payer.pays(provider="toss")
    nameless = Terms(public_id=payment.public_id, payer="p", item_name="i", amount=Amount(12_000, 0, 0))
    truth = provider_named("toss").order(nameless)
    assert (truth.standing, truth.total, truth.public_id) == (Standing.PAID, 12_000, payment.public_id)


def test_too_small_for_a_card_is_refused_before_anybody_pays(payer: Payer) -> None:
    with pytest.raises(errors.ProviderRefused):
        opens(payer, 99)


@pytest.mark.parametrize("order", list(itertools.permutations(["hint", "redirect", "hint again", "resolve"])))
def test_hints_and_redirects_in_any_order_end_in_one_truth(payer: Payer, ear: Ear, order: tuple[str, ...]) -> None:
    payment = opens(payer)
    token = payer.agrees(payment)
    payer.sandbox.faults(toss_confirm={"kind": "error_5xx_after", "count": 1})
    acts = {
        "hint": lambda: payments.check_payment(payment=payment, at=AT),
        "hint again": lambda: payments.check_payment(payment=payment, at=SOON),
        "redirect": lambda: payments.approve_payment(payment=payment, token=token, at=AT),
        "resolve": lambda: payments.resolve_payment(payment=payment, at=SOON),
    }
    for name in (*order, "resolve"):
        acts[name]()
    payment.refresh_from_db()
    assert (payment.state, payer.truth(payment)["approvals"]) == (PaymentState.APPROVED, 1)
    assert (ear.names(payment), ledger.balance_of(PAYEE)) == (["PaymentSettled"], 12_000)


def test_money_that_moved_without_us_is_recorded_when_somebody_hints_at_it(payer: Payer, ear: Ear) -> None:
    payment = opens(payer)
    payer.agrees(payment)
    assert (
        provider_named("toss").approve(payment.terms, token=payment.provider_key or "", key="x").outcome is Outcome.DONE
    )
    assert payments.check_payment(payment=payment, at=AT).state == PaymentState.APPROVED
    assert ear.names(payment) == ["PaymentSettled"]


def test_a_hint_about_a_payment_that_nobody_agreed_to_changes_nothing(payer: Payer) -> None:
    payment = opens(payer)
    assert payments.check_payment(payment=payment, at=AT).state == PaymentState.READY
    payer.sandbox.press(payment.redirect_url, "cancel")
    assert payments.check_payment(payment=payment, at=AT).state == PaymentState.FAILED


@pytest.mark.parametrize("skew", [timedelta(minutes=-10), timedelta(minutes=10)])
@pytest.mark.parametrize("provider", ["kakaopay", "toss"])
def test_a_worker_whose_clock_is_wrong_charges_nobody_twice(payer: Payer, provider: str, skew: timedelta) -> None:
    payment = payer.opens(provider=provider)
    call = "approve" if provider == "kakaopay" else "toss_confirm"
    payer.sandbox.faults(**{call: {"kind": "timeout_after", "count": 1}})
    payments.approve_payment(payment=payment, token=payer.agrees(payment), at=AT)
    assert payments.resolve_payment(payment=payment, at=AT + skew).state == PaymentState.APPROVED
    assert payer.truth(payment)["approvals"] == 1


@pytest.mark.django_db(transaction=True)
def test_redirect_hint_and_sweeper_at_once_move_the_money_once(payer: Payer, ear: Ear) -> None:
    payment = opens(payer)
    token = payer.agrees(payment)
    results = at_once(
        *[lambda: payments.approve_payment(payment=payment, token=token, at=AT)] * 4,
        *[lambda: payments.check_payment(payment=payment, at=AT)] * 4,
    )
    assert all(isinstance(result, Payment) for result in results), results
    payments.resolve_payment(payment=payment, at=SOON)
    assert (payer.truth(payment)["approvals"], ear.names(payment)) == (1, ["PaymentSettled"])
    assert ledger.balance_of(PAYEE) == 12_000


def test_what_is_kept_of_an_answer_has_no_card_in_it(payer: Payer) -> None:
    payer.pays(provider="toss")
    kept = " ".join(str(call.detail) for call in Call.objects.all())
    assert "****" not in kept
    assert Refund.objects.count() == 0


WORDS = st.one_of(
    st.sampled_from([*words.REFUSED, *words.NOT_YET, "NEW_CODE"]), st.text(max_size=20), st.none(), st.integers()
)
FIELDS = ["code", "status", "paymentKey", "orderId", "totalAmount", "balanceAmount", "cancels", "checkout", "x"]
BODIES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.floats(allow_nan=False)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=12,
)
TERMS = Terms(public_id="pay_1", payer="p", item_name="i", amount=Amount(12_000, 0, 0), provider_key="k")


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(status=st.sampled_from([200, 201, 302, 400, 401, 403, 404, 409, 429, 500, 503]), body=BODIES, code=WORDS)
def test_no_answer_at_all_raises_or_moves_money_that_it_does_not_name(status: int, body: object, code: object) -> None:
    said = {**body, "code": code} if isinstance(body, dict) else body
    client = Toss("http://127.0.0.1:1", "test_sk_x", 1.0)
    client._http = httpx.Client(
        base_url="http://127.0.0.1:1/v1/",
        transport=httpx.MockTransport(lambda request: httpx.Response(status, json=said)),
    )
    answers = [
        client.ready(TERMS, origin="http://x"),
        client.approve(TERMS, token="k", key="a"),
        client.cancel(TERMS, amount=500, tax_free=0, available=12_000, key="c"),
    ]
    assert Outcome.DONE not in [answer.outcome for answer in answers]
    if not (400 <= status < 500 and isinstance(code, str) and code in {*words.REFUSED, *words.NOT_YET}):
        assert {answer.outcome for answer in answers} == {Outcome.UNKNOWN}
    truth = client.order(TERMS)
    assert not rules.believable(truth, TERMS) or truth.counted == 0
