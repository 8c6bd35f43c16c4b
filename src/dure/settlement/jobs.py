"""What settling does by itself. Every hour and not once a day: a worker that was down at midnight must not cost a day, and
whatever was done already is not done twice."""

import logging

from dure.kit import clock
from dure.kit.errors import DureError
from dure.kit.jobs import enqueue, job, periodic
from dure.settlement import actions, queries
from dure.settlement.models import Export, Payout
from dure.shops import fence
from dure.shops.models import Shop

_log = logging.getLogger(__name__)


@periodic("settlement.close", "7 * * * *")
def close(timestamp: int) -> None:
    """Close the days that are over, shop by shop, so that trouble with one holds up nobody."""
    for shop in Shop.objects.order_by("id").values_list("id", flat=True):
        enqueue("settlement.close_shop", once=f"close:{shop}", shop_id=shop)


@job("settlement.close_shop")
def close_shop(shop_id: int) -> None:
    """Close one shop's days."""
    with fence.within_shop(shop_id):
        actions.close_days(shop=Shop.objects.get(pk=shop_id), at=clock.now())


@periodic("settlement.pay", "*/10 * * * *")
def pay(timestamp: int) -> None:
    """Send what is due, and ask about what was not answered: each in a job of its own."""
    at = clock.now()
    with fence.across_shops():
        for payout in [*queries.payouts_due(at), *queries.payouts_in_doubt(at)]:
            enqueue("settlement.pay_one", once=f"payout:{payout.pk}", payout_id=payout.pk, shop_id=payout.shop_id)


@job("settlement.pay_one")
def pay_one(payout_id: int, shop_id: int) -> None:
    """Send one payout, or ask about it."""
    with fence.within_shop(shop_id):
        payout = Payout.objects.get(pk=payout_id)
        try:
            actions.pay_out(payout=actions.ask_bank(payout=payout, at=clock.now()), at=clock.now())
        except DureError:
            _log.exception("%s could not be paid", payout.public_id)
            raise


@job("settlement.export")
def export(export_id: int, shop_id: int) -> None:
    """Write one shop's archive."""
    with fence.within_shop(shop_id):
        actions.write_export(export=Export.objects.select_related("shop").get(pk=export_id), at=clock.now())


@periodic("settlement.drop_exports", "41 4 * * *")
def drop_exports(timestamp: int) -> None:
    """Remove archives that lay for a week."""
    with fence.across_shops():
        actions.drop_exports(at=clock.now())
