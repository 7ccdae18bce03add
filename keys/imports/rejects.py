"""The file of rejected rows: to mend, and to send again."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from keys.imports import columns

# A spreadsheet takes a cell that begins so for a formula; the import takes the mark off again.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "'")
_BRING_KEY = "Put the private key in again: it is not kept. "


class Reject(NamedTuple):
    """A row's number in its file, its public cells, and what is wrong with it."""

    number: int
    cells: dict[str, str]
    problems: Sequence[str]


def header(*, with_private_key: bool) -> list[str]:
    """All columns that a row may have, so that each can be mended, then those that tell what is wrong."""
    kept = [name for name in columns.COLUMNS if with_private_key or name != columns.PRIVATE_KEY]
    return [*kept, columns.ROW, columns.PROBLEMS]


def write(rejects: Iterable[Reject], *, with_private_key: bool) -> Iterator[str]:
    """Yield the lines of a CSV that can be imported again; the private keys, if there were some, are left empty."""
    names = header(with_private_key=with_private_key)
    yield "\ufeff" + _line(names)
    for reject in rejects:
        told = (_BRING_KEY if with_private_key else "") + " ".join(reject.problems)
        cells = reject.cells | {columns.ROW: str(reject.number), columns.PROBLEMS: told}
        yield _line([neutral(cells.get(name, "")) for name in names])


def neutral(cell: str) -> str:
    """The cell so that no spreadsheet runs it."""
    return f"'{cell}" if cell.startswith(_DANGEROUS) else cell


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
