"""How fast a file of manufactured devices comes into stock: read, checked and imported."""

import base64
import csv
import io
import time
from datetime import datetime

from keys.models import KeyPair
from simulation.devices import import_devices, make_batch

DEVICES = 20_000


def measure(*, now: datetime) -> dict[str, float]:
    """Import the devices of a fresh batch. Raises ValueError unless all of them arrive."""
    batch = make_batch(label="Benchmark of imports", devices=DEVICES, keys_per_device=1, actor=None, now=now)
    content = _file_of(batch.pk)
    begin = time.perf_counter()
    import_devices(content=content, file_name="benchmark.csv", batch=batch, devices=DEVICES, now=now)
    seconds = time.perf_counter() - begin
    return {"import_rows_per_s": round(DEVICES / seconds)}


def _file_of(batch_id: int) -> bytes:
    """What a manufacturer sends back for a whole batch."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["mac", "serial", "key", "firmware", "manufactured_at"])
    pairs = KeyPair.objects.filter(batch=batch_id).order_by("device_index", "key_index")
    for mac, index, key in pairs.values_list("mac", "device_index", "advertisement_key").iterator():
        encoded = base64.b64encode(key).decode("ascii")
        writer.writerow([mac, f"BENCH-{index:06}", encoded, "1.0.0", "2026-03-10"])
    return buffer.getvalue().encode()
