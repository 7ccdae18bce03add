from django.db import migrations

# A location is told to the clients of the runs that it serves, and always to staff.
LOCATIONS = """
CREATE FUNCTION locations_locations_are_marked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed('location', array_agg(told.location_id), array_agg(told.client_id))
    FROM (
        SELECT id AS location_id, 0 AS client_id FROM changed_rows
        UNION ALL
        SELECT served.location_id, brand.client_id
        FROM locations_location_runs AS served
        JOIN clients_productionrun AS run ON run.id = served.productionrun_id
        JOIN clients_brand AS brand ON brand.id = run.brand_id
        WHERE served.location_id IN (SELECT id FROM changed_rows)
    ) AS told;
    RETURN NULL;
END
$$;
CREATE TRIGGER new_locations_are_marked
AFTER INSERT ON locations_location REFERENCING NEW TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION locations_locations_are_marked();
CREATE TRIGGER changed_locations_are_marked
AFTER UPDATE ON locations_location REFERENCING NEW TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION locations_locations_are_marked();
CREATE TRIGGER deleted_locations_are_marked
AFTER DELETE ON locations_location REFERENCING OLD TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION locations_locations_are_marked();
"""
LOCATIONS_REMOVAL = """
DROP TRIGGER new_locations_are_marked ON locations_location;
DROP TRIGGER changed_locations_are_marked ON locations_location;
DROP TRIGGER deleted_locations_are_marked ON locations_location;
DROP FUNCTION locations_locations_are_marked();
"""

# A run that begins or ceases to use a location shows or hides it to the run's client; others don't hear of it.
RUNS = """
CREATE FUNCTION locations_runs_mark_locations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed('location', array_agg(told.location_id), array_agg(told.client_id))
    FROM (
        SELECT location_id, 0 AS client_id FROM changed_rows
        UNION ALL
        SELECT changed.location_id, brand.client_id
        FROM changed_rows AS changed
        JOIN clients_productionrun AS run ON run.id = changed.productionrun_id
        JOIN clients_brand AS brand ON brand.id = run.brand_id
    ) AS told;
    RETURN NULL;
END
$$;
CREATE TRIGGER runs_mark_locations_insert
AFTER INSERT ON locations_location_runs REFERENCING NEW TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION locations_runs_mark_locations();
CREATE TRIGGER runs_mark_locations_update
AFTER UPDATE ON locations_location_runs REFERENCING NEW TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION locations_runs_mark_locations();
CREATE TRIGGER runs_mark_locations_update_left
AFTER UPDATE ON locations_location_runs REFERENCING OLD TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION locations_runs_mark_locations();
CREATE TRIGGER runs_mark_locations_delete
AFTER DELETE ON locations_location_runs REFERENCING OLD TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION locations_runs_mark_locations();
"""
RUNS_REMOVAL = """
DROP TRIGGER runs_mark_locations_insert ON locations_location_runs;
DROP TRIGGER runs_mark_locations_update ON locations_location_runs;
DROP TRIGGER runs_mark_locations_update_left ON locations_location_runs;
DROP TRIGGER runs_mark_locations_delete ON locations_location_runs;
DROP FUNCTION locations_runs_mark_locations();
"""

# A location shows its runs by name. At the end of the transaction, with the locations locked first.
NAMED = """
CREATE FUNCTION locations_run_marks_its_locations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM locations_location
    WHERE id IN (SELECT location_id FROM locations_location_runs WHERE productionrun_id = NEW.id)
    ORDER BY id FOR NO KEY UPDATE;
    PERFORM outbox_mark_changed('location', array_agg(served.location_id), array_agg(brand.client_id))
    FROM locations_location_runs AS served
    JOIN clients_brand AS brand ON brand.id = NEW.brand_id
    WHERE served.productionrun_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER run_marks_its_locations
AFTER UPDATE ON clients_productionrun DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION locations_run_marks_its_locations();
"""
NAMED_REMOVAL = """
DROP TRIGGER run_marks_its_locations ON clients_productionrun;
DROP FUNCTION locations_run_marks_its_locations();
"""


class Migration(migrations.Migration):
    """Whatever changes what is told of a location - its row, its fence, the runs that it serves - marks it as changed
    for the clients concerned, in the transaction of the change."""

    dependencies = [
        ("locations", "0004_areas_on_the_globe"),
        ("outbox", "0002_changed_rows"),
        ("clients", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(LOCATIONS, reverse_sql=LOCATIONS_REMOVAL),
        migrations.RunSQL(RUNS, reverse_sql=RUNS_REMOVAL),
        migrations.RunSQL(NAMED, reverse_sql=NAMED_REMOVAL),
    ]
