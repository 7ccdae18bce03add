"""Rows of a file of devices: typed, each with the problems that can be told without the database."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from foundation.tables import BadCellError, PassedOver, Problem, Record
from foundation.tables.cells import refuse_other_types
from keys import advertisement
from keys.imports import cells, columns, native, reading
from keys.imports.grouping import Grouping
from keys.imports.reading import MAX_CELL_CHARACTERS
from keys.imports.secrecy import could_be_key, is_key

# In the order in which their problems are told.
PLAIN_COLUMNS = (
    columns.SERIAL,
    columns.KEY_INDEX,
    columns.FIRMWARE,
    columns.HARDWARE_REVISION,
    columns.PRODUCTION_RUN,
    columns.MAC,
    columns.MANUFACTURED_AT,
)
WARN_OF_ZERO = Problem(
    columns.KEY,
    "key_begins_with_zero",
    "The advertisement key begins with 0x00: some firmware does not send such a key. New batches have none.",
)


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A key of a device as the file tells it; empty values where a cell is empty or has a problem.

    device: the number of the first row of the same device. key_index: which of the device's keys it is, None where the
    file doesn't say. cells: the row as it may be shown and sent back: without anything that could be a private key.
    key_mac: the MAC that the advertisement key implies, empty where only its hash is given. brings_private_key: also
    with a bad one. is_native: of a file of another program, so that MAC and order are ours. warnings: what is taken in,
    and still worth knowing.
    """

    number: int
    cells: dict[str, str]
    problems: list[Problem]
    device: int = 0
    key_index: int | None = None
    mac: str = ""
    serial: str = ""
    advertisement_key: bytes | None = None
    hashed_key: str = ""
    key_mac: str = ""
    firmware: str = ""
    hardware_revision: str = ""
    manufactured_at: datetime | None = None
    production_run: str = ""
    brings_private_key: bool = False
    is_native: bool = False
    warnings: tuple[Problem, ...] = ()
    private_key: bytes | None = field(default=None, repr=False)


class Parsed(Iterator[DeviceRow]):
    """The rows of a file; `passed_over` says what else it holds, complete once all rows are read."""

    def __init__(self, rows: Iterator[DeviceRow], passed_over: PassedOver) -> None:
        self._rows = rows
        self.passed_over = passed_over

    def __next__(self) -> DeviceRow:
        return next(self._rows)


def parse(content: bytes, file_name: str = "") -> Parsed:
    """The file's rows, of a table or of another program's own format; a file's name may tell that of its device.

    Raises UnreadableFileError, at once or while the rows are read.
    """
    if found := native.read(content, file_name):
        return Parsed(_native_rows(found), found.passed_over)
    table = reading.read(content)
    return Parsed(_table_rows(table), table.passed_over)


def _table_rows(records: Iterator[Record]) -> Iterator[DeviceRow]:
    grouping = Grouping()
    for record in records:
        device = _device_of(record, grouping)
        yield DeviceRow(number=record.number, cells=_public(record), device=device, **_read(record))


def _device_of(record: Record, grouping: Grouping) -> int:
    """Also where the row can't be used otherwise: a device is imported with all of its keys or not at all."""
    if not record.cells.get(columns.KEY_INDEX):
        return record.number
    values, _ = columns.TABLE.read_cells(record.cells, (columns.SERIAL, columns.MAC))
    return grouping.device_of(record.number, serial=values[columns.SERIAL], mac=values[columns.MAC])


def _native_rows(file: native.NativeFile) -> Iterator[DeviceRow]:
    number = 0
    for device in file.devices:
        first = number + 1
        for key in device.keys:
            number += 1
            record = Record(number, device.cells(key))
            values = _read(record, is_native=True)
            values["problems"] = list(device.problems) or values["problems"]
            if number == first and not (values["problems"] or values["mac"]):
                values["problems"] = [_NO_MAC]
            values["warnings"] = (*device.warnings, *values["warnings"])
            yield DeviceRow(number=number, cells=_public(record), device=first, is_native=True, **values)


