from django.db import migrations, models

IN_ORDER = """
ALTER TABLE outbox_changedrow
    ADD COLUMN txid xid8 NOT NULL,
    ADD CONSTRAINT changed_row_client_not_negative CHECK (client_id >= 0);
-- The reader of all rows of a kind, and the readers of a client's.
CREATE INDEX outbox_changedrow_in_order ON outbox_changedrow (kind, txid, row_id);
CREATE INDEX outbox_changedrow_of_client_in_order ON outbox_changedrow (kind, client_id, txid, row_id);
-- A row moves each time that what it stands for changes: vacuum soon, so that the table stays small.
ALTER TABLE outbox_changedrow SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
"""

# Called by the triggers of the apps above. Rows that this transaction has marked already cost a look; the others are
# written in the order of their key. No client, or 0, stands for staff alone.
MARK_CHANGED = """
CREATE FUNCTION outbox_mark_changed(of_kind text, row_ids bigint[], client_ids bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF row_ids IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO outbox_changedrow (kind, row_id, client_id, txid)
    SELECT DISTINCT of_kind, told.row_id, coalesce(told.client_id, 0), pg_current_xact_id()
    FROM unnest(row_ids, client_ids) AS told (row_id, client_id)
    WHERE NOT EXISTS (
        SELECT
        FROM outbox_changedrow AS marked
        WHERE marked.kind = of_kind
            AND marked.row_id = told.row_id
            AND marked.client_id = coalesce(told.client_id, 0)
            AND marked.txid = pg_current_xact_id()
    )
    ORDER BY 2, 3
    ON CONFLICT (kind, row_id, client_id) DO UPDATE SET txid = excluded.txid;
END
$$;
"""


class Migration(migrations.Migration):
    """When each row that can be followed last changed, for each client that sees it or saw it."""

    dependencies = [("outbox", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="ChangedRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "kind", "row_id", "client_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("tracker", "Tracker"),
                            ("order", "Order"),
                            ("location", "Location"),
                            ("alert", "Alert"),
                        ],
                        db_collation="C",
                        max_length=10,
                    ),
                ),
                ("row_id", models.BigIntegerField()),
                ("client_id", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(IN_ORDER, reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(
            MARK_CHANGED, reverse_sql="DROP FUNCTION outbox_mark_changed(text, bigint[], bigint[])"
        ),
    ]
