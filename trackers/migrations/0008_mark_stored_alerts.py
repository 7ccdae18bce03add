from django.db import migrations

MARK_STORED = """
SELECT outbox_mark_changed('alert', array_agg(alert.id), array_agg(brand.client_id))
FROM trackers_alert AS alert
LEFT JOIN trackers_assignment AS assignment ON assignment.id = alert.assignment_id
LEFT JOIN clients_productionrun AS run ON run.id = assignment.run_id
LEFT JOIN clients_brand AS brand ON brand.id = run.brand_id
"""


class Migration(migrations.Migration):
    """Who begins to follow alerts gets those that were there before they were marked."""

    dependencies = [("trackers", "0007_alerts_are_marked")]

    operations = [migrations.RunSQL(MARK_STORED, reverse_sql=migrations.RunSQL.noop)]
