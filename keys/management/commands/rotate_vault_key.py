"""Seals all data keys by the first master key listed, so that the old one can go."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from foundation.commands import StrictCommand
from keys.services import rotating
from keys.vault import VaultError

FAILED = 1


class Command(StrictCommand):
    help = (
        "Seal the data keys of all batches and imports by the first of VAULT_MASTER_KEYS; private keys are not"
        " touched."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="unseal everything, write nothing")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        try:
            rotation = rotating.rotate_master_key(actor=None, dry_run=dry_run)
        except VaultError as error:
            raise CommandError(f"VAULT_MASTER_KEYS: {error}.") from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(rotation) | {"dry_run": dry_run}))
        else:
            self.stdout.write(_told(rotation, dry_run=dry_run))
        if rotation.failed:
            self._tell_failures(rotation)
            sys.exit(FAILED)

    def _tell_failures(self, rotation: rotating.Rotation) -> None:
        for failure in rotation.failures:
            self.stderr.write(failure)
        self.stderr.write(
            f"{rotation.failed:,} data keys could not be unsealed and are as they were. Keep every old master key, list"
            " the missing one, and run this again."
        )


def _told(rotation: rotating.Rotation, *, dry_run: bool) -> str:
    verb = "would be sealed" if dry_run else "sealed"
    told = f"{rotation.resealed:,} of {rotation.data_keys:,} data keys {verb} by the first master key."
    if rotation.retired and not rotation.failed:
        ids = ", ".join(rotation.retired)
        told += (
            f"\nNothing needs the other listed master keys any more ({ids}): restart all processes with the new list,"
            " run this once more, then remove the old keys from VAULT_MASTER_KEYS. Keep them for as long as you keep"
            " backups that were made before."
        )
    return told
