from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from dure.offers.values import OfferKind, OfferOccasion, OfferState, RedemptionState, Stacking
from dure.people.models import Person
from dure.shops.models import Shop


class Offer(models.Model):
    """Terms that change a price; they never change once it runs. Limits are columns, so that the database keeps them under
    any race. A coupon lasts `valid_days` after it was issued, and no longer than `ends_at`. `funders` are basis points by
    who pays: `shop`, `operator`, `supplier:<name>`, `district:<name>`; nobody named means the shop."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    name = models.JSONField()
    kind = models.TextField(choices=[(k, k) for k in OfferKind])
    value = models.PositiveIntegerField()
    ceiling = models.PositiveIntegerField(null=True)
    buy = models.PositiveSmallIntegerField(default=0)
    minimum_spend = models.PositiveIntegerField(default=0)
    items = ArrayField(models.TextField(), default=list)
    sections = ArrayField(models.TextField(), default=list)
    days = ArrayField(models.PositiveSmallIntegerField(), default=list)
    from_minute = models.PositiveSmallIntegerField(null=True)
    until_minute = models.PositiveSmallIntegerField(null=True)
    stacking = models.TextField(choices=[(s, s) for s in Stacking], default=Stacking.ALONE)
    occasion = models.TextField(choices=[(o, o) for o in OfferOccasion], default=OfferOccasion.HAND)
    state = models.TextField(choices=[(s, s) for s in OfferState], default=OfferState.RUNNING)
    valid_days = models.PositiveSmallIntegerField(null=True, default=30)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    stock = models.PositiveIntegerField(null=True)
    issued = models.PositiveIntegerField(default=0)
    stock_per_day = models.PositiveIntegerField(null=True)
    per_person = models.PositiveSmallIntegerField(default=1)
    budget = models.PositiveBigIntegerField(null=True)
    spent = models.PositiveBigIntegerField(default=0)
    funders = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(stock__isnull=True) | Q(issued__lte=F("stock")), name="offer_within_stock"
            ),
            models.CheckConstraint(
                condition=Q(kind="amount", value__gte=1) | Q(value__range=(1, 100)), name="offer_value"
            ),
            models.CheckConstraint(condition=Q(valid_days__range=(1, 365)), name="offer_valid_days"),
            models.CheckConstraint(
                condition=Q(valid_days__isnull=False) | Q(ends_at__isnull=False), name="offer_comes_to_an_end"
            ),
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | Q(spent__lte=F("budget")), name="offer_within_budget"
            ),
            models.CheckConstraint(condition=~Q(kind="buy_get") | Q(buy__range=(1, 100)), name="offer_buy"),
            models.CheckConstraint(
                condition=Q(from_minute__isnull=True, until_minute__isnull=True)
                | Q(from_minute__range=(0, 1440), until_minute__range=(0, 1440)),
                name="offer_hours",
            ),
        ]


class OfferDay(models.Model):
    """How many coupons of an offer went out on one business day of the shop, of at most `most`."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    issued = models.PositiveIntegerField(default=0)
    most = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["offer", "day"], name="offer_day_once"),
            models.CheckConstraint(condition=Q(issued__lte=F("most")), name="offer_day_within_stock"),
        ]


class OfferStep(models.Model):
    """One change of an offer's state: who, when, why. Append-only."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="steps")
    state = models.TextField()
    by = models.TextField()
    reason = models.TextField(default="")
    at = models.DateTimeField()


class Coupon(models.Model):
    """One person's right to an offer once, until `expires_at`. `key` names what issued it, so that nothing does twice.
    `worth`: the won it takes off where the offer leaves that open, as for a coupon bought with points."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="coupons")
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    key = models.TextField(unique=True)
    worth = models.PositiveIntegerField(null=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["person", "shop"], name="coupon_of_person")]


class Redemption(models.Model):
    """One use of one coupon for the bill `reference`, which may hold several. At most one per coupon is alive: the
    database says so. `funded`: the won of it that others than the shop paid, through the books."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="redemptions")
    reference = models.TextField(db_index=True)
    amount = models.PositiveIntegerField()
    funded = models.PositiveIntegerField(default=0)
    state = models.TextField(choices=[(s, s) for s in RedemptionState], default=RedemptionState.RESERVED)
    reserved_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["coupon"], condition=Q(state__in=["reserved", "committed"]), name="redemption_one_alive"
            ),
            models.CheckConstraint(condition=Q(funded__lte=F("amount")), name="redemption_funded_within"),
        ]
