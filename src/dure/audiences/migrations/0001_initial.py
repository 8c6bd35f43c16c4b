import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from dure.shops.fence import fence


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("people", "0001_squashed"),
        ("shops", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Answer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("question", models.TextField()),
                ("day", models.DateField()),
                ("noised", models.BigIntegerField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("question", "day"), name="answer_once_a_day")],
            },
        ),
        migrations.CreateModel(
            name="Frozen",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("definition", models.JSONField()),
                ("recipients", models.BinaryField()),
                ("people", models.PositiveBigIntegerField()),
                ("by", models.TextField()),
                ("frozen_at", models.DateTimeField()),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Release",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.TextField()),
                ("epsilon", models.DecimalField(decimal_places=4, max_digits=6)),
                ("parts", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("epsilon__gt", 0), ("epsilon__lte", 1)), name="release_epsilon_within"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Asking",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("question", models.TextField()),
                ("day", models.DateField()),
                ("at", models.DateTimeField()),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("owner", "question", "day"), name="asking_once_a_day")],
            },
        ),
        migrations.CreateModel(
            name="Audience",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("name", models.TextField()),
                ("definition", models.JSONField()),
                ("by", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("shop", "name"), name="audience_name_once")],
            },
        ),
        *fence("audiences_audience", "audiences_frozen"),
    ]
