"""Files of devices for the tests of every entrance."""

import base64
import csv
import io
import json

from keys.models import DeviceImport, KeyBatch, KeyPair
from keys.services import importing, staging
from simulation.devices import make_batch
from tests.factories import NOW

PRIVATE_KEY = base64.b64encode(bytes(range(1, 29))).decode()
PRIVATE_KEY_MAC = "E2:7B:7C:0B:3A:2F"


def generate(label: str = "Batch", devices: int = 3, keys_per_device: int = 1, **fields: object) -> KeyBatch:
    batch = make_batch(label=label, devices=devices, keys_per_device=keys_per_device, actor=None, now=NOW)
    KeyBatch.objects.filter(pk=batch.pk).update(**fields)
    batch.refresh_from_db()
    return batch


def devices_of(batch: KeyBatch, **more: str) -> list[dict[str, str]]:
    """A row for each device, with the first of its keys."""
    pairs = KeyPair.objects.filter(batch=batch, key_index=0).order_by("device_index")
    return [
        {
            "mac": pair.mac,
            "serial": f"{batch.label}-{pair.device_index}",
            "key": base64.b64encode(pair.advertisement_key).decode(),
        }
        | more
        for pair in pairs
    ]


def as_csv(rows: list[dict[str, str]], delimiter: str = ",") -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, names, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def as_json(rows: list[dict[str, str]]) -> bytes:
    return json.dumps(rows).encode()


def receive(content: bytes | list[dict[str, str]], **options: object) -> DeviceImport:
    given: dict[str, object] = {
        "file_name": "devices.csv",
        "batch": None,
        "manufacturer": None,
        "accept_mac_mismatch": False,
        "confirmed": True,
        "actor": None,
        "now": NOW,
    }
    return staging.receive(
        content=content if isinstance(content, bytes) else as_csv(content), **(given | options)
    )


def go_on(device_import: DeviceImport, now: object = NOW) -> DeviceImport:
    while importing.continue_import(device_import=device_import, now=now):
        pass
    device_import.refresh_from_db()
    return device_import


def import_file(content: bytes | list[dict[str, str]], **options: object) -> DeviceImport:
    return go_on(receive(content, **options))


def counts(device_import: DeviceImport) -> tuple[str, int, int, int]:
    """State, imported, unchanged, rejected."""
    return (device_import.state, device_import.imported, device_import.unchanged, device_import.rejected)
