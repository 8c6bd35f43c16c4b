import django.db.models.deletion
from django.db import migrations, models

from dure.shops.fence import fence

APPEND_ONLY = """
CREATE TRIGGER lift_forecast_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lift_forecast
    FOR EACH STATEMENT EXECUTE FUNCTION lift_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0003_week"),
        ("lift", "0001_initial"),
        ("shops", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Forecast",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("messages", models.PositiveIntegerField()),
                ("low", models.PositiveIntegerField()),
                ("high", models.PositiveIntegerField()),
                ("behind", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="campaigns.campaign"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("campaign", "version"), name="forecast_once"),
                    models.CheckConstraint(
                        condition=models.Q(("low__lte", models.F("high"))), name="forecast_is_a_range"
                    ),
                ],
            },
        ),
        *fence("lift_forecast"),
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER lift_forecast_append_only ON lift_forecast;"),
    ]
