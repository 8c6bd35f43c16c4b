from django.db import models
from django.db.models import Q

from dure.menu.models import Item
from dure.ordering.models import Visit
from dure.shops.models import Shop
from dure.targeting.values import PEOPLE_LEAST, ModelName, Place


class ScoreModel(models.Model):
    """What was learned once: `parameters` that scores are made of, the days `from_on` to `until_on` of the `rows` it was learned
    from, the code that made it, how what it says compares with what came (`calibration`), and the gate's verdict. `fault` says
    why it may not be used; empty is no fault. Append-only."""

    public_id = models.TextField(unique=True)
    name = models.TextField(choices=[(n, n) for n in ModelName])
    version = models.PositiveIntegerField()
    parameters = models.JSONField()
    from_on = models.DateField()
    until_on = models.DateField()
    rows = models.PositiveIntegerField()
    code_version = models.TextField()
    calibration = models.JSONField()
    gate = models.JSONField()
    fault = models.TextField(default="")
    by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="score_model_once")]


class ModelStep(models.Model):
    """A model came into use, or the one before it was brought back (`back`); None where only what is usual is left. The newest
    step of a name says what is in use. Append-only."""

    name = models.TextField(choices=[(n, n) for n in ModelName])
    model = models.ForeignKey(ScoreModel, null=True, on_delete=models.PROTECT, related_name="+")
    back = models.BooleanField(default=False)
    by = models.TextField()
    reason = models.TextField(default="")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["name", "-id"], name="model_in_use")]


class Pairing(models.Model):
    """Who orders `item` at this shop orders `addition` with it more often than others do: `extra` is by how much (a share of orders,
    0 to 1), learned from `orders` that held both. All of it is learned anew every night."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    addition = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    extra = models.FloatField()
    orders = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "item", "addition"], name="pairing_once")]


class Sequel(models.Model):
    """Friends of this shop who had `item` on one visit choose `dish`, which they had not had yet, on a later one: with this `chance`
    (0 to 1), learned from so many different `people`. Without an item it is one of the shop's best sellers: `chance` is the
    share of orders that hold it, `people` are phones. It names nobody. All of it is learned anew every night."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, null=True, on_delete=models.CASCADE, related_name="+")
    dish = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    chance = models.FloatField()
    people = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "item", "dish"], nulls_distinct=False, name="sequel_once"),
            models.CheckConstraint(condition=Q(people__gte=PEOPLE_LEAST), name="sequel_of_enough"),
        ]


class Suggestion(models.Model):
    """That a visit could have been shown this item, in its basket or over the menu (`place`), and whether the coin let it (`shown`)
    or held the visit out. It names no person and no phone. Never changed, so that the two groups stay what the coin made them."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="+", db_index=False)
    place = models.TextField(choices=[(p, p) for p in Place], default=Place.BASKET, db_default=Place.BASKET)
    item = models.ForeignKey(Item, null=True, on_delete=models.SET_NULL, related_name="+")
    shown = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["visit", "place"], name="suggestion_once_a_place")]
        indexes = [models.Index(fields=["shop", "at"], name="suggestion_of_shop")]
