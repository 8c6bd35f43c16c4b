import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dure.wallet.values


class Migration(migrations.Migration):
    replaces = [("wallet", "0001_initial"), ("wallet", "0002_automatic_top_ups")]

    initial = True

    dependencies = [
        ("payments", "0001_squashed"),
        ("people", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Wallet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.wallet.values.WalletState["ACTIVE"], dure.wallet.values.WalletState["ACTIVE"]),
                            (dure.wallet.values.WalletState["FROZEN"], dure.wallet.values.WalletState["FROZEN"]),
                            (dure.wallet.values.WalletState["CLOSED"], dure.wallet.values.WalletState["CLOSED"]),
                        ],
                        default=dure.wallet.values.WalletState["ACTIVE"],
                    ),
                ),
                ("frozen_by", models.TextField(default="")),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "joined",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="wallet.wallet"
                    ),
                ),
                (
                    "person",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("person__isnull", True), ("state", "closed")),
                            models.Q(models.Q(("state", "closed"), _negated=True), ("person__isnull", False)),
                            _connector="OR",
                        ),
                        name="wallet_has_a_person",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TopUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("key", models.TextField(unique=True)),
                ("provider", models.TextField()),
                ("amount", models.BigIntegerField()),
                ("automatic", models.BooleanField(default=False)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.wallet.values.TopUpState["OPEN"], dure.wallet.values.TopUpState["OPEN"]),
                            (dure.wallet.values.TopUpState["PAID"], dure.wallet.values.TopUpState["PAID"]),
                            (dure.wallet.values.TopUpState["FAILED"], dure.wallet.values.TopUpState["FAILED"]),
                        ],
                        default=dure.wallet.values.TopUpState["OPEN"],
                    ),
                ),
                ("reason", models.TextField(default="")),
                ("balance_after", models.BigIntegerField(null=True)),
                ("opened_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "wallet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="top_ups", to="wallet.wallet"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["wallet", "opened_at"], name="top_ups_of_a_day")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="top_up_amount_positive")
                ],
            },
        ),
        migrations.CreateModel(
            name="PayBack",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("amount", models.BigIntegerField()),
                (
                    "why",
                    models.TextField(
                        choices=[
                            (dure.wallet.values.Why["USED"], dure.wallet.values.Why["USED"]),
                            (dure.wallet.values.Why["UNUSED"], dure.wallet.values.Why["UNUSED"]),
                            (dure.wallet.values.Why["DISASTER"], dure.wallet.values.Why["DISASTER"]),
                            (dure.wallet.values.Why["DEFECT"], dure.wallet.values.Why["DEFECT"]),
                            (dure.wallet.values.Why["WORSENED"], dure.wallet.values.Why["WORSENED"]),
                            (dure.wallet.values.Why["CLOSING"], dure.wallet.values.Why["CLOSING"]),
                        ]
                    ),
                ),
                ("by", models.TextField()),
                ("asked_at", models.DateTimeField()),
                (
                    "refund",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.refund"
                    ),
                ),
                (
                    "top_up",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="pay_backs", to="wallet.topup"
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="pay_backs", to="wallet.wallet"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="pay_back_amount_positive")
                ],
            },
        ),
        migrations.CreateModel(
            name="WalletStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.wallet.values.WalletState["ACTIVE"], dure.wallet.values.WalletState["ACTIVE"]),
                            (dure.wallet.values.WalletState["FROZEN"], dure.wallet.values.WalletState["FROZEN"]),
                            (dure.wallet.values.WalletState["CLOSED"], dure.wallet.values.WalletState["CLOSED"]),
                        ]
                    ),
                ),
                ("by", models.TextField()),
                ("reason", models.TextField(default="")),
                ("at", models.DateTimeField()),
                (
                    "wallet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="wallet.wallet"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AutoTopUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("below", models.BigIntegerField()),
                ("amount", models.BigIntegerField()),
                ("most_a_day", models.BigIntegerField()),
                ("agreed_at", models.DateTimeField()),
                (
                    "agreement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.agreement"
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="automations", to="wallet.wallet"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount__gt", 0), ("below__gt", 0), ("most_a_day__gte", models.F("amount"))
                        ),
                        name="auto_top_up_sensible",
                    )
                ],
            },
        ),
    ]
