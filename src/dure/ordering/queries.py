"""What is on the tables, in the kitchen and on the bills."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.core import signing
from django.db import connection
from django.db.models import Count, Exists, F, Min, OuterRef, Prefetch, Q, QuerySet, Sum

from dure.kit.sql import written_once
from dure.menu.models import Item, Option, OptionGroup
from dure.offers import queries as offers
from dure.offers.models import Coupon
from dure.offers.queries import Usable
from dure.offers.values import Line
from dure.ordering import errors, rules
from dure.ordering.models import (
    BasketLine,
    Bill,
    BillPart,
    Concession,
    KitchenScreen,
    Order,
    OrderLine,
    PartUnit,
    StaffCall,
    Visit,
)
from dure.ordering.values import (
    LINES_MAX,
    QUANTITY_MAX,
    BillState,
    ConcessionKind,
    ConcessionState,
    OrderState,
    PartState,
    Wanted,
    Wish,
)
from dure.payments import queries as payments
from dure.people.models import Device, Person
from dure.shops import queries as shops
from dure.shops.models import Shop, Table

_passes = signing.Signer(salt="dure.visit")
SPLIT = "split"


# Visits -------------------------------------------------------------------------------------------------------------


def payee_of(shop: Shop) -> str:
    """The ledger account that holds what is owed to a shop."""
    return f"shop:{shop.public_id}"


def pass_of(visit: Visit) -> str:
    """What a phone at the table carries: names the visit, cannot be made up, and is worth nothing once it is closed."""
    return _passes.sign(visit.public_id)


def visit_by_pass(shop: Shop | int, carried: str) -> Visit | None:
    """The visit that a pass names, open or closed (where it was merged, the visit it was merged into)."""
    try:
        public_id = _passes.unsign(carried)
    except signing.BadSignature:
        return None
    shop_id = shop if isinstance(shop, int) else shop.id
    visit = next(iter(_visits_named(shop_id, public_id)), None)
    if visit and visit.merged_into_id:
        return Visit.objects.select_related("table").get(shop_id=shop_id, id=visit.merged_into_id)
    return visit


@written_once
def _visits_named(shop_id: int, public_id: str) -> QuerySet[Visit]:
    return Visit.objects.select_related("table").filter(shop_id=shop_id, public_id=public_id)


def open_visit_at(table: Table) -> Visit | None:
    """The visit at this table, if somebody sits there."""
    return Visit.objects.filter(shop_id=table.shop_id, table=table, closed_at__isnull=True).first()


def open_visits(shop: Shop) -> QuerySet[Visit]:
    """Every open visit of the shop with what it owes and what it still waits for."""
    return (
        Visit.objects.filter(shop=shop, closed_at__isnull=True)
        .select_related("table")
        .annotate(
            ordered=Count("orders", filter=~Q(orders__state__in=[OrderState.REFUSED, OrderState.GIVEN_UP])),
            cooking=Count("orders", filter=Q(orders__state__in=rules.IN_KITCHEN)),
            unpaid=Sum("orders__total", filter=_unpaid("orders__"), default=0),
        )
        .order_by("opened_at", "id")
    )


def _unpaid(prefix: str = "") -> Q:
    owed = ~Q(**{f"{prefix}state__in": [OrderState.REFUSED, OrderState.GIVEN_UP]})
    return owed & (Q(**{f"{prefix}bill__isnull": True}) | Q(**{f"{prefix}bill__state": BillState.OPEN}))


def visit_by_public_id(shop: Shop, public_id: str) -> Visit:
    """One visit of this shop, or NoSuchOrder."""
    visit = Visit.objects.select_related("table").filter(shop=shop, public_id=public_id).first()
    if visit is None:
        raise errors.NoSuchOrder
    return visit


def is_stale(visit: Visit, *, at: datetime) -> bool:
    """Whether the visit's guests have gone without anybody closing it."""
    if at - visit.last_active_at < rules.STALE_AFTER:
        return False
    waiting = Order.objects.filter(shop_id=visit.shop_id, visit=visit).filter(_unpaid() | Q(state__in=rules.IN_KITCHEN))
    return rules.is_stale(last_active_at=visit.last_active_at, all_done=not waiting.exists(), at=at)


