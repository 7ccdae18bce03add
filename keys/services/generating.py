"""Generates the key pairs of a key batch, some of them in a transaction, so that a kill costs little."""

import base64
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from clients.models import User
from foundation import audit, bulk
from foundation.deadlines import Clock, Deadline
from foundation.errors import DomainError
from keys import advertisement, lifecycle
from keys.advertisement import MAX_KEYS_PER_DEVICE
from keys.models import KeyBatch, KeyPair, Manufacturer
from keys.vault import DataKey, Vault

log = structlog.get_logger(__name__)

# One transaction of the generation: a third of a second's work, and what a kill costs at most.
KEYS_PER_TRANSACTION = 2_000
MAX_KEYS_PER_BATCH = 5_000_000
MAX_LABEL_LENGTH = 100
# Any number that no other advisory lock of this database has: "keys" in ASCII.
DRAINER_LOCK = 0x6B657973

KEY_PAIR_COLUMNS = {
    "batch_id": "int8",
    "device_index": "int4",
    "key_index": "int2",
    "advertisement_key": "bytea",
    "hashed_key": "varchar",
    "mac": "varchar",
    "sealed_private_key": "bytea",
}


class InvalidBatchError(DomainError):
    code = "invalid_batch"


class BatchNotCancellableError(DomainError):
    code = "batch_not_cancellable"


class BatchNotResumableError(DomainError):
    code = "batch_not_resumable"


def create_batch(
    *,
    label: str,
    devices: int,
    keys_per_device: int,
    actor: User | None,
    now: datetime,
    note: str = "",
    manufacturer: Manufacturer | None = None,
) -> KeyBatch:
    """Queue a batch of `devices` times `keys_per_device` (1 to 50) key pairs and give it its data key.

    Raises InvalidBatchError, also for a label that is taken, and `vault.VaultError` without a usable master key.
    """
    label = label.strip()
    refuse_impossible(label=label, devices=devices, keys_per_device=keys_per_device)
    if KeyBatch.objects.filter(label=label).exists():
        raise InvalidBatchError(f"There is a batch {label!r} already: choose another label.")
    _, sealed_data_key = _vault().new_data_key()
    return KeyBatch.objects.create(
        label=label,
        devices=devices,
        keys_per_device=keys_per_device,
        note=note,
        manufacturer=manufacturer,
        sealed_data_key=sealed_data_key,
        created_at=now,
        created_by=actor,
    )


def refuse_impossible(*, label: str, devices: int, keys_per_device: int) -> None:
    """Raise InvalidBatchError if there can be no such batch, whatever else there is."""
    if not 0 < len(label) <= MAX_LABEL_LENGTH or not label.isprintable():
        raise InvalidBatchError(f"A label is one line of 1 to {MAX_LABEL_LENGTH} characters.")
    if devices < 1 or not 1 <= keys_per_device <= MAX_KEYS_PER_DEVICE:
        raise InvalidBatchError(f"A batch has at least one device, and each 1 to {MAX_KEYS_PER_DEVICE} keys.")
    if devices * keys_per_device > MAX_KEYS_PER_BATCH:
        raise InvalidBatchError(
            f"{devices:,} devices with {keys_per_device} keys each are {devices * keys_per_device:,} keys; a batch has"
            f" at most {MAX_KEYS_PER_BATCH:,}: make several batches."
        )


def require_vault() -> None:
    """Raise `vault.VaultError` if nothing could be sealed."""
    _vault()


def continue_batch(*, batch: KeyBatch, now: datetime) -> bool:
    """Generate the next key pairs of a batch in one transaction; returns whether more is to be done.

    Safe to call from several processes and after a kill: the batch's row is locked, and its progress is committed
    with the key pairs. A batch that is GENERATED or CANCELLED is left alone.
    """
    try:
        return _generate_next(batch.pk, now)
    except IntegrityError:
        # Another batch took one of the new MACs in the meantime; with fresh ones that hardly happens twice.
        return _generate_next(batch.pk, now)


def drain_batches(*, clock: Clock, time_budget_s: float) -> bool:
    """Go on with unfinished batches, the oldest first, for this many seconds; returns whether more is to be done.

    Also takes up what a killed worker left. One process at a time drains: for another one there is nothing to do.
    """
    deadline = Deadline(clock, time_budget_s)
    with _only_drainer() as alone:
        while alone and not deadline.passed:
            batch = KeyBatch.objects.unfinished().order_by("pk").first()
            if batch is None:
                return False
            while not deadline.passed and continue_batch(batch=batch, now=clock()):
                pass
        return alone and KeyBatch.objects.unfinished().exists()


