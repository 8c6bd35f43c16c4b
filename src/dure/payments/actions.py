"""Everything done to payments.

Money moves at the provider, outside any transaction of ours. So every call is written down and committed before it
leaves, its answer is applied under the payment's lock, and an answer that is lost is never guessed: the provider is asked.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import TypeVar

from django.db import transaction
from django.db.models import Sum

from dure.kit import jobs
from dure.kit.events import publish
from dure.kit.ids import new_public_id
from dure.kit.sql import write_unless_there
from dure.ledger import actions as ledger
from dure.ledger import queries as books
from dure.ledger.models import Entry
from dure.payments import errors, rules
from dure.payments.events import PaymentFailed, PaymentRefunded, PaymentSettled
from dure.payments.models import Agreement, Call, Payment, Refund
from dure.payments.providers import provider_named, recurring_named
from dure.payments.values import (
    COUNTER,
    EXPIRED,
    LATE,
    RETURNING,
    AgreementState,
    AgreementTruth,
    Amount,
    Answer,
    Outcome,
    PaymentState,
    RefundState,
    Standing,
    Truth,
)

_log = logging.getLogger(__name__)
_Said = TypeVar("_Said", Answer, Truth, AgreementTruth)


def prepare_payment(
    *,
    provider: str,
    reference: str,
    amount: Amount,
    item_name: str,
    payer: str,
    payee: str,
    return_path: str,
    origin: str,
    key: str,
    recurring: bool = False,
    at: datetime,
) -> Payment:
    """Open a payment at `provider`; afterwards it is READY and `redirect_url` is where the person agrees.

    `origin` is how the person's browser reaches us, `return_path` where it comes back to. Must not run inside a
    transaction. Repeat-safe: the same key is the same payment as it stands by now, prepared again only while it lacks a
    redirect; a new attempt after a failure needs a new key. `recurring` asks the person to agree to later charges too
    (`charge_agreement`): the payment's `agreement` is active once it is paid.
    Refuses: KeyReused, ProviderSilent (try again), ProviderRefused. Publishes PaymentFailed when the provider refuses.
    """
    if not return_path.startswith("/") or return_path.startswith("//"):
        raise ValueError(f"not a path of ours: {return_path}")
    wanted = _new(provider, reference, amount, item_name, payer, payee, key, at)
    wanted.return_path = return_path
    with transaction.atomic(durable=True):
        payment = _kept(wanted)
        if payment.state != PaymentState.CREATED:
            return payment
        if recurring and payment.agreement is None:
            payment.agreement = Agreement.objects.create(
                public_id=new_public_id("agr"), provider=provider, payer=payer, asked_at=at
            )
            payment.save(update_fields=["agreement"])
        call = _begin_call(payment, "ready", at)
    answer, seconds = _timed(lambda: provider_named(provider).ready(payment.terms, origin=origin))
    with transaction.atomic(durable=True):
        payment = _locked(payment)
        _end_call(call, answer, at, seconds)
        if payment.state == PaymentState.CREATED:
            if answer.outcome is Outcome.DONE:
                payment.provider_key, payment.redirect_url = answer.provider_key, answer.redirect_url
                _move(payment, PaymentState.READY)
            elif answer.outcome is not Outcome.UNKNOWN:
                _close(payment, PaymentState.FAILED, f"{provider} {answer.code}", at)
    if payment.state == PaymentState.CREATED:
        raise errors.ProviderSilent
    if payment.state == PaymentState.FAILED:
        raise errors.ProviderRefused
    return payment


def approve_payment(*, payment: Payment, token: str, at: datetime) -> Payment:
    """Move the money, after the person agreed and came back with `token`.

    Returns the payment as it then stands: APPROVED; FAILED; READY when the token was not this payment's; or APPROVING
    when the answer was lost and is being asked for. Must not run inside a transaction. Repeat-safe: only the first
    caller calls the provider. Refuses: PaymentMoving before the payment was prepared.
    Publishes PaymentSettled or PaymentFailed with the change that makes it true.
    """
    with transaction.atomic(durable=True):
        payment = _locked(payment)
        if payment.state == PaymentState.CREATED:
            raise errors.PaymentMoving
        if payment.state != PaymentState.READY:
            return payment
        payment.approval_token, payment.approving_at = token, at
        _move(payment, PaymentState.APPROVING)
        call = _begin_call(payment, "approve", at)
    return _approve(payment, call, at)


def settle_at_counter(
    *, reference: str, amount: Amount, item_name: str, payer: str, payee: str, key: str, by: str, at: datetime
) -> Payment:
    """Record money that a member of staff took at the counter: APPROVED at once.

    Joins the caller's transaction. Repeat-safe by key. Refuses: KeyReused. Publishes PaymentSettled.
    """
    with transaction.atomic():
        wanted = _new(COUNTER, reference, amount, item_name, payer, payee, key, at)
        wanted.approval_token, wanted.state, wanted.settled_at = by, PaymentState.APPROVED, at
        payment = _kept(wanted)
        if payment.public_id == wanted.public_id:
            _book(payment, at)
            _tell_settled(payment, at)
        return payment


def settle_from_account(
    *,
    provider: str,
    source: str,
    reference: str,
    amount: Amount,
    item_name: str,
    payer: str,
    payee: str,
    key: str,
    at: datetime,
) -> Payment:
    """Pay out of `source`, an account of our own books that keeps a floor: APPROVED at once, and nobody outside is asked.

    Joins the caller's transaction, which should hold the account already (`ledger.hold_accounts`). Repeat-safe by key.
    Refuses: KeyReused, the ledger's NotEnough (then nothing happened). Publishes PaymentSettled.
    """
    with transaction.atomic():
        wanted = _new(provider, reference, amount, item_name, payer, payee, key, at)
        wanted.source, wanted.state, wanted.settled_at = source, PaymentState.APPROVED, at
        payment = _kept(wanted)
        if payment.public_id == wanted.public_id:
            _book(payment, at)
            _tell_settled(payment, at)
        return payment


def give_up_payment(*, payment: Payment, reason: str, at: datetime) -> Payment:
    """Close a payment that nobody approved: the person cancelled, or the order is off.

    Joins the caller's transaction. Repeat-safe: a payment already closed stays as it is. Publishes PaymentFailed.
    Refuses: PaymentMoving while the provider may be moving money, AlreadyPaid afterwards.
    """
    with transaction.atomic():
        # Whoever holds the row is settling it and may want what our caller has locked: never wait for them.
        free = Payment.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=payment.pk).first()
        if free is None or free.state == PaymentState.APPROVING:
            raise errors.PaymentMoving
        payment = free
        if payment.state == PaymentState.APPROVED:
            raise errors.AlreadyPaid
        if payment.state in (PaymentState.CREATED, PaymentState.READY):
            _close(payment, PaymentState.FAILED, reason, at)
        return payment


def resolve_payment(*, payment: Payment, at: datetime) -> Payment:
    """Find out how an open payment stands, by asking its provider; close it when its time is over.

    It approves again only after the provider truthfully said that it had not, and while that is still possible. A
    payment given up in doubt, of which the provider now says that money moved, is recorded and returned.
    Must not run inside a transaction. Repeat-safe. Publishes PaymentSettled, PaymentFailed.
    """
    payment = Payment.objects.get(pk=payment.pk)
    if payment.state in (PaymentState.CREATED, PaymentState.READY):
        with transaction.atomic(durable=True):
            payment = _locked(payment)
            if payment.state in (PaymentState.CREATED, PaymentState.READY) and not rules.lives(payment.created_at, at):
                # No approval is on its way for it, so no money can move.
                _close(payment, PaymentState.EXPIRED, EXPIRED, at)
            return payment
    if payment.state == PaymentState.APPROVED or payment.approving_at is None:
        return payment
    if payment.charged and not payment.provider_key:
        return _resolve_charge(payment, at)
    truth = _ask(payment, at)
    with transaction.atomic(durable=True):
        payment = _locked(payment)
        payment.asks, payment.asked_at = payment.asks + 1, at
        payment.save(update_fields=["asks", "asked_at"])
        again = _believe(payment, truth, at)
        if payment.state == PaymentState.APPROVING and not again:
            _ask_later(payment, rules.next_ask_at(at, payment.asks))
        call = _begin_call(payment, "approve", at) if again else None
    return _approve(payment, call, at) if call else payment


def charge_agreement(
    *, agreement: Agreement, reference: str, amount: Amount, item_name: str, payee: str, key: str, at: datetime
) -> Payment:
    """Charge again under an agreement, with nobody at a page: APPROVED; FAILED; or APPROVING when the answer was lost.

    A lost charge is never repeated, for the provider knows no key of ours: the agreement's last charge tells whether it
    happened. Until that is known, nothing else is charged. Must not run inside a transaction. Repeat-safe by key.
    Refuses: AgreementOver, PaymentMoving, KeyReused, ProviderSilent. Publishes PaymentSettled or PaymentFailed.
    """
    if not agreement.last and agreement.key:
        # Without knowing the charge before, a lost one could not be told from it.
        last = recurring_named(agreement.provider).standing(agreement.key).last
        if not last:
            raise errors.ProviderSilent
        Agreement.objects.filter(pk=agreement.pk, last="").update(last=last)
    with transaction.atomic(durable=True):
        agreed = Agreement.objects.select_for_update(no_key=True).get(pk=agreement.pk)
        known = Payment.objects.filter(key=key).first()
        if known:
            return known
        if agreed.state != AgreementState.ACTIVE or not agreed.key:
            raise errors.AgreementOver
        if agreed.payments.filter(state=PaymentState.APPROVING).exists():
            raise errors.PaymentMoving
        wanted = _new(agreed.provider, reference, amount, item_name, agreed.payer, payee, key, at)
        wanted.agreement, wanted.charged, wanted.charged_after = agreed, True, agreed.last
        payment = _kept(wanted)
        payment.approving_at = at
        _move(payment, PaymentState.APPROVING)
        call = _begin_call(payment, "charge", at)
    answer, seconds = _timed(lambda: recurring_named(payment.provider).charge(payment.terms))
    with transaction.atomic(durable=True):
        payment = _locked(payment)
        _end_call(call, answer, at, seconds)
        if answer.outcome is Outcome.DONE and payment.state != PaymentState.APPROVED:
            payment.provider_key = answer.provider_key
            _charged(payment, str(answer.detail.get("approved_at", "")))
            _settle(payment, at)
        elif payment.state == PaymentState.APPROVING and answer.outcome is Outcome.REFUSED:
            _close(payment, PaymentState.FAILED, f"{payment.provider} {answer.code}", at)
        elif payment.state == PaymentState.APPROVING:
            _ask_later(payment, rules.next_ask_at(at, payment.asks))
    return payment


def _resolve_charge(payment: Payment, at: datetime) -> Payment:
    """A charge whose answer was lost: has the agreement been charged since? The provider has no other name for it."""
    assert payment.agreement
    truth, seconds = _timed(lambda: recurring_named(payment.provider).standing(payment.terms.agreement_key))
    Call.objects.create(
        payment=payment,
        kind="standing",
        started_at=at,
        ended_at=at + timedelta(seconds=seconds),
        outcome=truth.code,
        detail={"last": truth.last},
    )
    with transaction.atomic(durable=True):
        payment = _locked(payment)
        payment.asks, payment.asked_at = payment.asks + 1, at
        payment.save(update_fields=["asks", "asked_at"])
        if payment.state == PaymentState.APPROVED:
            return payment
        if truth.last and payment.charged_after not in ("", truth.last) and _is_last_charge(payment):
            _charged(payment, truth.last)
            _settle(payment, at)
        elif payment.state == PaymentState.APPROVING:
            assert payment.approving_at
            if truth.last and at >= payment.approving_at + rules.CHARGE_GIVEN_UP:
                _close(payment, PaymentState.EXPIRED, EXPIRED, at)
            else:
                _ask_later(payment, rules.next_ask_at(at, payment.asks))
    return payment


def _is_last_charge(payment: Payment) -> bool:
    """A later charge under the same agreement would explain why its last one moved on."""
    assert payment.agreement
    return not payment.agreement.payments.filter(charged=True, pk__gt=payment.pk).exists()


def _charged(payment: Payment, last: str) -> None:
    Agreement.objects.filter(payments=payment).update(last=last)


def _agreed(payment: Payment, key: str, last: str, at: datetime) -> None:
    """The first payment of an agreement ended: with the provider's name for the agreement it is active, else it failed. One
    that was revoked meanwhile is ended."""
    if payment.agreement is None or payment.charged:
        return
    agreed = Agreement.objects.select_for_update(no_key=True).get(pk=payment.agreement.pk)
    if key and agreed.key is None:
        agreed.key, agreed.last, agreed.agreed_at = key, last, at
    if agreed.state == AgreementState.ASKED:
        _move_agreement(agreed, AgreementState.ACTIVE if key else AgreementState.FAILED)
    elif agreed.state == AgreementState.ENDING and not key:
        agreed.ended_at = at
        _move_agreement(agreed, AgreementState.ENDED)
    agreed.save()
    if agreed.state == AgreementState.ENDING:
        jobs.enqueue("payments.end", once=f"agreement:{agreed.pk}", agreement_id=agreed.pk)


def end_agreement(*, agreement: Agreement, reason: str, at: datetime) -> Agreement:
    """Revoke an agreement: from now on nothing is charged under it, whatever the provider still believes; it is told by a
    job until it knows. Joins the caller's transaction. Safe to repeat."""
    with transaction.atomic():
        agreed = Agreement.objects.select_for_update(no_key=True).get(pk=agreement.pk)
        if agreed.state not in (AgreementState.ASKED, AgreementState.ACTIVE):
            return agreed
        agreed.ending_at, agreed.reason = at, reason
        _move_agreement(agreed, AgreementState.ENDING)
        agreed.save()
        jobs.enqueue("payments.end", once=f"agreement:{agreed.pk}", agreement_id=agreed.pk)
        return agreed


