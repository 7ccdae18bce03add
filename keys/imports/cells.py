"""Single cells: parsed, or refused with a reason that says what to do. What spreadsheets spoil is recognised."""

import base64
import binascii
import re
from datetime import UTC, datetime

from keys import advertisement
from keys.imports.problems import is_key, quoted
from trackers.mac import InvalidMacError, parse_mac

HASH_BYTES = 32
FIRST_YEAR, LAST_YEAR = 2000, 2099

_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?E[+-]\d+", re.IGNORECASE)
_SPREADSHEET_ERROR = re.compile(r"#[A-Z/0]+[!?]?")
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d\d.*)?|\d{1,2}[-/. ][a-z]{3,9}[-/. ]\d{2,4}|\d{1,4}:\d\d:\d\d",
    re.IGNORECASE,
)
_HEX = re.compile(r"(?:0x)?[0-9a-f]+", re.IGNORECASE)
_FORMULA = ("=", "+", "-", "@")
_KEEP_TEXT = "format the column as text before the values are pasted or opened"


class BadCellError(ValueError):
    """`code` is stable; the message says what to do and never holds what could be a key."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def mac(text: str) -> str:
    """A MAC in any common notation, as `E2:7B:7C:0B:3A:2F`. Raises BadCellError."""
    if not text:
        raise BadCellError("missing", "The MAC is missing.")
    refuse_mangled(text, "MAC")
    if re.fullmatch(r"\d{1,11}", text):
        raise BadCellError(
            "mangled_by_spreadsheet",
            f"{quoted(text)} has only {len(text)} digits: a spreadsheet dropped the zeros in front. Take the MAC"
            f" from the source again, and {_KEEP_TEXT}.",
        )
    try:
        return parse_mac(text)
    except InvalidMacError:
        raise BadCellError(
            "invalid_mac", f"{quoted(text)} is no MAC address: write it as E2:7B:7C:0B:3A:2F."
        ) from None


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
    except advertisement.LeadingZeroKeyError:
        raise BadCellError(
            "unusable_key",
            "Its advertisement key begins with 0x00: the device's firmware would not send it. Renew the key.",
        ) from None
    except advertisement.InvalidPrivateKeyError:
        raise BadCellError("invalid_private_key", "The private key is no valid one for P-224.") from None


def text(value: str, what: str, longest: int) -> str:
    """A short text without control characters that is no formula. Raises BadCellError."""
    if len(value) > longest:
        raise BadCellError("too_long", f"The {what} has more than {longest} characters.")
    if is_key(value):
        raise BadCellError("key_in_wrong_column", f"The {what} is a key: it is in the wrong column.")
    if not value.isprintable():
        raise BadCellError(
            "control_character", f"The {what} contains a line break or another character without a shape."
        )
    if value.startswith(_FORMULA):
        raise BadCellError(
            "formula",
            f"The {what} {quoted(value)} begins with {value[0]!r}, which spreadsheets take for a formula: leave"
            " that off.",
        )
    if _SCIENTIFIC.fullmatch(value) or _SPREADSHEET_ERROR.fullmatch(value):
        refuse_mangled(value, what)
    return value


def moment(value: str) -> datetime | None:
    """A day or a time in ISO 8601, in UTC where it has no offset; None for an empty cell. Raises BadCellError."""
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        parsed = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCellError(
            "invalid_date", f"{quoted(value)} is no date: write 2026-03-10, or 2026-03-10T08:00:00Z."
        ) from None
    if not FIRST_YEAR <= parsed.year <= LAST_YEAR or value.isdigit():
        raise BadCellError(
            "invalid_date", f"{quoted(value)} is no date between the years 2000 and 2099 like 2026-03-10."
        )
    return parsed


def refuse_mangled(value: str, what: str) -> None:
    """Raise BadCellError for what a spreadsheet made of a cell that it took for a number, a date or a formula."""
    for pattern, made in ((_SCIENTIFIC, "a number"), (_SPREADSHEET_ERROR, "a formula"), (_DATE, "a date")):
        if pattern.fullmatch(value):
            raise BadCellError(
                "mangled_by_spreadsheet",
                f"{quoted(value)}: a spreadsheet took the {what} for {made}. Take it from the source again, and"
                f" {_KEEP_TEXT}.",
            )


def _decode(value: str, what: str) -> bytes:
    """The bytes of base64 (either alphabet, padded or not) or hex."""
    if not value:
        raise BadCellError("missing", f"The {what} is missing.")
    refuse_mangled(value, what)
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
