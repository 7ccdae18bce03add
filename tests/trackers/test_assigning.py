"""Assigning, releasing, and what a re-assignment hides."""

from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point
from django.db import IntegrityError

from tests.factories import (
    AMSTERDAM,
    NOW,
    AssignmentFactory,
    DeliveryFactory,
    MembershipFactory,
    RunFactory,
    StorageFactory,
    TrackerFactory,
    make_fingerprint,
)
from trackers.incoming import IncomingReport
from trackers.models import (
    Assignment,
    GeofenceEvent,
    GeoStatus,
    LocationReport,
    RecomputationJob,
    StatusChange,
    Tracker,
)
from trackers.services import assigning, locking
from trackers.services.recomputation import jobs, verifying
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
ELSEWHERE = Point(13.405, 52.52)
ON_THE_WAY = Point(8.05, 52.28)


@pytest.fixture
def run():
    return RunFactory()


@pytest.fixture
def other_run():
    """Of another client."""
    return RunFactory()


def report(tracker, seen_at, position=AMSTERDAM):
    outcome = record_reports(
        [
            IncomingReport(
                tracker_id=tracker.pk,
                seen_at=seen_at,
                fingerprint=make_fingerprint(hash((tracker.pk, seen_at))),
                latitude=position.y,
                longitude=position.x,
                accuracy_m=10.0,
                confidence=3,
                battery="FULL",
                source=LocationReport.Source.FIND_MY,
                payload=b"",
                hashed_key="",
            )
        ],
        now=NOW,
    )
    assert outcome.stored == 1


def history(tracker):
    tracker.refresh_from_db()
    rows = StatusChange.objects.valid().filter(tracker=tracker).order_by("started_at")
    return [(row.status, row.assignment_id, row.started_at, row.ended_at) for row in rows]


def test_assigned_trackers_are_in_the_run_from_start_on(run):
    trackers = TrackerFactory.create_batch(3)
    assignments = assigning.assign(
        tracker_ids=[tracker.pk for tracker in reversed(trackers)], run=run, start=NOW - DAY, now=NOW
    )
    assert [assignment.tracker_id for assignment in assignments] == [tracker.pk for tracker in trackers]
    for tracker, assignment in zip(trackers, assignments, strict=True):
        tracker.refresh_from_db()
        assert tracker.latest_assignment == assignment
        assert tracker.status == GeoStatus.CREATED
        assignment.refresh_from_db()
        assert (assignment.period.lower, assignment.period.upper) == (NOW - DAY, None)


def test_tracker_from_old_stock_is_not_overdue_for_its_check(run):
    tracker = TrackerFactory(verified_at=NOW - 300 * DAY)
    assigning.assign(tracker_ids=[tracker.pk], run=run, start=NOW, now=NOW)
    assert verifying.check_summary(now=NOW).on_time


def test_assigning_takes_the_same_number_of_queries_for_any_number(run, django_assert_max_num_queries):
    trackers = Tracker.objects.bulk_create(TrackerFactory.build_batch(50))
    with django_assert_max_num_queries(20):
        assigning.assign(tracker_ids=[tracker.pk for tracker in trackers], run=run, start=NOW, now=NOW)
    assert Assignment.objects.count() == 50


def test_overlap_is_refused_with_the_macs_and_nothing_is_assigned(run):
    free, taken = TrackerFactory(), AssignmentFactory().tracker
    with pytest.raises(assigning.AssignmentOverlapError, match=taken.mac) as raised:
        assigning.assign(tracker_ids=[free.pk, taken.pk], run=run, start=NOW, now=NOW)
    assert free.mac not in raised.value.message
    assert raised.value.code == "assignment_overlap"
    assert not free.assignments.exists()


def test_assignment_planned_for_later_overlaps_too(run):
    tracker = AssignmentFactory(start=NOW + DAY).tracker
    with pytest.raises(assigning.AssignmentOverlapError):
        assigning.assign(tracker_ids=[tracker.pk], run=run, start=NOW, now=NOW)


