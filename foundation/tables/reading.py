"""The rows of a table file by column: CSV, or a JSON array of objects."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, TextIO

from foundation.tables import decoding, delimited, json_arrays
from foundation.tables.cells import clean
from foundation.tables.problems import UnreadableFileError
from foundation.tables.table import Table

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
    first object is 1. `whole`: it has a cell for each column and no more."""

    number: int
    cells: dict[str, str]
    whole: bool = True


def read(source: BinaryIO, table: Table, limits: Limits) -> Iterator[Record]:
    """Yield the rows of a file that are not empty, a few of them in memory at a time.

    Raises UnreadableFileError, before the first row for a file of another kind or with another header, and at any row
    for what makes the rest unreadable or too much. So check by reading to the end.
    """
    text = decoding.open_text(source, max_bytes=limits.bytes)
    head = _head(text)
    if not head:
        raise UnreadableFileError(
            f"The file is empty: it needs a header row such as {table.example_header} and a row for each {table.item}."
        )
    is_json = head.lstrip()[0] in "[{"
    records = (_json_records if is_json else _csv_records)(head, text, table, limits)
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
        if head.strip():
            return head
    return ""


def _csv_records(head: str, text: TextIO, table: Table, limits: Limits) -> Iterator[Record]:
    header: list[str | None] | None = None
    for row in delimited.rows(text, head=head, known=table.known, max_cell_characters=limits.cell_characters):
        if header is None:
            header = table.resolve(row.cells)
        else:
            yield _csv_record(row, header)


def _csv_record(row: delimited.Row, header: list[str | None]) -> Record:
    cells = dict.fromkeys(filter(None, header), "")
    cells |= {name: cell for name, cell in zip(header, row.cells, strict=False) if name}
    extra = any(row.cells[len(header) :])
    return Record(row.number, cells, whole=not extra and len(row.cells) >= len(header))


def _json_records(head: str, text: TextIO, table: Table, limits: Limits) -> Iterator[Record]:
    names: tuple[str, ...] = ()
    header: list[str | None] = []
    for item in json_arrays.objects(text, head=head, example=table.example_object):
        if tuple(item.value) != names:
            names, header = tuple(item.value), _resolved(item, table)
        cells = {
            name: clean(_text(value), limits.cell_characters)
            for name, value in zip(header, item.value.values(), strict=True)
            if name
        }
        whole = not any(isinstance(value, dict | list) for value in item.value.values())
        yield Record(item.number, cells, whole)


def _resolved(item: json_arrays.Item, table: Table) -> list[str | None]:
    try:
        return table.resolve(list(item.value))
    except UnreadableFileError as error:
        raise UnreadableFileError(f"Row {item.number}: {error.message}") from None


def _text(value: Any) -> str:
    """A JSON value as a cell."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
