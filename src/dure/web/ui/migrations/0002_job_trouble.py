from django.db import migrations


class Migration(migrations.Migration):
    """Why a job failed the last time, by kind and place (kit.jobs); it goes with its job."""

    dependencies = [("ui", "0001_initial"), ("procrastinate", "0041_post_retry_failed_job")]

    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE job_trouble (
                job_id bigint PRIMARY KEY REFERENCES procrastinate_jobs (id) ON DELETE CASCADE,
                what text NOT NULL, at timestamptz NOT NULL
            )
            """,
            "DROP TABLE job_trouble",
        ),
    ]
