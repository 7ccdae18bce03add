import django.db.models.deletion
import django.db.models.lookups
import django.utils.timezone
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
            name="KeyBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("label", models.CharField(max_length=100, unique=True)),
                ("devices", models.PositiveIntegerField()),
                ("keys_per_device", models.PositiveSmallIntegerField(default=1)),
                ("note", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("QUEUED", "Queued"),
                            ("GENERATING", "Generating"),
                            ("GENERATED", "Generated"),
                            ("CANCELLED", "Cancelled"),
                        ],
                        default="QUEUED",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("generated_devices", models.PositiveIntegerField(default=0, editable=False)),
                ("sealed_data_key", models.BinaryField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("generated_at", models.DateTimeField(blank=True, editable=False, null=True)),
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
            ],
            options={
                "verbose_name_plural": "key batches",
            },
        ),
        migrations.CreateModel(
            name="DeviceImport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("file_name", models.CharField(max_length=200, verbose_name="file")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("size_bytes", models.PositiveIntegerField()),
                (
                    "accept_mac_mismatch",
                    models.BooleanField(
                        default=False,
                        help_text="Also accept devices with one key whose MAC is not the one that the key implies.",
                        verbose_name="accept other MACs",
                    ),
                ),
                ("brings_private_keys", models.BooleanField(default=False, editable=False)),
                ("sealed_data_key", models.BinaryField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("QUEUED", "Being checked"),
                            ("CHECKED", "Checked"),
                            ("IMPORTING", "Importing"),
                            ("DONE", "Imported"),
                            ("FAILED", "Failed"),
                            ("CANCELLED", "Cancelled"),
                        ],
                        default="QUEUED",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("is_confirmed", models.BooleanField(default=False, editable=False)),
                ("total", models.PositiveIntegerField(default=0, editable=False, verbose_name="rows")),
                ("checked", models.PositiveIntegerField(default=0, editable=False)),
                ("valid", models.PositiveIntegerField(default=0, editable=False)),
                ("imported", models.PositiveIntegerField(default=0, editable=False)),
                ("unchanged", models.PositiveIntegerField(default=0, editable=False)),
                ("rejected", models.PositiveIntegerField(default=0, editable=False)),
                ("failure", models.TextField(blank=True, editable=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("ended_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        help_text="Confirmed the import of the valid rows.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    "batch",
                    models.ForeignKey(
                        blank=True,
                        help_text="All keys have to be of this batch.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="keys.keybatch",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Manufacturer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("users", models.ManyToManyField(blank=True, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name="keybatch",
            name="manufacturer",
            field=models.ForeignKey(
                blank=True,
                help_text="May fetch the batch's public keys and report its devices over the API.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="batches",
                to="keys.manufacturer",
            ),
        ),
        migrations.AddField(
            model_name="deviceimport",
            name="manufacturer",
            field=models.ForeignKey(
                blank=True,
                help_text="Sent it, and may only name keys of its own batches.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="imports",
                to="keys.manufacturer",
            ),
        ),
        migrations.CreateModel(
            name="ManufacturerExport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("format", models.CharField(max_length=30)),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("rows", models.PositiveIntegerField(verbose_name="keys")),
                ("size_bytes", models.PositiveBigIntegerField(verbose_name="bytes")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exports",
                        to="keys.keybatch",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DeviceImportRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("PENDING", "Not checked yet"),
                            ("VALID", "To be imported"),
                            ("UNCHANGED", "Unchanged"),
                            ("REJECTED", "Rejected"),
                        ],
                        default="PENDING",
                        max_length=10,
                    ),
                ),
                ("problems", models.JSONField(default=list)),
                ("cells", models.JSONField(default=dict)),
                ("mac", models.CharField(blank=True, max_length=17, verbose_name="MAC")),
                ("serial", models.CharField(blank=True, max_length=64)),
                ("advertisement_key", models.BinaryField(max_length=28, null=True)),
                ("hashed_key", models.CharField(blank=True, max_length=44)),
                ("key_mac", models.CharField(blank=True, max_length=17)),
                ("firmware", models.CharField(blank=True, max_length=32)),
                ("hardware_revision", models.CharField(blank=True, max_length=32)),
                ("manufactured_at", models.DateTimeField(null=True)),
                ("production_run", models.CharField(blank=True, max_length=200)),
                ("sealed_private_key", models.BinaryField(null=True)),
                (
                    "device_import",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="keys.deviceimport",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="clients.productionrun",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["device_import", "outcome", "number"], name="device_import_row_outcome"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("device_import", "number"), name="device_import_row_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="KeyPair",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("device_index", models.PositiveIntegerField()),
                ("key_index", models.PositiveSmallIntegerField()),
                ("advertisement_key", models.BinaryField(max_length=28)),
                (
                    "hashed_key",
                    models.CharField(help_text="The gateway's lookup id.", max_length=44, unique=True),
                ),
                ("mac", models.CharField(max_length=17, unique=True, verbose_name="MAC")),
                ("sealed_private_key", models.BinaryField()),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="key_pairs",
                        to="keys.keybatch",
                    ),
                ),
                (
                    "device_import",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="keys.deviceimport",
                    ),
                ),
                (
                    "tracker",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="trackers.tracker",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("batch", "device_index", "key_index"), name="key_pair_position_once_per_batch"
                    ),
                    models.UniqueConstraint(
                        fields=("advertisement_key",), name="key_pair_advertisement_key_unique"
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            models.Func(
                                models.F("advertisement_key"),
                                function="OCTET_LENGTH",
                                output_field=models.IntegerField(),
                            ),
                            28,
                        ),
                        name="key_pair_advertisement_key_28_bytes",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            models.F("hashed_key"),
                            models.Func(
                                models.Func(
                                    models.F("advertisement_key"),
                                    function="SHA256",
                                    output_field=models.BinaryField(),
                                ),
                                models.Value("base64"),
                                function="ENCODE",
                                output_field=models.CharField(),
                            ),
                        ),
                        name="key_pair_hash_is_of_its_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("key_index__lt", 50)), name="key_pair_key_index_below_50"
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="keybatch",
            index=models.Index(
                condition=models.Q(("state__in", ["QUEUED", "GENERATING"])),
                fields=["id"],
                name="key_batch_unfinished",
            ),
        ),
        migrations.AddConstraint(
            model_name="keybatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("devices__gte", 1)), name="key_batch_has_devices"
            ),
        ),
        migrations.AddConstraint(
            model_name="keybatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("keys_per_device__gte", 1), ("keys_per_device__lte", 50)),
                name="key_batch_keys_per_device_1_to_50",
            ),
        ),
        migrations.AddConstraint(
            model_name="keybatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("generated_devices__lte", models.F("devices"))),
                name="key_batch_progress_within_devices",
            ),
        ),
        migrations.AddConstraint(
            model_name="keybatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "GENERATED"), _negated=True),
                    ("generated_devices", models.F("devices")),
                    _connector="OR",
                ),
                name="key_batch_generated_is_complete",
            ),
        ),
        migrations.AddIndex(
            model_name="deviceimport",
            index=models.Index(
                condition=models.Q(("state__in", ["QUEUED", "IMPORTING"])),
                fields=["id"],
                name="device_import_unfinished",
            ),
        ),
        migrations.AddConstraint(
            model_name="deviceimport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at", None), ("state__in", ["DONE", "FAILED", "CANCELLED"]), _connector="XOR"
                ),
                name="device_import_ends_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="deviceimport",
            constraint=models.CheckConstraint(
                condition=models.Q(("brings_private_keys", False), ("manufacturer", None), _connector="OR"),
                name="device_import_private_keys_from_ops_only",
            ),
        ),
        migrations.AddConstraint(
            model_name="manufacturerexport",
            constraint=models.CheckConstraint(
                condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")),
                name="manufacturer_export_sha256_is_hex",
            ),
        ),
    ]
