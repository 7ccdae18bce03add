"""Key batches and the key pairs in them. No private key is ever stored, shown or logged in clear."""

from typing import Self, TypeAlias

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.lookups import Exact
from django.utils import timezone

from clients.models import ProductionRun, User
from foundation.audit import audited
from foundation.tenancy import Viewer, sees_everything
from keys import lifecycle
from keys.advertisement import KEY_BYTES, MAX_KEYS_PER_DEVICE
from keys.imports import checking
from keys.lifecycle import BatchState, ImportState
from trackers.models import Tracker


def byte_length(field: str) -> Func:
    return Func(F(field), function="OCTET_LENGTH", output_field=models.IntegerField())


def hash_of(field: str) -> Func:
    """`keys.advertisement.hashed_key`, computed by the database."""
    digest = Func(F(field), function="SHA256", output_field=models.BinaryField())
    return Func(digest, Value("base64"), function="ENCODE", output_field=models.CharField())


class ManufacturerQuerySet(models.QuerySet["Manufacturer"]):
    def of_user(self, user: User) -> Self:
        """Those that the user works for; staff are not among them."""
        return self.filter(users=user.pk)


@audited()
class Manufacturer(models.Model):
    """Makes devices from the public keys of its batches. Its users see those batches and nothing else."""

    name = models.CharField(max_length=200, unique=True)
    users = models.ManyToManyField(User, related_name="+", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ManufacturerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class KeyBatchQuerySet(models.QuerySet["KeyBatch"]):
    def visible_to(self, user: Viewer) -> Self:
        """What the API shows: the finished batches of the manufacturers that the user works for. Staff have the
        admin."""
        if not (user.is_active and user.is_authenticated):
            return self.none()
        return self.filter(manufacturer__users=user.pk, state=KeyBatch.State.GENERATED)

    def unfinished(self) -> Self:
        return self.filter(state__in=KeyBatch.UNFINISHED)


@audited(fields=["label", "manufacturer", "devices", "keys_per_device", "note", "state"])
class KeyBatch(models.Model):
    """Key pairs made together, for devices that are manufactured together.

    Its private keys are sealed under its own data key; `sealed_data_key` holds that, sealed by a master key.
    `generated_devices` devices have their keys, and generation goes on from there.
    """

    State: TypeAlias = BatchState

    # A worker goes on with these.
    UNFINISHED = lifecycle.GENERATE.comes_from

    label = models.CharField(max_length=100, unique=True)
    devices = models.PositiveIntegerField()
    keys_per_device = models.PositiveSmallIntegerField(default=1)
    note = models.TextField(blank=True)
    manufacturer = models.ForeignKey(
        Manufacturer,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="batches",
        help_text="May fetch the batch's public keys and report its devices over the API.",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED, editable=False)
    generated_devices = models.PositiveIntegerField(default=0, editable=False)
    sealed_data_key = models.BinaryField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    generated_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = KeyBatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "key batches"
        indexes = [
            # A worker looks for batches to go on with; hardly any row is in it.
            models.Index(
                fields=["id"], condition=Q(state__in=["QUEUED", "GENERATING"]), name="key_batch_unfinished"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(devices__gte=1), name="key_batch_has_devices"),
            models.CheckConstraint(
                condition=Q(keys_per_device__gte=1, keys_per_device__lte=MAX_KEYS_PER_DEVICE),
                name="key_batch_keys_per_device_1_to_50",
            ),
            models.CheckConstraint(
                condition=Q(generated_devices__lte=F("devices")), name="key_batch_progress_within_devices"
            ),
            models.CheckConstraint(
                condition=~Q(state="GENERATED") | Q(generated_devices=F("devices")),
                name="key_batch_generated_is_complete",
            ),
        ]

    def __str__(self) -> str:
        return self.label


class DeviceImportQuerySet(models.QuerySet["DeviceImport"]):
    def visible_to(self, user: Viewer) -> Self:
        """All for staff, a manufacturer's own for its users, nothing for anybody else."""
        if sees_everything(user):
            return self
        if not (user.is_active and user.is_authenticated):
            return self.none()
        return self.filter(manufacturer__in=Manufacturer.objects.of_user(user))

    def unfinished(self) -> Self:
        """Those on which a worker has something to do."""
        return self.filter(state__in=lifecycle.UNFINISHED_IMPORTS)


@audited(fields=["file_name", "sha256", "batch", "manufacturer", "accept_mac_mismatch", "state"])
class DeviceImport(models.Model):
    """A file of manufactured devices on its way into stock.

    Its rows, one for each key, wait in `DeviceImportRow` until it ends; those that are rejected stay there for some
    time. Of `total` rows `checked` are checked, and of these `valid` are to be imported; `devices` are those that the
    `imported` rows made. `warnings` sums up what is worth knowing of rows that are not rejected, `warned` of them, and
    `passed_over` says what of the file is not used. `sealed_data_key` seals the private keys that an existing fleet
    brings along, until it becomes that of their key batch.
    """

    State: TypeAlias = ImportState

    file_name = models.CharField("file", max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64)
    size_bytes = models.PositiveIntegerField()
    batch = models.ForeignKey(
        KeyBatch,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="imports",
        help_text="All keys have to be of this batch.",
    )
    manufacturer = models.ForeignKey(
        Manufacturer,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="imports",
        help_text="Sent it, and may only name keys of its own batches.",
    )
    accept_mac_mismatch = models.BooleanField(
        "accept other MACs",
        default=False,
        help_text="Also accept devices whose MAC is not one that their keys imply.",
    )
    brings_private_keys = models.BooleanField(default=False, editable=False)
    sealed_data_key = models.BinaryField(null=True, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED, editable=False)
    is_confirmed = models.BooleanField(default=False, editable=False)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="Confirmed the import of the valid rows.",
    )
    total = models.PositiveIntegerField("rows", default=0, editable=False)
    checked = models.PositiveIntegerField(default=0, editable=False)
    valid = models.PositiveIntegerField(default=0, editable=False)
    imported = models.PositiveIntegerField(default=0, editable=False)
    unchanged = models.PositiveIntegerField(default=0, editable=False)
    rejected = models.PositiveIntegerField(default=0, editable=False)
    devices = models.PositiveIntegerField(default=0, editable=False)
    warned = models.PositiveIntegerField("with warnings", default=0, editable=False)
    warnings = models.JSONField(default=list, editable=False)
    passed_over = models.TextField(blank=True, editable=False)
    failure = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = DeviceImportQuerySet.as_manager()

    class Meta:
        indexes = [
            # Workers look for what is to be done; few rows are.
            models.Index(
                fields=["id"], condition=Q(state__in=["QUEUED", "IMPORTING"]), name="device_import_unfinished"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None) ^ Q(state__in=["DONE", "FAILED", "CANCELLED"]),
                name="device_import_ends_once",
            ),
            models.CheckConstraint(
                condition=Q(brings_private_keys=False) | Q(manufacturer=None),
                name="device_import_private_keys_from_ops_only",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


class DeviceImportRow(models.Model):
    """A row of a file: a key of a device.

    `device` is the number of the device's first row, `key_index` which of its keys the row is about, if it says so.
    `cells` is what may be shown of the row, without private keys; `problems` says why it is rejected, `warnings` what
    is worth knowing although it isn't. `is_native`: of another program's file, so that MAC and order of keys are ours.
    """

    class Outcome(models.TextChoices):
        PENDING = checking.Outcome.PENDING.value, "Not checked yet"
        VALID = checking.Outcome.VALID.value, "To be imported"
        UNCHANGED = checking.Outcome.UNCHANGED.value, "Unchanged"
        REJECTED = checking.Outcome.REJECTED.value, "Rejected"

    device_import = models.ForeignKey(
        DeviceImport, on_delete=models.CASCADE, related_name="rows", db_index=False
    )
    number = models.PositiveIntegerField()
    device = models.PositiveIntegerField(default=0)
    key_index = models.PositiveSmallIntegerField(null=True)
    is_native = models.BooleanField(default=False)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.PENDING)
    problems = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    cells = models.JSONField(default=dict)
    mac = models.CharField("MAC", max_length=17, blank=True)
    serial = models.CharField(max_length=64, blank=True)
    advertisement_key = models.BinaryField(max_length=28, null=True)
    hashed_key = models.CharField(max_length=44, blank=True)
    key_mac = models.CharField(max_length=17, blank=True)
    firmware = models.CharField(max_length=32, blank=True)
    hardware_revision = models.CharField(max_length=32, blank=True)
    manufactured_at = models.DateTimeField(null=True)
    production_run = models.CharField(max_length=200, blank=True)
    run = models.ForeignKey(
        ProductionRun, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    sealed_private_key = models.BinaryField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device_import", "number"], name="device_import_row_once"),
        ]
        indexes = [
            # The preview's rows of one outcome.
            models.Index(fields=["device_import", "outcome", "number"], name="device_import_row_outcome"),
            # The next devices to check and to import, and the rejected rows of a device.
            models.Index(fields=["device_import", "outcome", "device"], name="device_import_row_device"),
        ]


