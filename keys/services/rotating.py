"""Replaces the master key: data keys are sealed again, private keys are not touched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from clients.models import User
from foundation import batching, bulk
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
SELECT substring(sealed_data_key FOR 4) AS key_id, count(*) AS data_keys
FROM (
    SELECT sealed_data_key FROM keys_keybatch
    UNION ALL
    SELECT sealed_data_key FROM keys_deviceimport
) AS owner
WHERE sealed_data_key IS NOT NULL
GROUP BY 1 ORDER BY 1
"""
# Whatever has a data key of its own, and the field that names it: an import has one while it brings private keys.
OWNERS: dict[type[KeyBatch] | type[DeviceImport], str] = {KeyBatch: "label", DeviceImport: "file_name"}


class StoredKeyId(NamedTuple):
    """The id of a master key, and how many data keys it seals."""

    key_id: bytes
    data_keys: int


class SealedKey(NamedTuple):
    """The data key of an owner, as it is stored."""

    id: int
    owner: str
    sealed: bytes


class ResealedKey(NamedTuple):
    """Before: what was read; another rotation may have sealed it meanwhile."""

    id: int
    before: bytes
    sealed: bytes


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
    for owner in OWNERS:
        for batch in batching.batches(_sealed_keys(owner), DATA_KEYS_PER_TRANSACTION):
            resealed = _reseal(vault, batch, rotation)
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
    rows = bulk.fetch_rows(IDS_IN_USE, {}, StoredKeyId)
    return {bytes(row.key_id): row.data_keys for row in rows}


def unlisted_key_ids() -> dict[bytes, int]:
    """As `stored_key_ids`, those of them that VAULT_MASTER_KEYS does not list: what they seal can't be opened. Raises
    `vault.MissingMasterKeyError` or `vault.MalformedMasterKeyError`."""
    listed = {master_key.key_id for master_key in Vault.from_encoded(settings.VAULT_MASTER_KEYS).master_keys}
    return {key_id: number for key_id, number in stored_key_ids().items() if key_id not in listed}


def _sealed_keys(owner: type[KeyBatch] | type[DeviceImport]) -> Iterator[SealedKey]:
    """All that are there, in the order of their owners' ids, a transaction's worth at a time: none is open between."""
    name_field, after = OWNERS[owner], 0
    while True:
        rows = list(
            owner.objects.filter(pk__gt=after, sealed_data_key__isnull=False)
            .order_by("pk")
            .values("pk", "sealed_data_key", name=F(name_field))[:DATA_KEYS_PER_TRANSACTION]
        )
        if not rows:
            return
        for row in rows:
            yield SealedKey(row["pk"], row["name"], bytes(row["sealed_data_key"] or b""))
        after = rows[-1]["pk"]


def _reseal(vault: Vault, sealed_keys: Sequence[SealedKey], rotation: Rotation) -> list[ResealedKey]:
    resealed = []
    for key in sealed_keys:
        rotation.data_keys += 1
        try:
            after = vault.reseal_data_key(key.sealed)
            vault.open_data_key(after)
        except VaultError as error:
            rotation.failed += 1
            if len(rotation.failures) < SHOWN_FAILURES:
                rotation.failures.append(f"{key.owner}: {error}")
            log.error("data_key_not_resealed", owner=key.owner, reason=str(error))
            continue
        if after != key.sealed:
            rotation.resealed += 1
            resealed.append(ResealedKey(key.id, key.sealed, after))
    return resealed


def _store(owner: type[KeyBatch] | type[DeviceImport], resealed: Sequence[ResealedKey]) -> None:
    if resealed:
        with transaction.atomic():
            statement = RESEAL.format(table=owner._meta.db_table)
            bulk.execute(statement, bulk.transposed(resealed, ("ids", "before", "sealed")))
