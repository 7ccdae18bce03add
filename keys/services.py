"""Generates key batches, registers their devices as trackers, and unseals private keys for decryption."""

import base64
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import IntegrityError, transaction

from clients import bulk
from clients.errors import DomainError
from clients.models import User
from keys import advertisement
from keys.models import MAX_KEYS_PER_DEVICE, KeyBatch, KeyPair
from keys.vault import DataKey, TamperedSecret, Vault
from trackers.models import Tracker

log = structlog.get_logger(__name__)

# One transaction of the generation: a fifth of a second's work, and what a kill costs at most.
KEYS_PER_CHUNK = 5_000

KEY_PAIR_COLUMNS = {
    "batch_id": "int8",
    "device_index": "int4",
    "key_index": "int2",
    "advertisement_key": "bytea",
    "hashed_key": "varchar",
    "mac": "varchar",
    "sealed_private_key": "bytea",
}
LINK_KEY_PAIRS = """
UPDATE keys_keypair AS pair
SET tracker_id = device.tracker_id
FROM unnest(%(device_indexes)s::integer[], %(tracker_ids)s::bigint[]) AS device (device_index, tracker_id)
WHERE pair.batch_id = %(batch_id)s AND pair.device_index = device.device_index
"""


class InvalidBatch(DomainError):
    code = "invalid_batch"


class BatchNotGenerated(DomainError):
    code = "batch_not_generated"


class DeviceNotRegistrable(DomainError):
    code = "device_not_registrable"


def create_batch(
    *, label: str, devices: int, keys_per_device: int, actor: User | None, now: datetime, note: str = ""
) -> KeyBatch:
    """Queue a batch of `devices` times `keys_per_device` (1 to 50) key pairs and give it its data key.

    Raises InvalidBatch, also for a label that is taken, and `vault.VaultError` without a usable master key.
    """
    if devices < 1 or not 1 <= keys_per_device <= MAX_KEYS_PER_DEVICE:
        raise InvalidBatch(f"A batch has at least one device, and each 1 to {MAX_KEYS_PER_DEVICE} keys.")
    if KeyBatch.objects.filter(label=label).exists():
        raise InvalidBatch(f"There is a batch {label!r} already: choose another label.")
    _, sealed_data_key = _vault().new_data_key()
    return KeyBatch.objects.create(
        label=label,
        devices=devices,
        keys_per_device=keys_per_device,
        note=note,
        sealed_data_key=sealed_data_key,
        created_at=now,
        created_by=actor,
    )


def generate_batch(
    *, label: str, devices: int, keys_per_device: int, actor: User | None, now: datetime
) -> KeyBatch:
    """Create a batch and generate all of its key pairs. Returns it GENERATED.

    Raises as `create_batch` does. If the process ends midway, `continue_batch` goes on where it stopped.
    """
    batch = create_batch(label=label, devices=devices, keys_per_device=keys_per_device, actor=actor, now=now)
    while continue_batch(batch=batch, now=now):
        pass
    batch.refresh_from_db()
    return batch


def continue_batch(*, batch: KeyBatch, now: datetime) -> bool:
    """Generate the next chunk of a batch in one transaction; returns whether more is to be done.

    Safe to call from several processes and after a kill: the batch's row is locked, and its progress is committed
    with the key pairs. A batch that is GENERATED or CANCELLED is left alone.
    """
    try:
        return _generate_chunk(batch.pk, now)
    except IntegrityError:
        # Another batch took one of the new MACs in the meantime; with fresh ones that hardly happens twice.
        return _generate_chunk(batch.pk, now)


