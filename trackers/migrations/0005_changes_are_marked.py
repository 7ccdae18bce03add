from django.db import migrations

# Who is told of a tracker: the client of the assignment that a row belongs to. A report belongs to the assignment that
# was in force when it was seen; one that none covers is for staff alone. Clients are looked up row by row, and rows
# are told apart by sets: no plan of these statements, which is kept for the session, suits only few rows or only many.
REPORTS = """
CREATE FUNCTION trackers_reports_mark_trackers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed('tracker', array_agg(every.tracker_id), array_agg(every.client_id))
    FROM (
        WITH touched AS MATERIALIZED (
            SELECT tracker_id, min(seen_at) AS first_at, max(seen_at) AS last_at FROM new_rows GROUP BY tracker_id
        ),
        told AS MATERIALIZED (
            SELECT
                touched.tracker_id,
                (
                    SELECT brand.client_id
                    FROM clients_productionrun AS run
                    JOIN clients_brand AS brand ON brand.id = run.brand_id
                    WHERE run.id = assignment.run_id
                ) AS client_id
            FROM touched
            CROSS JOIN LATERAL (
                SELECT run_id, period
                FROM trackers_assignment
                WHERE tracker_id = touched.tracker_id
                    AND period && tstzrange(touched.first_at, touched.last_at, '[]')
                OFFSET 0
            ) AS assignment
            WHERE assignment.period @> touched.first_at
                OR assignment.period @> touched.last_at
                OR EXISTS (
                    SELECT FROM new_rows AS report
                    WHERE report.tracker_id = touched.tracker_id AND assignment.period @> report.seen_at
                )
        )
        SELECT tracker_id, client_id FROM told
        UNION ALL
        SELECT tracker_id, 0 FROM touched WHERE tracker_id NOT IN (SELECT tracker_id FROM told)
    ) AS every;
    RETURN NULL;
END
$$;
CREATE TRIGGER reports_mark_trackers_insert
AFTER INSERT ON trackers_locationreport REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_reports_mark_trackers();
CREATE TRIGGER reports_mark_trackers_update
AFTER UPDATE ON trackers_locationreport REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_reports_mark_trackers();
"""
REPORTS_REMOVAL = """
DROP TRIGGER reports_mark_trackers_insert ON trackers_locationreport;
DROP TRIGGER reports_mark_trackers_update ON trackers_locationreport;
DROP FUNCTION trackers_reports_mark_trackers();
"""

# Rows are retracted rather than deleted. What goes when its time is over (DWELL and TRANSIT of dropped months, and the
# reports themselves) is no change: nobody has to forget it.
HISTORY = """
CREATE FUNCTION trackers_history_marks_trackers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed(
        'tracker',
        array_agg(changed.tracker_id),
        array_agg((
            SELECT brand.client_id
            FROM trackers_assignment AS assignment
            JOIN clients_productionrun AS run ON run.id = assignment.run_id
            JOIN clients_brand AS brand ON brand.id = run.brand_id
            WHERE assignment.id = changed.assignment_id
        ))
    )
    FROM (SELECT DISTINCT tracker_id, assignment_id FROM new_rows) AS changed;
    RETURN NULL;
END
$$;
CREATE TRIGGER events_mark_trackers_insert
AFTER INSERT ON trackers_geofenceevent REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_history_marks_trackers();
CREATE TRIGGER events_mark_trackers_update
AFTER UPDATE ON trackers_geofenceevent REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_history_marks_trackers();
CREATE TRIGGER status_changes_mark_trackers_insert
AFTER INSERT ON trackers_statuschange REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_history_marks_trackers();
CREATE TRIGGER status_changes_mark_trackers_update
AFTER UPDATE ON trackers_statuschange REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_history_marks_trackers();
"""
HISTORY_REMOVAL = """
DROP TRIGGER events_mark_trackers_insert ON trackers_geofenceevent;
DROP TRIGGER events_mark_trackers_update ON trackers_geofenceevent;
DROP TRIGGER status_changes_mark_trackers_insert ON trackers_statuschange;
DROP TRIGGER status_changes_mark_trackers_update ON trackers_statuschange;
DROP FUNCTION trackers_history_marks_trackers();
"""

