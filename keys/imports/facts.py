"""What is stored of the devices of a file, as statements select it. Pure."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple


class Facts(NamedTuple):
    """A row, which is a key of a device, and what is stored of that key, its MAC and serial, as
    keys/sql/facts_of_rows.sql selects them.

    `device` is the number of the device's first row; `rejected_sibling` of a row of it that was rejected, None if there
    is none. `pair_…` are of the key pair, None for a key that is not stored, and `batch_…` of its batch; `own_…` of
    the tracker that the device is registered as, if it is. `device_implies_mac`: one of the stored device's keys
    implies the MAC; `mac_of_other_device`: another device's. `key_mac_taken`: another key implies the same MAC as this.
    """

    id: int
    number: int
    device: int
    key_index: int | None
    is_native: bool
    mac: str
    serial: str
    firmware: str
    hardware_revision: str
    manufactured_at: datetime | None
    production_run: str
    run_id: int | None
    run_end_date: date | None
    key_mac: str
    brings_private_key: bool
    rejected_sibling: int | None
    pair_id: int | None
    pair_mac: str | None
    pair_key_index: int | None
    pair_device: int | None
    batch_id: int | None
    batch_label: str | None
    batch_generated: bool | None
    manufacturer_id: int | None
    own_mac: str | None
    own_serial: str | None
    own_firmware: str | None
    own_hardware_revision: str | None
    own_manufactured_at: datetime | None
    mac_owner: int | None
    serial_owner: int | None
    device_implies_mac: bool
    mac_of_other_device: bool
    key_mac_taken: bool

    @property
    def implied_mac(self) -> str:
        """That of the row's own key; empty where only its hash is known."""
        return self.pair_mac or self.key_mac


class Device(NamedTuple):
    """The rows of a device in the order of its keys, and what they say together: where rows leave a cell empty, the
    first that doesn't counts."""

    rows: tuple[Facts, ...]

    @property
    def first(self) -> Facts:
        return self.rows[0]

    @property
    def mac(self) -> str:
        """Of the device as a whole: further rows may have the MAC of their own key, as in our exports."""
        return self.first.mac

    @property
    def run(self) -> Facts:
        """The row that names the production run, if one does."""
        return next((row for row in self.rows if row.production_run), self.first)

    def told(self, column: str) -> Any:
        return next(
            (value for row in self.rows if (value := getattr(row, column))), getattr(self.first, column)
        )


class Duplicate(NamedTuple):
    """A row, and the numbers of the rows that repeat it or share its MAC, serial or device, 0 where there is none, as
    keys/sql/duplicate_rows.sql selects them."""

    id: int
    same_row: int
    other_mac: int
    other_serial: int
    other_key: int


def devices_of(rows: Iterable[Facts]) -> Iterator[Device]:
    """The devices of rows that stand together by device and in the order of their keys."""
    for _, members in groupby(rows, key=attrgetter("device")):
        yield Device(tuple(members))
