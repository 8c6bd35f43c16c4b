import django.db.models.deletion
from django.db import migrations, models

import dure.partners.values
from dure.shops.fence import fence


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("shops", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("name", models.TextField()),
                ("prefix", models.TextField(unique=True)),
                ("secret_hash", models.TextField()),
                ("scopes", models.JSONField(default=list)),
                ("version", models.TextField()),
                ("by", models.TextField()),
                ("made_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("url", models.TextField()),
                ("kinds", models.JSONField(default=list)),
                ("generation", models.PositiveIntegerField(default=1)),
                ("old_until", models.DateTimeField(null=True)),
                ("by", models.TextField()),
                ("made_at", models.DateTimeField()),
                ("failing_since", models.DateTimeField(null=True)),
                ("disabled_at", models.DateTimeField(null=True)),
                ("disabled_because", models.TextField(default="")),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            (
                                dure.partners.values.EventKind["CHECKOUT_OPENED"],
                                dure.partners.values.EventKind["CHECKOUT_OPENED"],
                            ),
                            (
                                dure.partners.values.EventKind["CHECKOUT_PAID"],
                                dure.partners.values.EventKind["CHECKOUT_PAID"],
                            ),
                            (
                                dure.partners.values.EventKind["CHECKOUT_RETURNED"],
                                dure.partners.values.EventKind["CHECKOUT_RETURNED"],
                            ),
                            (
                                dure.partners.values.EventKind["CHECKOUT_CLOSED"],
                                dure.partners.values.EventKind["CHECKOUT_CLOSED"],
                            ),
                            (
                                dure.partners.values.EventKind["ORDER_RECEIVED"],
                                dure.partners.values.EventKind["ORDER_RECEIVED"],
                            ),
                            (
                                dure.partners.values.EventKind["ORDER_MOVED"],
                                dure.partners.values.EventKind["ORDER_MOVED"],
                            ),
                            (dure.partners.values.EventKind["PING"], dure.partners.values.EventKind["PING"]),
                        ]
                    ),
                ),
                ("object_id", models.TextField()),
                ("content", models.JSONField()),
                ("at", models.DateTimeField()),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["shop", "object_id"], name="event_of_object")],
            },
        ),
        migrations.CreateModel(
            name="Reply",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.TextField()),
                ("body_hash", models.TextField()),
                ("status", models.PositiveSmallIntegerField(default=0)),
                ("body", models.TextField(default="")),
                ("at", models.DateTimeField()),
                (
                    "api_key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="partners.apikey"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="reply_at")],
                "constraints": [models.UniqueConstraint(fields=("api_key", "key"), name="reply_once")],
            },
        ),
        migrations.CreateModel(
            name="Dispatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_id", models.TextField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (
                                dure.partners.values.DispatchState["WAITING"],
                                dure.partners.values.DispatchState["WAITING"],
                            ),
                            (dure.partners.values.DispatchState["SENT"], dure.partners.values.DispatchState["SENT"]),
                            (
                                dure.partners.values.DispatchState["GIVEN_UP"],
                                dure.partners.values.DispatchState["GIVEN_UP"],
                            ),
                        ],
                        default=dure.partners.values.DispatchState["WAITING"],
                    ),
                ),
                ("tries", models.PositiveIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("tried_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("status", models.PositiveSmallIntegerField(default=0)),
                ("fault", models.TextField(default="")),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="dispatches", to="partners.endpoint"
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="dispatches", to="partners.event"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("state", "waiting")), fields=["due_at"], name="dispatch_due"),
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["endpoint", "object_id", "id"],
                        name="dispatch_in_order",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("event", "endpoint"), name="dispatch_once")],
            },
        ),
        *fence("partners_apikey", "partners_reply", "partners_endpoint", "partners_event", "partners_dispatch"),
    ]
