"""Agreed once, charged again, revoked with one tap; and a charge whose answer was lost is never made twice."""

from datetime import timedelta

import pytest

from dure.payments import actions as payments
from dure.payments import errors as rail_errors
from dure.payments.models import Agreement, Payment
from dure.payments.values import AgreementState, Amount, PaymentState
from dure.people import actions as people
from dure.wallet import actions as wallets
from dure.wallet import queries
from dure.wallet.models import TopUp
from dure.wallet.values import TopUpState
from tests.rooms.wallet.conftest import AT, Owner

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def agrees(owner: Owner, *, most_a_day: int = 30_000) -> Agreement:
    payment = wallets.begin_automation(
        wallet=owner.wallet, below=5_000, amount=10_000, most_a_day=most_a_day, provider="kakaopay",
        origin="http://127.0.0.1:8000", key=f"auto-{TopUp.objects.count()}", at=AT,
    )  # fmt: skip
    owner.agrees(payment)
    return Agreement.objects.latest("id")


def refills(owner: Owner, minutes: int = 5) -> Payment | None:
    return wallets.refill_wallet(wallet=owner.wallet, at=AT + timedelta(minutes=minutes))


def charges(owner: Owner) -> int:
    """How often money moved at the provider under an agreement, the first time apart."""
    return sum(one["approvals"] for one in owner.sandbox.truth().values() if one.get("sid")) - 1


def test_an_agreement_begins_with_a_first_top_up_and_fills_the_wallet_when_it_runs_low(owner: Owner) -> None:
    agreement = agrees(owner)
    assert (agreement.state, bool(agreement.key), owner.balance) == (AgreementState.ACTIVE, True, 10_000)
    assert refills(owner) is None
    owner.pays(6_000)
    paid = refills(owner)
    assert paid
    assert (paid.state, paid.charged, owner.balance) == (PaymentState.APPROVED, True, 14_000)
    assert refills(owner) is None


def test_the_days_limit_ends_the_day(owner: Owner) -> None:
    agrees(owner, most_a_day=20_000)
    owner.pays(9_000)
    assert refills(owner)
    owner.pays(10_000)
    assert refills(owner, 10) is None
    assert refills(owner, 24 * 60)
    assert owner.balance == 11_000


def test_a_revoked_agreement_charges_nothing_from_that_moment_and_the_provider_is_told(owner: Owner) -> None:
    agreement = agrees(owner)
    owner.pays(9_000)
    owner.sandbox.faults(
        inactive={"kind": "timeout_before", "count": 1}, status={"kind": "error_5xx_before", "count": 1}
    )
    wallets.end_automation(wallet=owner.wallet, by="p", at=AT)
    assert refills(owner) is None
    assert payments.carry_out_end(agreement=agreement, at=AT).state == AgreementState.ENDING
    with pytest.raises(rail_errors.AgreementOver):
        payments.charge_agreement(
            agreement=agreement, reference="r", amount=Amount(1, 0, 0), item_name="i", payee="p", key="k", at=AT
        )
    assert payments.carry_out_end(agreement=agreement, at=AT + HOUR).state == AgreementState.ENDED


@pytest.mark.parametrize("kind", ["timeout_after", "error_5xx_after", "unknown_after", "cut"])
def test_a_charge_that_happened_and_whose_answer_was_lost_is_in_the_balance_once(owner: Owner, kind: str) -> None:
    agrees(owner)
    before = charges(owner)
    owner.pays(9_000)
    owner.sandbox.faults(subscription={"kind": kind, "count": 1})
    lost = refills(owner)
    assert lost
    assert (lost.state, owner.balance) == (PaymentState.APPROVING, 1_000)
    assert refills(owner, 6) == lost, "nothing else is charged while one is not known"
    found = payments.resolve_payment(payment=lost, at=AT + timedelta(minutes=7))
    assert (found.state, owner.balance, charges(owner) - before) == (PaymentState.APPROVED, 11_000, 1)


