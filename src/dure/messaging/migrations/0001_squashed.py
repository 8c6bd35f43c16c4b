import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import dure.messaging.values


class Migration(migrations.Migration):
    replaces = [
        ("messaging", "0001_initial"),
        ("messaging", "0002_sendings"),
        ("messaging", "0003_mute"),
        ("messaging", "0004_direct_ads_count"),
    ]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("key", models.TextField(unique=True)),
                ("address", models.TextField()),
                ("sender", models.TextField()),
                ("sender_name", models.TextField()),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            (
                                dure.messaging.values.MessageKind["INFORMATION"],
                                dure.messaging.values.MessageKind["INFORMATION"],
                            ),
                            (
                                dure.messaging.values.MessageKind["ADVERTISING"],
                                dure.messaging.values.MessageKind["ADVERTISING"],
                            ),
                        ]
                    ),
                ),
                ("basis", models.TextField()),
                ("title", models.TextField()),
                ("body", models.TextField()),
                ("link", models.TextField(default="")),
                ("sent_at", models.DateTimeField()),
                ("read_at", models.DateTimeField(null=True)),
                ("refuse", models.TextField(db_default="", default="")),
                ("topic", models.TextField(db_default="", default="")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["address", "-sent_at"], name="message_inbox"),
                    models.Index(
                        condition=models.Q(
                            ("kind", "advertising"), models.Q(("key__startswith", "outgoing:"), _negated=True)
                        ),
                        fields=["sent_at"],
                        name="message_direct_ad",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "advertising"), _negated=True),
                            ("title__startswith", "(광고)"),
                            _connector="OR",
                        ),
                        name="message_ad_is_marked",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.TextField(db_index=True)),
                ("url", models.TextField(unique=True)),
                ("p256dh", models.TextField()),
                ("auth", models.TextField()),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Latch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("instance", models.TextField()),
                ("epoch", models.BigIntegerField()),
                ("turned_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="HandOver",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.TextField(unique=True)),
                ("medium", models.TextField()),
                ("provider", models.TextField()),
                ("count", models.PositiveIntegerField()),
                ("begun_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("ended_at", None)), fields=["begun_at"], name="hand_over_open")
                ],
            },
        ),
        migrations.CreateModel(
            name="Sending",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("key", models.TextField(unique=True)),
                ("reference", models.TextField(db_index=True)),
                ("sender", models.TextField()),
                ("sender_name", models.TextField()),
                ("contact", models.TextField(default="")),
                ("refusal_number", models.TextField(default="")),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            (
                                dure.messaging.values.MessageKind["INFORMATION"],
                                dure.messaging.values.MessageKind["INFORMATION"],
                            ),
                            (
                                dure.messaging.values.MessageKind["ADVERTISING"],
                                dure.messaging.values.MessageKind["ADVERTISING"],
                            ),
                        ]
                    ),
                ),
                ("topic", models.TextField(default="")),
                ("goods", models.TextField(default="")),
                ("media", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ("title", models.TextField()),
                ("body", models.TextField()),
                ("link", models.TextField(default="")),
                ("details", models.JSONField(default=dict)),
                ("at_night", models.BooleanField(default=False)),
                ("not_before", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.messaging.values.SendingState["OPEN"], dure.messaging.values.SendingState["OPEN"]),
                            (
                                dure.messaging.values.SendingState["PAUSED"],
                                dure.messaging.values.SendingState["PAUSED"],
                            ),
                            (
                                dure.messaging.values.SendingState["STOPPED"],
                                dure.messaging.values.SendingState["STOPPED"],
                            ),
                            (
                                dure.messaging.values.SendingState["CLOSED"],
                                dure.messaging.values.SendingState["CLOSED"],
                            ),
                        ],
                        default=dure.messaging.values.SendingState["OPEN"],
                    ),
                ),
                ("payer", models.TextField(default="")),
                ("held", models.PositiveBigIntegerField(default=0)),
                ("settled", models.PositiveBigIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("not_before"))),
                        name="sending_ends_after_it_begins",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "advertising"), _negated=True),
                            models.Q(("topic", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="sending_ad_has_a_topic",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("settled__lte", models.F("held"))), name="sending_costs_what_was_held"
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "closed"), _negated=True),
                        fields=["expires_at"],
                        name="sending_not_over",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Outgoing",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("recipient", models.BigIntegerField(null=True)),
                ("variables", models.JSONField(null=True)),
                (
                    "fate",
                    models.SmallIntegerField(
                        choices=[
                            (0, "WAITING"),
                            (1, "HANDING"),
                            (2, "ACCEPTED"),
                            (3, "ARRIVED"),
                            (4, "REFUSED"),
                            (5, "FAILED"),
                            (6, "EXPIRED"),
                            (7, "STOPPED"),
                            (8, "UNCERTAIN"),
                        ],
                        default=dure.messaging.values.Fate["WAITING"],
                    ),
                ),
                ("reason", models.TextField(default="")),
                ("medium", models.TextField()),
                ("tries", models.SmallIntegerField(default=0)),
                ("consent", models.BigIntegerField(null=True)),
                ("night_consent", models.BigIntegerField(null=True)),
                ("provider_key", models.TextField(null=True)),
                ("won", models.PositiveIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("handed_at", models.DateTimeField(null=True)),
                (
                    "hand_over",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="messaging.handover",
                    ),
                ),
                (
                    "sending",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="messaging.sending",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("fate", 0)), fields=["sending", "medium", "due_at"], name="outgoing_waiting"
                    ),
                    models.Index(
                        condition=models.Q(("handed_at__isnull", False)),
                        fields=["recipient", "handed_at"],
                        name="outgoing_handed",
                    ),
                    models.Index(
                        condition=models.Q(("fate__in", [1, 2])), fields=["hand_over"], name="outgoing_in_hand"
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("sending", "recipient"), name="outgoing_once")],
            },
        ),
        migrations.CreateModel(
            name="Mute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.TextField()),
                ("sender", models.TextField()),
                ("since_at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("address", "sender"), name="mute_once")],
            },
        ),
    ]
