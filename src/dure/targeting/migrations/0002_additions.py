import django.db.models.deletion
from django.db import migrations, models

from dure.shops.fence import fence


class Migration(migrations.Migration):
    dependencies = [
        ("menu", "0001_squashed"),
        ("ordering", "0001_squashed"),
        ("shops", "0001_squashed"),
        ("targeting", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Pairing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("extra", models.FloatField()),
                ("orders", models.PositiveIntegerField()),
                (
                    "addition",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="menu.item"),
                ),
                (
                    "item",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="menu.item"),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("shop", "item", "addition"), name="pairing_once")],
            },
        ),
        migrations.CreateModel(
            name="Suggestion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("shown", models.BooleanField()),
                ("at", models.DateTimeField()),
                (
                    "item",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="menu.item"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                (
                    "visit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="ordering.visit"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["shop", "at"], name="suggestion_of_shop")],
            },
        ),
        *fence("targeting_pairing", "targeting_suggestion"),
    ]
