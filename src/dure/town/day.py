"""The demo's neighbourhood goes on living: guests come, the kitchen moves, they pay, leave and become friends.

Every step is the room's own action at the clock's instant. Nothing is remembered between two looks but what is in the
tables, so it may be stopped, killed and begun again at any moment. A pace of 5 makes people and kitchens five times faster
than life, not the clock.
"""

import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random

from django.conf import settings
from django.db import transaction

from dure.kit import clock, jobs
from dure.kit.errors import DureError
from dure.menu import queries as menus
from dure.menu.values import Menu
from dure.ordering import actions as ordering
from dure.ordering import queries as orders
from dure.ordering.models import Order, Visit
from dure.ordering.values import OrderState, Wanted
from dure.people import actions as people
from dure.people.models import Device
from dure.regulars import actions as regulars
from dure.regulars.models import Relation
from dure.shops import fence
from dure.shops import queries as shop_queries
from dure.shops.models import Shop
from dure.town.errors import ClockNotMoved, NoSuchNeighbour, NoSuchPace
from dure.town.places import PLACES, TOGETHER
from dure.town.values import PACES

BY = "town:demo"
KEY = "town:"
EVERY = timedelta(seconds=10)
"""How often somebody looks."""
A_GUEST_EVERY = timedelta(minutes=7)
COMES_BACK, JOINS = 0.5, 0.4
GOES_WITH = 0.6
KITCHEN = {
    OrderState.RECEIVED: (OrderState.ACCEPTED, timedelta(minutes=1)),
    OrderState.ACCEPTED: (OrderState.COOKING, timedelta(minutes=1)),
    OrderState.COOKING: (OrderState.READY, timedelta(minutes=7)),
    OrderState.READY: (OrderState.SERVED, timedelta(minutes=2)),
}
EATS = timedelta(minutes=15)
YOURS_FIRST = timedelta(minutes=2)
"""Whoever tries the owner's part has this long to take a visitor's order before the town's staff does."""


def keep_pace(pace: int) -> None:
    """Live at `pace` from now on, in every program of this demo. Refuses NoSuchPace."""
    if pace not in PACES:
        raise NoSuchPace(field="pace")
    draft = settings.TOWN_PACE_FILE.with_suffix(".new")
    draft.write_text(f"{pace}\n")
    draft.replace(settings.TOWN_PACE_FILE)


def jump_ahead(*, by: timedelta) -> int:
    """Every program of this demo stands `by` further ahead, and what would have been done meanwhile is due now. How many jobs
    that made due. Refuses ClockNotMoved where nobody follows a moved clock."""
    file = clock.followed()
    if file is None:
        raise ClockNotMoved
    with transaction.atomic():
        since = clock.now()
        clock.keep_ahead(file, clock.ahead() + by)
        return jobs.bring_forward(since=since, until=since + by)


def step_in(*, relation: str, at: datetime) -> tuple[Shop, str]:
    """A visitor is one of the town's people for a while: the shop they are a friend of, and the secret of one more phone of
    theirs. Refuses NoSuchNeighbour for everybody real. Call it across shops."""
    asked = Relation.objects.select_related("shop", "person").filter(public_id=relation, left_at__isnull=True).first()
    if asked is None or not _is_ours(asked):
        raise NoSuchNeighbour
    device, secret = people.remember_device(at=at)
    people.claim_device(device=device, person=asked.person, at=at)
    return asked.shop, secret


def _is_ours(relation: Relation) -> bool:
    return Order.objects.filter(shop=relation.shop_id, key__startswith=KEY, device__person=relation.person_id).exists()


def town_shops() -> list[Shop]:
    """The demo's shops, as far as they are there. Call it across shops."""
    names = [place.name for place in PLACES]
    return list(shop_queries.open_shops().filter(name__in=names).order_by("id"))


def live(*, at: datetime, pace: int, chance: Random) -> int:
    """What happens in the `EVERY` before `at`; says how many guests came. Refuses nothing: a step that somebody else took
    first is left alone."""
    came = 0
    with fence.across_shops():
        there = town_shops() if pace else []
    for shop in there:
        with fence.within_shop(shop.pk):
            _cook(shop, at=at, pace=pace)
            _leave(shop, at=at, pace=pace, chance=chance)
            expected = EVERY / A_GUEST_EVERY * pace
            if shop_queries.opening(shop, at).open and chance.random() < expected:
                came += _come(shop, at=at, chance=chance)
    return came


