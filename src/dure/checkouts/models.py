from django.db import models
from django.db.models import Q

from dure.checkouts.values import CheckoutKind, CheckoutState
from dure.ordering.models import Bill
from dure.people.models import Device
from dure.shops.models import Shop


class Checkout(models.Model):
    """A shop asks somebody for money, without an order. `code` opens its page; `bill` says how much and whether it is paid.
    `key` is the asker's: the same key is the same checkout."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    code = models.TextField(unique=True)
    kind = models.TextField(choices=[(k, k) for k in CheckoutKind])
    state = models.TextField(choices=[(s, s) for s in CheckoutState], default=CheckoutState.OPEN)
    bill = models.OneToOneField(Bill, on_delete=models.PROTECT, related_name="+")
    item = models.TextField()
    reference = models.TextField(default="")
    success_url = models.TextField(default="")
    cancel_url = models.TextField(default="")
    key = models.TextField()
    by = models.TextField()
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "key"], name="checkout_key_once")]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(state="open"), name="checkout_open"),
            models.Index(fields=["shop", "-opened_at"], name="checkout_of_shop"),
        ]


class Sticker(models.Model):
    """A printed code on which a guest types the amount. `code` carries its own signature; a retired one opens nothing."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    code = models.TextField(unique=True)
    name = models.TextField()
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)


class PayCode(models.Model):
    """24 digits on a guest's phone that let one till take one payment within three minutes. Only their keyed hash is kept."""

    digits_hash = models.TextField(unique=True)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    checkout = models.OneToOneField(Checkout, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at__isnull=False) | Q(checkout__isnull=True), name="pay_code_used_for"
            )
        ]
