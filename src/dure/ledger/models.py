from django.db import models
from django.db.models import F, Q


class Account(models.Model):
    """A place where an asset lies. `balance` is kept only where it may not fall below zero; elsewhere it is a sum."""

    code = models.TextField(unique=True)
    asset = models.TextField(default="KRW")
    balance = models.BigIntegerField(null=True, default=None)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(balance__isnull=True) | Q(balance__gte=0), name="account_floor")
        ]


class Entry(models.Model):
    """One thing that happened to money. Append-only: the database refuses to change or delete it."""

    key = models.TextField(unique=True)
    kind = models.TextField()
    reference = models.TextField(db_index=True)
    at = models.DateTimeField()
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="reversed_by")


class Posting(models.Model):
    """`amount` leaves `source` and reaches `destination`: balanced by construction. Append-only."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="postings")
    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    destination = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="posting_amount_positive"),
            models.CheckConstraint(condition=~Q(source=F("destination")), name="posting_moves"),
        ]


class Seal(models.Model):
    """So many entries of the books, sealed: `hash` covers them, their postings and the seal before. `marks` tell which entry it
    was that changed. Its head also lies outside the database. Append-only."""

    number = models.BigIntegerField(unique=True)
    last_entry = models.BigIntegerField()
    entries = models.PositiveIntegerField()
    previous = models.TextField()
    hash = models.TextField()
    marks = models.BinaryField()
    sealed_at = models.DateTimeField()
