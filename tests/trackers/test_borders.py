"""The countries in which trackers may be, and the alert of those that leave them, on land that is made up for it.

From west to east at 50° north: AA from 3° to 5°, BB to 7°, CC to 9°; the sea is all around, and DD an island far off.
A degree is some 71 km there.
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from clients.models import ProductionRun
from locations.models import Gazetteer, Location
from locations.services import gazetteer
from tests.factories import ARRIVED, NOW, AssignmentFactory, DeliveryFactory, RunFactory, StorageFactory
from tests.locations.test_places import city, square
from tests.trackers.reports import incoming
from trackers.models import Alert, AlertWatch, RunCountries
from trackers.services.alerts import borders, evaluating
from trackers.services.reports import recording

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
KM_DEG = 1 / 71.7
LAND = [
    square("AA", 3, 49, 5, 51),
    square("BB", 5, 49, 7, 51),
    square("CC", 7, 49, 9, 51),
    square("DD", 30, 20, 31, 21),
]
CITIES = [city(number, code, code, 0, 0) for number, code in enumerate(("AA", "BB", "CC", "DD"), start=1)]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def land(db: None) -> None:
    gazetteer.load_from(CITIES, LAND, now=NOW)


def at(longitude: float, latitude: float = 50) -> str:
    return f"SRID=4326;POINT({longitude} {latitude})"


def run_with(*longitudes: float, countries: tuple[str, ...] = ()) -> ProductionRun:
    """Its first location is storage, the others are where it delivers."""
    run = RunFactory(countries=list(countries))
    for number, longitude in enumerate(longitudes):
        (DeliveryFactory if number else StorageFactory)(runs=[run], center=at(longitude))
    return run


def countries_of(run: ProductionRun) -> list[str]:
    borders.keep_up_countries(most=100, now=NOW)
    return RunCountries.objects.get(run=run).countries


def evaluate(now: datetime = NOW + 30 * DAY) -> None:
    borders.keep_up_countries(most=100, now=now)
    evaluating.evaluate_due(most=10_000, now=now)


def drive(run: ProductionRun, *longitudes: float, **others: Any) -> int:
    """One report an hour at each; returns the tracker's id."""
    tracker_id = AssignmentFactory(run=run, start=NOW).tracker_id
    reports = [
        incoming(
            tracker_id,
            NOW + number * HOUR,
            number=number,
            longitude=longitude,
            **{"latitude": 50, "accuracy_m": 100, **others},
        )
        for number, longitude in enumerate(longitudes)
    ]
    recording.record_reports(reports, now=ARRIVED)
    return tracker_id


def found(tracker_id: int) -> list[tuple[str, float, float, float | None]]:
    """Where, and the hours in which it began, was shown last and ended."""
    rows = Alert.objects.valid().filter(tracker=tracker_id, kind="LEFT_COUNTRY").order_by("began_at")

    def hours(moment: datetime | None) -> float | None:
        return None if moment is None else (moment - NOW) / HOUR

    return [(row.country, hours(row.began_at), hours(row.latest_at), hours(row.ended_at)) for row in rows]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("locations", "named", "expected"),
    [
        ((), (), []),
        ((4,), (), ["AA"]),
        ((4, 4.9), (), ["AA"]),  # close to the border, but all in one country
        ((4, 6), (), ["AA", "BB"]),
        ((4, 6.9), (), ["AA", "BB", "CC"]),  # a tenth of the way beyond
        ((4, 8), (), ["AA", "BB", "CC"]),  # through BB, where it has no location
        ((4, 8), ("AA", "CC"), ["AA", "CC"]),
        ((2.97, 4), (), ["AA"]),  # a harbour that is drawn into the sea
        ((1,), (), []),
        ((), ("DD",), ["DD"]),
    ],
)
def test_countries_of_a_run(locations, named, expected) -> None:
    assert countries_of(run_with(*locations, countries=named)) == expected


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ([4, 4.5, 4.9], []),
        ([4, 6, 6.1], [("BB", 1, 2, None)]),
        ([4, 6, 4, 6], []),  # one fix may lie
        ([4, 6, 6, 8, 4], [("BB", 1, 3, 4)]),
        ([4, 6, 2, 6, 4], []),  # not in a row
        ([4, 6, 6, 2, 6, 4], [("BB", 1, 4, 5)]),  # at sea it is abroad still
        ([4, 2, 2, 2], []),  # at sea
        ([4, 5 + 5 * KM_DEG, 5 + 5 * KM_DEG], []),  # less than 5 km and the error of 100 m
        ([4, 5 + 5.3 * KM_DEG, 5 + 5.3 * KM_DEG], [("BB", 1, 2, None)]),
        ([4, 6, 6, 5 + 3 * KM_DEG, 4.99], [("BB", 1, 3, 4)]),  # over only where it is back for sure
    ],
)
def test_a_tracker_that_leaves_its_country(way, expected) -> None:
    tracker_id = drive(run_with(4, 4.5), *way)
    evaluate()
    assert found(tracker_id) == expected


