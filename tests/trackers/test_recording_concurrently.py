"""Several workers that record the same or overlapping reports at once, each on a connection of its own."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from tests.factories import ARRIVED, NOW, AssignmentFactory, DeliveryFactory, RunFactory, StorageFactory
from tests.trackers.reports import LATITUDE, incoming, longitude_at, periods, told
from trackers.models import HourlyPosition, LocationReport, RejectedReport, Retraction
from trackers.services import locking
from trackers.services.history import Cause, recompute_trackers
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)
WORKERS = 4


@pytest.fixture
def trackers():
    run = RunFactory()
    StorageFactory(name="Depot", center=f"POINT({longitude_at(0)} {LATITUDE})", runs=[run])
    DeliveryFactory(name="Shop", center=f"POINT({longitude_at(500)} {LATITUDE})", runs=[run])
    return [AssignmentFactory(run=run).tracker for _ in range(8)]


def journey(tracker):
    return [
        incoming(tracker.pk, NOW + minute * MINUTE, east_m=(0, 250, 500)[minute // 5 % 3])
        for minute in range(30)
    ]


def at_once(batches):
    """Record the batches of each worker, all workers starting together; returns what they stored."""
    barrier = threading.Barrier(len(batches))

    def work(own):
        try:
            barrier.wait()
            return sum(record_reports(batch, now=ARRIVED).stored for batch in own)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(batches)) as pool:
        return list(pool.map(work, batches))


def test_same_reports_from_several_workers_are_stored_once(trackers):
    reports = [report for tracker in trackers for report in journey(tracker)]
    chance = random.Random(1)
    stored = at_once([[chance.sample(reports, len(reports))] for _ in range(WORKERS)])
    assert sum(stored) == len(reports) == LocationReport.objects.count()


def test_overlapping_batches_from_several_workers_give_the_history_of_one(trackers):
    reports = [report for tracker in trackers for report in journey(tracker)]
    chance = random.Random(2)
    batches = [[chance.sample(reports, 60) for _ in range(6)] for _ in range(WORKERS)]
    batches[0].append(reports)
    stored = at_once(batches)
    assert sum(stored) == len(reports)
    assert not RejectedReport.objects.exists()
    alone, *others = [(periods(tracker.pk), told(tracker.pk)) for tracker in trackers]
    assert len(alone[0]) == 6
    assert all(other == alone for other in others)
    ids = [tracker.pk for tracker in trackers]
    cause = Cause(Retraction.CHECK)
    assert recompute_trackers(tracker_ids=ids, cause=cause, now=NOW).tracker_ids == set()
    assert sum(HourlyPosition.objects.values_list("reports", flat=True)) == len(reports)


def test_same_rejections_from_several_workers_don_t_wait_for_each_other(trackers):
    bad = [report._replace(latitude=95.0) for report in journey(trackers[0])]
    chance = random.Random(3)
    at_once([[chance.sample(bad, len(bad))] for _ in range(WORKERS)])
    assert set(RejectedReport.objects.values_list("occurrences", flat=True)) == {WORKERS}


def test_lock_that_is_not_to_be_had_is_nobody_s_fault(trackers, monkeypatch):
    monkeypatch.setattr(locking, "LOCK_TIMEOUT", "100ms")
    held, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            locking.lock_trackers([trackers[0].pk])
            held.set()
            done.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(30)
        with pytest.raises(OperationalError, match="lock timeout"):
            record_reports(journey(trackers[0]), now=ARRIVED)
        assert record_reports(journey(trackers[1]), now=ARRIVED).stored == 30
    finally:
        done.set()
        holder.join()
    assert not RejectedReport.objects.exists()
    assert not LocationReport.objects.filter(tracker=trackers[0]).exists()
