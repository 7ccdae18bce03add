"""How files and people name trackers: by MAC or by serial. Pure; `trackers.selectors` finds who is meant."""

import re

from foundation.tables import BadCellError
from foundation.tables.cells import KEEP_TEXT, plain, refuse_mangled
from foundation.tables.problems import Conceal, nothing_secret, quoted
from trackers.mac import InvalidMacError, NoDeviceError, parse_mac

# What else a column of MACs or of serials is called.
MAC_HEADERS = (
    "mac_address",
    "macaddress",
    "mac_adresse",
    "macadresse",
    "address",
    "ble_mac",
    "blemac",
    "bluetooth_address",
    "bluetooth_mac",
    "bluetoothmac",
)
SERIAL_HEADERS = ("serial_number", "serialnumber", "serial_no", "sn")

_SHORTENED = re.compile(r"(\d{1,11})(?:[.,]0+)?")


def read_mac(text: str, *, conceal: Conceal = nothing_secret) -> str:
    """The MAC of a cell in any common notation, as `E2:7B:7C:0B:3A:2F`. Raises BadCellError, also for what a
    spreadsheet made of a MAC."""
    text = plain(text)
    if not text:
        raise BadCellError("missing", "The MAC is missing.")
    refuse_mangled(text, what="MAC", conceal=conceal)
    if shortened := _SHORTENED.fullmatch(text):
        raise BadCellError(
            "mangled_by_spreadsheet",
            f"{quoted(text, conceal)} has only {len(shortened[1])} digits: a spreadsheet dropped the zeros in front."
            f" Take the MAC from the source again, and {KEEP_TEXT}.",
        )
    try:
        return parse_mac(text)
    except NoDeviceError as error:
        raise BadCellError("no_device", f"{error}.") from None
    except InvalidMacError:
        raise BadCellError(
            "invalid_mac", f"{quoted(text, conceal)} is no MAC address: write it as E2:7B:7C:0B:3A:2F."
        ) from None
