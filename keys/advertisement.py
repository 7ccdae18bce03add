"""Find My key pairs and everything public that follows from one. Pure: values in, values out.

A device advertises the x coordinate of a point on NIST P-224; its Bluetooth address and its lookup
id follow from those 28 bytes. Sizes and layouts: "Who Can Find My Devices?" (Heinrich et al., PoPETs
2021) and the open firmware that implements it.
"""

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trackers.mac import NO_DEVICE

KEY_BYTES = 28
PAYLOAD_BYTES = 31
# What firmware has room for.
MAX_KEYS_PER_DEVICE = 50
CURVE = ec.SECP224R1()

_PAYLOAD_HEADER = bytes.fromhex("1eff4c001219")


class AdvertisementError(ValueError):
    """A key that no tracker can use."""


class InvalidPrivateKeyError(AdvertisementError):
    """Not 28 bytes, zero, or not below the order of the curve."""


class InvalidAdvertisementKeyError(AdvertisementError):
    """Not 28 bytes, or not the x coordinate of a point on the curve."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private scalar and its advertisement key, 28 big-endian bytes each; the repr hides the scalar."""

    private_key: bytes = field(repr=False)
    advertisement_key: bytes

    @property
    def key_hash(self) -> bytes:
        """SHA-256 of the advertisement key, 32 bytes."""
        return key_hash(self.advertisement_key)

    @property
    def hashed_key(self) -> str:
        """Lookup id that the gateway is asked for: base64 of `key_hash`."""
        return hashed_key(self.advertisement_key)

    @property
    def mac(self) -> str:
        """Bluetooth address, as in `E2:7B:7C:0B:3A:2F`."""
        return mac_address(self.advertisement_key)

    @property
    def payload(self) -> bytes:
        """The 31 bytes that the device advertises, with status 0."""
        return advertisement_payload(self.advertisement_key)


def load_private_key(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the key object of a 28-byte big-endian scalar. Deriving it costs as much as a decryption:
    keep the object for a whole batch.

    Raises InvalidPrivateKeyError.
    """
    if len(scalar) != KEY_BYTES:
        raise InvalidPrivateKeyError(f"a private key has {KEY_BYTES} bytes, this one has {len(scalar)}")
    try:
        return ec.derive_private_key(int.from_bytes(scalar, "big"), CURVE)
    except ValueError as error:
        raise InvalidPrivateKeyError("the private key is outside the order of P-224") from error


def load_public_key(advertisement_key: bytes) -> ec.EllipticCurvePublicKey:
    """Return one of the two points with this x coordinate: both agree with the owner on the same x.

    Raises InvalidAdvertisementKeyError.
    """
    _require_key_length(advertisement_key)
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, b"\x02" + advertisement_key)
    except ValueError as error:
        raise InvalidAdvertisementKeyError("the advertisement key is no x coordinate on P-224") from error


def derive_key_pair(scalar: bytes) -> KeyPair:
    """Return the key pair of a 28-byte big-endian scalar.

    Raises InvalidPrivateKeyError.
    """
    return KeyPair(scalar, _x_coordinate(load_private_key(scalar)))


def generate_key_pair() -> KeyPair:
    """Draw a key pair for a new device from the operating system's randomness."""
    while True:
        key = ec.generate_private_key(CURVE)
        advertisement_key = _x_coordinate(key)
        if suits_new_devices(advertisement_key):
            scalar = key.private_numbers().private_value
            return KeyPair(scalar.to_bytes(KEY_BYTES, "big"), advertisement_key)


def suits_new_devices(advertisement_key: bytes) -> bool:
    """Whether any firmware sends the key: some measure their table with strlen and lose a key that begins with 0x00,
    and no device may have the address that means everybody."""
    return not begins_with_zero(advertisement_key) and mac_address(advertisement_key) not in NO_DEVICE


def begins_with_zero(advertisement_key: bytes) -> bool:
    """Devices in the field may have such a key; new ones get none."""
    _require_key_length(advertisement_key)
    return not advertisement_key[0]


def key_hash(advertisement_key: bytes) -> bytes:
    """Return SHA-256 of the 28-byte key, 32 bytes."""
    _require_key_length(advertisement_key)
    return hashlib.sha256(advertisement_key).digest()


def hashed_key(advertisement_key: bytes) -> str:
    """Return the lookup id: base64 of `key_hash`, 44 characters."""
    return base64.b64encode(key_hash(advertisement_key)).decode("ascii")


def mac_address(advertisement_key: bytes) -> str:
    """Return the static random address: the key's first six bytes with the two top bits set."""
    _require_key_length(advertisement_key)
    address = bytes([advertisement_key[0] | 0xC0]) + advertisement_key[1:6]
    return address.hex(":").upper()


def advertisement_payload(advertisement_key: bytes, status: int = 0) -> bytes:
    """Return the 31 bytes on the air: header, status byte, key[6:28], the two bits the MAC hides, 0x00."""
    _require_key_length(advertisement_key)
    return (
        _PAYLOAD_HEADER
        + bytes([status])
        + advertisement_key[6:]
        + bytes([advertisement_key[0] >> 6])
        + b"\x00"
    )


def is_payload_of(payload: bytes, advertisement_key: bytes) -> bool:
    """Whether the 31 bytes are those of the key, whatever the status byte in them says."""
    status = payload[len(_PAYLOAD_HEADER)]
    return payload == advertisement_payload(advertisement_key, status)


def _x_coordinate(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)[1:]


def _require_key_length(advertisement_key: bytes) -> None:
    if len(advertisement_key) != KEY_BYTES:
        raise InvalidAdvertisementKeyError(
            f"an advertisement key has {KEY_BYTES} bytes, this one has {len(advertisement_key)}"
        )
