"""Alerts around the retention cutoff: what it cut off still counts, and no alert is raised a second time."""

from datetime import datetime

import pytest

from tests.factories import NOW, DeliveryFactory, RunFactory, StatusChangeFactory, StorageFactory
from tests.trackers.reports import longitude_at
from tests.trackers.test_alerting import DAY, HOUR, alerts, assigned, evaluate, way
from trackers.models import Alert, Assignment, LocationReport
from trackers.services import assigning, history
from trackers.services.reports import recording

KEPT_FROM = NOW + 3 * DAY
LATER = NOW + 6 * DAY
pytestmark = pytest.mark.django_db


def record(assignment: Assignment, begin: datetime, *, hours: int = 10, **others: object) -> None:
    recording.record_reports(
        way(assignment.tracker_id, begin, hours=hours, **others), now=begin + hours * HOUR
    )


def drop_reports() -> None:
    LocationReport.objects.filter(seen_at__lt=KEPT_FROM).delete()
    history.advance_cutoff(reports_kept_from=KEPT_FROM, now=LATER)


def evaluate_all(assignment: Assignment, now: datetime = LATER) -> None:
    history.mark_changed([assignment.tracker_id], now=now)
    evaluate(now)


def test_a_silence_across_the_cutoff_keeps_its_beginning() -> None:
    assignment = assigned()
    record(assignment, NOW - 9 * HOUR)
    record(assignment, NOW + 5 * DAY, battery="LOW")
    evaluate(LATER)
    found = alerts(kind="SILENT")
    assert found == [("SILENT", NOW, NOW + 5 * DAY)]
    rows = list(Alert.objects.values())
    drop_reports()
    evaluate_all(assignment)
    assert list(Alert.objects.values()) == rows


def test_a_delayed_report_after_the_cutoff_ends_it_earlier() -> None:
    assignment = assigned()
    record(assignment, NOW - 9 * HOUR)
    record(assignment, NOW + 5 * DAY)
    evaluate(LATER)
    drop_reports()
    record(assignment, NOW + 4 * DAY, hours=1)
    evaluate(LATER)
    assert alerts(kind="SILENT") == [("SILENT", NOW, NOW + 4 * DAY)]


def test_one_that_lasts_is_not_taken_for_one_that_never_reported() -> None:
    assignment = assigned()
    record(assignment, NOW - 9 * HOUR, battery="LOW")
    evaluate(LATER)
    found = alerts()
    assert found == [("BATTERY_LOW", NOW - 9 * HOUR, None), ("SILENT", NOW, None)]
    drop_reports()
    evaluate_all(assignment, LATER + DAY)
    assert alerts() == found
    assigning.release(tracker_ids=[assignment.tracker_id], at=LATER + 2 * DAY, now=LATER + 2 * DAY)
    evaluate(LATER + 2 * DAY)
    assert alerts() == [(kind, began_at, LATER + 2 * DAY) for kind, began_at, _ in found]


@pytest.mark.parametrize("reports", [False, True])
def test_never_reported_keeps_its_beginning(reports: bool) -> None:
    assignment = assigned(NOW - 2 * DAY)
    if reports:
        record(assignment, NOW + 5 * DAY)
    evaluate_all(assignment)
    found = alerts()
    assert found == [("NEVER_REPORTED", NOW - 2 * DAY, NOW + 5 * DAY if reports else None)]
    drop_reports()
    evaluate_all(assignment)
    assert alerts() == found


def test_the_rhythm_from_before_the_cutoff_counts() -> None:
    assignment = assigned()
    record(assignment, KEPT_FROM - 20 * HOUR, hours=21)
    record(assignment, KEPT_FROM + 40 * HOUR)
    evaluate_all(assignment)
    found = alerts()
    assert found == [("SILENT", KEPT_FROM, KEPT_FROM + 40 * HOUR)]
    drop_reports()
    evaluate_all(assignment)
    assert alerts() == found


def test_alerts_of_visits_before_the_cutoff_come_once() -> None:
    run = RunFactory()
    depot = StorageFactory(runs=[run])
    shop = DeliveryFactory(runs=[run], center=f"SRID=4326;POINT({longitude_at(5000)} 52)")
    assignment = assigned(NOW - 30 * DAY, run=run)
    for status, location, begin, end in (
        ("IN_STORAGE", depot, NOW - 30 * DAY, NOW - 5 * DAY),
        ("DELIVERED", shop, NOW - 5 * DAY, NOW - 2 * DAY),
        ("IN_TRANSIT", None, NOW - 2 * DAY, NOW - DAY),
        ("DELIVERED", shop, NOW - DAY, None),
    ):
        StatusChangeFactory(
            assignment=assignment, status=status, location=location, started_at=begin, ended_at=end
        )
    evaluate_all(assignment)
    rows = list(Alert.objects.filter(kind__in=["LONG_STAY", "LEFT_DELIVERY"]).values())
    assert len(rows) == 2
    drop_reports()
    evaluate_all(assignment)
    evaluate_all(assignment)
    assert list(Alert.objects.filter(kind__in=["LONG_STAY", "LEFT_DELIVERY"]).values()) == rows
