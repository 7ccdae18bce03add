"""A fetch that brought nothing new is empty: silent is a tracker that has not reported for longer than usual."""

from django.db import migrations, models
from django.db.models import F


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0002_labels")]

    operations = [
        migrations.RemoveConstraint("fetchtally", "fetch_tally_attempts_cover_outcomes"),
        migrations.RenameField("fetchtally", "silences", "empty_fetches"),
        migrations.RenameField("fetchstate", "consecutive_silences", "consecutive_empty_fetches"),
        migrations.AddConstraint(
            "fetchtally",
            models.CheckConstraint(
                condition=models.Q(attempts__gte=F("failures") + F("empty_fetches")),
                name="fetch_tally_attempts_cover_outcomes",
            ),
        ),
    ]
