"""Recomputations after a fence or a run changed: which trackers are affected, how jobs run, and what ends them."""

import threading
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from clients.models import ProductionRun
from locations.models import Location
from tests.factories import ARRIVED, NOW, AssignmentFactory, RunFactory, StaffFactory, StorageFactory
from tests.trackers.reports import LATITUDE, batches_of, incoming, longitude_at
from trackers import tasks
from trackers.models import GeofenceEvent, RecomputationJob, RecomputationTarget, StatusChange
from trackers.services.recomputation import jobs, queueing, recomputing
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LATER = NOW + timedelta(days=2)


@pytest.fixture
def run():
    return RunFactory(start_date=date(2026, 1, 1), end_date=date(2026, 12, 31))


@pytest.fixture
def depot(run):
    return StorageFactory(name="Depot", center=f"POINT({longitude_at(0)} {LATITUDE})", runs=[run])


def seen_at(run, *spots):
    """A tracker seen this many metres east of the depot, an hour apart."""
    tracker = AssignmentFactory(run=run).tracker
    record_reports(
        [incoming(tracker.pk, NOW + hour * HOUR, east_m=east_m) for hour, east_m in enumerate(spots)],
        now=ARRIVED,
    )
    return tracker


def change(location, actor=None, runs=None, **values):
    before = queueing.fence_of(location.pk)
    Location.objects.filter(pk=location.pk).update(**values)
    if runs is not None:
        location.runs.set(runs)
    return queueing.queue_fence(location_id=location.pk, before=before, actor=actor, now=LATER)


def change_run(run, **values):
    before = queueing.run_of(run.pk)
    ProductionRun.objects.filter(pk=run.pk).update(**values)
    return queueing.queue_run(run_id=run.pk, before=before, actor=None, now=LATER)


def work(budget=60):
    return jobs.work_off(clock=lambda: LATER, time_budget_s=budget)


def told(job):
    job.refresh_from_db()
    return job.state, job.total, job.done, job.recomputed, job.changed


def status(tracker):
    tracker.refresh_from_db()
    return tracker.status


def test_a_larger_fence_takes_in_who_was_near_and_leaves_the_others_alone(run, depot):
    near, far, elsewhere = seen_at(run, 150), seen_at(run, 9_000), seen_at(RunFactory(), 150)
    actor = StaffFactory()
    job = change(depot, actor, radius_m=200)
    assert (job.change, job.requested_by) == ("radius 100 → 200 m", actor)
    assert work() is False
    assert told(job) == ("DONE", 2, 2, 1, 1)
    assert (job.periods_added, job.periods_retracted, job.finished_at) == (1, 1, LATER)
    assert [status(tracker) for tracker in (near, far, elsewhere)] == [
        "IN_STORAGE",
        "IN_TRANSIT",
        "IN_TRANSIT",
    ]
    assert not job.targets.exists()


def test_what_was_believed_is_retracted_and_names_the_job(run, depot):
    tracker = seen_at(run, 150)
    job = change(depot, radius_m=200)
    work()
    for row in (
        StatusChange.objects.get(tracker=tracker, retracted_at__isnull=False),
        GeofenceEvent.objects.get(tracker=tracker, retracted_at__isnull=False),
    ):
        assert (row.retracted_after, row.retracted_in, row.retracted_at) == ("FENCE", job, LATER)
        assert row.retracted_by_seen_at is None


def test_who_is_near_the_old_fence_only_is_affected_by_a_move(run, depot):
    left, met, far = seen_at(run, 0), seen_at(run, 5_000), seen_at(run, 9_000)
    job = change(depot, center=Point(longitude_at(5_000), LATITUDE))
    work()
    assert told(job) == ("DONE", 3, 3, 2, 2)
    assert [status(tracker) for tracker in (left, met, far)] == ["IN_TRANSIT", "IN_STORAGE", "IN_TRANSIT"]


