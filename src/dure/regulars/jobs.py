"""What regulars does by itself: points end on their day, coupons of points that nobody used become points again, and friends
hear what came of their consents: here, because a consent knows no shop's name."""

from dure.kit import clock, jobs
from dure.messaging import actions as messaging
from dure.people import actions as people
from dure.regulars import actions
from dure.regulars.models import PointTerms
from dure.shops import fence
from dure.shops.models import Shop


@jobs.periodic("regulars.expire_points", cron="20 * * * *")
def expire_points(timestamp: int) -> None:
    """End points shop by shop, so that one shop's trouble is not another's."""
    now = clock.now()
    with fence.across_shops():
        for terms in PointTerms.objects.select_related("shop").order_by("id"):
            actions.expire_points(shop=terms.shop, at=now)


@jobs.periodic("regulars.tell_consents", cron="40 1-11 * * *")
def tell_consents(timestamp: int) -> None:
    """Every hour of the Korean day: what came of a yes or no within 14 days (§50⑦), and every two years that a yes stands (§50⑧)."""
    now = clock.now()
    if not messaging.turn_latch(at=now):
        return
    with fence.across_shops():
        names = {f"shop:{public_id}": name for public_id, name in Shop.objects.values_list("public_id", "name")}
    for tell in (people.tell_results, people.renew_notices):
        while tell(at=now, names=names):
            pass
