"""The nearest place: in the point's own country, at most 100 km away, over the antimeridian too."""

from datetime import UTC, datetime, timedelta

import pytest

from locations import places
from locations.models import CountryArea, Gazetteer, Place
from locations.services import gazetteer
from tests.factories import AssignmentFactory, RunFactory
from tests.trackers.reports import incoming
from trackers.services import assigning, history
from trackers.services.reports.recording import record_reports

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, tzinfo=UTC)


def city(number, name, country, longitude, latitude):
    return {
        "geonameid": number,
        "name": name,
        "countrycode": country,
        "population": 500,
        "longitude": longitude,
        "latitude": latitude,
    }


def square(country, west, south, east, north):
    """As `basemap/countries.py` writes it: the first corner and the steps, in thousandths of a degree."""
    width, height = (east - west) * 1000, (north - south) * 1000
    return country, [[west * 1000, south * 1000, width, 0, 0, height, -width, 0, 0, -height]]


CITIES = [
    city(1, "Westend", "AA", 4.0, 50.0),
    city(2, "Border", "AA", 4.5, 50.0),
    city(3, "Beyond", "BB", 5.01, 50.0),
    city(4, "Deep", "BB", 6.0, 50.0),
    city(5, "Dawn", "FJ", -179.95, -16.0),
    city(6, "Arctic", "NO", 20.0, 80.0),
]
LAND = [square("AA", 3, 49, 5, 51), square("BB", 5, 49, 7, 51), square("AQ", -10, -80, 10, -70)]


@pytest.fixture
def loaded(db):
    assert gazetteer.load_from(CITIES, LAND, now=NOW) == len(CITIES)


def names(*coordinates):
    found = places.nearest(coordinates)
    return [near and Place.objects.get(pk=near.place_id).name for near in found]


def test_nearest_place_is_one_of_the_same_country(loaded):
    assert names((4.99, 50.0), (5.0001, 50.0), (4.1, 50.0)) == ["Border", "Beyond", "Westend"]


def test_distance_is_measured_on_the_ground(loaded):
    (near,) = places.nearest([(4.0, 50.1)])
    assert near.distance_m == pytest.approx(11_124, abs=5)


def test_mid_ocean_is_near_nothing_and_a_ship_near_the_coast_is(loaded):
    assert names((-150.0, -40.0), (3.5, 48.9), (2.9, 50.0)) == [None, None, "Westend"]


def test_places_beyond_the_cap_are_not_near(loaded):
    assert names((6.0, 50.89), (6.0, 50.91)) == ["Deep", None]


def test_other_side_of_the_antimeridian_is_near(loaded):
    assert names((179.95, -16.0), (-179.9, -16.0)) == ["Dawn", "Dawn"]


def test_near_the_pole_degrees_do_not_mislead(loaded):
    Place.objects.create(id=7, name="North", country="NO", population=1, position="POINT(20 80.6)")
    assert names((22.5, 80.0)) == ["Arctic"]


def test_country_without_places_costs_no_search(loaded):
    assert not CountryArea.objects.filter(country="AQ").exists()
    assert names((0.0, -75.0)) == [None]


def test_loading_again_changes_what_changed_and_deletes_what_vanished(loaded):
    kept = AssignmentFactory().tracker
    record_reports([incoming(kept.pk, NOW, latitude=50.0, longitude=4.0)], now=NOW)
    find()
    renamed = [city(1, "West End", "AA", 4.0, 50.0), *CITIES[2:]]
    assert gazetteer.load_from(renamed, LAND, now=NOW) == 5
    kept.refresh_from_db()
    assert kept.near.name == "West End"
    assert not Place.objects.filter(pk=2).exists()
    assert Gazetteer.objects.count() == 1
    assert gazetteer.is_loaded()


def find() -> int:
    return history.find_places(clock=lambda: NOW, time_budget_s=1)


def test_place_does_not_outlive_the_assignment(loaded):
    tracker = AssignmentFactory().tracker
    record_reports([incoming(tracker.pk, NOW, latitude=50.0, longitude=4.1)], now=NOW)
    assert find() == 1
    later = NOW + timedelta(days=1)
    assigning.release(tracker_ids=[tracker.pk], at=later, now=later)
    assigning.assign(tracker_ids=[tracker.pk], run=RunFactory(), start=later, now=later)
    tracker.refresh_from_db()
    assert (tracker.near, tracker.near_m, tracker.near_is_due) == (None, None, False)


def test_tracker_that_did_not_move_is_not_asked_about_again(loaded):
    tracker = AssignmentFactory().tracker
    record_reports([incoming(tracker.pk, NOW, latitude=50.0, longitude=4.1)], now=NOW)
    assert (find(), find()) == (1, 0)


def test_tracker_shows_the_place_near_its_last_position(loaded):
    tracker = AssignmentFactory().tracker
    record_reports([incoming(tracker.pk, NOW, latitude=50.0, longitude=4.1)], now=NOW)
    find()
    tracker.refresh_from_db()
    assert (tracker.near.name, round(tracker.near_km, 1)) == ("Westend", 7.2)
    next_day = NOW + timedelta(days=1)
    record_reports([incoming(tracker.pk, next_day, latitude=0, longitude=-30)], now=next_day)
    find()
    tracker.refresh_from_db()
    assert (tracker.near, tracker.near_m) == (None, None)


def test_trackers_from_before_the_gazetteer_are_told_by_its_loading():
    tracker = AssignmentFactory().tracker
    record_reports([incoming(tracker.pk, NOW, latitude=50.0, longitude=4.1)], now=NOW)
    gazetteer.load_from(CITIES, LAND, now=NOW)
    assert history.find_all_again() == 0  # Due it is already.
    find()
    tracker.refresh_from_db()
    assert tracker.near.name == "Westend"


def test_our_countries_can_be_read():
    pieces = list(gazetteer._pieces())
    assert len(pieces) > 3_000
    assert {"NL", "GF", "SJ", "XK"} <= {code for code, _ in pieces}
