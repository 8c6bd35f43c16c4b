from django.db import models
from django.db.models import Q

from dure.people.models import Person
from dure.shops.models import Shop


class Audience(models.Model):
    """A definition that a shop saved under a name. `definition` is JSON of the published schema."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    name = models.TextField()
    definition = models.JSONField()
    by = models.TextField()
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "name"], name="audience_name_once")]


class Frozen(models.Model):
    """Who an audience was at an instant: a Roaring bitmap of person numbers, for the platform's own use and never shown.

    Numbers below 2^31 are ids of persons; the others are the network's people (`values.NETWORK` and their number there).
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    definition = models.JSONField()
    recipients = models.BinaryField()
    people = models.PositiveBigIntegerField()
    by = models.TextField()
    frozen_at = models.DateTimeField()


class Asking(models.Model):
    """One question about real people that an owner paid for with their privacy budget: a new question, once a day."""

    owner = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    question = models.TextField()
    day = models.DateField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "question", "day"], name="asking_once_a_day")]


class Answer(models.Model):
    """What was said to a question on a day, noised once and then repeated to whoever asks the same. The true number is
    kept nowhere."""

    question = models.TextField()
    day = models.DateField()
    noised = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["question", "day"], name="answer_once_a_day")]


class Release(models.Model):
    """One publication made from real people: what, and how much privacy (epsilon) it cost everybody in it."""

    what = models.TextField()
    epsilon = models.DecimalField(max_digits=6, decimal_places=4)
    parts = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(epsilon__gt=0, epsilon__lte=1), name="release_epsilon_within")
        ]
