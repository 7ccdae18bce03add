"""Replaces the master key: data keys are sealed again, private keys are not touched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db import transaction

from clients.models import User
from foundation import bulk
from keys.models import DeviceImport, KeyBatch
from keys.vault import Vault, VaultError

log = structlog.get_logger(__name__)

DATA_KEYS_PER_TRANSACTION = 1_000
SHOWN_FAILURES = 10

# Only where it is still what was read: another rotation may run at the same time.
RESEAL = """
UPDATE {table} AS owner
SET sealed_data_key = new.sealed
FROM unnest(%(ids)b::bigint[], %(before)b::bytea[], %(sealed)b::bytea[]) AS new (id, before, sealed)
WHERE owner.id = new.id AND owner.sealed_data_key = new.before
"""
IDS_IN_USE = """
SELECT substring(sealed_data_key FOR 4), count(*)
FROM (
    SELECT sealed_data_key FROM keys_keybatch
    UNION ALL
    SELECT sealed_data_key FROM keys_deviceimport
) AS owner
WHERE sealed_data_key IS NOT NULL
GROUP BY 1 ORDER BY 1
"""
# Whatever has a data key of its own, and what it is called: an import has one while it brings private keys.
OWNERS: tuple[tuple[type[KeyBatch] | type[DeviceImport], str], ...] = (
    (KeyBatch, "label"),
    (DeviceImport, "file_name"),
)


@dataclass(slots=True)
class Rotation:
    """Of `data_keys`, all that there are, `resealed` were sealed by other master keys than the first one; `failures`
    could not be opened, and `failed` are their number. `retired` are the ids, in hex, of master keys that nothing
    needs any more."""

    data_keys: int = 0
    resealed: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)


def rotate_master_key(*, actor: User | None, dry_run: bool = False) -> Rotation:
    """Seal every data key by the first master key listed, a thousand in a transaction; a killed run is just run again.

    A data key that no listed master key opens is left as it is, counted and logged. With `dry_run` everything is
    opened and nothing written. Raises `vault.MissingMasterKeyError` or `vault.MalformedMasterKeyError`.
    """
    vault = Vault.from_encoded(settings.VAULT_MASTER_KEYS)
    rotation = Rotation()
    for owner, name in OWNERS:
        for chunk in _chunks(owner, name):
            resealed = _reseal(vault, chunk, rotation)
            if not dry_run:
                _store(owner, resealed)
    if not dry_run:
        in_use = stored_key_ids()
        others = (master_key.key_id for master_key in vault.master_keys[1:])
        rotation.retired = [key_id.hex() for key_id in others if key_id not in in_use]
    log.info(
        "vault_master_key_rotated",
        who=actor.get_username() if actor else "system",
        dry_run=dry_run,
        data_keys=rotation.data_keys,
        resealed=rotation.resealed,
        failed=rotation.failed,
    )
    return rotation


def stored_key_ids() -> dict[bytes, int]:
    """The ids of the master keys that seal data keys here, with the number of data keys; one query."""
    return {bytes(key_id): number for key_id, number in bulk.fetch_all(IDS_IN_USE, {})}


def unlisted_key_ids() -> dict[bytes, int]:
    """As `stored_key_ids`, those of them that VAULT_MASTER_KEYS does not list: what they seal can't be opened. Raises
    `vault.MissingMasterKeyError` or `vault.MalformedMasterKeyError`."""
    listed = {master_key.key_id for master_key in Vault.from_encoded(settings.VAULT_MASTER_KEYS).master_keys}
    return {key_id: number for key_id, number in stored_key_ids().items() if key_id not in listed}


Row = tuple[int, str, bytes]


def _chunks(owner: type[KeyBatch] | type[DeviceImport], name: str) -> Iterator[Sequence[Row]]:
    after = 0
    while True:
        chunk = list(
            owner.objects.filter(pk__gt=after, sealed_data_key__isnull=False)
            .order_by("pk")
            .values_list("pk", name, "sealed_data_key")[:DATA_KEYS_PER_TRANSACTION]
        )
        if not chunk:
            return
        yield [(pk, label, bytes(sealed)) for pk, label, sealed in chunk]
        after = chunk[-1][0]


def _reseal(vault: Vault, chunk: Sequence[Row], rotation: Rotation) -> list[tuple[int, bytes, bytes]]:
    resealed = []
    for pk, label, before in chunk:
        rotation.data_keys += 1
        try:
            after = vault.reseal_data_key(before)
            vault.open_data_key(after)
        except VaultError as error:
            rotation.failed += 1
            if len(rotation.failures) < SHOWN_FAILURES:
                rotation.failures.append(f"{label}: {error}")
            log.error("data_key_not_resealed", owner=label, reason=str(error))
            continue
        if after != before:
            rotation.resealed += 1
            resealed.append((pk, before, after))
    return resealed


def _store(owner: type[KeyBatch] | type[DeviceImport], resealed: Sequence[tuple[int, bytes, bytes]]) -> None:
    if resealed:
        with transaction.atomic():
            statement = RESEAL.format(table=owner._meta.db_table)
            bulk.execute(statement, bulk.transposed(resealed, ("ids", "before", "sealed")))
