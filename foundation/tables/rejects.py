"""The file of rejected rows: to be corrected, and sent again."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from foundation.tables.table import PROBLEMS, ROW

# A spreadsheet takes a cell that begins so for a formula; reading takes the mark off again.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "'")


class Reject(NamedTuple):
    """A row's number in its file, its cells, and what is wrong with it."""

    number: int
    cells: dict[str, str]
    problems: Sequence[str]


def write(rejects: Iterable[Reject], *, columns: Sequence[str], note: str = "") -> Iterator[str]:
    """Yield the lines of a CSV that can be read again: these columns, empty where a row has no cell, then the row's
    number and what is wrong with it, after `note`."""
    yield "\ufeff" + _line([*columns, ROW, PROBLEMS])
    for reject in rejects:
        said = f"{note} {' '.join(reject.problems)}".strip()
        cells = reject.cells | {ROW: str(reject.number), PROBLEMS: said}
        yield _line([neutral(cells.get(name, "")) for name in (*columns, ROW, PROBLEMS)])


def neutral(cell: str) -> str:
    """The cell so that no spreadsheet runs it."""
    return f"'{cell}" if cell.startswith(_DANGEROUS) else cell


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
