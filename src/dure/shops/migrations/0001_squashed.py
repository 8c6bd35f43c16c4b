import datetime as dt

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dure.shops.values


class Migration(migrations.Migration):
    replaces = [
        ("shops", "0001_initial"),
        ("shops", "0002_minutes_to_accept"),
        ("shops", "0003_concession_limits"),
        ("shops", "0004_ways_switched_off"),
    ]

    initial = True

    dependencies = [
        ("people", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Shop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("name", models.TextField()),
                ("name_en", models.TextField(default="")),
                ("category", models.TextField(default="korean")),
                ("address", models.TextField(default="")),
                ("district", models.TextField(db_index=True, default="")),
                ("phone", models.TextField(default="")),
                ("business_number", models.TextField(default="")),
                ("hours", models.JSONField(default=dict)),
                ("day_starts_at", models.TimeField(default=dt.time(5, 0))),
                ("paused_until", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "pay_timing",
                    models.TextField(
                        choices=[
                            (dure.shops.values.PayTiming["FIRST"], dure.shops.values.PayTiming["FIRST"]),
                            (dure.shops.values.PayTiming["TAB"], dure.shops.values.PayTiming["TAB"]),
                        ],
                        default=dure.shops.values.PayTiming["FIRST"],
                    ),
                ),
                (
                    "seating",
                    models.TextField(
                        choices=[
                            (dure.shops.values.Seating["SCAN"], dure.shops.values.Seating["SCAN"]),
                            (dure.shops.values.Seating["STAFF"], dure.shops.values.Seating["STAFF"]),
                        ],
                        default=dure.shops.values.Seating["SCAN"],
                    ),
                ),
                ("takes_online", models.BooleanField(default=True)),
                ("skin", models.TextField(default="dure")),
                ("character", models.TextField(default="")),
                ("cooking_minutes", models.PositiveSmallIntegerField(default=15)),
                ("regular_visits", models.PositiveSmallIntegerField(default=7)),
                ("regular_days", models.PositiveSmallIntegerField(default=90)),
                ("lapsed_days", models.PositiveSmallIntegerField(default=45)),
                ("created_at", models.DateTimeField()),
                ("accept_minutes", models.PositiveSmallIntegerField(default=10)),
                ("concession_day_limit", models.PositiveIntegerField(default=100000)),
                ("concession_limit", models.PositiveIntegerField(default=100000)),
                ("ways_off", models.JSONField(default=list)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lapsed_days__gte", 7), ("regular_days__gte", 7), ("regular_visits__gte", 2)
                        ),
                        name="shop_regular_rule",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RetiredCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.TextField(unique=True)),
                ("retired_at", models.DateTimeField()),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.TextField(
                        choices=[
                            (dure.shops.values.Role["OWNER"], dure.shops.values.Role["OWNER"]),
                            (dure.shops.values.Role["MANAGER"], dure.shops.values.Role["MANAGER"]),
                            (dure.shops.values.Role["CASHIER"], dure.shops.values.Role["CASHIER"]),
                            (dure.shops.values.Role["KITCHEN"], dure.shops.values.Role["KITCHEN"]),
                        ]
                    ),
                ),
                ("since_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="shops.shop"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("shop", "person"), name="membership_once")],
            },
        ),
        migrations.CreateModel(
            name="Table",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("code", models.TextField(unique=True)),
                ("name", models.TextField()),
                ("position", models.PositiveIntegerField(default=0)),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "shop",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tables", to="shops.shop"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("retired_at__isnull", True)),
                        fields=("shop", "name"),
                        name="table_name_once",
                    )
                ],
            },
        ),
    ]
