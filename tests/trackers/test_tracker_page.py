"""The tables, the strip and the map of a tracker's page: what they hold, in which order, and what is left out."""

from datetime import datetime, timedelta

import pytest
from django.contrib.gis.geos import Point, Polygon

from tests.factories import (
    NOW,
    AssignmentFactory,
    DailyPositionFactory,
    DeliveryFactory,
    EventFactory,
    MembershipFactory,
    ReportFactory,
    StaffFactory,
    StatusChangeFactory,
    StorageFactory,
    TrackerFactory,
)
from trackers.models import Assignment, GeofenceEvent, StatusChange
from trackers.pages import lifecycle, queries, tracker
from trackers.pages.lifecycle import STAGES
from trackers.pages.tracker import TrackerPage

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def assignment() -> Assignment:
    return AssignmentFactory(start=NOW - 90 * DAY)


def page(assignment: Assignment, *, days: str = "7", reports_after: str = "") -> TrackerPage:
    return tracker.show(
        assignment.tracker, user=StaffFactory(), days=days, reports_after=reports_after, now=NOW
    )


def status(assignment: Assignment, age: timedelta, until: timedelta | None, **fields: object) -> StatusChange:
    ended_at = None if until is None else NOW - until
    return StatusChangeFactory(assignment=assignment, started_at=NOW - age, ended_at=ended_at, **fields)


def test_history_is_newest_first_and_keeps_what_was_retracted(assignment: Assignment) -> None:
    old = status(assignment, 9 * DAY, 5 * DAY)
    wrong = status(assignment, 5 * DAY, 3 * DAY, retracted_at=NOW)
    current = status(assignment, 3 * DAY, None)
    assert page(assignment).history == [current, wrong, old]


def test_strip_shows_what_is_valid_and_reaches_into_its_time(assignment: Assignment) -> None:
    depot = StorageFactory(name="Depot")
    status(assignment, 20 * DAY, 8 * DAY)
    status(assignment, 8 * DAY, 2 * DAY, status="IN_STORAGE", location=depot)
    status(assignment, 3 * DAY, 2 * DAY, retracted_at=NOW)
    status(assignment, 2 * DAY, None)
    segments = page(assignment).strip.segments
    assert [segment.label for segment in segments] == ["In storage: Depot", "In transit"]
    assert (segments[0].started_at, segments[0].ended_at) == (NOW - 7 * DAY, NOW - 2 * DAY)


def test_page_shows_nothing_of_another_tracker(assignment: Assignment) -> None:
    """Also not of one of the same run."""
    other = AssignmentFactory(run=assignment.run, start=NOW - 90 * DAY)
    status(other, 5 * DAY, None, status="IN_STORAGE", location=StorageFactory())
    EventFactory(assignment=other, occurred_at=NOW - DAY)
    ReportFactory(tracker=other.tracker, seen_at=NOW - DAY)
    shown = page(assignment)
    assert (shown.history, shown.events, shown.reports, shown.rollups) == ([], [], [], [])
    assert (shown.strip.segments, shown.track["reports"]["features"]) == ([], [])
    assert shown.assignments == [assignment]


def test_member_sees_of_a_tracker_what_was_under_its_own_client() -> None:
    made = TrackerFactory(state="ACTIVE")
    before = AssignmentFactory(tracker=made, start=NOW - 6 * DAY, end=NOW - 3 * DAY)
    after = AssignmentFactory(tracker=made, start=NOW - 3 * DAY)
    for each, age in ((before, 5), (after, 2)):
        status(each, age * DAY, None if each is after else 3 * DAY)
        EventFactory(assignment=each, occurred_at=NOW - age * DAY)
        ReportFactory(tracker=made, seen_at=NOW - age * DAY)
        DailyPositionFactory(tracker=made, bucket_at=NOW.replace(hour=0) - (age - 1) * DAY)
    for mine, age in ((before, 5), (after, 2)):
        member = MembershipFactory(client=mine.run.brand.client).user
        shown = tracker.show(made, user=member, days="7", reports_after="", now=NOW)
        assert shown.assignments == [mine]
        assert [row.assignment for row in shown.history] == [mine]
        assert [row.assignment for row in shown.events] == [mine]
        assert [row.report.seen_at for row in shown.reports] == [NOW - age * DAY]
        assert [row.bucket_at for row in shown.rollups] == [NOW.replace(hour=0) - (age - 1) * DAY]
        assert len(shown.strip.segments) == 1
        assert len(shown.track["reports"]["features"]) == 1
    assert len(page(after).history) == 2


def test_events_are_newest_first_with_the_retracted_ones_of_the_history(assignment: Assignment) -> None:
    depot = StorageFactory()
    wrong = status(assignment, 5 * DAY, 4 * DAY, status="IN_STORAGE", location=depot, retracted_at=NOW)
    entry = EventFactory(
        assignment=assignment,
        type=GeofenceEvent.Type.ENTRY,
        location=depot,
        status_change=wrong,
        occurred_at=wrong.started_at,
        retracted_at=NOW,
    )
    before, after = (EventFactory(assignment=assignment, occurred_at=NOW - age * DAY) for age in (6, 4))
    dwell = EventFactory(assignment=assignment, occurred_at=NOW - 3 * DAY, retracted_at=NOW)
    assert page(assignment).events == [after, entry, before]
    assert dwell not in page(assignment).events


