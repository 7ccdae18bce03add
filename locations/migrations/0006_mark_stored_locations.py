from django.db import migrations

MARK_STORED = """
SELECT outbox_mark_changed('location', array_agg(told.location_id), array_agg(told.client_id))
FROM (
    SELECT id AS location_id, 0 AS client_id FROM locations_location
    UNION ALL
    SELECT served.location_id, brand.client_id
    FROM locations_location_runs AS served
    JOIN clients_productionrun AS run ON run.id = served.productionrun_id
    JOIN clients_brand AS brand ON brand.id = run.brand_id
) AS told
"""


class Migration(migrations.Migration):
    """Who begins to follow locations gets those that were there before they were marked."""

    dependencies = [("locations", "0005_changes_are_marked")]

    operations = [migrations.RunSQL(MARK_STORED, reverse_sql=migrations.RunSQL.noop)]
