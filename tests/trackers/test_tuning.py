"""Radii suggested from reports, and what the timeline makes of others."""

import random
from datetime import datetime, timedelta

import pytest

from locations.models import Location
from tests.factories import ARRIVED, NOW, AssignmentFactory, RunFactory, StorageFactory
from tests.trackers.reports import LATITUDE, incoming, longitude_at
from trackers.rules import tuning
from trackers.rules.tuning import Near, Visit, compare_visits, suggest_radius
from trackers.services.recomputation.tuning import HasAnAreaError, try_radii
from trackers.services.reports.recording import record_reports

HOUR = timedelta(hours=1)


def visit(tracker_id, distance_m, accuracy_m=20, reports=12):
    """Standing so far from the centre, with errors as the accuracy says."""
    chance = random.Random(tracker_id)
    return [
        Near(tracker_id, NOW + i * HOUR, abs(distance_m + chance.gauss(0, accuracy_m / 2)), accuracy_m)
        for i in range(reports)
    ]


def passing(tracker_id, nearest_m):
    return [Near(tracker_id, NOW + i * HOUR / 12, nearest_m + 400 * abs(i - 2), 20) for i in range(5)]


@pytest.mark.parametrize(("spread_m", "least", "most"), [(20, 50, 80), (180, 160, 200), (600, 540, 620)])
def test_radius_holds_those_that_stand_at_the_place(spread_m, least, most):
    reports = [report for i in range(20) for report in visit(i, spread_m * i / 20)]
    suggestion = suggest_radius(reports)
    assert least <= suggestion.radius_m <= most
    assert (suggestion.visits, suggestion.passers) == (20, 0)


def test_passers_by_do_not_widen_it():
    reports = [report for i in range(10) for report in visit(i, 60)]
    alone = suggest_radius(reports)
    among = suggest_radius(reports + [report for i in range(50, 90) for report in passing(i, 150)])
    assert among.radius_m == alone.radius_m
    assert (among.visits, among.passers) == (10, 40)


def test_another_place_nearby_is_told_apart():
    reports = [report for i in range(10) for report in visit(i, 60)]
    neighbours = [report for i in range(20, 40) for report in visit(i, 900)]
    assert suggest_radius(reports + neighbours).radius_m < 150


def test_coming_and_going_are_not_the_visit():
    reports = []
    for i in range(10):
        reports += visit(i, 60)
        reports += [Near(i, NOW + (12 + j) * HOUR, 300 * j, 20) for j in range(1, 4)]
    assert suggest_radius(reports).radius_m <= 120


def test_inaccurate_reports_widen_it_by_what_they_are_off():
    exact = suggest_radius([report for i in range(10) for report in visit(i, 30, accuracy_m=10)])
    blurred = suggest_radius([report for i in range(10) for report in visit(i, 30, accuracy_m=200)])
    assert exact.radius_m < blurred.radius_m <= 300


def test_too_few_visits_say_so():
    suggestion = suggest_radius([*visit(1, 20), *visit(2, 20), *passing(3, 10)])
    assert suggestion.radius_m is None
    assert "Visits near it: 2." in suggestion.reason
    assert suggest_radius([]).radius_m is None


def test_candidates_hold_the_current_and_the_suggested_radius():
    assert tuning.radii_to_compare(100, 180) == [50, 75, 100, 150, 180, 200, 250, 300, 400, 500]
    assert tuning.radii_to_compare(130, None) == [50, 75, 100, 130, 150, 200, 250, 300]


def test_visits_that_only_begin_or_end_elsewhere_are_neither_gained_nor_lost():
    def span(assignment_id, begin, end):
        return Visit(assignment_id, NOW + begin * HOUR, NOW + end * HOUR)

    current = [span(1, 0, 5), span(1, 8, 9), span(2, 0, 5)]
    assert compare_visits(current, [span(1, 1, 6), span(2, 0, 5), span(3, 0, 5)]) == (1, 1)
    assert compare_visits(current, current) == (0, 0)


@pytest.fixture
def depot(db):
    return StorageFactory(center=f"POINT({longitude_at(0)} {LATITUDE})", runs=[RunFactory()], radius_m=100)


def seen(depot, east_m, hours=5, begin: datetime = NOW):
    tracker = AssignmentFactory(run=depot.runs.get()).tracker
    spots = [9_000] + [east_m + 10 * (hour % 3) for hour in range(hours)] + [9_000]
    record_reports(
        [incoming(tracker.pk, begin + hour * HOUR, east_m=spot) for hour, spot in enumerate(spots)],
        now=ARRIVED,
    )


def test_each_radius_tells_what_it_gains_and_loses(depot):
    for east_m in (20, 40, 150, 150, 160, 9_000):
        seen(depot, east_m)
    tried = try_radii(location=depot, now=NOW + 24 * HOUR)
    assert tried.complete
    assert tried.trackers == 5
    assert tried.suggestion.radius_m == 180
    outcome = {trial.radius_m: (trial.visits, trial.gained, trial.lost) for trial in tried.trials}
    assert outcome[100] == (2, 0, 0)
    # One flaps at such a small radius; its visits are still the same ones.
    assert outcome[50] == (3, 0, 0)
    assert outcome[180] == (5, 3, 0)
    assert [trial.radius_m for trial in tried.trials if trial.is_current or trial.is_suggested] == [100, 180]
    assert len(tried.points) == 25
    depot.refresh_from_db()
    assert depot.radius_m == 100


def test_smaller_radius_loses_visits(depot):
    Location.objects.filter(pk=depot.pk).update(radius_m=300)
    depot.refresh_from_db()
    for east_m in (20, 20, 20, 250):
        seen(depot, east_m)
    lost = {trial.radius_m: trial.lost for trial in try_radii(location=depot, now=NOW + 24 * HOUR).trials}
    assert (lost[200], lost[300]) == (1, 0)


def test_area_has_no_radius(depot):
    depot.area = depot.center.buffer(0.001)
    with pytest.raises(HasAnAreaError):
        try_radii(location=depot, now=NOW)


def test_location_that_nobody_was_near(depot):
    tried = try_radii(location=depot, now=NOW)
    assert (tried.suggestion.radius_m, tried.trackers, tried.points) == (None, 0, [])
