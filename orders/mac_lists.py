"""Lists of MACs as people paste or upload them: one a line, separated by commas, or a column of a table.

Pure: text or bytes in, MACs with their places out. Rows and columns count from 1, as spreadsheets show them.
"""

import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from foundation.tables import UnreadableFileError, decoding, delimited
from trackers.mac import InvalidMacError, parse_mac

MAX_BYTES = 2 * 2**20
MAX_MACS = 20_000
PROBLEMS_NAMED = 10
HEADERS = {"mac", "macaddress", "macadresse", "bluetoothmac", "blemac"}

# No MAC is as long; a longer cell is cut off.
_CELL_CHARACTERS = 500
_NO_LETTER = re.compile(r"[^a-z]")
# What spreadsheets make of addresses without letters: 1.12233E+11, or the leading zeros gone.
_EXPONENT = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
_SHORTENED = re.compile(r"\d{9,11}([.,]0+)?")
_HEX_SHORTENED = re.compile(r"[0-9A-F]{9,11}", re.IGNORECASE)


class Place(NamedTuple):
    row: int
    column: int

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column}"


@dataclass(frozen=True, slots=True)
class MacList:
    """The MACs in their order, normalised, each with its place."""

    places: dict[str, Place]

    @property
    def macs(self) -> list[str]:
        return list(self.places)

    def name(self, macs: Collection[str]) -> str:
        """The first few of these MACs with their places, and how many more there are."""
        named = [f"{mac} ({self.places[mac]})" for mac in self.places if mac in set(macs)]
        return _first(named, ", ")


class UnreadableListError(ValueError):
    """The text holds something else than MACs; the message says where and what to do."""


def decode(content: bytes) -> str:
    """Text of an uploaded file: UTF-8, or UTF-16 with its mark. Raises UnreadableListError."""
    if len(content) > MAX_BYTES:
        raise UnreadableListError(f"The file is larger than {MAX_BYTES // 2**20} MB: upload MACs only.")
    try:
        text = decoding.open_text(io.BytesIO(content), max_bytes=MAX_BYTES, utf_16=True).read()
    except UnreadableFileError as error:
        raise UnreadableListError(error.message) from error
    if "\0" in text:
        raise UnreadableListError("This is no text: save the list as CSV (UTF-8) and upload that.")
    return text


def parse(text: str) -> MacList:
    """All MACs of the text. Where the first row names a column "MAC", only that column counts; else every cell must be
    a MAC. Raises UnreadableListError, naming the first few places that are wrong."""
    places: dict[str, Place] = {}
    problems: list[str] = []
    try:
        cells = list(_cells(text))
    except UnreadableFileError as error:
        raise UnreadableListError(f"This can't be read as a list or table: {error.message}") from error
    for place, cell in cells:
        try:
            mac = parse_mac(cell)
        except InvalidMacError:
            problems.append(f"{place}: {_explain(cell)}")
            continue
        if mac in places:
            problems.append(f"{place}: {mac} is in row {places[mac].row} already")
        places.setdefault(mac, place)
    if problems:
        raise UnreadableListError(_capitalised(_first(problems, "; ", PROBLEMS_NAMED)) + ".")
    if not places:
        raise UnreadableListError("There is no MAC in it: give one a line.")
    if len(places) > MAX_MACS:
        raise UnreadableListError(f"At most {MAX_MACS:,} MACs at once; these are {len(places):,}.")
    return MacList(places)


def _cells(text: str) -> Iterator[tuple[Place, str]]:
    """The cells that should hold a MAC."""
    wanted: int | None = None
    is_first = True
    # Pasted lines may end in ways that no file has, such as the line break within a paragraph.
    lines = io.StringIO("\n".join(text.splitlines()), newline="")
    for row in delimited.rows(lines, known=_known, max_cell_characters=_CELL_CHARACTERS, strict=False):
        if is_first:
            is_first = False
            wanted = _mac_column(row.cells)
            if wanted is not None:
                continue
        for column, cell in enumerate(row.cells, start=1):
            if cell and wanted in (None, column):
                yield Place(row.number, column), cell.strip("'")


def _known(cells: Sequence[str]) -> int:
    return 0 if _mac_column(cells) is None else 1


def _mac_column(cells: Sequence[str]) -> int | None:
    for column, cell in enumerate(cells, start=1):
        if _NO_LETTER.sub("", cell.lower()) in HEADERS:
            return column
    return None


def _explain(cell: str) -> str:
    if _EXPONENT.fullmatch(cell):
        return (
            f"a spreadsheet made the number {cell} of a MAC; format the column as text and fill it in again"
        )
    if _SHORTENED.fullmatch(cell) or _HEX_SHORTENED.fullmatch(cell):
        return (
            f"{cell} has too few digits for a MAC; if a spreadsheet cut the leading zeros off, format the column as"
            " text and fill it in again"
        )
    return f"{cell[:40]!r} is no MAC, such as E2:7B:7C:0B:3A:2F; a table needs a first row that names its column MAC"


def _first(items: list[str], separator: str, number: int = 5) -> str:
    named = separator.join(items[:number])
    return named if len(items) <= number else f"{named}{separator}and {len(items) - number:,} more"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