def test_a_large_error_circle_may_reach_back_over_the_border() -> None:
    run = run_with(4)
    run.max_accuracy_m = 20_000
    run.save()
    tracker_id = drive(run, 4, 5.2, 5.2, accuracy_m=10_000)
    evaluate()
    assert found(tracker_id) == []


@pytest.mark.parametrize("latitude", [-80, 0, 80])
def test_the_border_is_as_far_away_at_every_latitude(latitude) -> None:
    land = [square("AA", 3, latitude - 1, 5, latitude + 1), square("BB", 5, latitude - 1, 7, latitude + 1)]
    gazetteer.load_from(CITIES, land, now=NOW)
    run = run_with(countries=("AA",))
    west_m = 111_320 if not latitude else 19_390
    for beyond_m, expected in ((4_900, 0), (5_300, 1)):
        longitude = 5 + beyond_m / west_m
        tracker_id = drive(run, longitude, longitude, latitude=latitude)
        evaluate()
        assert len(found(tracker_id)) == expected


def test_without_locations_and_names_nobody_left() -> None:
    tracker_id = drive(run_with(), 4, 6, 6, 8)
    evaluate()
    assert found(tracker_id) == []


def test_without_a_gazetteer_nobody_left() -> None:
    Gazetteer.objects.all().delete()
    gazetteer.load_from([], [], now=NOW)
    tracker_id = drive(run_with(4, 6, countries=("AA",)), 4, 6, 6)
    evaluate()
    assert found(tracker_id) == []


def test_the_alert_ends_with_the_assignment() -> None:
    run = run_with(4)
    tracker_id = AssignmentFactory(run=run, start=NOW, end=NOW + DAY).tracker_id
    reports = [incoming(tracker_id, NOW + i * HOUR, number=i, latitude=50, longitude=6) for i in range(3)]
    recording.record_reports(reports, now=ARRIVED)
    evaluate()
    assert found(tracker_id) == [("BB", 0, 2, 24)]


def test_late_reports_begin_move_and_take_it_back() -> None:
    run = run_with(4)
    tracker_id = drive(run, 4)

    def late(hour: int, longitude: float) -> list[tuple[str, float, float, float | None]]:
        report = incoming(tracker_id, NOW + hour * HOUR, number=hour, latitude=50, longitude=longitude)
        recording.record_reports([report], now=ARRIVED)
        evaluate()
        return found(tracker_id)

    assert late(10, 6) == []
    assert late(8, 8) == [("CC", 8, 10, None)]
    assert late(6, 6) == [("BB", 6, 10, None)]
    assert late(12, 4) == [("BB", 6, 10, 12)]
    assert late(7, 4) == [("CC", 8, 10, 12)]
    assert late(9, 4) == []


