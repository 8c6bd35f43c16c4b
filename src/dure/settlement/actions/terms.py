"""What holds for a shop's payouts."""

from datetime import date, datetime

from dure.settlement import errors
from dure.settlement.models import PayoutTerms
from dure.settlement.values import SalesTier
from dure.shops.models import Shop

DAYS_MAX = 30


def set_terms(*, shop: Shop, sales_tier: str, payout_days: int, valid_from: date, by: str, at: datetime) -> PayoutTerms:
    """From `valid_from` the shop's fees follow `sales_tier` and it is paid D+`payout_days`, business days of Korea.

    What was closed stays as it is. Refuses TermsUnclear. Not repeat-safe: each call is one more row, and the newer holds.
    """
    if sales_tier not in list(SalesTier) or not 0 <= payout_days <= DAYS_MAX:
        raise errors.TermsUnclear
    return PayoutTerms.objects.create(
        shop=shop, sales_tier=SalesTier(sales_tier), payout_days=payout_days, valid_from=valid_from, by=by, at=at
    )
