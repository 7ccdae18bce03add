"""The list of trackers, its filters, and the maps."""

from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point, Polygon

from locations import geojson
from tests import factories
from tests.personas import make_report
from trackers import selectors
from trackers.models import Tracker

MAC = "A1:A1:A1:00:00:01"
OTHER_MAC = "B2:B2:B2:00:00:02"
BARE_MAC = "D4:D4:D4:00:00:04"


@pytest.fixture
def staff(as_persona):
    return as_persona("staff")


@pytest.fixture(autouse=True)
def tracker_in_stock(world):
    """Never assigned, never seen."""
    return factories.TrackerFactory(mac=BARE_MAC, serial="bare-1")


def get(client, path: str, status: int = 200):
    response = client.get(f"/api/v1/{path}")
    assert response.status_code == status, response.content
    return response.json()


def macs(client, query: str) -> list[str]:
    return [each["mac"] for each in get(client, f"trackers/?{query}")["results"]]


def test_tracker_tells_where_it_is_and_how_fresh_that_is(world, staff):
    tracker = get(staff, f"trackers/{MAC}/")
    assert tracker["client"] == {"id": world.alpha.client.pk, "name": "Alpha"}
    assert tracker["brand"]["name"] == "Alpha shoes"
    assert tracker["run"]["name"] == "Alpha spring"
    assert tracker["location"] == {"id": world.alpha.location.pk, "name": "Alpha depot", "kind": "STORAGE"}
    assert tracker["last_position"] == {"latitude": 11.0, "longitude": 5.0}
    assert tracker["last_seen_at"] == f"{world.now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    assert tracker["last_received_at"] == f"{world.now:%Y-%m-%dT%H:%M:%SZ}"
    assert tracker["assigned_until"] is None


def test_tracker_without_assignment_has_empty_fields(staff):
    tracker = get(staff, f"trackers/{BARE_MAC}/")
    for name in ("client", "brand", "run", "location", "assigned_from", "last_seen_at", "last_position"):
        assert tracker[name] is None


@pytest.mark.parametrize(
    "notation", ["A1:A1:A1:00:00:01", "a1a1a1000001", "a1-a1-a1-00-00-01", "a1a1.a100.0001"]
)
def test_mac_is_understood_in_any_notation(staff, notation):
    assert get(staff, f"trackers/{notation}/")["mac"] == MAC
    assert macs(staff, f"search={notation}") == [MAC]
    assert get(staff, f"reports/?tracker={notation}")["results"]


@pytest.mark.parametrize("text", ["a1:a1", "A1A10", "00:01", "alpha", "ALPHA-1"])
def test_search_finds_parts_of_mac_and_serial(staff, text):
    assert macs(staff, f"search={text}") == [MAC]


@pytest.mark.parametrize("mac", ["%00", "nothing", "a1a1a100000", "a1a1a1000001x", "%F0%9F%98%80"])
def test_what_is_no_mac_is_not_found(staff, mac):
    assert get(staff, f"trackers/{mac}/", 404)["code"] == "not_found"


def test_filters_narrow_by_what_a_tracker_is(world, staff):
    alpha = world.alpha
    run = alpha.run
    for query in (
        "status=IN_STORAGE",
        f"run={run.pk}",
        f"brand={run.brand_id}",
        f"client={alpha.client.pk}",
        f"location={alpha.location.pk}",
    ):
        assert MAC in macs(staff, query)
        assert BARE_MAC not in macs(staff, query)
    assert macs(staff, f"client={alpha.client.pk}") == [MAC]
    assert macs(staff, "state=IN_STOCK") == [BARE_MAC]
    assert macs(staff, "battery=LOW&battery=CRITICAL") == [MAC, OTHER_MAC]
    assert macs(staff, "battery=CRITICAL") == []


def test_filters_narrow_by_time(world, staff):
    Tracker.objects.filter(mac=OTHER_MAC).update(last_seen_at=world.now - timedelta(hours=30))
    Tracker.objects.filter(mac=MAC).update(updated_at=world.now + timedelta(hours=1))
    yesterday = f"{world.now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    assert macs(staff, f"seen_after={yesterday}") == [MAC]
    assert macs(staff, f"seen_before={yesterday}") == [OTHER_MAC]
    assert macs(staff, "silent_for=24") == [OTHER_MAC, BARE_MAC]
    assert macs(staff, "silent_for=0.5") == [MAC, OTHER_MAC, BARE_MAC]
    soon = f"{world.now + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"
    assert macs(staff, f"updated_after={soon}") == [MAC]


