"""Rows of text whose cells are separated by commas, semicolons or tabs, numbered as a spreadsheet numbers them."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TextIO

from foundation.tables.cells import clean, visible
from foundation.tables.problems import UnreadableFileError

DELIMITERS = ",;\t"
MAX_LINE_CHARACTERS = 2**20

_SAMPLE_CHARACTERS = 20_000
# Excel's first line in some countries: sep=;
_NAMED_DELIMITER = re.compile(r"""\s*["']?sep=([,;\t])["']?\s*""", re.IGNORECASE)


class Row(NamedTuple):
    """A row, its cells cleaned; the first row of the file has the number 1."""

    number: int
    cells: list[str]

    @property
    def is_empty(self) -> bool:
        return not any(self.cells)


class Dialect(NamedTuple):
    """`skipped`: how many rows stand before the first that counts."""

    delimiter: str
    skipped: int


def rows(
    text: TextIO,
    *,
    known: Callable[[Sequence[str]], int],
    max_cell_characters: int,
    head: str = "",
    strict: bool = True,
    empty: bool = False,
) -> Iterator[Row]:
    """Yield the rows of `text` that are not empty, read on demand; with `empty` these too, to be counted.

    head: what was read of the text already. known: how many of a row's cells are names of columns: the delimiter is
    the one with which the first row has most, then the most frequent one, unless a line `sep=;` names it. Cells are
    cut off behind `max_cell_characters` and one more. strict: quotation marks have to be closed, and nothing may
    follow them. Raises UnreadableFileError with the row at which nothing can be told apart any more.
    """
    sample = head + text.read(max(0, _SAMPLE_CHARACTERS - len(head))) + text.readline(MAX_LINE_CHARACTERS)
    delimiter, skipped = _dialect(sample, known)
    reader = csv.reader(_lines(sample, text), delimiter=delimiter, strict=strict)
    number = 0
    try:
        for number, values in enumerate(reader, start=1):
            row = Row(number, [clean(value, max_cell_characters) for value in values])
            if number > skipped and (empty or not row.is_empty):
                yield row
    except csv.Error as error:
        raise UnreadableFileError(
            f"Row {number + 1} can't be read ({error}): look for a quotation mark that is not closed there."
        ) from None


def _dialect(sample: str, known: Callable[[Sequence[str]], int]) -> Dialect:
    lines = sample.splitlines()
    if lines and (named := _NAMED_DELIMITER.fullmatch(visible(lines[0]))):
        return Dialect(named[1], 1)
    first = next((line for line in lines if line.strip()), "")

    def likelihood(delimiter: str) -> tuple[int, int]:
        return known([cell.strip('" ') for cell in first.split(delimiter)]), sample.count(delimiter)

    return Dialect(max(DELIMITERS, key=likelihood), 0)


def _lines(sample: str, text: TextIO) -> Iterator[str]:
    """The sample's lines and those after it. One without an end would fill the memory, so it is refused."""
    for part in (io.StringIO(sample, newline=""), text):
        while line := part.readline(MAX_LINE_CHARACTERS):
            if len(line) == MAX_LINE_CHARACTERS and line[-1] not in "\r\n":
                raise csv.Error(f"a line of more than {MAX_LINE_CHARACTERS:,} characters")
            yield line
