from django.db import migrations

# Each client's of today and of before; staff's where there is none.
MARK_STORED = """
SELECT outbox_mark_changed('tracker', array_agg(tracker.id), array_agg(brand.client_id))
FROM trackers_tracker AS tracker
LEFT JOIN trackers_assignment AS assignment ON assignment.tracker_id = tracker.id
LEFT JOIN clients_productionrun AS run ON run.id = assignment.run_id
LEFT JOIN clients_brand AS brand ON brand.id = run.brand_id
"""


class Migration(migrations.Migration):
    """Who begins to follow trackers gets those that were there before they were marked."""

    dependencies = [("trackers", "0005_changes_are_marked")]

    operations = [migrations.RunSQL(MARK_STORED, reverse_sql=migrations.RunSQL.noop)]
