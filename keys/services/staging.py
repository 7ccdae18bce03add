"""Takes a file of devices in: its rows wait in a table, their private keys sealed, until they are imported."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from http import HTTPStatus

from django.conf import settings
from django.db import transaction
from psycopg.types.json import Jsonb

from clients.models import User
from foundation import bulk
from foundation.errors import DomainError
from keys import advertisement
from keys.imports.rows import DeviceRow, parse
from keys.models import DeviceImport, DeviceImportRow, KeyBatch, Manufacturer
from keys.vault import DataKey, Vault

ROW_COLUMNS = {
    "device_import_id": "int8",
    "number": "int4",
    "device": "int4",
    "key_index": "int2",
    "is_native": "bool",
    "outcome": "varchar",
    "problems": "jsonb",
    "warnings": "jsonb",
    "cells": "jsonb",
    "mac": "varchar",
    "serial": "varchar",
    "advertisement_key": "bytea",
    "hashed_key": "varchar",
    "key_mac": "varchar",
    "firmware": "varchar",
    "hardware_revision": "varchar",
    "manufactured_at": "timestamptz",
    "production_run": "varchar",
    "sealed_private_key": "bytea",
}
# A run is named by its name, if no other has it, or by its id.
NAME_RUNS = """
UPDATE keys_deviceimportrow AS row
SET run_id = found.id
FROM (
    SELECT named.production_run, min(run.id) AS id
    FROM (
        SELECT DISTINCT production_run
        FROM keys_deviceimportrow
        WHERE device_import_id = %(import_id)s AND production_run <> ''
    ) AS named
    JOIN clients_productionrun AS run ON named.production_run IN (run.name, run.id::text)
    GROUP BY named.production_run
    HAVING count(*) = 1
) AS found
WHERE row.device_import_id = %(import_id)s AND row.production_run = found.production_run
"""


class FileTooLargeError(DomainError):
    code = "file_too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class OpsOnlyError(DomainError):
    """A manufacturer's file holds what only ops may import."""

    code = "ops_only"
    status = HTTPStatus.FORBIDDEN


class BatchNotWantedError(DomainError):
    code = "batch_not_wanted"
    status = HTTPStatus.BAD_REQUEST


def limit_bytes() -> int:
    """The size of the largest file that is taken in."""
    return int(settings.IMPORT_MAX_MB) * 2**20


def refuse_too_large(size: int) -> None:
    """Raise FileTooLargeError; to be asked before a file is read."""
    if size > limit_bytes():
        raise FileTooLargeError(
            f"The file has {size / 2**20:,.0f} MB; {settings.IMPORT_MAX_MB} MB are taken at most: split it."
        )


def receive(
    *,
    content: bytes,
    file_name: str,
    batch: KeyBatch | None,
    manufacturer: Manufacturer | None,
    accept_mac_mismatch: bool,
    confirmed: bool,
    actor: User | None,
    now: datetime,
) -> DeviceImport:
    """Take a file's rows in, all or none; returns the import QUEUED, for `importing.continue_import`.

    batch: all keys have to be of it. manufacturer: who sends the file, None for ops. confirmed: valid rows are
    imported once all are checked, otherwise the import waits for `importing.confirm`. Private keys are sealed before
    they are written anywhere. Raises FileTooLargeError, `foundation.tables.UnreadableFileError`, OpsOnlyError,
    BatchNotWantedError, and `vault.VaultError` without a usable master key.
    """
    refuse_too_large(len(content))
    data_key, sealed_data_key = Vault.from_encoded(settings.VAULT_MASTER_KEYS).new_data_key()
    with transaction.atomic():
        device_import = DeviceImport.objects.create(
            file_name=safe_name(file_name),
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            batch=batch,
            manufacturer=manufacturer,
            accept_mac_mismatch=accept_mac_mismatch,
            is_confirmed=confirmed,
            created_at=now,
            created_by=actor,
            confirmed_by=actor if confirmed else None,
        )
        staged = _Staged(device_import, data_key)
        _stage(staged, content)
        device_import.sealed_data_key = sealed_data_key if staged.brings_private_keys else None
        device_import.save()
    return device_import


def _stage(staged: "_Staged", content: bytes) -> None:
    """Write the file's rows, and what they come to on the import, which is not saved."""
    device_import = staged.device_import
    parsed = parse(content, device_import.file_name)
    bulk.copy_rows(DeviceImportRow._meta.db_table, ROW_COLUMNS, staged.rows(parsed))
    bulk.execute(NAME_RUNS, {"import_id": device_import.pk})
    device_import.passed_over = str(parsed.passed_over)
    device_import.total = staged.total
    device_import.rejected = device_import.checked = staged.rejected
    device_import.brings_private_keys = staged.brings_private_keys


def safe_name(file_name: str) -> str:
    """The last part of a path, without characters that have no shape."""
    last = re.split(r"[\\/]", file_name)[-1]
    printable = "".join(character for character in last if character.isprintable())
    return printable.strip()[-200:] or "devices"


class _Staged:
    """The rows as they go into the table, in the order of ROW_COLUMNS, and what came up on the way."""

    def __init__(self, device_import: DeviceImport, data_key: DataKey) -> None:
        self.device_import = device_import
        self._data_key = data_key
        self.total = self.rejected = 0
        self.brings_private_keys = False

    def rows(self, parsed: Iterable[DeviceRow]) -> Iterator[tuple[object, ...]]:
        for row in parsed:
            self._refuse_what_only_ops_may(row)
            self.total += 1
            self.rejected += bool(row.problems)
            self.brings_private_keys |= row.brings_private_key
            yield self._staged(row)

    def _staged(self, row: DeviceRow) -> tuple[object, ...]:
        outcome = DeviceImportRow.Outcome.REJECTED if row.problems else DeviceImportRow.Outcome.PENDING
        return (
            self.device_import.pk,
            row.number,
            row.device,
            row.key_index,
            row.is_native,
            outcome.value,
            Jsonb([problem._asdict() for problem in row.problems]),
            Jsonb([warning._asdict() for warning in row.warnings]),
            Jsonb(row.cells),
            row.mac,
            row.serial,
            row.advertisement_key,
            row.hashed_key,
            row.key_mac,
            row.firmware,
            row.hardware_revision,
            row.manufactured_at,
            row.production_run,
            self._sealed(row),
        )

    def _sealed(self, row: DeviceRow) -> bytes | None:
        if row.private_key is None or row.advertisement_key is None or row.problems:
            return None
        key_hash = advertisement.key_hash(row.advertisement_key)
        return self._data_key.seal(row.private_key, key_hash=key_hash)

    def _refuse_what_only_ops_may(self, row: DeviceRow) -> None:
        if row.brings_private_key and self.device_import.batch_id:
            raise BatchNotWantedError(
                "The file brings private keys, which get a batch of their own: leave the batch empty."
            )
        if self.device_import.manufacturer_id and (row.brings_private_key or row.production_run):
            raise OpsOnlyError(
                f"Row {row.number} has a private key or a production run, which only ops may import: leave such columns"
                " out."
            )