def test_database_refuses_an_overlap_that_no_service_saw():
    assignment = AssignmentFactory(start=NOW - DAY, end=NOW)
    AssignmentFactory(tracker=assignment.tracker, start=NOW)
    with pytest.raises(IntegrityError, match="assignment_no_overlap_per_tracker"):
        AssignmentFactory(tracker=assignment.tracker, start=NOW - DAY / 2, end=NOW)


def test_only_the_first_macs_are_named():
    macs = [f"C0:00:00:00:00:0{number}" for number in range(8)]
    assert assigning.name_macs(reversed(macs)) == ", ".join(macs[:5]) + " and 3 more"
    assert assigning.name_macs(macs[:5]) == ", ".join(macs[:5])


def test_unknown_tracker_changes_nothing(run):
    tracker = TrackerFactory()
    with pytest.raises(locking.UnknownTrackerError):
        assigning.assign(tracker_ids=[tracker.pk, 0], run=run, start=NOW, now=NOW)
    assert not tracker.assignments.exists()


def test_reports_since_the_start_belong_to_the_run_and_earlier_ones_do_not(run):
    storage = StorageFactory(runs=[run])
    tracker = TrackerFactory()
    report(tracker, NOW - 3 * DAY)
    report(tracker, NOW - DAY)
    assert history(tracker) == []
    [assignment] = assigning.assign(tracker_ids=[tracker.pk], run=run, start=NOW - 2 * DAY, now=NOW)
    assert history(tracker) == [(GeoStatus.IN_STORAGE, assignment.pk, NOW - DAY, None)]
    assert (tracker.status, tracker.location, tracker.last_seen_at) == (
        GeoStatus.IN_STORAGE,
        storage,
        NOW - DAY,
    )


def test_release_closes_the_history_at_the_end_of_the_assignment(run):
    DeliveryFactory(runs=[run])
    assignment = AssignmentFactory(run=run, start=NOW - 5 * DAY)
    report(assignment.tracker, NOW - 2 * DAY)
    assigning.release(tracker_ids=[assignment.tracker_id], at=NOW - DAY, now=NOW)
    assert history(assignment.tracker) == [
        (GeoStatus.DELIVERED, assignment.pk, NOW - 2 * DAY, NOW - DAY),
    ]
    assignment.refresh_from_db()
    assert (assignment.period.lower, assignment.period.upper) == (NOW - 5 * DAY, NOW - DAY)


def test_release_in_the_past_retracts_what_came_after(run):
    DeliveryFactory(runs=[run])
    assignment = AssignmentFactory(run=run, start=NOW - 5 * DAY)
    tracker = assignment.tracker
    report(tracker, NOW - 4 * DAY, ON_THE_WAY)
    report(tracker, NOW - DAY)
    assigning.release(tracker_ids=[tracker.pk], at=NOW - 2 * DAY, now=NOW)
    assert history(tracker) == [(GeoStatus.IN_TRANSIT, assignment.pk, NOW - 4 * DAY, NOW - 2 * DAY)]
    assert tracker.status == GeoStatus.IN_TRANSIT
    assert tracker.last_seen_at == NOW - 4 * DAY
    assert list(GeofenceEvent.objects.valid().values_list("type", flat=True)) == ["TRANSIT"]


@pytest.mark.parametrize("start", [None, NOW, NOW + DAY], ids=["never", "then", "later"])
def test_release_needs_an_open_assignment_that_has_begun(start):
    tracker = AssignmentFactory(start=start).tracker if start else TrackerFactory()
    running = AssignmentFactory()
    with pytest.raises(assigning.NotAssignedError, match=tracker.mac):
        assigning.release(tracker_ids=[tracker.pk, running.tracker_id], at=NOW, now=NOW)
    running.refresh_from_db()
    assert running.period.upper is None


def test_reassignment_shows_nothing_of_the_earlier_client(run, other_run):
    DeliveryFactory(runs=[run])
    first = AssignmentFactory(run=run, start=NOW - 5 * DAY)
    tracker = first.tracker
    report(tracker, NOW - 2 * DAY)
    assigning.release(tracker_ids=[tracker.pk], at=NOW - DAY, now=NOW)
    [second] = assigning.assign(tracker_ids=[tracker.pk], run=other_run, start=NOW - DAY, now=NOW)
    tracker.refresh_from_db()
    assert tracker.latest_assignment == second
    assert (tracker.status, tracker.status_since, tracker.location) == (GeoStatus.CREATED, None, None)
    assert (tracker.last_seen_at, tracker.last_received_at, tracker.last_position) == (None, None, None)
    assert (tracker.last_accuracy_m, tracker.battery) == (None, "")


