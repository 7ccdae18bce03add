"""Recomputing in batches: what a batch holds, and what one tracker that can't be recomputed costs."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.factories import NOW, AssignmentFactory, RunFactory, StorageFactory
from tests.trackers.reports import LATITUDE, batches_of, incoming, longitude_at, periods, told
from trackers.models import GeofenceEvent, Retraction, StatusChange
from trackers.services.history import Cause
from trackers.services.recomputation import recomputing
from trackers.services.recomputation.pacing import Pace
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
CHECK = Cause(Retraction.CHECK)
BREAK = "ALTER TABLE trackers_statuschange ADD CONSTRAINT broken CHECK (tracker_id <> {}) NOT VALID"


@pytest.fixture
def run():
    return RunFactory()


def seen_tracker(run, reports, east_m=lambda number: 0):
    tracker = AssignmentFactory(run=run).tracker
    record_reports(
        [
            incoming(tracker.pk, NOW + number * MINUTE, number=number, east_m=east_m(number))
            for number in range(reports)
        ],
        now=NOW,
    )
    return tracker


def forget(*trackers):
    ids = [tracker.pk for tracker in trackers]
    GeofenceEvent.objects.filter(tracker__in=ids).delete()
    StatusChange.objects.filter(tracker__in=ids).delete()


def test_a_batch_holds_a_number_of_reports_and_a_longer_tracker_none(run):
    ids = [seen_tracker(run, reports).pk for reports in (4, 6, 1, 11)]
    assert recomputing.first_batch(ids, reports=10) == ids[:2]
    assert recomputing.first_batch(ids[1:], reports=10) == ids[1:3]
    assert recomputing.first_batch(ids[3:], reports=10) == []


def test_a_long_tracker_is_recomputed_in_batches(run, monkeypatch):
    StorageFactory(name="Depot", center=f"POINT({longitude_at(0)} {LATITUDE})", runs=[run])
    tracker = seen_tracker(run, 60, east_m=lambda number: 500 * (number // 7 % 2))
    right = told(tracker.pk), periods(tracker.pk)
    forget(tracker)
    batches_of(monkeypatch, 5)
    recomputed = recomputing.recompute_all(
        tracker_ids=[tracker.pk], cause=CHECK, now=NOW, pace=Pace(timezone.now)
    )
    assert (told(tracker.pk), periods(tracker.pk)) == right
    assert recomputed.written.periods_added == len(right[1])
    assert recomputed.written.tracker_ids == {tracker.pk}


def test_one_that_cannot_be_recomputed_costs_only_itself(run):
    trackers = [seen_tracker(run, 3) for _ in range(5)]
    right = [told(tracker.pk) for tracker in trackers]
    forget(*trackers)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(BREAK.format(trackers[2].pk))
    recomputed = recomputing.recompute_all(
        tracker_ids=[row.pk for row in trackers], cause=CHECK, now=NOW, pace=Pace(timezone.now)
    )
    assert list(recomputed.failures) == [trackers[2].pk]
    assert "broken" in recomputed.failures[trackers[2].pk]
    assert recomputed.trackers == 5
    right[2] = []
    assert [told(tracker.pk) for tracker in trackers] == right


def test_a_long_one_that_cannot_be_recomputed_is_told_too(run, monkeypatch):
    batches_of(monkeypatch, 2)
    tracker = seen_tracker(run, 9)
    forget(tracker)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(BREAK.format(tracker.pk))
    recomputed = recomputing.recompute_all(
        tracker_ids=[tracker.pk], cause=CHECK, now=NOW, pace=Pace(timezone.now)
    )
    assert list(recomputed.failures) == [tracker.pk]