def test_naming_a_country_takes_its_alerts_back_and_unnaming_brings_them() -> None:
    run = run_with(4)
    tracker_id = drive(run, 4, 6, 6, 4)
    evaluate()
    assert found(tracker_id) == [("BB", 1, 2, 3)]
    for countries, expected in ((["AA", "BB"], []), ([], [("BB", 1, 2, 3)]), (["BB"], [])):
        ProductionRun.objects.update(countries=countries)
        evaluate()
        assert found(tracker_id) == expected


def test_another_location_makes_the_runs_trackers_due() -> None:
    run, other = run_with(4), run_with(4)
    mine, others = drive(run, 4, 6, 6), drive(other, 4, 6, 6)
    evaluate()
    assert found(mine) == found(others) == [("BB", 1, 2, None)]
    delivery = DeliveryFactory(runs=[run], center=at(8))
    assert borders.keep_up_countries(most=100, now=NOW + 30 * DAY) == 1
    assert AlertWatch.objects.filter(due_at=NOW + 30 * DAY).get().tracker_id == mine
    evaluate()
    assert (found(mine), len(found(others))) == ([], 1)
    Location.objects.filter(pk=delivery.pk).update(center=at(4.1))
    evaluate()
    assert found(mine) == [("BB", 1, 2, None)]


def test_what_does_not_change_the_countries_makes_nobody_due() -> None:
    run = run_with(4)
    drive(run, 4)
    evaluate()
    DeliveryFactory(runs=[run], center=at(4.2))
    assert borders.keep_up_countries(most=100, now=NOW + DAY) == 0
    assert AlertWatch.objects.get().changed_since is None


def test_runs_that_are_over_stay_as_they_were() -> None:
    run = run_with(4)
    drive(run, 4, 6, 6)
    evaluate()
    run.end_date = (NOW + 10 * DAY).date()
    run.countries = ["BB"]
    run.save()
    assert borders.keep_up_countries(most=100, now=NOW + 30 * DAY) == 0


def test_many_runs_are_renewed_in_bounded_batches(monkeypatch) -> None:
    for _ in range(7):
        drive(run_with(4), 4)
    monkeypatch.setattr(borders, "RUNS_PER_TRANSACTION", 3)
    assert borders.keep_up_countries(most=5, now=NOW) == 5
    assert borders.keep_up_countries(most=100, now=NOW) == 2
    assert borders.keep_up_countries(most=100, now=NOW) == 0


def test_the_order_of_arrival_does_not_matter() -> None:
    draw = Random(5)
    plan = [(hour, draw.choice([4, 4, 6, 6, 8, 2, 5.01])) for hour in draw.sample(range(400), 60)]
    run = run_with(4)
    stored = []
    for shuffled in (False, True, True, True):
        tracker_id = AssignmentFactory(run=run, start=NOW).tracker_id
        reports = [
            incoming(tracker_id, NOW + hour * HOUR, number=hour, latitude=50, longitude=longitude)
            for hour, longitude in plan
        ]
        if shuffled:
            draw.shuffle(reports)
        size = 5 if shuffled else 60
        for i in range(0, 60, size):
            recording.record_reports(reports[i : i + size], now=ARRIVED)
            evaluate()
        stored.append(found(tracker_id))
    assert stored[0] == stored[1] == stored[2] == stored[3]
    assert len(stored[0]) > 3


def test_countries_between_locations_on_both_sides_of_the_date_line_are_those_between_them() -> None:
    """Not those all around the globe on the way that nobody takes."""
    east, west = square("AA", 176, 49, 178, 51), square("BB", -178, 49, -176, 51)
    far = [square("CC", 0, 49, 2, 51), square("DD", -120, 49, -118, 51)]
    beside = [square("EE", 179, 49, 180, 51), square("FF", -180, 49, -179, 51)]
    cities = [
        city(number, code, code, 0, 0) for number, code in enumerate(("AA", "BB", "CC", "DD", "EE", "FF"), 1)
    ]
    gazetteer.load_from(cities, [east, west, *far, *beside], now=NOW)
    assert countries_of(run_with(177, -177)) == ["AA", "BB", "EE", "FF"]
    assert countries_of(run_with(-177, 177)) == ["AA", "BB", "EE", "FF"]
