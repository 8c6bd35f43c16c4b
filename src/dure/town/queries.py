"""What the operator of a demo sees of its neighbourhood."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Sum

from dure.ordering import queries as orders
from dure.ordering.models import Order
from dure.regulars.models import Relation
from dure.shops import queries as shops
from dure.town.day import KEY, town_shops
from dure.town.values import PACES, Lately, Neighbour


def pace() -> int:
    """How fast the neighbourhood lives; 0 where it stands still, as in a real installation."""
    if settings.PRODUCTION:
        return 0
    try:
        kept = int(settings.TOWN_PACE_FILE.read_text())
    except (FileNotFoundError, ValueError):
        kept = settings.TOWN_PACE
    return kept if kept in PACES else 0


def lately(*, at: datetime) -> list[Lately]:
    """The last hour of each shop of the demo. Call it across shops."""
    found = []
    for shop in town_shops():
        told = Order.objects.filter(shop=shop, received_at__gt=at - timedelta(hours=1), received_at__lte=at)
        sums = told.aggregate(orders=Count("id"), won=Sum("total", default=0))
        found.append(Lately(shop, sums["orders"], sums["won"], orders.open_visits(shop).count()))
    return found


def neighbours(*, each: int = 3) -> list[Neighbour]:
    """Some of the town's own people, whom a visitor may be: of each shop the friends who came most. Call it across shops."""
    found = []
    for shop in town_shops():
        ours = Order.objects.filter(shop=shop, key__startswith=KEY, device__person__isnull=False)
        friends = Relation.objects.filter(shop=shop, left_at__isnull=True, person__in=ours.values("device__person"))
        path = f"/t/{shops.tables_of(shop)[0].code}"
        found += [
            Neighbour(one, shop, path) for one in friends.select_related("person").order_by("-visits", "id")[:each]
        ]
    return found
