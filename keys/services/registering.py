"""Takes the devices of a key batch into stock."""

from collections.abc import Mapping
from datetime import datetime

import structlog
from django.db import transaction

from clients import bulk
from clients.errors import DomainError
from keys.models import KeyBatch, KeyPair
from trackers.models import Tracker

log = structlog.get_logger(__name__)

LINK_KEY_PAIRS = """
UPDATE keys_keypair AS pair
SET tracker_id = device.tracker_id
FROM unnest(%(device_indexes)s::integer[], %(tracker_ids)s::bigint[]) AS device (device_index, tracker_id)
WHERE pair.batch_id = %(batch_id)s AND pair.device_index = device.device_index
"""


class BatchNotGenerated(DomainError):
    code = "batch_not_generated"


class DeviceNotRegistrable(DomainError):
    code = "device_not_registrable"


def register_devices(*, batch: KeyBatch, serials: Mapping[int, str | None], now: datetime) -> list[Tracker]:
    """Take devices of a GENERATED batch into stock: one tracker each, linked with the device's key pairs.

    serials: serial number by device index, None where there is none. A tracker's MAC is that of the device's first
    key. One transaction; returns the trackers by device index. Raises BatchNotGenerated, or DeviceNotRegistrable for
    a device that is not in the batch or registered already, or a serial that is taken.
    """
    with transaction.atomic():
        batch = KeyBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
        if batch.state != KeyBatch.State.GENERATED:
            raise BatchNotGenerated(f"{batch} is not generated yet: wait until all of its keys are there.")
        _refuse_taken_serials(serials)
        macs = dict(
            KeyPair.objects.filter(
                batch=batch, device_index__in=serials.keys(), key_index=0, tracker=None
            ).values_list("device_index", "mac")
        )
        if unknown := serials.keys() - macs.keys():
            raise DeviceNotRegistrable(
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


def _refuse_taken_serials(serials: Mapping[int, str | None]) -> None:
    given = [serial for serial in serials.values() if serial]
    if len(set(given)) < len(given):
        raise DeviceNotRegistrable("A serial is given to two devices: give each its own.")
    taken = Tracker.objects.filter(serial__in=given).values_list("serial", flat=True).first()
    if taken:
        raise DeviceNotRegistrable(f"A tracker has the serial {taken} already.")
