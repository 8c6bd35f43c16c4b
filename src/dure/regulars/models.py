from django.db import models
from django.db.models import F, Q

from dure.offers.models import Coupon, Offer
from dure.people.models import Person
from dure.shops.models import Shop


class Relation(models.Model):
    """One person and one shop. `door`: by which way they came to join (receipt, poster, link …). `left_at` is set while the person is no friend (any more). `stamps` are all that were ever
    earned, less those whose meals went back; `stamps_spent` filled `cards` cards. `points_debt`: points that were spent and
    whose meals then went back."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    nickname = models.TextField()
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    visits = models.PositiveIntegerField(default=0)
    spend = models.BigIntegerField(default=0)
    first_visit_at = models.DateTimeField(null=True)
    last_visit_at = models.DateTimeField(null=True)
    stamps = models.IntegerField(default=0)
    stamps_spent = models.PositiveIntegerField(default=0)
    cards = models.PositiveIntegerField(default=0)
    points_debt = models.PositiveBigIntegerField(default=0)
    door = models.TextField(default="", db_default="")
    tier = models.ForeignKey("Tier", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "person"], name="relation_once"),
            models.CheckConstraint(condition=Q(spend__gte=0), name="relation_spend_not_negative"),
        ]

    @property
    def on_card(self) -> int:
        """Stamps on the card now; below zero where a reward was given for meals that went back."""
        return self.stamps - self.stamps_spent


class CountedVisit(models.Model):
    """A visit (or a staff-entered order without one) that counted for a friend, once, with what was spent. `won_per_stamp`
    is the card's rule on that day; 0 is one stamp a visit."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    relation = models.ForeignKey(Relation, on_delete=models.CASCADE, related_name="counted_visits")
    reference = models.TextField()
    spent = models.BigIntegerField(default=0)
    stamps = models.PositiveIntegerField(default=0)
    won_per_stamp = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["relation", "reference"], name="counted_visit_once")]
        indexes = [models.Index(fields=["relation", "-at"], name="counted_visit_recent")]


class StampCard(models.Model):
    """A shop's stamp card: one stamp a visit, or one for every `won_per_stamp` spent; `goal` stamps issue a coupon of the
    shop's STAMPS offer."""

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, related_name="+")
    goal = models.PositiveSmallIntegerField(default=10)
    won_per_stamp = models.PositiveIntegerField(default=0)
    running = models.BooleanField(default=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(goal__range=(2, 50)), name="stamp_goal_within")]


class HandStamp(models.Model):
    """Stamps that a member of staff gave by hand: who, to whom, why, signed, so that a row written past us is noticed."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    relation = models.ForeignKey(Relation, on_delete=models.CASCADE, related_name="hand_stamps")
    key = models.TextField(unique=True)
    count = models.PositiveSmallIntegerField()
    day = models.DateField()
    by = models.TextField()
    reason = models.TextField()
    signature = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(count__range=(1, 10)), name="hand_stamp_count")]
        indexes = [models.Index(fields=["shop", "day", "by"], name="hand_stamps_of_a_day")]


class PointTerms(models.Model):
    """How a shop's points are earned and spent: `earn_bps` of what was paid, good for `valid_days`, from `least` on. Tiers
    look back over `tier_days`."""

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, related_name="+")
    running = models.BooleanField(default=True)
    earn_bps = models.PositiveSmallIntegerField(default=100)
    valid_days = models.PositiveSmallIntegerField(default=365)
    least = models.PositiveIntegerField(default=1_000)
    tier_days = models.PositiveSmallIntegerField(default=180)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(earn_bps__range=(1, 3_000)), name="point_earn_within"),
            models.CheckConstraint(condition=Q(valid_days__range=(30, 1_825)), name="point_days_within"),
            models.CheckConstraint(condition=Q(tier_days__range=(30, 730)), name="tier_days_within"),
        ]


class Tier(models.Model):
    """What friends are called and get who spent at least `spend` won lately: points at `earn_bps`, a coupon on reaching it."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    name = models.JSONField()
    spend = models.PositiveIntegerField()
    earn_bps = models.PositiveSmallIntegerField(default=0)
    offer = models.ForeignKey(Offer, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "spend"], name="tier_spend_once"),
            models.CheckConstraint(condition=Q(spend__gte=1, earn_bps__lte=3_000), name="tier_within"),
        ]


class PointLot(models.Model):
    """Points earned by one visit, good until `expires_at`: `earned` after what went back, `remaining` to be spent."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    relation = models.ForeignKey(Relation, on_delete=models.CASCADE, related_name="point_lots")
    reference = models.TextField()
    bps = models.PositiveSmallIntegerField()
    earned = models.PositiveBigIntegerField(default=0)
    remaining = models.PositiveBigIntegerField(default=0)
    changes = models.PositiveIntegerField(default=0)
    earned_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["relation", "reference"], name="point_lot_once")]
        indexes = [models.Index(fields=["expires_at"], condition=Q(remaining__gt=0), name="point_lots_alive")]


class PointUse(models.Model):
    """Points of one lot that bought a coupon, and how many of them came back."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    relation = models.ForeignKey(Relation, on_delete=models.CASCADE, related_name="+")
    lot = models.ForeignKey(PointLot, on_delete=models.CASCADE, related_name="+")
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="+")
    amount = models.PositiveBigIntegerField()
    returned = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["coupon", "lot"], name="point_use_once"),
            models.CheckConstraint(condition=Q(returned__lte=F("amount")), name="point_use_returned_within"),
        ]
