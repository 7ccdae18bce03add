from django.db import migrations

# An alert is its assignment's client's; a site outage is for staff alone.
ALERTS = """
CREATE FUNCTION trackers_alerts_are_marked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed(
        'alert',
        array_agg(changed.id),
        array_agg((
            SELECT brand.client_id
            FROM trackers_assignment AS assignment
            JOIN clients_productionrun AS run ON run.id = assignment.run_id
            JOIN clients_brand AS brand ON brand.id = run.brand_id
            WHERE assignment.id = changed.assignment_id
        ))
    )
    FROM new_rows AS changed;
    RETURN NULL;
END
$$;
CREATE TRIGGER new_alerts_are_marked
AFTER INSERT ON trackers_alert REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_alerts_are_marked();
CREATE TRIGGER changed_alerts_are_marked
AFTER UPDATE ON trackers_alert REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_alerts_are_marked();
"""
ALERTS_REMOVAL = """
DROP TRIGGER new_alerts_are_marked ON trackers_alert;
DROP TRIGGER changed_alerts_are_marked ON trackers_alert;
DROP FUNCTION trackers_alerts_are_marked();
"""

# What an alert shows by name. At the end of the transaction, with the alerts locked first, as for trackers.
NAMED = """
CREATE FUNCTION trackers_mark_alerts(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM trackers_alert WHERE id = ANY(ids) ORDER BY id FOR NO KEY UPDATE;
    PERFORM outbox_mark_changed('alert', array_agg(alert.id), array_agg(brand.client_id))
    FROM trackers_alert AS alert
    LEFT JOIN trackers_assignment AS assignment ON assignment.id = alert.assignment_id
    LEFT JOIN clients_productionrun AS run ON run.id = assignment.run_id
    LEFT JOIN clients_brand AS brand ON brand.id = run.brand_id
    WHERE alert.id = ANY(ids);
END
$$;
CREATE FUNCTION trackers_run_marks_its_alerts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM trackers_mark_alerts(ARRAY(
        SELECT alert.id
        FROM trackers_alert AS alert
        JOIN trackers_assignment AS assignment ON assignment.id = alert.assignment_id
        WHERE assignment.run_id = NEW.id
    ));
    RETURN NULL;
END
$$;
CREATE FUNCTION trackers_location_marks_its_alerts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM trackers_mark_alerts(ARRAY(SELECT id FROM trackers_alert WHERE location_id = NEW.id));
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER run_marks_its_alerts
AFTER UPDATE ON clients_productionrun DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION trackers_run_marks_its_alerts();
CREATE CONSTRAINT TRIGGER location_marks_its_alerts
AFTER UPDATE ON locations_location DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN ((OLD.name, OLD.kind) IS DISTINCT FROM (NEW.name, NEW.kind))
EXECUTE FUNCTION trackers_location_marks_its_alerts();
"""
NAMED_REMOVAL = """
DROP TRIGGER run_marks_its_alerts ON clients_productionrun;
DROP TRIGGER location_marks_its_alerts ON locations_location;
DROP FUNCTION trackers_run_marks_its_alerts();
DROP FUNCTION trackers_location_marks_its_alerts();
DROP FUNCTION trackers_mark_alerts(bigint[]);
"""


class Migration(migrations.Migration):
    """Whatever changes what is told of an alert marks it as changed for its client."""

    dependencies = [
        ("trackers", "0006_mark_stored_trackers"),
        ("outbox", "0002_changed_rows"),
        ("locations", "0001_initial"),
        ("clients", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(ALERTS, reverse_sql=ALERTS_REMOVAL),
        migrations.RunSQL(NAMED, reverse_sql=NAMED_REMOVAL),
    ]