def test_after_a_reassignment_each_client_sees_its_own_time_only(run, other_run):
    owner = MembershipFactory(client=run.brand.client).user
    successor = MembershipFactory(client=other_run.brand.client).user
    StorageFactory(runs=[run])
    DeliveryFactory(runs=[other_run], center=ELSEWHERE)
    tracker = AssignmentFactory(run=run, start=NOW - 5 * DAY).tracker
    assigning.release(tracker_ids=[tracker.pk], at=NOW - 2 * DAY, now=NOW)
    assigning.assign(tracker_ids=[tracker.pk], run=other_run, start=NOW - 2 * DAY, now=NOW)
    report(tracker, NOW - DAY, ELSEWHERE)
    report(tracker, NOW - 3 * DAY)

    for model in (StatusChange, GeofenceEvent, LocationReport):
        seen = model.objects.visible_to(owner), model.objects.visible_to(successor)
        assert [rows.count() for rows in seen] == [1, 1], model
        assert seen[0].get().pk != seen[1].get().pk
    assert not Tracker.objects.visible_to(owner).exists()
    assert Tracker.objects.visible_to(successor).get().status == GeoStatus.DELIVERED
    assert StatusChange.objects.visible_to(owner).get().ended_at == NOW - 2 * DAY


def test_long_time_in_stock_is_no_missed_verification(run):
    tracker = TrackerFactory(verified_at=NOW - 30 * DAY)
    assigning.assign(tracker_ids=[tracker.pk], run=run, start=NOW, now=NOW)
    assert verifying.check_summary(now=NOW).ok
    assert not verifying.check_summary(now=NOW + 2 * DAY).on_time


def test_history_of_many_reports_follows_in_a_job(run, other_run, monkeypatch):
    monkeypatch.setattr(assigning, "REPORTS_AT_ONCE", 2)
    storage = StorageFactory(center=AMSTERDAM)
    storage.runs.add(other_run)
    tracker = AssignmentFactory(run=run, start=NOW - 9 * DAY).tracker
    for days in (3, 2, 1):
        report(tracker, NOW - days * DAY)
    assigning.release(tracker_ids=[tracker.pk], at=NOW - 4 * DAY, now=NOW)

    [made] = assigning.assign(tracker_ids=[tracker.pk], run=other_run, start=NOW - 4 * DAY, now=NOW)

    tracker.refresh_from_db()
    assert (tracker.latest_assignment_id, tracker.status) == (made.pk, GeoStatus.CREATED)
    assert tracker.last_seen_at == NOW - DAY
    assert not StatusChange.objects.valid().filter(tracker=tracker, started_at__gte=NOW - 4 * DAY).exists()
    job = RecomputationJob.objects.get()
    assert (job.reason, job.run, job.total) == ("ASSIGNMENT", other_run, 1)
    assert not verifying.verifiable().filter(pk=tracker.pk).exists()

    jobs.work_off(clock=lambda: NOW, time_budget_s=60)
    tracker.refresh_from_db()
    job.refresh_from_db()
    assert (job.state, job.changed, job.periods_added) == ("DONE", 1, 1)
    assert (tracker.status, tracker.location_id) == (GeoStatus.IN_STORAGE, storage.pk)
    assert tracker.status_since == NOW - 3 * DAY


def test_assignment_from_now_on_plays_nothing_however_much_there_was(run, other_run, monkeypatch):
    monkeypatch.setattr(assigning, "REPORTS_AT_ONCE", 2)
    tracker = AssignmentFactory(run=run, start=NOW - 9 * DAY).tracker
    for days in (3, 2, 1):
        report(tracker, NOW - days * DAY)
    assigning.release(tracker_ids=[tracker.pk], at=NOW, now=NOW)
    assigning.assign(tracker_ids=[tracker.pk], run=other_run, start=NOW, now=NOW)
    assert not RecomputationJob.objects.exists()
