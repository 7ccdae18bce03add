"""JSON: an array with an object for each key, one on a line."""

import json
from collections.abc import Iterable, Iterator

from keys.exports.formats import Batch, Device, ExportFormat, register
from keys.exports.rows import public_rows


def write(batch: Batch, devices: Iterable[Device]) -> Iterator[bytes]:
    before = b"[\n"
    for device in devices:
        for row in public_rows(device):
            yield before + json.dumps(row, separators=(",", ":")).encode()
            before = b",\n"
    yield b"\n]\n"


register(ExportFormat("json", "JSON, an object for each key", ".json", "application/json", write))
