"""Small worlds in which one report used to bend the history, fed through `replay`."""

import json

import pytest

from tests.trackers.replays import MAC, replay

pytestmark = pytest.mark.django_db

DEPOT, SHOP, DELHI = (52.5, 13.4), (48.14, 11.58), (28.61, 77.21)
PLACES = [
    {"name": "Depot", "kind": "storage", "lat": DEPOT[0], "lon": DEPOT[1], "radius_m": 300},
    {"name": "Shop", "kind": "delivery", "lat": SHOP[0], "lon": SHOP[1], "radius_m": 300},
    {"name": "Delhi shop", "kind": "delivery", "lat": DELHI[0], "lon": DELHI[1], "radius_m": 300},
]


def seen(at, place, accuracy_m=30):
    """at: day and time of March 2026."""
    return {
        "mac": MAC,
        "seen_at": f"2026-03-{at}:00Z",
        "lat": place[0],
        "lon": place[1],
        "accuracy_m": accuracy_m,
    }


def told(reports, *options, places=PLACES, **policy):
    """The status history as (status, location, since), and the events by their types."""
    world = {
        "runs": [{"name": "R", "start_date": "2026-03-01", "end_date": "2026-03-31", "policy": policy}],
        "locations": places,
        "trackers": [{"mac": MAC, "from": "2026-03-01"}],
        "reports": reports,
    }
    code, out, err = replay(world, *options)
    assert code == 0, err
    tracker = json.loads(out)["trackers"][MAC]
    history = [(it["status"], it["location"], it["started_at"][8:16]) for it in tracker["history"]]
    return history, " ".join(event["type"] for event in tracker["events"])


DELIVERED_ONCE = [
    seen("02T08:00", DEPOT),
    seen("03T08:00", SHOP),
    seen("03T12:00", SHOP, 40),
    seen("03T13:00", DELHI, 35),
    seen("03T14:00", SHOP),
    seen("04T14:00", SHOP),
]


@pytest.mark.parametrize(
    "options", [(), ("--batch", "1"), ("--order", "shuffle:3", "--batch", "1"), ("--late", "0.5:7")]
)
def test_one_far_report_makes_no_second_delivery(options):
    history, events = told(DELIVERED_ONCE, *options)
    assert history == [("IN_STORAGE", "Depot", "02T08:00"), ("DELIVERED", "Shop", "03T08:00")]
    assert events == "ENTRY EXIT ENTRY DWELL DWELL DWELL"


def test_a_far_report_at_a_delivery_location_delivers_nothing():
    reports = [seen("02T08:00", DEPOT), seen("02T09:00", DELHI, 35), seen("02T10:00", DEPOT)]
    assert told(reports) == ([("IN_STORAGE", "Depot", "02T08:00")], "ENTRY DWELL")


def test_two_far_reports_that_agree_are_believed():
    reports = [seen("02T08:00", DEPOT), seen("02T09:00", DELHI, 35), seen("02T10:00", DELHI)]
    history, events = told(reports)
    assert history == [("IN_STORAGE", "Depot", "02T08:00"), ("DELIVERED", "Delhi shop", "02T09:00")]
    assert events == "ENTRY EXIT ENTRY DWELL"


def test_the_last_report_makes_no_event_if_nothing_could_have_got_there():
    reports = [seen("02T08:00", DEPOT), seen("02T09:00", DELHI, 35)]
    assert told(reports) == ([("IN_STORAGE", "Depot", "02T08:00")], "ENTRY")
    assert told(reports, max_speed_kmh=3000) == ([("IN_STORAGE", "Depot", "02T08:00")], "ENTRY")
    assert told([reports[0], seen("02T15:00", DELHI)])[1] == "ENTRY EXIT ENTRY"


HOME, NEIGHBOUR = (48.9813, 17.5347), (48.98143, 17.53567)
NEIGHBOURS = [
    {"name": "Home", "kind": "storage", "lat": HOME[0], "lon": HOME[1], "radius_m": 30},
    {"name": "Neighbour", "kind": "delivery", "lat": NEIGHBOUR[0], "lon": NEIGHBOUR[1], "radius_m": 11},
]


def test_a_poor_fix_on_a_small_fence_does_not_arrive():
    reports = [
        seen("02T08:00", HOME, 8),
        seen("02T12:00", NEIGHBOUR, 80),
        seen("02T13:00", (48.981417, 17.535573), 100),
        seen("02T14:00", HOME, 9),
    ]
    history, events = told(reports, places=NEIGHBOURS)
    assert history == [("IN_STORAGE", "Home", "02T08:00")]
    assert events == "ENTRY DWELL DWELL DWELL"
    assert told(reports, places=NEIGHBOURS, entry_accuracy_factor=8)[0][1][:2] == ("DELIVERED", "Neighbour")


def test_an_area_is_entered_by_its_size():
    """Some 111 m by 73 m: the circle of its size has a radius of about 51 m."""
    ring = [[13.0, 48.0], [13.001, 48.0], [13.001, 48.001], [13.0, 48.001], [13.0, 48.0]]
    area = {"type": "Polygon", "coordinates": [ring]}
    places = [{"name": "Yard", "kind": "delivery", "lat": 48.0005, "lon": 13.0005, "area": area}]
    inside = (48.0005, 13.0005)
    assert told([seen("02T08:00", inside, 150)], places=places)[1] == "ENTRY"
    assert told([seen("02T08:00", inside, 160)], places=places)[1] == "TRANSIT"


def test_the_networks_worst_accuracy_does_not_arrive():
    near = (48.2, 11.58)
    reports = [seen("02T08:00", near), seen("02T09:00", SHOP, 255), seen("02T10:00", near)]
    assert told(reports) == ([("IN_TRANSIT", None, "02T08:00")], "TRANSIT TRANSIT")


def test_an_accuracy_of_zero_is_the_last_of_its_moment():
    exact, vague = seen("02T08:00", DEPOT, 0), seen("02T08:00", SHOP, 200)
    for reports in ([exact, vague], [vague, exact]):
        assert told(reports)[0] == [("DELIVERED", "Shop", "02T08:00")]


def test_a_moment_has_one_report_that_counts():
    reports = [seen("02T08:00", DEPOT, 30), seen("02T08:00", SHOP, 20), seen("02T09:00", SHOP)]
    assert told(reports) == ([("DELIVERED", "Shop", "02T08:00")], "ENTRY DWELL")


def test_an_inaccurate_report_takes_no_moment():
    """It comes before unknown accuracies in event order, and still leaves the moment to them."""
    reports = [seen("02T08:00", SHOP, 251), seen("02T08:00", DEPOT, None)]
    assert told(reports) == ([("IN_STORAGE", "Depot", "02T08:00")], "ENTRY")
