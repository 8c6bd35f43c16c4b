from django.db import models
from django.db.models import Q

from dure.campaigns.models import Campaign
from dure.lift.values import Footing, Verdict
from dure.shops.models import Shop


class Result(models.Model):
    """What a campaign caused, read once on its day and never again. Counts are of people (intention to treat): how many were
    written to or held out, and how many of them came within the window. `curve` is the share that had come by each day."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField()
    family = models.TextField(db_index=True)
    reached = models.PositiveIntegerField()
    held = models.PositiveIntegerField()
    came_reached = models.PositiveIntegerField()
    came_held = models.PositiveIntegerField()
    figures = models.JSONField()
    curve = models.JSONField()
    rate_before = models.FloatField()
    mismatch = models.FloatField()
    verdict = models.TextField(choices=[(v, v) for v in Verdict])
    footing = models.TextField(choices=[(f, f) for f in Footing])
    low = models.FloatField()
    guess = models.FloatField()
    high = models.FloatField()
    shops = models.PositiveIntegerField(default=0)
    typical = models.FloatField(null=True)
    spent = models.BigIntegerField()
    earned = models.BigIntegerField()
    needed = models.PositiveIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "version"], name="result_once"),
            models.CheckConstraint(
                condition=Q(came_reached__lte=models.F("reached"), came_held__lte=models.F("held")),
                name="result_counts",
            ),
        ]


class Forecast(models.Model):
    """What a campaign was expected to bring, written down when it went out and never changed: `low` to `high` more people of
    `messages` written to, by `behind` results of campaigns like it (0: by what is usual). Append-only."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField()
    messages = models.PositiveIntegerField()
    low = models.PositiveIntegerField()
    high = models.PositiveIntegerField()
    behind = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "version"], name="forecast_once"),
            models.CheckConstraint(condition=Q(low__lte=models.F("high")), name="forecast_is_a_range"),
        ]


class Look(models.Model):
    """One look of the guardrails at a campaign that runs: what was watched and how strong the evidence of harm was. Every look
    is written down; an e-process may be looked at as often as one likes."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    what = models.TextField()
    evidence = models.FloatField()
    alarm = models.BooleanField(default=False)
    at = models.DateTimeField()
