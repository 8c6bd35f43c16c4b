import django.db.models.deletion
from django.db import migrations, models

NAMES = [("visits", "visits"), ("effect", "effect")]

APPEND_ONLY = """
CREATE FUNCTION targeting_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % was refused; add a row instead', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION targeting_refuse_change();
"""
    for table in ("targeting_scoremodel", "targeting_modelstep")
)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ScoreModel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("name", models.TextField(choices=[("visits", "visits"), ("effect", "effect")])),
                ("version", models.PositiveIntegerField()),
                ("parameters", models.JSONField()),
                ("from_on", models.DateField()),
                ("until_on", models.DateField()),
                ("rows", models.PositiveIntegerField()),
                ("code_version", models.TextField()),
                ("calibration", models.JSONField()),
                ("gate", models.JSONField()),
                ("fault", models.TextField(default="")),
                ("by", models.TextField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("name", "version"), name="score_model_once")],
            },
        ),
        migrations.CreateModel(
            name="ModelStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField(choices=[("visits", "visits"), ("effect", "effect")])),
                ("back", models.BooleanField(default=False)),
                ("by", models.TextField()),
                ("reason", models.TextField(default="")),
                ("at", models.DateTimeField()),
                (
                    "model",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="targeting.scoremodel",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["name", "-id"], name="model_in_use")],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, "DROP FUNCTION targeting_refuse_change() CASCADE;"),
    ]
