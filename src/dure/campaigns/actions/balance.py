"""A shop's message balance: put in by bank transfer, by a provider or by the operator's subsidy, and given back."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from dure.campaigns import errors, queries
from dure.campaigns.values import TOP_UP_LEAST, TOP_UP_MOST
from dure.kit import ids
from dure.ledger import actions as ledger
from dure.messaging import actions as messaging
from dure.payments import actions as payments
from dure.payments import queries as payment_queries
from dure.payments.models import Payment, Refund
from dure.payments.values import Amount
from dure.shops.models import Shop

ITEM_NAME = "두레 메시지 잔액"
_log = logging.getLogger(__name__)


def fund_messages(*, shop: Shop, won: int, transfer: str, by: str, at: datetime) -> None:
    """Put what a shop paid in by bank transfer onto its message balance. The same transfer counts once."""
    account = queries.message_account(shop)
    messaging.fund_messages(account=account, source="bank:messages", won=won, key=f"messages-funded:{transfer}", at=at)
    _log.info("%s put %s won onto %s for transfer %s", by, won, account, transfer)


def grant_messages(*, shop: Shop, won: int, key: str, by: str, at: datetime) -> None:
    """Put won of the operator's subsidy onto a shop's message balance. The same key counts once; it is never paid out."""
    account = queries.message_account(shop)
    source = queries.SUBSIDY
    messaging.fund_messages(account=account, source=source, won=won, key=f"messages-granted:{key}", at=at)
    _log.info("%s granted %s won to %s", by, won, account)


def begin_top_up(*, shop: Shop, amount: int, provider: str, origin: str, key: str, at: datetime) -> Payment:
    """Start putting `amount` won onto a shop's message balance; the caller sends the owner to the payment's `redirect_url`.
    It is on the balance when the provider says so.

    Must not be called inside a transaction: the provider is asked. Repeat-safe by key. Refuses: TopUpWrong, and what the
    rail refuses.
    """
    if not TOP_UP_LEAST <= amount <= TOP_UP_MOST:
        raise errors.TopUpWrong(field="amount")
    account = queries.message_account(shop)
    ledger.open_account(code=account, floored=True)
    return payments.prepare_payment(
        provider=provider,
        reference=account,
        amount=Amount(amount, amount, 0),  # money put by bears no value-added tax; the messages it buys do
        item_name=ITEM_NAME,
        payer=shop.public_id,
        payee=account,
        return_path=f"/console/{shop.public_id}/messages",
        origin=origin,
        key=f"{account}:{key}",
        at=at,
    )


def take_balance_back(*, shop: Shop, by: str, at: datetime) -> list[Refund]:
    """Return what is left of the provider's top-ups to where it came from, the latest first. What is granted is used up
    before, and what came by bank an operator returns by bank. It is out of the balance at once, and back in it where a
    provider refuses. Refuses: NothingToReturn."""
    account = queries.message_account(shop)
    with transaction.atomic():
        ledger.hold_accounts(codes=[account])
        left = queries.message_balance(shop)
        made = []
        for payment, remains in queries.top_ups_of(shop):
            part = min(left, remains)
            if part and _still_takes(payment, at):
                left -= part
                made.append(
                    payments.refund_payment(
                        payment=payment, amount=part, reason="messages", key=ids.new_public_id("mbk"), at=at
                    )
                )
        if not made:
            raise errors.NothingToReturn
        _log.info("%s took back %s won of %s", by, sum(one.amount for one in made), account)
        return made


def _still_takes(payment: Payment, at: datetime) -> bool:
    window: timedelta | None = payment_queries.capabilities_of(payment.provider).cancel_window
    return window is None or at < (payment.settled_at or payment.created_at) + window
