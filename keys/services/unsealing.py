"""Unseals private keys, for decryption; each time is logged."""

import base64
from collections.abc import Collection

import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from clients.models import User
from keys import advertisement
from keys.models import KeyPair
from keys.vault import DataKey, TamperedSecretError, Vault

log = structlog.get_logger(__name__)


def unseal_private_keys(
    *, hashed_keys: Collection[str], purpose: str, actor: User | None = None
) -> dict[str, ec.EllipticCurvePrivateKey]:
    """Open the private keys of these lookup ids, for decryption; one query.

    purpose: what they are opened for, for the log, which also says who (`actor`, or the system) and how many. Keep the
    result no longer than the work at hand. Ids that are unknown are left out, and so, with an error in the log, is a
    key whose ciphertext was altered or moved: that one alone is lost to the caller. Raises
    `vault.MissingMasterKeyError`, `MalformedMasterKeyError`, `UnknownMasterKeyError`, or `TamperedSecretError` for a
    batch's data key.
    """
    pairs = (
        KeyPair.objects.filter(hashed_key__in=hashed_keys)
        .select_related("batch")
        .only("hashed_key", "sealed_private_key", "batch__sealed_data_key")
    )
    vault = Vault.from_encoded(settings.VAULT_MASTER_KEYS)
    data_keys: dict[int, DataKey] = {}
    private_keys = {}
    for pair in pairs:
        if pair.batch_id not in data_keys:
            data_keys[pair.batch_id] = vault.open_data_key(bytes(pair.batch.sealed_data_key))
        try:
            scalar = data_keys[pair.batch_id].open(
                bytes(pair.sealed_private_key), key_hash=base64.b64decode(pair.hashed_key)
            )
        except TamperedSecretError:
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
