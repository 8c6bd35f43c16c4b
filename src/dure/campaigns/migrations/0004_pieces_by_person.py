from django.db import migrations, models


class Migration(migrations.Migration):
    """Scores live for a week and are made anew: pieces from before are dropped with their plans."""

    dependencies = [("campaigns", "0003_week")]

    operations = [
        migrations.RunSQL("DELETE FROM campaigns_weekpiece", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="weekpiece", name="low_person", field=models.PositiveBigIntegerField(), preserve_default=False
        ),
        migrations.AddField(
            model_name="weekpiece", name="high_person", field=models.PositiveBigIntegerField(), preserve_default=False
        ),
    ]
