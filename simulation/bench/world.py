"""The world that is measured in: runs, fences, trackers with real keys, and what the store holds already."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.contrib.gis.geos import Point
from django.db import connection

from clients.models import Brand, Client, ProductionRun
from ingestion.findmy.payload import DecryptedReport, encrypt
from keys.models import KeyPair
from locations.models import Location
from simulation.devices import make_batch, stock_devices
from trackers.models import Tracker
from trackers.services import assigning, partitioning

RUNS = 50
LOCATIONS_PER_RUN = 40
TRACKERS = 200
REPORTS_PER_TRACKER = 50
STORED_TRACKERS = 2_000
STORED_DAYS = 120
REPORT_GAP = timedelta(minutes=25)

# Reports of the past for every tracker, in transit, with the events and rollups that they have in the store.
FILL = """
WITH stored AS (
    INSERT INTO trackers_locationreport (
        tracker_id, seen_at, fingerprint, position, accuracy_m, confidence, battery, source, received_at
    )
    SELECT
        tracker.id,
        report.seen_at,
        decode(md5(tracker.id || ' ' || report.number), 'hex'),
        ST_SetSRID(ST_MakePoint(-5 + 30 * random(), 37 + 23 * random()), 4326)::geography,
        20 + 200 * random(),
        2,
        'FULL',
        'FIND_MY',
        report.seen_at
    FROM trackers_tracker AS tracker
    CROSS JOIN LATERAL (
        SELECT number, %(since)s::timestamptz + number * %(gap)s::interval AS seen_at
        FROM generate_series(%(first)s, %(last)s) AS number
    ) AS report
    RETURNING tracker_id, seen_at, fingerprint
)
INSERT INTO trackers_geofenceevent (tracker_id, assignment_id, type, occurred_at, fingerprint, recorded_at)
SELECT stored.tracker_id, tracker.latest_assignment_id, 'TRANSIT', stored.seen_at, stored.fingerprint, stored.seen_at
FROM stored
JOIN trackers_tracker AS tracker ON tracker.id = stored.tracker_id
"""
FILL_SLICE = 50


@dataclass(frozen=True, slots=True)
class Shipment:
    """A tracker on its way between two locations of its run."""

    tracker_id: int
    hashed_key: str
    advertisement_key: bytes
    origin: Point
    destination: Point

    def position(self, share: float) -> tuple[float, float]:
        """Latitude and longitude after a share (0 to 1) of its route; it waits at both ends for a fifth of the time."""
        moved = min(max((share - 0.2) / 0.6, 0.0), 1.0)
        return (
            self.origin.y + (self.destination.y - self.origin.y) * moved,
            self.origin.x + (self.destination.x - self.origin.x) * moved,
        )


def build(*, now: datetime, seed: int) -> list[Shipment]:
    """Create runs, locations and trackers in an empty database, by the services where there are some."""
    draw = Random(seed)  # noqa: S311 (not for secrets)
    runs = _create_runs(now)
    fences = _create_locations(runs, draw)
    for days in range(0, STORED_DAYS + 30, 30):
        partitioning.REPORTS.ensure(now=now - timedelta(days=days))
    batch = make_batch(label="Benchmark", devices=STORED_TRACKERS, keys_per_device=1, actor=None, now=now)
    trackers = stock_devices(batch=batch, serials=dict.fromkeys(range(STORED_TRACKERS)), now=now)
    start = now - timedelta(days=STORED_DAYS + 10)
    for number, run in enumerate(runs):
        mine = [tracker.pk for tracker in trackers[number::RUNS]]
        assigning.assign(tracker_ids=mine, run=run, start=start, now=now, state=Tracker.State.ALLOCATED)
    Tracker.objects.update(state=Tracker.State.ACTIVE)
    pairs = KeyPair.objects.filter(tracker__isnull=False).order_by("device_index")[:TRACKERS]
    return [
        Shipment(
            pair.tracker_id or 0,
            pair.hashed_key,
            bytes(pair.advertisement_key),
            *draw.sample(fences[runs[pair.device_index % RUNS].pk], 2),
        )
        for pair in pairs
    ]


def payloads(shipment: Shipment, *, since: datetime, draw: Random) -> list[bytes]:
    """The shipment's reports as encrypted payloads in both lengths."""
    made = []
    for number in range(REPORTS_PER_TRACKER):
        latitude, longitude = shipment.position(number / (REPORTS_PER_TRACKER - 1))
        accuracy_m = draw.randint(10, 200)
        off_m = draw.gauss(0, accuracy_m / 4)
        report = DecryptedReport(
            seen_at=since + number * REPORT_GAP + timedelta(seconds=draw.randint(0, 600)),
            latitude=latitude + off_m / 111_000,
            longitude=longitude + off_m / (111_000 * math.cos(math.radians(latitude))),
            accuracy_m=accuracy_m,
            status=0x20,
            confidence=2,
        )
        made.append(encrypt(report, shipment.advertisement_key, size=88 + number % 2))
    return made


def fill(rows: int, *, now: datetime) -> Iterator[int]:
    """Store `rows` reports of the past, spread evenly over all trackers; yields how many are there so far."""
    per_tracker = rows // STORED_TRACKERS
    gap = timedelta(days=STORED_DAYS) / max(per_tracker, 1)
    since = now - timedelta(days=STORED_DAYS + 5)
    for first in range(0, per_tracker, FILL_SLICE):
        last = min(first + FILL_SLICE, per_tracker) - 1
        parameters: dict[str, Any] = {"since": since, "gap": gap, "first": first, "last": last}
        with connection.cursor() as cursor:
            cursor.execute(FILL, parameters)
        yield (last + 1) * STORED_TRACKERS
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _create_runs(now: datetime) -> list[ProductionRun]:
    brand = Brand.objects.create(client=Client.objects.create(name="Benchmark"), name="Benchmark")
    today = now.astimezone(UTC).date()
    return ProductionRun.objects.bulk_create(
        ProductionRun(
            brand=brand,
            name=f"Run {number}",
            start_date=today - timedelta(days=STORED_DAYS + 30),
            end_date=today + timedelta(days=60),
        )
        for number in range(RUNS)
    )


def _create_locations(runs: Sequence[ProductionRun], draw: Random) -> dict[int, list[Point]]:
    centres = {
        run.pk: [
            Point(draw.uniform(-5, 25), draw.uniform(37, 60), srid=4326) for _ in range(LOCATIONS_PER_RUN)
        ]
        for run in runs
    }
    for run in runs:
        locations = Location.objects.bulk_create(
            Location(
                name=f"{run.name} / {number}",
                kind=Location.Kind.DELIVERY if number % 2 else Location.Kind.STORAGE,
                center=center,
                radius_m=draw.choice([100, 150, 300]),
                active_from=None,
            )
            for number, center in enumerate(centres[run.pk])
        )
        run.locations.set(locations)
    return centres