def carry_out_end(*, agreement: Agreement, at: datetime) -> Agreement:
    """Tell the provider that an agreement is over, or find out whether it knows. Must not run inside a transaction.
    Repeat-safe: ending twice is ended."""
    agreed = Agreement.objects.get(pk=agreement.pk)
    if agreed.state != AgreementState.ENDING or not agreed.key:
        return agreed
    client, key = recurring_named(agreed.provider), agreed.key
    over = client.end(key).outcome is Outcome.DONE or client.standing(key).active is False
    with transaction.atomic(durable=True):
        agreed = Agreement.objects.select_for_update(no_key=True).get(pk=agreed.pk)
        agreed.tries, agreed.tried_at = agreed.tries + 1, at
        if over and agreed.state == AgreementState.ENDING:
            agreed.ended_at = at
            _move_agreement(agreed, AgreementState.ENDED)
        agreed.save()
        if agreed.state == AgreementState.ENDING:
            when = rules.next_ask_at(at, agreed.tries - 1)
            jobs.enqueue("payments.end", at=when, once=f"agreement:{agreed.pk}", agreement_id=agreed.pk)
    return agreed


def _move_agreement(agreed: Agreement, to: AgreementState) -> None:
    if not rules.agreement_may_move(AgreementState(agreed.state), to):
        raise RuntimeError(f"{agreed.public_id} cannot go from {agreed.state} to {to}")
    agreed.state = to