def _cook(shop: Shop, *, at: datetime, pace: int) -> None:
    for order in Order.objects.filter(shop=shop, state__in=KITCHEN).order_by("id"):
        to, takes = KITCHEN[OrderState(order.state)]
        ours = order.key.startswith(KEY)
        wait = takes / pace if ours or order.state != OrderState.RECEIVED else YOURS_FIRST
        if order.changed_at + wait <= at:
            with suppress(DureError):
                ordering.move_order(shop=shop, order=order.public_id, to=to, by=BY, at=at)


def _leave(shop: Shop, *, at: datetime, pace: int, chance: Random) -> None:
    """Guests of the town whose last dish was served a while ago pay, go, and some become friends."""
    for visit in orders.open_visits(shop):
        theirs = list(visit.orders.select_related("device__person"))
        if not theirs or any(not one.key.startswith(KEY) or one.state in KITCHEN for one in theirs):
            continue
        if max(one.changed_at for one in theirs) + EATS / pace > at:
            continue
        device = theirs[0].device
        with suppress(DureError):
            _pay_and_go(visit, device, at=at)
            if device and device.person is None and chance.random() < JOINS:
                person = people.ensure_person(device=device, at=at)
                by = f"guest:{device.pk}"
                regulars.join_channel(shop=shop, person=person, device=device, source="receipt", by=by, at=at)


def _pay_and_go(visit: Visit, device: Device | None, *, at: datetime) -> None:
    if orders.owed_by(visit):
        bill = ordering.open_bill(visit=visit, device=device, at=at)
        ordering.settle_at_counter(bill=bill, by=BY, at=at)
    ordering.close_visit(visit=visit, by=BY, at=at)


def _come(shop: Shop, *, at: datetime, chance: Random) -> bool:
    """Somebody sits down and orders, where a table is free besides the first, which is the visitor's."""
    taken = {visit.table_id for visit in orders.open_visits(shop)}
    free = [table for table in list(shop_queries.tables_of(shop))[1:] if table.pk not in taken]
    if not free:
        return False
    device = _regular(shop, chance) if chance.random() < COMES_BACK else None
    if device is None:
        device, _ = people.remember_device(at=at)
    table = chance.choice(free)
    with suppress(DureError):
        seat = ordering.sit_down(table=table, at=at)
        order = ordering.place_order(
            shop=shop,
            visit=seat.visit,
            table=table,
            device=device,
            wanted=wanted(menus.menu_of(shop), chance),
            key=f"{KEY}{secrets.token_urlsafe(12)}",
            expected_total=None,
            by=f"guest:{device.pk}",
            at=at,
        )
        if order.bill is not None:
            ordering.settle_at_counter(bill=order.bill, by=BY, at=at)
        return True
    return False


def _regular(shop: Shop, chance: Random) -> Device | None:
    """One of the town's own people who is a friend of the shop; nobody whose phone is real."""
    friends = Relation.objects.filter(shop=shop, left_at__isnull=True).values("person")
    known = Order.objects.filter(shop=shop, key__startswith=KEY, device__person__in=friends)
    ours = sorted(set(known.order_by("-id").values_list("device", flat=True)[:200]))
    return Device.objects.select_related("person").get(pk=chance.choice(ours)) if ours else None


def wanted(served: Menu, chance: Random) -> list[Wanted]:
    """One to three items, popular ones three times as often, with whatever must be chosen chosen, and what goes with them."""
    there = {item.name["ko"]: item for item in served.items() if not item.sold_out}
    often = [item for item in there.values() for _ in range(3 if item.popular else 1)]
    picked = {item.public_id: item for item in chance.choices(often, k=chance.choice([1, 1, 2, 3]))}
    for item in list(picked.values()):
        beside = there.get(TOGETHER.get(item.name["ko"], ""))
        if beside and chance.random() < GOES_WITH:
            picked[beside.public_id] = beside
    return [
        Wanted(
            item=item.public_id,
            options=tuple(
                option.public_id
                for group in item.groups
                for option in chance.sample([o for o in group.options if not o.sold_out], k=group.least)
            ),
            quantity=chance.choice([1, 1, 1, 2]),
        )
        for item in picked.values()
    ]
