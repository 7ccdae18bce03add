"""Reads of key pairs, their public side only, and of device imports."""

import base64
from collections import defaultdict
from collections.abc import Collection, Iterator
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from clients.models import User
from foundation import bulk, sql
from foundation.errors import DomainError
from foundation.tables import Reject
from foundation.tenancy import sees_everything
from keys.models import DeviceImport, DeviceImportRow, KeyBatch, KeyPair, Manufacturer

NOTES_OF_ROWS = sql.load("keys/notes_of_rows")
FEWEST_KEYS = """
SELECT COALESCE(min(keys), 0)
FROM (SELECT count(*) AS keys FROM keys_keypair WHERE batch_id = %(batch_id)s GROUP BY device_index) AS device
"""


class UnknownBatchError(DomainError):
    code = "unknown_batch"
    status = HTTPStatus.BAD_REQUEST


class Reason(NamedTuple):
    """Of how many rows of an import one thing is said, the first of them, and what is said there."""

    code: str
    column: str
    rows: int
    first: int
    example: str

    @property
    def title(self) -> str:
        return self.code.replace("_", " ").capitalize()


class PublicKey(NamedTuple):
    """A device's key without its secret; advertisement_key has 28 bytes."""

    tracker_id: int
    hashed_key: str
    advertisement_key: bytes

    @property
    def encoded_key(self) -> str:
        """The advertisement key in base64."""
        return base64.b64encode(self.advertisement_key).decode("ascii")


def public_keys_of(*, tracker_ids: Collection[int]) -> dict[int, list[PublicKey]]:
    """The keys of each tracker that has some, in the order in which the device rotates through them; one query."""
    pairs = (
        KeyPair.objects.filter(tracker__in=tracker_ids)
        .order_by("tracker", "batch", "device_index", "key_index")
        .values_list("tracker_id", "hashed_key", "advertisement_key")
    )
    keys: defaultdict[int, list[PublicKey]] = defaultdict(list)
    for tracker_id, hashed_key, advertisement_key in pairs:
        keys[tracker_id].append(PublicKey(tracker_id, hashed_key, bytes(advertisement_key)))
    return dict(keys)


class DeviceKeys(NamedTuple):
    """The advertisement keys of a batch's device, of 28 bytes each, in rotation order."""

    device_index: int
    keys: tuple[bytes, ...]


def advertisement_keys(*, batch_id: int, first: int, last: int) -> Iterator[DeviceKeys]:
    """The keys of a batch's devices from `first` up to `last` (excluded), by device index; one query, by index."""
    pairs = (
        KeyPair.objects.filter(batch=batch_id, device_index__gte=first, device_index__lt=last)
        .order_by("device_index", "key_index")
        .only("device_index", "advertisement_key")
    )
    for device_index, of_device in groupby(pairs.iterator(), key=attrgetter("device_index")):
        yield DeviceKeys(device_index, tuple(bytes(pair.advertisement_key) for pair in of_device))


def fewest_keys(*, batch_id: int) -> int:
    """How many keys the device of a batch with the fewest has."""
    (fewest,) = bulk.fetch_values(FEWEST_KEYS, {"batch_id": batch_id})
    return int(fewest)


def works_for_a_manufacturer(user: User) -> bool:
    return Manufacturer.objects.of_user(user).exists()


def batch_called(label: str, *, manufacturer: Manufacturer | None) -> KeyBatch | None:
    """The batch of this label, None for an empty one; for a manufacturer only its own. Raises UnknownBatchError."""
    if not label:
        return None
    batches = KeyBatch.objects.filter(label=label)
    if manufacturer:
        batches = batches.filter(manufacturer=manufacturer)
    batch = batches.first()
    if batch is None:
        raise UnknownBatchError(
            f"There is no key batch {label[:100]!r}: give its label as it is written there."
        )
    return batch


def manufacturer_of(user: User, *, batch_label: str) -> Manufacturer | None:
    """For whom a user sends devices: None if it works for no manufacturer. Raises UnknownBatchError if the batch has to
    tell and doesn't."""
    of_user = list(Manufacturer.objects.of_user(user).order_by("pk"))
    if len(of_user) < 2:
        return of_user[0] if of_user else None
    for manufacturer in of_user:
        if manufacturer.batches.filter(label=batch_label).exists():
            return manufacturer
    raise UnknownBatchError(
        "You work for several manufacturers: give the label of a key batch of one of them."
    )


def reasons_of(device_import: DeviceImport) -> list[Reason]:
    """Why rows are rejected, the most frequent reason first."""
    return _notes_of(device_import, "problems", DeviceImportRow.Outcome.REJECTED)


def warnings_of_rows(device_import: DeviceImport) -> list[Reason]:
    """What is worth knowing of rows that are not rejected, the most frequent first; while the rows wait."""
    return _notes_of(
        device_import, "warnings", DeviceImportRow.Outcome.VALID, DeviceImportRow.Outcome.UNCHANGED
    )


def _notes_of(device_import: DeviceImport, said_in: str, *outcomes: DeviceImportRow.Outcome) -> list[Reason]:
    parameters = {
        "import_id": device_import.pk,
        "said_in": said_in,
        "outcomes": [outcome.value for outcome in outcomes],
    }
    return bulk.fetch_rows(NOTES_OF_ROWS, parameters, Reason)


def warnings_of(device_import: DeviceImport) -> list[Reason]:
    """The same as it was found when all rows were checked: imported rows are kept no longer."""
    return [Reason(**warning) for warning in device_import.warnings]


def valid_devices(device_import: DeviceImport) -> int:
    """How many devices are to be imported: each may have several rows."""
    valid = device_import.rows.filter(outcome=DeviceImportRow.Outcome.VALID)
    return valid.values("device").distinct().count()


def rejects_of(device_import: DeviceImport) -> Iterator[Reject]:
    """The rejected rows in the order of the file, a few at a time."""
    rows = device_import.rows.filter(outcome=DeviceImportRow.Outcome.REJECTED).order_by("number")
    for row in rows.only("number", "cells", "problems").iterator(chunk_size=1_000):
        yield Reject(row.number, row.cells, [problem["message"] for problem in row.problems])


def sends_devices(user: User) -> bool:
    """Whether the user may send files of devices: ops, and those who work for a manufacturer."""
    return sees_everything(user) or Manufacturer.objects.of_user(user).exists()
