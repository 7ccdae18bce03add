"""The columns of a file of devices: their names, and what else people call them."""

import difflib
import re
from collections.abc import Sequence

from keys.imports.problems import UnreadableFileError, quoted

MAC = "mac"
SERIAL = "serial"
KEY = "key"
HASHED_KEY = "hashed_key"
PRIVATE_KEY = "private_key"
FIRMWARE = "firmware"
HARDWARE_REVISION = "hardware_revision"
MANUFACTURED_AT = "manufactured_at"
PRODUCTION_RUN = "production_run"
# Which of its device's keys a row of our own exports is about.
KEY_INDEX = "key_index"

COLUMNS = (
    MAC,
    SERIAL,
    KEY,
    HASHED_KEY,
    PRIVATE_KEY,
    FIRMWARE,
    HARDWARE_REVISION,
    MANUFACTURED_AT,
    PRODUCTION_RUN,
)
KEY_COLUMNS = (KEY, HASHED_KEY, PRIVATE_KEY)
ROW = "row"
PROBLEMS = "problems"

_ALIASES = {
    "mac_address": MAC,
    "address": MAC,
    "ble_mac": MAC,
    "bluetooth_address": MAC,
    "serial_number": SERIAL,
    "serialnumber": SERIAL,
    "sn": SERIAL,
    "advertisement_key": KEY,
    "advertisement_key_base64": KEY,
    "advertisement_key_b64": KEY,
    "adv_key": KEY,
    "public_key": KEY,
    "hashed_adv_key": HASHED_KEY,
    "hashed_advertisement_key": HASHED_KEY,
    "key_hash": HASHED_KEY,
    "hash": HASHED_KEY,
    "privatekey": PRIVATE_KEY,
    "private": PRIVATE_KEY,
    "firmware_version": FIRMWARE,
    "fw": FIRMWARE,
    "hardware": HARDWARE_REVISION,
    "hardware_version": HARDWARE_REVISION,
    "hw": HARDWARE_REVISION,
    "manufactured": MANUFACTURED_AT,
    "manufacturing_date": MANUFACTURED_AT,
    "run": PRODUCTION_RUN,
}
# Columns of our own exports and rejects, which may come back with the rows.
_PASSED_OVER = {
    ROW,
    PROBLEMS,
    "batch",
    "device",
    "device_index",
    "advertisement_key_hex",
    "payload",
    "payload_hex",
    "advertisement_payload",
}
MAX_COLUMNS = 50


def canonical(name: str) -> str | None:
    """The column that a header names: None for one to pass over; the normalised name itself where it is unknown."""
    normalised = re.sub(r"[\s\-./()]+", "_", name.strip().lower()).strip("_")
    if normalised in _PASSED_OVER:
        return None
    return _ALIASES.get(normalised, normalised)


def known(names: Sequence[str]) -> int:
    """How many of these headers are columns."""
    return sum(canonical(name) in COLUMNS for name in names)


def resolve(names: Sequence[str]) -> list[str | None]:
    """The column of each header, None for one to pass over.

    Raises UnreadableFileError for a header that is not one, unknown or repeated columns, and missing ones.
    """
    if len(names) > MAX_COLUMNS:
        raise UnreadableFileError(f"The file has {len(names)} columns; at most {MAX_COLUMNS} can be read.")
    if not known(names):
        raise UnreadableFileError(
            f"The first row names no known column: it must be a header such as mac,serial,key. {_KNOWN}"
        )
    found: list[str | None] = []
    for name in names:
        column = canonical(name) if name.strip() else None
        if column is not None and column not in (*COLUMNS, KEY_INDEX):
            raise UnreadableFileError(
                f"Unknown column {quoted(name)}{_hint(column)}: rename or delete it. {_KNOWN}"
            )
        if column in found and column is not None:
            raise UnreadableFileError(f"The column {column} is there twice: delete one of them.")
        found.append(column)
    require(found)
    return found


def require(found: Sequence[str | None]) -> None:
    """Raise UnreadableFileError if a device could not be told by these columns."""
    if MAC not in found:
        raise UnreadableFileError("The column mac is missing: add it, with the MAC address of each device.")
    if not set(KEY_COLUMNS) & set(found):
        raise UnreadableFileError(
            "The column key is missing: add it, with an advertisement key (base64 or hex) or a hashed key of each"
            " device."
        )


_KNOWN = f"Columns are {', '.join(COLUMNS)}."


def _hint(column: str) -> str:
    close = difflib.get_close_matches(column[:100], [*COLUMNS, *_ALIASES], n=1)
    return f" (did you mean {_ALIASES.get(close[0], close[0])}?)" if close else ""
