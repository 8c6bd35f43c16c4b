import django.db.models.deletion
from django.db import migrations, models

import dure.checkouts.values
from dure.shops.fence import fence


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("ordering", "0001_squashed"),
        ("people", "0001_squashed"),
        ("shops", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Checkout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("code", models.TextField(unique=True)),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            (dure.checkouts.values.CheckoutKind["TILL"], dure.checkouts.values.CheckoutKind["TILL"]),
                            (dure.checkouts.values.CheckoutKind["LINK"], dure.checkouts.values.CheckoutKind["LINK"]),
                            (
                                dure.checkouts.values.CheckoutKind["STICKER"],
                                dure.checkouts.values.CheckoutKind["STICKER"],
                            ),
                            (dure.checkouts.values.CheckoutKind["CODE"], dure.checkouts.values.CheckoutKind["CODE"]),
                            (dure.checkouts.values.CheckoutKind["API"], dure.checkouts.values.CheckoutKind["API"]),
                        ]
                    ),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.checkouts.values.CheckoutState["OPEN"], dure.checkouts.values.CheckoutState["OPEN"]),
                            (dure.checkouts.values.CheckoutState["PAID"], dure.checkouts.values.CheckoutState["PAID"]),
                            (
                                dure.checkouts.values.CheckoutState["CANCELLED"],
                                dure.checkouts.values.CheckoutState["CANCELLED"],
                            ),
                            (
                                dure.checkouts.values.CheckoutState["EXPIRED"],
                                dure.checkouts.values.CheckoutState["EXPIRED"],
                            ),
                            (
                                dure.checkouts.values.CheckoutState["RETURNED"],
                                dure.checkouts.values.CheckoutState["RETURNED"],
                            ),
                        ],
                        default=dure.checkouts.values.CheckoutState["OPEN"],
                    ),
                ),
                ("item", models.TextField()),
                ("reference", models.TextField(default="")),
                ("success_url", models.TextField(default="")),
                ("cancel_url", models.TextField(default="")),
                ("key", models.TextField()),
                ("by", models.TextField()),
                ("opened_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("paid_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "bill",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ordering.bill"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("state", "open")), fields=["expires_at"], name="checkout_open"),
                    models.Index(fields=["shop", "-opened_at"], name="checkout_of_shop"),
                ],
                "constraints": [models.UniqueConstraint(fields=("shop", "key"), name="checkout_key_once")],
            },
        ),
        migrations.CreateModel(
            name="PayCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digits_hash", models.TextField(unique=True)),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "checkout",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="checkouts.checkout",
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="people.device"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("used_at__isnull", False), ("checkout__isnull", True), _connector="OR"),
                        name="pay_code_used_for",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Sticker",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("code", models.TextField(unique=True)),
                ("name", models.TextField()),
                ("made_at", models.DateTimeField()),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
        ),
        *fence("checkouts_checkout", "checkouts_sticker"),
    ]
