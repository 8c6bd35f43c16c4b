"""Writes a lived week down through the rooms' own actions, one guest after the other, as people do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dure.menu.models import Item
from dure.messaging.models import Message
from dure.ordering import actions as ordering
from dure.ordering.values import OrderState, Wanted
from dure.people import actions as people
from dure.people.models import Device, Person
from dure.people.values import Purpose, RefusalScope, shop_sender
from dure.regulars import actions as regulars
from dure.shops import queries as shop_queries
from dure.shops.models import Shop, Table

Numbers = NDArray[np.int64]
BY = "town:lived"
PAID, READY, SERVED, LEFT = (timedelta(minutes=minutes) for minutes in (1, 9, 11, 35))
"""After sitting down."""


@dataclass(frozen=True, slots=True)
class Eatery:
    """A shop of the town with what is written on every bill: its one dish and its tables."""

    shop: Shop
    item: Item
    tables: Sequence[Table]


@dataclass(frozen=True, slots=True)
class Join:
    """Somebody (their place in the town) joins a shop's channel; `agreed`: and says yes to its advertising."""

    person: int
    eatery: Eatery
    agreed: bool
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Coming:
    """Somebody comes, eats, pays and goes, and joins the channel then where `joins`. `key` names the order."""

    person: int
    eatery: Eatery
    key: str
    at: datetime
    joins: Join | None


@dataclass(frozen=True, slots=True)
class No:
    """Somebody has had enough of all advertising and says so by the link in a message: an outgoing text of a sending."""

    person: int
    outgoing: int
    sending: str
    at: datetime


class Hands(Protocol):
    """Writes rows. Both kinds leave the same ones in every table that anything is measured by. Call them across shops."""

    def settle(self, count: int, at: datetime) -> Numbers:
        """So many people with a phone each; (count,) their ids, ascending."""
        ...

    def join(self, joins: Sequence[Join]) -> None: ...

    def come(self, comings: Sequence[Coming]) -> None:
        """Visits, by shop and then by time."""
        ...

    def refuse(self, noes: Sequence[No]) -> None: ...


class OneByOne:
    """Through the actions."""

    def __init__(self) -> None:
        self.devices: list[Device] = []
        self.persons: list[Person] = []

    def settle(self, count: int, at: datetime) -> Numbers:
        for _ in range(count):
            device, _ = people.remember_device(at=at)
            self.persons.append(people.ensure_person(device=device, at=at))
            self.devices.append(device)
        return np.array([person.pk for person in self.persons], np.int64)

    def join(self, joins: Sequence[Join]) -> None:
        for one in joins:
            person, device, shop = self.persons[one.person], self.devices[one.person], one.eatery.shop
            by = f"guest:{device.pk}"
            regulars.join_channel(shop=shop, person=person, device=device, source=one.source, by=by, at=one.at)
            if one.agreed:
                people.give_consent(
                    person=person,
                    sender=shop_sender(shop.public_id),
                    purpose=Purpose.ADVERTISING,
                    source=one.source,
                    proof={},
                    by=by,
                    at=one.at,
                )

    def come(self, comings: Sequence[Coming]) -> None:
        for one in comings:
            self._come(one)
            if one.joins:
                self.join([one.joins])

    def _come(self, one: Coming) -> None:
        device, shop = self.devices[one.person], one.eatery.shop
        table = one.eatery.tables[one.person % len(one.eatery.tables)]
        visit = ordering.sit_down(table=table, at=one.at).visit
        order = ordering.place_order(
            shop=shop,
            visit=visit,
            table=table,
            device=device,
            wanted=[Wanted(item=one.eatery.item.public_id, options=(), quantity=1)],
            key=one.key,
            expected_total=None,
            by=f"guest:{device.pk}",
            at=one.at,
        )
        if order.bill is None or visit is None:
            raise RuntimeError(f"{shop.name} is asked to seat its guests and to be paid first")
        ordering.settle_at_counter(bill=order.bill, by=BY, at=one.at + PAID)
        for after, state in ((READY, OrderState.READY), (SERVED, OrderState.SERVED)):
            ordering.move_order(shop=shop, order=order.public_id, to=state, by=BY, at=one.at + after)
        ordering.close_visit(visit=visit, by=BY, at=one.at + LEFT)

    def refuse(self, noes: Sequence[No]) -> None:
        for one in noes:
            link = Message.objects.get(key=f"outgoing:{one.outgoing}").refuse
            people.refuse_by_link(token=link.rpartition("/")[2], scope=RefusalScope.ALL, proof={}, at=one.at)


def eateries_of(shops: Sequence[Shop], items: Sequence[Item]) -> list[Eatery]:
    """Each shop with its dish and its tables."""
    return [Eatery(shop, item, list(shop_queries.tables_of(shop))) for shop, item in zip(shops, items, strict=True)]
