import django.contrib.gis.db.models.fields
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.contrib.postgres.operations
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

# Django can't declare partitions. Months are made ahead by `foundation.partitions`; the default partition takes what falls
# outside of them, so that no row is refused.
PARTITIONED_REPORTS = """
CREATE TABLE trackers_locationreport (
    tracker_id bigint NOT NULL REFERENCES trackers_tracker (id) DEFERRABLE INITIALLY DEFERRED,
    seen_at timestamptz NOT NULL,
    fingerprint bytea NOT NULL CONSTRAINT report_fingerprint_16_bytes CHECK (octet_length(fingerprint) = 16),
    position geography(Point, 4326) NOT NULL,
    accuracy_m double precision CONSTRAINT report_accuracy_not_negative CHECK (accuracy_m >= 0),
    confidence smallint,
    battery varchar(10) NOT NULL,
    source varchar(10) NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (tracker_id, seen_at, fingerprint)
) PARTITION BY RANGE (seen_at);
CREATE TABLE trackers_locationreport_default PARTITION OF trackers_locationreport DEFAULT;
"""


class Migration(migrations.Migration):
    """Tables, their constraints and indexes."""

    initial = True

    dependencies = [
        ("clients", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("locations", "0001_initial"),
    ]

    operations = [
        django.contrib.postgres.operations.BtreeGistExtension(),
        migrations.CreateModel(
            name="Tracker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("mac", models.CharField(max_length=17, unique=True, verbose_name="MAC")),
                ("serial", models.CharField(blank=True, max_length=64, null=True, unique=True)),
                ("firmware", models.CharField(blank=True, max_length=32)),
                ("hardware_revision", models.CharField(blank=True, max_length=32)),
                ("manufactured_at", models.DateTimeField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("IN_STOCK", "In stock"),
                            ("ALLOCATED", "Allocated"),
                            ("ACTIVE", "Active"),
                            ("RETURNED", "Returned"),
                            ("RETIRED", "Retired"),
                            ("LOST", "Lost"),
                        ],
                        default="IN_STOCK",
                        max_length=10,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("CREATED", "Created"),
                            ("IN_TRANSIT", "In transit"),
                            ("IN_STORAGE", "In storage"),
                            ("DELIVERED", "Delivered"),
                        ],
                        db_index=True,
                        default="CREATED",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("status_since", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_seen_at", models.DateTimeField(blank=True, db_index=True, editable=False, null=True)),
                ("last_received_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "last_position",
                    django.contrib.gis.db.models.fields.PointField(
                        blank=True, editable=False, geography=True, null=True, srid=4326
                    ),
                ),
                ("last_accuracy_m", models.FloatField(blank=True, editable=False, null=True)),
                ("near_m", models.FloatField(editable=False, help_text="How far away that is.", null=True)),
                (
                    "near_is_due",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        editable=False,
                        help_text="It moved, and the nearest place is to be found.",
                    ),
                ),
                (
                    "battery",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("FULL", "Full"),
                            ("MEDIUM", "Medium"),
                            ("LOW", "Low"),
                            ("CRITICAL", "Critical"),
                        ],
                        editable=False,
                        max_length=10,
                    ),
                ),
                (
                    "verified_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        help_text="When the stored history was last compared with the reports.",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "location",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="trackers",
                        to="locations.location",
                    ),
                ),
                (
                    "near",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        help_text="The nearest place in the country of the last position, if one is near at all.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="locations.place",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "period",
                    django.contrib.postgres.fields.ranges.DateTimeRangeField(
                        help_text="From, inclusive, until, exclusive; no end while it lasts."
                    ),
                ),
                (
                    "activated_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="When the tracker was shipped and became active in it. Empty: it was active from the beginning.",
                        null=True,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="clients.productionrun",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RunCountries",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="clients.productionrun",
                    ),
                ),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=2), size=None
                    ),
                ),
                ("basis", models.CharField(max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name="StatusChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("recorded_at", models.DateTimeField()),
                ("retracted_at", models.DateTimeField(null=True)),
                (
                    "retracted_after",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("REPORT", "a later report"),
                            ("FENCE", "a change of the fence"),
                            ("RUN", "a change of the run"),
                            ("ASSIGNMENT", "a change of the assignment"),
                            ("REQUEST", "a recomputation by hand"),
                            ("CHECK", "a check against the reports"),
                        ],
                        db_default="",
                        max_length=10,
                    ),
                ),
                ("retracted_by_seen_at", models.DateTimeField(null=True)),
                ("retracted_by_fingerprint", models.BinaryField(max_length=16, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("CREATED", "Created"),
                            ("IN_TRANSIT", "In transit"),
                            ("IN_STORAGE", "In storage"),
                            ("DELIVERED", "Delivered"),
                        ],
                        max_length=10,
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("fingerprint", models.BinaryField(max_length=16)),
            ],
        ),
        migrations.CreateModel(
            name="TimelineCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("checked_at", models.DateTimeField(db_index=True)),
                ("trackers", models.PositiveIntegerField()),
                ("drifted", models.PositiveIntegerField()),
                ("failed", models.PositiveIntegerField(default=0)),
                ("failures", models.JSONField(blank=True, default=list)),
                ("took_s", models.FloatField(default=0, verbose_name="took (s)")),
            ],
        ),
        migrations.CreateModel(
            name="AlertWatch",
            fields=[
                (
                    "tracker",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="alert_watch",
                        serialize=False,
                        to="trackers.tracker",
                    ),
                ),
                ("changed_since", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="tracker",
            name="latest_assignment",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="trackers.assignment",
            ),
        ),
        migrations.AddField(
            model_name="assignment",
            name="tracker",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="assignments", to="trackers.tracker"
            ),
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("IMPOSSIBLE_SPEED", "Impossible speed"),
                            ("SILENT", "Silent"),
                            ("NEVER_REPORTED", "Never reported"),
                            ("OFF_ROUTE", "Off the route"),
                            ("LEFT_COUNTRY", "Left the country"),
                            ("LEFT_DELIVERY", "Left its delivery location"),
                            ("LONG_STAY", "Long in one status"),
                            ("BACK_TO_STORAGE", "Back to storage"),
                            ("BATTERY_LOW", "Battery low"),
                            ("SILENT_PLACE", "Site outage"),
                        ],
                        max_length=16,
                    ),
                ),
                ("began_at", models.DateTimeField()),
                ("latest_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("measure", models.FloatField(null=True)),
                (
                    "country",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="Where it was, of one that left the country.",
                        max_length=2,
                    ),
                ),
                ("recorded_at", models.DateTimeField()),
                ("retracted_at", models.DateTimeField(null=True)),
                (
                    "location",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="locations.location",
                    ),
                ),
                (
                    "part_of",
                    models.ForeignKey(
                        db_index=False,
                        help_text="The site outage that stands for this alert.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="parts",
                        to="trackers.alert",
                    ),
                ),
                (
                    "tracker",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="trackers.tracker",
                    ),
                ),
                (
                    "assignment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="trackers.assignment",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DailyPosition",
            fields=[
                ("bucket_at", models.DateTimeField(help_text="The bucket's beginning, in UTC.")),
                ("reports", models.PositiveIntegerField()),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "centroid",
                    django.contrib.gis.db.models.fields.PointField(
                        geography=True, spatial_index=False, srid=4326
                    ),
                ),
                (
                    "best_position",
                    django.contrib.gis.db.models.fields.PointField(
                        geography=True, spatial_index=False, srid=4326
                    ),
                ),
                ("best_accuracy_m", models.FloatField(null=True)),
                ("distance_m", models.FloatField(default=0)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("CREATED", "Created"),
                            ("IN_TRANSIT", "In transit"),
                            ("IN_STORAGE", "In storage"),
                            ("DELIVERED", "Delivered"),
                        ],
                        default="CREATED",
                        help_text="At the bucket's end.",
                        max_length=10,
                    ),
                ),
                ("minutes_in_transit", models.FloatField(default=0)),
                ("minutes_in_storage", models.FloatField(default=0)),
                ("minutes_delivered", models.FloatField(default=0)),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tracker", "bucket_at", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="At the bucket's end; the history keeps it from being deleted.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="locations.location",
                    ),
                ),
                (
                    "tracker",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="trackers.tracker",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="HourlyPosition",
            fields=[
                ("bucket_at", models.DateTimeField(help_text="The bucket's beginning, in UTC.")),
                ("reports", models.PositiveIntegerField()),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "centroid",
                    django.contrib.gis.db.models.fields.PointField(
                        geography=True, spatial_index=False, srid=4326
                    ),
                ),
                (
                    "best_position",
                    django.contrib.gis.db.models.fields.PointField(
                        geography=True, spatial_index=False, srid=4326
                    ),
                ),
                ("best_accuracy_m", models.FloatField(null=True)),
                ("distance_m", models.FloatField(default=0)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("CREATED", "Created"),
                            ("IN_TRANSIT", "In transit"),
                            ("IN_STORAGE", "In storage"),
                            ("DELIVERED", "Delivered"),
                        ],
                        default="CREATED",
                        help_text="At the bucket's end.",
                        max_length=10,
                    ),
                ),
                ("minutes_in_transit", models.FloatField(default=0)),
                ("minutes_in_storage", models.FloatField(default=0)),
                ("minutes_delivered", models.FloatField(default=0)),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tracker", "bucket_at", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="At the bucket's end; the history keeps it from being deleted.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="locations.location",
                    ),
                ),
                (
                    "tracker",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="trackers.tracker",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RecomputationJob",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("FENCE", "Fence changed"),
                            ("RUN", "Run changed"),
                            ("ASSIGNMENT", "Trackers assigned"),
                        ],
                        max_length=10,
                    ),
                ),
                ("change", models.TextField(help_text="What was changed, in words.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("QUEUED", "Queued"),
                            ("RUNNING", "Running"),
                            ("DONE", "Done"),
                            ("CANCELLED", "Cancelled"),
                            ("FAILED", "Done, with failures"),
                        ],
                        default="QUEUED",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "claimed_until",
                    models.DateTimeField(
                        help_text="A worker has it until then; if it dies, another one takes it.", null=True
                    ),
                ),
                ("cursor", models.BigIntegerField(default=0, help_text="The last tracker that was checked.")),
                ("total", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                (
                    "recomputed",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Of those done, the recomputed: those near the fence.",
                        verbose_name="recomputed",
                    ),
                ),
                (
                    "changed",
                    models.PositiveIntegerField(default=0, help_text="Trackers whose history changed."),
                ),
                (
                    "periods_added",
                    models.PositiveIntegerField(default=0, verbose_name="status periods added"),
                ),
                (
                    "periods_retracted",
                    models.PositiveIntegerField(default=0, verbose_name="status periods retracted"),
                ),
                ("failed", models.PositiveIntegerField(default=0)),
                (
                    "old_shape",
                    django.contrib.gis.db.models.fields.GeometryField(
                        geography=True, null=True, spatial_index=False, srid=4326
                    ),
                ),
                ("old_radius_m", models.FloatField(null=True)),
                ("since", models.DateTimeField(null=True)),
                ("until", models.DateTimeField(null=True)),
                (
                    "location",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="recomputation_jobs",
                        to="locations.location",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="recomputation_jobs",
                        to="clients.productionrun",
                    ),
                ),
                (
                    "superseded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="trackers.recomputationjob",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GeofenceEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("recorded_at", models.DateTimeField()),
                ("retracted_at", models.DateTimeField(null=True)),
                (
                    "retracted_after",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("REPORT", "a later report"),
                            ("FENCE", "a change of the fence"),
                            ("RUN", "a change of the run"),
                            ("ASSIGNMENT", "a change of the assignment"),
                            ("REQUEST", "a recomputation by hand"),
                            ("CHECK", "a check against the reports"),
                        ],
                        db_default="",
                        max_length=10,
                    ),
                ),
                ("retracted_by_seen_at", models.DateTimeField(null=True)),
                ("retracted_by_fingerprint", models.BinaryField(max_length=16, null=True)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("ENTRY", "Entry"),
                            ("EXIT", "Exit"),
                            ("DWELL", "Dwell"),
                            ("TRANSIT", "Transit"),
                        ],
                        max_length=7,
                    ),
                ),
                ("occurred_at", models.DateTimeField()),
                ("fingerprint", models.BinaryField(max_length=16)),
                (
                    "assignment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="trackers.assignment",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="locations.location",
                    ),
                ),
                (
                    "tracker",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="trackers.tracker",
                    ),
                ),
                (
                    "retracted_in",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="trackers.recomputationjob",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RecomputationTarget",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "job", "tracker", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("certain", models.BooleanField(default=True)),
                ("error", models.TextField(blank=True, db_default="")),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="targets",
                        to="trackers.recomputationjob",
                    ),
                ),
                (
                    "tracker",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="trackers.tracker",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RejectedReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(choices=[("FIND_MY", "Find My"), ("REPLAY", "Replay")], max_length=10),
                ),
                (
                    "hashed_key",
                    models.CharField(
                        blank=True, help_text="The key that the payload came under.", max_length=44
                    ),
                ),
                ("payload", models.BinaryField()),
                ("fingerprint", models.BinaryField(max_length=16)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("UNDECRYPTABLE", "Can't be decrypted"),
                            ("MALFORMED", "Malformed"),
                            ("IMPLAUSIBLE", "Implausible values"),
                            ("UNKNOWN_KEY", "Key not asked for"),
                            ("NOT_STORED", "Could not be stored"),
                        ],
                        max_length=15,
                    ),
                ),
                ("detail", models.TextField(blank=True)),
                (
                    "occurrences",
                    models.PositiveIntegerField(
                        default=1, help_text="The gateway repeats what it has: how often this came."
                    ),
                ),
                ("first_received_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_received_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                (
                    "resolved_at",
                    models.DateTimeField(blank=True, help_text="When a retry stored it.", null=True),
                ),
                (
                    "tracker",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rejected_reports",
                        to="trackers.tracker",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RetentionCutoff",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reports_kept_from", models.DateTimeField()),
                ("moved_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="retention_cutoff_is_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="RetiredMonth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_at", models.DateTimeField(unique=True, verbose_name="month")),
                ("ends_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ANNOUNCED", "Announced"),
                            ("HELD", "Held"),
                            ("DROPPING", "Being dropped"),
                            ("DROPPED", "Dropped"),
                        ],
                        default="ANNOUNCED",
                        max_length=10,
                    ),
                ),
                ("announced_at", models.DateTimeField()),
                ("drop_after", models.DateTimeField(help_text="Not dropped before this.")),
                ("reports_estimated", models.BigIntegerField(help_text="When it was announced.")),
                ("size_bytes", models.BigIntegerField(help_text="When it was announced.")),
                ("rolled_up_to", models.BigIntegerField(default=0)),
                ("events_deleted_to", models.BigIntegerField(default=0)),
                ("events_deleted", models.BigIntegerField(default=0)),
                ("dropped_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("dropped_at__isnull", False), ("state", "DROPPED")),
                            models.Q(("dropped_at", None), ("state__in", ["ANNOUNCED", "HELD", "DROPPING"])),
                            _connector="OR",
                        ),
                        name="retired_month_dropped_says_when",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="statuschange",
            name="assignment",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="status_changes",
                to="trackers.assignment",
            ),
        ),
        migrations.AddField(
            model_name="statuschange",
            name="location",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="status_changes",
                to="locations.location",
            ),
        ),
        migrations.AddField(
            model_name="statuschange",
            name="retracted_in",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="trackers.recomputationjob",
            ),
        ),
        migrations.AddField(
            model_name="statuschange",
            name="tracker",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="status_changes",
                to="trackers.tracker",
            ),
        ),
        migrations.AddField(
            model_name="geofenceevent",
            name="status_change",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="trackers.statuschange",
            ),
        ),
        migrations.AddIndex(
            model_name="alertwatch",
            index=models.Index(fields=["due_at"], name="alert_watch_due"),
        ),
        migrations.AddIndex(
            model_name="tracker",
            index=models.Index(
                condition=models.Q(("state", "IN_STOCK")), fields=["id"], name="tracker_in_stock"
            ),
        ),
        migrations.AddIndex(
            model_name="tracker",
            index=models.Index(fields=["updated_at"], name="tracker_updated_at"),
        ),
        migrations.AddIndex(
            model_name="tracker",
            index=models.Index(fields=["state", "status", "last_seen_at"], name="tracker_overview"),
        ),
        migrations.AddIndex(
            model_name="tracker",
            index=models.Index(
                condition=models.Q(("near_is_due", True)), fields=["id"], name="tracker_near_is_due"
            ),
        ),
        migrations.AddIndex(
            model_name="tracker",
            index=models.Index(fields=["verified_at", "id"], name="tracker_verified_at"),
        ),
        migrations.AddConstraint(
            model_name="tracker",
            constraint=models.CheckConstraint(
                condition=models.Q(("mac__regex", "^[0-9A-F]{2}(:[0-9A-F]{2}){5}$")),
                name="tracker_mac_normalised",
            ),
        ),
        migrations.AddConstraint(
            model_name="tracker",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("location", None), ("status__in", ["CREATED", "IN_TRANSIT"])),
                    models.Q(("location__isnull", False), ("status__in", ["IN_STORAGE", "DELIVERED"])),
                    _connector="OR",
                ),
                name="tracker_location_goes_with_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("tracker", "="), ("period", "&&")], name="assignment_no_overlap_per_tracker"
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("period__isempty", False),
                    ("period__lower_inc", True),
                    ("period__startswith__isnull", False),
                    ("period__upper_inc", False),
                ),
                name="assignment_period_begins_and_is_half_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.UniqueConstraint(fields=("id", "tracker"), name="assignment_identity"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("retracted_at", None)),
                fields=["tracker", "began_at"],
                name="alert_of_tracker",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("retracted_at", None), ("ended_at", None)),
                fields=["kind", "-began_at"],
                name="alert_open_by_kind",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("part_of__isnull", False)), fields=["part_of"], name="alert_part_of"
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retracted_at", None), ("ended_at", None), ("tracker__isnull", False)),
                fields=("tracker", "kind"),
                name="alert_one_open_per_tracker_and_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retracted_at", None), ("ended_at", None), ("tracker", None)),
                fields=("location", "kind"),
                name="alert_one_open_per_location_and_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("assignment", None),
                        ("kind", "SILENT_PLACE"),
                        ("location__isnull", False),
                        ("tracker", None),
                    ),
                    models.Q(
                        models.Q(("kind", "SILENT_PLACE"), _negated=True),
                        ("assignment__isnull", False),
                        ("tracker__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="alert_is_of_a_tracker_or_of_a_place",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("latest_at__gte", models.F("began_at")),
                    models.Q(("ended_at", None), ("ended_at__gte", models.F("latest_at")), _connector="OR"),
                ),
                name="alert_begins_lasts_and_ends_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="recomputationjob",
            index=models.Index(
                condition=models.Q(("state__in", ["QUEUED", "RUNNING"])),
                fields=["id"],
                name="recomputation_job_unfinished",
            ),
        ),
        migrations.AddConstraint(
            model_name="recomputationjob",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", "FENCE"), ("run", None)),
                    models.Q(("location", None), ("reason__in", ["RUN", "ASSIGNMENT"])),
                    _connector="OR",
                ),
                name="recomputation_job_of_a_fence_or_a_run",
            ),
        ),
        migrations.AddConstraint(
            model_name="rejectedreport",
            constraint=models.UniqueConstraint(
                fields=("source", "fingerprint"), name="rejected_report_once_per_payload"
            ),
        ),
        migrations.AddIndex(
            model_name="statuschange",
            index=models.Index(
                condition=models.Q(("retracted_at", None)),
                fields=["tracker", "started_at"],
                name="status_change_of_tracker",
            ),
        ),
        migrations.AddIndex(
            model_name="statuschange",
            index=models.Index(
                condition=models.Q(("retracted_at__isnull", False)),
                fields=["tracker", "started_at"],
                name="status_change_retracted",
            ),
        ),
        migrations.AddIndex(
            model_name="statuschange",
            index=models.Index(
                condition=models.Q(("retracted_at", None), ("status", "DELIVERED")),
                fields=["assignment"],
                name="status_change_delivered",
            ),
        ),
        migrations.AddIndex(
            model_name="statuschange",
            index=django.contrib.postgres.indexes.GistIndex(
                models.F("location"),
                models.Func(
                    "started_at",
                    "ended_at",
                    django.contrib.postgres.fields.ranges.RangeBoundary(),
                    function="TSTZRANGE",
                    output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                ),
                condition=models.Q(("retracted_at", None), ("location__isnull", False)),
                name="status_change_at_location",
            ),
        ),
        migrations.AddConstraint(
            model_name="statuschange",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retracted_at", None), ("ended_at", None)),
                fields=("tracker",),
                name="status_change_one_open_per_tracker",
            ),
        ),
        migrations.AddConstraint(
            model_name="statuschange",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("retracted_at", None)),
                expressions=[
                    ("tracker", "="),
                    (
                        models.Func(
                            "started_at",
                            "ended_at",
                            django.contrib.postgres.fields.ranges.RangeBoundary(),
                            function="TSTZRANGE",
                            output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                        ),
                        "&&",
                    ),
                ],
                name="status_change_no_overlap_per_tracker",
            ),
        ),
        migrations.AddConstraint(
            model_name="statuschange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at", None), ("ended_at__gte", models.F("started_at")), _connector="OR"
                ),
                name="status_change_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="statuschange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("location", None), ("status", "IN_TRANSIT")),
                    models.Q(("location__isnull", False), ("status__in", ["IN_STORAGE", "DELIVERED"])),
                    _connector="OR",
                ),
                name="status_change_location_goes_with_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="statuschange",
            constraint=models.UniqueConstraint(
                fields=("id", "tracker", "started_at"), name="status_change_identity"
            ),
        ),
        migrations.AddIndex(
            model_name="geofenceevent",
            index=models.Index(
                condition=models.Q(("retracted_at", None), ("type__in", ["ENTRY", "EXIT"])),
                fields=["location", "occurred_at"],
                name="event_crossing_at_location",
            ),
        ),
        migrations.AddIndex(
            model_name="geofenceevent",
            index=models.Index(
                condition=models.Q(("retracted_at__isnull", False)),
                fields=["tracker", "occurred_at"],
                name="event_retracted",
            ),
        ),
        migrations.AddIndex(
            model_name="geofenceevent",
            index=models.Index(
                condition=models.Q(("status_change__isnull", False)),
                fields=["status_change"],
                name="event_of_status_change",
            ),
        ),
        migrations.AddConstraint(
            model_name="geofenceevent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retracted_at", None)),
                fields=("tracker", "occurred_at", "fingerprint", "type"),
                name="event_one_of_a_type_per_report",
            ),
        ),
        migrations.AddConstraint(
            model_name="geofenceevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status_change__isnull", False), ("type__in", ["ENTRY", "EXIT"])),
                    models.Q(("status_change", None), ("type__in", ["DWELL", "TRANSIT"])),
                    _connector="OR",
                ),
                name="event_crossing_has_its_status_change",
            ),
        ),
        migrations.AddConstraint(
            model_name="geofenceevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("location", None), ("type", "TRANSIT")),
                    models.Q(("location__isnull", False), ("type__in", ["ENTRY", "EXIT", "DWELL"])),
                    _connector="OR",
                ),
                name="event_location_goes_with_type",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    sql=PARTITIONED_REPORTS,
                    reverse_sql="DROP TABLE trackers_locationreport",
                ),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="LocationReport",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "tracker",
                                "seen_at",
                                "fingerprint",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("seen_at", models.DateTimeField()),
                        ("fingerprint", models.BinaryField(max_length=16)),
                        (
                            "position",
                            django.contrib.gis.db.models.fields.PointField(
                                geography=True, spatial_index=False, srid=4326
                            ),
                        ),
                        ("accuracy_m", models.FloatField(null=True)),
                        ("confidence", models.PositiveSmallIntegerField(null=True)),
                        (
                            "battery",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("FULL", "Full"),
                                    ("MEDIUM", "Medium"),
                                    ("LOW", "Low"),
                                    ("CRITICAL", "Critical"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "source",
                            models.CharField(
                                choices=[("FIND_MY", "Find My"), ("REPLAY", "Replay")], max_length=10
                            ),
                        ),
                        ("received_at", models.DateTimeField()),
                        (
                            "tracker",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="reports",
                                to="trackers.tracker",
                            ),
                        ),
                    ],
                ),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tracker",
            trigger=pgtrigger.compiler.Trigger(
                name="tracker_state_goes_its_way",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND CONCAT(OLD.state, ':', NEW.state) <> ALL('{IN_STOCK:ALLOCATED,ALLOCATED:ACTIVE,ACTIVE:RETURNED,LOST:RETURNED,ALLOCATED:IN_STOCK,RETURNED:IN_STOCK,IN_STOCK:LOST,ALLOCATED:LOST,ACTIVE:LOST,RETURNED:LOST,IN_STOCK:RETIRED,ALLOCATED:RETIRED,ACTIVE:RETIRED,RETURNED:RETIRED,LOST:RETIRED}'::text[]))",
                    func='RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD.state, NEW.state, TG_TABLE_NAME;',
                    hash="f328a9c82fe9fc3fffed086efe59de2891e4a72c",
                    operation="UPDATE",
                    pgid="pgtrigger_tracker_state_goes_its_way_31416",
                    table="trackers_tracker",
                    when="BEFORE",
                ),
            ),
        ),
    ]
