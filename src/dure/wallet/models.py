from django.db import models
from django.db.models import Q

from dure.payments.models import Agreement, Refund
from dure.people.models import Person
from dure.wallet.values import TopUpState, WalletState, Why


class Wallet(models.Model):
    """A person's prepaid money: a ledger account with a floor, and who may use it. The won are in the books alone."""

    public_id = models.TextField(unique=True)
    person = models.OneToOneField(Person, null=True, on_delete=models.PROTECT, related_name="+")
    joined = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    state = models.TextField(choices=[(s, s) for s in WalletState], default=WalletState.ACTIVE)
    frozen_by = models.TextField(default="")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="closed", person__isnull=True) | (~Q(state="closed") & Q(person__isnull=False)),
                name="wallet_has_a_person",
            ),
        ]

    @property
    def account(self) -> str:
        """Its account in the books."""
        return f"wallet:{self.public_id}"


class WalletStep(models.Model):
    """One change of a wallet's state: who, when, why."""

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="steps")
    state = models.TextField(choices=[(s, s) for s in WalletState])
    by = models.TextField()
    reason = models.TextField(default="")
    at = models.DateTimeField()


class TopUp(models.Model):
    """Money on its way into a wallet through a provider. `balance_after` is what the wallet held right after it."""

    public_id = models.TextField(unique=True)
    key = models.TextField(unique=True)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="top_ups")
    provider = models.TextField()
    amount = models.BigIntegerField()
    automatic = models.BooleanField(default=False)
    state = models.TextField(choices=[(s, s) for s in TopUpState], default=TopUpState.OPEN)
    reason = models.TextField(default="")
    balance_after = models.BigIntegerField(null=True)
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="top_up_amount_positive")]
        indexes = [models.Index(fields=["wallet", "opened_at"], name="top_ups_of_a_day")]


class PayBack(models.Model):
    """Part of a balance on its way back to the top-up it came from. Its refund knows how far it is."""

    public_id = models.TextField(unique=True)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="pay_backs")
    top_up = models.ForeignKey(TopUp, on_delete=models.PROTECT, related_name="pay_backs")
    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    why = models.TextField(choices=[(w, w) for w in Why])
    by = models.TextField()
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="pay_back_amount_positive")]


class AutoTopUp(models.Model):
    """The person agreed once: whenever the balance falls below `below`, put `amount` in, `most_a_day` won a day at most."""

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="automations")
    agreement = models.OneToOneField(Agreement, on_delete=models.PROTECT, related_name="+")
    below = models.BigIntegerField()
    amount = models.BigIntegerField()
    most_a_day = models.BigIntegerField()
    agreed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(below__gt=0, amount__gt=0, most_a_day__gte=models.F("amount")), name="auto_top_up_sensible"
            )
        ]
