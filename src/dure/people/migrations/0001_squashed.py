import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dure.people.values

APPEND_ONLY = """
CREATE FUNCTION people_consent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT 1 FROM people_person WHERE id = OLD.person_id AND erased_at IS NOT NULL
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'people_consent is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER people_consent_append_only BEFORE UPDATE OR DELETE ON people_consent
    FOR EACH ROW EXECUTE FUNCTION people_consent_append_only();
CREATE TRIGGER people_consent_no_truncate BEFORE TRUNCATE ON people_consent
    FOR EACH STATEMENT EXECUTE FUNCTION people_consent_append_only();
"""

APPEND_ONLY_UNDONE = """
DROP TRIGGER people_consent_no_truncate ON people_consent;
DROP TRIGGER people_consent_append_only ON people_consent;
DROP FUNCTION people_consent_append_only();
"""

KEEP_STANDING = """
CREATE FUNCTION people_keep_standing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO people_standing (person_id, sender, purpose, granted, consent, at, told_at)
    SELECT DISTINCT ON (person_id, sender, purpose) person_id, sender, purpose, granted, id, at, at
    FROM fresh ORDER BY person_id, sender, purpose, at DESC, id DESC
    ON CONFLICT (sender, purpose, person_id) DO UPDATE
        SET granted = excluded.granted, consent = excluded.consent, at = excluded.at, told_at = excluded.told_at
        WHERE (excluded.at, excluded.consent) > (people_standing.at, people_standing.consent);
    RETURN NULL;
END $$;
CREATE TRIGGER people_keep_standing AFTER INSERT ON people_consent
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION people_keep_standing();
INSERT INTO people_standing (person_id, sender, purpose, granted, consent, at, told_at)
SELECT DISTINCT ON (person_id, sender, purpose) person_id, sender, purpose, granted, id, at, at
FROM people_consent ORDER BY person_id, sender, purpose, at DESC, id DESC;
"""

KEEP_STANDING_UNDONE = """
DROP TRIGGER people_keep_standing ON people_consent;
DROP FUNCTION people_keep_standing();
"""


class Migration(migrations.Migration):
    replaces = [("people", "0001_initial"), ("people", "0002_the_gate"), ("people", "0003_birthday")]

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Retained",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("subjects", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ("kind", models.TextField()),
                ("legal_basis", models.TextField()),
                ("content", models.JSONField()),
                ("kept_at", models.DateTimeField()),
                ("keep_until", models.DateField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("public_id", models.TextField(unique=True)),
                ("ordinal", models.PositiveBigIntegerField(blank=True, null=True, unique=True)),
                ("name", models.TextField(blank=True, default="")),
                ("email", models.EmailField(blank=True, max_length=254, null=True, unique=True)),
                ("phone", models.TextField(blank=True, null=True, unique=True)),
                ("phone_verified", models.BooleanField(default=False)),
                ("language", models.TextField(default="ko")),
                ("is_staff", models.BooleanField(default=False, verbose_name="operator")),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
                ("erased_at", models.DateTimeField(blank=True, null=True)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("email", ""), _negated=True), models.Q(("phone", ""), _negated=True)
                        ),
                        name="person_contact_not_blank",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("erased_at__isnull", True),
                            models.Q(
                                ("email__isnull", True),
                                ("is_active", False),
                                ("is_staff", False),
                                ("name", ""),
                                ("ordinal__isnull", True),
                                ("phone__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="person_erased_is_empty",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sender", models.TextField()),
                (
                    "purpose",
                    models.TextField(
                        choices=[
                            (dure.people.values.Purpose["FRIENDSHIP"], dure.people.values.Purpose["FRIENDSHIP"]),
                            (dure.people.values.Purpose["ADVERTISING"], dure.people.values.Purpose["ADVERTISING"]),
                            (dure.people.values.Purpose["NIGHT"], dure.people.values.Purpose["NIGHT"]),
                            (dure.people.values.Purpose["TASTE"], dure.people.values.Purpose["TASTE"]),
                            (
                                dure.people.values.Purpose["ADVERTISING_PUSH"],
                                dure.people.values.Purpose["ADVERTISING_PUSH"],
                            ),
                            (
                                dure.people.values.Purpose["ADVERTISING_PHONE"],
                                dure.people.values.Purpose["ADVERTISING_PHONE"],
                            ),
                            (
                                dure.people.values.Purpose["ADVERTISING_MAIL"],
                                dure.people.values.Purpose["ADVERTISING_MAIL"],
                            ),
                            (dure.people.values.Purpose["BIRTHDAY"], dure.people.values.Purpose["BIRTHDAY"]),
                        ]
                    ),
                ),
                ("granted", models.BooleanField()),
                ("text_version", models.TextField()),
                ("source", models.TextField()),
                ("proof", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["person", "sender", "purpose", "-at", "-id"], name="consent_newest")],
            },
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret_hash", models.BinaryField(unique=True)),
                ("created_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="devices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            (dure.people.values.NoticeKind["RESULT"], dure.people.values.NoticeKind["RESULT"]),
                            (dure.people.values.NoticeKind["RENEWAL"], dure.people.values.NoticeKind["RENEWAL"]),
                        ]
                    ),
                ),
                ("message", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "consent",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="people.consent",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "result")), fields=("consent",), name="notice_of_result_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SaleContact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sender", models.TextField()),
                ("medium", models.TextField()),
                ("goods", models.TextField()),
                ("ended_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["person"], name="sale_contact_of_person")],
                "constraints": [
                    models.UniqueConstraint(fields=("sender", "person", "medium", "goods"), name="sale_contact_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sender", models.TextField()),
                ("purpose", models.TextField()),
                ("granted", models.BooleanField()),
                ("consent", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("told_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["person"], name="standing_of_person"),
                    models.Index(condition=models.Q(("granted", True)), fields=["told_at"], name="standing_to_tell"),
                ],
                "constraints": [models.UniqueConstraint(fields=("sender", "purpose", "person"), name="standing_once")],
            },
        ),
        migrations.CreateModel(
            name="Attention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("per_day", models.PositiveSmallIntegerField(null=True)),
                ("per_week", models.PositiveSmallIntegerField(null=True)),
                ("quiet_from", models.TimeField(null=True)),
                ("quiet_until", models.TimeField(null=True)),
                ("zone", models.TextField(default="Asia/Seoul")),
                ("changed_at", models.DateTimeField()),
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("quiet_from__isnull", True), ("quiet_until__isnull", True)),
                            models.Q(("quiet_from__isnull", False), ("quiet_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="attention_quiet_has_both_ends",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Birthday",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.PositiveSmallIntegerField()),
                ("day", models.PositiveSmallIntegerField()),
                ("given_at", models.DateTimeField()),
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["month", "day"], name="birthday_on")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("day__range", (1, 31)), ("month__range", (1, 12))), name="birthday_is_a_day"
                    )
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_UNDONE),
        migrations.RunSQL(KEEP_STANDING, KEEP_STANDING_UNDONE),
    ]
