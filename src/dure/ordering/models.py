from django.db import models
from django.db.models import F, Q

from dure.menu.models import Item
from dure.offers.models import Coupon
from dure.ordering.values import (
    QUANTITY_MAX,
    BillState,
    CallState,
    ConcessionKind,
    ConcessionState,
    OrderState,
    PartState,
    SplitBy,
    VisitState,
)
from dure.people.models import Device, Person
from dure.shops.models import Shop, Table


class Visit(models.Model):
    """Some guests at one table, from scan or seating until somebody closes it. Phones at the table carry a signed pass
    that names the visit; it dies with the visit. `checked_at`: a member of staff has seen that somebody sits there."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    opened_by_staff = models.BooleanField(default=False)
    checked_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    last_active_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    merged_into = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["table"], condition=Q(closed_at__isnull=True), name="visit_one_open_per_table"
            )
        ]

    @property
    def state(self) -> VisitState:
        if self.merged_into_id:
            return VisitState.MERGED
        return VisitState.OPEN if self.closed_at is None else VisitState.CLOSED


class BasketLine(models.Model):
    """A line in the basket that all phones at the table share. `choice` is item and options in one comparable text."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="basket")
    public_id = models.TextField(unique=True)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    options = models.JSONField(default=list)
    note = models.TextField(default="")
    choice = models.TextField()
    quantity = models.PositiveSmallIntegerField()
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["visit", "choice"], name="basket_choice_once"),
            models.CheckConstraint(condition=Q(quantity__range=(1, QUANTITY_MAX)), name="basket_quantity_within"),
        ]


class Bill(models.Model):
    """What is to be paid at once: one order (pay first) or all of a visit's (tab). total = subtotal - discount. `coupon`
    is the first of those it holds; offers' redemptions have them all. `taken`: won of it that parts hold, paid or about
    to be, where the table splits it."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    visit = models.ForeignKey(Visit, null=True, on_delete=models.PROTECT, related_name="bills")
    public_id = models.TextField(unique=True)
    state = models.TextField(choices=[(s, s) for s in BillState], default=BillState.OPEN)
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    coupon = models.ForeignKey(Coupon, null=True, on_delete=models.SET_NULL, related_name="+")
    subtotal = models.IntegerField()
    discount = models.IntegerField(default=0)
    total = models.IntegerField()
    tax_free = models.IntegerField(default=0)
    vat = models.IntegerField(default=0)
    refunded = models.IntegerField(default=0)
    opened_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_with = models.TextField(default="")
    ended_at = models.DateTimeField(null=True)
    split_by = models.TextField(choices=[(s, s) for s in SplitBy], default="", blank=True)
    ways = models.PositiveSmallIntegerField(default=0)
    taken = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(subtotal__gte=0, discount__gte=0, total=F("subtotal") - F("discount"), total__gte=0),
                name="bill_adds_up",
            ),
            models.CheckConstraint(condition=Q(refunded__gte=0, refunded__lte=F("total")), name="bill_refund_within"),
            models.CheckConstraint(condition=Q(taken__gte=0, taken__lte=F("total")), name="bill_taken_within"),
        ]
        indexes = [models.Index(fields=["shop", "-opened_at"], name="bill_of_shop")]


class BillPart(models.Model):
    """What one guest pays of a bill that the table splits, on a phone of their own or at the counter (no phone). Its payment
    names it, as a bill's payment names the bill. `refunded`: won of it that went back."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    bill = models.ForeignKey(Bill, on_delete=models.PROTECT, related_name="parts")
    public_id = models.TextField(unique=True)
    state = models.TextField(choices=[(s, s) for s in PartState], default=PartState.TAKEN)
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    amount = models.IntegerField()
    tax_free = models.IntegerField(default=0)
    vat = models.IntegerField(default=0)
    refunded = models.IntegerField(default=0)
    reason = models.TextField(default="")
    taken_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_with = models.TextField(default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="part_amount_positive"),
            models.CheckConstraint(condition=Q(refunded__gte=0, refunded__lte=F("amount")), name="part_refund_within"),
            models.CheckConstraint(
                condition=Q(tax_free__gte=0, vat__gte=0, amount__gte=F("tax_free") + F("vat")), name="part_taxes_within"
            ),
            models.UniqueConstraint(
                fields=["bill", "device"],
                condition=Q(state="taken", device__isnull=False),
                name="part_one_taken_a_phone",
            ),
        ]
        indexes = [models.Index(fields=["taken_at"], condition=Q(state="taken"), name="part_taken")]


