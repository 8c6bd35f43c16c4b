import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dure.offers.values
from dure.shops.fence import fence


class Migration(migrations.Migration):
    replaces = [
        ("offers", "0001_initial"),
        ("offers", "0002_terms_limits_and_funders"),
        ("offers", "0003_alter_offer_occasion"),
    ]

    initial = True

    dependencies = [
        ("people", "0001_squashed"),
        ("shops", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("name", models.JSONField()),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            (dure.offers.values.OfferKind["AMOUNT"], dure.offers.values.OfferKind["AMOUNT"]),
                            (dure.offers.values.OfferKind["PERCENT"], dure.offers.values.OfferKind["PERCENT"]),
                            (dure.offers.values.OfferKind["FREE_ITEM"], dure.offers.values.OfferKind["FREE_ITEM"]),
                            (dure.offers.values.OfferKind["BUY_GET"], dure.offers.values.OfferKind["BUY_GET"]),
                        ]
                    ),
                ),
                ("value", models.PositiveIntegerField()),
                ("ceiling", models.PositiveIntegerField(null=True)),
                ("minimum_spend", models.PositiveIntegerField(default=0)),
                (
                    "occasion",
                    models.TextField(
                        choices=[
                            (dure.offers.values.OfferOccasion["WELCOME"], dure.offers.values.OfferOccasion["WELCOME"]),
                            (dure.offers.values.OfferOccasion["STAMPS"], dure.offers.values.OfferOccasion["STAMPS"]),
                            (dure.offers.values.OfferOccasion["TIER"], dure.offers.values.OfferOccasion["TIER"]),
                            (dure.offers.values.OfferOccasion["POINTS"], dure.offers.values.OfferOccasion["POINTS"]),
                            (dure.offers.values.OfferOccasion["CHANNEL"], dure.offers.values.OfferOccasion["CHANNEL"]),
                            (dure.offers.values.OfferOccasion["HAND"], dure.offers.values.OfferOccasion["HAND"]),
                        ],
                        default=dure.offers.values.OfferOccasion["HAND"],
                    ),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.offers.values.OfferState["DRAFT"], dure.offers.values.OfferState["DRAFT"]),
                            (dure.offers.values.OfferState["REVIEW"], dure.offers.values.OfferState["REVIEW"]),
                            (dure.offers.values.OfferState["RUNNING"], dure.offers.values.OfferState["RUNNING"]),
                            (dure.offers.values.OfferState["PAUSED"], dure.offers.values.OfferState["PAUSED"]),
                            (dure.offers.values.OfferState["ENDED"], dure.offers.values.OfferState["ENDED"]),
                        ],
                        default=dure.offers.values.OfferState["RUNNING"],
                    ),
                ),
                ("valid_days", models.PositiveSmallIntegerField(default=30, null=True)),
                ("stock", models.PositiveIntegerField(null=True)),
                ("issued", models.PositiveIntegerField(default=0)),
                ("per_person", models.PositiveSmallIntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                ("budget", models.PositiveBigIntegerField(null=True)),
                ("buy", models.PositiveSmallIntegerField(default=0)),
                (
                    "days",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(), default=list, size=None
                    ),
                ),
                ("ends_at", models.DateTimeField(null=True)),
                ("from_minute", models.PositiveSmallIntegerField(null=True)),
                ("funders", models.JSONField(default=dict)),
                (
                    "items",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                (
                    "sections",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                ("spent", models.PositiveBigIntegerField(default=0)),
                (
                    "stacking",
                    models.TextField(
                        choices=[
                            (dure.offers.values.Stacking["ALONE"], dure.offers.values.Stacking["ALONE"]),
                            (dure.offers.values.Stacking["MENU"], dure.offers.values.Stacking["MENU"]),
                            (dure.offers.values.Stacking["BILL"], dure.offers.values.Stacking["BILL"]),
                            (dure.offers.values.Stacking["POINTS"], dure.offers.values.Stacking["POINTS"]),
                        ],
                        default=dure.offers.values.Stacking["ALONE"],
                    ),
                ),
                ("starts_at", models.DateTimeField(null=True)),
                ("stock_per_day", models.PositiveIntegerField(null=True)),
                ("until_minute", models.PositiveSmallIntegerField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("stock__isnull", True), ("issued__lte", models.F("stock")), _connector="OR"
                        ),
                        name="offer_within_stock",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "amount"), ("value__gte", 1)), ("value__range", (1, 100)), _connector="OR"
                        ),
                        name="offer_value",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid_days__range", (1, 365))), name="offer_valid_days"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid_days__isnull", False), ("ends_at__isnull", False), _connector="OR"),
                        name="offer_comes_to_an_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("budget__isnull", True), ("spent__lte", models.F("budget")), _connector="OR"
                        ),
                        name="offer_within_budget",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "buy_get"), _negated=True), ("buy__range", (1, 100)), _connector="OR"
                        ),
                        name="offer_buy",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("from_minute__isnull", True), ("until_minute__isnull", True)),
                            models.Q(("from_minute__range", (0, 1440)), ("until_minute__range", (0, 1440))),
                            _connector="OR",
                        ),
                        name="offer_hours",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Coupon",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("key", models.TextField(unique=True)),
                ("issued_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="coupons", to="offers.offer"
                    ),
                ),
                ("worth", models.PositiveIntegerField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["person", "shop"], name="coupon_of_person")],
            },
        ),
        migrations.CreateModel(
            name="Redemption",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.TextField(db_index=True)),
                ("amount", models.PositiveIntegerField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (
                                dure.offers.values.RedemptionState["RESERVED"],
                                dure.offers.values.RedemptionState["RESERVED"],
                            ),
                            (
                                dure.offers.values.RedemptionState["COMMITTED"],
                                dure.offers.values.RedemptionState["COMMITTED"],
                            ),
                            (
                                dure.offers.values.RedemptionState["RELEASED"],
                                dure.offers.values.RedemptionState["RELEASED"],
                            ),
                            (
                                dure.offers.values.RedemptionState["RETURNED"],
                                dure.offers.values.RedemptionState["RETURNED"],
                            ),
                        ],
                        default=dure.offers.values.RedemptionState["RESERVED"],
                    ),
                ),
                ("reserved_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "coupon",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="redemptions", to="offers.coupon"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                ("funded", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["reserved", "committed"])),
                        fields=("coupon",),
                        name="redemption_one_alive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("funded__lte", models.F("amount"))), name="redemption_funded_within"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OfferDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("issued", models.PositiveIntegerField(default=0)),
                ("most", models.PositiveIntegerField()),
                (
                    "offer",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="offers.offer"),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("offer", "day"), name="offer_day_once"),
                    models.CheckConstraint(
                        condition=models.Q(("issued__lte", models.F("most"))), name="offer_day_within_stock"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OfferStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.TextField()),
                ("by", models.TextField()),
                ("reason", models.TextField(default="")),
                ("at", models.DateTimeField()),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="offers.offer"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
        ),
        *fence("offers_offer", "offers_coupon", "offers_redemption", "offers_offerday", "offers_offerstep"),
    ]
