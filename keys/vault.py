"""The vault's cryptography: private keys at rest. Pure: values in, values out, no database and no settings.

A batch's private keys are sealed under its data key, and the data key under a master key, so that a master key is
replaced by sealing a few data keys again. Both layers are AES-256-GCM with a random nonce:

    sealed private key = nonce (12) ‖ ciphertext (28) ‖ tag (16), associated data: the 32-byte key hash
    sealed data key    = key id (4) ‖ nonce (12) ‖ ciphertext (32) ‖ tag (16), associated data: the key id

The key hash ties a ciphertext to its row: moved to another row, it does not open. The key id tells which master key
seals a data key; it is derived from the master key and reveals nothing of it.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MASTER_KEY_BYTES = 32
KEY_HASH_BYTES = 32
KEY_ID_BYTES = 4

_NONCE_BYTES = 12
_KEY_ID_CONTEXT = b"glimpse vault master key id"


class VaultError(Exception):
    """Something can't be sealed or opened. The message never contains a secret."""


class MissingMasterKeyError(VaultError):
    """No master key is configured."""


class MalformedMasterKeyError(VaultError):
    """A master key is not base64 of 32 bytes."""


class UnknownMasterKeyError(VaultError):
    """The data key was sealed by a master key that is not among those listed."""


class TamperedSecretError(VaultError):
    """The ciphertext was altered, cut, or belongs to another key."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """Seals and opens the private keys of one batch."""

    _cipher: AESGCM = field(repr=False)

    def seal(self, private_key: bytes, *, key_hash: bytes) -> bytes:
        """Return the 28-byte scalar sealed for the key whose advertisement hashes to `key_hash` (32 bytes)."""
        return _seal(self._cipher, private_key, _require_key_hash(key_hash))

    def open(self, sealed: bytes, *, key_hash: bytes) -> bytes:
        """Return the 28-byte scalar.

        Raises TamperedSecretError, also for the intact ciphertext of another key.
        """
        return _open(self._cipher, sealed, _require_key_hash(key_hash), "private key")


@dataclass(frozen=True, slots=True)
class MasterKey:
    """Seals and opens data keys; `key_id` is public."""

    key_id: bytes
    _cipher: AESGCM = field(repr=False)

    @classmethod
    def from_bytes(cls, secret: bytes) -> "MasterKey":
        return cls(hmac.digest(secret, _KEY_ID_CONTEXT, "sha256")[:KEY_ID_BYTES], AESGCM(secret))

    def seal(self, data_key: bytes) -> bytes:
        return self.key_id + _seal(self._cipher, data_key, self.key_id)

    def open(self, sealed: bytes) -> bytes:
        return _open(self._cipher, sealed[KEY_ID_BYTES:], self.key_id, "data key")


@dataclass(frozen=True, slots=True)
class Vault:
    """Master keys in order of preference: the first seals, all of them open."""

    master_keys: tuple[MasterKey, ...]

    @classmethod
    def from_encoded(cls, encoded_keys: Sequence[str]) -> "Vault":
        """Take master keys as base64 of 32 bytes each, as the environment lists them.

        Raises MissingMasterKeyError or MalformedMasterKeyError.
        """
        if not encoded_keys:
            raise MissingMasterKeyError("no master key is configured")
        return cls(
            tuple(
                MasterKey.from_bytes(_decode_master_key(text, number))
                for number, text in enumerate(encoded_keys, start=1)
            )
        )

    def new_data_key(self) -> tuple[DataKey, bytes]:
        """Return a fresh data key, and the same sealed by the first master key (64 bytes)."""
        secret = secrets.token_bytes(32)
        return DataKey(AESGCM(secret)), self.master_keys[0].seal(secret)

    def open_data_key(self, sealed: bytes) -> DataKey:
        """Return the data key of a batch.

        Raises UnknownMasterKeyError or TamperedSecretError.
        """
        return DataKey(AESGCM(self._master_key_of(sealed).open(sealed)))

    def reseal_data_key(self, sealed: bytes) -> bytes:
        """Return the data key sealed by the first master key; unchanged if it is so already.

        Raises UnknownMasterKeyError or TamperedSecretError.
        """
        master_key = self._master_key_of(sealed)
        if master_key is self.master_keys[0]:
            return sealed
        return self.master_keys[0].seal(master_key.open(sealed))

    def _master_key_of(self, sealed: bytes) -> MasterKey:
        key_id = sealed[:KEY_ID_BYTES]
        for master_key in self.master_keys:
            if master_key.key_id == key_id:
                return master_key
        listed = ", ".join(master_key.key_id.hex() for master_key in self.master_keys)
        raise UnknownMasterKeyError(
            f"a data key was sealed by master key {key_id.hex()}, and only {listed} is listed:"
            " add the master key that sealed it after the first one"
        )


def new_master_key() -> str:
    """Return a fresh master key as base64, fit for the environment."""
    return base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode("ascii")


def _decode_master_key(text: str, number: int) -> bytes:
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != MASTER_KEY_BYTES:
        # `from None`: the cause could quote the text.
        raise MalformedMasterKeyError(
            f"master key number {number} is not base64 of {MASTER_KEY_BYTES} bytes"
        ) from None
    return secret


def _require_key_hash(key_hash: bytes) -> bytes:
    if len(key_hash) != KEY_HASH_BYTES:
        raise ValueError(f"a key hash has {KEY_HASH_BYTES} bytes, this one has {len(key_hash)}")
    return key_hash


def _seal(cipher: AESGCM, secret: bytes, associated: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, secret, associated)


def _open(cipher: AESGCM, sealed: bytes, associated: bytes, what: str) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], associated)
    except (InvalidTag, ValueError):
        raise TamperedSecretError(f"a sealed {what} was altered or belongs to another key") from None
