"""The rows of a table of devices."""

import io

from foundation import tables
from foundation.tables import Reading
from keys.imports import columns

# Whoever takes files in refuses larger ones before that.
MAX_BYTES = 2**30
MAX_ROWS = 100_000
MAX_CELL_CHARACTERS = 500


def read(content: bytes) -> Reading:
    """The rows that are not empty, one for each key of a device.

    Raises UnreadableFileError as `foundation.tables.read` does: check by reading to the end.
    """
    limits = tables.Limits(bytes=MAX_BYTES, rows=MAX_ROWS, cell_characters=MAX_CELL_CHARACTERS)
    return tables.read(io.BytesIO(content), columns.TABLE, limits)
