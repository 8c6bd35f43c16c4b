from django.db import models
from django.db.models import Q

from dure.partners.values import DispatchState, EventKind
from dure.shops.models import Shop


class ApiKey(models.Model):
    """What a program shows to act for one shop. `prefix` may be seen by everybody and names the key; of its secret only a
    hash is kept. `expires_at` is set while its successor takes over."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    name = models.TextField()
    prefix = models.TextField(unique=True)
    secret_hash = models.TextField()
    scopes = models.JSONField(default=list)
    version = models.TextField()
    by = models.TextField()
    made_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class Reply(models.Model):
    """What a POST with this Idempotency-Key was answered, kept for a week."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    key = models.TextField()
    body_hash = models.TextField()
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(default="")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "key"], name="reply_once")]
        indexes = [models.Index(fields=["at"], name="reply_at")]


class Endpoint(models.Model):
    """Where a program hears what happened. Its secret follows from ours, its public id and `generation`; the one before is
    good until `old_until`. `failing_since`: nothing has arrived since then."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    url = models.TextField()
    kinds = models.JSONField(default=list)
    generation = models.PositiveIntegerField(default=1)
    old_until = models.DateTimeField(null=True)
    by = models.TextField()
    made_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_because = models.TextField(default="")


class Event(models.Model):
    """Something that happened, as programs are told. `object_id` is the public id of what it happened to."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    kind = models.TextField(choices=[(k, k) for k in EventKind])
    object_id = models.TextField()
    content = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["shop", "object_id"], name="event_of_object")]


class Dispatch(models.Model):
    """One event on its way to one endpoint."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="dispatches")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="dispatches")
    object_id = models.TextField()
    state = models.TextField(choices=[(s, s) for s in DispatchState], default=DispatchState.WAITING)
    tries = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(default=0)
    fault = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "endpoint"], name="dispatch_once")]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="dispatch_due"),
            models.Index(
                fields=["endpoint", "object_id", "id"], condition=Q(state="waiting"), name="dispatch_in_order"
            ),
        ]