def test_a_location_taken_out_of_the_run_affects_those_who_stayed_there(run, depot):
    stayed, other = seen_at(run, 0), seen_at(run, 9_000)
    job = change(depot, runs=[])
    assert job.change == f"taken out of {run.name}"
    work()
    assert told(job) == ("DONE", 2, 2, 1, 1)
    assert (status(stayed), status(other)) == ("IN_TRANSIT", "IN_TRANSIT")


def test_a_period_that_changed_affects_who_was_near_in_the_time_between(run, depot):
    early, late = seen_at(run, 0), seen_at(run, *[9_000] * 5, 0)
    job = change(depot, active_from=NOW + 2 * HOUR)
    work()
    # The second one has stayed there, so it is recomputed, and nothing of it changes.
    assert told(job) == ("DONE", 2, 2, 2, 1)
    assert (status(early), status(late)) == ("IN_TRANSIT", "IN_STORAGE")


def test_a_change_that_decides_nothing_asks_for_no_recomputation(run, depot):
    seen_at(run, 0)
    assert change(depot, name="Other") is None
    assert change_run(run, name="Other") is None
    assert not RecomputationJob.objects.exists()


def test_a_new_fence_affects_who_was_near_since_it_is_active(run):
    before, since = seen_at(run, 0), seen_at(run, *[9_000] * 5, 0)
    fence = StorageFactory(
        center=f"POINT({longitude_at(0)} {LATITUDE})", runs=[run], active_from=NOW + 3 * HOUR
    )
    job = queueing.queue_fence(location_id=fence.pk, before=None, actor=None, now=LATER)
    work()
    assert told(job) == ("DONE", 2, 2, 1, 1)
    assert (status(before), status(since)) == ("IN_TRANSIT", "IN_STORAGE")


def test_a_run_that_ends_earlier_affects_who_was_seen_in_the_days_between(run, depot):
    cut = seen_at(run, 0)
    silent = AssignmentFactory(run=run).tracker
    job = change_run(run, end_date=date(2026, 3, 9))
    work()
    assert told(job) == ("DONE", 2, 2, 1, 1)
    assert (status(cut), status(silent)) == ("CREATED", "CREATED")


def test_another_policy_affects_all_trackers_of_the_run(run, depot):
    tracker = seen_at(run, 9_000, 0, 9_000)
    job = change_run(run, confirmations=2)
    assert job.change == "confirming reports 1 → 2"
    work()
    assert told(job) == ("DONE", 1, 1, 1, 1)
    assert status(tracker) == "IN_TRANSIT"
    assert StatusChange.objects.valid().count() == 1


def test_a_second_edit_takes_over_what_the_first_left(run, depot):
    near, nearer, far = seen_at(run, 450), seen_at(run, 150), seen_at(run, 9_000)
    first = change(depot, radius_m=500)
    second = change(depot, radius_m=200)
    assert told(first) == ("CANCELLED", 3, 0, 0, 0)
    assert first.superseded_by == second
    work()
    assert [status(tracker) for tracker in (near, nearer, far)] == ["IN_TRANSIT", "IN_STORAGE", "IN_TRANSIT"]
    assert told(second)[:3] == ("DONE", 3, 3)


def test_a_cancelled_job_keeps_what_is_done_and_goes_on_when_resumed(run, depot, monkeypatch):
    trackers = [seen_at(run, 150) for _ in range(4)]
    monkeypatch.setattr(recomputing, "TRACKERS_PER_BATCH", 1)
    job = change(depot, radius_m=200)
    assert work(budget=0) is True
    jobs.cancel_job(job=job, now=LATER)
    assert work() is False
    assert told(job) == ("CANCELLED", 4, 1, 1, 1)
    with pytest.raises(jobs.JobFinishedError):
        jobs.cancel_job(job=job, now=LATER)
    jobs.resume_job(job=job)
    work()
    assert told(job) == ("DONE", 4, 4, 4, 4)
    assert {status(tracker) for tracker in trackers} == {"IN_STORAGE"}
    with pytest.raises(jobs.NothingLeftError):
        jobs.resume_job(job=job)


