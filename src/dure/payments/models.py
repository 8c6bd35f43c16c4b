from django.db import models
from django.db.models import F, Q

from dure.payments.values import AgreementState, Amount, PaymentState, RefundState, Terms


class Agreement(models.Model):
    """Somebody agreed once to be charged again, until they revoke it. `key` is the provider's name for it, `last` its word
    for when it was last charged."""

    public_id = models.TextField(unique=True)
    provider = models.TextField()
    payer = models.TextField()
    key = models.TextField(null=True)
    state = models.TextField(choices=[(s, s) for s in AgreementState], default=AgreementState.ASKED)
    last = models.TextField(default="")
    reason = models.TextField(default="")
    asked_at = models.DateTimeField()
    agreed_at = models.DateTimeField(null=True)
    ending_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "key"], name="agreement_key_once")]
        indexes = [models.Index(fields=["ending_at"], condition=Q(state="ending"), name="agreement_ending")]


class Payment(models.Model):
    """One attempt to move `amount` from somebody to the ledger account `payee`, for the caller's `reference`. `source` is
    the account that gives it where that is one of our own books; empty where a provider or a counter does. `charged`: under
    an agreement, after the charge that the provider calls `charged_after`; nobody was sent to a page for it."""

    public_id = models.TextField(unique=True)
    key = models.TextField(unique=True)
    provider = models.TextField()
    reference = models.TextField(db_index=True)
    item_name = models.TextField()
    payer = models.TextField()
    payee = models.TextField()
    agreement = models.ForeignKey(Agreement, null=True, on_delete=models.PROTECT, related_name="payments")
    charged = models.BooleanField(default=False)
    charged_after = models.TextField(default="")
    source = models.TextField(default="")
    amount = models.BigIntegerField()
    tax_free = models.BigIntegerField(default=0)
    vat = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    state = models.TextField(choices=[(s, s) for s in PaymentState], default=PaymentState.CREATED)
    provider_key = models.TextField(null=True)
    approval_token = models.TextField(default="")
    redirect_url = models.TextField(default="")
    return_path = models.TextField(default="/")
    reason = models.TextField(default="")
    created_at = models.DateTimeField()
    approving_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    asks = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, refunded__lte=F("amount")), name="payment_refund_within"
            ),
            models.CheckConstraint(condition=Q(refunded=0) | Q(state="approved"), name="payment_refund_of_approved"),
            models.CheckConstraint(
                condition=Q(tax_free__gte=0, vat__gte=0, amount__gte=F("tax_free") + F("vat")),
                name="payment_parts_within",
            ),
            models.UniqueConstraint(fields=["provider", "provider_key"], name="payment_provider_key"),
        ]
        indexes = [
            models.Index(fields=["source", "settled_at"], condition=~Q(source=""), name="payment_from_account"),
            models.Index(
                fields=["state", "created_at"],
                condition=Q(state__in=["created", "ready", "approving"]),
                name="payment_open",
            ),
            models.Index(
                fields=["approving_at"],
                condition=Q(state__in=["failed", "expired"], asks__gt=0),
                name="payment_in_doubt",
            ),
        ]

    @property
    def terms(self) -> Terms:
        return Terms(
            public_id=self.public_id,
            payer=self.payer,
            item_name=self.item_name,
            amount=Amount(self.amount, self.tax_free, self.vat),
            provider_key=self.provider_key or "",
            recurring=self.agreement_id is not None,
            agreement_key=(self.agreement.key or "") if self.agreement else "",
        )


class Refund(models.Model):
    """One return of money of one payment; it names its payment, never an order. `refunded_before` is what had gone back
    when its call left: the provider compares it, so the same refund cannot happen twice. `account` is where its won lie
    until they are gone: the one that gives them, or the one that holds them meanwhile."""

    public_id = models.TextField(unique=True)
    key = models.TextField(unique=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount = models.BigIntegerField()
    tax_free = models.BigIntegerField(default=0)
    account = models.TextField(default="")
    state = models.TextField(choices=[(s, s) for s in RefundState], default=RefundState.ASKED)
    refunded_before = models.BigIntegerField(null=True)
    reason = models.TextField()
    refusal = models.TextField(default="")
    asked_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
            models.CheckConstraint(
                condition=Q(tax_free__gte=0, tax_free__lte=F("amount")), name="refund_tax_free_within"
            ),
        ]
        indexes = [models.Index(fields=["asked_at"], condition=Q(state="asked"), name="refund_asked")]


class Call(models.Model):
    """One request to a provider, committed before it leaves: a crash leaves a call without an end, never a secret one."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="calls")
    kind = models.TextField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.TextField(default="")
    detail = models.JSONField(default=dict)
