import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dure.campaigns.values
from dure.shops.fence import fence

STORED = "".join(
    f"ALTER TABLE campaigns_weekpiece ALTER COLUMN {column} SET STORAGE {{storage}};"
    for column in ("campaign", "value")
)
"""Uncompressed, one person's row of a piece is read without unpacking the rows of a hundred thousand."""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0001_squashed"),
        ("offers", "0001_squashed"),
        ("shops", "0001_squashed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TillChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("week_on", models.DateField()),
                ("reference", models.TextField()),
                (
                    "fate",
                    models.TextField(
                        choices=[
                            (dure.campaigns.values.TillFate["GIVEN"], dure.campaigns.values.TillFate["GIVEN"]),
                            (dure.campaigns.values.TillFate["HELD"], dure.campaigns.values.TillFate["HELD"]),
                            (dure.campaigns.values.TillFate["NOTHING"], dure.campaigns.values.TillFate["NOTHING"]),
                        ]
                    ),
                ),
                ("reason", models.TextField(default="")),
                ("value", models.FloatField(default=0)),
                ("price", models.FloatField(default=0)),
                ("propensity", models.FloatField(default=1)),
                ("wave", models.PositiveIntegerField(null=True)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="campaign",
            name="at_till",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="campaign",
            name="given_at_till",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="weekpart",
            name="till_due",
            field=models.FloatField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="weekpart",
            name="till_price",
            field=models.FloatField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="weekplan",
            name="at_till",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("given_at_till__lte", models.F("at_till"))), name="campaign_within_its_till"
            ),
        ),
        migrations.AddField(
            model_name="tillchoice",
            name="campaign",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="campaigns.campaign"
            ),
        ),
        migrations.AddField(
            model_name="tillchoice",
            name="coupon",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="offers.coupon"
            ),
        ),
        migrations.AddField(
            model_name="tillchoice",
            name="person",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="tillchoice",
            name="plan",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="campaigns.weekplan"
            ),
        ),
        migrations.AddField(
            model_name="tillchoice",
            name="shop",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
        ),
        migrations.AddIndex(
            model_name="tillchoice",
            index=models.Index(
                condition=models.Q(("wave__isnull", True)), fields=["campaign"], name="till_choice_uncounted"
            ),
        ),
        migrations.AddConstraint(
            model_name="tillchoice",
            constraint=models.UniqueConstraint(fields=("reference", "person"), name="till_choice_once_a_bill"),
        ),
        migrations.AddConstraint(
            model_name="tillchoice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("fate", "nothing"), _negated=True),
                fields=("week_on", "person"),
                name="till_choice_once_a_week",
            ),
        ),
        migrations.AddConstraint(
            model_name="tillchoice",
            constraint=models.CheckConstraint(
                condition=models.Q(("propensity__gte", 0), ("propensity__lte", 1)), name="till_choice_propensity"
            ),
        ),
        migrations.AddConstraint(
            model_name="tillchoice",
            constraint=models.CheckConstraint(
                condition=models.Q(("fate", "nothing"), ("campaign__isnull", False), _connector="OR"),
                name="till_choice_of_what",
            ),
        ),
        *fence("campaigns_tillchoice"),
        migrations.RunSQL(STORED.format(storage="EXTERNAL"), STORED.format(storage="EXTENDED")),
    ]
