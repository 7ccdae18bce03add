"""A C header: one array with the keys of all devices, in the order of their serials."""

from collections.abc import Iterable, Iterator

from keys.advertisement import KEY_BYTES
from keys.exports.formats import Batch, Device, ExportFormat, register

HEADER = """\
/* Advertisement keys of key batch {number}: public. Devices in order, each with its keys in rotation order. */
#ifndef ADVERTISEMENT_KEYS_{number}_H
#define ADVERTISEMENT_KEYS_{number}_H

#define ADVERTISEMENT_DEVICES {devices}
#define ADVERTISEMENT_KEYS_PER_DEVICE {keys_per_device}
#define ADVERTISEMENT_KEY_BYTES {key_bytes}

static const unsigned char
    advertisement_keys[ADVERTISEMENT_DEVICES][ADVERTISEMENT_KEYS_PER_DEVICE][ADVERTISEMENT_KEY_BYTES] = {{
"""
FOOTER = "};\n\n#endif\n"


def write(batch: Batch, devices: Iterable[Device]) -> Iterator[bytes]:
    yield HEADER.format(**batch._asdict(), key_bytes=KEY_BYTES).encode()
    for device in devices:
        keys = ",\n".join(f"        {{{_bytes(key)}}}" for key in device.keys)
        yield f"    {{ /* {device.serial} {device.mac} */\n{keys}\n    }},\n".encode()
    yield FOOTER.encode()


def _bytes(key: bytes) -> str:
    return "0x" + key.hex(",").replace(",", ",0x")


register(ExportFormat("c", "C header", ".h", "text/x-c; charset=utf-8", write, uneven=False))
