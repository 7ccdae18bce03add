from django.db import migrations

# A draft may go to a run of another client, which both are told.
ORDERS = """
CREATE FUNCTION orders_orders_are_marked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed('order', array_agg(id), array_agg(client_id)) FROM new_rows;
    RETURN NULL;
END
$$;
CREATE FUNCTION orders_left_orders_are_marked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed('order', array_agg(id), array_agg(client_id)) FROM old_rows;
    RETURN NULL;
END
$$;
CREATE TRIGGER new_orders_are_marked
AFTER INSERT ON orders_order REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION orders_orders_are_marked();
CREATE TRIGGER changed_orders_are_marked
AFTER UPDATE ON orders_order REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION orders_orders_are_marked();
CREATE TRIGGER left_orders_are_marked
AFTER UPDATE ON orders_order REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION orders_left_orders_are_marked();
CREATE TRIGGER deleted_orders_are_marked
AFTER DELETE ON orders_order REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION orders_left_orders_are_marked();
"""
ORDERS_REMOVAL = """
DROP TRIGGER new_orders_are_marked ON orders_order;
DROP TRIGGER changed_orders_are_marked ON orders_order;
DROP TRIGGER left_orders_are_marked ON orders_order;
DROP TRIGGER deleted_orders_are_marked ON orders_order;
DROP FUNCTION orders_orders_are_marked();
DROP FUNCTION orders_left_orders_are_marked();
"""

# An order tells how many devices it has, and lists them.
ALLOCATIONS = """
CREATE FUNCTION orders_allocations_mark_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox_mark_changed(
        'order',
        array_agg(changed.order_id),
        array_agg((SELECT client_id FROM orders_order WHERE id = changed.order_id))
    )
    FROM (SELECT DISTINCT order_id FROM changed_rows) AS changed;
    RETURN NULL;
END
$$;
CREATE TRIGGER allocations_mark_orders_insert
AFTER INSERT ON orders_deviceallocation REFERENCING NEW TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION orders_allocations_mark_orders();
CREATE TRIGGER allocations_mark_orders_update
AFTER UPDATE ON orders_deviceallocation REFERENCING NEW TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION orders_allocations_mark_orders();
CREATE TRIGGER allocations_mark_orders_update_left
AFTER UPDATE ON orders_deviceallocation REFERENCING OLD TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION orders_allocations_mark_orders();
CREATE TRIGGER allocations_mark_orders_delete
AFTER DELETE ON orders_deviceallocation REFERENCING OLD TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION orders_allocations_mark_orders();
"""
ALLOCATIONS_REMOVAL = """
DROP TRIGGER allocations_mark_orders_insert ON orders_deviceallocation;
DROP TRIGGER allocations_mark_orders_update ON orders_deviceallocation;
DROP TRIGGER allocations_mark_orders_update_left ON orders_deviceallocation;
DROP TRIGGER allocations_mark_orders_delete ON orders_deviceallocation;
DROP FUNCTION orders_allocations_mark_orders();
"""

# What an order shows by name. At the end of the transaction, with the orders locked first.
NAMED = """
CREATE FUNCTION orders_mark_orders(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM orders_order WHERE id = ANY(ids) ORDER BY id FOR NO KEY UPDATE;
    PERFORM outbox_mark_changed('order', array_agg(orders_order.id), array_agg(orders_order.client_id))
    FROM orders_order WHERE id = ANY(ids);
END
$$;
CREATE FUNCTION orders_run_marks_its_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM orders_mark_orders(ARRAY(SELECT id FROM orders_order WHERE run_id = NEW.id));
    RETURN NULL;
END
$$;
CREATE FUNCTION orders_client_marks_its_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM orders_mark_orders(ARRAY(SELECT id FROM orders_order WHERE client_id = NEW.id));
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER run_marks_its_orders
AFTER UPDATE ON clients_productionrun DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION orders_run_marks_its_orders();
CREATE CONSTRAINT TRIGGER client_marks_its_orders
AFTER UPDATE ON clients_client DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION orders_client_marks_its_orders();
"""
NAMED_REMOVAL = """
DROP TRIGGER run_marks_its_orders ON clients_productionrun;
DROP TRIGGER client_marks_its_orders ON clients_client;
DROP FUNCTION orders_run_marks_its_orders();
DROP FUNCTION orders_client_marks_its_orders();
DROP FUNCTION orders_mark_orders(bigint[]);
"""


class Migration(migrations.Migration):
    """Whatever changes what is told of an order - its row, its devices - marks it as changed for the clients concerned,
    in the transaction of the change."""

    dependencies = [
        ("orders", "0003_guards"),
        ("outbox", "0002_changed_rows"),
        ("clients", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(ORDERS, reverse_sql=ORDERS_REMOVAL),
        migrations.RunSQL(ALLOCATIONS, reverse_sql=ALLOCATIONS_REMOVAL),
        migrations.RunSQL(NAMED, reverse_sql=NAMED_REMOVAL),
    ]
