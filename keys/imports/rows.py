"""Rows of a file of devices: typed, each with the problems that can be told without the database."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from keys import advertisement
from keys.imports import cells, columns
from keys.imports.problems import Problem, could_be_key, is_key
from keys.imports.reading import MAX_CELL_CHARACTERS, Record, read

LONGEST = {
    columns.SERIAL: ("serial", 64),
    columns.FIRMWARE: ("firmware", 32),
    columns.HARDWARE_REVISION: ("hardware revision", 32),
    columns.PRODUCTION_RUN: ("production run", 200),
}

Value = TypeVar("Value")


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
    """Yield the file's rows. Raises `problems.UnreadableFileError`, as `reading.read` does."""
    return map(parse_record, read(content))


def parse_record(record: Record) -> DeviceRow:
    if not record.whole:
        return _unusable(record, _NOT_WHOLE)
    cell: defaultdict[str, str] = defaultdict(str, record.cells)
    trial = _Trial()
    for name, text in cell.items():
        if len(text) > MAX_CELL_CHARACTERS:
            message = f"The cell has more than {MAX_CELL_CHARACTERS} characters."
            return _unusable(record, Problem(name, "too_long", message))
    texts = {name: trial.run(name, "", cells.text, cell[name], *limits) for name, limits in LONGEST.items()}
    mac = trial.run(columns.MAC, "", cells.mac, cell[columns.MAC])
    manufactured_at = trial.run(columns.MANUFACTURED_AT, None, cells.moment, cell[columns.MANUFACTURED_AT])
    advertisement_key, hashed_key, private_key = _keys(cell, trial)
    return DeviceRow(
        number=record.number,
        cells=_public(record),
        problems=trial.problems,
        mac=mac,
        advertisement_key=advertisement_key,
        hashed_key=hashed_key,
        key_mac=advertisement.mac_address(advertisement_key) if advertisement_key else "",
        manufactured_at=manufactured_at,
        brings_private_key=_brings_private_key(record),
        private_key=private_key,
        **texts,
    )


def _unusable(record: Record, problem: Problem) -> DeviceRow:
    brings = _brings_private_key(record)
    return DeviceRow(record.number, _public(record), [problem], brings_private_key=brings)


def _brings_private_key(record: Record) -> bool:
    return bool(record.cells.get(columns.PRIVATE_KEY))


class _Trial:
    """Runs the cells' parsers and collects what they refuse."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def run(self, column: str, otherwise: Value, parser: Callable[..., Value], *arguments: object) -> Value:
        try:
            return parser(*arguments)
        except cells.BadCellError as error:
            self.problems.append(Problem(column, error.code, error.message))
            return otherwise


_NOT_WHOLE = Problem(
    "",
    "ragged_row",
    "The row has more or fewer cells than the header: look for a delimiter too many, or put such cells in quotes.",
)


def _keys(cell: dict[str, str], trial: _Trial) -> tuple[bytes | None, str, bytes | None]:
    """Advertisement key, hashed key and private key, where all that the row says of them agrees."""
    found: list[tuple[bytes | None, str]] = []
    nothing: tuple[bytes | None, str] = (None, "")
    pair = None
    before = len(trial.problems)
    if cell[columns.PRIVATE_KEY]:
        pair = trial.run(columns.PRIVATE_KEY, None, cells.private_key, cell[columns.PRIVATE_KEY])
        if pair:
            found.append((pair.advertisement_key, pair.hashed_key))
    found += [
        trial.run(name, nothing, cells.public_key, cell[name])
        for name in (columns.KEY, columns.HASHED_KEY)
        if cell[name]
    ]
    if len(trial.problems) > before:
        return None, "", None
    if not found:
        trial.problems.append(Problem(columns.KEY, "missing", "The key is missing."))
        return None, "", None
    if len({hashed for _, hashed in found}) > 1:
        message = "The keys of this row don't belong together: take them from the same device."
        trial.problems.append(Problem(columns.KEY, "keys_differ", message))
        return None, "", None
    key = next((key for key, _ in found if key), None)
    return key, found[0][1], pair.private_key if pair else None


def _public(record: Record) -> dict[str, str]:
    """The cells without private keys. A key in another column stays out, since nobody knows which it is; and in a file
    that brings private keys, so does whatever could be a part of one. The row's number leads to the original."""
    shown = {
        name: text[:MAX_CELL_CHARACTERS] for name, text in record.cells.items() if name != columns.PRIVATE_KEY
    }
    if columns.PRIVATE_KEY in record.cells:
        return {name: text for name, text in shown.items() if not could_be_key(text)}
    return {name: text for name, text in shown.items() if name in columns.KEY_COLUMNS or not is_key(text)}