def test_orders_are_whitelisted_and_put_the_unknown_last(world, staff):
    Tracker.objects.filter(mac=OTHER_MAC).update(last_seen_at=world.now)
    assert macs(staff, "ordering=-last_seen_at") == [OTHER_MAC, MAC, BARE_MAC]
    assert macs(staff, "ordering=last_seen_at") == [MAC, OTHER_MAC, BARE_MAC]
    assert macs(staff, "ordering=-mac") == [BARE_MAC, OTHER_MAC, MAC]
    assert "ordering" in get(staff, "trackers/?ordering=latest_assignment", 400)["errors"]


def test_pages_are_numbered_and_bounded(staff):
    page = get(staff, "trackers/?page_size=2")
    assert (page["count"], len(page["results"])) == (3, 2)
    assert "page=2" in page["next"]
    assert len(get(staff, "trackers/?page_size=100000")["results"]) == 3
    get(staff, "trackers/?page=99", 404)


def test_misspelt_filter_is_refused(staff):
    assert "stauts" in get(staff, "trackers/?stauts=DELIVERED", 400)["errors"]
    assert "stauts" in get(staff, "trackers.geojson?stauts=DELIVERED", 400)["errors"]


def test_map_has_a_feature_for_each_tracker_that_was_seen(world, staff):
    response = staff.get("/api/v1/trackers.geojson")
    assert response["Content-Type"] == "application/geo+json"
    collection = response.json()
    assert (collection["type"], collection["truncated"]) == ("FeatureCollection", False)
    first, second = collection["features"]
    assert (first["id"], second["id"]) == (MAC, OTHER_MAC)
    assert first["geometry"] == {"type": "Point", "coordinates": [5, 11]}
    properties = first["properties"]
    assert (properties["client"], properties["run"], properties["location"]) == (
        "Alpha",
        "Alpha spring",
        "Alpha depot",
    )
    assert properties["last_seen_at"] == f"{world.now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ("4,10,6,12", [MAC]),
        ("-180,-90,180,90", [MAC, OTHER_MAC]),
        ("5,11,5,11", [MAC]),
        ("5.1,10,6,12", []),
        ("4,10.9,104,22.1", [MAC, OTHER_MAC]),
        ("170,0,-170,80", []),
        ("4,0,-170,20", [MAC]),
    ],
)
def test_map_of_a_box(staff, box, expected):
    features = get(staff, f"trackers.geojson?bbox={box}")["features"]
    assert [each["id"] for each in features] == expected
    assert macs(staff, f"bbox={box}") == expected


@pytest.mark.parametrize("latitude", [-89.9, -60, 0, 60, 75, 89.9])
def test_index_of_a_small_box_loses_nothing_at_its_edges(world, staff, latitude):
    """The edges of a geography bend away from the parallels."""
    Tracker.objects.filter(mac=MAC).update(last_position=Point(5.0, latitude))
    south, north = max(latitude - 10, -90), min(latitude + 10, 90)
    for box in (f"0,{latitude},10,{north}", f"0,{south},10,{latitude}"):
        assert macs(staff, f"bbox={box}") == [MAC]


@pytest.mark.parametrize(
    "box", ["1,2,3", "a,b,c,d", "0,10,1,9", "nan,0,1,1", "-181,0,1,1", "0,0,inf,1", "0,-91,1,1"]
)
def test_wrong_box_is_refused(staff, box):
    assert "bbox" in get(staff, f"trackers.geojson?bbox={box}", 400)["errors"]


def test_map_is_bounded_and_says_so(staff, monkeypatch):
    monkeypatch.setattr(geojson, "MAX_FEATURES", 1)
    collection = get(staff, "trackers.geojson")
    assert len(collection["features"]) == 1
    assert collection["truncated"] is True


def test_way_is_a_line_of_usable_points_in_order(world, staff):
    make_report(
        world.alpha.assignment, world.now, position=Point(9, 9), accuracy_m=5000, verdict="INACCURATE"
    )
    collection = get(staff, f"trackers/{MAC}/track.geojson")
    line, *points = collection["features"]
    assert line["geometry"]["coordinates"] == [[5, 11], [5, 11]]
    assert [point["properties"]["counted"] for point in points] == ["yes", "yes", "inaccurate"]
    assert [point["properties"]["usable"] for point in points] == [True, True, False]
    times = [point["properties"]["seen_at"] for point in points]
    assert times == sorted(times)


