from django.db import migrations

BELONGS_TO_ITS_ASSIGNMENT = """
ALTER TABLE trackers_statuschange
ADD CONSTRAINT status_change_in_assignment_of_its_tracker
FOREIGN KEY (assignment_id, tracker_id) REFERENCES trackers_assignment (id, tracker_id);
ALTER TABLE trackers_geofenceevent
ADD CONSTRAINT event_in_assignment_of_its_tracker
FOREIGN KEY (assignment_id, tracker_id) REFERENCES trackers_assignment (id, tracker_id);
"""
BELONGS_TO_ITS_ASSIGNMENT_REMOVAL = """
ALTER TABLE trackers_statuschange DROP CONSTRAINT status_change_in_assignment_of_its_tracker;
ALTER TABLE trackers_geofenceevent DROP CONSTRAINT event_in_assignment_of_its_tracker;
"""

CAUSED_ITS_STATUS_CHANGE = """
ALTER TABLE trackers_geofenceevent
ADD CONSTRAINT event_caused_its_status_change
FOREIGN KEY (status_change_id, tracker_id, occurred_at)
REFERENCES trackers_statuschange (id, tracker_id, started_at);
"""
CAUSED_ITS_STATUS_CHANGE_REMOVAL = (
    "ALTER TABLE trackers_geofenceevent DROP CONSTRAINT event_caused_its_status_change"
)

# Old events go in batches: vacuum soon, so that new ones take their place and the table does not grow.
VACUUM_SOON = "ALTER TABLE trackers_geofenceevent SET (autovacuum_vacuum_scale_factor = 0.02)"
VACUUM_AS_USUAL = "ALTER TABLE trackers_geofenceevent RESET (autovacuum_vacuum_scale_factor)"


class Migration(migrations.Migration):
    """Composite foreign keys tie history and events to an assignment of the same tracker, and an ENTRY or EXIT to a
    status change of the same tracker, begun at the same moment."""

    dependencies = [("trackers", "0002_audit")]

    operations = [
        migrations.RunSQL(BELONGS_TO_ITS_ASSIGNMENT, reverse_sql=BELONGS_TO_ITS_ASSIGNMENT_REMOVAL),
        migrations.RunSQL(CAUSED_ITS_STATUS_CHANGE, reverse_sql=CAUSED_ITS_STATUS_CHANGE_REMOVAL),
        migrations.RunSQL(VACUUM_SOON, reverse_sql=VACUUM_AS_USUAL),
    ]