# An assignment decides which reports a client sees, so its beginning, its end and its move tell both clients.
ASSIGNMENTS = """
CREATE FUNCTION trackers_assignments_mark_trackers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed(
        'tracker',
        array_agg(changed.tracker_id),
        array_agg((
            SELECT brand.client_id
            FROM clients_productionrun AS run
            JOIN clients_brand AS brand ON brand.id = run.brand_id
            WHERE run.id = changed.run_id
        ))
    )
    FROM new_rows AS changed;
    RETURN NULL;
END
$$;
CREATE FUNCTION trackers_left_assignments_mark_trackers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed(
        'tracker',
        array_agg(changed.tracker_id),
        array_agg((
            SELECT brand.client_id
            FROM clients_productionrun AS run
            JOIN clients_brand AS brand ON brand.id = run.brand_id
            WHERE run.id = changed.run_id
        ))
    )
    FROM old_rows AS changed;
    RETURN NULL;
END
$$;
CREATE TRIGGER assignments_mark_trackers_insert
AFTER INSERT ON trackers_assignment REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_assignments_mark_trackers();
CREATE TRIGGER assignments_mark_trackers_update
AFTER UPDATE ON trackers_assignment REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_assignments_mark_trackers();
CREATE TRIGGER assignments_mark_trackers_update_left
AFTER UPDATE ON trackers_assignment REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_left_assignments_mark_trackers();
CREATE TRIGGER assignments_mark_trackers_delete
AFTER DELETE ON trackers_assignment REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_left_assignments_mark_trackers();
"""
ASSIGNMENTS_REMOVAL = """
DROP TRIGGER assignments_mark_trackers_insert ON trackers_assignment;
DROP TRIGGER assignments_mark_trackers_update ON trackers_assignment;
DROP TRIGGER assignments_mark_trackers_update_left ON trackers_assignment;
DROP TRIGGER assignments_mark_trackers_delete ON trackers_assignment;
DROP FUNCTION trackers_assignments_mark_trackers();
DROP FUNCTION trackers_left_assignments_mark_trackers();
"""

# All columns but those that nobody is shown: when it was verified, and that its nearest place is to be found. Positions
# are compared by their bytes: PostGIS calls those equal that are nearly so. A tracker that went to another assignment
# is told to the client of the one before as well.
TRACKERS = """
CREATE FUNCTION trackers_new_trackers_are_marked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed(
        'tracker',
        array_agg(added.id),
        array_agg((
            SELECT brand.client_id
            FROM trackers_assignment AS assignment
            JOIN clients_productionrun AS run ON run.id = assignment.run_id
            JOIN clients_brand AS brand ON brand.id = run.brand_id
            WHERE assignment.id = added.latest_assignment_id
        ))
    )
    FROM new_rows AS added;
    RETURN NULL;
END
$$;
CREATE FUNCTION trackers_changed_trackers_are_marked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed(
        'tracker',
        array_agg(told.id),
        array_agg((
            SELECT brand.client_id
            FROM trackers_assignment AS assignment
            JOIN clients_productionrun AS run ON run.id = assignment.run_id
            JOIN clients_brand AS brand ON brand.id = run.brand_id
            WHERE assignment.id = told.latest_assignment_id
        ))
    )
    FROM (
        SELECT id, latest_assignment_id
        FROM (
            SELECT
                id, latest_assignment_id, mac, serial, firmware, hardware_revision, manufactured_at, state, status,
                status_since, location_id, last_seen_at, last_received_at, last_position::bytea, last_accuracy_m, near_id,
                near_m, battery, created_at, updated_at
            FROM new_rows
            EXCEPT
            SELECT
                id, latest_assignment_id, mac, serial, firmware, hardware_revision, manufactured_at, state, status,
                status_since, location_id, last_seen_at, last_received_at, last_position::bytea, last_accuracy_m, near_id,
                near_m, battery, created_at, updated_at
            FROM old_rows
        ) AS changed
        UNION ALL
        (SELECT id, latest_assignment_id FROM old_rows EXCEPT SELECT id, latest_assignment_id FROM new_rows)
    ) AS told;
    RETURN NULL;
END
$$;
CREATE TRIGGER new_trackers_are_marked
AFTER INSERT ON trackers_tracker REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_new_trackers_are_marked();
CREATE TRIGGER changed_trackers_are_marked
AFTER UPDATE ON trackers_tracker REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION trackers_changed_trackers_are_marked();
"""
TRACKERS_REMOVAL = """
DROP TRIGGER new_trackers_are_marked ON trackers_tracker;
DROP TRIGGER changed_trackers_are_marked ON trackers_tracker;
DROP FUNCTION trackers_new_trackers_are_marked();
DROP FUNCTION trackers_changed_trackers_are_marked();
"""

