import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Tables, their constraints and indexes."""

    initial = True

    dependencies = [
        ("clients", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("trackers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeviceAllocation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("allocated_at", models.DateTimeField()),
                ("released_at", models.DateTimeField(blank=True, null=True)),
                (
                    "allocated_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tracker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="trackers.tracker",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quantity", models.PositiveIntegerField()),
                (
                    "reference",
                    models.CharField(
                        blank=True,
                        help_text="The client's own, say a purchase order; each once, except for cancelled orders.",
                        max_length=100,
                    ),
                ),
                ("wanted_by", models.DateField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("DRAFT", "Draft"),
                            ("PLACED", "Placed"),
                            ("ALLOCATED", "Allocated"),
                            ("SHIPPED", "Shipped"),
                            ("FULFILLED", "Fulfilled"),
                            ("CANCELLED", "Cancelled"),
                        ],
                        default="DRAFT",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("placed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("shipped_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="clients.client",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="clients.productionrun",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="deviceallocation",
            name="order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="allocations", to="orders.order"
            ),
        ),
        migrations.CreateModel(
            name="OrderTransition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "from_state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("DRAFT", "Draft"),
                            ("PLACED", "Placed"),
                            ("ALLOCATED", "Allocated"),
                            ("SHIPPED", "Shipped"),
                            ("FULFILLED", "Fulfilled"),
                            ("CANCELLED", "Cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "to_state",
                    models.CharField(
                        choices=[
                            ("DRAFT", "Draft"),
                            ("PLACED", "Placed"),
                            ("ALLOCATED", "Allocated"),
                            ("SHIPPED", "Shipped"),
                            ("FULFILLED", "Fulfilled"),
                            ("CANCELLED", "Cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transitions",
                        to="orders.order",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(condition=models.Q(("state", "PLACED")), fields=["id"], name="order_placed"),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 1)), name="order_quantity_at_least_1"
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__lte", 20000)), name="order_quantity_at_most_20000"
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("reference", ""), _negated=True),
                    models.Q(("state", "CANCELLED"), _negated=True),
                ),
                fields=("client", "reference"),
                name="order_reference_once_per_client",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["DRAFT", "CANCELLED"]), ("placed_at__isnull", False), _connector="OR"
                ),
                name="order_placed_at_once_placed",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["SHIPPED", "FULFILLED"]), _negated=True),
                    ("shipped_at__isnull", False),
                    _connector="OR",
                ),
                name="order_shipped_at_once_shipped",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="order",
            trigger=pgtrigger.compiler.Trigger(
                name="order_state_goes_its_way",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{DRAFT:PLACED,DRAFT:CANCELLED,PLACED:ALLOCATED,PLACED:CANCELLED,ALLOCATED:PLACED,ALLOCATED:SHIPPED,ALLOCATED:CANCELLED,SHIPPED:FULFILLED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="03335a1a278082f95eaf633ae47d2c092d49e18d",
                    operation="UPDATE",
                    pgid="pgtrigger_order_state_goes_its_way_407f6",
                    table="orders_order",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="deviceallocation",
            index=models.Index(
                condition=models.Q(("released_at", None)),
                fields=["order", "id"],
                name="allocation_open_of_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="deviceallocation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("released_at", None)),
                fields=("tracker",),
                name="allocation_one_open_per_tracker",
            ),
        ),
        migrations.AddConstraint(
            model_name="deviceallocation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("released_at", None), ("released_at__gte", models.F("allocated_at")), _connector="OR"
                ),
                name="allocation_released_after_allocated",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ordertransition",
            trigger=pgtrigger.compiler.Trigger(
                name="transition_is_not_rewritten",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."order_id" IS DISTINCT FROM (NEW."order_id") OR OLD."from_state" IS DISTINCT FROM (NEW."from_state") OR OLD."to_state" IS DISTINCT FROM (NEW."to_state") OR OLD."at" IS DISTINCT FROM (NEW."at") OR OLD."reason" IS DISTINCT FROM (NEW."reason"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="c29cba19072970b8d975ac341842e9b3445e2863",
                    operation="UPDATE",
                    pgid="pgtrigger_transition_is_not_rewritten_7df51",
                    table="orders_ordertransition",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ordertransition",
            trigger=pgtrigger.compiler.Trigger(
                name="transition_is_not_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="faddbb56637edcfcad987051ff1fa96f814ff800",
                    operation="DELETE",
                    pgid="pgtrigger_transition_is_not_deleted_a0a83",
                    table="orders_ordertransition",
                    when="BEFORE",
                ),
            ),
        ),
    ]
