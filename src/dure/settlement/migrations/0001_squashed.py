import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import dure.settlement.values
from dure.shops.fence import fence

APPEND_ONLY = """
CREATE FUNCTION settlement_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % was refused; add a row instead', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse_change();
"""
    for table in (
        "settlement_adjustment",
        "settlement_payoutline",
        "settlement_payoutstep",
        "settlement_payoutterms",
    )
)

GIVE_BACK = "DROP FUNCTION settlement_refuse_change() CASCADE;"

TABLES = ("settlement_difference", "settlement_explanation", "settlement_providerfile")

RECONCILIATION_APPEND_ONLY = "".join(
    f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse_change();
"""
    for table in TABLES
)

RECONCILIATION_GIVE_BACK = "".join(f"DROP TRIGGER {table}_append_only ON {table};" for table in TABLES)


class Migration(migrations.Migration):
    replaces = [("settlement", "0001_initial"), ("settlement", "0002_exports"), ("settlement", "0003_reconciliation")]

    initial = True

    dependencies = [
        ("ledger", "0001_squashed"),
        ("shops", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Payout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            (dure.settlement.values.PayoutKind["SALES"], dure.settlement.values.PayoutKind["SALES"])
                        ],
                        default=dure.settlement.values.PayoutKind["SALES"],
                    ),
                ),
                ("period_on", models.DateField()),
                ("due_on", models.DateField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.settlement.values.PayoutState["DUE"], dure.settlement.values.PayoutState["DUE"]),
                            (
                                dure.settlement.values.PayoutState["SENDING"],
                                dure.settlement.values.PayoutState["SENDING"],
                            ),
                            (
                                dure.settlement.values.PayoutState["UNKNOWN"],
                                dure.settlement.values.PayoutState["UNKNOWN"],
                            ),
                            (dure.settlement.values.PayoutState["PAID"], dure.settlement.values.PayoutState["PAID"]),
                            (
                                dure.settlement.values.PayoutState["REFUSED"],
                                dure.settlement.values.PayoutState["REFUSED"],
                            ),
                        ],
                        default=dure.settlement.values.PayoutState["DUE"],
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("fees", models.BigIntegerField()),
                ("kept", models.BigIntegerField()),
                ("net", models.BigIntegerField()),
                ("bank", models.TextField(default="")),
                ("bank_key", models.TextField(default="")),
                ("closed_at", models.DateTimeField()),
                ("asked_at", models.DateTimeField(null=True)),
                ("asks", models.PositiveIntegerField(default=0)),
                ("paid_at", models.DateTimeField(null=True)),
                (
                    "entry",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["due", "sending", "unknown"])),
                        fields=["due_on"],
                        name="payout_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("shop", "period_on", "kind"), name="payout_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "net",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("amount"), "-", models.F("fees")
                                    ),
                                    "-",
                                    models.F("kept"),
                                ),
                            ),
                            ("net__gte", 0),
                        ),
                        name="payout_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("paid_at__isnull", True), ("state", "paid"), _connector="OR"),
                        name="payout_paid",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            (dure.settlement.values.LineKind["SALE"], dure.settlement.values.LineKind["SALE"]),
                            (dure.settlement.values.LineKind["RETURN"], dure.settlement.values.LineKind["RETURN"]),
                            (dure.settlement.values.LineKind["FUNDING"], dure.settlement.values.LineKind["FUNDING"]),
                            (dure.settlement.values.LineKind["HOLD"], dure.settlement.values.LineKind["HOLD"]),
                            (dure.settlement.values.LineKind["RELEASE"], dure.settlement.values.LineKind["RELEASE"]),
                            (
                                dure.settlement.values.LineKind["CORRECTION"],
                                dure.settlement.values.LineKind["CORRECTION"],
                            ),
                            (dure.settlement.values.LineKind["OTHER"], dure.settlement.values.LineKind["OTHER"]),
                        ]
                    ),
                ),
                ("reference", models.TextField()),
                ("provider", models.TextField(default="")),
                ("at", models.DateTimeField()),
                ("subtotal", models.BigIntegerField()),
                ("discount", models.BigIntegerField()),
                ("amount", models.BigIntegerField()),
                ("tax_free", models.BigIntegerField()),
                ("vat", models.BigIntegerField()),
                ("card_fee", models.BigIntegerField()),
                ("provider_fee", models.BigIntegerField()),
                ("platform_fee", models.BigIntegerField()),
                ("fee_vat", models.BigIntegerField()),
                ("kept", models.BigIntegerField()),
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry"
                    ),
                ),
                (
                    "payout",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="settlement.payout"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["shop", "at"], name="payout_line_by_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "amount",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("subtotal"), "-", models.F("discount")
                                ),
                            )
                        ),
                        name="payout_line_adds_up",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.TextField()),
                ("by", models.TextField()),
                ("reason", models.TextField(default="")),
                ("at", models.DateTimeField()),
                (
                    "payout",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="settlement.payout"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PayoutTerms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "sales_tier",
                    models.TextField(
                        choices=[
                            (dure.settlement.values.SalesTier["UNKNOWN"], dure.settlement.values.SalesTier["UNKNOWN"]),
                            (dure.settlement.values.SalesTier["TINY"], dure.settlement.values.SalesTier["TINY"]),
                            (dure.settlement.values.SalesTier["SMALL"], dure.settlement.values.SalesTier["SMALL"]),
                            (dure.settlement.values.SalesTier["MEDIUM"], dure.settlement.values.SalesTier["MEDIUM"]),
                            (dure.settlement.values.SalesTier["LARGE"], dure.settlement.values.SalesTier["LARGE"]),
                            (dure.settlement.values.SalesTier["GENERAL"], dure.settlement.values.SalesTier["GENERAL"]),
                        ]
                    ),
                ),
                ("payout_days", models.PositiveSmallIntegerField()),
                ("valid_from", models.DateField()),
                ("by", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["shop", "-valid_from", "-id"], name="payout_terms_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("payout_days__range", (0, 30))), name="payout_terms_days"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Adjustment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("key", models.TextField(unique=True)),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            (
                                dure.settlement.values.AdjustmentKind["HOLD"],
                                dure.settlement.values.AdjustmentKind["HOLD"],
                            ),
                            (
                                dure.settlement.values.AdjustmentKind["RELEASE"],
                                dure.settlement.values.AdjustmentKind["RELEASE"],
                            ),
                            (
                                dure.settlement.values.AdjustmentKind["CORRECTION"],
                                dure.settlement.values.AdjustmentKind["CORRECTION"],
                            ),
                        ]
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("reason", models.TextField()),
                ("by", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry"
                    ),
                ),
                (
                    "releases",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="released_by",
                        to="settlement.adjustment",
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("amount__lt", 0), ("kind", "hold")),
                            models.Q(("amount__gt", 0), ("kind", "release")),
                            models.Q(("kind", "correction"), models.Q(("amount", 0), _negated=True)),
                            _connector="OR",
                        ),
                        name="adjustment_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "release"), ("releases__isnull", False)),
                            models.Q(models.Q(("kind", "release"), _negated=True), ("releases__isnull", True)),
                            _connector="OR",
                        ),
                        name="adjustment_releases",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.settlement.values.ExportState["ASKED"], dure.settlement.values.ExportState["ASKED"]),
                            (
                                dure.settlement.values.ExportState["RUNNING"],
                                dure.settlement.values.ExportState["RUNNING"],
                            ),
                            (dure.settlement.values.ExportState["READY"], dure.settlement.values.ExportState["READY"]),
                            (
                                dure.settlement.values.ExportState["FAILED"],
                                dure.settlement.values.ExportState["FAILED"],
                            ),
                            (dure.settlement.values.ExportState["GONE"], dure.settlement.values.ExportState["GONE"]),
                        ],
                        default=dure.settlement.values.ExportState["ASKED"],
                    ),
                ),
                ("rows_done", models.PositiveBigIntegerField(default=0)),
                ("rows_total", models.PositiveBigIntegerField(default=0)),
                ("size", models.PositiveBigIntegerField(default=0)),
                ("by", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(null=True)),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["shop", "-asked_at"], name="export_of_shop")],
            },
        ),
        migrations.CreateModel(
            name="ProviderFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("digest", models.TextField(unique=True)),
                ("provider", models.TextField()),
                ("name", models.TextField()),
                ("rows", models.PositiveIntegerField()),
                ("first_on", models.DateField()),
                ("last_on", models.DateField()),
                ("by", models.TextField()),
                ("read_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Difference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            (
                                dure.settlement.values.DifferenceKind["MISSING_HERE"],
                                dure.settlement.values.DifferenceKind["MISSING_HERE"],
                            ),
                            (
                                dure.settlement.values.DifferenceKind["MISSING_THERE"],
                                dure.settlement.values.DifferenceKind["MISSING_THERE"],
                            ),
                            (
                                dure.settlement.values.DifferenceKind["AMOUNT"],
                                dure.settlement.values.DifferenceKind["AMOUNT"],
                            ),
                            (
                                dure.settlement.values.DifferenceKind["FEE"],
                                dure.settlement.values.DifferenceKind["FEE"],
                            ),
                            (
                                dure.settlement.values.DifferenceKind["DATE"],
                                dure.settlement.values.DifferenceKind["DATE"],
                            ),
                        ]
                    ),
                ),
                ("payment", models.TextField(db_index=True)),
                ("trade", models.TextField()),
                ("ours_won", models.BigIntegerField(null=True)),
                ("theirs_won", models.BigIntegerField(null=True)),
                ("ours_on", models.DateField(null=True)),
                ("theirs_on", models.DateField(null=True)),
                ("found_at", models.DateTimeField()),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="settlement.providerfile",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("file", "kind", "payment", "trade"), name="difference_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Explanation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("by", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "difference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="explanations",
                        to="settlement.difference",
                    ),
                ),
            ],
        ),
        *fence(
            "settlement_adjustment",
            "settlement_payout",
            "settlement_payoutline",
            "settlement_payoutstep",
            "settlement_payoutterms",
        ),
        migrations.RunSQL(APPEND_ONLY, GIVE_BACK),
        *fence("settlement_export"),
        migrations.RunSQL(RECONCILIATION_APPEND_ONLY, RECONCILIATION_GIVE_BACK),
    ]
