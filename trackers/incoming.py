"""Reports on their way into the store: plain values that every report source makes."""

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from trackers.rules.distances import great_circle_m

FINGERPRINT_BYTES = 16
# Clocks are not all right.
FUTURE_TOLERANCE = timedelta(minutes=10)
# So near to 0°, 0° nobody was seen.
NULL_ISLAND_M = 1


class IncomingReport(NamedTuple):
    """A position of a tracker as a phone saw it, decrypted.

    seen_at is aware; latitude and longitude are WGS84 degrees; accuracy_m is None where unknown, and so is 0; battery
    is a `Battery` code or empty; payload is what the source sent, kept if the report can't be stored.
    """

    tracker_id: int
    seen_at: datetime
    fingerprint: bytes
    latitude: float
    longitude: float
    accuracy_m: float | None
    confidence: int | None
    battery: str
    source: str
    payload: bytes
    hashed_key: str


class ReportIdentity(NamedTuple):
    """Two reports with the same are one; the first three values of an `IncomingReport`."""

    tracker_id: int
    seen_at: datetime
    fingerprint: bytes


class IncomingRejection(NamedTuple):
    """Something that is not a report although it came as one; reason is a `RejectedReport.Reason` code."""

    tracker_id: int | None
    source: str
    hashed_key: str
    payload: bytes
    reason: str
    detail: str


@dataclass(slots=True)
class RecordOutcome:
    """What became of the reports that were handed in: each is counted once, new ones by the tracker's id."""

    stored_by_tracker: Counter[int] = field(default_factory=Counter)
    duplicates: int = 0
    rejected: int = 0
    events: Counter[str] = field(default_factory=Counter)

    @property
    def stored(self) -> int:
        return self.stored_by_tracker.total()

    def add(self, other: "RecordOutcome") -> None:
        self.stored_by_tracker += other.stored_by_tracker
        self.duplicates += other.duplicates
        self.rejected += other.rejected
        self.events += other.events


def implausible(
    *, seen_at: datetime, latitude: float, longitude: float, accuracy_m: float | None, now: datetime
) -> str:
    """Why these values can't be those of a report, whoever sent them; empty if they can.

    PostGIS folds impossible coordinates into the globe, PostgreSQL takes a naive time as its session's, and no JSON
    can say NaN or infinity.
    """
    if seen_at.tzinfo is None:
        return f"seen at {seen_at.isoformat()}, without a time zone"
    if seen_at > now + FUTURE_TOLERANCE:
        return f"seen at {seen_at.isoformat()}, which is in the future"
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return f"{latitude}, {longitude} is not on the globe"
    if (
        abs(latitude) < 0.1
        and abs(longitude) < 0.1
        and great_circle_m(latitude, longitude, 0, 0) <= NULL_ISLAND_M
    ):
        return f"{latitude}, {longitude} is what devices say that have no position"
    if accuracy_m is not None and not (math.isfinite(accuracy_m) and accuracy_m >= 0):
        return f"{accuracy_m} is no accuracy"
    return ""


def fingerprint_of(payload: bytes) -> bytes:
    """A report's identity within its tracker: the first 16 bytes of the payload's SHA-256."""
    return hashlib.sha256(payload).digest()[:FINGERPRINT_BYTES]
