import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from dure.shops.fence import fence


class Migration(migrations.Migration):
    replaces = [
        ("regulars", "0001_initial"),
        ("regulars", "0002_stamps_points_and_tiers"),
        ("regulars", "0003_relation_door"),
    ]

    initial = True

    dependencies = [
        ("offers", "0001_squashed"),
        ("people", "0001_squashed"),
        ("shops", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="StampCard",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("goal", models.PositiveSmallIntegerField(default=10)),
                ("running", models.BooleanField(default=True)),
                (
                    "shop",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"
                    ),
                ),
                ("won_per_stamp", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("goal__range", (2, 50))), name="stamp_goal_within")
                ],
            },
        ),
        migrations.CreateModel(
            name="PointTerms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("running", models.BooleanField(default=True)),
                ("earn_bps", models.PositiveSmallIntegerField(default=100)),
                ("valid_days", models.PositiveSmallIntegerField(default=365)),
                ("least", models.PositiveIntegerField(default=1000)),
                ("tier_days", models.PositiveSmallIntegerField(default=180)),
                (
                    "shop",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("earn_bps__range", (1, 3000))), name="point_earn_within"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid_days__range", (30, 1825))), name="point_days_within"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tier_days__range", (30, 730))), name="tier_days_within"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tier",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("name", models.JSONField()),
                ("spend", models.PositiveIntegerField()),
                ("earn_bps", models.PositiveSmallIntegerField(default=0)),
                (
                    "offer",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="offers.offer"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("shop", "spend"), name="tier_spend_once"),
                    models.CheckConstraint(
                        condition=models.Q(("earn_bps__lte", 3000), ("spend__gte", 1)), name="tier_within"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Relation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("nickname", models.TextField()),
                ("joined_at", models.DateTimeField()),
                ("left_at", models.DateTimeField(null=True)),
                ("visits", models.PositiveIntegerField(default=0)),
                ("spend", models.BigIntegerField(default=0)),
                ("first_visit_at", models.DateTimeField(null=True)),
                ("last_visit_at", models.DateTimeField(null=True)),
                ("stamps", models.IntegerField(default=0)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                ("cards", models.PositiveIntegerField(default=0)),
                ("points_debt", models.PositiveBigIntegerField(default=0)),
                ("stamps_spent", models.PositiveIntegerField(default=0)),
                (
                    "tier",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="regulars.tier"
                    ),
                ),
                ("door", models.TextField(db_default="", default="")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("shop", "person"), name="relation_once"),
                    models.CheckConstraint(condition=models.Q(("spend__gte", 0)), name="relation_spend_not_negative"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CountedVisit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.TextField()),
                ("spent", models.BigIntegerField(default=0)),
                ("at", models.DateTimeField()),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                (
                    "relation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="counted_visits",
                        to="regulars.relation",
                    ),
                ),
                ("stamps", models.PositiveIntegerField(default=0)),
                ("won_per_stamp", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["relation", "-at"], name="counted_visit_recent")],
                "constraints": [models.UniqueConstraint(fields=("relation", "reference"), name="counted_visit_once")],
            },
        ),
        migrations.CreateModel(
            name="PointLot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.TextField()),
                ("bps", models.PositiveSmallIntegerField()),
                ("earned", models.PositiveBigIntegerField(default=0)),
                ("remaining", models.PositiveBigIntegerField(default=0)),
                ("changes", models.PositiveIntegerField(default=0)),
                ("earned_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "relation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="point_lots", to="regulars.relation"
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
                        condition=models.Q(("remaining__gt", 0)), fields=["expires_at"], name="point_lots_alive"
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("relation", "reference"), name="point_lot_once")],
            },
        ),
        migrations.CreateModel(
            name="PointUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.PositiveBigIntegerField()),
                ("returned", models.PositiveBigIntegerField(default=0)),
                (
                    "coupon",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="offers.coupon"
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="regulars.pointlot"
                    ),
                ),
                (
                    "relation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="regulars.relation"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("coupon", "lot"), name="point_use_once"),
                    models.CheckConstraint(
                        condition=models.Q(("returned__lte", models.F("amount"))), name="point_use_returned_within"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HandStamp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.TextField(unique=True)),
                ("count", models.PositiveSmallIntegerField()),
                ("day", models.DateField()),
                ("by", models.TextField()),
                ("reason", models.TextField()),
                ("signature", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "relation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="hand_stamps", to="regulars.relation"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["shop", "day", "by"], name="hand_stamps_of_a_day")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("count__range", (1, 10))), name="hand_stamp_count")
                ],
            },
        ),
        *fence(
            "regulars_relation",
            "regulars_countedvisit",
            "regulars_stampcard",
            "regulars_handstamp",
            "regulars_pointterms",
            "regulars_tier",
            "regulars_pointlot",
            "regulars_pointuse",
        ),
    ]
