"""Takes devices into stock: of a key batch by their place in it, or the checked rows of an import."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import PurePath

import structlog
from django.conf import settings
from django.db import transaction

from clients.models import ProductionRun
from foundation import bulk, sql
from foundation.errors import DomainError
from keys.imports.verdicts import Facts
from keys.models import DeviceImport, DeviceImportRow, KeyBatch, KeyPair
from keys.vault import Vault
from trackers.models import Tracker
from trackers.services import assigning

log = structlog.get_logger(__name__)

REGISTER_ROWS = sql.load("keys/register_rows")
LINK_KEY_PAIRS = """
UPDATE keys_keypair AS pair
SET tracker_id = device.tracker_id
FROM unnest(%(device_indexes)s::integer[], %(tracker_ids)s::bigint[]) AS device (device_index, tracker_id)
WHERE pair.batch_id = %(batch_id)s AND pair.device_index = device.device_index
"""
LINK_ROWS = """
UPDATE keys_keypair AS pair
SET tracker_id = tracker.id, device_import_id = row.device_import_id
FROM keys_deviceimportrow AS row
JOIN keys_keypair AS named ON named.hashed_key = row.hashed_key
JOIN trackers_tracker AS tracker ON tracker.mac = row.mac
WHERE row.id = ANY(%(row_ids)b::bigint[])
    AND pair.batch_id = named.batch_id
    AND pair.device_index = named.device_index
"""
ADD_KEY_PAIRS = """
INSERT INTO keys_keypair (
    batch_id, device_index, key_index, advertisement_key, hashed_key, mac, sealed_private_key
)
SELECT
    %(batch_id)s,
    %(first)s + row_number() OVER (ORDER BY number) - 1,
    0,
    advertisement_key,
    hashed_key,
    key_mac,
    sealed_private_key
FROM keys_deviceimportrow
WHERE id = ANY(%(row_ids)b::bigint[])
"""


class BatchNotGeneratedError(DomainError):
    code = "batch_not_generated"


class DeviceNotRegistrableError(DomainError):
    code = "device_not_registrable"


def register_devices(*, batch: KeyBatch, serials: Mapping[int, str | None], now: datetime) -> list[Tracker]:
    """Take devices of a GENERATED batch into stock: one tracker each, linked with the device's key pairs.

    serials: serial number by device index, None where there is none. A tracker's MAC is that of the device's first
    key. One transaction; returns the trackers by device index. Raises BatchNotGeneratedError, or
    DeviceNotRegistrableError for a device that is not in the batch or registered already, or a serial that is taken.
    """
    with transaction.atomic():
        batch = KeyBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
        if batch.state != KeyBatch.State.GENERATED:
            raise BatchNotGeneratedError(
                f"{batch} is not generated yet: wait until all of its keys are there."
            )
        _refuse_taken_serials(serials)
        macs = dict(
            KeyPair.objects.filter(
                batch=batch, device_index__in=serials.keys(), key_index=0, tracker=None
            ).values_list("device_index", "mac")
        )
        if unknown := serials.keys() - macs.keys():
            raise DeviceNotRegistrableError(
                f"{batch} has no device {min(unknown)} that waits to be registered ({len(unknown)} such in all)."
            )
        trackers = Tracker.objects.bulk_create(
            Tracker(mac=macs[index], serial=serials[index], created_at=now) for index in sorted(serials)
        )
        linked = zip(sorted(serials), (tracker.pk for tracker in trackers), strict=True)
        arrays = bulk.transposed(list(linked), ("device_indexes", "tracker_ids"))
        bulk.execute(LINK_KEY_PAIRS, arrays | {"batch_id": batch.pk})
    log.info("devices_registered", batch=batch.pk, devices=len(trackers))
    return trackers


def lock_batches(batch_ids: Collection[int]) -> None:
    """Lock the batches, in the order of their ids: who registers their devices does so one after the other."""
    list(KeyBatch.objects.select_for_update(no_key=True).filter(pk__in=batch_ids).order_by("pk"))


def register_rows(*, device_import: DeviceImport, rows: Sequence[Facts], now: datetime) -> None:
    """Take rows that were judged valid into stock, in the caller's transaction and behind `lock_batches`.

    A tracker for each, linked with all key pairs of its device; where a private key comes along, in the import's own
    batch; where a run is named, ACTIVE and assigned from the run's start. The rows are deleted. Raises
    `django.db.IntegrityError` if somebody registered one of them in the meantime, and `vault.VaultError`.
    """
    brought = [row.id for row in rows if row.pair_id is None]
    if brought:
        batch, first = _batch_of_fleet(device_import, len(brought), now)
        bulk.execute(ADD_KEY_PAIRS, {"batch_id": batch.pk, "first": first, "row_ids": brought})
    row_ids = [row.id for row in rows]
    trackers = dict(bulk.fetch_all(REGISTER_ROWS, {"row_ids": row_ids, "now": now}))
    bulk.execute(LINK_ROWS, {"row_ids": row_ids})
    _assign(trackers, rows, now)
    DeviceImportRow.objects.filter(pk__in=row_ids).delete()


def _assign(tracker_ids: Mapping[str, int], rows: Sequence[Facts], now: datetime) -> None:
    of_run: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        if row.run_id:
            of_run[row.run_id].append(tracker_ids[row.mac])
    for run in ProductionRun.objects.filter(pk__in=of_run):
        start = datetime.combine(run.start_date, time.min, UTC)
        assigning.assign(tracker_ids=of_run[run.pk], run=run, start=start, now=now)


def _batch_of_fleet(device_import: DeviceImport, devices: int, now: datetime) -> tuple[KeyBatch, int]:
    """The batch of the import's own private keys, grown by so many devices, and the index of the first of them."""
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


def _refuse_taken_serials(serials: Mapping[int, str | None]) -> None:
    given = [serial for serial in serials.values() if serial]
    if len(set(given)) < len(given):
        raise DeviceNotRegistrableError("A serial is given to two devices: give each its own.")
    taken = Tracker.objects.filter(serial__in=given).values_list("serial", flat=True).first()
    if taken:
        raise DeviceNotRegistrableError(f"A tracker has the serial {taken} already.")