def take_hint(*, payment: Payment, at: datetime) -> None:
    """Somebody unsigned says that something happened to a payment (a webhook): ask its provider soon.

    Safe to repeat, and in any order: what was said is not even kept, only that something was.
    """
    jobs.enqueue("payments.check", once=f"check:{payment.pk}", payment_id=payment.pk)


def check_payment(*, payment: Payment, at: datetime) -> Payment:
    """Ask how a payment stands, whatever we think. Money that moved without us is recorded; money that went back without us
    is shouted about, and shown by `dure verify`.

    Must not run inside a transaction. Repeat-safe. Publishes PaymentSettled, PaymentFailed.
    """
    payment = Payment.objects.get(pk=payment.pk)
    if payment.provider == COUNTER or payment.source:
        return payment
    if payment.state not in (PaymentState.READY, PaymentState.APPROVED):
        return resolve_payment(payment=payment, at=at)
    truth = _ask(payment, at)
    with transaction.atomic(durable=True):
        payment = _locked(payment)
        asked = payment.refunds.exclude(state=RefundState.FAILED).aggregate(won=Sum("amount"))["won"] or 0
        if payment.state == PaymentState.APPROVED and truth.standing is Standing.PAID and truth.refunded > asked:
            _log.error("%s: %s returned %s won unasked", payment.public_id, payment.provider, truth.refunded - asked)
        elif payment.state == PaymentState.READY and truth.counted and rules.believable(truth, payment.terms):
            payment.approving_at = at
            _move(payment, PaymentState.APPROVING)
            _believe(payment, truth, at)
        elif payment.state == PaymentState.READY and truth.standing is Standing.CLOSED:
            _close(payment, PaymentState.FAILED, f"{payment.provider} {truth.code}", at)
    return payment


