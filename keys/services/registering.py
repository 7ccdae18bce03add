"""Takes the checked rows of an import into stock: their trackers, key pairs and assignments."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import PurePath

from django.conf import settings

from clients.models import ProductionRun
from foundation import bulk, sql
from keys.imports import columns
from keys.imports.facts import Device
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


def register_devices(*, device_import: DeviceImport, devices: Sequence[Device], now: datetime) -> None:
    """Take devices that were found valid into stock, in the caller's transaction and after `lock_batches`.

    A tracker for each, linked with all of its key pairs; where private keys come along, these in the import's own
    batch; where a run is named, ACTIVE and assigned from the run's start. The rows are deleted. Raises
    `TrackerTakenError` or `django.db.IntegrityError` if somebody registered one of them in the meantime, and
    `vault.VaultError`.
    """
    brought = [device for device in devices if device.first.pair_id is None]
    if brought:
        batch, first = _batch_of_fleet(device_import, brought, now)
        brought_ids = [row.id for device in brought for row in device.rows]
        bulk.execute(ADD_KEY_PAIRS, {"batch_id": batch.pk, "first": first, "row_ids": brought_ids})
    tracker_ids = register_trackers(devices=[_new_tracker(device) for device in devices], now=now)
    linked = {row.id: tracker_ids[device.mac] for device in devices for row in device.rows}
    row_ids = list(linked)
    bulk.execute(LINK_ROWS, {"row_ids": row_ids, "tracker_ids": list(linked.values())})
    _assign(tracker_ids, devices, now)
    DeviceImportRow.objects.filter(pk__in=row_ids).delete()


def _new_tracker(device: Device) -> NewTracker:
    """A device of a run is on its way to it already."""
    return NewTracker(
        mac=device.mac,
        serial=device.told(columns.SERIAL) or None,
        firmware=device.told(columns.FIRMWARE),
        hardware_revision=device.told(columns.HARDWARE_REVISION),
        manufactured_at=device.told(columns.MANUFACTURED_AT),
        state=Tracker.State.ACTIVE if device.run.run_id else Tracker.State.IN_STOCK,
    )


def _assign(tracker_ids: Mapping[str, int], devices: Sequence[Device], now: datetime) -> None:
    of_run: defaultdict[int, list[int]] = defaultdict(list)
    for device in devices:
        if run_id := device.run.run_id:
            of_run[run_id].append(tracker_ids[device.mac])
    for run in ProductionRun.objects.filter(pk__in=of_run):
        start = datetime.combine(run.start_date, time.min, UTC)
        assigning.assign(tracker_ids=of_run[run.pk], run=run, start=start, now=now)


def _batch_of_fleet(
    device_import: DeviceImport, devices: Sequence[Device], now: datetime
) -> tuple[KeyBatch, int]:
    """The batch of the import's own private keys, grown by these devices, and the index of the first of them. Its
    devices may have different numbers of keys: it is called by the largest."""
    keys_per_device = max(len(device.rows) for device in devices)
    if device_import.batch_id:
        batch = KeyBatch.objects.select_for_update(no_key=True).get(pk=device_import.batch_id)
        first = batch.devices
        batch.devices = batch.generated_devices = first + len(devices)
        batch.keys_per_device = max(batch.keys_per_device, keys_per_device)
        batch.save(update_fields=["devices", "generated_devices", "keys_per_device"])
        return batch, first
    vault = Vault.from_encoded(settings.VAULT_MASTER_KEYS)
    device_import.batch = KeyBatch.objects.create(
        label=_free_label(device_import),
        devices=len(devices),
        generated_devices=len(devices),
        keys_per_device=keys_per_device,
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
