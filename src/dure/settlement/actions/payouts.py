"""A shop's money becomes a payout, and the payout a deposit.

The bank's server is called outside any transaction. So the call is written down and committed before it leaves, and an
answer that is lost is never guessed: the bank is asked, and nothing is sent again before it has said that it never heard.
"""

import logging
from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction

from dure.kit import events, ids
from dure.kit.language import clean
from dure.ledger import actions as ledger
from dure.settlement import errors, queries, rules
from dure.settlement.models import Payout, PayoutLine, PayoutStep
from dure.settlement.providers import HAND, bank_named
from dure.settlement.values import BankAnswer, BankSays, Draft, PayoutKind, PayoutState, TransferTerms
from dure.shops.models import Shop

JOB = "job:settlement"
REASON_MAX = 200
_log = logging.getLogger(__name__)


def close_day(*, shop: Shop, day: date, at: datetime) -> Payout | None:
    """Put all that moved the shop's account until `day` ended, and that no payout carries, into one payout.

    None where nothing moved, and where the shop would owe: then it waits for the next sales. Repeat-safe: a day that was
    closed gives its payout, and what came late goes into a later day. Joins the caller's transaction. Publishes nothing.
    """
    with transaction.atomic():
        _queue_for(shop)
        closed = Payout.objects.filter(shop=shop, period_on=day, kind=PayoutKind.SALES).first()
        if closed:
            return closed
        drafts = queries.unsettled(shop, until=rules.end_of(day))
        whole = rules.total(draft.parts for draft in drafts)
        if not drafts or whole.net < 0:
            return None
        terms = queries.terms_of(shop, day)
        payout = Payout(
            shop=shop,
            public_id=ids.new_public_id("pyt"),
            kind=PayoutKind.SALES,
            period_on=day,
            due_on=rules.deposit_day(day, terms.payout_days),
            state=PayoutState.DUE if whole.net else PayoutState.PAID,
            amount=whole.amount,
            fees=whole.fees,
            kept=whole.kept,
            net=whole.net,
            closed_at=at,
            paid_at=None if whole.net else at,
        )
        moves = _moves(shop, drafts)
        if moves:
            payout.entry = ledger.record_entry(
                key=f"payout:{shop.public_id}:{day}:{payout.kind}",
                kind=queries.CLOSING,
                reference=payout.public_id,
                postings=moves,
                at=at,
            )
        payout.save(force_insert=True)
        PayoutLine.objects.bulk_create(
            (
                PayoutLine(
                    shop=shop,
                    payout=payout,
                    entry_id=draft.entry_id,
                    kind=draft.kind,
                    reference=draft.reference,
                    provider=draft.provider,
                    at=draft.at,
                    **draft.parts._asdict(),
                )
                for draft in drafts
            ),
            batch_size=500,
        )
        _step(payout, JOB, "", at)
        events.ring(f"shop:{shop.pk}")
        return payout


def close_days(*, shop: Shop, at: datetime) -> list[Payout]:
    """Close every Korean day that is over and on which something moved; what came late goes into the last of them.

    Repeat-safe. Returns what was closed now.
    """
    yesterday = date.fromordinal(rules.korean_day(at).toordinal() - 1)
    days = queries.unsettled_days(shop, until=rules.end_of(yesterday))
    closed = set(Payout.objects.filter(shop=shop, period_on__in=[*days, yesterday]).values_list("period_on", flat=True))
    wanted = [day for day in days if day not in closed]
    if len(wanted) < len(days) and yesterday not in closed:
        wanted.append(yesterday)
    found = [close_day(shop=shop, day=day, at=at) for day in sorted(set(wanted))]
    return [payout for payout in found if payout]


def pay_out(*, payout: Payout, at: datetime) -> Payout:
    """Have the bank pay a payout whose day has come; where an operator pays by hand it stays due.

    Must not run inside a transaction. Repeat-safe: only the first caller calls the bank. Publishes nothing.
    """
    bank = bank_named(settings.PAYOUTS["by"])
    with transaction.atomic(durable=True):
        payout = _locked(payout)
        if bank is None or payout.state != PayoutState.DUE or payout.due_on > rules.korean_day(at):
            return payout
        payout.bank, payout.asked_at, payout.asks = settings.PAYOUTS["by"], at, payout.asks + 1
        _move(payout, PayoutState.SENDING, JOB, "", at)
    answer = bank.send(_terms(payout))
    return _believe(payout, answer, at)


def ask_bank(*, payout: Payout, at: datetime) -> Payout:
    """Find out how a payout stands whose answer was lost; one that the bank never heard of is due again.

    Must not run inside a transaction. Repeat-safe. Publishes nothing.
    """
    payout = Payout.objects.get(pk=payout.pk)
    bank = bank_named(payout.bank or HAND)
    if bank is None or payout.state not in (PayoutState.SENDING, PayoutState.UNKNOWN):
        return payout
    return _believe(payout, bank.ask(_terms(payout)), at)