def refund_payment(
    *,
    payment: Payment,
    amount: int,
    tax_free: int | None = None,
    account: str = "",
    reason: str,
    key: str,
    at: datetime,
) -> Refund:
    """Return `amount` won of an approved payment: kept now, carried out by a job.

    `tax_free` is the tax-free part of it; None takes it in proportion to what is left of the payment. `account` gives
    the won, its payee unless said; one that keeps a floor is relieved of them at once, so that nobody spends what is on
    its way back. Money taken at the counter or out of our own books is returned there, at once.
    Joins the caller's transaction. Repeat-safe by key.
    Refuses: NotPaid, RefundTooMuch (refunds on their way count), KeyReused, the ledger's NotEnough.
    Publishes PaymentRefunded when it is done.
    """
    with transaction.atomic():
        payment = _locked(payment)
        known = Refund.objects.filter(key=key).first()
        if known:
            if (known.payment_id, known.amount) != (payment.pk, amount):
                raise errors.KeyReused
            if tax_free is not None and tax_free != known.tax_free:
                raise errors.KeyReused
            return known
        if payment.state != PaymentState.APPROVED:
            raise errors.NotPaid
        gone = payment.refunds.exclude(state=RefundState.FAILED).aggregate(won=Sum("amount"), tax_free=Sum("tax_free"))
        paid, won, free = payment.terms.amount, gone["won"] or 0, gone["tax_free"] or 0
        if tax_free is None:
            tax_free = rules.tax_free_in(paid, won, free, amount)
        if not rules.refund_fits(paid, won, free, amount, tax_free):
            raise errors.RefundTooMuch
        refund = Refund.objects.create(
            public_id=new_public_id("rfd"),
            key=key,
            payment=payment,
            amount=amount,
            tax_free=tax_free,
            account=account or payment.payee,
            reason=reason,
            asked_at=at,
        )
        _hold(payment, refund, at)
        if payment.provider == COUNTER or payment.source:
            _return(payment, refund, at)
        else:
            jobs.enqueue("payments.refund", refund_id=refund.pk)
        return refund


