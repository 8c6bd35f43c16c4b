from django.db import migrations


class Migration(migrations.Migration):
    operations = [
        migrations.RunSQL(
            """
            CREATE UNLOGGED TABLE ui_tries (
                what text NOT NULL, who text NOT NULL, until timestamptz NOT NULL, count integer NOT NULL,
                PRIMARY KEY (what, who)
            )
            """,
            "DROP TABLE ui_tries",
        ),
        # Django's database cache (settings.CACHES), where the login library counts its own tries.
        migrations.RunSQL(
            """
            CREATE UNLOGGED TABLE ui_cache (
                cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL
            );
            CREATE INDEX ui_cache_expires ON ui_cache (expires);
            """,
            "DROP TABLE ui_cache",
        ),
    ]
