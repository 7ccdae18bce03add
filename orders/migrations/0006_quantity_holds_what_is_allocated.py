from django.db import migrations

TRIGGER = """
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
REMOVAL = """
DROP TRIGGER order_quantity_holds_allocations ON orders_order;
DROP FUNCTION orders_quantity_holds_allocations();
"""


class Migration(migrations.Migration):
    """An order is not reduced to fewer devices than it has."""

    dependencies = [("orders", "0005_quantity_and_tenant_guards")]

    operations = [migrations.RunSQL(TRIGGER, reverse_sql=REMOVAL)]