def carry_out_refund(*, refund: Refund, at: datetime) -> Refund:
    """Have the provider return the money of one refund, or find out whether it already did.

    Refunds of one payment go one after the other, so what can still be returned is known before each call and the
    provider compares it. A refund whose answer was lost is asked about before it is tried again.
    Must not run inside a transaction. Repeat-safe. Publishes PaymentRefunded.
    """
    refund = Refund.objects.select_related("payment").get(pk=refund.pk)
    payment = refund.payment
    if refund.state == RefundState.ASKED and refund.tries:
        before = _ask(payment, at)
        with transaction.atomic(durable=True):
            payment, refund = _both_locked(refund)
            if not _may_return(payment, refund, before, at):
                return refund
    with transaction.atomic(durable=True):
        payment, refund = _both_locked(refund)
        if (
            refund.state != RefundState.ASKED
            or payment.refunds.filter(state=RefundState.ASKED, pk__lt=refund.pk).exists()
        ):
            return refund
        refund.tries, refund.tried_at, refund.refunded_before = refund.tries + 1, at, payment.refunded
        refund.save(update_fields=["tries", "tried_at", "refunded_before"])
        call = _begin_call(payment, "cancel", at)
    answer, seconds = _timed(
        lambda: provider_named(payment.provider).cancel(
            payment.terms,
            amount=refund.amount,
            tax_free=refund.tax_free,
            available=payment.amount - payment.refunded,
            key=refund.public_id,
        )
    )
    # A refusal may mean that the same refund won a moment ago: only the truth tells.
    truth = _ask(payment, at) if answer.outcome is Outcome.REFUSED else None
    with transaction.atomic(durable=True):
        payment, refund = _both_locked(refund)
        _end_call(call, answer, at, seconds)
        if refund.state == RefundState.ASKED:
            if answer.outcome is Outcome.DONE:
                _return(payment, refund, at)
            elif truth is None:
                _refund_later(refund, at)
            elif _may_return(payment, refund, truth, at):
                _log.error(
                    "%s: %s refused to return %s won: %s",
                    payment.public_id,
                    payment.provider,
                    refund.amount,
                    answer.code,
                )
                _end_refund(refund, RefundState.FAILED)
                refund.refusal = answer.code
                refund.save(update_fields=["state", "refusal"])
                _let_go(refund, at)
                _next_refund(payment)
    return refund


