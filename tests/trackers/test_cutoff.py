"""The retention cutoff: history before it stays as it is stored, and everything after it is computed as usual."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.factories import ARRIVED, NOW, AssignmentFactory, DeliveryFactory, RunFactory, StorageFactory
from tests.trackers.reports import LATITUDE, batches_of, incoming, longitude_at, periods, told
from trackers.models import LocationReport, Retraction, StatusChange
from trackers.services import assigning, history
from trackers.services.history import Cause
from trackers.services.recomputation import recomputing
from trackers.services.recomputation.pacing import Pace
from trackers.services.recomputation.verifying import verify_oldest
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LATER = NOW + timedelta(days=2)
FENCE = Cause(Retraction.FENCE)


@pytest.fixture(params=[1, 3])
def run(request):
    return RunFactory(confirmations=request.param)


@pytest.fixture
def depot(run):
    return StorageFactory(name="Depot", center=f"POINT({longitude_at(0)} {LATITUDE})", runs=[run])


@pytest.fixture
def tracker(run, depot):
    """Ten hours in the depot, ten in transit, ten at the shop."""
    DeliveryFactory(name="Shop", center=f"POINT({longitude_at(9_000)} {LATITUDE})", runs=[run])
    tracker = AssignmentFactory(run=run).tracker
    spots = [0] * 10 + [4_000] * 10 + [9_000] * 10
    record_reports(
        [incoming(tracker.pk, NOW + hour * HOUR, east_m=east_m) for hour, east_m in enumerate(spots)],
        now=ARRIVED,
    )
    return tracker


def drop_reports_before(moment):
    history.advance_cutoff(reports_kept_from=moment, now=LATER)
    LocationReport.objects.filter(seen_at__lt=moment)._raw_delete("default")


def check():
    return verify_oldest(trackers=10, clock=lambda: LATER).drifted


@pytest.mark.parametrize("hours", [5, 10, 11, 12, 15, 21, 29, 40])
def test_history_whose_reports_are_gone_stands(tracker, hours):
    before = told(tracker.pk), periods(tracker.pk)
    tracker.refresh_from_db()
    shown = tracker.last_seen_at, tracker.last_position, tracker.battery, tracker.status
    drop_reports_before(NOW + hours * HOUR)
    assert check() == 0
    recomputed = recomputing.recompute_long(
        tracker_id=tracker.pk, cause=FENCE, now=LATER, pace=Pace(timezone.now)
    )
    assert not recomputed.written.tracker_ids
    assert (told(tracker.pk), periods(tracker.pk)) == before
    tracker.refresh_from_db()
    assert (tracker.last_seen_at, tracker.last_position, tracker.battery, tracker.status) == shown


def test_what_comes_after_the_cutoff_is_recorded_as_usual(tracker):
    drop_reports_before(NOW + 40 * HOUR)
    record_reports([incoming(tracker.pk, NOW + (41 + i) * HOUR, east_m=4_000) for i in range(3)], now=LATER)
    assert periods(tracker.pk)[-2:] == [("DELIVERED", 20 * 60, 41 * 60), ("IN_TRANSIT", 41 * 60, None)]
    assert check() == 0


def test_a_report_from_before_the_cutoff_is_rejected_and_changes_nothing(tracker):
    before = told(tracker.pk), periods(tracker.pk)
    drop_reports_before(NOW + 15 * HOUR)
    outcome = record_reports([incoming(tracker.pk, NOW + 5 * HOUR, number=9, east_m=9_000)], now=LATER)
    assert (outcome.stored, outcome.rejected, outcome.events.total()) == (0, 1, 0)
    assert (told(tracker.pk), periods(tracker.pk)) == before
    assert check() == 0


def test_a_changed_fence_recomputes_only_what_is_after_the_cutoff(tracker, depot):
    drop_reports_before(NOW + 5 * HOUR)
    type(depot).objects.filter(pk=depot.pk).update(radius_m=5_000)
    recomputing.recompute_all(tracker_ids=[tracker.pk], cause=FENCE, now=LATER, pace=Pace(timezone.now))
    assert periods(tracker.pk) == [("IN_STORAGE", 0, 20 * 60), ("DELIVERED", 20 * 60, None)]
    type(depot).objects.filter(pk=depot.pk).update(radius_m=1)
    depot.runs.clear()
    recomputing.recompute_all(tracker_ids=[tracker.pk], cause=FENCE, now=LATER, pace=Pace(timezone.now))
    # What was stored before the cutoff stays as it is: the tracker left when it was first seen after it.
    assert periods(tracker.pk)[:2] == [("IN_STORAGE", 0, 5 * 60), ("IN_TRANSIT", 5 * 60, 20 * 60)]
    assert check() == 0


def test_batches_begin_at_the_cutoff_too(tracker, depot, monkeypatch):
    drop_reports_before(NOW + 5 * HOUR)
    type(depot).objects.filter(pk=depot.pk).update(radius_m=5_000)
    batches_of(monkeypatch, 2)
    recomputing.recompute_all(tracker_ids=[tracker.pk], cause=FENCE, now=LATER, pace=Pace(timezone.now))
    assert periods(tracker.pk) == [("IN_STORAGE", 0, 20 * 60), ("DELIVERED", 20 * 60, None)]


def test_a_delayed_report_just_after_the_cutoff_keeps_the_period_that_began_before(tracker):
    drop_reports_before(NOW + 5 * HOUR)
    first = StatusChange.objects.valid().earliest("started_at")
    record_reports([incoming(tracker.pk, NOW + 5.5 * HOUR, number=9)], now=LATER)
    assert StatusChange.objects.valid().earliest("started_at").pk == first.pk
    assert periods(tracker.pk)[0] == ("IN_STORAGE", 0, 10 * 60)


def test_release_before_the_cutoff_is_refused(tracker):
    drop_reports_before(NOW + 15 * HOUR)
    with pytest.raises(history.BeforeCutoffError, match="Choose that moment"):
        assigning.release(tracker_ids=[tracker.pk], at=NOW + 14 * HOUR, now=LATER)
    assigning.release(tracker_ids=[tracker.pk], at=NOW + 16 * HOUR, now=LATER)
    assert periods(tracker.pk)[-1] == ("IN_TRANSIT", 10 * 60, 16 * 60)


def test_cutoff_never_moves_back():
    assert history.frozen_before() is None
    for day in (3, 5, 4):
        history.advance_cutoff(reports_kept_from=NOW + timedelta(days=day), now=LATER)
    assert history.frozen_before() == NOW + timedelta(days=5)


def test_locks_hold_the_reports(tracker):
    """Whoever plays the reports keeps their partitions from being dropped meanwhile."""
    recomputing.recompute_all(tracker_ids=[tracker.pk], cause=FENCE, now=LATER, pace=Pace(timezone.now))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'trackers_locationreport'::regclass"
        )
        assert ("AccessShareLock",) in cursor.fetchall()
