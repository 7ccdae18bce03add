from django.db import migrations

MARK_STORED = "SELECT outbox_mark_changed('order', array_agg(id), array_agg(client_id)) FROM orders_order"


class Migration(migrations.Migration):
    """Who begins to follow orders gets those that were there before they were marked."""

    dependencies = [("orders", "0004_changes_are_marked")]

    operations = [migrations.RunSQL(MARK_STORED, reverse_sql=migrations.RunSQL.noop)]