@transaction.atomic
def _generate_chunk(batch_id: int, now: datetime) -> bool:
    batch = KeyBatch.objects.select_for_update(no_key=True).get(pk=batch_id)
    if batch.state not in (KeyBatch.State.QUEUED, KeyBatch.State.GENERATING):
        return False
    first = batch.generated_devices
    last = min(batch.devices, first + max(1, KEYS_PER_CHUNK // batch.keys_per_device))
    pairs = _draw_key_pairs((last - first) * batch.keys_per_device)
    data_key = _vault().open_data_key(bytes(batch.sealed_data_key))
    bulk.copy_rows(KeyPair._meta.db_table, KEY_PAIR_COLUMNS, _rows(batch, data_key, pairs))
    batch.generated_devices = last
    done = last == batch.devices
    batch.state = KeyBatch.State.GENERATED if done else KeyBatch.State.GENERATING
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
    found = bulk.fetch_all(
        "SELECT mac FROM keys_keypair WHERE mac = ANY(%(macs)s::varchar[])"
        " UNION SELECT mac FROM trackers_tracker WHERE mac = ANY(%(macs)s::varchar[])",
        {"macs": list(macs)},
    )
    return {mac for (mac,) in found}


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


def register_devices(*, batch: KeyBatch, serials: Mapping[int, str | None], now: datetime) -> list[Tracker]:
    """Take devices of a GENERATED batch into stock: one tracker each, linked with the device's key pairs.

    serials: serial number by device index, None where there is none. A tracker's MAC is that of the device's first
    key. One transaction; returns the trackers by device index. Raises BatchNotGenerated, or DeviceNotRegistrable for
    a device that is not in the batch or registered already, or a serial that is taken.
    """
    with transaction.atomic():
        batch = KeyBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
        if batch.state != KeyBatch.State.GENERATED:
            raise BatchNotGenerated(f"{batch} is not generated yet: wait until all of its keys are there.")
        _refuse_taken_serials(serials)
        macs = dict(
            KeyPair.objects.filter(
                batch=batch, device_index__in=serials.keys(), key_index=0, tracker=None
            ).values_list("device_index", "mac")
        )
        if unknown := serials.keys() - macs.keys():
            raise DeviceNotRegistrable(
                f"{batch} has no device {min(unknown)} that waits to be registered ({len(unknown)} such in all)."
            )
        trackers = Tracker.objects.bulk_create(
            Tracker(mac=macs[index], serial=serials[index], created_at=now) for index in sorted(serials)
        )
        linked = zip(sorted(serials), (tracker.pk for tracker in trackers), strict=True)
        arrays = bulk.transposed(list(linked), ("device_indexes", "tracker_ids"))
        bulk.execute(LINK_KEY_PAIRS, arrays | {"batch_id": batch.pk})
    log.info("devices_registered", batch=batch.pk, devices=len(trackers))
    return trackers


def _refuse_taken_serials(serials: Mapping[int, str | None]) -> None:
    given = [serial for serial in serials.values() if serial]
    if len(set(given)) < len(given):
        raise DeviceNotRegistrable("A serial is given to two devices: give each its own.")
    taken = Tracker.objects.filter(serial__in=given).values_list("serial", flat=True).first()
    if taken:
        raise DeviceNotRegistrable(f"A tracker has the serial {taken} already.")


def unseal_private_keys(
    *, hashed_keys: Collection[str], purpose: str, actor: User | None = None
) -> dict[str, ec.EllipticCurvePrivateKey]:
    """Open the private keys of these lookup ids, for decryption; one query.

    purpose: what they are opened for, for the log, which also says who (`actor`, or the system) and how many. Keep
    the result no longer than the work at hand. Ids that are unknown are left out, and so, with an error in the log,
    is a key whose ciphertext was altered or moved: that one alone is lost to the caller. Raises
    `vault.MissingMasterKey`, `MalformedMasterKey`, `UnknownMasterKey`, or `TamperedSecret` for a batch's data key.
    """
    pairs = (
        KeyPair.objects.filter(hashed_key__in=hashed_keys)
        .select_related("batch")
        .only("hashed_key", "sealed_private_key", "batch__sealed_data_key")
    )
    vault = _vault()
    data_keys: dict[int, DataKey] = {}
    private_keys = {}
    for pair in pairs:
        if pair.batch_id not in data_keys:
            data_keys[pair.batch_id] = vault.open_data_key(bytes(pair.batch.sealed_data_key))
        try:
            scalar = data_keys[pair.batch_id].open(
                bytes(pair.sealed_private_key), key_hash=base64.b64decode(pair.hashed_key)
            )
        except TamperedSecret:
            log.error("private_key_tampered", hashed_key=pair.hashed_key, batch=pair.batch_id)
            continue
        private_keys[pair.hashed_key] = advertisement.load_private_key(scalar)
    log.info(
        "private_keys_unsealed",
        who=actor.get_username() if actor else "system",
        purpose=purpose,
        asked=len(hashed_keys),
        unsealed=len(private_keys),
        batches=sorted(data_keys),
    )
    return private_keys


def _vault() -> Vault:
    return Vault.from_encoded(settings.VAULT_MASTER_KEYS)
