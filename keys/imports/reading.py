"""Splits a file into rows of cells: CSV with comma, semicolon or tab, or a JSON array of objects; UTF-8."""

import csv
import io
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from keys.imports import columns
from keys.imports.problems import UnreadableFileError

MAX_ROWS = 100_000
MAX_CELL_CHARACTERS = 500
DELIMITERS = ",;\t"

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"


class Record(NamedTuple):
    """A row as it stands in the file. `number` counts as a spreadsheet does, the header being row 1; in JSON the
    first object is 1. `whole`: it has a cell for each column and no more."""

    number: int
    cells: dict[str, str]
    whole: bool = True


def read(content: bytes) -> Iterator[Record]:
    """Yield the rows that are not empty; of a device whose further keys stand in rows of their own, as in our exports,
    only the first.

    Raises UnreadableFileError, before the first row for what concerns the file as a whole, and at a row behind which
    nothing can be told apart any more. So check by reading to the end.
    """
    text = decode(content)
    if not text.strip():
        raise UnreadableFileError(
            "The file is empty: it needs a header row such as mac,serial,key and a row for each device."
        )
    records = _json_records(text) if file_format(text) is Format.JSON else _csv_records(text)
    count = 0
    for record in _first_of_devices(records):
        count += 1
        if count > MAX_ROWS:
            raise UnreadableFileError(f"The file has more than {MAX_ROWS:,} rows: split it.")
        yield record
    if not count:
        raise UnreadableFileError("The file has no devices: there is nothing below its header.")


def _first_of_devices(records: Iterator[Record]) -> Iterator[Record]:
    """Without rows that carry on with the keys of the device above: they have its serial and a later index."""
    serial = ""
    for record in records:
        key_index = record.cells.pop(columns.KEY_INDEX, "")
        continues = key_index.isdecimal() and int(key_index) > 0 and bool(serial)
        if continues and record.cells.get(columns.SERIAL) == serial:
            continue
        serial = record.cells.get(columns.SERIAL, "")
        yield record


def decode(content: bytes) -> str:
    """The file's text without its byte order mark. Raises UnreadableFileError, naming the byte and its row."""
    if content.startswith(_UTF_16) or b"\0" in content[:200]:
        raise UnreadableFileError(
            "The file is not UTF-8 but UTF-16 or binary: save it as “CSV UTF-8” or JSON."
        )
    body = content.removeprefix(_BOM)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        row = body.count(b"\n", 0, error.start) + 1
        raise UnreadableFileError(
            f"The file is not UTF-8: row {row} has the byte 0x{body[error.start]:02X} (at position"
            f" {error.start + len(content) - len(body)} of the file). Save it as “CSV UTF-8”."
        ) from None


def file_format(text: str) -> Format:
    return Format.JSON if text.lstrip()[:1] in ("[", "{") else Format.CSV


def _csv_records(text: str) -> Iterator[Record]:
    delimiter, skipped = _dialect(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str | None] | None = None
    number = 0
    try:
        for number, values in enumerate(reader, start=1):
            if number <= skipped or not any(value.strip() for value in values):
                continue
            if header is None:
                header = columns.resolve([_clean(value) for value in values])
                continue
            yield _csv_record(number, header, values)
    except csv.Error as error:
        raise UnreadableFileError(
            f"Row {number + 1} can't be read ({error}): look for a quotation mark that is not closed there."
        ) from None


def _csv_record(number: int, header: list[str | None], values: list[str]) -> Record:
    cells = dict.fromkeys(filter(None, header), "")
    cells |= {name: _clean(value) for name, value in zip(header, values, strict=False) if name}
    extra = any(value.strip() for value in values[len(header) :])
    return Record(number, cells, whole=not extra and len(values) >= len(header))


def _dialect(text: str) -> tuple[str, int]:
    """The delimiter, and how many rows stand before the header: Excel's `sep=;` is one."""
    lines = text[:20_000].splitlines()
    first = lines[0].strip() if lines else ""
    if first.lower().startswith("sep=") and first[4:5] in tuple(DELIMITERS):
        return first[4], 1
    if text[:5].lower() == "sep=\t":
        return "\t", 1
    line = next((line for line in lines if line.strip()), "")
    return max(DELIMITERS, key=lambda each: columns.known([c.strip('" ') for c in line.split(each)])), 0


def _json_records(text: str) -> Iterator[Record]:
    for number, item in enumerate(_json_items(text), start=1):
        try:
            value = msgspec.json.decode(item)
        except (msgspec.DecodeError, RecursionError) as error:
            raise UnreadableFileError(f"Row {number} is no valid JSON: {_said(error)}.") from None
        if not isinstance(value, dict):
            raise UnreadableFileError(
                f'Row {number} is no object: write each device as {{"mac": "…", "serial": "…", "key": "…"}}.'
            )
        yield _json_record(number, value)


def _json_items(text: str) -> list[msgspec.Raw]:
    try:
        items: list[msgspec.Raw] = msgspec.json.decode(text, type=list[msgspec.Raw])
    except msgspec.ValidationError:
        raise UnreadableFileError(
            "The JSON is no array: write [{…}, {…}], an object for each device."
        ) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnreadableFileError(f"The file is no valid JSON: {_said(error)}.") from None
    return items


def _json_record(number: int, value: dict[str, Any]) -> Record:
    try:
        names = _resolved(tuple(value))
    except UnreadableFileError as error:
        raise UnreadableFileError(f"Row {number}: {error.message}") from None
    cells = {name: _clean(_text(cell)) for name, cell in zip(names, value.values(), strict=True) if name}
    whole = not any(isinstance(cell, dict | list) for cell in value.values())
    return Record(number, cells, whole)


@lru_cache(maxsize=16)
def _resolved(names: tuple[str, ...]) -> list[str | None]:
    return columns.resolve(names)


def _text(value: object) -> str:
    """A JSON value as a cell. A number stays what it is: `rows` says what is wrong with it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _clean(cell: str) -> str:
    """What PostgreSQL can keep, without the marks that protect a cell from a spreadsheet."""
    text = cell.strip()[: MAX_CELL_CHARACTERS + 1].replace("\0", "\ufffd")
    text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@'":
        return text[1:]
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        return text[2:-1]
    return text


def _said(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
