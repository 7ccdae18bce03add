"""Has the demo's devices made: a key batch, its export to a manufacturer, and the devices that come back into stock.

Each step is the service that ops or the manufacturer call, at a moment of the weeks before the demo begins.
"""

import csv
import io
from datetime import datetime, timedelta

from clients.models import User
from foundation import audit
from keys.models import DeviceImport, KeyBatch, Manufacturer
from keys.services import exporting, importing, staging
from simulation.devices import make_batch

BATCH = "Demo world"
MANUFACTURER = "Brightwater Devices"
KEYS_PER_DEVICE = 20
FIRMWARE, HARDWARE_REVISION = "2.4.1", "C"
# How long before the demo begins.
GENERATED_BEFORE = timedelta(days=75)
EXPORTED_BEFORE = timedelta(days=74)
ACKNOWLEDGED_BEFORE = timedelta(days=73, hours=20)
MADE_BEFORE = timedelta(days=50)
SENT_BACK_BEFORE = timedelta(days=36)
IMPORTED_BEFORE = timedelta(days=35, hours=21)

MAKING_TAKES = timedelta(minutes=12)
COLUMNS = ("mac", "serial", "advertisement_key", "firmware", "hardware_revision", "manufactured_at")


def make_devices(*, devices: int, ops: User, maker: User, now: datetime) -> KeyBatch:
    """Have this many devices made and received into stock, from their keys to the import; returns their batch.

    Ops generate, export and confirm the import; `maker` acknowledges the export and sends the devices.
    """
    with audit.acting(ops):
        manufacturer = Manufacturer.objects.create(name=MANUFACTURER, created_at=now - GENERATED_BEFORE)
        manufacturer.users.add(maker)
        batch = make_batch(
            label=BATCH,
            devices=devices,
            keys_per_device=KEYS_PER_DEVICE,
            actor=ops,
            now=now - GENERATED_BEFORE,
            manufacturer=manufacturer,
        )
    content = _export(batch, ops=ops, maker=maker, now=now)
    _import(devices_file(content, made_at=now - MADE_BEFORE), batch, ops=ops, maker=maker, now=now)
    return batch


def devices_file(exported: bytes, *, made_at: datetime) -> bytes:
    """What the manufacturer makes of the CSV export: a row for each device, with its serial and how it was made.

    The first is made at `made_at`, each of the others twelve minutes after the one before.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    first_keys = (row for row in csv.DictReader(io.StringIO(exported.decode())) if row["key_index"] == "0")
    for number, row in enumerate(first_keys):
        made = {
            "serial": f"DEMO-{number + 1:04}",
            "firmware": FIRMWARE,
            "hardware_revision": HARDWARE_REVISION,
            "manufactured_at": (made_at + number * MAKING_TAKES).isoformat(timespec="seconds"),
        }
        writer.writerow(row | made)
    return text.getvalue().encode()


def _export(batch: KeyBatch, *, ops: User, maker: User, now: datetime) -> bytes:
    out = io.BytesIO()
    export = exporting.export_batch(
        batch=batch, format_code="csv", actor=ops, now=now - EXPORTED_BEFORE, out=out
    )
    exporting.acknowledge_export(
        export=export, sha256=export.sha256, actor=maker, now=now - ACKNOWLEDGED_BEFORE
    )
    return out.getvalue()


def _import(content: bytes, batch: KeyBatch, *, ops: User, maker: User, now: datetime) -> None:
    with audit.acting(maker):
        device_import = staging.receive(
            content=content,
            file_name="demo-world-devices.csv",
            batch=batch,
            manufacturer=batch.manufacturer,
            accept_mac_mismatch=False,
            confirmed=False,
            actor=maker,
            now=now - SENT_BACK_BEFORE,
        )
    _go_through(device_import, now - SENT_BACK_BEFORE)
    importing.confirm(
        device_import=device_import, accept_mac_mismatch=False, actor=ops, now=now - IMPORTED_BEFORE
    )
    _go_through(device_import, now - IMPORTED_BEFORE)


def _go_through(device_import: DeviceImport, now: datetime) -> None:
    while importing.continue_import(device_import=device_import, now=now):
        pass
