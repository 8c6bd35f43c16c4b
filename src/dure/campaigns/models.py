from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from dure.campaigns.values import CampaignState, Goal, Trigger
from dure.offers.models import Offer
from dure.shops.models import Shop


class Campaign(models.Model):
    """One message to many with a goal. `audience` says whom: `{"stages": […]}` of the shop's own friends, or `{"definition":
    …}` over the network. `number` is an automation's days or stamps. `version` counts edits; each keeps its own holdout.
    `said` is what the owner of a campaign to strangers was told: numbers noised once; None is "under 100"."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    name = models.TextField()
    goal = models.TextField(choices=[(g, g) for g in Goal])
    trigger = models.TextField(choices=[(t, t) for t in Trigger], default=Trigger.HAND)
    number = models.PositiveSmallIntegerField(default=0)
    state = models.TextField(choices=[(s, s) for s in CampaignState], default=CampaignState.DRAFT)
    version = models.PositiveIntegerField(default=1)
    audience = models.JSONField(default=dict)
    offer = models.ForeignKey(Offer, null=True, on_delete=models.PROTECT, related_name="+")
    title = models.TextField()
    body = models.TextField()
    other_title = models.TextField(default="")
    other_body = models.TextField(default="")
    media = ArrayField(models.TextField(), default=list)
    most = models.PositiveIntegerField(null=True)
    budget = models.PositiveBigIntegerField(null=True)
    window_days = models.PositiveSmallIntegerField(default=14)
    send_at = models.DateTimeField(null=True)
    result_at = models.DateTimeField(null=True)
    measured = models.BooleanField(default=False)
    reason = models.TextField(default="")
    said = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(window_days__range=(1, 90)), name="campaign_window"),
            models.UniqueConstraint(
                fields=["shop", "trigger"],
                condition=~Q(trigger="hand") & ~Q(state="stopped"),
                name="campaign_one_automation_of_a_kind",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "send_at"],
                condition=Q(state__in=["scheduled", "running", "measuring"]),
                name="campaign_to_do",
            )
        ]


class CampaignStep(models.Model):
    """One change of a campaign's state: who, when, why. Append-only."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="steps")
    state = models.TextField()
    by = models.TextField()
    reason = models.TextField(default="")
    at = models.DateTimeField()


class CampaignVersion(models.Model):
    """What a campaign said and to whom in one of its versions. Append-only."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="campaign_version_once")]


class Assignment(models.Model):
    """Who was to be written to and who was held out, fixed before anything was sent: two Roaring bitmaps of persons that
    only the sending and the measuring read. No page, query or export tells whose fate was which. Append-only.

    `unit` names the coin, so that anybody with the key can repeat it; `digest` is the fingerprint of both bitmaps.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="assignments")
    version = models.PositiveIntegerField()
    wave = models.PositiveIntegerField(default=1)
    unit = models.TextField()
    share = models.FloatField()
    reached_people = models.PositiveIntegerField()
    held_people = models.PositiveIntegerField()
    never_people = models.PositiveIntegerField()
    reached_bits = models.BinaryField()
    held_bits = models.BinaryField()
    digest = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "version", "wave"], name="assignment_once"),
            models.CheckConstraint(condition=Q(share__gte=0, share__lt=1), name="assignment_share"),
        ]
