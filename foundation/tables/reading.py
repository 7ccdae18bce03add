"""The rows of a table file by column: CSV, or a JSON array of objects."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, BinaryIO, NamedTuple, TextIO

from foundation import strict_json
from foundation.tables import decoding, delimited, json_arrays
from foundation.tables.cells import NotText, clean, without_leading_marks
from foundation.tables.problems import UnreadableFileError
from foundation.tables.table import Table, normalise
from foundation.wording import counted

_BLOCK_CHARACTERS = 64 * 1024
_LONGEST_HEAD = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read. A longer cell is cut off, one character behind the limit."""

    bytes: int
    rows: int
    cell_characters: int = 500


class Record(NamedTuple):
    """A row as it stands in the file. `number` counts as a spreadsheet does, the header being row 1; in JSON the
    first object is 1. `whole`: it has a cell for each column, and no cell without a column."""

    number: int
    cells: dict[str, str]
    whole: bool = True


@dataclass(slots=True)
class PassedOver:
    """What of a file is not used, though nothing is wrong with it: rows without anything in them, and the columns that
    the table passes over, as the file names them. Complete once the file is read to its end."""

    empty_rows: int = 0
    columns: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.empty_rows or self.columns)

    def __str__(self) -> str:
        """For people: “3 empty rows and the columns row, problems”; empty where nothing is passed over."""
        told = []
        if self.empty_rows:
            told.append(counted(self.empty_rows, "empty row"))
        if self.columns:
            told.append(f"the {'column' if len(self.columns) == 1 else 'columns'} {', '.join(self.columns)}")
        return " and ".join(told)


class Reading(Iterator[Record]):
    """The rows of a file that are not empty, a few of them in memory at a time; what else the file holds is said by
    `passed_over`."""

    def __init__(self, source: BinaryIO, table: Table, limits: Limits) -> None:
        self.passed_over = PassedOver()
        self._records = _records(source, table, limits, self.passed_over)

    def __next__(self) -> Record:
        return next(self._records)


def read(source: BinaryIO, table: Table, limits: Limits) -> Reading:
    """Read the rows of a file that are not empty.

    Raises UnreadableFileError, before the first row for a file of another kind or with another header, and at any row
    for what makes the rest unreadable or too much. So check by reading to the end.
    """
    return Reading(source, table, limits)


def _records(source: BinaryIO, table: Table, limits: Limits, passed_over: PassedOver) -> Iterator[Record]:
    text = decoding.open_text(source, max_bytes=limits.bytes)
    head = _head(text)
    if not head:
        raise UnreadableFileError(
            f"The file is empty: it needs a header row such as {table.example_header} and a row for each {table.item}."
        )
    is_json = head.lstrip()[0] in "[{"
    records = (_json_records if is_json else _csv_records)(head, text, table, limits, passed_over)
    count = 0
    for count, record in enumerate(records, start=1):
        if count > limits.rows:
            raise UnreadableFileError(f"The file has more than {limits.rows:,} rows: split it.")
        yield record
    if not count:
        raise UnreadableFileError(f"The file has no {table.item}s: there is nothing below its header.")


def _head(text: TextIO) -> str:
    """The beginning of the text, up to some that is not blank; empty if there is none near."""
    head = ""
    while len(head) < _LONGEST_HEAD and (block := text.read(_BLOCK_CHARACTERS)):
        head += block
        if without_leading_marks(head).strip():
            return without_leading_marks(head)
    return ""


def _csv_records(
    head: str, text: TextIO, table: Table, limits: Limits, passed_over: PassedOver
) -> Iterator[Record]:
    header: list[str | None] | None = None
    longest = limits.cell_characters
    for row in delimited.rows(text, head=head, known=table.known, max_cell_characters=longest, empty=True):
        if row.is_empty:
            passed_over.empty_rows += 1
        elif header is None:
            header = table.resolve(row.cells)
            _note_columns(row.cells, header, passed_over)
        else:
            yield _csv_record(row, header)


def _csv_record(row: delimited.Row, header: list[str | None]) -> Record:
    cells = dict.fromkeys(filter(None, header), "")
    cells |= {name: cell for name, cell in zip(header, row.cells, strict=False) if name}
    return Record(
        row.number, cells, whole=len(row.cells) >= len(header) and not _has_stray(row.cells, header)
    )


def _json_records(
    head: str, text: TextIO, table: Table, limits: Limits, passed_over: PassedOver
) -> Iterator[Record]:
    names: tuple[str, ...] = ()
    header: list[str | None] = []
    for item in json_arrays.objects(text, head=head, example=table.example_object, conceal=table.conceal):
        values = [cell_of(value, limits.cell_characters) for value in item.value.values()]
        if not any(values):
            passed_over.empty_rows += 1
            continue
        if tuple(item.value) != names:
            names, header = tuple(item.value), _resolved(item, table)
            _note_columns(names, header, passed_over)
        nested = any(isinstance(value, dict | list) for value in item.value.values())
        cells = {name: cell for name, cell in zip(header, values, strict=True) if name}
        yield Record(item.number, cells, whole=not nested and not _has_stray(values, header))


def _has_stray(cells: Sequence[str], header: Sequence[str | None]) -> bool:
    """Whether there is something beyond the header, or below a header without a name."""
    return any(cell and name == "" for cell, name in zip_longest(cells, header[: len(cells)], fillvalue=""))


def _note_columns(names: Sequence[str], header: Sequence[str | None], passed_over: PassedOver) -> None:
    for name, column in zip(names, header, strict=True):
        if column is None and normalise(name) not in passed_over.columns:
            passed_over.columns.append(normalise(name))


def _resolved(item: json_arrays.Item, table: Table) -> list[str | None]:
    try:
        return table.resolve(list(item.value))
    except UnreadableFileError as error:
        raise UnreadableFileError(f"Row {item.number}: {error.message}") from None


def cell_of(value: Any, longest: int) -> str:
    """A JSON value as the cell that it would be in a CSV. Whole numbers are texts as they are written, null is an empty
    cell, and anything else is shown but can't be used: programs disagree about how it is written as text."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, strict_json.Fractional):
        return clean(value, longest)
    if isinstance(value, dict | list):
        return NotText(
            clean(json.dumps(value), longest), "an object" if isinstance(value, dict) else "a list"
        )
    if isinstance(value, bool):
        return NotText(json.dumps(value), "true or false")
    return NotText(clean(value, longest), "a number with a fraction or an exponent")
