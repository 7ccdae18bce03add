"""Makes a batch of key pairs, or goes on with one that stopped."""

import json
import sys
from datetime import datetime
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from foundation.commands import StrictCommand
from foundation.deadlines import Clock
from foundation.errors import DomainError
from keys.advertisement import MAX_KEYS_PER_DEVICE
from keys.models import KeyBatch, Manufacturer
from keys.services import generating
from keys.vault import VaultError

INTERRUPTED = 130


class Command(StrictCommand):
    help = "Generate a batch of key pairs with progress. Stopped or killed, --resume goes on without a gap."

    excludes: ClassVar = {"resume": ("devices", "keys_per_device", "label", "note", "manufacturer")}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--devices", type=int, metavar="N", help="how many devices")
        parser.add_argument(
            "--keys-per-device",
            type=int,
            metavar="K",
            help=f"1 to {MAX_KEYS_PER_DEVICE} keys that a device rotates through (1)",
        )
        parser.add_argument("--label", help="the batch's name (the time)")
        parser.add_argument("--note", help="whatever helps to tell the batch from others")
        parser.add_argument("--manufacturer", metavar="NAME", help="who may fetch the public keys")
        parser.add_argument("--resume", metavar="LABEL", help="go on with this batch")
        parser.add_argument("--json", action="store_true", help="print JSON when done")

    def handle(self, *, resume: str | None, clock: Clock = timezone.now, **options: Any) -> None:
        try:
            batch = _created(options, now=clock()) if resume is None else _resumed(resume)
            begin, before = clock(), batch.generated_devices
            _generate(batch, clock)
        except (DomainError, VaultError) as error:
            raise CommandError(str(error)) from error
        seconds = (clock() - begin).total_seconds()
        self._report(
            batch,
            (batch.generated_devices - before) * batch.keys_per_device,
            seconds,
            as_json=options["json"],
        )

    def _report(self, batch: KeyBatch, made: int, seconds: float, *, as_json: bool) -> None:
        if batch.state != KeyBatch.State.GENERATED:
            raise CommandError(f"{_how_far(batch)} It was cancelled meanwhile; --resume goes on.")
        if as_json:
            figures = {
                "batch": batch.pk,
                "label": batch.label,
                "state": batch.state,
                "devices": batch.devices,
                "keys_per_device": batch.keys_per_device,
                "key_pairs_made": made,
                "seconds": round(seconds, 2),
            }
            self.stdout.write(json.dumps(figures))
            return
        self.stdout.write(
            f"Batch {batch.pk}, {batch.label}: {batch.devices:,} devices with {batch.keys_per_device} keys each;"
            f" {made:,} key pairs made now, in {seconds:.1f} s."
        )


def _created(options: dict[str, Any], *, now: datetime) -> KeyBatch:
    if options["devices"] is None:
        raise CommandError("Say how many: --devices N, or --resume LABEL to go on with a batch.")
    return generating.create_batch(
        label=f"{now:%Y-%m-%d %H:%M:%S}" if options["label"] is None else options["label"],
        devices=options["devices"],
        keys_per_device=1 if options["keys_per_device"] is None else options["keys_per_device"],
        note=options["note"] or "",
        manufacturer=_manufacturer(options["manufacturer"]),
        actor=None,
        now=now,
    )


def _manufacturer(name: str | None) -> Manufacturer | None:
    if name is None:
        return None
    found = Manufacturer.objects.filter(name=name).first()
    if found is None:
        raise CommandError(f"There is no manufacturer {name!r}: add it in the admin first.")
    return found


def _resumed(label: str) -> KeyBatch:
    batch = KeyBatch.objects.filter(label=label).first()
    if batch is None:
        raise CommandError(f"There is no batch {label!r}: the admin lists their labels.")
    if batch.state == KeyBatch.State.CANCELLED:
        return generating.resume_batch(batch=batch, actor=None)
    return batch


def _generate(batch: KeyBatch, clock: Clock) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("devices"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr)) as progress:
        bar = progress.add_task(batch.label, total=batch.devices, completed=batch.generated_devices)
        try:
            while generating.continue_batch(batch=batch, now=clock()):
                batch.refresh_from_db()
                progress.update(bar, completed=batch.generated_devices)
        except KeyboardInterrupt:
            batch.refresh_from_db()
            progress.stop()
            sys.stderr.write(f"{_how_far(batch)} Workers go on with it, or: --resume {batch.label!r}\n")
            sys.exit(INTERRUPTED)
        batch.refresh_from_db()
        progress.update(bar, completed=batch.generated_devices)


def _how_far(batch: KeyBatch) -> str:
    return f"{batch.label}: {batch.generated_devices:,} of {batch.devices:,} devices have their keys."
