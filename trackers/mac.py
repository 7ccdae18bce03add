"""MAC addresses: parsed from any common notation, kept in one."""

import re

_NOTATIONS = re.compile(
    r"(?:0x)?[0-9a-f]{12}"
    r"|[0-9a-f]{2}(?P<pair>[:\-. _])[0-9a-f]{2}(?:(?P=pair)[0-9a-f]{2}){4}"
    r"|[0-9a-f]{4}(?P<quad>[:\-. ])[0-9a-f]{4}(?P=quad)[0-9a-f]{4}"
    r"|[0-9a-f]{6}[:\-][0-9a-f]{6}",
    re.IGNORECASE,
)


class InvalidMacError(ValueError):
    """The text is no MAC address in a common notation."""


def parse_mac(text: str) -> str:
    """Return an address as `E2:7B:7C:0B:3A:2F` from colons, hyphens, dots, spaces or plain hex digits.

    Raises InvalidMacError.
    """
    stripped = text.strip()
    if not _NOTATIONS.fullmatch(stripped):
        raise InvalidMacError(f"{text[:40]!r} is no MAC address: write it as E2:7B:7C:0B:3A:2F")
    digits = re.sub(r"[^0-9a-f]", "", stripped.lower().removeprefix("0x"))
    return bytes.fromhex(digits).hex(":").upper()
