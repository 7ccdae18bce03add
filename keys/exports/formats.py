"""What an export format is, and which there are. Pure: devices in, bytes out, the same bytes for the same devices.

No format is told a private key: all that it gets is what the devices will shout into the air.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from keys import advertisement

BLOCK_BYTES = 64 * 1024


class Batch(NamedTuple):
    """What a file says of its batch; `number` is its id."""

    number: int
    devices: int
    keys_per_device: int


class Device(NamedTuple):
    """A device to be made: its proposed serial, and its advertisement keys, of 28 bytes each, in rotation order."""

    serial: str
    keys: tuple[bytes, ...]

    @property
    def mac(self) -> str:
        """Of its first key; it is how the device is known here."""
        return advertisement.mac_address(self.keys[0])


Write = Callable[[Batch, Iterable[Device]], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """`code` stands in URLs, commands and the database; `suffix` is the end of the file's name.

    `write` yields the file little by little and holds no more than a few devices in memory. uneven: it has room for
    devices that differ in the number of their keys.
    """

    code: str
    title: str
    suffix: str
    media_type: str
    write: Write
    uneven: bool = True


FORMATS: dict[str, ExportFormat] = {}


def register(export_format: ExportFormat) -> ExportFormat:
    if export_format.code in FORMATS:
        raise ValueError(f"two export formats are called {export_format.code}")
    FORMATS[export_format.code] = export_format
    return export_format


def proposed_serial(batch_number: int, device_index: int) -> str:
    """`K12-000007`: what a device is called until its maker says otherwise. No spreadsheet takes it for a date or a
    number, and no file system minds it."""
    return f"K{batch_number}-{device_index:06}"


def in_blocks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Join small parts, so that each block is worth a write."""
    block = bytearray()
    for part in parts:
        block += part
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
