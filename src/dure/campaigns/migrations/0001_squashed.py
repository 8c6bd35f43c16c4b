import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import dure.campaigns.values
from dure.shops.fence import fence

APPEND_ONLY = """
CREATE FUNCTION campaigns_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % was refused; add a row instead', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_refuse_change();
"""
    for table in (
        "campaigns_assignment",
        "campaigns_campaignstep",
        "campaigns_campaignversion",
    )
)

GIVE_BACK = "DROP FUNCTION campaigns_refuse_change() CASCADE;"


class Migration(migrations.Migration):
    replaces = [
        ("campaigns", "0001_initial"),
        ("campaigns", "0002_said"),
        ("campaigns", "0003_week"),
        ("campaigns", "0004_pieces_by_person"),
        ("campaigns", "0005_birthday_and_sold_out_back"),
    ]

    initial = True

    dependencies = [
        ("offers", "0001_squashed"),
        ("shops", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Campaign",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("name", models.TextField()),
                (
                    "goal",
                    models.TextField(
                        choices=[
                            (dure.campaigns.values.Goal["WIN_BACK"], dure.campaigns.values.Goal["WIN_BACK"]),
                            (dure.campaigns.values.Goal["SECOND_VISIT"], dure.campaigns.values.Goal["SECOND_VISIT"]),
                            (dure.campaigns.values.Goal["SPEND_MORE"], dure.campaigns.values.Goal["SPEND_MORE"]),
                            (dure.campaigns.values.Goal["QUIET_HOURS"], dure.campaigns.values.Goal["QUIET_HOURS"]),
                            (dure.campaigns.values.Goal["NEARBY"], dure.campaigns.values.Goal["NEARBY"]),
                        ]
                    ),
                ),
                (
                    "trigger",
                    models.TextField(
                        choices=[
                            (dure.campaigns.values.Trigger["HAND"], dure.campaigns.values.Trigger["HAND"]),
                            (dure.campaigns.values.Trigger["WELCOME"], dure.campaigns.values.Trigger["WELCOME"]),
                            (
                                dure.campaigns.values.Trigger["SECOND_VISIT"],
                                dure.campaigns.values.Trigger["SECOND_VISIT"],
                            ),
                            (dure.campaigns.values.Trigger["WIN_BACK"], dure.campaigns.values.Trigger["WIN_BACK"]),
                            (
                                dure.campaigns.values.Trigger["STAMP_NEARLY"],
                                dure.campaigns.values.Trigger["STAMP_NEARLY"],
                            ),
                            (
                                dure.campaigns.values.Trigger["UNUSED_COUPON"],
                                dure.campaigns.values.Trigger["UNUSED_COUPON"],
                            ),
                            (
                                dure.campaigns.values.Trigger["QUIET_HOURS"],
                                dure.campaigns.values.Trigger["QUIET_HOURS"],
                            ),
                            (dure.campaigns.values.Trigger["BIRTHDAY"], dure.campaigns.values.Trigger["BIRTHDAY"]),
                            (
                                dure.campaigns.values.Trigger["SOLD_OUT_BACK"],
                                dure.campaigns.values.Trigger["SOLD_OUT_BACK"],
                            ),
                        ],
                        default=dure.campaigns.values.Trigger["HAND"],
                    ),
                ),
                ("number", models.PositiveSmallIntegerField(default=0)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (
                                dure.campaigns.values.CampaignState["DRAFT"],
                                dure.campaigns.values.CampaignState["DRAFT"],
                            ),
                            (
                                dure.campaigns.values.CampaignState["REVIEW"],
                                dure.campaigns.values.CampaignState["REVIEW"],
                            ),
                            (
                                dure.campaigns.values.CampaignState["SCHEDULED"],
                                dure.campaigns.values.CampaignState["SCHEDULED"],
                            ),
                            (
                                dure.campaigns.values.CampaignState["RUNNING"],
                                dure.campaigns.values.CampaignState["RUNNING"],
                            ),
                            (
                                dure.campaigns.values.CampaignState["PAUSED"],
                                dure.campaigns.values.CampaignState["PAUSED"],
                            ),
                            (
                                dure.campaigns.values.CampaignState["MEASURING"],
                                dure.campaigns.values.CampaignState["MEASURING"],
                            ),
                            (dure.campaigns.values.CampaignState["DONE"], dure.campaigns.values.CampaignState["DONE"]),
                            (
                                dure.campaigns.values.CampaignState["STOPPED"],
                                dure.campaigns.values.CampaignState["STOPPED"],
                            ),
                        ],
                        default=dure.campaigns.values.CampaignState["DRAFT"],
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("audience", models.JSONField(default=dict)),
                ("title", models.TextField()),
                ("body", models.TextField()),
                ("other_title", models.TextField(default="")),
                ("other_body", models.TextField(default="")),
                (
                    "media",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                ("most", models.PositiveIntegerField(null=True)),
                ("budget", models.PositiveBigIntegerField(null=True)),
                ("window_days", models.PositiveSmallIntegerField(default=14)),
                ("send_at", models.DateTimeField(null=True)),
                ("result_at", models.DateTimeField(null=True)),
                ("measured", models.BooleanField(default=False)),
                ("reason", models.TextField(default="")),
                ("created_at", models.DateTimeField()),
                (
                    "offer",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="offers.offer"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                ("said", models.JSONField(default=dict)),
                ("by_plan", models.BooleanField(db_default=False, default=False)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["scheduled", "running", "measuring"])),
                        fields=["state", "send_at"],
                        name="campaign_to_do",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("window_days__range", (1, 90))), name="campaign_window"),
                    models.UniqueConstraint(
                        condition=models.Q(
                            models.Q(("trigger", "hand"), _negated=True), models.Q(("state", "stopped"), _negated=True)
                        ),
                        fields=("shop", "trigger"),
                        name="campaign_one_automation_of_a_kind",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("wave", models.PositiveIntegerField(default=1)),
                ("unit", models.TextField()),
                ("share", models.FloatField()),
                ("reached_people", models.PositiveIntegerField()),
                ("held_people", models.PositiveIntegerField()),
                ("never_people", models.PositiveIntegerField()),
                ("reached_bits", models.BinaryField()),
                ("held_bits", models.BinaryField()),
                ("digest", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="assignments", to="campaigns.campaign"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("campaign", "version", "wave"), name="assignment_once"),
                    models.CheckConstraint(
                        condition=models.Q(("share__gte", 0), ("share__lt", 1)), name="assignment_share"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CampaignStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.TextField()),
                ("by", models.TextField()),
                ("reason", models.TextField(default="")),
                ("at", models.DateTimeField()),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="campaigns.campaign"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CampaignVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("content", models.JSONField()),
                ("by", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="campaigns.campaign"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("campaign", "number"), name="campaign_version_once")],
            },
        ),
        migrations.CreateModel(
            name="WeekPlan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("week_on", models.DateField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.campaigns.values.PlanState["SCORING"], dure.campaigns.values.PlanState["SCORING"]),
                            (dure.campaigns.values.PlanState["SOLVING"], dure.campaigns.values.PlanState["SOLVING"]),
                            (dure.campaigns.values.PlanState["READY"], dure.campaigns.values.PlanState["READY"]),
                        ],
                        default=dure.campaigns.values.PlanState["SCORING"],
                    ),
                ),
                ("cap", models.PositiveSmallIntegerField()),
                ("alpha", models.FloatField()),
                ("jitter", models.FloatField()),
                ("salt", models.PositiveBigIntegerField()),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField()),
                ("people", models.PositiveIntegerField(default=0)),
                ("edges", models.PositiveBigIntegerField(default=0)),
                ("value", models.BigIntegerField(default=0)),
                ("bound", models.BigIntegerField(default=0)),
                ("most_value", models.BigIntegerField(default=0)),
                ("fairness", models.JSONField(default=dict)),
                ("by", models.TextField()),
                ("at", models.DateTimeField()),
                ("ready_at", models.DateTimeField(null=True)),
                (
                    "first",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="campaigns.weekplan",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["week_on", "-id"], name="plan_of_a_week")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("value__lte", models.F("bound"))), name="plan_within_its_bound"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WeekPiece",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("persons", models.BinaryField()),
                ("room", models.BinaryField()),
                ("campaign", models.BinaryField()),
                ("value", models.BinaryField()),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="pieces", to="campaigns.weekplan"
                    ),
                ),
                ("low_person", models.PositiveBigIntegerField()),
                ("high_person", models.PositiveBigIntegerField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("plan", "number"), name="plan_piece_once")],
            },
        ),
        migrations.CreateModel(
            name="WeekPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.PositiveSmallIntegerField()),
                ("messages", models.PositiveIntegerField()),
                ("share", models.FloatField()),
                ("each", models.PositiveIntegerField()),
                ("shop_money", models.PositiveBigIntegerField(null=True)),
                ("effect", models.FloatField()),
                ("worth", models.PositiveIntegerField()),
                ("price", models.FloatField(default=0)),
                ("money_price", models.FloatField(default=0)),
                ("weight", models.FloatField(default=1)),
                ("used", models.PositiveIntegerField(default=0)),
                ("spent", models.PositiveBigIntegerField(default=0)),
                ("value", models.BigIntegerField(default=0)),
                ("alone", models.BigIntegerField(default=0)),
                ("meant_bits", models.BinaryField()),
                ("chosen_bits", models.BinaryField(null=True)),
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
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="campaigns.weekplan"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("plan", "place"), name="plan_place_once"),
                    models.UniqueConstraint(fields=("plan", "campaign"), name="plan_campaign_once"),
                    models.CheckConstraint(
                        condition=models.Q(("used__lte", models.F("messages"))), name="plan_within_messages"
                    ),
                ],
            },
        ),
        *fence("campaigns_assignment", "campaigns_campaign", "campaigns_campaignstep", "campaigns_campaignversion"),
        migrations.RunSQL(APPEND_ONLY, GIVE_BACK),
        *fence("campaigns_weekpart"),
    ]