def _read(record: Record, *, is_native: bool = False) -> dict[str, Any]:
    """The values of a row by the names of DeviceRow's fields."""
    brings = bool(record.cells.get(columns.PRIVATE_KEY))
    unusable = _unusable(record)
    names = [
        name for name in PLAIN_COLUMNS if not (is_native and name == columns.MAC and not record.cells[name])
    ]
    values, problems = columns.TABLE.read_cells({} if unusable else record.cells, names)
    values.setdefault(columns.MAC, "")
    if unusable:
        return values | {"problems": [unusable], "warnings": (), "brings_private_key": brings}
    keys, key_problems = _read_keys(record.cells)
    known = keys.advertisement_key
    return values | {
        "problems": problems + key_problems,
        "warnings": (WARN_OF_ZERO,) if known and advertisement.begins_with_zero(known) else (),
        "advertisement_key": known,
        "hashed_key": keys.hashed_key,
        "key_mac": advertisement.mac_address(known) if known else "",
        "brings_private_key": brings,
        "private_key": keys.private_key,
    }


def _unusable(record: Record) -> Problem | None:
    """What is wrong with the row as a whole."""
    for name, cell in record.cells.items():
        try:
            refuse_other_types(cell, what=name)
        except BadCellError as error:
            return Problem(name, error.code, error.message)
        if len(cell) > MAX_CELL_CHARACTERS:
            return Problem(name, "too_long", f"The cell has more than {MAX_CELL_CHARACTERS} characters.")
    return None if record.whole else _NOT_WHOLE


_NOT_WHOLE = Problem(
    "",
    "ragged_row",
    "The row has more or fewer cells than the header: look for a delimiter too many, or put such cells in quotes.",
)


_NO_MAC = Problem(
    columns.MAC,
    "missing",
    "The MAC is missing, and the hash of a key doesn't tell it: send the file with the keys themselves.",
)


class _Keys(NamedTuple):
    """What a row says of its key; nothing where it has a problem."""

    hashed_key: str = ""
    advertisement_key: bytes | None = None
    private_key: bytes | None = None


def _read_keys(cell: Mapping[str, str]) -> tuple[_Keys, list[Problem]]:
    """The row's key, where all that it says of it agrees, and what is wrong otherwise."""
    readers: tuple[tuple[str, Callable[[str], _Keys]], ...] = (
        (columns.PRIVATE_KEY, _read_private_key),
        (columns.KEY, _read_public_key),
        (columns.KEY_IN_HEX, _read_public_key),
        (columns.HASHED_KEY, _read_public_key),
    )
    found: list[_Keys] = []
    problems: list[Problem] = []
    for name, read_key in readers:
        if not cell.get(name):
            continue
        try:
            found.append(read_key(cell[name]))
        except BadCellError as error:
            problems.append(Problem(name, error.code, error.message))
    if not found and not problems:
        problems.append(Problem(columns.KEY, "missing", "The key is missing."))
    elif not problems and len({keys.hashed_key for keys in found}) > 1:
        message = "The keys of this row don't belong together: take them from the same device."
        problems.append(Problem(columns.KEY, "keys_differ", message))
    if problems:
        return _Keys(), problems
    keys = max(found, key=_completeness)
    problem = _payload_problem(cell.get(columns.PAYLOAD, ""), keys)
    return (_Keys(), [problem]) if problem else (keys, [])


def _completeness(keys: _Keys) -> int:
    """A private key says all of its pair, a hash says nothing else."""
    return sum(value is not None for value in keys)


def _payload_problem(cell: str, keys: _Keys) -> Problem | None:
    if not cell:
        return None
    try:
        payload = cells.payload(cell)
    except BadCellError as error:
        return Problem(columns.PAYLOAD, error.code, error.message)
    if keys.advertisement_key and not advertisement.is_payload_of(payload, keys.advertisement_key):
        message = "The payload is not that of the row's key: take them from the same device."
        return Problem(columns.PAYLOAD, "keys_differ", message)
    return None


def _read_private_key(text: str) -> _Keys:
    pair = cells.private_key(text)
    return _Keys(pair.hashed_key, pair.advertisement_key, pair.private_key)


def _read_public_key(text: str) -> _Keys:
    advertisement_key, hashed_key = cells.public_key(text)
    return _Keys(hashed_key, advertisement_key)


def _public(record: Record) -> dict[str, str]:
    """The cells without private keys. A key in another column stays out, since nobody knows which it is; and in a file
    that brings private keys, so does whatever could be a part of one. The row's number leads to the original."""
    shown = {
        name: str(text)[:MAX_CELL_CHARACTERS]
        for name, text in record.cells.items()
        if name != columns.PRIVATE_KEY
    }
    if columns.PRIVATE_KEY in record.cells:
        return {name: text for name, text in shown.items() if not could_be_key(text)}
    public = {*columns.KEY_COLUMNS, columns.KEY_IN_HEX}
    return {name: text for name, text in shown.items() if name in public or not is_key(text)}
