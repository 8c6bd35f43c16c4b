from django.db import models
from django.db.models import F, Q

from dure.ledger.models import Entry
from dure.settlement.values import (
    AdjustmentKind,
    DifferenceKind,
    ExportState,
    LineKind,
    PayoutKind,
    PayoutState,
    SalesTier,
)
from dure.shops.models import Shop


class PayoutTerms(models.Model):
    """What holds for a shop's payouts from `valid_from` until later terms do: its sales tier, and D+`payout_days`.
    Append-only; of two for one day the newer row holds."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    sales_tier = models.TextField(choices=[(t, t) for t in SalesTier])
    payout_days = models.PositiveSmallIntegerField()
    valid_from = models.DateField()
    by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(payout_days__range=(0, 30)), name="payout_terms_days"),
        ]
        indexes = [models.Index(fields=["shop", "-valid_from", "-id"], name="payout_terms_newest")]


class Payout(models.Model):
    """One batch of a shop's money: all that moved its account until a Korean day ended, to be paid on `due_on`. Its lines
    add up to what `entry` moved in the books."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    kind = models.TextField(choices=[(k, k) for k in PayoutKind], default=PayoutKind.SALES)
    period_on = models.DateField()
    due_on = models.DateField()
    state = models.TextField(choices=[(s, s) for s in PayoutState], default=PayoutState.DUE)
    amount = models.BigIntegerField()
    fees = models.BigIntegerField()
    kept = models.BigIntegerField()
    net = models.BigIntegerField()
    entry = models.OneToOneField(Entry, null=True, on_delete=models.PROTECT, related_name="+")
    bank = models.TextField(default="")
    bank_key = models.TextField(default="")
    closed_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    asks = models.PositiveIntegerField(default=0)
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "period_on", "kind"], name="payout_once"),
            models.CheckConstraint(
                condition=Q(net__gte=0, net=F("amount") - F("fees") - F("kept")), name="payout_adds_up"
            ),
            models.CheckConstraint(condition=Q(paid_at__isnull=True) | Q(state="paid"), name="payout_paid"),
        ]
        indexes = [
            models.Index(fields=["due_on"], condition=Q(state__in=["due", "sending", "unknown"]), name="payout_open")
        ]


class PayoutLine(models.Model):
    """One entry of the books that moved the shop's account, in exactly one payout, with each won of it. Append-only."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="lines")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    kind = models.TextField(choices=[(k, k) for k in LineKind])
    reference = models.TextField()
    provider = models.TextField(default="")
    at = models.DateTimeField()
    subtotal = models.BigIntegerField()
    discount = models.BigIntegerField()
    amount = models.BigIntegerField()
    tax_free = models.BigIntegerField()
    vat = models.BigIntegerField()
    card_fee = models.BigIntegerField()
    provider_fee = models.BigIntegerField()
    platform_fee = models.BigIntegerField()
    fee_vat = models.BigIntegerField()
    kept = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount=F("subtotal") - F("discount")), name="payout_line_adds_up"),
        ]
        indexes = [models.Index(fields=["shop", "at"], name="payout_line_by_day")]


class PayoutStep(models.Model):
    """One change of a payout's state: who, when, why. Append-only."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="steps")
    state = models.TextField()
    by = models.TextField()
    reason = models.TextField(default="")
    at = models.DateTimeField()


class Adjustment(models.Model):
    """Won held back, released or corrected by a person, with the reason: `amount` is what the shop's account gains
    (negative: loses) by `entry`. Append-only."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    key = models.TextField(unique=True)
    kind = models.TextField(choices=[(k, k) for k in AdjustmentKind])
    amount = models.BigIntegerField()
    reason = models.TextField()
    releases = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="released_by")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="hold", amount__lt=0)
                | Q(kind="release", amount__gt=0)
                | (Q(kind="correction") & ~Q(amount=0)),
                name="adjustment_amount",
            ),
            models.CheckConstraint(
                condition=Q(kind="release", releases__isnull=False) | (~Q(kind="release") & Q(releases__isnull=True)),
                name="adjustment_releases",
            ),
        ]


class Export(models.Model):
    """One writing of all that a shop has into one file; `rows_done` of `rows_total` says how far it is."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    state = models.TextField(choices=[(s, s) for s in ExportState], default=ExportState.ASKED)
    rows_done = models.PositiveBigIntegerField(default=0)
    rows_total = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    by = models.TextField()
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["shop", "-asked_at"], name="export_of_shop")]


class ProviderFile(models.Model):
    """One settlement file of a provider that an operator had read. The same bytes are read once."""

    public_id = models.TextField(unique=True)
    digest = models.TextField(unique=True)
    provider = models.TextField()
    name = models.TextField()
    rows = models.PositiveIntegerField()
    first_on = models.DateField()
    last_on = models.DateField()
    by = models.TextField()
    read_at = models.DateTimeField()


class Difference(models.Model):
    """One thing on which a file and our books do not agree; open until it has an explanation. Append-only."""

    file = models.ForeignKey(ProviderFile, on_delete=models.PROTECT, related_name="differences")
    kind = models.TextField(choices=[(k, k) for k in DifferenceKind])
    payment = models.TextField(db_index=True)
    trade = models.TextField()
    ours_won = models.BigIntegerField(null=True)
    theirs_won = models.BigIntegerField(null=True)
    ours_on = models.DateField(null=True)
    theirs_on = models.DateField(null=True)
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["file", "kind", "payment", "trade"], name="difference_once"),
        ]


class Explanation(models.Model):
    """What a person said about a difference. Append-only."""

    difference = models.ForeignKey(Difference, on_delete=models.PROTECT, related_name="explanations")
    text = models.TextField()
    by = models.TextField()
    at = models.DateTimeField()
