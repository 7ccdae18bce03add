import django.contrib.gis.db.models.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.operations
import django.db.models.expressions
import django.db.models.functions.comparison
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """Tables, their constraints and indexes."""

    initial = True

    dependencies = [
        ("clients", "0001_initial"),
    ]

    operations = [
        django.contrib.postgres.operations.CreateExtension(
            name="postgis",
        ),
        migrations.CreateModel(
            name="CountryArea",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("country", models.CharField(max_length=2)),
                ("area", django.contrib.gis.db.models.fields.PolygonField(srid=4326)),
            ],
        ),
        migrations.CreateModel(
            name="Gazetteer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("edition", models.CharField(max_length=100)),
                ("loaded_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Place",
            fields=[
                ("id", models.IntegerField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("country", models.CharField(help_text="ISO 3166-1 alpha-2.", max_length=2)),
                ("population", models.PositiveIntegerField()),
                ("position", django.contrib.gis.db.models.fields.PointField(srid=4326)),
            ],
        ),
        migrations.CreateModel(
            name="Location",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
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
                    "fence",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.comparison.Coalesce(
                            models.F("area"),
                            models.Func(
                                models.F("center"),
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("radius_m"), "*", models.Value(1.05)
                                    ),
                                    "+",
                                    models.Value(1.0),
                                ),
                                models.Value(4),
                                function="ST_Buffer",
                                output_field=django.contrib.gis.db.models.fields.PolygonField(
                                    geography=True, srid=4326
                                ),
                            ),
                        ),
                        output_field=django.contrib.gis.db.models.fields.PolygonField(
                            geography=True, spatial_index=False, srid=4326
                        ),
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
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "runs",
                    models.ManyToManyField(blank=True, related_name="locations", to="clients.productionrun"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DeliveryLocation",
            fields=[],
            options={
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("locations.location",),
        ),
        migrations.CreateModel(
            name="StorageLocation",
            fields=[],
            options={
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("locations.location",),
        ),
        migrations.AddIndex(
            model_name="location",
            index=django.contrib.postgres.indexes.GistIndex(fields=["fence"], name="location_fence_gist"),
        ),
        migrations.AddConstraint(
            model_name="location",
            constraint=models.CheckConstraint(
                condition=models.Q(("radius_m__gt", 0), ("radius_m__lte", 100000)),
                name="location_radius_above_0_to_100_km",
            ),
        ),
        migrations.AddConstraint(
            model_name="location",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("active_until__isnull", True),
                    ("active_from__isnull", True),
                    ("active_until__gt", models.F("active_from")),
                    _connector="OR",
                ),
                name="location_active_until_after_from",
            ),
        ),
        migrations.CreateModel(
            name="LocationRun",
            fields=[],
            options={
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("locations.location_runs",),
        ),
    ]