@pytest.mark.parametrize("kind", ["timeout_before", "error_5xx_before", "unknown_before"])
def test_a_charge_that_did_not_happen_is_given_up_after_an_hour_and_never_made_twice(owner: Owner, kind: str) -> None:
    agrees(owner)
    before = charges(owner)
    owner.pays(9_000)
    owner.sandbox.faults(subscription={"kind": kind, "count": 1})
    lost = refills(owner)
    assert lost
    assert payments.resolve_payment(payment=lost, at=AT + timedelta(minutes=30)).state == PaymentState.APPROVING
    assert payments.resolve_payment(payment=lost, at=AT + 2 * HOUR).state == PaymentState.EXPIRED
    assert (TopUp.objects.latest("id").state, charges(owner) - before) == (TopUpState.FAILED, 0)
    again = refills(owner, 180)
    assert again
    assert (again.state, owner.balance, charges(owner) - before) == (PaymentState.APPROVED, 11_000, 1)
    assert payments.resolve_payment(payment=lost, at=AT + 4 * HOUR).state == PaymentState.EXPIRED, (
        "the later charge explains"
    )


def test_an_agreement_whose_first_answer_was_lost_is_asked_for_its_last_charge_before_the_next(owner: Owner) -> None:
    payment = wallets.begin_automation(
        wallet=owner.wallet, below=5_000, amount=10_000, most_a_day=30_000, provider="kakaopay",
        origin="http://127.0.0.1:8000", key="auto", at=AT,
    )  # fmt: skip
    owner.sandbox.faults(approve={"kind": "timeout_after", "count": 1})
    owner.agrees(payment)
    payments.resolve_payment(payment=payment, at=AT + timedelta(seconds=5))
    agreement = Agreement.objects.get()
    assert (agreement.state, agreement.last, owner.balance) == (AgreementState.ACTIVE, "", 10_000)
    owner.pays(9_000)
    owner.sandbox.faults(subscription={"kind": "timeout_before", "count": 1})
    lost = refills(owner)
    assert lost
    assert payments.resolve_payment(payment=lost, at=AT + timedelta(minutes=7)).state == PaymentState.APPROVING
    assert owner.balance == 1_000


def test_a_refused_charge_fails_the_top_up_and_nothing_more(owner: Owner) -> None:
    agrees(owner)
    owner.pays(9_000)
    owner.sandbox.faults(subscription={"kind": "refused", "count": 1})
    failed = refills(owner)
    assert failed
    assert (failed.state, owner.balance) == (PaymentState.FAILED, 1_000)
    assert "NOT_ENOUGH_BALANCE" in failed.reason


def test_who_steps_back_at_the_provider_agreed_to_nothing(owner: Owner) -> None:
    payment = wallets.begin_automation(
        wallet=owner.wallet, below=5_000, amount=10_000, most_a_day=30_000, provider="kakaopay",
        origin="http://127.0.0.1:8000", key="auto", at=AT,
    )  # fmt: skip
    payments.give_up_payment(payment=payment, reason="cancelled", at=AT)
    assert Agreement.objects.get().state == AgreementState.FAILED
    assert queries.automation_of(owner.wallet) is None


def test_a_crash_between_writing_down_and_charging_goes_on_with_the_same_refill(owner: Owner) -> None:
    agrees(owner)
    owner.pays(9_000)
    lying = wallets._new_top_up(owner.wallet, 10_000, "kakaopay", "crashed", automatic=True, at=AT)
    assert queries.refills_left_lying(AT + HOUR) == [owner.wallet]
    paid = refills(owner)
    assert paid
    assert (paid.reference, owner.balance) == (lying.public_id, 11_000)


def test_agreeing_anew_ends_the_agreement_before_and_being_forgotten_ends_all(owner: Owner) -> None:
    first = agrees(owner)
    second = agrees(owner)
    first.refresh_from_db()
    assert (first.state, second.state) == (AgreementState.ENDING, AgreementState.ACTIVE)
    people.erase_person(person=owner.person, by="p", at=AT)
    second.refresh_from_db()
    assert second.state == AgreementState.ENDING
