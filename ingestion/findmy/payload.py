"""Codec of Find My report payloads. Pure: bytes and key objects in, values out.

All fields are big-endian. u32 seconds since 2001; in the 89-byte form one 0x00; u8 confidence in clear;
ephemeral P-224 point (uncompressed, 57 bytes); 10 bytes of ciphertext; 16 bytes of GCM tag.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ingestion.findmy import protocol
from keys import advertisement

_ECDH = ec.ECDH()
_CLOCK = struct.Struct(">I")
_PLAINTEXT = struct.Struct(">iiBB")
_SEALED_BYTES = protocol.CIPHERTEXT_BYTES + protocol.TAG_BYTES
_MAX_LATITUDE = 90 * protocol.COORDINATE_SCALE
_MAX_LONGITUDE = 180 * protocol.COORDINATE_SCALE


class PayloadError(ValueError):
    """A payload that gives no position. It costs only itself, never its batch."""

    code = "payload"


class EmptyPayloadError(PayloadError):
    """No bytes at all."""

    code = "empty"


class WrongLengthError(PayloadError):
    """Neither 88 nor 89 bytes."""

    code = "wrong_length"


class OffCurvePointError(PayloadError):
    """The ephemeral key is no uncompressed point on P-224."""

    code = "off_curve_point"


class BadTagError(PayloadError):
    """Not encrypted for this key, or damaged on the way."""

    code = "bad_tag"


class LatitudeOutOfRangeError(PayloadError):
    """Decrypted, and beyond 90 degrees."""

    code = "latitude_out_of_range"


class LongitudeOutOfRangeError(PayloadError):
    """Decrypted, and beyond 180 degrees."""

    code = "longitude_out_of_range"


@dataclass(frozen=True, slots=True)
class SealedReport:
    """What a payload says in clear, and the parts that the key opens.

    seen_at: aware UTC. ephemeral_point: 57 bytes. sealed: ciphertext and tag, 26 bytes.
    """

    seen_at: datetime
    confidence: int
    ephemeral_point: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class DecryptedReport:
    """What a phone reported. seen_at: aware UTC; degrees WGS 84; accuracy in metres, 0-255; status: the raw byte."""

    seen_at: datetime
    latitude: float
    longitude: float
    accuracy_m: int
    status: int
    confidence: int

    @property
    def battery(self) -> protocol.Battery | None:
        """Level, or None from firmware that doesn't say that it reports one (status bit 5)."""
        if not self.status & protocol.BATTERY_REPORTED:
            return None
        return protocol.BATTERY_LEVELS[self.status >> protocol.BATTERY_SHIFT]


def parse(payload: bytes) -> SealedReport:
    """Split an 88- or 89-byte payload without decrypting it.

    Raises EmptyPayloadError, WrongLengthError.
    """
    start = _point_start(payload)
    end = start + protocol.POINT_BYTES
    return SealedReport(_seen_at(payload), payload[start - 1], payload[start:end], payload[end:])


def decrypt(payload: bytes, private_key: ec.EllipticCurvePrivateKey) -> DecryptedReport:
    """Decrypt a payload with its tracker's key object, which the caller keeps for the whole batch.

    Raises the subclasses of PayloadError.
    """
    start = _point_start(payload)
    end = start + protocol.POINT_BYTES
    point = payload[start:end]
    try:
        ephemeral = ec.EllipticCurvePublicKey.from_encoded_point(advertisement.CURVE, point)
    except ValueError as error:
        raise OffCurvePointError("the ephemeral key is no point on P-224") from error
    key, nonce = _derive(private_key.exchange(_ECDH, ephemeral), point)
    try:
        plaintext = AESGCM(key).decrypt(nonce, payload[end:], None)
    except InvalidTag as error:
        raise BadTagError("the payload was not encrypted for this key, or is damaged") from error
    latitude, longitude, accuracy_m, status = _PLAINTEXT.unpack(plaintext)
    if not -_MAX_LATITUDE <= latitude <= _MAX_LATITUDE:
        raise LatitudeOutOfRangeError(f"latitude {latitude / protocol.COORDINATE_SCALE} is beyond 90 degrees")
    if not -_MAX_LONGITUDE <= longitude <= _MAX_LONGITUDE:
        raise LongitudeOutOfRangeError(
            f"longitude {longitude / protocol.COORDINATE_SCALE} is beyond 180 degrees"
        )
    return DecryptedReport(
        _seen_at(payload),
        latitude / protocol.COORDINATE_SCALE,
        longitude / protocol.COORDINATE_SCALE,
        accuracy_m,
        status,
        payload[start - 1],
    )


def encrypt(
    report: DecryptedReport,
    advertisement_key: bytes,
    *,
    size: int = protocol.SHORT_PAYLOAD_BYTES,
    ephemeral_key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Encrypt a report as a passing phone does: it knows only the 28 public bytes that were advertised.

    size: 88 or 89. ephemeral_key: drawn afresh unless given; a given one makes the result repeatable.
    Ranges are not checked, as nobody checks a phone. seen_at is cut to whole seconds.

    Raises advertisement.InvalidAdvertisementKeyError, WrongLengthError.
    """
    if size not in (protocol.SHORT_PAYLOAD_BYTES, protocol.LONG_PAYLOAD_BYTES):
        raise WrongLengthError(f"a payload has 88 or 89 bytes, not {size}")
    owner = _owner(advertisement_key)
    ephemeral = ephemeral_key or ec.generate_private_key(advertisement.CURVE)
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    key, nonce = _derive(ephemeral.exchange(_ECDH, owner), point)
    plaintext = _PLAINTEXT.pack(
        round(report.latitude * protocol.COORDINATE_SCALE),
        round(report.longitude * protocol.COORDINATE_SCALE),
        report.accuracy_m,
        report.status,
    )
    clock = _CLOCK.pack(int(report.seen_at.timestamp()) - protocol.EPOCH_UNIX_S)
    filler = bytes(size - protocol.SHORT_PAYLOAD_BYTES)
    sealed = AESGCM(key).encrypt(nonce, plaintext, None)
    return clock + filler + bytes([report.confidence]) + point + sealed


def _point_start(payload: bytes) -> int:
    size = len(payload)
    if size == protocol.SHORT_PAYLOAD_BYTES:
        return 5
    if size == protocol.LONG_PAYLOAD_BYTES:
        return 6
    if not size:
        raise EmptyPayloadError("the payload is empty")
    raise WrongLengthError(f"a payload has 88 or 89 bytes, this one has {size}")


def _seen_at(payload: bytes) -> datetime:
    return datetime.fromtimestamp(int.from_bytes(payload[:4], "big") + protocol.EPOCH_UNIX_S, UTC)


@lru_cache(maxsize=4096)
def _owner(advertisement_key: bytes) -> ec.EllipticCurvePublicKey:
    """Finding y takes three times as long as the rest of an encryption: P-224 has slow square roots."""
    return advertisement.load_public_key(advertisement_key)


def _derive(shared_x: bytes, point: bytes) -> tuple[bytes, bytes]:
    """Return the AES-128 key and the 16-byte nonce; OpenSSL hands Z over padded to the field's 28 bytes."""
    digest = sha256(shared_x + protocol.KDF_COUNTER + point).digest()
    return digest[:16], digest[16:]
