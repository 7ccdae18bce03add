from django.db import migrations

TRIGGER = """
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
REMOVAL = """
DROP TRIGGER order_run_is_the_clients_own ON orders_order;
DROP FUNCTION orders_run_is_the_clients_own();
"""


class Migration(migrations.Migration):
    """An order's run belongs to its client: no foreign key can say it, since the brand stands between them."""

    dependencies = [("orders", "0001_initial")]

    operations = [migrations.RunSQL(TRIGGER, reverse_sql=REMOVAL)]
