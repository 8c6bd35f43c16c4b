from datetime import time

from django.conf import settings
from django.db import models
from django.db.models import Q

from dure.shops.values import PayTiming, Role, Seating


class Shop(models.Model):
    """One place with a door. `hours` is `{"0": ["11:00", "15:00", "17:00", "22:00"], …}`: by weekday (Monday 0) pairs of
    opening and closing; a closing not after its opening is on the next day; no key, no opening. `concession_limit` and
    `concession_day_limit`: won that staff who may not approve give back by themselves, at once and on one business day.
    `ways_off` lists the ways to pay that the shop does not want; one that the operator adds later is on."""

    public_id = models.TextField(unique=True)
    name = models.TextField()
    name_en = models.TextField(default="")
    category = models.TextField(default="korean")
    address = models.TextField(default="")
    district = models.TextField(default="", db_index=True)
    phone = models.TextField(default="")
    business_number = models.TextField(default="")
    hours = models.JSONField(default=dict)
    day_starts_at = models.TimeField(default=time(5))
    paused_until = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    pay_timing = models.TextField(choices=[(t, t) for t in PayTiming], default=PayTiming.FIRST)
    seating = models.TextField(choices=[(s, s) for s in Seating], default=Seating.SCAN)
    takes_online = models.BooleanField(default=True)
    ways_off = models.JSONField(default=list)
    skin = models.TextField(default="dure")
    character = models.TextField(default="")
    cooking_minutes = models.PositiveSmallIntegerField(default=15)
    accept_minutes = models.PositiveSmallIntegerField(default=10)
    concession_limit = models.PositiveIntegerField(default=100_000)
    concession_day_limit = models.PositiveIntegerField(default=100_000)
    regular_visits = models.PositiveSmallIntegerField(default=7)
    regular_days = models.PositiveSmallIntegerField(default=90)
    lapsed_days = models.PositiveSmallIntegerField(default=45)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(regular_visits__gte=2, regular_days__gte=7, lapsed_days__gte=7), name="shop_regular_rule"
            )
        ]


class Membership(models.Model):
    """What one person may do in one shop."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    role = models.TextField(choices=[(r, r) for r in Role])
    since_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "person"], name="membership_once")]


class Table(models.Model):
    """One table with one printed code."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="tables")
    public_id = models.TextField(unique=True)
    code = models.TextField(unique=True)
    name = models.TextField()
    position = models.PositiveIntegerField(default=0)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "name"], condition=Q(retired_at__isnull=True), name="table_name_once"
            )
        ]


class RetiredCode(models.Model):
    """A code that was printed once and is no longer used: never given out again, and told apart from a wrong one."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    code = models.TextField(unique=True)
    retired_at = models.DateTimeField()
