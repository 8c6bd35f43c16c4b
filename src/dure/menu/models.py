from django.db import models
from django.db.models import F, Q

from dure.shops.models import Shop

PRICE_MAX = 10_000_000


class Station(models.Model):
    """A place in the kitchen that cooks some of the items: grill, noodles, drinks."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    name = models.TextField()
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "name"], name="station_name_once")]


class Section(models.Model):
    """A heading of the menu. Every text is `{"ko": …, "en": …}`."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    name = models.JSONField()
    position = models.PositiveIntegerField(default=0)


class Photo(models.Model):
    """A picture, re-encoded by us in three widths under `MEDIA_ROOT/photos/<public_id>/<width>.webp`."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    uploaded_at = models.DateTimeField()


class Item(models.Model):
    """Something a guest can order. `price` in won, value-added tax included. `back_at`: when it last was sold out no more."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    section = models.ForeignKey(Section, on_delete=models.CASCADE, related_name="items")
    station = models.ForeignKey(Station, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.JSONField()
    description = models.JSONField(default=dict)
    origin = models.JSONField(default=dict)
    allergens = models.JSONField(default=list)
    price = models.IntegerField()
    tax_free = models.BooleanField(default=False)
    alcohol = models.BooleanField(default=False)
    popular = models.BooleanField(default=False)
    photo = models.ForeignKey(Photo, null=True, on_delete=models.SET_NULL, related_name="+")
    position = models.PositiveIntegerField(default=0)
    sold_out = models.BooleanField(default=False)
    back_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0, price__lte=PRICE_MAX), name="item_price_within")
        ]


class OptionGroup(models.Model):
    """A choice about an item: at least `least` and at most `most` of its options."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="option_groups")
    name = models.JSONField()
    least = models.PositiveSmallIntegerField(default=0)
    most = models.PositiveSmallIntegerField(default=1)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(most__gte=1) & Q(most__gte=F("least")), name="option_group_bounds")
        ]


class Option(models.Model):
    """One choice; `price` in won is added to the item's, and may be negative."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    group = models.ForeignKey(OptionGroup, on_delete=models.CASCADE, related_name="options")
    name = models.JSONField()
    price = models.IntegerField(default=0)
    sold_out = models.BooleanField(default=False)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=-PRICE_MAX, price__lte=PRICE_MAX), name="option_price_within")
        ]
