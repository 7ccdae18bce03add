"""Reads across trackers and their reports: searches, who was not seen, tracks, and what is stored."""

import json
from datetime import timedelta

import pytest

from tests.factories import NOW, AssignmentFactory, ReportFactory, RunFactory, TrackerFactory
from trackers import selectors
from trackers.incoming import ReportIdentity
from trackers.models import Assignment, LocationReport, Tracker

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MAC = "E2:7B:7C:0B:3A:2F"


def searched(text):
    return set(selectors.search_trackers(Tracker.objects.all(), text).values_list("serial", flat=True))


def found(text):
    return set(selectors.find_trackers(Tracker.objects.all(), text).values_list("serial", flat=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E27B7C0B3A2F", {"By mac", "E27B7C0B3A2F"}),
        ("e27b7c0b3a2f", {"By mac"}),
        ("7c:0b", {"By mac"}),
        ("Gl-08", {"GL-0815"}),
        ("0815", {"GL-0815"}),
        ("xyz", set()),
    ],
)
def test_a_search_takes_whole_macs_and_parts_of_macs_and_serials(text, expected):
    """A serial may be written like a MAC."""
    TrackerFactory(mac=MAC, serial="By mac")
    TrackerFactory(mac="00:00:00:00:00:01", serial="E27B7C0B3A2F")
    TrackerFactory(mac="00:00:00:00:00:02", serial="GL-0815")
    assert searched(text) == expected


def test_of_several_words_those_that_name_a_tracker_are_found():
    TrackerFactory(mac=MAC, serial="By mac")
    TrackerFactory(serial="GL7")
    assert found(f"{MAC} {MAC.lower()}") == {"By mac"}
    assert found(f"{MAC} shoes gl7") == {"By mac", "GL7"}
    assert found("shoes and socks") == set()


def test_a_beginning_of_many_finds_the_first_of_them(monkeypatch):
    monkeypatch.setattr(selectors, "FOUND_AT_MOST", 3)
    for number in range(5):
        TrackerFactory(serial=f"GL{number}")
    assert len(found("GL")) == 3
    assert found("gl4") == {"GL4"}


def test_who_was_not_seen_since_a_moment_was_seen_then_or_before_or_never():
    never = TrackerFactory(last_seen_at=None)
    at, before, _after = (TrackerFactory(last_seen_at=NOW + shift * HOUR) for shift in (0, -1, 1))
    assert set(selectors.not_seen_since(Tracker.objects.all(), NOW)) == {never, at, before}


def test_reports_of_assignments_are_those_of_their_time():
    assignment = AssignmentFactory(start=NOW, end=NOW + 2 * HOUR)
    AssignmentFactory(tracker=assignment.tracker, start=NOW + 2 * HOUR)
    reports = [ReportFactory(tracker=assignment.tracker, seen_at=NOW + hours * HOUR) for hours in range(4)]
    mine = Assignment.objects.filter(pk=assignment.pk)
    assert set(selectors.reports_under(LocationReport.objects.all(), mine)) == set(reports[:2])


@pytest.mark.parametrize(
    ("verdict", "hours", "counted", "usable"),
    [
        ("", 0, "yes", True),
        ("INACCURATE", 0, "inaccurate", False),
        ("SUPERSEDED", 1, "superseded", True),
        ("OUTLIER", 2, "outlier", True),
        ("HELD", 2, "held", True),
        ("", -1, None, False),
        ("HELD", 3, None, False),
    ],
)
def test_a_report_tells_what_became_of_it_in_the_run_of_its_time(verdict, hours, counted, usable):
    first = AssignmentFactory(run=RunFactory(max_accuracy_m=100), start=NOW, end=NOW + 2 * HOUR)
    AssignmentFactory(
        tracker=first.tracker,
        run=RunFactory(max_accuracy_m=200),
        start=NOW + 2 * HOUR,
        end=NOW + 3 * HOUR,
    )
    ReportFactory(tracker=first.tracker, seen_at=NOW + hours * HOUR, verdict=verdict)
    report = selectors.reports_for_api(LocationReport.objects.all()).get()
    assert (report.counted, report.usable) == (counted, usable)


@pytest.mark.parametrize(
    ("days", "counted"), [(-2, None), (-1, "yes"), (0, "yes"), (1, "yes"), (1.49, "yes"), (1.5, None)]
)
def test_a_report_outside_the_dates_of_its_run_is_in_none(days, counted):
    """NOW is noon."""
    run = RunFactory(start_date=(NOW - DAY).date(), end_date=(NOW + DAY).date())
    assignment = AssignmentFactory(run=run, start=NOW - 9 * DAY)
    ReportFactory(tracker=assignment.tracker, seen_at=NOW + days * DAY)
    assert selectors.reports_for_api(LocationReport.objects.all()).get().counted == counted


def track(monkeypatch, most):
    monkeypatch.setattr(selectors, "MAX_TRACK_POINTS", most)
    reports = selectors.reports_for_api(LocationReport.objects.all())
    return json.loads(selectors.track_features(MAC, reports))


@pytest.mark.parametrize(("most", "is_cut"), [(2, True), (3, False), (4, False)])
def test_a_track_holds_the_newest_reports_oldest_first(monkeypatch, most, is_cut):
    assignment = AssignmentFactory(start=NOW)
    moments = [NOW + hours * HOUR for hours in range(3)]
    for moment in moments:
        ReportFactory(tracker=assignment.tracker, seen_at=moment)
    answer = track(monkeypatch, most)
    line, *points = answer["features"]
    shown = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in moments[-most:]]
    assert [point["properties"]["seen_at"] for point in points] == shown
    assert (line["properties"]["first_seen_at"], line["properties"]["last_seen_at"]) == (shown[0], shown[-1])
    assert answer.get("truncated", False) is is_cut


def test_the_line_of_a_track_goes_through_reports_that_count_and_needs_two(monkeypatch):
    assignment = AssignmentFactory(start=NOW)
    for hours, verdict in ((0, ""), (1, "OUTLIER"), (2, "")):
        ReportFactory(tracker=assignment.tracker, seen_at=NOW + hours * HOUR, verdict=verdict)
    line, *points = track(monkeypatch, 9)["features"]
    assert len(line["geometry"]["coordinates"]) == 2
    assert [point["properties"]["counted"] for point in points] == ["yes", "outlier", "yes"]
    LocationReport.objects.filter(seen_at=NOW).delete()
    kinds = [feature["geometry"]["type"] for feature in track(monkeypatch, 9)["features"]]
    assert kinds == ["Point", "Point"]


def test_what_is_stored_is_told_by_the_whole_identity():
    report = ReportFactory()
    identity = ReportIdentity(report.tracker_id, report.seen_at, bytes(report.fingerprint))
    others = [
        identity._replace(tracker_id=identity.tracker_id + 1),
        identity._replace(seen_at=identity.seen_at + HOUR),
        identity._replace(fingerprint=bytes(16)),
    ]
    assert selectors.stored_among([*others, identity]) == {identity}
    assert selectors.stored_among([]) == set()
