"""Lists of devices as people paste or upload them: MACs or serials, one a line, separated by commas, a column of a
table, or JSON. Read as files of devices are for the import, but that a header is not required.

Pure: text or bytes in, names with their places out. Rows and columns count from 1, as spreadsheets show them.
"""

import io
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from foundation import strict_json
from foundation.tables import BadCellError, UnreadableFileError, decoding, delimited
from foundation.tables.cells import without_leading_marks
from foundation.tables.reading import cell_of
from foundation.tables.table import normalise
from trackers.naming import MAC_HEADERS, SERIAL_HEADERS, Name, name_of, read_mac, read_name

MAX_BYTES = 2 * 2**20
MAX_MACS = 20_000
PROBLEMS_NAMED = 10

# No MAC or serial is as long; a longer cell is cut off.
_CELL_CHARACTERS = 500
_MAC_COLUMN = {"mac", *MAC_HEADERS}
_SERIAL_COLUMN = {"serial", *SERIAL_HEADERS}


class Place(NamedTuple):
    row: int
    column: int

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column}"


class Listed(NamedTuple):
    name: Name
    place: Place


@dataclass(frozen=True, slots=True)
class MacList:
    """The names in their order, each with its place; by the MAC, or the serial where a name is none."""

    listed: dict[str, Listed]

    @property
    def names(self) -> list[Name]:
        return [each.name for each in self.listed.values()]

    @property
    def macs(self) -> list[str]:
        """Of the names those that are MACs, normalised."""
        return [name.mac for name in self.names if name.mac]

    def name(self, named: Collection[str]) -> str:
        """The first few of these MACs and serials with their places, and how many more there are."""
        wanted = set(named)
        found = [f"{called} ({each.place})" for called, each in self.listed.items() if called in wanted]
        return _first(found, ", ")


class UnreadableListError(ValueError):
    """The text holds something else than MACs and serials; the message says where and what to do."""


def decode(content: bytes) -> str:
    """Text of an uploaded file: UTF-8, or UTF-16 with its mark. Raises UnreadableListError."""
    if len(content) > MAX_BYTES:
        raise UnreadableListError(
            f"The file is larger than {MAX_BYTES // 2**20} MB: upload MACs or serials only."
        )
    try:
        text = decoding.open_text(io.BytesIO(content), max_bytes=MAX_BYTES, utf_16=True).read()
    except UnreadableFileError as error:
        raise UnreadableListError(error.message) from error
    if "\0" in text:
        raise UnreadableListError("This is no text: save the list as CSV (UTF-8) and upload that.")
    return text


def parse(text: str) -> MacList:
    """All names of the text. Where the first row names a column of MACs or of serials, only these count, the MAC first;
    else every cell must be a name. Raises UnreadableListError, naming the first few places that are wrong."""
    listed: dict[str, Listed] = {}
    problems: list[str] = []
    text = without_leading_marks(text)
    try:
        cells = list(_of_json(text) if text.lstrip().startswith(("[", "{")) else _of_table(text))
    except UnreadableFileError as error:
        raise UnreadableListError(f"This can't be read as a list or table: {error.message}") from error
    for cell in cells:
        try:
            name = cell.read()
        except BadCellError as error:
            problems.append(f"{cell.place}: {_continued(error.message)}")
            continue
        if earlier := listed.get(str(name)):
            problems.append(f"{cell.place}: {name} is in row {earlier.place.row} already")
        listed.setdefault(str(name), Listed(name, cell.place))
    if problems:
        raise UnreadableListError(_capitalised(_first(problems, "; ", PROBLEMS_NAMED)) + ".")
    if not listed:
        raise UnreadableListError("There is no MAC in it, and no serial: give one a line.")
    if len(listed) > MAX_MACS:
        raise UnreadableListError(f"At most {MAX_MACS:,} MACs at once; these are {len(listed):,}.")
    return MacList(listed)


class _Cell(NamedTuple):
    """What should name a device, and what makes a name of it or raises BadCellError."""

    place: Place
    text: str
    reader: Callable[[str], Name] = read_name

    def read(self) -> Name:
        return self.reader(self.text)


def _of_table(text: str) -> Iterator[_Cell]:
    columns: dict[int, Callable[[str], Name]] | None = None
    # Pasted lines may end in ways that no file has, such as the line break within a paragraph.
    lines = io.StringIO("\n".join(text.splitlines()), newline="")
    for row in delimited.rows(lines, known=_known, max_cell_characters=_CELL_CHARACTERS, strict=False):
        if columns is None:
            columns = _columns(row.cells)
            if columns:
                continue
        yield from _of_columns(row, columns) if columns else _of_row(row)


def _of_row(row: delimited.Row) -> Iterator[_Cell]:
    for column, cell in enumerate(row.cells, start=1):
        if cell:
            yield _Cell(Place(row.number, column), cell)


def _of_columns(row: delimited.Row, columns: dict[int, Callable[[str], Name]]) -> Iterator[_Cell]:
    """The first of these columns that has something: a device is named once."""
    for column, reader in columns.items():
        if column <= len(row.cells) and row.cells[column - 1]:
            yield _Cell(Place(row.number, column), row.cells[column - 1], reader)
            return
    yield _Cell(Place(row.number, next(iter(columns), 1)), "", _refuse_nameless)


def _of_json(text: str) -> Iterator[_Cell]:
    """Of an array of names, or of objects with a member for the MAC or the serial."""
    try:
        values = strict_json.Decoder(numbers_as_text=True).decode(text.strip())
    except strict_json.UnfitJsonError as error:
        raise UnreadableFileError(f"In the JSON {error.message}.") from None
    except json.JSONDecodeError as error:
        raise UnreadableFileError(f"It is no valid JSON ({error.msg}).") from None
    if not isinstance(values, list):
        raise UnreadableFileError('The JSON is no array: write ["E2:7B:7C:0B:3A:2F", …].')
    for number, value in enumerate(values, start=1):
        members = value if isinstance(value, dict) else {"mac or serial": value}
        cells = [cell_of(member, _CELL_CHARACTERS) for member in members.values()]
        row = delimited.Row(number, cells)
        yield from _of_columns(row, _columns(list(members))) if isinstance(value, dict) else _of_row(row)


def _columns(header: Sequence[str]) -> dict[int, Callable[[str], Name]]:
    """The columns of a header that name devices, with their readers: MACs before serials."""
    names = [normalise(cell) for cell in header]
    readers: tuple[tuple[set[str], Callable[[str], Name]], ...] = (
        (_MAC_COLUMN, _read_mac),
        (_SERIAL_COLUMN, read_name),
    )
    return {
        column: reader
        for called, reader in readers
        for column, name in enumerate(names, start=1)
        if name in called
    }


def _known(cells: Sequence[str]) -> int:
    return len(_columns(cells))


def _read_mac(text: str) -> Name:
    return name_of(read_mac(text))


def _refuse_nameless(text: str) -> Name:
    raise BadCellError("missing", "There is neither a MAC nor a serial.")


def _first(items: list[str], separator: str, number: int = 5) -> str:
    named = separator.join(items[:number])
    return named if len(items) <= number else f"{named}{separator}and {len(items) - number:,} more"


def _continued(message: str) -> str:
    """Within a sentence; what begins with a MAC stays as it is."""
    begins = message[:2]
    small = begins.lower() if begins[1:].islower() or begins[1:] == " " else begins
    return f"{small}{message[2:]}".removesuffix(".")


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