def _new(
    provider: str, reference: str, amount: Amount, item_name: str, payer: str, payee: str, key: str, at: datetime
) -> Payment:
    rules.checked(amount)
    return Payment(
        public_id=new_public_id("pay"),
        key=key,
        provider=provider,
        reference=reference,
        item_name=item_name,
        payer=payer,
        payee=payee,
        amount=amount.total,
        tax_free=amount.tax_free,
        vat=amount.vat,
        created_at=at,
    )


def _kept(wanted: Payment) -> Payment:
    """`wanted` in the database, or the payment that its key already stands for, locked."""
    if write_unless_there(wanted, unique="key"):
        return wanted
    payment = Payment.objects.select_for_update(no_key=True).get(key=wanted.key)
    for name in ("provider", "reference", "payee", "source", "amount", "tax_free", "vat"):
        if getattr(payment, name) != getattr(wanted, name):
            raise errors.KeyReused
    return payment


def _locked(payment: Payment) -> Payment:
    return Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)


def _both_locked(refund: Refund) -> tuple[Payment, Refund]:
    """The payment before its refund, always: its lock is what makes its refunds go one after the other. Before both the won
    that are held for it: whoever takes money back holds the account, and then asks for the payments it came from."""
    if refund.account.startswith(RETURNING):
        ledger.hold_accounts(codes=[refund.account, refund.account.removeprefix(RETURNING)])
    payment = Payment.objects.select_for_update(no_key=True).get(pk=refund.payment_id)
    return payment, Refund.objects.select_for_update(no_key=True).get(pk=refund.pk)


def _move(payment: Payment, to: PaymentState) -> None:
    if not rules.may_move(PaymentState(payment.state), to):
        raise RuntimeError(f"{payment.public_id} cannot go from {payment.state} to {to}")
    payment.state = to
    payment.save(
        update_fields=[
            "state", "reason", "provider_key", "redirect_url", "approval_token", "approving_at", "settled_at",
        ]
    )  # fmt: skip


def _close(payment: Payment, to: PaymentState, reason: str, at: datetime) -> None:
    payment.reason = reason
    if payment.agreement_id and not payment.charged:
        _agreed(payment, "", "", at)
    _move(payment, to)
    publish(
        PaymentFailed(
            payment_id=payment.pk, public_id=payment.public_id, reference=payment.reference, reason=reason, at=at
        )
    )