def test_a_job_whose_worker_died_is_taken_when_its_claim_ends(run, depot):
    seen_at(run, 150)
    job = change(depot, radius_m=200)
    RecomputationJob.objects.update(state="RUNNING", claimed_until=LATER + HOUR)
    assert work() is False
    assert told(job)[0] == "RUNNING"
    RecomputationJob.objects.update(claimed_until=LATER - HOUR)
    work()
    assert told(job)[0] == "DONE"


def test_a_tracker_that_cannot_be_recomputed_is_noted_and_the_others_go_on(run, depot):
    good, bad, other = seen_at(run, 150), seen_at(run, 150), seen_at(run, 150)
    job = change(depot, radius_m=200)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            f"ALTER TABLE trackers_statuschange ADD CONSTRAINT broken CHECK (tracker_id <> {bad.pk}) NOT VALID"
        )
    work()
    assert told(job) == ("FAILED", 3, 3, 3, 2)
    [target] = job.targets.all()
    assert (target.tracker, job.failed) == (bad, 1)
    assert "broken" in target.error
    assert [status(tracker) for tracker in (good, bad, other)] == ["IN_STORAGE", "IN_TRANSIT", "IN_STORAGE"]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE trackers_statuschange DROP CONSTRAINT broken")
    jobs.resume_job(job=job)
    work()
    assert told(job)[:3] == ("DONE", 3, 3)
    assert (job.failed, status(bad)) == (0, "IN_STORAGE")


def test_a_long_tracker_is_worked_off_in_parts(run, depot, monkeypatch):
    batches_of(monkeypatch, 3)
    short, long, other = seen_at(run, 150), seen_at(run, *[150, 9_000] * 6), seen_at(run, 150)
    job = change(depot, radius_m=200)
    work()
    assert told(job) == ("DONE", 3, 3, 3, 3)
    assert [status(tracker) for tracker in (short, long, other)] == ["IN_STORAGE", "IN_TRANSIT", "IN_STORAGE"]


def test_the_scheduled_task_works_off_what_is_queued(run, depot):
    assert PeriodicTask.objects.get(name="Work off recomputations").task == tasks.work_off_recomputations.name
    seen_at(run, 150)
    job = change(depot, radius_m=200)
    tasks.work_off_recomputations(invented_later=1)
    assert told(job)[0] == "DONE"


@pytest.mark.django_db(transaction=True)
def test_live_reports_wait_for_a_recomputation_for_less_than_a_second(depot, run):
    """A long tracker and many short ones are recomputed while reports of all of them come in."""
    long = AssignmentFactory(run=run).tracker
    short = [AssignmentFactory(run=run).tracker for _ in range(40)]
    begin = datetime(2026, 2, 1, tzinfo=UTC)
    record_reports(
        [incoming(long.pk, begin + i * timedelta(minutes=5), number=i, east_m=150) for i in range(10_000)]
        + [incoming(row.pk, begin + i * HOUR, number=i, east_m=150) for row in short for i in range(100)],
        now=ARRIVED,
    )
    job = change(depot, radius_m=200)
    done = threading.Event()

    def recompute():
        try:
            jobs.work_off(clock=timezone.now, time_budget_s=240)
        finally:
            connection.close()
            done.set()

    worker = threading.Thread(target=recompute)
    worker.start()
    waits, number = [], 0
    while not done.is_set():
        number += 1
        came = [
            incoming(row.pk, LATER + number * HOUR, number=number, east_m=150) for row in (long, short[20])
        ]
        before = time.monotonic()
        assert record_reports(came, now=LATER + number * HOUR).stored == 2
        waits.append(time.monotonic() - before)
        time.sleep(0.02)
    worker.join()
    assert told(job)[0] == "DONE"
    assert number > 5
    assert max(waits) < 1
    assert {status(tracker) for tracker in (long, *short)} == {"IN_STORAGE"}
    assert not RecomputationTarget.objects.exists()
