"""Replays after a fence or a run changed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.gis.geos import Point
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from clients.models import Brand, Client, ProductionRun
from locations.models import Location
from trackers import tasks
from trackers.incoming import IncomingReport
from trackers.models import Assignment, StatusChange, Tracker
from trackers.services import recording, replaying

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def run():
    brand = Brand.objects.create(client=Client.objects.create(name="Acme"), name="Widgets")
    return ProductionRun.objects.create(
        brand=brand, name="Spring", start_date=date(2026, 1, 1), end_date=date(2026, 12, 31)
    )


@pytest.fixture
def depot(run):
    location = Location.objects.create(
        name="Depot", kind=Location.Kind.STORAGE, center=Point(4.9, 52.3), radius_m=100, active_from=None
    )
    location.runs.add(run)
    return location


@pytest.fixture
def tracker(run, depot):
    """Seen 150 m north of the depot."""
    tracker = Tracker.objects.create(mac="AA:BB:CC:00:00:01", state=Tracker.State.ACTIVE)
    Assignment.objects.create(
        tracker=tracker, run=run, period=DateTimeTZRange(NOON - timedelta(days=9), None)
    )
    report = IncomingReport(
        tracker_id=tracker.pk,
        seen_at=NOON,
        fingerprint=bytes(16),
        latitude=52.30135,
        longitude=4.9,
        accuracy_m=20.0,
        confidence=2,
        battery="",
        source="REPLAY",
        published_at=None,
        payload=b"",
        hashed_key="",
    )
    recording.record_reports([report], now=NOON)
    return tracker


def status(tracker):
    tracker.refresh_from_db()
    return tracker.status


def test_a_larger_fence_takes_the_tracker_in_and_retracts_what_was_believed(tracker, depot):
    assert status(tracker) == "IN_TRANSIT"

    Location.objects.filter(pk=depot.pk).update(radius_m=200)
    tasks.replay_location(depot.pk)

    assert status(tracker) == "IN_STORAGE"
    assert list(StatusChange.objects.valid().values_list("status", flat=True)) == ["IN_STORAGE"]
    assert StatusChange.objects.filter(retracted_at__isnull=False, status="IN_TRANSIT").count() == 1


def test_a_location_taken_out_of_the_run_still_concerns_those_who_stayed_there(tracker, depot):
    Location.objects.filter(pk=depot.pk).update(radius_m=200)
    tasks.replay_location(depot.pk)
    depot.runs.clear()

    assert list(replaying.concerned_by_location(depot.pk)) == [tracker]
    tasks.replay_location(depot.pk)

    assert status(tracker) == "IN_TRANSIT"


def test_a_run_that_ended_earlier_makes_no_event(tracker, run):
    ProductionRun.objects.filter(pk=run.pk).update(end_date=date(2026, 2, 28))
    tasks.replay_run(run.pk)

    assert status(tracker) == "CREATED"
    assert not StatusChange.objects.valid().exists()


def test_a_long_replay_goes_in_pieces_until_all_are_done(run, monkeypatch):
    monkeypatch.setattr(replaying, "TRACKERS_PER_TRANSACTION", 2)
    trackers = Tracker.objects.bulk_create(Tracker(mac=f"AA:BB:CC:00:01:{i:02X}") for i in range(5))
    Assignment.objects.bulk_create(
        Assignment(tracker=tracker, run=run, period=DateTimeTZRange(NOON, None)) for tracker in trackers
    )
    concerned = replaying.concerned_by_run(run.pk)

    pieces = [0]
    while (last := replaying.replay_next(trackers=concerned, after=pieces[-1], now=NOON)) is not None:
        pieces.append(last)

    assert pieces == [0, trackers[1].pk, trackers[3].pk]
    assert not Tracker.objects.filter(latest_assignment=None).exists()