# A run rules which reports count, and a tracker's row shows its run, brand, client and location by name. At the end of
# the transaction: a change that is only tried holds up nobody who records reports. Trackers are locked first, as by
# everybody who changes them.
NAMED = """
CREATE FUNCTION trackers_mark_trackers_of_runs(run_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM trackers_tracker
    WHERE id IN (SELECT tracker_id FROM trackers_assignment WHERE run_id = ANY(run_ids))
    ORDER BY id FOR NO KEY UPDATE;
    PERFORM outbox_mark_changed('tracker', array_agg(assignment.tracker_id), array_agg(brand.client_id))
    FROM trackers_assignment AS assignment
    JOIN clients_productionrun AS run ON run.id = assignment.run_id
    JOIN clients_brand AS brand ON brand.id = run.brand_id
    WHERE assignment.run_id = ANY(run_ids);
END
$$;
CREATE FUNCTION trackers_run_marks_its_trackers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM trackers_mark_trackers_of_runs(ARRAY[NEW.id]);
    RETURN NULL;
END
$$;
CREATE FUNCTION trackers_brand_marks_its_trackers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM trackers_mark_trackers_of_runs(ARRAY(SELECT id FROM clients_productionrun WHERE brand_id = NEW.id));
    RETURN NULL;
END
$$;
CREATE FUNCTION trackers_client_marks_its_trackers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM trackers_mark_trackers_of_runs(ARRAY(
        SELECT run.id
        FROM clients_productionrun AS run
        JOIN clients_brand AS brand ON brand.id = run.brand_id
        WHERE brand.client_id = NEW.id
    ));
    RETURN NULL;
END
$$;
CREATE FUNCTION trackers_location_marks_trackers_there() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM trackers_tracker WHERE location_id = NEW.id ORDER BY id FOR NO KEY UPDATE;
    PERFORM outbox_mark_changed('tracker', array_agg(tracker.id), array_agg(brand.client_id))
    FROM trackers_tracker AS tracker
    LEFT JOIN trackers_assignment AS assignment ON assignment.id = tracker.latest_assignment_id
    LEFT JOIN clients_productionrun AS run ON run.id = assignment.run_id
    LEFT JOIN clients_brand AS brand ON brand.id = run.brand_id
    WHERE tracker.location_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER run_marks_its_trackers
AFTER UPDATE ON clients_productionrun DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION trackers_run_marks_its_trackers();
CREATE CONSTRAINT TRIGGER brand_marks_its_trackers
AFTER UPDATE ON clients_brand DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION trackers_brand_marks_its_trackers();
CREATE CONSTRAINT TRIGGER client_marks_its_trackers
AFTER UPDATE ON clients_client DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION trackers_client_marks_its_trackers();
CREATE CONSTRAINT TRIGGER location_marks_trackers_there
AFTER UPDATE ON locations_location DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN ((OLD.name, OLD.kind) IS DISTINCT FROM (NEW.name, NEW.kind))
EXECUTE FUNCTION trackers_location_marks_trackers_there();
"""
NAMED_REMOVAL = """
DROP TRIGGER run_marks_its_trackers ON clients_productionrun;
DROP TRIGGER brand_marks_its_trackers ON clients_brand;
DROP TRIGGER client_marks_its_trackers ON clients_client;
DROP TRIGGER location_marks_trackers_there ON locations_location;
DROP FUNCTION trackers_run_marks_its_trackers();
DROP FUNCTION trackers_brand_marks_its_trackers();
DROP FUNCTION trackers_client_marks_its_trackers();
DROP FUNCTION trackers_location_marks_trackers_there();
DROP FUNCTION trackers_mark_trackers_of_runs(bigint[]);
"""


class Migration(migrations.Migration):
    """Whatever changes what is told of a tracker - its row, its reports, its history, its assignments - marks it as
    changed for the clients concerned, in the transaction of the change."""

    dependencies = [
        ("trackers", "0004_macs_are_those_of_devices"),
        ("outbox", "0002_changed_rows"),
        ("locations", "0001_initial"),
        ("clients", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(REPORTS, reverse_sql=REPORTS_REMOVAL),
        migrations.RunSQL(HISTORY, reverse_sql=HISTORY_REMOVAL),
        migrations.RunSQL(ASSIGNMENTS, reverse_sql=ASSIGNMENTS_REMOVAL),
        migrations.RunSQL(TRACKERS, reverse_sql=TRACKERS_REMOVAL),
        migrations.RunSQL(NAMED, reverse_sql=NAMED_REMOVAL),
    ]
