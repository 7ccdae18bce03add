"""Takes the checked rows of an import into stock: their trackers, key pairs and assignments."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import PurePath

from django.conf import settings

from clients.models import ProductionRun
from foundation import bulk, sql
from keys.imports.verdicts import Facts
from keys.models import DeviceImport, DeviceImportRow, KeyBatch
from keys.vault import Vault
from trackers.models import Tracker
from trackers.services import assigning
from trackers.services.registering import NewTracker, register_trackers

ADD_KEY_PAIRS = sql.load("keys/add_key_pairs")
LINK_ROWS = sql.load("keys/link_rows")


def lock_batches(batch_ids: Collection[int]) -> None:
    """Lock the batches, in the order of their ids: who registers their devices does so one after the other."""
    list(KeyBatch.objects.select_for_update(no_key=True).filter(pk__in=batch_ids).order_by("pk"))


def register_rows(*, device_import: DeviceImport, rows: Sequence[Facts], now: datetime) -> None:
    """Take rows that were found valid into stock, in the caller's transaction and after `lock_batches`.

    A tracker for each, linked with all key pairs of its device; where a private key comes along, in the import's own
    batch; where a run is named, ACTIVE and assigned from the run's start. The rows are deleted. Raises
    `TrackerTakenError` or `django.db.IntegrityError` if somebody registered one of them in the meantime, and
    `vault.VaultError`.
    """
    brought = [row.id for row in rows if row.pair_id is None]
    if brought:
        batch, first = _batch_of_fleet(device_import, len(brought), now)
        bulk.execute(ADD_KEY_PAIRS, {"batch_id": batch.pk, "first": first, "row_ids": brought})
    row_ids = [row.id for row in rows]
    tracker_ids = register_trackers(devices=[_new_tracker(row) for row in rows], now=now)
    bulk.execute(LINK_ROWS, {"row_ids": row_ids, "tracker_ids": [tracker_ids[row.mac] for row in rows]})
    _assign(tracker_ids, rows, now)
    DeviceImportRow.objects.filter(pk__in=row_ids).delete()


def _new_tracker(row: Facts) -> NewTracker:
    """A device of a run is on its way to it already."""
    return NewTracker(
        mac=row.mac,
        serial=row.serial or None,
        firmware=row.firmware,
        hardware_revision=row.hardware_revision,
        manufactured_at=row.manufactured_at,
        state=Tracker.State.ACTIVE if row.run_id else Tracker.State.IN_STOCK,
    )


def _assign(tracker_ids: Mapping[str, int], rows: Sequence[Facts], now: datetime) -> None:
    of_run: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        if row.run_id:
            of_run[row.run_id].append(tracker_ids[row.mac])
    for run in ProductionRun.objects.filter(pk__in=of_run):
        start = datetime.combine(run.start_date, time.min, UTC)
        assigning.assign(tracker_ids=of_run[run.pk], run=run, start=start, now=now)


def _batch_of_fleet(device_import: DeviceImport, devices: int, now: datetime) -> tuple[KeyBatch, int]:
    """The batch of the import's own private keys, grown by this many devices, and the index of the first of them."""
    if device_import.batch_id:
        batch = KeyBatch.objects.select_for_update(no_key=True).get(pk=device_import.batch_id)
        first = batch.devices
        batch.devices = batch.generated_devices = first + devices
        batch.save(update_fields=["devices", "generated_devices"])
        return batch, first
    vault = Vault.from_encoded(settings.VAULT_MASTER_KEYS)
    device_import.batch = KeyBatch.objects.create(
        label=_free_label(device_import),
        devices=devices,
        generated_devices=devices,
        note=f"Brought along by {device_import.file_name}",
        state=KeyBatch.State.GENERATED,
        # The first master key seals, also if it is another one since the file came in.
        sealed_data_key=vault.reseal_data_key(bytes(device_import.sealed_data_key or b"")),
        created_at=now,
        created_by=device_import.created_by,
        generated_at=now,
    )
    device_import.sealed_data_key = None
    device_import.save(update_fields=["batch", "sealed_data_key"])
    return device_import.batch, 0


def _free_label(device_import: DeviceImport) -> str:
    label = PurePath(device_import.file_name).stem[:80]
    taken = KeyBatch.objects.filter(label=label).exists()
    return f"{label} (import {device_import.pk})" if taken or not label else label