# Prices -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """One wanted line with the menu's names and prices. `options` are `{"name": {...}, "price": won}`."""

    wanted: Wanted
    item: Item
    options: tuple[dict[str, Any], ...]
    option_ids: tuple[str, ...]
    unit_price: int
    sold_out: bool

    @property
    def total(self) -> int:
        return self.unit_price * self.wanted.quantity


def priced(shop_id: int, wanted: Sequence[Wanted]) -> list[PricedLine]:
    """`wanted` at today's prices, in two queries. Refuses NotOnMenu, OptionsInvalid, QuantityInvalid, TooMuch."""
    if len(wanted) > LINES_MAX:
        raise errors.TooMuch
    if any(not 1 <= line.quantity <= QUANTITY_MAX for line in wanted):
        raise errors.QuantityInvalid
    items = {item.public_id: item for item in _items(shop_id, tuple({line.item for line in wanted}))}
    groups: dict[int, dict[int, OptionGroup]] = defaultdict(dict)
    options: dict[int, dict[str, Option]] = defaultdict(dict)
    for option in _options(shop_id, tuple(item.id for item in items.values())):
        groups[option.group.item_id][option.group_id] = option.group
        options[option.group.item_id][option.public_id] = option
    lines = []
    for line in wanted:
        item = items.get(line.item)
        if item is None:
            raise errors.NotOnMenu
        choices = options[item.id]
        bounds = [
            rules.Choice(
                least=group.least,
                most=group.most,
                options=frozenset(o.public_id for o in choices.values() if o.group_id == group.id),
            )
            for group in groups[item.id].values()
        ]
        if not rules.fits(line.options, bounds):
            raise errors.OptionsInvalid
        picked = [choices[name] for name in choices if name in line.options]
        lines.append(
            PricedLine(
                wanted=line,
                item=item,
                options=tuple({"name": o.name, "price": o.price} for o in picked),
                option_ids=tuple(o.public_id for o in picked),
                unit_price=max(0, item.price + sum(o.price for o in picked)),
                sold_out=item.sold_out or any(o.sold_out for o in picked),
            )
        )
    if sum(line.total for line in lines) > rules.ORDER_TOTAL_MAX:
        raise errors.TooMuch
    return lines


@written_once
def _items(shop_id: int, public_ids: tuple[str, ...]) -> QuerySet[Item]:
    items = Item.objects.select_related("station", "section").defer("description", "origin", "allergens")
    return items.filter(shop_id=shop_id, public_id__in=public_ids, retired_at__isnull=True)


