"""CSV for spreadsheets and production lines: a header, then a row for each key; UTF-8, commas, CRLF (RFC 4180)."""

from collections.abc import Iterable, Iterator

from keys.exports.formats import Batch, Device, ExportFormat, register
from keys.exports.rows import public_rows

COLUMNS = (
    "serial",
    "key_index",
    "mac",
    "advertisement_key",
    "advertisement_key_hex",
    "hashed_key",
    "payload_hex",
)


def write(batch: Batch, devices: Iterable[Device]) -> Iterator[bytes]:
    """No value needs quotes: none holds a comma, a quote or the end of a line."""
    yield ",".join(COLUMNS).encode() + b"\r\n"
    for device in devices:
        for row in public_rows(device):
            yield ",".join(str(row[column]) for column in COLUMNS).encode() + b"\r\n"


register(ExportFormat("csv", "CSV, a row for each key", ".csv", "text/csv; charset=utf-8", write))
