"""Writes a batch's public keys for its manufacturer, and keeps what was written, for whom, and that it arrived."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import IO

import structlog
from django.db import transaction

from clients.models import User
from foundation import audit, batching
from foundation.errors import DomainError
from keys import selectors
from keys.exports.formats import FORMATS, Batch, Device, ExportFormat, in_blocks, proposed_serial
from keys.models import KeyBatch, ManufacturerExport

log = structlog.get_logger(__name__)

DEVICES_PER_QUERY = 500
# About ten seconds of work: as long as a browser should wait.
MAX_KEYS_ONLINE = 1_000_000


class UnknownFormatError(DomainError):
    code = "unknown_format"


class BatchNotExportableError(DomainError):
    code = "batch_not_generated"


class BatchTooLargeError(DomainError):
    code = "batch_too_large"


class ChecksumMismatchError(DomainError):
    code = "checksum_mismatch"


class ExportChangedError(DomainError):
    code = "export_changed"


def export_batch(
    *, batch: KeyBatch, format_code: str, actor: User | None, now: datetime, out: IO[bytes] | None = None
) -> ManufacturerExport:
    """Write all public keys of a GENERATED batch to `out`, and record the export with its SHA-256.

    Without `out` the file is only measured; `stream_export` gives it later, the same byte for byte. Raises
    UnknownFormatError, or BatchNotExportableError also for a format that has no room for these devices.
    """
    export_format = _format(format_code)
    _require_generated(batch)
    _require_room_for_each_key(batch, export_format)
    digest, size, written = hashlib.sha256(), 0, Counter[str]()
    for block in _blocks(batch, export_format, written):
        digest.update(block)
        size += len(block)
        if out is not None:
            out.write(block)
    with transaction.atomic(), audit.acting(actor):
        export = ManufacturerExport.objects.create(
            batch=batch,
            format=export_format.code,
            sha256=digest.hexdigest(),
            rows=written["keys"],
            size_bytes=size,
            created_at=now,
            created_by=actor,
        )
    log.info(
        "key_batch_exported", batch=batch.pk, export=export.pk, format=export.format, sha256=export.sha256
    )
    return export


def refuse_unexportable(*, batches: Collection[KeyBatch]) -> None:
    """For those who wait for an answer: raise BatchNotExportableError if a batch is not generated, or
    BatchTooLargeError if they have more than a million keys together."""
    for batch in batches:
        _require_generated(batch)
    keys = sum(batch.devices * batch.keys_per_device for batch in batches)
    if keys > MAX_KEYS_ONLINE:
        raise BatchTooLargeError(
            f"These are {keys:,} keys, and here at most {MAX_KEYS_ONLINE:,} are exported at once: ops do it with"
            " `manage.py export_keys`, and the file can be downloaded afterwards."
        )


def stream_export(*, export: ManufacturerExport, actor: User | None) -> Iterator[bytes]:
    """The file of an export, block by block; logged with who takes it.

    Breaks off with ExportChangedError before the last block if the bytes are not those recorded, so that nobody
    takes such a file for complete.
    """
    blocks = _blocks(export.batch, _format(export.format), Counter())
    who = actor.get_username() if actor else "system"
    log.info("key_export_downloaded", export=export.pk, batch=export.batch_id, who=who)
    return _verified(export, blocks)


def acknowledge_export(
    *, export: ManufacturerExport, sha256: str, actor: User, now: datetime
) -> ManufacturerExport:
    """Record that the file arrived as it was sent. Doing so again changes nothing.

    Raises ChecksumMismatchError.
    """
    if sha256.strip().lower() != export.sha256:
        raise ChecksumMismatchError(
            f"This is not the checksum of export {export.pk}: the file that you have was altered or cut. It should have"
            f" {export.size_bytes:,} bytes. Download it again and take its SHA-256 anew; don't open and save it before."
        )
    with transaction.atomic(), audit.acting(actor):
        export = ManufacturerExport.objects.select_for_update(no_key=True).get(pk=export.pk)
        if export.acknowledged_at is None:
            export.acknowledged_at, export.acknowledged_by = now, actor
            export.save(update_fields=["acknowledged_at", "acknowledged_by"])
    return export


def file_name(export: ManufacturerExport) -> str:
    """`key-batch-12.csv`: of the batch's id, since its label may be any text."""
    return f"key-batch-{export.batch_id}{_format(export.format).suffix}"


def _require_generated(batch: KeyBatch) -> None:
    if batch.state != KeyBatch.State.GENERATED:
        raise BatchNotExportableError(
            f"{batch} is not generated yet: {batch.generated_devices:,} of {batch.devices:,} devices have their keys."
        )


def _format(code: str) -> ExportFormat:
    try:
        return FORMATS[code]
    except KeyError:
        raise UnknownFormatError(
            f"There is no format {code!r}. There are: {', '.join(sorted(FORMATS))}."
        ) from None


def _require_room_for_each_key(batch: KeyBatch, export_format: ExportFormat) -> None:
    """Fleets that brought their keys may have devices with fewer keys than others, which not every format can say."""
    if export_format.uneven:
        return
    fewest = selectors.fewest_keys(batch_id=batch.pk)
    if fewest < batch.keys_per_device:
        raise BatchNotExportableError(
            f"The devices of {batch} have {fewest} to {batch.keys_per_device} keys, and a {export_format.title} has"
            " room for the same number in each: choose another format."
        )


def _blocks(batch: KeyBatch, export_format: ExportFormat, written: Counter[str]) -> Iterator[bytes]:
    """The file; `written` counts the keys in it."""
    header = Batch(batch.pk, batch.devices, batch.keys_per_device)
    return in_blocks(export_format.write(header, _devices(batch, written)))


def _devices(batch: KeyBatch, written: Counter[str]) -> Iterator[Device]:
    for indexes in batching.batches(range(batch.devices), DEVICES_PER_QUERY):
        found = selectors.advertisement_keys(batch_id=batch.pk, first=indexes[0], last=indexes[-1] + 1)
        for device in found:
            written["keys"] += len(device.keys)
            yield Device(proposed_serial(batch.pk, device.device_index), device.keys)


def _verified(export: ManufacturerExport, blocks: Iterator[bytes]) -> Iterator[bytes]:
    digest, waiting = hashlib.sha256(), b""
    for block in blocks:
        digest.update(block)
        if waiting:
            yield waiting
        waiting = block
    if digest.hexdigest() != export.sha256:
        log.error("key_export_changed", export=export.pk, batch=export.batch_id)
        raise ExportChangedError(f"Export {export.pk} does not come out as it was recorded: make a new one.")
    yield waiting
