"""The public values of a key as text, for the formats that are tables: a row for each key."""

import base64
from collections.abc import Iterator

from keys import advertisement
from keys.exports.formats import Device


def public_rows(device: Device) -> Iterator[dict[str, str | int]]:
    """A row for each key of a device, in rotation order.

    No value holds anything but letters, digits and `+/=:-`, so no spreadsheet finds a formula to run in it.
    """
    for key_index, key in enumerate(device.keys):
        yield {
            "serial": device.serial,
            "key_index": key_index,
            "mac": advertisement.mac_address(key),
            "advertisement_key": base64.b64encode(key).decode("ascii"),
            "advertisement_key_hex": key.hex(),
            "hashed_key": advertisement.hashed_key(key),
            "payload_hex": advertisement.advertisement_payload(key).hex(),
        }