def _approve(payment: Payment, call: Call, at: datetime) -> Payment:
    """Make the approve call that `call` stands for, and apply its answer."""
    token = payment.approval_token
    key = f"{payment.public_id}:approve:{payment.calls.filter(kind='approve').count()}"
    answer, seconds = _timed(lambda: provider_named(payment.provider).approve(payment.terms, token=token, key=key))
    with transaction.atomic(durable=True):
        payment = _locked(payment)
        _end_call(call, answer, at, seconds)
        if answer.outcome is Outcome.DONE:
            if payment.state != PaymentState.APPROVED:
                _agreed(payment, answer.agreement_key, str(answer.detail.get("approved_at", "")), at)
                _settle(payment, at)
        elif payment.state == PaymentState.APPROVING:
            if answer.outcome is Outcome.REFUSED:
                _close(payment, PaymentState.FAILED, f"{payment.provider} {answer.code}", at)
            elif answer.outcome is Outcome.NOT_YET:
                _move(payment, PaymentState.READY)
            else:
                _ask_later(payment, rules.next_ask_at(at, payment.asks))
    return payment


def _settle(payment: Payment, at: datetime) -> None:
    """The money is at the provider: into the books, and tell. Money for a payment that was given up goes back."""
    given_up = payment.state in (PaymentState.FAILED, PaymentState.EXPIRED)
    payment.settled_at = at
    _move(payment, PaymentState.APPROVED)
    _book(payment, at)
    if given_up:
        _log.warning("%s was paid after it was given up: returning it", payment.public_id)
        refund_payment(
            payment=payment,
            amount=payment.amount,
            reason=LATE,
            key=f"{LATE}:{payment.public_id}",
            at=at,
        )
        return
    _tell_settled(payment, at)


def _book(payment: Payment, at: datetime) -> None:
    ledger.record_entry(
        key=f"payment:{payment.public_id}",
        kind="payment",
        reference=payment.public_id,
        postings=[(_source(payment), payment.payee, payment.amount)],
        at=at,
    )


def _tell_settled(payment: Payment, at: datetime) -> None:
    publish(
        PaymentSettled(
            payment_id=payment.pk,
            public_id=payment.public_id,
            reference=payment.reference,
            amount=payment.amount,
            provider=payment.provider,
            at=at,
        )
    )


def _return(payment: Payment, refund: Refund, at: datetime) -> None:
    """The money of one refund went back: into the books, and tell, unless nobody ever heard of the payment."""
    _end_refund(refund, RefundState.DONE)
    refund.done_at = at
    refund.save(update_fields=["state", "done_at"])
    payment.refunded += refund.amount
    payment.save(update_fields=["refunded"])
    ledger.record_entry(
        key=f"refund:{refund.public_id}",
        kind="refund",
        reference=payment.public_id,
        postings=[(refund.account or payment.payee, _source(payment), refund.amount)],
        at=at,
    )
    if refund.reason != LATE:
        publish(
            PaymentRefunded(
                payment_id=payment.pk, refund_id=refund.pk, reference=payment.reference, amount=refund.amount, at=at
            )
        )
    _next_refund(payment)


def _hold(payment: Payment, refund: Refund, at: datetime) -> None:
    """Take the won of a refund out of reach of whoever could spend them meanwhile."""
    if not books.keeps_floor(refund.account):
        return
    holding = f"{RETURNING}{refund.account}"
    ledger.record_entry(
        key=f"refund-hold:{refund.public_id}",
        kind="refund-hold",
        reference=payment.public_id,
        postings=[(refund.account, holding, refund.amount)],
        floored=frozenset({holding}),
        at=at,
    )
    refund.account = holding
    refund.save(update_fields=["account"])


def _let_go(refund: Refund, at: datetime) -> None:
    """A refund that did not happen gives back what was held for it."""
    held = Entry.objects.filter(key=f"refund-hold:{refund.public_id}").first()
    if held:
        ledger.reverse_entry(entry=held, key=f"refund-held:{refund.public_id}", at=at)


