"""Writes the public keys of a batch into a file for its manufacturer."""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from rich.console import Console

from foundation.commands import StrictCommand
from foundation.errors import DomainError
from keys.exports.formats import FORMATS
from keys.models import KeyBatch, ManufacturerExport
from keys.services import exporting


class Command(StrictCommand):
    help = "Export a batch's public keys, and record the export with its SHA-256."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("batch", metavar="BATCH", help="the batch's label or id")
        titles = "; ".join(f"{each.code}: {each.title}" for each in FORMATS.values())
        parser.add_argument("--format", required=True, choices=sorted(FORMATS), help=titles)
        parser.add_argument("--output", required=True, type=Path, metavar="PATH", help="a file, or a folder")
        parser.add_argument("--json", action="store_true", help="print the record of the export as JSON")

    def handle(self, *, batch: str, format: str, output: Path, **options: Any) -> None:
        found = _find(batch)
        with Console(file=sys.stderr).status(f"Exporting {found} …"):
            try:
                export, path = _export(found, format, output)
            except DomainError as error:
                raise CommandError(error.message) from error
            except OSError as error:
                raise CommandError(f"Can't write {output}: {error.strerror}.") from error
        if options["json"]:
            record = {
                "export": export.pk,
                "batch": found.pk,
                "format": export.format,
                "path": str(path),
                "keys": export.rows,
                "size_bytes": export.size_bytes,
                "sha256": export.sha256,
            }
            self.stdout.write(json.dumps(record, indent=1))
            return
        self.stdout.write(
            f"{path}: {export.rows:,} keys of {found}, {export.size_bytes:,} bytes. SHA-256 {export.sha256}"
        )


def _find(name: str) -> KeyBatch:
    """A label comes first: it may look like an id."""
    found = KeyBatch.objects.filter(label=name).first()
    if found is None and name.isascii() and name.isdigit():
        found = KeyBatch.objects.filter(pk=int(name[:18])).first()
    if found is None:
        raise CommandError(f"There is no batch {name!r}: give its label or its id, as the admin shows them.")
    return found


def _export(batch: KeyBatch, format_code: str, output: Path) -> tuple[ManufacturerExport, Path]:
    """Written beside its place and moved there when it is complete, so that nobody finds half a file."""
    folder = output if output.is_dir() else output.parent
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".export-", delete=False) as partial:
        try:
            export = exporting.export_batch(
                batch=batch, format_code=format_code, actor=None, now=timezone.now(), out=partial
            )
        except BaseException:
            os.unlink(partial.name)
            raise
    path = output / exporting.file_name(export) if output.is_dir() else output
    os.chmod(partial.name, 0o644)
    os.replace(partial.name, path)
    return export, path
