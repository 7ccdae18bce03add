"""The columns of a file of devices: their names, what else people call them, and how their cells are read."""

from collections.abc import Collection

from foundation.tables import Column, Table, UnreadableFileError
from keys.imports import cells
from keys.imports.secrecy import could_be_key
from trackers.naming import MAC_HEADERS, SERIAL_HEADERS

MAC = "mac"
SERIAL = "serial"
KEY = "key"
HASHED_KEY = "hashed_key"
PRIVATE_KEY = "private_key"
FIRMWARE = "firmware"
HARDWARE_REVISION = "hardware_revision"
MANUFACTURED_AT = "manufactured_at"
PRODUCTION_RUN = "production_run"
# Which of its device's keys a row is about, counted from 0; a file with one row a device needs none.
KEY_INDEX = "key_index"
# As our own exports have them beside the key: they have to agree with it.
KEY_IN_HEX = "advertisement_key_hex"
PAYLOAD = "payload"

KEY_COLUMNS = (KEY, HASHED_KEY, PRIVATE_KEY)


def require(found: Collection[str]) -> None:
    """Raise UnreadableFileError if a device could not be told by these columns."""
    if MAC not in found:
        raise UnreadableFileError("The column mac is missing: add it, with the MAC address of each device.")
    if not {*KEY_COLUMNS, KEY_IN_HEX} & set(found):
        raise UnreadableFileError(
            "The column key is missing: add it, with an advertisement key (base64 or hex) or a hashed key of each"
            " device."
        )


TABLE = Table(
    item="device",
    example=(MAC, SERIAL, KEY),
    require=require,
    conceal=could_be_key,
    columns=(
        Column(MAC, MAC_HEADERS, cells.mac),
        Column(SERIAL, SERIAL_HEADERS, cells.serial),
        Column(KEY_INDEX, (), cells.key_index, otherwise=None),
        # What a row's keys are is told by all of them together: `rows` reads them.
        Column(
            KEY,
            (
                "advertisement_key",
                "advertisement_key_base64",
                "advertisement_key_b64",
                "adv_key",
                "public_key",
            ),
        ),
        Column(HASHED_KEY, ("hashed_adv_key", "hashed_advertisement_key", "key_hash", "hash")),
        Column(PRIVATE_KEY, ("privatekey", "private")),
        Column(FIRMWARE, ("firmware_version", "fw"), cells.short_text("firmware", 32)),
        Column(
            HARDWARE_REVISION,
            ("hardware", "hardware_version", "hw"),
            cells.short_text("hardware revision", 32),
        ),
        Column(MANUFACTURED_AT, ("manufactured", "manufacturing_date"), cells.moment, otherwise=None),
        Column(PRODUCTION_RUN, ("run",), cells.short_text("production run", 200)),
        Column(KEY_IN_HEX, listed=False),
        Column(PAYLOAD, ("payload_hex", "advertisement_payload"), listed=False),
    ),
)
