import django.db.models.deletion
from django.db import migrations, models

from dure.shops.fence import fence


class Migration(migrations.Migration):
    dependencies = [
        ("menu", "0001_squashed"),
        ("ordering", "0001_squashed"),
        ("shops", "0001_squashed"),
        ("targeting", "0002_additions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Sequel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("chance", models.FloatField()),
                ("people", models.PositiveIntegerField()),
                (
                    "dish",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="menu.item"),
                ),
                (
                    "item",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="menu.item"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("shop", "item", "dish"), nulls_distinct=False, name="sequel_once"),
                    models.CheckConstraint(condition=models.Q(("people__gte", 5)), name="sequel_of_enough"),
                ],
            },
        ),
        migrations.AddField(
            model_name="suggestion",
            name="place",
            field=models.TextField(
                choices=[("basket", "basket"), ("menu", "menu")], db_default="basket", default="basket"
            ),
        ),
        migrations.AlterField(
            model_name="suggestion",
            name="visit",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="ordering.visit"
            ),
        ),
        migrations.AddConstraint(
            model_name="suggestion",
            constraint=models.UniqueConstraint(fields=("visit", "place"), name="suggestion_once_a_place"),
        ),
        *fence("targeting_sequel"),
    ]