class PartUnit(models.Model):
    """One unit of a line that a part pays, where a table splits by item. The database lets nobody else take it until it is
    freed."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    part = models.ForeignKey(BillPart, on_delete=models.CASCADE, related_name="units")
    line = models.ForeignKey("OrderLine", on_delete=models.CASCADE, related_name="+")
    unit = models.PositiveSmallIntegerField()
    freed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line", "unit"], condition=Q(freed_at__isnull=True), name="part_unit_taken_once"
            )
        ]


class Order(models.Model):
    """What a guest (or staff for a guest) asked for at once. `key` is the sender's: the same key is the same order."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    visit = models.ForeignKey(Visit, null=True, on_delete=models.PROTECT, related_name="orders")
    table = models.ForeignKey(Table, null=True, on_delete=models.PROTECT, related_name="+")
    bill = models.ForeignKey(Bill, null=True, on_delete=models.PROTECT, related_name="orders")
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    public_id = models.TextField(unique=True)
    key = models.TextField()
    body_hash = models.TextField()
    number = models.PositiveIntegerField()
    business_day = models.DateField()
    state = models.TextField(choices=[(s, s) for s in OrderState])
    addition = models.BooleanField(default=False)
    by_staff = models.BooleanField(default=False)
    total = models.IntegerField()
    note = models.TextField(default="")
    reason = models.TextField(default="")
    placed_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "key"], name="order_key_once"),
            models.UniqueConstraint(fields=["shop", "business_day", "number"], name="order_number_once"),
            models.CheckConstraint(condition=Q(total__gte=0), name="order_total_not_negative"),
        ]
        indexes = [
            models.Index(
                fields=["shop", "received_at"],
                condition=Q(state__in=["received", "accepted", "cooking", "ready"]),
                name="order_in_kitchen",
            ),
        ]


class OrderLine(models.Model):
    """A line as it was sold: names and prices are copies, so a menu change never rewrites history. `discount`: its part of
    what the bill's coupons take off. A line that staff struck stays, and `returned` says what went back for it (nothing
    where it had not been paid); of a line struck in part, the struck units become a line of their own."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    item = models.ForeignKey(Item, null=True, on_delete=models.SET_NULL, related_name="+")
    station = models.TextField(default="")
    name = models.JSONField()
    options = models.JSONField(default=list)
    note = models.TextField(default="")
    unit_price = models.IntegerField()
    quantity = models.PositiveSmallIntegerField()
    total = models.IntegerField()
    discount = models.IntegerField(default=0)
    tax_free = models.BooleanField(default=False)
    struck_at = models.DateTimeField(null=True)
    struck_because = models.TextField(default="")
    strike_key = models.TextField(null=True)
    returned = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "strike_key"], name="line_struck_once"),
            models.CheckConstraint(
                condition=Q(returned__isnull=True)
                | Q(struck_at__isnull=False, returned__lte=F("total") - F("discount"), returned__gte=0),
                name="line_returned_within",
            ),
            models.CheckConstraint(condition=Q(quantity__range=(1, QUANTITY_MAX)), name="line_quantity_within"),
            models.CheckConstraint(
                condition=Q(unit_price__gte=0, total=F("unit_price") * F("quantity")), name="line_adds_up"
            ),
            models.CheckConstraint(condition=Q(discount__gte=0, discount__lte=F("total")), name="line_discount_within"),
        ]


class OrderStep(models.Model):
    """One change of an order's state: who, when, why. Append-only."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="steps")
    state = models.TextField()
    by = models.TextField()
    reason = models.TextField(default="")
    at = models.DateTimeField()


class StaffCall(models.Model):
    """Somebody at a table asks a member of staff to come."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    why = models.TextField(default="staff")
    called_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["table", "why"], condition=Q(answered_at__isnull=True), name="call_once_open"
            )
        ]

    @property
    def state(self) -> CallState:
        return CallState.OPEN if self.answered_at is None else CallState.ANSWERED


class KitchenScreen(models.Model):
    """When any kitchen screen of a shop last asked for the board; until when its silence paused the shop (None: it did
    not since). One row a shop."""

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField(db_index=True)
    paused_until = models.DateTimeField(null=True)


class DayNumber(models.Model):
    """The last order number a shop gave out on one business day."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    business_day = models.DateField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "business_day"], name="day_number_once")]


class Concession(models.Model):
    """Value that staff gave back or wrote off, or ask to: a refusal, a strike, a refund, a table that left unpaid. `won`: how
    much; of one that waits, the most that may be given. `paid_with`: how it had been paid (empty: it had not been). `by` did
    or asked it, `decided_by` is the second person, empty where none was needed."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    kind = models.TextField(choices=[(k, k) for k in ConcessionKind])
    state = models.TextField(choices=[(s, s) for s in ConcessionState])
    about = models.TextField()
    what = models.JSONField(default=dict)
    wish = models.JSONField(default=dict)
    won = models.IntegerField()
    paid_with = models.TextField(default="")
    reason = models.TextField()
    by = models.TextField()
    decided_by = models.TextField(default="")
    business_day = models.DateField()
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(won__gt=0), name="concession_gives"),
            models.CheckConstraint(
                condition=Q(decided_by="") | ~Q(decided_by=F("by")) | ~Q(state="done"), name="concession_second_person"
            ),
            models.UniqueConstraint(
                fields=["shop", "kind", "about"], condition=Q(state="waiting"), name="concession_waits_once"
            ),
        ]
        indexes = [
            models.Index(fields=["shop", "business_day", "by"], name="concession_of_day"),
            models.Index(fields=["asked_at"], condition=Q(state="waiting"), name="concession_waiting"),
        ]
