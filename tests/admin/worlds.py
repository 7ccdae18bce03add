"""A small world for the admin's pages: trackers on their way, recorded as the workers record them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.gis.geos import Point, Polygon
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from knox.models import AuthToken

from ingestion.models import AccountState, AccountTally, FetchState, FetchTally, Heartbeat
from locations.models import Location
from tests.factories import (
    AllocationFactory,
    AssignmentFactory,
    BrandFactory,
    ClientFactory,
    DeliveryFactory,
    KeyBatchFactory,
    KeyPairFactory,
    MembershipFactory,
    OrderFactory,
    RejectedReportFactory,
    RunFactory,
    StorageFactory,
    TrackerFactory,
    make_fingerprint,
)
from trackers.incoming import IncomingReport
from trackers.models import TimelineCheck, Tracker
from trackers.services.reports import recording

UTRECHT = Point(5.1214, 52.0907)
BERLIN = Point(13.405, 52.52)
HOUR = timedelta(hours=1)


@dataclass
class World:
    run: object
    storage: Location
    delivery: Location
    trackers: list[Tracker]


def build_world(*, now: datetime, trackers: int = 3) -> World:
    """A run from Utrecht (a circle) to Berlin (an area); tracker i is i hours behind the first."""
    brand = BrandFactory(name="Aurora", client=ClientFactory(name="Northwind"))
    run = RunFactory(brand=brand, name="Spring 2026", start_date=(now - timedelta(days=60)).date())
    storage = StorageFactory(name="Utrecht depot", center=UTRECHT, radius_m=400, runs=[run])
    delivery = DeliveryFactory(
        name="Berlin store",
        center=BERLIN,
        area=Polygon.from_bbox((13.395, 52.515, 13.415, 52.525)),
        runs=[run],
    )
    made = [AssignmentFactory(run=run, start=now - timedelta(days=5)).tracker for _ in range(trackers)]
    reports = [report for i, tracker in enumerate(made) for report in _way(tracker.pk, now - i * HOUR, i)]
    recording.record_reports(reports, now=now)
    for tracker in made:
        tracker.refresh_from_db()
    _around(run, made, now)
    return World(run, storage, delivery, made)


def _way(tracker_id: int, end: datetime, behind: int) -> list[IncomingReport]:
    """Two days in Utrecht, one on the road, the last in Berlin unless the tracker is far behind."""
    reports = []
    for hour in range(72):
        if hour % 24 in {2, 3, 4, 5}:
            continue
        share = min(max((hour - 36 - 6 * behind) / 24, 0), 1)
        reports.append(
            IncomingReport(
                tracker_id=tracker_id,
                seen_at=end - (71 - hour) * HOUR - timedelta(minutes=20),
                fingerprint=make_fingerprint(tracker_id * 1000 + hour),
                latitude=UTRECHT.y + share * (BERLIN.y - UTRECHT.y),
                longitude=UTRECHT.x + share * (BERLIN.x - UTRECHT.x),
                accuracy_m=900.0 if hour % 17 == 0 else 35.0,
                confidence=3,
                battery="FULL" if hour < 40 else "MEDIUM",
                source="FIND_MY",
                payload=b"sealed",
                hashed_key="",
            )
        )
    return reports


def _around(run: object, trackers: list[Tracker], now: datetime) -> None:
    """A row of everything that ops look at."""
    day = now.date()
    for i, tracker in enumerate(trackers):
        failing = {"consecutive_failures": 7, "last_error": "timeout: no answer in 30 s"} if i == 1 else {}
        FetchState.objects.create(
            tracker=tracker, next_due_at=now - i * HOUR / 10, last_success_at=now - HOUR, **failing
        )
        FetchTally.objects.create(
            tracker=tracker, day=day, attempts=12, failures=i, empty_fetches=4, reports=30
        )
    TrackerFactory.create_batch(2)
    order = OrderFactory(run=run, quantity=5, reference="PO-7781")
    AllocationFactory(order=order, tracker=trackers[0], allocated_at=now)
    KeyPairFactory(batch=KeyBatchFactory(label="2026-01"), tracker=trackers[0])
    RejectedReportFactory(tracker=trackers[0], detail="bad_tag: the tag does not match")
    user = MembershipFactory(client=run.brand.client).user
    AuthToken.objects.create(user=user)
    AccountState.objects.create(name="ops-1", last_request_at=now, last_success_at=now)
    AccountTally.objects.create(account="ops-1", day=day, requests=40, throttled=1)
    Heartbeat.objects.create(name=Heartbeat.Name.BEAT, beat_at=now, detail={})
    Heartbeat.objects.create(name=Heartbeat.Name.FETCH, beat_at=now - HOUR, detail={"trackers": 3})
    TimelineCheck.objects.create(checked_at=now, trackers=3, drifted=0)
    every = IntervalSchedule.objects.get_or_create(every=10, period=IntervalSchedule.SECONDS)[0]
    PeriodicTask.objects.get_or_create(
        name="Fetch", defaults={"task": "ingestion.tasks.fetch_due_trackers", "interval": every}
    )
