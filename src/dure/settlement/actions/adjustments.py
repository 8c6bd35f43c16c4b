"""Won held back, released or corrected by a person: new entries of the books, never a change of old ones."""

from datetime import datetime

from django.db import transaction

from dure.kit import ids
from dure.kit.language import clean
from dure.ledger import actions as ledger
from dure.settlement import errors, queries
from dure.settlement.models import Adjustment
from dure.settlement.values import AdjustmentKind
from dure.shops.models import Shop

AMOUNT_MAX = 1_000_000_000
REASON_MAX = 200


def hold_money(*, shop: Shop, amount: int, reason: str, key: str, by: str, at: datetime) -> Adjustment:
    """Keep `amount` won of the shop's next payouts back until somebody releases them.

    Repeat-safe by key. Refuses AmountUnclear, KeyReused. Publishes nothing.
    """
    if amount <= 0:
        raise errors.AmountUnclear
    return _adjust(shop, AdjustmentKind.HOLD, -amount, reason, key, None, by, at)


def release_money(*, hold: Adjustment, reason: str, key: str, by: str, at: datetime) -> Adjustment:
    """Give a hold back whole, with the next payout. Refuses NotHeld, ReleasedAlready; repeat-safe by key."""
    if hold.kind != AdjustmentKind.HOLD:
        raise errors.NotHeld
    return _adjust(hold.shop, AdjustmentKind.RELEASE, -hold.amount, reason, key, hold, by, at)


def correct_money(*, shop: Shop, amount: int, reason: str, key: str, by: str, at: datetime) -> Adjustment:
    """Give the shop `amount` won (or, negative, take them) with its next payout, because something was wrong.

    Repeat-safe by key. Refuses AmountUnclear, KeyReused. Publishes nothing.
    """
    return _adjust(shop, AdjustmentKind.CORRECTION, amount, reason, key, None, by, at)


def _adjust(
    shop: Shop, kind: AdjustmentKind, amount: int, reason: str, key: str, hold: Adjustment | None, by: str, at: datetime
) -> Adjustment:
    told = clean(reason)[:REASON_MAX]
    if not told or not key or not 0 < abs(amount) <= AMOUNT_MAX:
        raise errors.AmountUnclear
    other = "dure:corrections" if kind is AdjustmentKind.CORRECTION else f"held:{shop.public_id}"
    here = queries.account_of(shop)
    with transaction.atomic():
        if hold:
            Adjustment.objects.select_for_update(of=("self",)).get(pk=hold.pk)
            if Adjustment.objects.filter(releases=hold).exclude(key=key).exists():
                raise errors.ReleasedAlready
        entry = ledger.record_entry(
            key=f"adjustment:{key}",
            kind=kind,
            reference=shop.public_id,
            postings=[(other, here, amount) if amount > 0 else (here, other, -amount)],
            at=at,
        )
        known = Adjustment.objects.filter(entry=entry).first()
        return known or Adjustment.objects.create(
            shop=shop,
            public_id=ids.new_public_id("adj"),
            key=key,
            kind=kind,
            amount=amount,
            reason=told,
            releases=hold,
            entry=entry,
            by=by,
            at=at,
        )
