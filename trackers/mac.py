"""MAC addresses: parsed from any common notation, kept in one."""

import re

from foundation.tables.cells import plain

# What chips and files have where there is no address, and the one that means everybody.
NO_DEVICE = frozenset({"00:00:00:00:00:00", "FF:FF:FF:FF:FF:FF"})

_NOTATIONS = re.compile(
    r"(?:0x)?[0-9a-f]{12}"
    r"|[0-9a-f]{2}(?P<pair>[:\-. _])[0-9a-f]{2}(?:(?P=pair)[0-9a-f]{2}){4}"
    r"|[0-9a-f]{4}(?P<quad>[:\-. ])[0-9a-f]{4}(?P=quad)[0-9a-f]{4}"
    r"|[0-9a-f]{6}[:\-][0-9a-f]{6}",
    re.IGNORECASE,
)


class InvalidMacError(ValueError):
    """The text is no MAC address in a common notation, or one that no device has."""


class NoDeviceError(InvalidMacError):
    """The address of no device, or of all of them."""


def parse_mac(text: str) -> str:
    """Return an address as `E2:7B:7C:0B:3A:2F` from colons, hyphens, dots, spaces or plain hex digits, whatever
    quotation marks or invisible characters a program left around it.

    Raises InvalidMacError; of its kinds NoDeviceError for 00:00:00:00:00:00 and FF:FF:FF:FF:FF:FF.
    """
    digits = plain(text)
    if not _NOTATIONS.fullmatch(digits):
        raise InvalidMacError(f"{text[:40]!r} is no MAC address: write it as E2:7B:7C:0B:3A:2F")
    digits = re.sub(r"[^0-9a-f]", "", digits.lower().removeprefix("0x"))
    mac = bytes.fromhex(digits).hex(":").upper()
    if mac in NO_DEVICE:
        raise NoDeviceError(f"{mac} is the address of no device: give the one that the device sends")
    return mac
