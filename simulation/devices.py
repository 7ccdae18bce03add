"""Devices for benchmarks and tests, made and received into stock by the services that everybody uses."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from keys.models import DeviceImport, KeyBatch, KeyPair
from keys.services import generating, importing, staging
from trackers.models import Tracker


def make_batch(*, now: datetime, **fields: Any) -> KeyBatch:
    """A GENERATED batch; takes and raises what `generating.create_batch` does."""
    batch = generating.create_batch(now=now, **fields)
    while generating.continue_batch(batch=batch, now=now):
        pass
    batch.refresh_from_db()
    return batch


def import_devices(*, content: bytes, file_name: str, batch: KeyBatch, devices: int, now: datetime) -> None:
    """Import a file of this many devices of a batch. Raises ValueError unless all of them are new in stock."""
    device_import = staging.receive(
        content=content,
        file_name=file_name,
        batch=batch,
        manufacturer=None,
        accept_mac_mismatch=False,
        confirmed=True,
        actor=None,
        now=now,
    )
    while importing.continue_import(device_import=device_import, now=now):
        pass
    device_import.refresh_from_db()
    if (device_import.state, device_import.imported) != (DeviceImport.State.DONE, devices):
        raise ValueError(f"{device_import.imported} of {devices} devices were imported.")


def stock_devices(*, batch: KeyBatch, serials: Mapping[int, str | None], now: datetime) -> list[Tracker]:
    """Import devices of a batch, given by their index with their serials; returns the trackers in that order.

    Raises ValueError unless all of them are new in stock.
    """
    pairs = KeyPair.objects.filter(batch=batch, device_index__in=serials.keys(), key_index=0)
    rows = [
        {
            "mac": pair.mac,
            "serial": serials[pair.device_index],
            "key": base64.b64encode(pair.advertisement_key).decode("ascii"),
        }
        for pair in pairs.order_by("device_index")
    ]
    import_devices(
        content=json.dumps(rows).encode(),
        file_name="devices.json",
        batch=batch,
        devices=len(serials),
        now=now,
    )
    trackers = Tracker.objects.in_bulk([row["mac"] for row in rows], field_name="mac")
    return [trackers[row["mac"]] for row in rows if row["mac"]]
