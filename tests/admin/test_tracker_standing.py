"""The tracker's page says when a tracker is silent, why a report counts for nothing, and what is its place."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.shown import facts, marks
from tests.admin.worlds import UTRECHT, World
from tests.factories import AlertFactory, AssignmentFactory, ReportFactory, RunFactory, TrackerFactory
from trackers.models import Assignment, Tracker

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIST = "admin:trackers_tracker_changelist"


def page(ops: Client, tracker: Tracker, **query: str) -> Any:
    return ops.get(reverse("admin:trackers_tracker_change", args=[tracker.pk]), query)


@pytest.mark.parametrize(
    ("kind", "change", "says", "is_marked"),
    [
        ("SILENT", {}, ", silent", True),
        ("SILENT", {"ended_at": timezone.now()}, "", False),
        ("SILENT", {"retracted_at": timezone.now()}, "", False),
        ("NEVER_REPORTED", {}, "", True),
        ("BATTERY_LOW", {}, "", False),
        (None, {}, "", False),
    ],
)
def test_tracker_is_silent_while_its_alert_says_so(
    ops: Client, kind: str | None, change: dict[str, Any], says: str, is_marked: bool
) -> None:
    """However long ago it was seen: what is usual for one is silence for another."""
    seen_at = timezone.now() - 3 * DAY
    assignment = AssignmentFactory(
        tracker=TrackerFactory(state="ACTIVE", last_seen_at=seen_at), start=seen_at - DAY
    )
    other = AssignmentFactory(start=seen_at - DAY)
    if kind:
        AlertFactory(assignment=assignment, kind=kind, began_at=seen_at, **change)
        AlertFactory(assignment=other, kind=kind, began_at=seen_at)
    html = page(ops, assignment.tracker).content
    assert facts(html)["Seen"] == f"3 d ago{says}"
    assert ("gl-bad" in marks(html)["Seen"]) is is_marked


def counts(answer: Any) -> list[bool]:
    return [not it["properties"]["not_counted"] for it in answer.context["track"]["reports"]["features"]]


@pytest.mark.parametrize(
    ("days", "verdict", "reason"),
    [
        (5, "", ""),
        (5, "INACCURATE", "less accurate than 250 m"),
        (5, "SUPERSEDED", "a more accurate report is of the same moment"),
        (5, "OUTLIER", "outlier: over 1,000 km/h to get there"),
        (5, "HELD", "unconfirmed: over 1,000 km/h to get there"),
        (4, "", ""),
        (6, "", ""),
        (3, "", "outside the run's dates"),
        (7, "OUTLIER", "outside the run's dates"),
        (9, "", "in no run then"),
    ],
)
def test_report_that_counts_for_nothing_says_why(ops: Client, days: int, verdict: str, reason: str) -> None:
    """The assignment began 8 days ago; the run is of 6, 5 and 4 days ago."""
    now = timezone.now()
    run = RunFactory(start_date=(now - 6 * DAY).date(), end_date=(now - 4 * DAY).date())
    tracker = AssignmentFactory(run=run, start=now - 8 * DAY).tracker
    ReportFactory(tracker=tracker, seen_at=now - days * DAY, verdict=verdict)
    answer = page(ops, tracker, days="30")
    assert [why for _, why in answer.context["reports"]] == [reason]
    assert counts(answer) == [not reason]
    assert ("outside the run&#x27;s dates" in answer.content.decode()) is ("dates" in reason)


def test_report_goes_by_the_assignment_of_its_time(ops: Client) -> None:
    now = timezone.now()
    tracker = TrackerFactory(state=Tracker.State.ACTIVE)
    strict, lenient = RunFactory(max_accuracy_m=50), RunFactory(max_accuracy_m=300)
    AssignmentFactory(tracker=tracker, run=strict, start=now - 5 * DAY, end=now - 2 * DAY)
    AssignmentFactory(tracker=tracker, run=lenient, start=now - 2 * DAY)
    for age in (1, 3):
        verdict = "INACCURATE" if age == 3 else ""
        ReportFactory(tracker=tracker, seen_at=now - age * DAY, accuracy_m=100.0, verdict=verdict)
    answer = page(ops, tracker)
    assert [why for _, why in answer.context["reports"]] == ["", "less accurate than 50 m"]


@pytest.mark.parametrize(("begins", "ends", "in_force"), [(-DAY, None, True), (-DAY, -HOUR, False)])
def test_run_that_is_over_for_the_tracker_is_shown_as_not_now(
    ops: Client, begins: timedelta, ends: timedelta | None, in_force: bool
) -> None:
    now = timezone.now()
    assignment = AssignmentFactory(start=now + begins, end=ends and now + ends)
    text = facts(page(ops, assignment.tracker).content)["Run"]
    assert text.startswith(str(assignment.run))
    assert text.endswith("(not now)") is not in_force


def test_tracker_that_never_was_in_a_run_has_none(ops: Client) -> None:
    assert facts(page(ops, TrackerFactory()).content)["Run"] == "none yet"


@pytest.mark.parametrize(
    ("query", "days"), [({}, 7), ({"days": "1"}, 1), ({"days": "30"}, 30), ({"days": "8"}, 7)]
)
def test_window_is_a_week_unless_another_is_chosen(
    ops: Client, world: World, query: dict[str, str], days: int
) -> None:
    tracker = world.trackers[0]
    Assignment.objects.filter(tracker=tracker).update(period=("2020-01-01T00:00Z", None))
    for age in (0.9, 1.1, 6.9, 7.1, 29.9, 30.1):
        ReportFactory(tracker=tracker, seen_at=timezone.now() - age * DAY, position=UTRECHT)
    answer = page(ops, tracker, **query)
    assert answer.context["days"] == days
    oldest = min(it["properties"]["seen_at"] for it in answer.context["track"]["reports"]["features"])
    assert timedelta(0) < timezone.now() - timezone.datetime.fromisoformat(oldest) < days * DAY
    assert f"Status over the last {days} day{'s' if days > 1 else ''}" in answer.content.decode()


def test_report_on_the_map_has_the_status_of_its_time(ops: Client, world: World) -> None:
    """A report from before the first status period has none."""
    tracker = world.trackers[0]
    first = tracker.status_changes.order_by("started_at").first()
    ReportFactory(tracker=tracker, seen_at=first.started_at - timedelta(seconds=1), position=Point(5.0, 52.0))
    shown = page(ops, tracker).context["track"]["reports"]["features"]
    statuses = [(it["properties"]["status"], it["properties"]["location"]) for it in shown]
    before = sum(it["properties"]["seen_at"] < first.started_at.isoformat() for it in shown)
    assert set(statuses[:before]) == {("CREATED", None)}
    assert statuses[before] == ("IN_STORAGE", "Utrecht depot")
    assert ("IN_TRANSIT", None) in statuses
    assert statuses[-1] == ("DELIVERED", "Berlin store")


AGES = {
    "an hour": HOUR - MINUTE,
    "more than an hour": HOUR + MINUTE,
    "six hours": 6 * HOUR - MINUTE,
    "more than six hours": 6 * HOUR + MINUTE,
    "a day": DAY - MINUTE,
    "more than a day": DAY + MINUTE,
    "a week": 7 * DAY - MINUTE,
    "more than a week": 7 * DAY + MINUTE,
}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("1h", {"an hour"}),
        ("6h", {"an hour", "more than an hour", "six hours"}),
        ("24h", {"an hour", "more than an hour", "six hours", "more than six hours", "a day"}),
        ("silent1d", {"more than a day", "a week", "more than a week"}),
        ("silent7d", {"more than a week"}),
        ("never", {"never"}),
        ("", {*AGES, "never"}),
    ],
)
def test_trackers_are_filtered_by_when_they_were_last_seen(
    ops: Client, chosen: str, expected: set[str]
) -> None:
    for name, age in AGES.items():
        TrackerFactory(serial=name, last_seen_at=timezone.now() - age)
    TrackerFactory(serial="never")
    answer = ops.get(reverse(LIST), {"seen": chosen} if chosen else {})
    assert {tracker.serial for tracker in answer.context["cl"].result_list} == expected
