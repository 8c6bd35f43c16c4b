from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from dure.messaging.values import AD_MARK, Fate, MessageKind, SendingState


class Message(models.Model):
    """One text in one inbox. `key` makes repeating a send harmless; `refuse` is the link by which its reader says no."""

    public_id = models.TextField(unique=True)
    key = models.TextField(unique=True)
    address = models.TextField()
    sender = models.TextField()
    sender_name = models.TextField()
    kind = models.TextField(choices=[(k, k) for k in MessageKind])
    topic = models.TextField(default="", db_default="")
    basis = models.TextField()
    title = models.TextField()
    body = models.TextField()
    link = models.TextField(default="")
    refuse = models.TextField(default="", db_default="")
    sent_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="advertising") | Q(title__startswith=AD_MARK), name="message_ad_is_marked"
            )
        ]
        indexes = [
            models.Index(fields=["address", "-sent_at"], name="message_inbox"),
            models.Index(
                fields=["sent_at"],
                condition=Q(kind="advertising") & ~Q(key__startswith="outgoing:"),
                name="message_direct_ad",
            ),
        ]


class Sending(models.Model):
    """One text, with gaps for variables, for many recipients: who says it, by which media in this order, from when until when.

    `reference` is the asker's word by which several sendings are paused, resumed and stopped together. A refusal link
    names its sending, so rows stay.
    """

    public_id = models.TextField(unique=True)
    key = models.TextField(unique=True)
    reference = models.TextField(db_index=True)
    sender = models.TextField()
    sender_name = models.TextField()
    contact = models.TextField(default="")
    refusal_number = models.TextField(default="")
    kind = models.TextField(choices=[(k, k) for k in MessageKind])
    topic = models.TextField(default="")
    goods = models.TextField(default="")
    media = ArrayField(models.TextField())
    title = models.TextField()
    body = models.TextField()
    link = models.TextField(default="")
    details = models.JSONField(default=dict)
    at_night = models.BooleanField(default=False)
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.TextField(choices=[(s, s) for s in SendingState], default=SendingState.OPEN)
    payer = models.TextField(default="")
    held = models.PositiveBigIntegerField(default=0)
    settled = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("not_before")), name="sending_ends_after_it_begins"),
            models.CheckConstraint(condition=~Q(kind="advertising") | ~Q(topic=""), name="sending_ad_has_a_topic"),
            models.CheckConstraint(condition=Q(settled__lte=F("held")), name="sending_costs_what_was_held"),
        ]
        # Whoever looks for what is due looks at what is not over, however many sendings there ever were.
        indexes = [models.Index(fields=["expires_at"], condition=~Q(state="closed"), name="sending_not_over")]


class HandOver(models.Model):
    """One batch on its way to one provider. Written and committed before the provider is asked, so that no crash can lose
    a question that was asked; without `ended_at` its answer was never written down."""

    key = models.TextField(unique=True)
    medium = models.TextField()
    provider = models.TextField()
    count = models.PositiveIntegerField()
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["begun_at"], condition=Q(ended_at=None), name="hand_over_open")]


class Outgoing(models.Model):
    """One text on its way to one recipient, and afterwards its own receipt: what was decided, why, on which consent, when,
    and what it cost. `recipient` is a number that only whoever keeps the consents understands.

    That its sending is there is made sure once for all rows that are queued together, not by PostgreSQL for each: a million
    such questions took as long as writing the rows."""

    id = models.BigAutoField(primary_key=True)
    sending = models.ForeignKey(
        Sending, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    recipient = models.BigIntegerField(null=True)
    variables = models.JSONField(null=True)
    fate = models.SmallIntegerField(choices=[(f.value, f.name) for f in Fate], default=Fate.WAITING)
    reason = models.TextField(default="")
    medium = models.TextField()
    tries = models.SmallIntegerField(default=0)
    consent = models.BigIntegerField(null=True)
    night_consent = models.BigIntegerField(null=True)
    hand_over = models.ForeignKey(
        HandOver, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False, db_constraint=False
    )
    provider_key = models.TextField(null=True)
    won = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    handed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sending", "recipient"], name="outgoing_once")]
        indexes = [
            models.Index(fields=["sending", "medium", "due_at"], condition=Q(fate=0), name="outgoing_waiting"),
            models.Index(
                fields=["recipient", "handed_at"], condition=Q(handed_at__isnull=False), name="outgoing_handed"
            ),
            models.Index(fields=["hand_over"], condition=Q(fate__in=[1, 2]), name="outgoing_in_hand"),
        ]


class Endpoint(models.Model):
    """A browser that lets itself be rung (RFC 8030): its push service's address and the keys that only it can read with."""

    address = models.TextField(db_index=True)
    url = models.TextField(unique=True)
    p256dh = models.TextField()
    auth = models.TextField()
    created_at = models.DateTimeField()


class Mute(models.Model):
    """A sender for whom no browser of an inbox rings. What they write lies in the inbox all the same."""

    address = models.TextField()
    sender = models.TextField()
    since_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address", "sender"], name="mute_once")]


class Latch(models.Model):
    """Which running Dure this database belongs to. The same two words lie in a file outside it; where they differ this is a
    restored copy, and nothing leaves it."""

    instance = models.TextField()
    epoch = models.BigIntegerField()
    turned_at = models.DateTimeField()
