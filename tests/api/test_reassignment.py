"""A tracker moves from Alpha to Beta: each keeps its own time with it, and sees nothing of the other's."""

from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from tests import factories
from tests.personas import make_period, make_report
from trackers.models import GeoStatus, Tracker

MAC = "C3:C3:C3:00:00:03"
SERIES = ("reports", "events", "history")


@pytest.fixture
def handover(world):
    """The moment at which Alpha's assignment ended and Beta's began."""
    return world.now - timedelta(days=10)


@pytest.fixture(autouse=True)
def moved_tracker(world, handover):
    """Alpha has two status periods and three reports, Beta has one and two; the first is at the handover itself."""
    tracker = factories.TrackerFactory(mac=MAC, serial="moved-1", state=Tracker.State.ACTIVE)
    first = factories.AssignmentFactory(
        tracker=tracker, run=world.alpha.run, start=handover - timedelta(days=20), end=handover
    )
    make_period(
        first,
        world.alpha.location,
        since=handover - timedelta(days=9),
        until=handover - timedelta(days=8),
    )
    make_period(first, world.alpha.location, since=handover - timedelta(days=5), until=handover)
    make_report(first, handover - timedelta(microseconds=1), position=Point(5.0, 11.0))
    second = factories.AssignmentFactory(tracker=tracker, run=world.beta.run, start=handover)
    make_period(second, world.beta.location, since=handover)
    make_report(second, handover + timedelta(hours=1), position=Point(5.0, 22.0))
    tracker.status, tracker.location = GeoStatus.IN_STORAGE, world.beta.location
    tracker.last_seen_at = handover + timedelta(hours=1)
    tracker.last_position = Point(5.0, 22.0)
    tracker.save()
    return tracker


def results(client, path: str):
    response = client.get(f"/api/v1/{path}")
    assert response.status_code == 200, response.content
    return response.json()["results"]


def count_in(client, handover, series: str) -> int:
    since = (handover - timedelta(days=30)).isoformat().replace("+00:00", "Z")
    return len(results(client, f"{series}/?tracker={MAC}&since={since}"))


@pytest.mark.parametrize(
    ("series", "first", "second"), [("reports", 3, 2), ("events", 2, 1), ("history", 2, 1)]
)
def test_each_client_gets_its_own_time_series(as_persona, handover, series, first, second):
    assert count_in(as_persona("viewer"), handover, series) == first
    assert count_in(as_persona("other_client"), handover, series) == second
    assert count_in(as_persona("staff"), handover, series) == first + second


@pytest.mark.parametrize("series", SERIES)
def test_time_series_of_one_client_never_name_the_other(as_persona, series):
    first = as_persona("viewer").get(f"/api/v1/{series}/?tracker={MAC}").content.decode()
    second = as_persona("other_client").get(f"/api/v1/{series}/?tracker={MAC}").content.decode()
    assert "Beta" not in first
    assert "22.0" not in first
    assert "Alpha" not in second
    assert "11.0" not in second


@pytest.mark.parametrize("series", SERIES)
def test_time_series_without_a_tracker_keep_to_the_assignment(world, as_persona, handover, series):
    window = f"since={(handover - timedelta(days=5)):%Y-%m-%dT%H:%M:%SZ}&until={handover:%Y-%m-%dT%H:%M:%SZ}"
    assert len(results(as_persona("viewer"), f"{series}/?{window}")) > 0
    assert results(as_persona("other_client"), f"{series}/?{window}") == []
    named = f"{series}/?{window}&client={world.alpha.client.pk}"
    assert len(results(as_persona("staff"), named)) == len(
        results(as_persona("viewer"), f"{series}/?{window}")
    )
    assert results(as_persona("other_client"), named) == []


@pytest.mark.parametrize("series", SERIES)
def test_run_and_location_of_another_client_match_nothing(world, as_persona, series):
    viewer = as_persona("viewer")
    assert results(viewer, f"{series}/?tracker={MAC}&run={world.beta.run.pk}") == []
    assert results(viewer, f"{series}/?tracker={MAC}&client={world.beta.client.pk}") == []
    if series != "reports":
        assert results(viewer, f"{series}/?tracker={MAC}&location={world.beta.location.pk}") == []


@pytest.mark.parametrize("path", ["", "reports/", "events/", "history/", "track.geojson"])
def test_former_client_does_not_find_the_tracker(as_persona, path):
    assert as_persona("viewer").get(f"/api/v1/trackers/{MAC}/{path}").status_code == 404


@pytest.mark.parametrize(("series", "count"), [("reports", 2), ("events", 1), ("history", 1)])
def test_present_client_finds_only_its_own_under_the_tracker(as_persona, series, count):
    rows = results(as_persona("other_client"), f"trackers/{MAC}/{series}/")
    assert len(rows) == count
    assert len(results(as_persona("staff"), f"trackers/{MAC}/{series}/")) > count


def test_way_on_the_map_begins_with_the_assignment(as_persona, handover):
    since = f"{handover - timedelta(days=20):%Y-%m-%dT%H:%M:%SZ}"
    response = as_persona("other_client").get(f"/api/v1/trackers/{MAC}/track.geojson?since={since}")
    line, *points = response.json()["features"]
    assert len(points) == len(line["geometry"]["coordinates"]) == 2
    staff = as_persona("staff").get(f"/api/v1/trackers/{MAC}/track.geojson?since={since}")
    assert len(staff.json()["features"]) == 6


@pytest.mark.parametrize(
    "query",
    ["", "?search=c3c3c3000003", "?search=moved", "?status=IN_STORAGE", "?bbox=4,21,6,23", "?ordering=mac"],
)
def test_lists_and_counts_leave_the_tracker_to_its_present_client(as_persona, query):
    first = as_persona("viewer").get(f"/api/v1/trackers/{query}").json()
    second = as_persona("other_client").get(f"/api/v1/trackers/{query}").json()
    assert MAC not in [each["mac"] for each in first["results"]]
    assert first["count"] == len(first["results"])
    assert MAC in [each["mac"] for each in second["results"]]


def test_maps_leave_the_tracker_to_its_present_client(as_persona):
    first = as_persona("viewer").get("/api/v1/trackers.geojson")
    second = as_persona("other_client").get("/api/v1/trackers.geojson")
    assert MAC not in first.content.decode()
    assert MAC in second.content.decode()


def test_assignment_that_ended_still_shows_the_tracker_to_its_client(world, as_persona):
    ended = world.alpha.assignment
    ended.period = DateTimeTZRange(ended.period.lower, world.now - timedelta(hours=3), "[)")
    ended.save()
    assert as_persona("viewer").get(f"/api/v1/trackers/{ended.tracker.mac}/").status_code == 200


def test_shared_location_shows_each_client_its_own_runs(world, as_persona):
    world.alpha.location.runs.add(world.beta.run)
    response = as_persona("other_client").get(f"/api/v1/locations/{world.alpha.location.pk}/")
    assert [run["name"] for run in response.json()["runs"]] == ["Beta spring"]
    path = f"/api/v1/locations/?run={world.alpha.run.pk}"
    assert as_persona("other_client").get(path).json()["count"] == 0
    assert as_persona("viewer").get(path).json()["count"] == 1
