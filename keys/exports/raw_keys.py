"""Raw keys, one file for each device, in a zip: its keys of 28 bytes, one after another and nothing else.

For firmware with one key, and for images in which a placeholder is overwritten.
"""

from collections.abc import Iterable, Iterator

from keys.exports.formats import Batch, Device, ExportFormat, register
from keys.exports.zipping import Member, zipped


def write(batch: Batch, devices: Iterable[Device]) -> Iterator[bytes]:
    yield from zipped(Member(f"{device.serial}.bin", b"".join(device.keys)) for device in devices)


register(ExportFormat("raw", "Raw keys for each device (zip)", "-raw.zip", "application/zip", write))
