"""Money goes in on the provider's word, out with one tap, and back as the law says: to the won, whoever leaves or joins."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from dure.ledger import queries as ledger
from dure.ledger.models import Account
from dure.payments import actions as payments
from dure.payments.models import Payment, Refund
from dure.payments.values import COUNTER, PaymentState, RefundState
from dure.people import actions as people
from dure.people.models import Retained
from dure.wallet import actions as wallets
from dure.wallet import errors, queries
from dure.wallet.models import PayBack, TopUp, Wallet
from dure.wallet.values import Kind, TopUpState, WalletState, Why
from tests.rooms.wallet.conftest import AT, SHOP, Owner, carry_out_all

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(days=8)


def whole(owner: Owner) -> int:
    """Every won that came from a provider, less what went back there: it lies somewhere in the books."""
    return -ledger.balance_of("provider:kakaopay") - ledger.balance_of("provider:toss")


def test_a_wallet_is_opened_once_and_keeps_a_floor(owner: Owner) -> None:
    assert wallets.open_wallet(person=owner.person, at=AT) == owner.wallet
    assert (owner.balance, ledger.keeps_floor(owner.wallet.account)) == (0, True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.filter(code=owner.wallet.account).update(balance=-1)


def test_without_a_stated_registration_there_is_no_wallet(owner: Owner, settings: Settings) -> None:
    settings.WALLET = {**settings.WALLET, "registration": ""}
    with pytest.raises(errors.WalletOff):
        wallets.open_wallet(person=owner.person, at=AT)
    with pytest.raises(errors.WalletOff):
        owner.pays(1_000)
    assert queries.wallet_of(owner.person) is None


def test_a_top_up_is_in_the_balance_when_the_provider_said_so(owner: Owner) -> None:
    payment = owner.begins(30_000)
    assert (owner.balance, TopUp.objects.get().state) == (0, TopUpState.OPEN)
    owner.agrees(payment)
    top_up = TopUp.objects.get()
    assert (owner.balance, top_up.state, top_up.balance_after) == (30_000, TopUpState.PAID, 30_000)
    assert ledger.balance_of("provider:kakaopay") == -30_000


def test_paying_is_one_transaction_and_the_same_key_pays_once(owner: Owner) -> None:
    owner.tops_up(30_000)
    paid = owner.pays(12_000, key="bill-a")
    assert owner.pays(12_000, key="bill-a") == paid
    assert (paid.state, owner.balance, ledger.balance_of(SHOP)) == (PaymentState.APPROVED, 18_000, 12_000)


def test_who_has_too_little_pays_nothing_and_leaves_no_trace(owner: Owner) -> None:
    owner.tops_up(10_000)
    with pytest.raises(errors.BalanceShort, match="2,000원이 모자라요"):
        owner.pays(12_000)
    assert (owner.balance, Payment.objects.filter(provider="wallet").count()) == (10_000, 0)


def test_a_returned_payment_comes_back_at_once(owner: Owner) -> None:
    owner.tops_up(30_000)
    paid = owner.pays(12_000)
    payments.refund_payment(payment=paid, amount=5_000, reason="refused", key="r", at=AT)
    assert (owner.balance, ledger.balance_of(SHOP)) == (23_000, 7_000)
    assert Refund.objects.get().state == RefundState.DONE


def test_limits_count_what_is_on_its_way(owner: Owner, settings: Settings) -> None:
    limits = replace(queries.limits(), holding_anonymous=50_000, top_up_a_day=60_000, pay_a_day=20_000)
    settings.WALLET = {**settings.WALLET, "limits": limits}
    first = owner.begins(30_000)
    with pytest.raises(errors.HoldingLimit, match="20,000원까지 충전"):
        owner.begins(30_000)
    owner.agrees(first)
    owner.pays(20_000)
    with pytest.raises(errors.DayLimit):
        owner.pays(1)
    owner.tops_up(30_000)
    with pytest.raises(errors.DayLimit):
        owner.begins(1_000)
    tomorrow = AT + timedelta(days=1)
    owner.pays(15_000, at=tomorrow)
    owner.begins(1_000, at=tomorrow)
    with pytest.raises(errors.AmountWrong):
        owner.begins(999)


def test_a_proven_phone_number_raises_the_holding_limit(owner: Owner) -> None:
    with pytest.raises(errors.HoldingLimit):
        owner.begins(500_001)
    people.set_phone(person=owner.person, phone="010-1234-5678", verified=True)
    assert queries.room_in(Wallet.objects.get(), AT).holding == 2_000_000


def test_a_frozen_wallet_stands_still_but_money_comes_home(owner: Owner) -> None:
    owner.tops_up(30_000)
    paid = owner.pays(10_000)
    by = f"person:{owner.person.public_id}"
    wallets.freeze_wallet(wallet=owner.wallet, by=by, reason="lost", at=AT)
    for act in (lambda: owner.pays(1_000), lambda: owner.begins(1_000)):
        with pytest.raises(errors.WalletFrozen):
            act()
    payments.refund_payment(payment=paid, amount=10_000, reason="refused", key="r", at=AT)
    assert owner.balance == 30_000
    wallets.thaw_wallet(wallet=owner.wallet, by=by, at=AT)
    owner.pays(1_000)


def test_an_operators_freeze_outlasts_the_persons(owner: Owner) -> None:
    owner.tops_up(30_000)
    wallets.freeze_wallet(wallet=owner.wallet, by="operator:o", reason="suspicion", at=AT)
    for act in (
        lambda: wallets.thaw_wallet(wallet=owner.wallet, by=f"person:{owner.person.public_id}", at=AT),
        owner.takes_back,
    ):
        with pytest.raises(errors.NotYours):
            act()
    wallets.thaw_wallet(wallet=owner.wallet, by="operator:o", at=AT)
    owner.pays(1_000)


@pytest.mark.parametrize(("spent", "at", "back"), [(0, AT, 10_000), (0, LATER, None), (1, AT, None), (7_999, LATER, None), (8_000, LATER, 2_000), (9_999, LATER, 1)])  # fmt: skip
def test_what_goes_back_is_what_the_law_says(owner: Owner, spent: int, at: object, back: int | None) -> None:
    owner.tops_up(10_000)
    if spent:
        owner.pays(spent)
    if back is None:
        with pytest.raises(errors.NotYetReturnable):
            owner.takes_back(at)  # type: ignore[arg-type]
        assert owner.balance == 10_000 - spent
    else:
        assert owner.takes_back(at) == back  # type: ignore[arg-type]
        assert owner.balance == 10_000 - spent - back
        carry_out_all()
        assert whole(owner) == 10_000 - back


def test_what_is_on_its_way_back_cannot_be_spent_and_comes_back_when_refused(owner: Owner) -> None:
    owner.tops_up(10_000)
    owner.takes_back()
    assert (owner.balance, ledger.balance_of(f"returning:{owner.wallet.account}")) == (0, 10_000)
    with pytest.raises(errors.BalanceShort):
        owner.pays(1)
    owner.sandbox.faults(cancel={"kind": "refused", "count": 1})
    carry_out_all()
    assert (Refund.objects.get().state, owner.balance) == (RefundState.FAILED, 10_000)
    assert [line.kind for line in queries.statement_of(owner.wallet)] == [Kind.KEPT, Kind.TAKEN_BACK, Kind.TOP_UP]
    assert owner.takes_back() == 10_000
    carry_out_all()
    assert whole(owner) == 0


def test_a_disaster_opens_the_way_back_for_everybody(owner: Owner, settings: Settings) -> None:
    owner.tops_up(10_000)
    owner.pays(1_000)
    settings.WALLET = {**settings.WALLET, "refund_all": Why.DISASTER}
    assert owner.takes_back(LATER) == 9_000
    assert PayBack.objects.get().why == Why.DISASTER


def test_a_balance_goes_back_over_several_top_ups_the_latest_first(owner: Owner) -> None:
    first, second = owner.tops_up(10_000), owner.tops_up(20_000)
    owner.pays(5_000)
    wallets.return_balance(wallet=owner.wallet, why=Why.DEFECT, by="operator:o", at=AT)
    assert list(PayBack.objects.order_by("id").values_list("top_up", "amount")) == [
        (second.pk, 20_000),
        (first.pk, 5_000),
    ]
    carry_out_all()
    assert (owner.balance, whole(owner), queries.safeguarding().agrees) == (0, 5_000, True)


def test_money_that_arrives_after_a_top_up_was_given_up_is_returned_and_cannot_be_spent(owner: Owner) -> None:
    payment = owner.begins(10_000)
    token = owner.sandbox.agree(payment.redirect_url)
    owner.sandbox.faults(approve={"kind": "timeout_after", "count": 1}, order={"kind": "stale", "count": 1})
    payments.approve_payment(payment=payment, token=token, at=AT)
    over = AT + timedelta(minutes=20)
    assert payments.resolve_payment(payment=payment, at=over).state == PaymentState.EXPIRED
    assert TopUp.objects.get().state == TopUpState.FAILED
    payments.resolve_payment(payment=payment, at=over + timedelta(minutes=1))
    assert (owner.balance, ledger.balance_of(f"returning:{owner.wallet.account}")) == (0, 10_000)
    carry_out_all(over)
    assert whole(owner) == 0


def test_whoever_is_forgotten_gets_all_of_it_back(owner: Owner) -> None:
    owner.tops_up(10_000)
    owner.tops_up(20_000)
    paid = owner.pays(4_000)
    people.erase_person(person=owner.person, by="p", at=AT)
    wallet = Wallet.objects.get()
    assert (wallet.state, wallet.person, owner.balance) == (WalletState.CLOSED, None, 0)
    carry_out_all()
    assert whole(owner) == 4_000
    assert Retained.objects.filter(kind="electronic_finance").get().content == {"wallet": wallet.public_id}
    payments.refund_payment(payment=paid, amount=4_000, reason="refused", key="late", at=AT)
    carry_out_all()
    assert (whole(owner), owner.balance, queries.wallets_for_a_person()) == (0, 0, [])
    assert queries.safeguarding().agrees


def test_a_top_up_that_arrives_for_somebody_forgotten_goes_back(owner: Owner) -> None:
    payment = owner.begins(10_000)
    people.erase_person(person=owner.person, by="p", at=AT)
    owner.agrees(payment)
    carry_out_all()
    assert (whole(owner), owner.balance) == (0, 0)


def test_two_identities_join_two_balances(owner: Owner, somebody: Callable[[], Owner]) -> None:
    guest = somebody()
    account = people.open_account(email="m@example.com", at=AT)
    kept = wallets.open_wallet(person=account, at=AT)
    guest.tops_up(10_000)
    paid, coming = guest.pays(3_000), guest.begins(20_000)
    people.claim_device(device=guest.device, person=account, at=AT)
    assert (guest.balance, queries.balance_of(kept)) == (0, 7_000)
    guest.agrees(coming)
    payments.refund_payment(payment=paid, amount=1_000, reason="refused", key="late", at=AT)
    assert (guest.balance, queries.balance_of(kept)) == (0, 28_000)
    assert TopUp.objects.filter(wallet=kept, state=TopUpState.PAID).count() == 2
    wallets.return_balance(wallet=kept, why=Why.DEFECT, by="operator:o", at=AT)
    carry_out_all()
    assert (queries.balance_of(kept), whole(guest), queries.safeguarding().agrees) == (0, 2_000, True)


def test_an_only_wallet_changes_hands(owner: Owner) -> None:
    owner.tops_up(10_000)
    account = people.open_account(email="m@example.com", at=AT)
    people.claim_device(device=owner.device, person=account, at=AT)
    found = queries.wallet_of(account)
    assert found == owner.wallet
    assert queries.balance_of(found) == 10_000


def test_the_statement_adds_up_line_by_line_and_over_pages(owner: Owner) -> None:
    owner.tops_up(30_000)
    for won in (1_000, 2_000, 3_000):
        owner.pays(won)
    lines = queries.statement_of(owner.wallet)
    assert [line.balance for line in lines] == [24_000, 27_000, 29_000, 30_000]
    assert sum(line.won for line in lines) == owner.balance
    assert queries.statement_of(owner.wallet, before=lines[1].id) == lines[2:]
    assert [bool(line.what) for line in lines] == [True, True, True, False], "only what was bought has a name"


def test_the_safeguarding_report_counts_twice_and_notices_a_planted_won(owner: Owner) -> None:
    owner.tops_up(30_000)
    owner.pays(4_000)
    report = queries.safeguarding()
    assert (report.due_outside, report.agrees, report.wallets) == (26_000, True, 1)
    Account.objects.filter(code=owner.wallet.account).update(balance=26_001)
    assert not queries.safeguarding().agrees


def test_money_taken_by_hand_has_nothing_to_do_with_wallets(owner: Owner) -> None:
    assert queries.wallet_by_account(f"{COUNTER}:shop:x") is None
