"""Payloads as passing phones make them, for tests."""

from datetime import timedelta

from ingestion.findmy import payload as codec
from keys.models import KeyPair
from trackers.models import Tracker


def sealed(tracker: Tracker, clock, **changes) -> tuple[str, bytes]:
    """A payload for the tracker's first key."""
    pair = KeyPair.objects.get(tracker=tracker, key_index=0)
    values = {
        "seen_at": clock() - timedelta(minutes=5),
        "latitude": 52.0,
        "longitude": 4.9,
        "accuracy_m": 20,
        "status": 0xA0,
        "confidence": 3,
    }
    report = codec.DecryptedReport(**(values | changes))
    return pair.hashed_key, codec.encrypt(report, bytes(pair.advertisement_key))
