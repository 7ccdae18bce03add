"""Cells of a file of devices: MACs, keys, and texts in which nobody hides a key."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import datetime

from foundation.tables import cells
from foundation.tables.cells import KEEP_TEXT, BadCellError, plain
from foundation.tables.problems import quoted
from keys import advertisement
from keys.advertisement import MAX_KEYS_PER_DEVICE
from keys.imports.secrecy import could_be_key, is_key
from trackers import naming

HASH_BYTES = 32

_HEX = re.compile(r"(?:0x)?[0-9a-f]+", re.IGNORECASE)
# 12.0, 1.5e3, 1e+3; not 12E3, which may be a serial.
_CALCULATED = re.compile(r"\d+[.,]0+|\d+[.,]\d+E[+-]?\d+|\d+E[+-]\d+", re.IGNORECASE)


def mac(text: str) -> str:
    """A MAC in any common notation, as `E2:7B:7C:0B:3A:2F`. Raises BadCellError."""
    return naming.read_mac(text, conceal=could_be_key)


def key_index(text: str) -> int | None:
    """Which of its device's keys a row is about, 0 to 49; None for an empty cell. Raises BadCellError."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) < MAX_KEYS_PER_DEVICE):
        raise BadCellError(
            "invalid_key_index",
            f"{quoted(text, could_be_key)} is no number of a key: a device has at most {MAX_KEYS_PER_DEVICE}, numbered"
            " 0, 1, 2 and so on.",
        )
    return int(text)


def public_key(text: str) -> tuple[bytes | None, str]:
    """The advertisement key (28 bytes, None where only its hash is given) and the hashed key in base64.

    Raises BadCellError.
    """
    raw = _decode(text, "key")
    if len(raw) == advertisement.KEY_BYTES:
        return raw, advertisement.hashed_key(raw)
    if len(raw) == HASH_BYTES:
        return None, base64.b64encode(raw).decode("ascii")
    raise BadCellError(
        "invalid_key",
        f"The key has {len(raw)} bytes: an advertisement key has 28 (40 characters of base64, 56 of hex), a hashed key"
        " 32 (44 of base64).",
    )


def private_key(text: str) -> advertisement.KeyPair:
    """The key pair of a private key of 28 bytes. Raises BadCellError, without a word of the key."""
    raw = _decode(text, "private key")
    if len(raw) != advertisement.KEY_BYTES:
        raise BadCellError(
            "invalid_private_key", f"The private key has {len(raw)} bytes: it needs 28, in base64 or hex."
        )
    try:
        return advertisement.derive_key_pair(raw)
    except advertisement.InvalidPrivateKeyError:
        raise BadCellError("invalid_private_key", "The private key is no valid one for P-224.") from None


def serial(value: str) -> str:
    """A serial, which is no number that a program wrote with a fraction or an exponent. Raises BadCellError."""
    if _CALCULATED.fullmatch(value):
        raise BadCellError(
            "mangled_by_spreadsheet",
            f"{quoted(value, could_be_key)}: a program took the serial for a number. Take it from the source again, and"
            f" {KEEP_TEXT}.",
        )
    return _serial(value)


def payload(value: str) -> bytes:
    """The 31 bytes that a device advertises, from hex. Raises BadCellError."""
    digits = plain(value).lower().removeprefix("0x")
    if not _HEX.fullmatch(digits) or len(digits) != 2 * advertisement.PAYLOAD_BYTES:
        raise BadCellError("invalid_payload", "The payload is not 31 bytes in hex: copy it whole.")
    return bytes.fromhex(digits)


def short_text(what: str, longest: int) -> Callable[[str], str]:
    """The reader of a text of at most this many characters that is neither a key nor a formula."""

    def read(value: str) -> str:
        if is_key(value) and len(value) <= longest:
            raise BadCellError("key_in_wrong_column", f"The {what} is a key: it is in the wrong column.")
        return cells.text(value, what=what, longest=longest, conceal=could_be_key)

    return read


_serial = short_text("serial", 64)


def moment(value: str) -> datetime | None:
    """A day or a time in ISO 8601; None for an empty cell. Raises BadCellError."""
    return cells.moment(value, conceal=could_be_key)


def _decode(value: str, what: str) -> bytes:
    """The bytes of base64 (either alphabet, padded or not) or hex."""
    cells.refuse_other_types(value, what=what)
    value = plain(value)
    if not value:
        raise BadCellError("missing", f"The {what} is missing.")
    cells.refuse_mangled(value, what=what, conceal=could_be_key)
    digits = value.lower().removeprefix("0x")
    if _HEX.fullmatch(value) and len(digits) in (2 * advertisement.KEY_BYTES, 2 * HASH_BYTES):
        return bytes.fromhex(digits)
    padded = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadCellError(
            f"invalid_{what.replace(' ', '_')}", f"The {what} is neither base64 nor hex: copy it whole."
        ) from None