@written_once
def _options(shop_id: int, items: tuple[int, ...]) -> QuerySet[Option]:
    options = Option.objects.select_related("group").filter(shop_id=shop_id, group__item_id__in=items)
    return options.order_by("group__position", "position", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketRow:
    """One line of the shared basket as people see it. `item` is the dish's id."""

    public_id: str
    item: int
    name: dict[str, str]
    options: tuple[dict[str, Any], ...]
    note: str
    quantity: int
    unit_price: int
    total: int
    sold_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What a table is about to order, and what it will cost whoever pays from this phone."""

    rows: list[BasketRow]
    subtotal: int
    uses: list[Usable]
    discount: int
    total: int

    @property
    def coupon(self) -> Coupon | None:
        return self.uses[0].coupon if self.uses else None

    @property
    def count(self) -> int:
        return sum(row.quantity for row in self.rows)

    @property
    def sold_out(self) -> list[BasketRow]:
        return [row for row in self.rows if row.sold_out]


def wanted_in(visit: Visit) -> list[tuple[BasketLine, Wanted]]:
    """The basket's lines as wants, oldest first."""
    lines = (
        BasketLine.objects.filter(shop_id=visit.shop_id, visit=visit).select_related("item").order_by("added_at", "id")
    )
    return [
        (line, Wanted(item=line.item.public_id, options=tuple(line.options), quantity=line.quantity, note=line.note))
        for line in lines
    ]


def basket_of(visit: Visit, *, person: Person | None, at: datetime) -> Basket:
    """The basket at today's prices with the coupons that this person would use. A line whose item left the menu or whose
    options changed shows as sold out at 0 won."""
    lines = wanted_in(visit)
    prices: list[PricedLine | None]
    try:
        prices = list(priced(visit.shop_id, [w for _, w in lines]))
    except (errors.NotOnMenu, errors.OptionsInvalid):
        prices = [_price_if_still_sold(visit.shop_id, wanted) for _, wanted in lines]
    rows = [_basket_row(line, price) for (line, _), price in zip(lines, prices, strict=True)]
    subtotal = sum(row.total for row in rows if not row.sold_out)
    sold = [_line_to_be(price) for price in prices if price and not price.sold_out]
    uses = offers.best_coupons_of(person, visit.shop, lines=sold, at=at) if person and subtotal else []
    discount = sum(use.discount for use in uses)
    return Basket(rows=rows, subtotal=subtotal, uses=uses, discount=discount, total=subtotal - discount)


def _line_to_be(price: PricedLine) -> Line:
    return Line(
        item=price.item.public_id,
        section=price.item.section.public_id,
        unit_price=price.unit_price,
        quantity=price.wanted.quantity,
    )


def offer_line(line: OrderLine) -> Line:
    """A sold line as offers see it; an item that left the menu for good belongs to no offer on items."""
    return Line(
        item=line.item.public_id if line.item else "",
        section=line.item.section.public_id if line.item else "",
        unit_price=line.unit_price,
        quantity=line.quantity,
    )


def coupons_on_tab(visit: Visit, *, person: Person | None, at: datetime) -> list[Usable]:
    """The coupons that this person would use for all that the tab owes now."""
    if person is None:
        return []
    lines = OrderLine.objects.filter(
        shop_id=visit.shop_id, order__in=unbilled_of(visit).values("id"), struck_at__isnull=True
    )
    owed = [offer_line(line) for line in lines.select_related("item__section").order_by("id")]
    asked = Bill.objects.filter(shop_id=visit.shop_id, visit=visit, state=BillState.OPEN).order_by("-id").first()
    reference = asked.public_id if asked else ""
    return offers.best_coupons_of(person, visit.shop, lines=owed, reference=reference, at=at)


def _price_if_still_sold(shop_id: int, wanted: Wanted) -> PricedLine | None:
    try:
        return priced(shop_id, [wanted])[0]
    except (errors.NotOnMenu, errors.OptionsInvalid):
        return None


def _basket_row(line: BasketLine, price: PricedLine | None) -> BasketRow:
    return BasketRow(
        public_id=line.public_id,
        item=line.item_id,
        name=line.item.name,
        options=price.options if price else (),
        note=line.note,
        quantity=line.quantity,
        unit_price=price.unit_price if price else 0,
        total=price.total if price else 0,
        sold_out=price.sold_out if price else True,
    )


# Orders and bills ---------------------------------------------------------------------------------------------------


def _orders() -> QuerySet[Order]:
    return Order.objects.select_related("table", "bill").prefetch_related(
        Prefetch("lines", OrderLine.objects.order_by("id"))
    )


def order_of_shop(shop: Shop, public_id: str) -> Order:
    """One order of this shop, or NoSuchOrder."""
    order = _orders().filter(shop=shop, public_id=public_id).first()
    if order is None:
        raise errors.NoSuchOrder
    return order


def order_of_device(device: Device | None, public_id: str) -> Order:
    """One order that this phone, or another phone of its person, placed or sat at; or NoSuchOrder (across shops)."""
    if device is None:
        raise errors.NoSuchOrder
    order = _orders().select_related("shop", "visit__table").filter(_of_device(device), public_id=public_id).first()
    if order is None:
        raise errors.NoSuchOrder
    return order


def _of_device(device: Device) -> Q:
    own = Q(device=device) | Q(bill__device=device)
    return own | Q(device__person=device.person_id) | Q(bill__person=device.person_id) if device.person_id else own


def orders_of_device(device: Device | None) -> QuerySet[Order]:
    """Everything this phone or its person ordered, newest first (across shops)."""
    if device is None:
        return Order.objects.none()
    return _orders().select_related("shop").filter(_of_device(device)).order_by("-placed_at", "-id")


def orders_of_visit(visit: Visit) -> QuerySet[Order]:
    """What the table ordered so far, newest first."""
    return _orders().filter(shop_id=visit.shop_id, visit=visit).order_by("-placed_at", "-id")


def orders_of_shop(shop: Shop, day: date | None = None) -> QuerySet[Order]:
    """A shop's orders, newest first when paged by public id."""
    orders = _orders().filter(shop=shop)
    return orders.filter(business_day=day) if day else orders


def bill_of_shop(shop: Shop, public_id: str) -> Bill:
    """One bill of this shop, or NoSuchOrder."""
    bill = Bill.objects.select_related("coupon__offer", "visit__table").filter(shop=shop, public_id=public_id).first()
    if bill is None:
        raise errors.NoSuchOrder
    return bill


def bill_to_settle(shop: Shop, public_id: str) -> Bill:
    """The same without what stands around it."""
    bill = next(iter(_bills_named(shop.id, public_id)), None)
    if bill is None:
        raise errors.NoSuchOrder
    return bill


@written_once
def _bills_named(shop_id: int, public_id: str) -> QuerySet[Bill]:
    return Bill.objects.filter(shop_id=shop_id, public_id=public_id)


def topics_of_orders(bill: str) -> list[str]:
    """What to ring so that the pages of a bill's (public id) orders are drawn again."""
    return [
        f"order:{pk}" for pk in Order.objects.filter(bill__public_id=bill).order_by("pk").values_list("pk", flat=True)
    ]


def bill_of_device(device: Device | None, public_id: str) -> Bill:
    """One bill that this phone opened or may pay, or NoSuchOrder (across shops)."""
    found = (
        Bill.objects.select_related("shop", "coupon__offer", "visit__table", "person")
        .filter(public_id=public_id)
        .filter(Q(device=device) | Q(orders__device=device))
        .distinct()
        .first()
        if device
        else None
    )
    if found is None:
        raise errors.NoSuchOrder
    return found


def owed_by(visit: Visit) -> int:
    """Won that a visit still owes: what nobody has billed, and of bills what parts have not paid."""
    owed = sum(order.total for order in unbilled_of(visit) if order.bill is None or not order.bill.taken)
    return owed + sum(split_of(bill).unpaid for bill in open_bills_of(visit) if bill.taken)


def lines_asked(bill: Bill) -> QuerySet[OrderLine]:
    """The lines that a bill asks for: neither struck nor of a refused order, in the order in which they were sold."""
    return (
        OrderLine.objects.filter(shop_id=bill.shop_id, order__bill=bill, struck_at__isnull=True)
        .exclude(order__state=OrderState.REFUSED)
        .order_by("id")
    )


def lines_billed(bill: Bill) -> QuerySet[OrderLine]:
    """The lines that a settled bill was over: all but those that were struck before it was paid."""
    lines = OrderLine.objects.filter(shop_id=bill.shop_id, order__bill=bill)
    return lines.exclude(struck_at__isnull=False, returned__isnull=True).order_by("id")


def free_units(bill: Bill) -> dict[int, list[int]]:
    """The units of each line (by id) that nobody has taken, where the table splits by item."""
    taken: dict[int, set[int]] = defaultdict(set)
    held = PartUnit.objects.filter(shop_id=bill.shop_id, part__bill=bill, freed_at__isnull=True)
    for line_id, unit in held.values_list("line_id", "unit"):
        taken[line_id].add(unit)
    return {
        line.id: [unit for unit in range(line.quantity) if unit not in taken[line.id]] for line in lines_asked(bill)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Dish:
    """A line of a bill that is split by item: `position` names it, `prices` are those of its units that are still free."""

    position: int
    name: dict[str, str]
    options: list[dict[str, Any]]
    quantity: int
    prices: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How a bill stands whose table splits it: `left` won are nobody's yet, `unpaid` not paid yet. `share`: won of the next
    of `ways` equal parts, by number of ways."""

    bill: Bill
    parts: list[BillPart]
    paid: int
    left: int
    dishes: list[Dish]
    shares: dict[int, int]

    @property
    def unpaid(self) -> int:
        return self.bill.total - self.paid

    @property
    def fewest(self) -> int:
        return min(self.shares, default=0)


def split_of(bill: Bill) -> Split:
    """How an open bill is split by now, and what may be taken next."""
    parts = list(
        BillPart.objects.filter(shop_id=bill.shop_id, bill=bill)
        .exclude(state=PartState.GIVEN_BACK)
        .select_related("device")
        .order_by("id")
    )
    alive = [part for part in parts if part.state in (PartState.TAKEN, PartState.PAID)]
    left = bill.total - bill.taken
    free = free_units(bill)
    dishes = [
        Dish(
            position=position,
            name=line.name,
            options=line.options,
            quantity=line.quantity,
            prices=[
                rules.unit_prices(line.unit_price, line.quantity, line.discount)[unit] for unit in free.get(line.id, [])
            ],
        )
        for position, line in enumerate(lines_of_bill(bill), 1)
        if line.id in free
    ]
    fewest = max(2, len(alive) + 1)
    return Split(
        bill=bill,
        parts=parts,
        paid=sum(part.amount - part.refunded for part in alive if part.state == PartState.PAID),
        left=left,
        dishes=dishes,
        shares={ways: rules.next_share(left, ways, len(alive)) for ways in range(fewest, rules.WAYS_MAX + 1)},
    )


def lines_of_bill(bill: Bill) -> QuerySet[OrderLine]:
    """Every line of a bill, struck ones too: the place in this list names a line to those who split."""
    return OrderLine.objects.filter(shop_id=bill.shop_id, order__bill=bill).order_by("id")


def open_bills_of(visit: Visit) -> list[Bill]:
    """What a visit is still to pay at once, the oldest bill first."""
    found = Bill.objects.filter(shop_id=visit.shop_id, visit=visit, state=BillState.OPEN)
    return list(found.select_related("shop", "person").order_by("id"))


def bill_at(visit: Visit, public_id: str) -> Bill:
    """One bill of the guests at a table, or NoSuchOrder: whoever sits there may pay a part of it."""
    found = (
        Bill.objects.select_related("shop", "visit__table", "person")
        .filter(shop_id=visit.shop_id, visit=visit, public_id=public_id)
        .first()
    )
    if found is None:
        raise errors.NoSuchOrder
    return found


def part_of_bill(bill: Bill, public_id: str) -> BillPart:
    """One part of a bill, or NoSuchOrder."""
    found = BillPart.objects.filter(shop_id=bill.shop_id, bill=bill, public_id=public_id).first()
    if found is None:
        raise errors.NoSuchOrder
    return found


def parts_forgotten(before: datetime) -> QuerySet[BillPart]:
    """Parts that somebody took before an instant and has not paid (across shops)."""
    return BillPart.objects.filter(state=PartState.TAKEN, taken_at__lt=before).order_by("id")


def unbilled_of(visit: Visit) -> QuerySet[Order]:
    """What a tab still has to pay and no settled bill covers."""
    return (
        _orders()
        .filter(shop_id=visit.shop_id, visit=visit)
        .filter(_unpaid())
        .exclude(state=OrderState.WAITING)
        .order_by("placed_at", "id")
    )


# The kitchen --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One order as the kitchen reads it. `needs_look`: nobody has seen yet that somebody sits at this table."""

    order: Order
    lines: list[OrderLine]
    needs_look: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All that the kitchen and the hall have to do now."""

    tickets: list[Ticket]
    waiting: list[Order]
    recent: list[Order]
    calls: list[StaffCall]
    all_day: list[tuple[dict[str, str], int]]
    stations: list[str] = field(default_factory=list)


def kitchen_board(shop: Shop, *, station: str | None = None, at: datetime) -> Board:
    """The board of one shop: tickets oldest first, orders to be paid at the counter, the last that were served, calls."""
    orders = list(
        _orders().select_related("visit").filter(shop=shop, state__in=rules.IN_KITCHEN).order_by("received_at", "id")
    )
    tickets = []
    counts: Counter[str] = Counter()
    names: dict[str, dict[str, str]] = {}
    for order in orders:
        lines = [line for line in order.lines.all() if station is None or line.station == station]
        if not lines:
            continue
        visit = order.visit
        needs_look = bool(visit and not visit.opened_by_staff and visit.checked_at is None)
        tickets.append(Ticket(order=order, lines=lines, needs_look=needs_look))
        if order.state != OrderState.READY:
            for line in (one for one in lines if one.struck_at is None):
                counts[line.name.get("ko", "")] += line.quantity
                names[line.name.get("ko", "")] = line.name
    waiting = (
        _orders().filter(shop=shop, state=OrderState.WAITING, bill__state=BillState.OPEN).order_by("placed_at", "id")
    )
    recent = _orders().filter(shop=shop, state=OrderState.SERVED).order_by("-changed_at", "-id")[:10]
    return Board(
        tickets=tickets,
        waiting=list(waiting[:50]),
        recent=list(recent),
        calls=list(open_calls(shop)),
        all_day=[(names[name], count) for name, count in counts.most_common()],
    )


def open_calls(shop: Shop) -> QuerySet[StaffCall]:
    """Tables that asked for somebody and were not answered yet, the longest wait first."""
    return (
        StaffCall.objects.filter(shop=shop, answered_at__isnull=True)
        .select_related("table")
        .order_by("called_at", "id")
    )


# What staff gave back ------------------------------------------------------------------------------------------------


def called(shop: Shop, wish: Wish) -> dict[str, Any]:
    """What a report calls that which is given back: copies of number, table, dish and quantity, so that history stays
    readable. Refuses NoSuchOrder, NoSuchLine, NothingToPay, VisitOver where it is not there."""
    if wish.kind == ConcessionKind.UNPAID:
        return {"table": visit_by_public_id(shop, wish.subject).table.name}
    if wish.kind == ConcessionKind.REFUND:
        paid = payments.payments_about(bill_of_shop(shop, wish.subject).public_id).first()
        return {"item": paid.item_name if paid else ""}
    order = order_of_shop(shop, wish.subject)
    what: dict[str, Any] = {"order": order.public_id, "number": order.number}
    if order.table:
        what["table"] = order.table.name
    if wish.line:
        lines = list(order.lines.all())
        if not 1 <= wish.line <= len(lines):
            raise errors.NoSuchLine
        what |= {"name": lines[wish.line - 1].name, "quantity": wish.quantity}
    return what


def concessions_of(shop: Shop, day: date) -> QuerySet[Concession]:
    """What staff gave back or wrote off on a business day, newest first, and what was not approved of what they asked."""
    return (
        Concession.objects.filter(shop=shop, business_day=day)
        .exclude(state=ConcessionState.WAITING)
        .order_by("-decided_at", "-id")
    )


def waiting_concessions(shop: Shop, at: datetime) -> QuerySet[Concession]:
    """What waits for a second person, the longest first."""
    return Concession.objects.filter(
        shop=shop, state=ConcessionState.WAITING, asked_at__gt=at - rules.CONCESSION_WAITS
    ).order_by("asked_at", "id")


def concession_of_shop(shop: Shop, public_id: str) -> Concession:
    """One of them, or NoSuchConcession."""
    found = Concession.objects.filter(shop=shop, public_id=public_id).first()
    if found is None:
        raise errors.NoSuchConcession
    return found


def waits_until(concession: Concession) -> datetime:
    """When a request for a second person is over by itself."""
    return concession.asked_at + rules.CONCESSION_WAITS


def shops_that_conceded(day_from: date, day_until: date) -> list[tuple[int, date]]:
    """Shops (by id) and business days, both bounds included, on which something was given back."""
    rows = Concession.objects.filter(business_day__range=(day_from, day_until), state=ConcessionState.DONE).values_list(
        "shop_id", "business_day"
    )
    return sorted(set(rows))


# The day ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """A business day in figures: won paid less won returned, and orders. `by_hour` has 24 sums, by Korean hour."""

    day: date
    sales: int
    paid_bills: int
    orders: int
    in_kitchen: int
    unpaid: int
    by_hour: list[int]


def day_of(shop: Shop, day: date, *, starts_at: datetime, ends_at: datetime) -> Today:
    """What one business day brought. `starts_at` and `ends_at` bound it."""
    settled = Bill.objects.filter(shop=shop, settled_at__gte=starts_at, settled_at__lt=ends_at)
    hours = list(
        settled.values("settled_at__hour")
        .annotate(sales=Sum(F("total") - F("refunded")), bills=Count("id"))
        .order_by("settled_at__hour")
    )
    by_hour = [0] * 24
    for row in hours:
        by_hour[row["settled_at__hour"]] = row["sales"]
    counted = Order.objects.filter(shop=shop, business_day=day).aggregate(
        orders=Count("id", filter=~Q(state__in=[OrderState.GIVEN_UP, OrderState.WAITING])),
        in_kitchen=Count("id", filter=Q(state__in=rules.IN_KITCHEN)),
        unpaid=Sum("total", filter=_unpaid(), default=0),
    )
    return Today(day=day, sales=sum(by_hour), paid_bills=sum(row["bills"] for row in hours), by_hour=by_hour, **counted)


def dishes_had(person: Person, shop: Shop) -> list[tuple[int, int | None, bool]]:
    """What a person ordered at a shop, on a phone of theirs or with a bill of theirs, and did not give up or get back: (item's id,
    visit's id, whether it is paid)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT l.item_id, o.visit_id, b.settled_at IS NOT NULL
            FROM (
                SELECT o.id FROM ordering_order o JOIN people_device d ON d.id = o.device_id WHERE d.person_id = %(person)s
                UNION
                SELECT o.id FROM ordering_order o JOIN ordering_bill b ON b.id = o.bill_id WHERE b.person_id = %(person)s
            ) own
            JOIN ordering_order o ON o.id = own.id JOIN ordering_orderline l ON l.order_id = o.id
            LEFT JOIN ordering_bill b ON b.id = o.bill_id
            WHERE o.shop_id = %(shop)s AND o.state <> ALL(%(void)s) AND l.struck_at IS NULL AND l.item_id IS NOT NULL
            """,
            {"person": person.pk, "shop": shop.pk, "void": [OrderState.REFUSED, OrderState.GIVEN_UP]},
        )
        return [(item, visit, paid) for item, visit, paid in cursor.fetchall()]


def most_ordered(shop: Shop, *, since: datetime, most: int = 5) -> list[str]:
    """Public ids of the items ordered most often since an instant."""
    rows = (
        OrderLine.objects.filter(shop=shop, order__placed_at__gte=since, item__isnull=False, struck_at__isnull=True)
        .exclude(order__state__in=[OrderState.REFUSED, OrderState.GIVEN_UP])
        .values("item__public_id")
        .annotate(sold=Sum("quantity"))
        .order_by("-sold", "item__public_id")[:most]
    )
    return [row["item__public_id"] for row in rows]


# What was paid, for those who look back -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledVisit:
    """All that one person paid in one visit (or for one order without a visit), less what went back."""

    reference: str
    spent: int
    at: datetime


def settled_visits_of(person: Person, shop: Shop) -> list[SettledVisit]:
    """A person's visits to a shop for which something was paid, oldest first."""
    found: dict[str, SettledVisit] = {}
    for bill, spent in _paid_by(person.id, shop.id):
        reference = _visit_reference(bill)
        before = found.get(reference)
        total = spent + (before.spent if before else 0)
        found[reference] = SettledVisit(reference=reference, spent=total, at=before.at if before else _paid_at(bill))
    return list(found.values())


def settled_visit_of_bill(bill_id: int, person_id: int) -> SettledVisit:
    """What this person paid in the visit that a bill belongs to: their own parts of those that the table split."""
    bill = Bill.objects.get(id=bill_id)
    same = Q(visit_id=bill.visit_id) if bill.visit_id else Q(id=bill.id)
    spent = sum(won for _, won in _paid_by(person_id, bill.shop_id, same))
    return SettledVisit(reference=_visit_reference(bill), spent=spent, at=_paid_at(bill))


def _paid_by(person_id: int, shop_id: int, which: Q | None = None) -> list[tuple[Bill, int]]:
    """Each paid bill of a shop that a person paid, or paid a part of, with the won they paid and kept paid."""
    settled = Bill.objects.filter(which or Q(), shop_id=shop_id, settled_at__isnull=False)
    whole = settled.filter(person_id=person_id).exclude(settled_with=SPLIT)
    paid = [(bill, bill.total - bill.refunded) for bill in whole]
    parts = BillPart.objects.filter(
        shop_id=shop_id, person_id=person_id, settled_at__isnull=False, bill__in=settled.filter(settled_with=SPLIT)
    )
    paid += [(part.bill, part.amount - part.refunded) for part in parts.select_related("bill")]
    return sorted(paid, key=lambda one: (_paid_at(one[0]), one[0].id))


def _visit_reference(bill: Bill) -> str:
    return f"visit:{bill.visit_id}" if bill.visit_id else f"bill:{bill.id}"


def _paid_at(bill: Bill) -> datetime:
    if bill.settled_at is None:
        raise ValueError("a bill that was not paid has no visit")
    return bill.settled_at


# The kitchen's screen -----------------------------------------------------------------------------------------------


def unwatched_since(shop: Shop, at: datetime, *, kept: bool = False) -> datetime | None:
    """Since when an order waits without any kitchen screen connected; None while one is there, while none waits (unless
    `kept`: then the silence alone counts), and for a shop that opened no kitchen screen this business day."""
    screen = KitchenScreen.objects.filter(shop=shop).first()
    if screen is None or shops.business_day(shop, screen.seen_at) != shops.business_day(shop, at):
        return None
    if kept:
        return screen.seen_at
    waiting = Order.objects.filter(shop=shop, state=OrderState.RECEIVED)
    first: datetime | None = waiting.aggregate(first=Min("received_at"))["first"]
    return max(screen.seen_at, first) if first else None


def may_be_late(order: Order, at: datetime) -> bool:
    """Whether to tell a guest that this order may reach the kitchen late: it waits, and no screen is there to show it."""
    return order.state == OrderState.RECEIVED and rules.is_unwatched(
        unwatched_since(order.shop, at), at=at, after=rules.UNWATCHED_SAID_AFTER
    )


def silent_screens(at: datetime) -> QuerySet[KitchenScreen]:
    """Kitchen screens (across shops, with the shop) gone for so long that their shops may have to pause, or to stay so."""
    waiting = Order.objects.filter(shop=OuterRef("shop"), state=OrderState.RECEIVED)
    gone = KitchenScreen.objects.filter(
        seen_at__lt=at - rules.UNWATCHED_PAUSES_AFTER, seen_at__gt=at - timedelta(days=1)
    )
    ends_soon = Q(paused_until__lt=at + rules.UNWATCHED_PAUSE // 2)
    return gone.filter(ends_soon | Q(paused_until__isnull=True) & Exists(waiting)).select_related("shop")


def paused_unwatched(shop: Shop) -> bool:
    """Whether it is the silence of the kitchen's screen that pauses the shop, and nobody's hand."""
    if shop.paused_until is None:
        return False
    return KitchenScreen.objects.filter(shop=shop, paused_until=shop.paused_until).exists()