def test_way_is_bounded_by_time_and_count(world, staff, monkeypatch):
    make_report(world.alpha.assignment, world.now - timedelta(days=8))
    assert len(get(staff, f"trackers/{MAC}/track.geojson")["features"]) == 3
    since = f"{world.now - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
    assert len(get(staff, f"trackers/{MAC}/track.geojson?since={since}")["features"]) == 4
    long_ago = f"{world.now - timedelta(days=100):%Y-%m-%dT%H:%M:%SZ}"
    assert "since" in get(staff, f"trackers/{MAC}/track.geojson?since={long_ago}", 400)["errors"]
    monkeypatch.setattr(selectors, "MAX_TRACK_POINTS", 1)
    newest = get(staff, f"trackers/{MAC}/track.geojson?since={since}")
    assert newest["truncated"] is True
    assert [each["geometry"]["type"] for each in newest["features"]] == ["Point"]


def test_locations_come_with_circle_or_area(world, staff):
    area = Polygon(((1, 1), (2, 1), (2, 2), (1, 2), (1, 1)))
    drawn = factories.DeliveryFactory(name="Drawn", center=Point(1.5, 1.5), area=area)
    circle = get(staff, f"locations/{world.alpha.location.pk}/")
    assert (circle["center"], circle["radius_m"], circle["area"]) == (
        {"latitude": 11, "longitude": 5},
        100,
        None,
    )
    assert get(staff, f"locations/{drawn.pk}/")["area"]["coordinates"][0][0] == [1, 1]
    features = {each["id"]: each for each in get(staff, "locations.geojson")["features"]}
    assert features[world.alpha.location.pk]["geometry"]["type"] == "Point"
    assert features[drawn.pk]["geometry"]["type"] == "Polygon"
    (found,) = get(staff, "locations.geojson?bbox=1.9,1.9,3,3")["features"]
    assert found["id"] == drawn.pk


def test_locations_are_filtered(world, staff):
    def names(query: str) -> list[str]:
        return [each["name"] for each in get(staff, f"locations/?{query}")["results"]]

    gone = factories.DeliveryFactory(name="Gone", active_until=world.now - timedelta(days=1))
    assert names("kind=DELIVERY") == [gone.name]
    assert names("active=false") == [gone.name]
    assert names("active=true") == names("kind=STORAGE") == ["Alpha depot", "Beta depot"]
    assert names(f"run={world.alpha.run.pk}") == names("search=alpha") == ["Alpha depot"]


def test_runs_and_brands_are_filtered(world, staff):
    def names(path: str) -> list[str]:
        return [each["name"] for each in get(staff, path)["results"]]

    assert names(f"runs/?client={world.alpha.client.pk}") == ["Alpha spring"]
    assert names(f"runs/?brand={world.beta.run.brand_id}") == ["Beta spring"]
    assert names("runs/?live_on=2025-12-31") == []
    assert len(names("runs/?live_on=2026-01-01")) == 2
    assert names("brands/?search=beta") == ["Beta shoes"]
    assert names("clients/?search=alph") == ["Alpha"]


def test_tracker_is_named_by_its_serial_too(world, staff, as_persona):
    serial = world.alpha.tracker.serial
    for client in (staff, as_persona("viewer")):
        assert get(client, f"trackers/{serial}/")["mac"] == MAC
        assert (
            get(client, f"reports/?tracker={serial}")["results"]
            == get(client, f"reports/?tracker={MAC}")["results"]
        )


def test_serial_of_another_clients_tracker_is_unknown(world, as_persona):
    viewer = as_persona("viewer")
    theirs = world.beta.tracker.serial
    mine = [get(viewer, f"trackers/{name}/", 404)["detail"].replace(name, "X") for name in (theirs, "NONE-1")]
    assert mine[0] == mine[1]
    told = [get(viewer, f"reports/?tracker={name}", 400)["errors"] for name in (theirs, "NONE-1")]
    assert [list(errors) for errors in told] == [["tracker"], ["tracker"]]
