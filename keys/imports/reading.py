"""The devices of a file, one row for each."""

import io
from collections.abc import Iterator

from foundation import tables
from foundation.tables import Record
from keys.imports import columns

# Whoever takes files in refuses larger ones before that.
MAX_BYTES = 2**30
MAX_ROWS = 100_000
MAX_CELL_CHARACTERS = 500


def read(content: bytes) -> Iterator[Record]:
    """Yield the rows that are not empty; of a device whose further keys stand in rows of their own, as in our exports,
    only the first.

    Raises UnreadableFileError as `foundation.tables.read` does: check by reading to the end.
    """
    limits = tables.Limits(bytes=MAX_BYTES, rows=MAX_ROWS, cell_characters=MAX_CELL_CHARACTERS)
    return _first_of_devices(tables.read(io.BytesIO(content), columns.TABLE, limits))


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
