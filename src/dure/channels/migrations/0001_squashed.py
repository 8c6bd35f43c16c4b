import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dure.channels.values
from dure.shops.fence import fence


class Migration(migrations.Migration):
    replaces = [("channels", "0001_initial"), ("channels", "0002_wish"), ("channels", "0003_picture")]

    initial = True

    dependencies = [
        ("menu", "0001_squashed"),
        ("people", "0001_squashed"),
        ("shops", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="CannedAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("text", models.TextField()),
                ("position", models.PositiveIntegerField(default=0)),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Chat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("nickname", models.TextField()),
                ("opened_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("asked_at", models.DateTimeField(null=True)),
                ("waits", models.BooleanField(default=False)),
                ("seen_at", models.DateTimeField(null=True)),
                ("shop_seen_at", models.DateTimeField(null=True)),
                ("blocked_at", models.DateTimeField(null=True)),
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
            ],
            options={
                "indexes": [
                    models.Index(fields=["shop", "-last_at"], name="chat_of_shop"),
                    models.Index(condition=models.Q(("waits", True)), fields=["shop"], name="chat_waits"),
                ],
                "constraints": [models.UniqueConstraint(fields=("shop", "person"), name="chat_once")],
            },
        ),
        migrations.CreateModel(
            name="ChatLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.TextField()),
                (
                    "side",
                    models.TextField(
                        choices=[
                            (dure.channels.values.Side["GUEST"], dure.channels.values.Side["GUEST"]),
                            (dure.channels.values.Side["SHOP"], dure.channels.values.Side["SHOP"]),
                            (dure.channels.values.Side["AWAY"], dure.channels.values.Side["AWAY"]),
                        ]
                    ),
                ),
                ("said", models.TextField()),
                ("by", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "chat",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="channels.chat"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                ("height", models.PositiveIntegerField(null=True)),
                ("picture", models.TextField(db_default="", default="")),
                ("width", models.PositiveIntegerField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["chat", "at"], name="chat_line_in_order"),
                    models.Index(fields=["at"], name="chat_line_age"),
                    models.Index(
                        condition=models.Q(("picture", ""), _negated=True), fields=["picture"], name="chat_line_picture"
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("chat", "key"), name="chat_line_once")],
            },
        ),
        migrations.CreateModel(
            name="Post",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("title", models.JSONField()),
                ("body", models.JSONField(default=dict)),
                ("shown_at", models.DateTimeField()),
                ("pinned_at", models.DateTimeField(null=True)),
                ("by", models.TextField()),
                ("written_at", models.DateTimeField()),
                (
                    "photo",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="menu.photo"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["shop", "-shown_at"], name="post_of_shop")],
            },
        ),
        migrations.CreateModel(
            name="Profile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("about", models.JSONField(default=dict)),
                ("welcome", models.JSONField(default=dict)),
                ("away", models.JSONField(default=dict)),
                ("takes_chats", models.BooleanField(default=True)),
                ("changed_at", models.DateTimeField()),
                (
                    "shop",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Wish",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asked_at", models.DateTimeField()),
                ("told_at", models.DateTimeField(null=True)),
                (
                    "item",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="menu.item"),
                ),
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
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("told_at", None)), fields=["item"], name="wish_waits"),
                    models.Index(fields=["asked_at"], name="wish_age"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("told_at", None)), fields=("person", "item"), name="wish_waits_once"
                    )
                ],
            },
        ),
        *fence(
            "channels_cannedanswer",
            "channels_chat",
            "channels_chatline",
            "channels_post",
            "channels_profile",
            "channels_wish",
        ),
    ]
