import django.contrib.gis.db.models.fields
import django.db.models.deletion
import django.utils.timezone
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    """The audit log: a table beside each audited one, written by triggers."""

    dependencies = [
        ("clients", "0001_initial"),
        ("locations", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="LocationAudit",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[("STORAGE", "Storage"), ("DELIVERY", "Delivery")], max_length=10
                    ),
                ),
                ("address", models.CharField(blank=True, max_length=300)),
                (
                    "center",
                    django.contrib.gis.db.models.fields.PointField(
                        geography=True, spatial_index=False, srid=4326
                    ),
                ),
                ("radius_m", models.FloatField(default=100, verbose_name="radius (m)")),
                (
                    "area",
                    django.contrib.gis.db.models.fields.PolygonField(
                        blank=True, geography=True, null=True, spatial_index=False, srid=4326
                    ),
                ),
                (
                    "active_from",
                    models.DateTimeField(
                        blank=True,
                        default=django.utils.timezone.now,
                        help_text="Reports before this moment make no entry here. Empty: always active.",
                        null=True,
                    ),
                ),
                (
                    "active_until",
                    models.DateTimeField(blank=True, help_text="Empty: until further notice.", null=True),
                ),
                (
                    "free_time_h",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Hours of a visit that cost nothing; time beyond them is detention. Empty: no detention.",
                        null=True,
                        verbose_name="free time (h)",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="audit",
                        to="locations.location",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit of location",
                "verbose_name_plural": "audits of location",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="LocationRunAudit",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                (
                    "location",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        db_tablespace="",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="locations.location",
                    ),
                ),
                (
                    "productionrun",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        db_tablespace="",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="clients.productionrun",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit of run of a location",
                "verbose_name_plural": "audits of run of a location",
                "abstract": False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="location",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "locations_locationaudit" ("active_from", "active_until", "address", "area", "center", "created_at", "free_time_h", "id", "kind", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "radius_m") SELECT new_values."active_from", new_values."active_until", new_values."address", new_values."area", new_values."center", new_values."created_at", new_values."free_time_h", new_values."id", new_values."kind", new_values."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', new_values."id", new_values."radius_m" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a57cdc0c5d543bd20ccb0757c0a2f2b016cd4e3a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_61b07",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="locations_location",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="location",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "locations_locationaudit" ("active_from", "active_until", "address", "area", "center", "created_at", "free_time_h", "id", "kind", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "radius_m") SELECT new_values."active_from", new_values."active_until", new_values."address", new_values."area", new_values."center", new_values."created_at", new_values."free_time_h", new_values."id", new_values."kind", new_values."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', new_values."id", new_values."radius_m" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."active_from" IS DISTINCT FROM (new_values."active_from") OR old_values."active_until" IS DISTINCT FROM (new_values."active_until") OR old_values."address" IS DISTINCT FROM (new_values."address") OR old_values."area" IS DISTINCT FROM (new_values."area") OR old_values."center" IS DISTINCT FROM (new_values."center") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."free_time_h" IS DISTINCT FROM (new_values."free_time_h") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."radius_m" IS DISTINCT FROM (new_values."radius_m")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="088b84a496423ae06e9467ed22cdee02de8388b8",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_17196",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="locations_location",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="location",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "locations_locationaudit" ("active_from", "active_until", "address", "area", "center", "created_at", "free_time_h", "id", "kind", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "radius_m") SELECT old_values."active_from", old_values."active_until", old_values."address", old_values."area", old_values."center", old_values."created_at", old_values."free_time_h", old_values."id", old_values."kind", old_values."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', old_values."id", old_values."radius_m" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="f59b643ac478d23b47a8828f8027db730e8ca1d1",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_09a27",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="locations_location",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="locationaudit",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="18410e78c3ba0aa613ca29a70f1eff3e4739b46b",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_933a4",
                    table="locations_locationaudit",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="locationrunaudit",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="204e6b79720bd385ea9b45d4b62b736db5356718",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_62d60",
                    table="locations_locationrunaudit",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="locationrun",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "locations_locationrunaudit" ("id", "location_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "productionrun_id") SELECT new_values."id", new_values."location_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', new_values."productionrun_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a3a66432c88bde9b4b0952f12f440f612a442a81",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_b7469",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="locations_location_runs",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="locationrun",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "locations_locationrunaudit" ("id", "location_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "productionrun_id") SELECT old_values."id", old_values."location_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', old_values."productionrun_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="a1921a9a375614c8e139fa619a6c45a3ca1fc995",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d4925",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="locations_location_runs",
                    when="AFTER",
                ),
            ),
        ),
    ]
