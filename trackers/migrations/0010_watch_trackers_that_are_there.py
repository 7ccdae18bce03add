"""Trackers that had an assignment before there were alerts are looked at, their whole history, within a day."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("trackers", "0009_alerts")]

    operations = [
        migrations.RunSQL(
            """
            INSERT INTO trackers_alertwatch (tracker_id, changed_since, due_at)
            SELECT id, '0001-01-02 00:00:00+00', now() + random() * interval '1 day'
            FROM trackers_tracker
            WHERE latest_assignment_id IS NOT NULL
            ON CONFLICT DO NOTHING
            """,
            migrations.RunSQL.noop,
        )
    ]
