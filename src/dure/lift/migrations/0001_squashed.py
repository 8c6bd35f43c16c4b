import django.db.models.deletion
from django.db import migrations, models

import dure.lift.values
from dure.shops.fence import fence

APPEND_ONLY = """
CREATE FUNCTION lift_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % was refused; add a row instead', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION lift_refuse_change();
"""
    for table in ("lift_look",)
)

GIVE_BACK = "DROP FUNCTION lift_refuse_change() CASCADE;"

FORECAST_APPEND_ONLY = """
CREATE TRIGGER lift_forecast_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lift_forecast
    FOR EACH STATEMENT EXECUTE FUNCTION lift_refuse_change();
"""


class Migration(migrations.Migration):
    replaces = [("lift", "0001_initial"), ("lift", "0002_forecast")]

    initial = True

    dependencies = [
        ("campaigns", "0001_squashed"),
        ("shops", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Look",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.TextField()),
                ("evidence", models.FloatField()),
                ("alarm", models.BooleanField(default=False)),
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
        ),
        migrations.CreateModel(
            name="Result",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("family", models.TextField(db_index=True)),
                ("reached", models.PositiveIntegerField()),
                ("held", models.PositiveIntegerField()),
                ("came_reached", models.PositiveIntegerField()),
                ("came_held", models.PositiveIntegerField()),
                ("figures", models.JSONField()),
                ("curve", models.JSONField()),
                ("rate_before", models.FloatField()),
                ("mismatch", models.FloatField()),
                (
                    "verdict",
                    models.TextField(
                        choices=[
                            (dure.lift.values.Verdict["WORKED"], dure.lift.values.Verdict["WORKED"]),
                            (dure.lift.values.Verdict["PROBABLY"], dure.lift.values.Verdict["PROBABLY"]),
                            (dure.lift.values.Verdict["UNKNOWN"], dure.lift.values.Verdict["UNKNOWN"]),
                            (dure.lift.values.Verdict["HURT"], dure.lift.values.Verdict["HURT"]),
                        ]
                    ),
                ),
                (
                    "footing",
                    models.TextField(
                        choices=[
                            (dure.lift.values.Footing["ALONE"], dure.lift.values.Footing["ALONE"]),
                            (dure.lift.values.Footing["FAMILY"], dure.lift.values.Footing["FAMILY"]),
                        ]
                    ),
                ),
                ("low", models.FloatField()),
                ("guess", models.FloatField()),
                ("high", models.FloatField()),
                ("shops", models.PositiveIntegerField(default=0)),
                ("typical", models.FloatField(null=True)),
                ("spent", models.BigIntegerField()),
                ("earned", models.BigIntegerField()),
                ("needed", models.PositiveIntegerField(null=True)),
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
                    models.UniqueConstraint(fields=("campaign", "version"), name="result_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("came_held__lte", models.F("held")), ("came_reached__lte", models.F("reached"))
                        ),
                        name="result_counts",
                    ),
                ],
            },
        ),
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
        *fence("lift_look", "lift_result"),
        migrations.RunSQL(APPEND_ONLY, GIVE_BACK),
        *fence("lift_forecast"),
        migrations.RunSQL(FORECAST_APPEND_ONLY, "DROP TRIGGER lift_forecast_append_only ON lift_forecast;"),
    ]