def cancel_batch(*, batch: KeyBatch, actor: User | None) -> KeyBatch:
    """Stop the generation after the transaction at hand. The key pairs that are there stay, and `resume_batch` goes on.

    Raises BatchNotCancellableError for a batch that is finished or cancelled already.
    """
    with transaction.atomic(), audit.acting(actor):
        batch = KeyBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
        if batch.state not in lifecycle.CANCEL_BATCH.comes_from:
            raise BatchNotCancellableError(
                f"{batch} is {batch.get_state_display().lower()}: nothing is being generated."
            )
        batch.state = lifecycle.CANCEL_BATCH.becomes
        batch.save(update_fields=["state"])
    log.info("key_batch_cancelled", batch=batch.pk, devices=batch.generated_devices, of=batch.devices)
    return batch


def resume_batch(*, batch: KeyBatch, actor: User | None) -> KeyBatch:
    """Queue a cancelled batch again; it goes on after the last device that has its keys.

    Raises BatchNotResumableError for one that is not cancelled.
    """
    with transaction.atomic(), audit.acting(actor):
        batch = KeyBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
        if batch.state not in lifecycle.RESUME.comes_from:
            raise BatchNotResumableError(
                f"{batch} is {batch.get_state_display().lower()}: only a cancelled batch is resumed, a worker goes on"
                " with the others by itself."
            )
        batch.state = lifecycle.RESUME.becomes
        batch.save(update_fields=["state"])
    log.info("key_batch_resumed", batch=batch.pk, devices=batch.generated_devices, of=batch.devices)
    return batch


@contextmanager
def _only_drainer() -> Iterator[bool]:
    """Whether no other process drains. The lock is the connection's, so PostgreSQL frees it when a worker is killed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [DRAINER_LOCK])
        (alone,) = cursor.fetchone()
    try:
        yield alone
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [DRAINER_LOCK])


@transaction.atomic
def _generate_next(batch_id: int, now: datetime) -> bool:
    batch = KeyBatch.objects.select_for_update(no_key=True).get(pk=batch_id)
    if batch.state not in lifecycle.GENERATE.comes_from:
        return False
    first = batch.generated_devices
    last = min(batch.devices, first + max(1, KEYS_PER_TRANSACTION // batch.keys_per_device))
    pairs = _draw_key_pairs((last - first) * batch.keys_per_device)
    data_key = _vault().open_data_key(bytes(batch.sealed_data_key))
    bulk.copy_rows(KeyPair._meta.db_table, KEY_PAIR_COLUMNS, _rows(batch, data_key, pairs))
    batch.generated_devices = last
    done = last == batch.devices
    batch.state = (lifecycle.COMPLETE if done else lifecycle.GENERATE).becomes
    batch.generated_at = now if done else None
    batch.save(update_fields=["generated_devices", "state", "generated_at"])
    log.info("key_batch_progress", batch=batch.pk, devices=last, of=batch.devices)
    return not done


def _draw_key_pairs(wanted: int) -> list[advertisement.KeyPair]:
    """Fresh pairs with MACs that no key pair and no tracker has; those that clash are drawn again."""
    pairs: dict[str, advertisement.KeyPair] = {}
    while len(pairs) < wanted:
        drawn = {pair.mac: pair for pair in _generate(wanted - len(pairs))}
        for mac in _taken_macs(drawn) | pairs.keys():
            drawn.pop(mac, None)
        pairs |= drawn
    return list(pairs.values())


def _generate(number: int) -> Iterator[advertisement.KeyPair]:
    for _ in range(number):
        yield advertisement.generate_key_pair()


def _taken_macs(macs: Collection[str]) -> set[str]:
    found = bulk.fetch_values(
        "SELECT mac FROM keys_keypair WHERE mac = ANY(%(macs)s::varchar[])"
        " UNION SELECT mac FROM trackers_tracker WHERE mac = ANY(%(macs)s::varchar[])",
        {"macs": list(macs)},
    )
    return set(found)


def _rows(
    batch: KeyBatch, data_key: DataKey, pairs: Sequence[advertisement.KeyPair]
) -> Iterator[tuple[object, ...]]:
    for number, pair in enumerate(pairs):
        device, key_index = divmod(number, batch.keys_per_device)
        hash_ = pair.key_hash
        yield (
            batch.pk,
            batch.generated_devices + device,
            key_index,
            pair.advertisement_key,
            base64.b64encode(hash_).decode("ascii"),
            pair.mac,
            data_key.seal(pair.private_key, key_hash=hash_),
        )


def _vault() -> Vault:
    return Vault.from_encoded(settings.VAULT_MASTER_KEYS)
