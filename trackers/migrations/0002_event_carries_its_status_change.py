from django.db import migrations


class Migration(migrations.Migration):
    """An ENTRY or EXIT refers to a status change of the same tracker, begun at the same moment."""

    dependencies = [("trackers", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            ALTER TABLE trackers_geofenceevent
            ADD CONSTRAINT event_caused_its_status_change
            FOREIGN KEY (status_change_id, tracker_id, occurred_at)
            REFERENCES trackers_statuschange (id, tracker_id, started_at)
            """,
            reverse_sql="ALTER TABLE trackers_geofenceevent DROP CONSTRAINT event_caused_its_status_change",
        )
    ]
