"""Reports for the timeline's tests, and what the store says about a tracker in the oracle's words."""

from datetime import datetime
from typing import Any

import pytest

from tests.factories import NOW, make_fingerprint
from tests.trackers.oracle import Event, Row
from trackers.incoming import IncomingReport
from trackers.models import GeofenceEvent, LocationReport, StatusChange
from trackers.services.recomputation import pacing

LATITUDE = 52.0
LONGITUDE = 5.0
METRES_PER_DEGREE = 68_677.0  # of longitude at that latitude


def longitude_at(east_m: float) -> float:
    """The longitude that lies this far east of the tests' origin (to a few millimetres)."""
    return LONGITUDE + east_m / METRES_PER_DEGREE


def incoming(
    tracker_id: int,
    seen_at: datetime,
    *,
    number: int = 0,
    latitude: float = LATITUDE,
    longitude: float = LONGITUDE,
    east_m: float = 0,
    accuracy_m: float | None = 10.0,
    **others: Any,
) -> IncomingReport:
    """A report at the origin, or `east_m` metres east of it; `number` tells reports of one moment apart."""
    values: dict[str, Any] = {
        "tracker_id": tracker_id,
        "seen_at": seen_at,
        "fingerprint": make_fingerprint(number),
        "latitude": latitude,
        "longitude": longitude + east_m / METRES_PER_DEGREE,
        "accuracy_m": accuracy_m,
        "confidence": 3,
        "battery": "FULL",
        "source": LocationReport.Source.FIND_MY,
        "payload": repr((tracker_id, seen_at, number)).encode(),
        "hashed_key": "",
    }
    return IncomingReport(**(values | others))


def stored_history(tracker_id: int) -> list[Row]:
    rows = StatusChange.objects.valid().filter(tracker=tracker_id).order_by("started_at", "fingerprint")
    return [
        Row(
            row.assignment_id,
            row.status,
            row.location_id,
            row.started_at,
            row.ended_at,
            bytes(row.fingerprint),
        )
        for row in rows
    ]


def stored_events(tracker_id: int) -> list[Event]:
    rows = GeofenceEvent.objects.valid().filter(tracker=tracker_id)
    return [
        Event(row.assignment_id, row.type, row.location_id, row.occurred_at, bytes(row.fingerprint))
        for row in rows.order_by("occurred_at", "fingerprint", "-type")
    ]


def told(tracker_id: int) -> list[tuple[str, str | None, int]]:
    """The valid events as (type, location's name, minutes after NOW)."""
    rows = GeofenceEvent.objects.valid().filter(tracker=tracker_id)
    return [
        (row.type, row.location.name if row.location else None, minutes_after_now(row.occurred_at))
        for row in rows.select_related("location").order_by("occurred_at", "fingerprint", "-type")
    ]


def periods(tracker_id: int) -> list[tuple[str, int, int | None]]:
    """The valid history as (status, minutes after NOW, until when)."""
    return [
        (row.status, minutes_after_now(row.started_at), row.ended_at and minutes_after_now(row.ended_at))
        for row in stored_history(tracker_id)
    ]


def minutes_after_now(moment: datetime) -> int:
    return round((moment - NOW).total_seconds() / 60)


def batches_of(monkeypatch: pytest.MonkeyPatch, reports: int) -> None:
    """Let recomputations take this many reports at a time, without a rest."""
    for bound in ("FIRST", "LEAST", "MOST"):
        monkeypatch.setattr(pacing, bound, reports)
    monkeypatch.setattr(pacing, "PAUSE_S", 0)