class KeyPair(models.Model):
    """A device's key: what it advertises, how the gateway knows it, and the sealed private key that opens its reports.

    A device carries the pairs with its `device_index` and rotates through them by `key_index`; one that we generated
    keys for is known by the MAC of the first.
    """

    batch = models.ForeignKey(KeyBatch, on_delete=models.PROTECT, related_name="key_pairs", db_index=False)
    device_index = models.PositiveIntegerField()
    key_index = models.PositiveSmallIntegerField()
    advertisement_key = models.BinaryField(max_length=28)
    hashed_key = models.CharField(max_length=44, unique=True, help_text="The gateway's lookup id.")
    mac = models.CharField("MAC", max_length=17, unique=True)
    sealed_private_key = models.BinaryField(editable=False)
    # No way back from the tracker: code that may not import this app must not reach key pairs either.
    tracker = models.ForeignKey(Tracker, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Which file the device came by; looked up from here only, and imports are never deleted.
    device_import = models.ForeignKey(
        DeviceImport, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            # Also the index for a batch's keys in the order of an export.
            models.UniqueConstraint(
                fields=["batch", "device_index", "key_index"], name="key_pair_position_once_per_batch"
            ),
            models.UniqueConstraint(fields=["advertisement_key"], name="key_pair_advertisement_key_unique"),
            models.CheckConstraint(
                condition=Exact(byte_length("advertisement_key"), KEY_BYTES),
                name="key_pair_advertisement_key_28_bytes",
            ),
            models.CheckConstraint(
                condition=Exact(F("hashed_key"), hash_of("advertisement_key")),
                name="key_pair_hash_is_of_its_key",
            ),
            models.CheckConstraint(
                condition=Q(key_index__lt=MAX_KEYS_PER_DEVICE), name="key_pair_key_index_below_50"
            ),
        ]

    def __str__(self) -> str:
        return self.mac


class ManufacturerExportQuerySet(models.QuerySet["ManufacturerExport"]):
    def visible_to(self, user: Viewer) -> Self:
        """Those of the batches that the user may see."""
        return self.filter(batch__in=KeyBatch.objects.visible_to(user))


@audited()
class ManufacturerExport(models.Model):
    """That a batch's public keys were written in a format, for whom, and that they arrived.

    The file itself is not kept: the same batch and format give the same bytes again, and `sha256` proves it.
    """

    batch = models.ForeignKey(KeyBatch, on_delete=models.PROTECT, related_name="exports")
    format = models.CharField(max_length=30)
    sha256 = models.CharField("SHA-256", max_length=64)
    rows = models.PositiveIntegerField("keys")
    size_bytes = models.PositiveBigIntegerField("bytes")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = ManufacturerExportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="manufacturer_export_sha256_is_hex"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.format} of {self.batch}"
