"""Keyfiles, one for each device, in a zip: a byte N, then N keys of 28 bytes. ESP32 firmware takes one whole."""

from collections.abc import Iterable, Iterator

from keys.exports.formats import Batch, Device, ExportFormat, register
from keys.exports.zipping import Member, zipped


def write(batch: Batch, devices: Iterable[Device]) -> Iterator[bytes]:
    yield from zipped(
        Member(f"{device.serial}.keyfile", bytes([len(device.keys)]) + b"".join(device.keys))
        for device in devices
    )


register(ExportFormat("keyfile", "Keyfile for each device (zip)", "-keyfiles.zip", "application/zip", write))
