"""Every constant of Apple's Find My protocol that the codec, the client and the local gateway share.

Apple documents none of this; the values come from public clients and published measurements.
"""

from datetime import UTC, datetime
from enum import StrEnum

APPLE_GATEWAY = "https://gateway.icloud.com"
V2_PATH = "/findmyservice/v2/fetch"
LEGACY_PATH = "/acsnservice/fetch"


class Shape(StrEnum):
    """The two request and answer formats of the gateway."""

    V2 = "v2"
    LEGACY = "legacy"


CLIENT_CONTEXT = {
    "clientBundleIdentifier": "com.apple.icloud.searchpartyuseragent",
    "policy": "foregroundClient",
}
STATIC_KEY_TYPE = 1
STATUS_OK = "200"

ANISETTE_OTP = "X-Apple-I-MD"
ANISETTE_MACHINE = "X-Apple-I-MD-M"
ANISETTE_USER = "X-Apple-I-MD-LU"
ANISETTE_ROUTING = "X-Apple-I-MD-RINFO"
ANISETTE_DEVICE = "X-Mme-Device-Id"
ANISETTE_SERIAL = "X-Apple-I-SRL-NO"
ANISETTE_TIME = "X-Apple-I-Client-Time"
ANISETTE_TIME_ZONE = "X-Apple-I-TimeZone"
ANISETTE_LOCALES = ("loc", "X-Apple-Locale")
ROUTING_INFO = "17106176"
SERIAL_NUMBER = "0"
LOCALE = "en_US"
EMPTY_ANSWER_RETRY_S = (2.0, 4.0, 6.0, 8.0, 10.0)

HISTORY_DAYS = 7
LEGACY_ANSWER_LIMIT = 40
"""A whole legacy answer has held at most this many reports since May 2025."""
DUPLICATE_SHARE = 0.14
"""Exact repeats among the reports of a published sample of 2,478."""
PUBLISH_DELAY_QUANTILES_S = (
    (0.0, 20.0),
    (0.10, 120.0),
    (0.50, 1_200.0),
    (0.90, 15_120.0),
    (0.99, 255_600.0),
    (1.0, 406_080.0),
)
"""(share of reports, seconds from a report to its publication); the same sample."""

EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
EPOCH_UNIX_S = 978_307_200
POINT_BYTES = 57
CIPHERTEXT_BYTES = 10
TAG_BYTES = 16
SHORT_PAYLOAD_BYTES = 88
LONG_PAYLOAD_BYTES = 89
KDF_COUNTER = b"\x00\x00\x00\x01"
COORDINATE_SCALE = 10_000_000

BATTERY_REPORTED = 0x20
BATTERY_SHIFT = 6


class Battery(StrEnum):
    """Battery levels in the order of their two status bits."""

    FULL = "FULL"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    CRITICAL = "CRITICAL"


BATTERY_LEVELS = tuple(Battery)
CONFIDENCE_BY_ACCURACY_M = ((115, 3), (164, 2), (255, 1))
"""(greatest accuracy in metres, the confidence that goes with it)."""
