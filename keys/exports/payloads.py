"""Advertisement payloads as they go on the air: for each key its address and the 31 bytes, in hex.

For firmware that sets address and payload as they are, and computes nothing.
"""

from collections.abc import Iterable, Iterator

from keys import advertisement
from keys.exports.formats import Batch, Device, ExportFormat, register


def write(batch: Batch, devices: Iterable[Device]) -> Iterator[bytes]:
    yield b"serial,key_index,mac,payload_hex\r\n"
    for device in devices:
        for key_index, key in enumerate(device.keys):
            mac = advertisement.mac_address(key)
            payload = advertisement.advertisement_payload(key).hex()
            yield f"{device.serial},{key_index},{mac},{payload}\r\n".encode()


register(
    ExportFormat(
        "payloads",
        "Advertisement payloads, 31 bytes (CSV)",
        "-payloads.csv",
        "text/csv; charset=utf-8",
        write,
    )
)
