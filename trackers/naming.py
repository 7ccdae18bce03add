"""How files and people name trackers: by MAC or by serial. Pure; `trackers.selectors` finds who is meant."""

import re
from typing import NamedTuple

from foundation.tables import BadCellError, cells
from foundation.tables.cells import KEEP_TEXT, plain
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
LONGEST_SERIAL = 64

_SHORTENED = re.compile(r"(\d{1,11})(?:[.,]0+)?")
_MAYBE_SHORTENED = re.compile(r"[0-9A-F]{9,11}", re.IGNORECASE)
# A spreadsheet makes 12.0 of 12, whatever it was.
_CALCULATED = re.compile(r"\d+[.,]0+")


class Name(NamedTuple):
    """What somebody calls a tracker. mac: the text as a MAC, empty if it is none; it may be a serial all the same."""

    text: str
    mac: str

    def __str__(self) -> str:
        return self.mac or self.text

    @property
    def may_be_shortened(self) -> bool:
        """Whether it may be a MAC without the zeros in front, as spreadsheets leave them."""
        return not self.mac and bool(_MAYBE_SHORTENED.fullmatch(self.text))


def name_of(text: str) -> Name:
    """The name that a text is, without what nobody sees in it."""
    cleaned = cells.clean(text, LONGEST_SERIAL)
    try:
        return Name(cleaned, parse_mac(text))
    except InvalidMacError:
        return Name(cleaned, "")


def read_name(text: str) -> Name:
    """The MAC or serial of a cell. Raises BadCellError for what is neither, and for what a spreadsheet made of one."""
    cells.refuse_other_types(text, what="name")
    name = name_of(text)
    if name.mac:
        return name
    cells.refuse_mangled(name.text, what="MAC or serial")
    if _CALCULATED.fullmatch(name.text) or is_no_device(text):
        # Raises.
        read_mac(text)
    try:
        return Name(cells.text(name.text, what="serial", longest=LONGEST_SERIAL), "")
    except BadCellError:
        message = f"{quoted(name.text)} is no MAC, such as E2:7B:7C:0B:3A:2F, and no serial."
        raise BadCellError("invalid_name", message) from None


def is_no_device(text: str) -> bool:
    """Whether it is the address of no device, or of all of them."""
    try:
        parse_mac(text)
    except NoDeviceError:
        return True
    except InvalidMacError:
        pass
    return False


def read_mac(text: str, *, conceal: Conceal = nothing_secret) -> str:
    """The MAC of a cell in any common notation, as `E2:7B:7C:0B:3A:2F`. Raises BadCellError, also for what a
    spreadsheet made of a MAC."""
    text = plain(text)
    if not text:
        raise BadCellError("missing", "The MAC is missing.")
    cells.refuse_mangled(text, what="MAC", conceal=conceal)
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