def _end_refund(refund: Refund, to: RefundState) -> None:
    if not rules.refund_may_move(RefundState(refund.state), to):
        raise RuntimeError(f"{refund.public_id} cannot go from {refund.state} to {to}")
    refund.state = to


def _source(payment: Payment) -> str:
    if payment.source:
        return payment.source
    return f"{COUNTER}:{payment.payee}" if payment.provider == COUNTER else f"provider:{payment.provider}"


def _believe(payment: Payment, truth: Truth, at: datetime) -> bool:
    """Apply what the provider said about `payment`; True where it may be approved again."""
    if not rules.believable(truth, payment.terms):
        _log.error("%s: %s speaks of another payment or sum: %s", payment.public_id, payment.provider, truth)
        return False
    if truth.standing is Standing.PAID and truth.counted > 0:
        if payment.state != PaymentState.APPROVED:
            _agreed(payment, truth.agreement_key, "", at)
            _settle(payment, at)
    elif payment.state != PaymentState.APPROVING or truth.standing is Standing.UNKNOWN:
        return False
    elif truth.standing is Standing.PENDING and rules.lives(payment.created_at, at):
        return True
    elif truth.standing is Standing.PENDING:
        _close(payment, PaymentState.EXPIRED, EXPIRED, at)
    else:
        _close(payment, PaymentState.FAILED, f"{payment.provider} {truth.code}", at)
    return False


def _may_return(payment: Payment, refund: Refund, truth: Truth, at: datetime) -> bool:
    """Apply what the provider said about a refund; True where it provably did not happen and no doubt is left."""
    if refund.state != RefundState.ASKED:
        return False
    sure = truth.standing is Standing.PAID and rules.believable(truth, payment.terms)
    if sure and truth.refunded == (refund.refunded_before or 0):
        return True
    if sure and truth.refunded == (refund.refunded_before or 0) + refund.amount:
        _return(payment, refund, at)
        return False
    if sure:
        _log.error(
            "%s: %s returned %s won that we never asked for", payment.public_id, payment.provider, truth.refunded
        )
    refund.tries, refund.tried_at = refund.tries + 1, at
    refund.save(update_fields=["tries", "tried_at"])
    _refund_later(refund, at)
    return False


def _next_refund(payment: Payment) -> None:
    waiting = payment.refunds.filter(state=RefundState.ASKED).order_by("id").first()
    if waiting:
        jobs.enqueue("payments.refund", refund_id=waiting.pk)


def _refund_later(refund: Refund, at: datetime) -> None:
    when = rules.next_ask_at(at, refund.tries - 1)
    jobs.enqueue("payments.refund", at=when, once=f"refund:{refund.pk}", refund_id=refund.pk)


def _ask_later(payment: Payment, when: datetime) -> None:
    jobs.enqueue("payments.ask", at=when, once=f"payment:{payment.pk}", payment_id=payment.pk)


def _ask(payment: Payment, at: datetime) -> Truth:
    """Ask the provider, outside any transaction. Asking moves nothing, so it is noted only afterwards."""
    truth, seconds = _timed(lambda: provider_named(payment.provider).order(payment.terms))
    Call.objects.create(
        payment=payment,
        kind="order",
        started_at=at,
        ended_at=at + timedelta(seconds=seconds),
        outcome=truth.standing,
        detail={"code": truth.code, "total": truth.total, "refunded": truth.refunded},
    )
    return truth


def _begin_call(payment: Payment, kind: str, at: datetime) -> Call:
    return Call.objects.create(payment=payment, kind=kind, started_at=at)


def _end_call(call: Call, answer: Answer, at: datetime, seconds: float) -> None:
    call.ended_at = at + timedelta(seconds=seconds)
    call.outcome, call.detail = answer.outcome, {"code": answer.code, **answer.detail}
    call.save(update_fields=["ended_at", "outcome", "detail"])


def _timed(ask: Callable[[], _Said]) -> tuple[_Said, float]:
    began = monotonic()
    return ask(), monotonic() - began
