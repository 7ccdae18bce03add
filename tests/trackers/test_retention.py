"""Retention: months are announced, rolled up, and gone with their DWELL and TRANSIT events, and nothing else is."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from tests.factories import AssignmentFactory, EventFactory, RunFactory, StorageFactory
from tests.trackers.reports import LATITUDE, incoming, longitude_at
from trackers.models import (
    AcceptedBeforeCutoff,
    DailyPosition,
    GeofenceEvent,
    HourlyPosition,
    LocationReport,
    RejectedReport,
    RetiredMonth,
    Retraction,
    StatusChange,
)
from trackers.services import assigning, history, partitioning
from trackers.services.reports import retention
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

OLD = datetime(2025, 1, 10, tzinfo=UTC)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=15)
FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)


@pytest.fixture
def tracker(settings):
    """Two days at a depot in January 2025 with a drive between, and a day in March 2026."""
    settings.REPORT_RETENTION_DAYS, settings.RETENTION_NOTICE_DAYS = 400, 14
    run = RunFactory(start_date=OLD.date())
    StorageFactory(center=f"POINT({longitude_at(0)} {LATITUDE})", runs=[run])
    tracker = AssignmentFactory(run=run, start=OLD - timedelta(days=1)).tracker
    moments = [OLD + timedelta(hours=n) for n in range(48)] + [NOW - timedelta(hours=n) for n in range(24)]
    record_reports(
        [incoming(tracker.pk, at, east_m=9_000 if 20 <= n < 30 else 0) for n, at in enumerate(moments)],
        now=NOW,
    )
    settle()
    partitioning.REPORTS.ensure(now=NOW)
    return tracker


def settle():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def drop(now=LATER):
    settle()
    return retention.drop_due_months(clock=lambda: now, time_budget_s=60)


def names():
    return [partition.name for partition in partitioning.REPORTS.existing()]


def test_month_is_announced_once_and_nothing_goes_before_the_notice_is_over(tracker):
    (month,) = retention.announce_months(now=NOW)
    assert (str(month), month.drop_after) == ("January 2025", NOW + timedelta(days=14))
    assert month.size_bytes > 0
    assert retention.announce_months(now=NOW) == []
    assert drop(NOW + timedelta(days=13, hours=23)) == []
    assert LocationReport.objects.count() == 72


def test_month_that_ended_too_lately_is_not_announced(tracker):
    assert retention.announce_months(now=FEBRUARY + timedelta(days=399, hours=23)) == []
    assert len(retention.announce_months(now=FEBRUARY + timedelta(days=400))) == 1


def test_zero_days_keep_everything_even_what_was_announced(tracker, settings):
    retention.announce_months(now=NOW)
    settings.REPORT_RETENTION_DAYS = 0
    assert retention.announce_months(now=LATER) == []
    assert drop() == []


def test_reports_and_their_dwells_and_transits_go_and_the_rest_stays(tracker):
    periods = list(StatusChange.objects.order_by("pk").values())
    rollups = list(HourlyPosition.objects.order_by("bucket_at").values())
    retracted = EventFactory(
        assignment=tracker.latest_assignment,
        occurred_at=OLD + timedelta(hours=5, minutes=1),
        retracted_at=NOW,
    )
    retention.announce_months(now=NOW)
    (month,) = drop()
    assert LocationReport.objects.count() == 24
    assert f"{partitioning.REPORTS.table}_2025_01" not in names()
    old = GeofenceEvent.objects.filter(occurred_at__lt=FEBRUARY).order_by("occurred_at")
    assert [event.type for event in old] == ["ENTRY", "EXIT", "ENTRY"]
    assert not GeofenceEvent.objects.filter(pk=retracted.pk).exists()
    assert GeofenceEvent.objects.filter(occurred_at__gte=FEBRUARY).count() == 24
    assert list(StatusChange.objects.order_by("pk").values()) == periods
    assert list(HourlyPosition.objects.order_by("bucket_at").values()) == rollups
    assert (month.events_deleted, month.dropped_at) == (46, LATER)
    assert history.frozen_before() == FEBRUARY


def test_what_was_not_rolled_up_is_rolled_up_first(tracker):
    rows = list(DailyPosition.objects.order_by("bucket_at").values())
    hours = list(HourlyPosition.objects.order_by("bucket_at").values())
    HourlyPosition.objects.filter(bucket_at__lt=FEBRUARY).delete()
    DailyPosition.objects.filter(bucket_at__lt=FEBRUARY).delete()
    retention.announce_months(now=NOW)
    assert len(drop()) == 1
    assert list(DailyPosition.objects.order_by("bucket_at").values()) == rows
    assert list(HourlyPosition.objects.order_by("bucket_at").values()) == hours


def test_held_month_stays_and_keeps_those_after_it(tracker, settings):
    settings.REPORT_RETENTION_DAYS = 30
    record_reports([incoming(tracker.pk, FEBRUARY + timedelta(days=1))], now=NOW)
    settle()
    partitioning.REPORTS.ensure(now=NOW)
    first, second = retention.announce_months(now=NOW)
    retention.hold_months(months=[first])
    assert drop() == []
    retention.release_months(months=[first])
    assert drop() == [first, second]


def test_dropped_month_cannot_be_held(tracker):
    retention.announce_months(now=NOW)
    gone = drop()
    with pytest.raises(retention.NotToBeHeldError):
        retention.hold_months(months=gone)


def test_drop_that_ran_out_of_time_goes_on_where_it_was(tracker):
    retention.announce_months(now=NOW)
    settle()
    assert retention.drop_due_months(clock=lambda: LATER, time_budget_s=-1) == []
    assert LocationReport.objects.count() == 72
    assert len(drop()) == 1


def test_report_from_before_the_cutoff_is_rejected_and_changes_nothing(tracker):
    retention.announce_months(now=NOW)
    drop()
    rollups = list(DailyPosition.objects.order_by("bucket_at").values())
    late = [
        incoming(tracker.pk, OLD + timedelta(minutes=7)),
        incoming(10**9, OLD),
        incoming(tracker.pk, LATER),
    ]
    outcome = record_reports(late, now=LATER)
    assert (outcome.stored, outcome.rejected) == (1, 2)
    details = set(RejectedReport.objects.values_list("detail", flat=True))
    assert details == {"Seen before 2025-02-01, the retention cutoff (REPORT_RETENTION_DAYS)."}
    assert list(DailyPosition.objects.filter(bucket_at__lt=LATER - timedelta(days=1)).values()) == rollups


def told(*options):
    out, err = StringIO(), StringIO()
    call_command("partitions", *options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_command_shows_partitions_and_what_becomes_of_them(tracker):
    month = retention.announce_months(now=NOW)[0]
    found = json.loads(told("--json")[0])
    fates = {
        row["name"].removeprefix(f"{partitioning.REPORTS.table}_"): row["state"]
        for row in found["partitions"]
    }
    assert (fates["2025_01"], fates["2026_03"], fates["default"]) == ("ANNOUNCED", None, None)
    assert all(row["size_bytes"] > 0 for row in found["partitions"])
    assert f"will be dropped after {month.drop_after:%Y-%m-%d}" in told()[0]


def test_command_drops_only_when_asked_and_says_first_what(tracker):
    retention.announce_months(now=NOW)
    settle()
    assert told("--drop", "--dry-run")[0] == "Would be dropped now: January 2025.\n"
    assert RetiredMonth.objects.get(starts_at=OLD.replace(day=1)).state == "ANNOUNCED"
    assert "Dropped: January 2025" in told("--drop")[1]
    assert LocationReport.objects.count() == 24


def test_what_was_impossible_just_after_the_cutoff_stays_so_when_the_reports_before_it_are_gone(tracker):
    """The last report of January is at the depot; the first of February is far away, and the next at the depot."""
    january = FEBRUARY - timedelta(hours=1)
    far = incoming(tracker.pk, FEBRUARY + timedelta(minutes=30), number=7, latitude=20.0)
    back = incoming(tracker.pk, FEBRUARY + timedelta(hours=1), number=8)
    record_reports([incoming(tracker.pk, january, number=9), far, back], now=NOW)
    retention.announce_months(now=NOW)
    (month,) = drop()
    assert str(month) == "January 2025"
    assert not LocationReport.objects.filter(seen_at__lt=FEBRUARY).exists()
    kept = AcceptedBeforeCutoff.objects.get()
    assert (kept.assignment.tracker, kept.seen_at, kept.position.y) == (tracker, january, LATITUDE)

    def verdict():
        return LocationReport.objects.get(seen_at=far.seen_at).verdict

    cause = history.Cause(Retraction.CHECK)
    assert history.recompute_trackers(tracker_ids=[tracker.pk], cause=cause, now=LATER).tracker_ids == set()
    assert verdict() == "OUTLIER"
    late = incoming(tracker.pk, FEBRUARY + timedelta(minutes=45), number=6, latitude=20.0)
    record_reports([late], now=LATER)
    assert verdict() == ""
    assert history.recompute_trackers(tracker_ids=[tracker.pk], cause=cause, now=LATER).tracker_ids == set()


def test_nothing_is_kept_of_assignments_that_end_before_the_cutoff(tracker):
    assigning.release(tracker_ids=[tracker.pk], at=OLD + timedelta(days=3), now=NOW)
    retention.announce_months(now=NOW)
    assert drop()
    assert not AcceptedBeforeCutoff.objects.exists()
