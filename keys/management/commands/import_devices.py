"""Takes a file of manufactured devices into stock, and says row by row what could not be."""

import json
import shutil
import sys
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from foundation.commands import StrictCommand
from foundation.errors import DomainError
from foundation.wording import counted
from keys import selectors
from keys.imports import rejects
from keys.models import DeviceImport
from keys.services import importing, staging
from keys.vault import VaultError

SOME_REJECTED, UNREADABLE = 1, 2
COUNTS = ("total", "valid", "imported", "devices", "unchanged", "rejected", "warned")


class Command(StrictCommand):
    help = (
        "Import a file of devices: CSV or JSON with mac, serial and key of each, or what macless-haystack, OpenHaystack"
        " and FindMy.py keep. Exits with 1 if rows were rejected, and with 2 if the file can't be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the file, or - for standard input")
        parser.add_argument("--batch", metavar="LABEL", help="all devices have to be of this batch")
        parser.add_argument("--dry-run", action="store_true", help="only check, and change nothing")
        parser.add_argument(
            "--rejects", type=Path, metavar="PATH", help="write rejected rows here, to fix and import again"
        )
        parser.add_argument(
            "--accept-mac-mismatch",
            action="store_true",
            help="also accept devices whose MAC is not the one that their key implies",
        )
        parser.add_argument("--json", action="store_true", help="print counts and reasons as JSON")

    def handle(self, *, file: Path, **options: Any) -> None:
        console = Console(file=sys.stderr)
        try:
            device_import = self._receive(file, options)
            self._go_through(device_import, console)
            if options["rejects"] and device_import.rejected:
                self._write_rejects(device_import, options["rejects"])
        except (DomainError, VaultError, OSError) as error:
            self.stderr.write(" ".join(f"{file}: {error}".splitlines()))
            sys.exit(UNREADABLE)
        reasons = selectors.reasons_of(device_import)
        if options["dry_run"] and not device_import.ended_at:
            importing.cancel(device_import=device_import, actor=None, now=timezone.now())
        if options["json"]:
            self._print_json(device_import, reasons, dry_run=options["dry_run"])
        else:
            self._print_table(device_import, reasons, dry_run=options["dry_run"])
        if device_import.rejected or device_import.failure:
            sys.exit(SOME_REJECTED)

    def _receive(self, file: Path, options: dict[str, Any]) -> DeviceImport:
        if options["batch"] == "":
            raise OSError("--batch is empty: name a batch, or leave it out.")
        batch = selectors.batch_called(options["batch"] or "", manufacturer=None)
        rejects_path: Path | None = options["rejects"]
        if rejects_path and rejects_path.resolve() == file.resolve():
            raise OSError("--rejects would overwrite the file itself: give another path.")
        if rejects_path and not rejects_path.resolve().parent.is_dir():
            raise OSError(f"--rejects: there is no directory {rejects_path.parent}.")
        return staging.receive(
            content=_content(file),
            file_name=file.name,
            batch=batch,
            manufacturer=None,
            accept_mac_mismatch=options["accept_mac_mismatch"],
            confirmed=not options["dry_run"],
            actor=None,
            now=timezone.now(),
        )

    def _go_through(self, device_import: DeviceImport, console: Console) -> None:
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        with bar:
            checking = bar.add_task("Checking", total=device_import.total)
            taking = bar.add_task("Importing", total=None)
            while importing.continue_import(device_import=device_import, now=timezone.now()):
                device_import.refresh_from_db()
                bar.update(checking, completed=device_import.checked)
                bar.update(taking, completed=device_import.imported, total=device_import.valid)
        device_import.refresh_from_db()

    def _write_rejects(self, device_import: DeviceImport, path: Path) -> None:
        lines = rejects.write(
            selectors.rejects_of(device_import), with_private_key=device_import.brings_private_keys
        )
        with path.open("w", encoding="utf-8", newline="") as target:
            target.writelines(lines)

    def _print_json(
        self, device_import: DeviceImport, reasons: list[selectors.Reason], *, dry_run: bool
    ) -> None:
        counts = {name: getattr(device_import, name) for name in COUNTS}
        answer = counts | {
            "import": device_import.pk,
            "dry_run": dry_run,
            "failure": device_import.failure,
            "passed_over": device_import.passed_over,
            "reasons": [reason._asdict() for reason in reasons],
            "warnings": device_import.warnings,
        }
        self.stdout.write(json.dumps(answer, indent=1))

    def _print_table(
        self, device_import: DeviceImport, reasons: list[selectors.Reason], *, dry_run: bool
    ) -> None:
        taken = (
            f"{device_import.valid:,} could be imported"
            if dry_run
            else f"{device_import.imported:,} imported"
        )
        # Where a device has several rows, the two numbers differ.
        made = (
            f" ({counted(device_import.devices, 'device')})"
            if device_import.devices < device_import.imported
            else ""
        )
        warned = f", {device_import.warned:,} with warnings" if device_import.warned else ""
        self.stdout.write(
            f"{device_import.total:,} rows: {taken}{made}, {device_import.unchanged:,} unchanged,"
            f" {device_import.rejected:,} rejected{warned}."
        )
        if device_import.passed_over:
            self.stdout.write(f"Not used: {device_import.passed_over}.")
        if device_import.failure:
            self.stderr.write(device_import.failure)
        self._print_reasons("Reason", reasons)
        self._print_reasons("Warning", selectors.warnings_of(device_import))

    def _print_reasons(self, title: str, reasons: list[selectors.Reason]) -> None:
        if not reasons:
            return
        table = Table("Rows", "Column", title, "For example")
        for reason in reasons:
            example = f"Row {reason.first}: {reason.example}"
            table.add_row(f"{reason.rows:,}", reason.column or "–", reason.code, example)
        console = Console(file=StringIO(), width=shutil.get_terminal_size().columns)
        with console.capture() as text:
            console.print(table, markup=False)
        self.stdout.write(text.get())


def _content(file: Path) -> bytes:
    """The file, if it is not too large; asked before it is read."""
    if str(file) == "-":
        content = sys.stdin.buffer.read(staging.limit_bytes() + 1)
    else:
        if not file.is_file():
            raise OSError("there is no such file.")
        staging.refuse_too_large(file.stat().st_size)
        content = file.read_bytes()
    return content