def test_days_are_those_of_the_chosen_time_newest_first(assignment: Assignment) -> None:
    midnight = NOW.replace(hour=0)
    for age in (1, 6, 8):
        DailyPositionFactory(tracker=assignment.tracker, bucket_at=midnight - age * DAY)
    DailyPositionFactory(tracker=TrackerFactory(), bucket_at=midnight)
    assert [day.bucket_at for day in page(assignment).rollups] == [midnight - DAY, midnight - 6 * DAY]
    assert len(page(assignment, days="30").rollups) == 3


def test_reports_come_newest_first_in_pages_that_meet(assignment: Assignment) -> None:
    """Also where several were seen in the same second."""
    made = [
        ReportFactory(tracker=assignment.tracker, seen_at=NOW - (number // 4) * HOUR) for number in range(60)
    ]
    seen: list[tuple[datetime, bytes]] = []
    lengths, after = [], ""
    while True:
        shown = page(assignment, reports_after=after)
        assert shown.reports_paged is bool(after)
        seen += [(row.report.seen_at, bytes(row.report.fingerprint)) for row in shown.reports]
        lengths.append(len(shown.reports))
        after = shown.reports_following
        if not after:
            break
    assert lengths == [25, 25, 10]
    assert seen == sorted(((it.seen_at, bytes(it.fingerprint)) for it in made), reverse=True)


def test_page_that_is_full_to_the_last_has_none_after_it(assignment: Assignment) -> None:
    for number in range(25):
        ReportFactory(tracker=assignment.tracker, seen_at=NOW - number * HOUR)
    assert page(assignment).reports_following == ""
    ReportFactory(tracker=assignment.tracker, seen_at=NOW - 30 * HOUR)
    assert page(assignment).reports_following != ""


def test_map_has_the_fences_of_the_run_and_of_where_it_was_as_they_are(assignment: Assignment) -> None:
    """A circle as a point with its radius, an area as it is; what belongs to others is not there."""
    assignment.tracker.last_position = Point(13.4, 52.5)
    elsewhere = StorageFactory(name="Left", radius_m=70)
    StorageFactory(name="Depot", radius_m=250, runs=[assignment.run])
    area = Polygon.from_bbox((13.3, 52.5, 13.5, 52.6))
    DeliveryFactory(name="Shop", center=Point(13.4, 52.55), area=area, runs=[assignment.run])
    StorageFactory(name="Others")
    status(assignment, 5 * DAY, None, status="IN_STORAGE", location=elsewhere)
    fences = {it["properties"]["name"]: it for it in page(assignment).track["fences"]["features"]}
    assert fences.keys() == {"Left", "Depot", "Shop"}
    assert (fences["Depot"]["geometry"]["type"], fences["Depot"]["properties"]["radius_m"]) == ("Point", 250)
    assert fences["Shop"]["geometry"]["type"] == "Polygon"
    assert "radius_m" not in fences["Shop"]["properties"]
    assert fences["Shop"]["properties"]["kind"] == "DELIVERY"


def test_map_has_as_many_fences_as_it_can_show_the_nearest_first(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "FENCES_ON_MAP", 3)
    visited = StorageFactory(name="Visited", center=Point(0, 0))
    for degrees in (9, 1, 5, 3):
        StorageFactory(name=f"At {degrees}", center=Point(13 + degrees, 52), runs=[assignment.run])
    status(assignment, 5 * DAY, None, status="IN_STORAGE", location=visited)
    assignment.tracker.last_position = Point(13, 52)
    fences = page(assignment).track["fences"]["features"]
    assert [it["properties"]["name"] for it in fences] == ["Visited", "At 1", "At 3"]


def test_lifecycle_tells_what_the_manufacturer_told_and_nothing_more() -> None:
    def told(**fields: str) -> list[str]:
        steps = lifecycle.steps_of(TrackerFactory(manufactured_at=NOW - 300 * DAY, **fields), STAGES)
        return [step.milestone.detail for step in steps if step.name == "Manufactured" and step.milestone]

    assert told(hardware_revision="C", firmware="2.4.1") == ["Hardware C, firmware 2.4.1"]
    assert told(firmware="2.4.1") == ["Firmware 2.4.1"]
    assert told() == [""]


def test_lifecycle_tells_the_first_arrival_of_each_assignment_and_only_its_own(
    assignment: Assignment,
) -> None:
    depot, shop = StorageFactory(name="Depot"), DeliveryFactory(name="Shop")
    status(assignment, 9 * DAY, 8 * DAY, status="IN_STORAGE", location=depot, retracted_at=NOW)
    first = status(assignment, 8 * DAY, 7 * DAY, status="IN_STORAGE", location=depot)
    status(assignment, 6 * DAY, 5 * DAY, status="IN_STORAGE", location=depot)
    status(assignment, 5 * DAY, None, status="DELIVERED", location=shop)
    status(AssignmentFactory(), 20 * DAY, None, status="IN_STORAGE", location=StorageFactory(name="Theirs"))
    arrivals = [
        (step.name, step.milestone.at, step.milestone.detail)
        for step in lifecycle.steps_of(assignment.tracker, STAGES)
        if step.milestone and step.name in ("Arrived in storage", "Delivered")
    ]
    assert arrivals == [
        ("Arrived in storage", first.started_at, "Depot"),
        ("Delivered", NOW - 5 * DAY, "Shop"),
    ]
