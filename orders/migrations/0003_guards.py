from django.db import migrations

RUN_IS_THE_CLIENTS_OWN = """
CREATE FUNCTION orders_run_is_the_clients_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM clients_productionrun run JOIN clients_brand brand ON brand.id = run.brand_id
        WHERE run.id = NEW.run_id AND brand.client_id = NEW.client_id
    ) THEN
        RAISE EXCEPTION 'the production run % is not of client %', NEW.run_id, NEW.client_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'order_run_is_the_clients_own';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER order_run_is_the_clients_own
BEFORE INSERT OR UPDATE OF client_id, run_id ON orders_order
FOR EACH ROW EXECUTE FUNCTION orders_run_is_the_clients_own();
"""
RUN_IS_THE_CLIENTS_OWN_REMOVAL = """
DROP TRIGGER order_run_is_the_clients_own ON orders_order;
DROP FUNCTION orders_run_is_the_clients_own();
"""

WITHIN_QUANTITY = """
CREATE FUNCTION orders_allocations_within_quantity() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    exceeded bigint;
BEGIN
    SELECT ordered.id INTO exceeded
    FROM orders_order AS ordered
    WHERE ordered.id IN (SELECT order_id FROM added)
        AND ordered.quantity < (
            SELECT count(*) FROM orders_deviceallocation AS allocation
            WHERE allocation.order_id = ordered.id AND allocation.released_at IS NULL
        )
    LIMIT 1;
    IF exceeded IS NOT NULL THEN
        RAISE EXCEPTION 'order % would have more devices than were ordered', exceeded
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_within_quantity';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER allocation_within_quantity
AFTER INSERT ON orders_deviceallocation
REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION orders_allocations_within_quantity();
"""
WITHIN_QUANTITY_REMOVAL = """
DROP TRIGGER allocation_within_quantity ON orders_deviceallocation;
DROP FUNCTION orders_allocations_within_quantity();
"""

QUANTITY_HOLDS_ALLOCATIONS = """
CREATE FUNCTION orders_quantity_holds_allocations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.quantity < (
        SELECT count(*) FROM orders_deviceallocation WHERE order_id = NEW.id AND released_at IS NULL
    ) THEN
        RAISE EXCEPTION 'order % has more devices than %', NEW.id, NEW.quantity
            USING ERRCODE = 'check_violation', CONSTRAINT = 'order_quantity_holds_allocations';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER order_quantity_holds_allocations
BEFORE UPDATE OF quantity ON orders_order
FOR EACH ROW WHEN (NEW.quantity < OLD.quantity)
EXECUTE FUNCTION orders_quantity_holds_allocations();
"""
QUANTITY_HOLDS_ALLOCATIONS_REMOVAL = """
DROP TRIGGER order_quantity_holds_allocations ON orders_order;
DROP FUNCTION orders_quantity_holds_allocations();
"""

STAYS_WITH_CLIENT = """
CREATE FUNCTION orders_brand_stays_with_client() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM clients_productionrun AS run
        WHERE run.brand_id = NEW.id AND (
            EXISTS (SELECT FROM orders_order WHERE run_id = run.id)
            OR EXISTS (SELECT FROM trackers_assignment WHERE run_id = run.id)
        )
    ) THEN
        RAISE EXCEPTION 'brand % has orders or trackers: it stays with its client', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'brand_stays_with_its_client';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER brand_stays_with_its_client
BEFORE UPDATE OF client_id ON clients_brand
FOR EACH ROW WHEN (OLD.client_id IS DISTINCT FROM NEW.client_id)
EXECUTE FUNCTION orders_brand_stays_with_client();

CREATE FUNCTION orders_run_stays_with_client() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT client_id FROM clients_brand WHERE id = OLD.brand_id)
            IS DISTINCT FROM (SELECT client_id FROM clients_brand WHERE id = NEW.brand_id)
        AND (
            EXISTS (SELECT FROM orders_order WHERE run_id = NEW.id)
            OR EXISTS (SELECT FROM trackers_assignment WHERE run_id = NEW.id)
        )
    THEN
        RAISE EXCEPTION 'production run % has orders or trackers: it stays with its client', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'run_stays_with_its_client';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER run_stays_with_its_client
BEFORE UPDATE OF brand_id ON clients_productionrun
FOR EACH ROW WHEN (OLD.brand_id IS DISTINCT FROM NEW.brand_id)
EXECUTE FUNCTION orders_run_stays_with_client();
"""
STAYS_WITH_CLIENT_REMOVAL = """
DROP TRIGGER run_stays_with_its_client ON clients_productionrun;
DROP FUNCTION orders_run_stays_with_client();
DROP TRIGGER brand_stays_with_its_client ON clients_brand;
DROP FUNCTION orders_brand_stays_with_client();
"""


class Migration(migrations.Migration):
    """What no constraint can say, since it goes over several tables: an order's run is its client's own; an order has no
    more devices than were ordered, and is not reduced to fewer than it has; a brand or run with orders or trackers
    stays with its client, since all that those trackers ever reported would move with it."""

    dependencies = [
        ("orders", "0002_audit"),
        ("clients", "0001_initial"),
        ("trackers", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(RUN_IS_THE_CLIENTS_OWN, reverse_sql=RUN_IS_THE_CLIENTS_OWN_REMOVAL),
        migrations.RunSQL(WITHIN_QUANTITY, reverse_sql=WITHIN_QUANTITY_REMOVAL),
        migrations.RunSQL(QUANTITY_HOLDS_ALLOCATIONS, reverse_sql=QUANTITY_HOLDS_ALLOCATIONS_REMOVAL),
        migrations.RunSQL(STAYS_WITH_CLIENT, reverse_sql=STAYS_WITH_CLIENT_REMOVAL),
    ]
