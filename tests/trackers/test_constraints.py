"""The database itself refuses history that can't be: whoever writes, and by whichever way.

The bug that this rules out: after a backfill of seven days a tracker that had stood still showed entries, and events
for which there was no history.
"""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from tests.factories import (
    NOW,
    AssignmentFactory,
    RunFactory,
    StatusChangeFactory,
    StorageFactory,
    TrackerFactory,
    make_fingerprint,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
COLUMNS = {
    "trackers_geofenceevent": (
        "tracker_id, assignment_id, type, location_id, occurred_at, fingerprint, recorded_at, retracted_at,"
        " status_change_id"
    ),
    "trackers_statuschange": (
        "tracker_id, assignment_id, status, location_id, started_at, fingerprint, recorded_at, retracted_at,"
        " ended_at"
    ),
}


@pytest.fixture
def depot():
    return StorageFactory()


@pytest.fixture
def period(depot):
    """In the depot since NOW, open."""
    return StatusChangeFactory(assignment=AssignmentFactory(), status="IN_STORAGE", location=depot)


def insert(table, assignment, kind, location, at, last, *, tracker=None, fingerprint=None, retracted_at=None):
    values = [
        tracker.pk if tracker else assignment.tracker_id,
        assignment.pk,
        kind,
        location and location.pk,
        at,
        fingerprint or make_fingerprint(0),
        NOW,
        retracted_at,
        last,
    ]
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({COLUMNS[table]}) VALUES ({marks})", values)  # noqa: S608
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def insert_event(assignment, type_, location, at, status_change=None, **others):
    insert(
        "trackers_geofenceevent",
        assignment,
        type_,
        location,
        at,
        status_change and status_change.pk,
        **others,
    )


def insert_period(assignment, status, location, since, until=None, **others):
    insert("trackers_statuschange", assignment, status, location, since, until, **others)


@contextmanager
def refused(constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        yield


class TestEvent:
    @pytest.mark.parametrize("type_", ["ENTRY", "EXIT"])
    def test_crossing_without_status_change_is_refused(self, period, type_):
        with refused("event_crossing_has_its_status_change"):
            insert_event(period.assignment, type_, period.location, NOW)

    @pytest.mark.parametrize("type_", ["DWELL", "TRANSIT"])
    def test_dwell_or_transit_that_begins_a_status_is_refused(self, period, type_):
        location = period.location if type_ == "DWELL" else None
        with refused("event_crossing_has_its_status_change"):
            insert_event(period.assignment, type_, location, NOW, period)

    def test_entry_with_the_status_change_of_the_same_moment_is_taken(self, period):
        insert_event(period.assignment, "ENTRY", period.location, NOW, period)

    def test_entry_with_the_status_change_of_another_moment_is_refused(self, period):
        with refused("event_caused_its_status_change"):
            insert_event(period.assignment, "ENTRY", period.location, NOW + HOUR, period)

    def test_entry_with_the_status_change_of_another_tracker_is_refused(self, period):
        with refused("event_caused_its_status_change"):
            insert_event(AssignmentFactory(), "ENTRY", period.location, NOW, period)

    def test_status_change_that_an_event_carries_is_neither_moved_nor_deleted(self, period):
        insert_event(period.assignment, "ENTRY", period.location, NOW, period)
        for statement in (
            "UPDATE trackers_statuschange SET started_at = started_at - interval '1 hour'",
            "DELETE FROM trackers_statuschange",
        ):
            with refused("event_caused_its_status_change"), connection.cursor() as cursor:
                cursor.execute(statement)
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def test_event_in_another_trackers_assignment_is_refused(self, period):
        with refused("event_in_assignment_of_its_tracker"):
            insert_event(period.assignment, "TRANSIT", None, NOW, tracker=TrackerFactory())

    @pytest.mark.parametrize(("type_", "located"), [("TRANSIT", True), ("DWELL", False)])
    def test_location_goes_with_the_type(self, period, type_, located):
        with refused("event_location_goes_with_type"):
            insert_event(period.assignment, type_, period.location if located else None, NOW)

    def test_second_event_of_a_type_for_one_report_is_refused_unless_retracted(self, period):
        insert_event(period.assignment, "DWELL", period.location, NOW)
        with refused("event_one_of_a_type_per_report"):
            insert_event(period.assignment, "DWELL", period.location, NOW)
        insert_event(period.assignment, "DWELL", period.location, NOW, retracted_at=NOW)
        insert_event(period.assignment, "DWELL", period.location, NOW, fingerprint=make_fingerprint(1))


class TestHistory:
    def test_second_open_row_is_refused(self, period):
        with refused(r"status_change_(one_open|no_overlap)_per_tracker"):
            insert_period(period.assignment, "IN_TRANSIT", None, NOW + HOUR)

    def test_each_of_the_two_constraints_on_open_rows_holds_alone(self, period):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(
                "ALTER TABLE trackers_statuschange DROP CONSTRAINT status_change_no_overlap_per_tracker"
            )
        with refused("status_change_one_open_per_tracker"):
            insert_period(period.assignment, "IN_TRANSIT", None, NOW + HOUR)

    @pytest.mark.parametrize(
        ("since", "until"), [(-1, 1), (1, 2), (0, 1)], ids=["into it", "within it", "from its start"]
    )
    def test_overlapping_row_is_refused(self, period, since, until):
        with refused("status_change_no_overlap_per_tracker"):
            insert_period(period.assignment, "IN_TRANSIT", None, NOW + since * HOUR, NOW + until * HOUR)

    def test_row_that_ends_where_the_next_begins_is_taken(self, period):
        insert_period(period.assignment, "IN_TRANSIT", None, NOW - HOUR, NOW)

    def test_row_without_duration_is_taken_beside_the_one_of_that_moment(self, period):
        insert_period(period.assignment, "IN_TRANSIT", None, NOW, NOW)

    def test_overlap_with_a_retracted_row_or_another_trackers_is_taken(self, period):
        insert_period(period.assignment, "IN_TRANSIT", None, NOW, retracted_at=NOW)
        insert_period(AssignmentFactory(), "IN_TRANSIT", None, NOW)

    def test_row_that_ends_before_it_begins_is_refused(self, period):
        with pytest.raises(IntegrityError, match="status_change_ends_after_start"), transaction.atomic():
            insert_period(period.assignment, "IN_TRANSIT", None, NOW, NOW - HOUR, retracted_at=NOW)

    @pytest.mark.parametrize(
        ("status", "located"),
        [("IN_TRANSIT", True), ("IN_STORAGE", False), ("DELIVERED", False), ("CREATED", False), ("X", True)],
    )
    def test_location_goes_with_the_status(self, period, status, located):
        with refused("status_change_location_goes_with_status"):
            insert_period(
                period.assignment, status, period.location if located else None, NOW - HOUR, NOW - HOUR
            )

    def test_row_in_another_trackers_assignment_is_refused(self, period):
        with refused("status_change_in_assignment_of_its_tracker"):
            insert_period(period.assignment, "IN_TRANSIT", None, NOW, tracker=TrackerFactory())


class TestAssignment:
    @pytest.mark.parametrize(
        "period",
        ["empty", "(2026-01-01,2026-02-01)", "[2026-01-01,2026-02-01]", "[,2026-02-01)", "(,)"],
    )
    def test_period_that_does_not_begin_or_is_not_half_open_is_refused(self, period):
        tracker, run = TrackerFactory(), RunFactory()
        with refused("assignment_period_begins_and_is_half_open"), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO trackers_assignment (tracker_id, run_id, period) VALUES (%s, %s, %s)",
                [tracker.pk, run.pk, period],
            )

    def test_overlapping_periods_are_refused_and_adjoining_ones_taken(self):
        first = AssignmentFactory(end=NOW)
        AssignmentFactory(tracker=first.tracker, start=NOW)
        with refused("assignment_no_overlap_per_tracker"):
            AssignmentFactory(tracker=first.tracker, start=NOW - HOUR, end=NOW)


class TestReport:
    @pytest.mark.parametrize(
        ("column", "value", "constraint"),
        [
            ("fingerprint", b"short", "report_fingerprint_16_bytes"),
            ("accuracy_m", -0.1, "report_accuracy_is_unknown_or_positive"),
            ("accuracy_m", 0, "report_accuracy_is_unknown_or_positive"),
        ],
    )
    def test_malformed_report_is_refused(self, column, value, constraint):
        values = {
            "tracker_id": TrackerFactory().pk,
            "seen_at": NOW,
            "fingerprint": make_fingerprint(0),
            "position": "SRID=4326;POINT(5 52)",
            "accuracy_m": 1.0,
            "battery": "",
            "source": "REPLAY",
            "received_at": NOW,
        } | {column: value}
        marks = ", ".join(["%s"] * len(values))
        with refused(constraint), connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO trackers_locationreport ({', '.join(values)}) VALUES ({marks})",  # noqa: S608
                list(values.values()),
            )
