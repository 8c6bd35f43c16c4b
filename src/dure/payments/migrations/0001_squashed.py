import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import dure.payments.values


class Migration(migrations.Migration):
    replaces = [
        ("payments", "0001_initial"),
        ("payments", "0002_pay_from_our_own_accounts"),
        ("payments", "0003_agree_to_be_charged_again"),
    ]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Agreement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("provider", models.TextField()),
                ("payer", models.TextField()),
                ("key", models.TextField(null=True)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (
                                dure.payments.values.AgreementState["ASKED"],
                                dure.payments.values.AgreementState["ASKED"],
                            ),
                            (
                                dure.payments.values.AgreementState["ACTIVE"],
                                dure.payments.values.AgreementState["ACTIVE"],
                            ),
                            (
                                dure.payments.values.AgreementState["ENDING"],
                                dure.payments.values.AgreementState["ENDING"],
                            ),
                            (
                                dure.payments.values.AgreementState["ENDED"],
                                dure.payments.values.AgreementState["ENDED"],
                            ),
                            (
                                dure.payments.values.AgreementState["FAILED"],
                                dure.payments.values.AgreementState["FAILED"],
                            ),
                        ],
                        default=dure.payments.values.AgreementState["ASKED"],
                    ),
                ),
                ("last", models.TextField(default="")),
                ("reason", models.TextField(default="")),
                ("asked_at", models.DateTimeField()),
                ("agreed_at", models.DateTimeField(null=True)),
                ("ending_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("tried_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("state", "ending")), fields=["ending_at"], name="agreement_ending")
                ],
                "constraints": [models.UniqueConstraint(fields=("provider", "key"), name="agreement_key_once")],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("key", models.TextField(unique=True)),
                ("provider", models.TextField()),
                ("reference", models.TextField(db_index=True)),
                ("item_name", models.TextField()),
                ("payer", models.TextField()),
                ("payee", models.TextField()),
                ("amount", models.BigIntegerField()),
                ("tax_free", models.BigIntegerField(default=0)),
                ("vat", models.BigIntegerField(default=0)),
                ("refunded", models.BigIntegerField(default=0)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (
                                dure.payments.values.PaymentState["CREATED"],
                                dure.payments.values.PaymentState["CREATED"],
                            ),
                            (dure.payments.values.PaymentState["READY"], dure.payments.values.PaymentState["READY"]),
                            (
                                dure.payments.values.PaymentState["APPROVING"],
                                dure.payments.values.PaymentState["APPROVING"],
                            ),
                            (
                                dure.payments.values.PaymentState["APPROVED"],
                                dure.payments.values.PaymentState["APPROVED"],
                            ),
                            (dure.payments.values.PaymentState["FAILED"], dure.payments.values.PaymentState["FAILED"]),
                            (
                                dure.payments.values.PaymentState["EXPIRED"],
                                dure.payments.values.PaymentState["EXPIRED"],
                            ),
                        ],
                        default=dure.payments.values.PaymentState["CREATED"],
                    ),
                ),
                ("provider_key", models.TextField(null=True)),
                ("approval_token", models.TextField(default="")),
                ("redirect_url", models.TextField(default="")),
                ("return_path", models.TextField(default="/")),
                ("reason", models.TextField(default="")),
                ("created_at", models.DateTimeField()),
                ("approving_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                ("asked_at", models.DateTimeField(null=True)),
                ("asks", models.PositiveIntegerField(default=0)),
                ("source", models.TextField(default="")),
                ("charged", models.BooleanField(default=False)),
                ("charged_after", models.TextField(default="")),
                (
                    "agreement",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="payments.agreement",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["created", "ready", "approving"])),
                        fields=["state", "created_at"],
                        name="payment_open",
                    ),
                    models.Index(
                        condition=models.Q(("asks__gt", 0), ("state__in", ["failed", "expired"])),
                        fields=["approving_at"],
                        name="payment_in_doubt",
                    ),
                    models.Index(
                        condition=models.Q(("source", ""), _negated=True),
                        fields=["source", "settled_at"],
                        name="payment_from_account",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payment_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("refunded__gte", 0), ("refunded__lte", models.F("amount"))),
                        name="payment_refund_within",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("refunded", 0), ("state", "approved"), _connector="OR"),
                        name="payment_refund_of_approved",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "amount__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("tax_free"), "+", models.F("vat")
                                ),
                            ),
                            ("tax_free__gte", 0),
                            ("vat__gte", 0),
                        ),
                        name="payment_parts_within",
                    ),
                    models.UniqueConstraint(fields=("provider", "provider_key"), name="payment_provider_key"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Call",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.TextField()),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("outcome", models.TextField(default="")),
                ("detail", models.JSONField(default=dict)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="calls", to="payments.payment"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("key", models.TextField(unique=True)),
                ("amount", models.BigIntegerField()),
                ("tax_free", models.BigIntegerField(default=0)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.payments.values.RefundState["ASKED"], dure.payments.values.RefundState["ASKED"]),
                            (dure.payments.values.RefundState["DONE"], dure.payments.values.RefundState["DONE"]),
                            (dure.payments.values.RefundState["FAILED"], dure.payments.values.RefundState["FAILED"]),
                        ],
                        default=dure.payments.values.RefundState["ASKED"],
                    ),
                ),
                ("refunded_before", models.BigIntegerField(null=True)),
                ("reason", models.TextField()),
                ("refusal", models.TextField(default="")),
                ("asked_at", models.DateTimeField()),
                ("tried_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="refunds", to="payments.payment"
                    ),
                ),
                ("account", models.TextField(default="")),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("state", "asked")), fields=["asked_at"], name="refund_asked")
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="refund_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("tax_free__gte", 0), ("tax_free__lte", models.F("amount"))),
                        name="refund_tax_free_within",
                    ),
                ],
            },
        ),
    ]
