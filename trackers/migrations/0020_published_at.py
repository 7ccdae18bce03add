"""The gateway no longer says when a phone uploaded a report, so that the column stayed empty."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("trackers", "0019_labels")]

    operations = [migrations.RemoveField(model_name="locationreport", name="published_at")]
