"""Rows of a file of devices: typed, each with the problems that can be told without the database."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from foundation.tables import BadCellError, Problem, Record
from keys import advertisement
from keys.imports import cells, columns
from keys.imports.reading import MAX_CELL_CHARACTERS, read
from keys.imports.secrecy import could_be_key, is_key

# In the order in which their problems are told.
PLAIN_COLUMNS = (
    columns.SERIAL,
    columns.FIRMWARE,
    columns.HARDWARE_REVISION,
    columns.PRODUCTION_RUN,
    columns.MAC,
    columns.MANUFACTURED_AT,
)


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as the file tells it; empty values where a cell is empty or has a problem.

    cells: the row as it may be shown and sent back: without anything that could be a private key. key_mac: the MAC
    that the advertisement key implies, empty where only its hash is given. brings_private_key: also with a bad one.
    """

    number: int
    cells: dict[str, str]
    problems: list[Problem]
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
    private_key: bytes | None = field(default=None, repr=False)


def parse(content: bytes) -> Iterator[DeviceRow]:
    """Yield the file's rows. Raises UnreadableFileError, as `reading.read` does."""
    return map(parse_record, read(content))


def parse_record(record: Record) -> DeviceRow:
    if not record.whole:
        return _unusable(record, _NOT_WHOLE)
    for name, text in record.cells.items():
        if len(text) > MAX_CELL_CHARACTERS:
            message = f"The cell has more than {MAX_CELL_CHARACTERS} characters."
            return _unusable(record, Problem(name, "too_long", message))
    values, problems = columns.TABLE.read_cells(record.cells, PLAIN_COLUMNS)
    keys, key_problems = _read_keys(record.cells)
    return DeviceRow(
        number=record.number,
        cells=_public(record),
        problems=problems + key_problems,
        advertisement_key=keys.advertisement_key,
        hashed_key=keys.hashed_key,
        key_mac=advertisement.mac_address(keys.advertisement_key) if keys.advertisement_key else "",
        brings_private_key=_brings_private_key(record),
        private_key=keys.private_key,
        **values,
    )


def _unusable(record: Record, problem: Problem) -> DeviceRow:
    brings = _brings_private_key(record)
    return DeviceRow(record.number, _public(record), [problem], brings_private_key=brings)


def _brings_private_key(record: Record) -> bool:
    return bool(record.cells.get(columns.PRIVATE_KEY))


_NOT_WHOLE = Problem(
    "",
    "ragged_row",
    "The row has more or fewer cells than the header: look for a delimiter too many, or put such cells in quotes.",
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
    return max(found, key=_completeness), []


def _completeness(keys: _Keys) -> int:
    """A private key says all of its pair, a hash says nothing else."""
    return sum(value is not None for value in keys)


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
        name: text[:MAX_CELL_CHARACTERS] for name, text in record.cells.items() if name != columns.PRIVATE_KEY
    }
    if columns.PRIVATE_KEY in record.cells:
        return {name: text for name, text in shown.items() if not could_be_key(text)}
    return {name: text for name, text in shown.items() if name in columns.KEY_COLUMNS or not is_key(text)}