def confirm_payout(*, payout: Payout, bank_key: str, by: str, at: datetime) -> Payout:
    """An operator saw the money arrive (or sent it by hand): the payout is paid, once.

    Repeat-safe. Refuses PayoutMoving while the bank is being asked. Joins the caller's transaction.
    """
    with transaction.atomic():
        payout = _locked(payout)
        if payout.state == PayoutState.PAID:
            return payout
        if payout.state in (PayoutState.SENDING, PayoutState.UNKNOWN):
            raise errors.PayoutMoving
        payout.bank = payout.bank or HAND
        _paid(payout, clean(bank_key)[:REASON_MAX], by, at)
        return payout


def retry_payout(*, payout: Payout, reason: str, by: str, at: datetime) -> Payout:
    """What stood in the way of a refused payout is mended: it is due again. Refuses NotRefused (also when repeated),
    AmountUnclear without a reason."""
    told = clean(reason)[:REASON_MAX]
    if not told:
        raise errors.AmountUnclear
    with transaction.atomic():
        payout = _locked(payout)
        if payout.state != PayoutState.REFUSED:
            raise errors.NotRefused
        _move(payout, PayoutState.DUE, by, told, at)
        return payout


def _queue_for(shop: Shop) -> None:
    """Whoever settles one shop goes one after the other, in nobody else's way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('settlement'), %s)", [shop.pk])


def _moves(shop: Shop, drafts: list[Draft]) -> list[tuple[str, str, int]]:
    """Where the won of the shop's account go: into the payout, to whom the fees belong, and back into the drawer."""
    won: dict[str, int] = {f"payout:{shop.public_id}": 0}
    for draft in drafts:
        for account, amount in (
            (f"payout:{shop.public_id}", draft.parts.net),
            (f"fees:{draft.provider}", draft.parts.fees - draft.parts.platform_fee),
            ("fees:platform", draft.parts.platform_fee),
            (f"counter:{queries.account_of(shop)}", draft.parts.kept),
        ):
            won[account] = won.get(account, 0) + amount
    here = queries.account_of(shop)
    return [(here, account, amount) if amount > 0 else (account, here, -amount) for account, amount in won.items() if amount]  # fmt: skip


def _locked(payout: Payout) -> Payout:
    return Payout.objects.select_for_update(of=("self",), no_key=True).select_related("shop").get(pk=payout.pk)


def _terms(payout: Payout) -> TransferTerms:
    return TransferTerms(
        public_id=payout.public_id, shop=payout.shop.public_id, amount=payout.net, due_on=payout.due_on
    )


def _believe(payout: Payout, answer: BankAnswer, at: datetime) -> Payout:
    with transaction.atomic(durable=True):
        payout = _locked(payout)
        if payout.state not in (PayoutState.SENDING, PayoutState.UNKNOWN):
            return payout
        if answer.says is BankSays.PAID:
            _paid(payout, answer.key, JOB, at)
        elif answer.says is BankSays.REFUSED:
            _log.error("%s: %s refused to pay %s won: %s", payout.public_id, payout.bank, payout.net, answer.code)
            _move(payout, PayoutState.REFUSED, JOB, answer.code, at)
        elif payout.state == PayoutState.SENDING:
            _move(payout, PayoutState.UNKNOWN, JOB, answer.code, at)
        elif answer.says is BankSays.NEVER_HEARD:
            _move(payout, PayoutState.DUE, JOB, "never heard", at)
        return payout


def _paid(payout: Payout, key: str, by: str, at: datetime) -> None:
    payout.bank_key, payout.paid_at = key, at
    ledger.record_entry(
        key=f"deposit:{payout.public_id}",
        kind="deposit",
        reference=payout.public_id,
        postings=[(f"payout:{payout.shop.public_id}", f"bank:{payout.shop.public_id}", payout.net)],
        at=at,
    )
    _move(payout, PayoutState.PAID, by, key, at)


def _move(payout: Payout, to: PayoutState, by: str, reason: str, at: datetime) -> None:
    if not rules.may_move(PayoutState(payout.state), to):
        raise RuntimeError(f"{payout.public_id} cannot go from {payout.state} to {to}")
    payout.state = to
    payout.save(update_fields=["state", "bank", "bank_key", "asked_at", "asks", "paid_at"])
    _step(payout, by, reason, at)
    events.ring(f"shop:{payout.shop_id}")


def _step(payout: Payout, by: str, reason: str, at: datetime) -> None:
    PayoutStep.objects.create(shop_id=payout.shop_id, payout=payout, state=payout.state, by=by, reason=reason, at=at)
