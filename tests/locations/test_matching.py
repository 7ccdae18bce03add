"""Which fences a point is in: shapes on the spheroid, their edges, their time and their runs."""

import math
import random
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.gis.geos import Point as GeosPoint
from django.contrib.gis.geos import Polygon
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from foundation import bulk
from locations import matching
from locations.matching import Match, Point
from locations.models import Location
from tests import plans
from tests.factories import NOW, DeliveryFactory, LocationFactory, RunFactory, StorageFactory
from tests.laws import law

pytestmark = pytest.mark.django_db

OVER_THE_ANTIMERIDIAN = [(66.9494, 179.838), (66.9508, -179.8496), (66.8406, -180.0014)]


@pytest.fixture
def run():
    return RunFactory()


def wrapped(longitude):
    return (longitude + 180) % 360 - 180


def polygon(corners):
    ring = [(wrapped(longitude), latitude) for latitude, longitude in corners]
    return Polygon([*ring, ring[0]])


def fence(run, latitude, longitude, *, factory=StorageFactory, **values):
    return factory(runs=[run], center=GeosPoint(wrapped(longitude), latitude), **values)


def matches(run, latitude, longitude, *, reach_m=0.0, at=NOW):
    return matching.match([Point(run.pk, at, wrapped(longitude), latitude, reach_m)])


def inside(run, latitude, longitude, **others):
    return [it.location_id for it in matches(run, latitude, longitude, **others) if it.inside]


def margin(radius_m):
    """A part in a billion of the radius, but no less than degrees in floating point can tell."""
    return max(radius_m * 1e-9, 1e-7)


def rim(location, distance_m, directions=72):
    """Points all around a location's centre, so far away on the spheroid, as (longitude, latitude)."""
    query = """
        SELECT ST_X(spot), ST_Y(spot)
        FROM generate_series(0, %s - 1) AS number,
             LATERAL (SELECT ST_Project(%s::geography, %s, radians(360.0 * number / %s))::geometry AS spot) AS at
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [directions, location.center.ewkt, distance_m, directions])
        return cursor.fetchall()


class TestCircle:
    @pytest.mark.parametrize(
        ("latitude", "longitude", "expected"),
        [(55.75414, 37.6204, True), (55.75477, 37.62025, True), (55.75545, 37.61921, False)],
    )
    def test_published_case(self, run, latitude, longitude, expected):
        location = fence(run, 55.75414, 37.6204, radius_m=100)
        assert (inside(run, latitude, longitude) == [location.pk]) is expected

    def test_boundary_belongs_to_the_circle(self, run):
        location = fence(run, 52.0, 5.0, radius_m=100)
        with connection.cursor() as cursor:
            cursor.execute("SELECT ST_Distance('POINT(5 52)'::geography, 'POINT(5.001 52)'::geography)")
            distance_m = cursor.fetchone()[0]
        for radius_m, expected in ((distance_m, True), (distance_m - 0.001, False)):
            Location.objects.update(radius_m=radius_m)
            assert (inside(run, 52.0, 5.001) == [location.pk]) is expected

    def test_distances_are_metres_on_the_spheroid(self, run):
        fence(run, 0.0, 0.0, radius_m=1_000)
        match = matches(run, 0.0, 0.01, reach_m=200.0)[0]
        assert match.centre_m == pytest.approx(6_378_137 * math.radians(0.01), abs=1e-3)
        assert match.gap_m == pytest.approx(match.centre_m - 1_000, abs=1e-6)
        assert not match.inside

    def test_point_within_reach_is_told_with_its_gap_and_beyond_it_perhaps_not(self, run):
        location = fence(run, 52.0, 5.0, radius_m=100)
        near_m = 100 + 80
        (longitude, latitude), *_ = rim(location, near_m, 1)
        (match,) = matches(run, latitude, longitude, reach_m=80.0)
        assert (match.inside, match.gap_m) == (False, pytest.approx(80, abs=1e-6))
        assert matches(run, latitude, longitude, reach_m=20.0) == []

    @pytest.mark.parametrize("latitude", [0.0, 45.0, -45.0, 70.0, 85.0, 89.9, -89.9, 90.0])
    @pytest.mark.parametrize("longitude", [5.0, 180.0, -179.9995])
    @pytest.mark.parametrize("radius_m", [0.5, 100.0, 5_000.0, 100_000.0])
    def test_generated_fence_covers_the_circle_everywhere(self, run, latitude, longitude, radius_m):
        location = fence(run, latitude, longitude, radius_m=radius_m)
        points = [Point(run.pk, NOW, x, y, 0.0) for x, y in rim(location, radius_m - margin(radius_m))]
        found = matching.match(points)
        assert sorted(it.point for it in found) == list(range(len(points)))
        assert all(it.inside for it in found)
        beyond = [Point(run.pk, NOW, x, y, 0.0) for x, y in rim(location, radius_m + margin(radius_m))]
        assert not any(it.inside for it in matching.match(beyond))

    @pytest.mark.parametrize("latitude", [0.0, 52.0, 70.0, 89.9])
    def test_whole_reach_around_the_largest_circle_is_found(self, run, latitude):
        location = fence(run, latitude, 180.0, radius_m=100_000)
        points = [Point(run.pk, NOW, x, y, 1_000.0) for x, y in rim(location, 101_000 - margin(101_000))]
        found = matching.match(points)
        assert len(found) == len(points)
        assert all(not it.inside and it.gap_m <= 1_000 for it in found)


class TestArea:
    @pytest.mark.parametrize(
        ("latitude", "longitude", "expected"),
        [(66.9015, -180.0096, True), (66.9015, 179.991, True), (66.8368, -179.8792, False)],
    )
    def test_published_polygon_over_the_antimeridian(self, run, latitude, longitude, expected):
        location = fence(run, 66.9, 180.0, area=polygon(OVER_THE_ANTIMERIDIAN))
        assert (inside(run, latitude, longitude) == [location.pk]) is expected

    def test_area_counts_and_not_the_circle_around_its_centre(self, run):
        area = polygon([(52.0, 5.0), (52.0, 5.01), (52.01, 5.01), (52.01, 5.0)])
        location = fence(run, 52.005, 5.005, radius_m=5_000, area=area)
        assert inside(run, 52.005, 5.009) == [location.pk]
        assert inside(run, 52.005, 5.011) == []
        (match,) = matches(run, 52.005, 5.009)
        assert (match.gap_m, match.centre_m) == (0, pytest.approx(274.6, rel=0.01))

    def test_centre_of_an_area_is_its_own_whoever_writes_it(self, run):
        area = polygon([(52.0, 5.0), (52.0, 5.01), (52.01, 5.01), (52.01, 5.0)])
        location = fence(run, 52.5, 5.5, area=area)
        Location.objects.filter(pk=location.pk).update(center=GeosPoint(6, 53))
        assert Location.objects.get().center.coords == pytest.approx((5.005, 52.005), abs=1e-5)
        Location.objects.filter(pk=location.pk).update(area=None)
        Location.objects.filter(pk=location.pk).update(center=GeosPoint(6, 53))
        assert Location.objects.get().center.coords == (6, 53)

    @pytest.mark.parametrize("corner", [(52.0, 5.0), (52.01, 5.01), (52.005, 5.0)])
    def test_edge_and_corners_belong_to_the_area(self, run, corner):
        area = polygon([(52.0, 5.0), (52.0, 5.01), (52.01, 5.01), (52.01, 5.0)])
        location = fence(run, 52.005, 5.005, area=area)
        assert inside(run, *corner) == [location.pk]

    def test_reach_is_measured_from_the_edge_of_the_area(self, run):
        area = polygon([(0.0, 0.0), (0.0, 0.01), (0.01, 0.01), (0.01, 0.0)])
        fence(run, 0.005, 0.005, area=area)
        (match,) = matches(run, 0.005, 0.0105, reach_m=60.0)
        assert not match.inside
        assert match.gap_m == pytest.approx(6_378_137 * math.radians(0.0005), abs=0.01)
        assert matches(run, 0.005, 0.0105, reach_m=50.0) == []

    def test_hole_is_outside(self, run):
        outer = [(5.0, 52.0), (5.02, 52.0), (5.02, 52.02), (5.0, 52.02), (5.0, 52.0)]
        hole = [(5.008, 52.008), (5.012, 52.008), (5.012, 52.012), (5.008, 52.012), (5.008, 52.008)]
        fence(run, 52.01, 5.01, area=Polygon(outer, hole))
        assert inside(run, 52.01, 5.01) == []
        assert len(inside(run, 52.004, 5.004)) == 1

    def test_direction_in_which_an_area_was_drawn_does_not_matter(self, run):
        corners = [(52.0, 5.0), (52.0, 5.01), (52.01, 5.01), (52.01, 5.0)]
        fence(run, 52.0, 5.0, area=polygon(corners))
        fence(run, 52.0, 5.0, area=polygon(corners[::-1]))
        assert len(inside(run, 52.005, 5.005)) == 2
        assert inside(run, 40.0, 100.0) == []


class TestScope:
    def test_fence_counts_from_its_first_moment_until_before_its_last(self, run):
        location = fence(run, 52.0, 5.0, active_from=NOW, active_until=NOW + timedelta(hours=1))
        tick = timedelta(microseconds=1)
        hour = timedelta(hours=1)
        told = {at: inside(run, 52.0, 5.0, at=NOW + at) for at in (-tick, 0 * tick, hour - tick, hour)}
        assert told == {-tick: [], 0 * tick: [location.pk], hour - tick: [location.pk], hour: []}

    def test_fence_without_bounds_always_counts(self, run):
        location = fence(run, 52.0, 5.0, active_from=None, active_until=None)
        for at in (datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)):
            assert inside(run, 52.0, 5.0, at=at) == [location.pk]

    def test_fence_counts_only_in_the_runs_that_it_is_linked_to(self, run):
        other = RunFactory(start_date=date(2020, 1, 1))
        shared = LocationFactory(runs=[run, other], center=GeosPoint(5, 52))
        own = LocationFactory(runs=[run], center=GeosPoint(5, 52))
        LocationFactory(center=GeosPoint(5, 52))
        assert sorted(inside(run, 52.0, 5.0)) == [shared.pk, own.pk]
        assert inside(other, 52.0, 5.0) == [shared.pk]

    def test_kinds_are_told_apart_and_points_by_their_index(self, run):
        depot = fence(run, 52.0, 5.0, radius_m=100)
        shop = fence(run, 53.0, 5.0, radius_m=100, factory=DeliveryFactory)
        points = [Point(run.pk, NOW, 5.0, latitude, 0.0) for latitude in (53.0, 10.0, 52.0, 53.0)]
        found = sorted(matching.match(points))
        assert [(it.point, it.location_id, it.is_delivery) for it in found] == [
            (0, shop.pk, True),
            (2, depot.pk, False),
            (3, shop.pk, True),
        ]
        assert all(it == Match(*it) and it.inside for it in found)

    def test_no_points_need_no_statement(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert matching.match([]) == []

    def test_moved_fence_matches_at_its_new_place_at_once(self, run):
        location = fence(run, 52.0, 5.0)
        Location.objects.filter(pk=location.pk).update(center=GeosPoint(6, 53))
        assert inside(run, 52.0, 5.0) == []
        assert inside(run, 53.0, 6.0) == [location.pk]


@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    radius_m=st.floats(0.01, 100_000),
    bearing=st.floats(0, 360),
)
@law(150)
def test_any_circle_holds_its_own_rim(latitude, longitude, radius_m, bearing):
    """The generated cover and the index lose no point that the exact rule accepts."""
    run = RunFactory()
    location = fence(run, latitude, longitude, radius_m=radius_m)
    query = "SELECT ST_X(at::geometry), ST_Y(at::geometry) FROM ST_Project(%s::geography, %s, %s) AS at"
    with connection.cursor() as cursor:
        cursor.execute(query, [location.center.ewkt, radius_m - margin(radius_m), math.radians(bearing)])
        x, y = cursor.fetchone()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_Distance(center, ST_Point(%s, %s)::geography) - radius_m FROM locations_location"
            " WHERE id = %s",
            [x, y, location.pk],
        )
        (gap_m,) = cursor.fetchone()
    assert (inside(run, y, x) == [location.pk]) is (gap_m <= 0)


class TestPlan:
    """Two thousand fences in ten runs must cost an index lookup for each point, not a scan."""

    @pytest.fixture
    def points(self):
        runs = [RunFactory() for _ in range(10)]
        chance = random.Random(4)
        rows = Location.objects.bulk_create(
            Location(
                name=f"Location {number}",
                kind=Location.Kind.STORAGE,
                center=GeosPoint(chance.uniform(-10, 30), chance.uniform(35, 60)),
                radius_m=chance.uniform(50, 2_000),
                active_from=None,
            )
            for number in range(2_000)
        )
        Location.runs.through.objects.bulk_create(
            Location.runs.through(location_id=row.pk, productionrun_id=chance.choice(runs).pk) for row in rows
        )
        plans.analyze("locations_location", "locations_location_runs")
        return [
            Point(chance.choice(runs).pk, NOW, *near.center.coords, 20.0)
            for near in chance.sample(rows, 1_000)
        ]

    @staticmethod
    def plan(points):
        names = ("run_ids", "seen_ats", "longitudes", "latitudes", "reaches_m")
        return plans.explain_bulk(matching.MATCH_ARRAYS, bulk.transposed(points, names))

    @pytest.mark.usefixtures("planner")
    @pytest.mark.parametrize("size", [1, 20, 1_000])
    def test_plan_uses_the_index_on_fences_whatever_the_batch(self, points, size):
        plan = self.plan(points[:size])
        assert "location_fence_gist" in plans.indexes(plan)
        assert all(scan["Node Type"] in plans.BY_INDEX for scan in plans.scans(plan, "locations_location"))

    def test_index_finds_what_a_scan_finds(self, points):
        found = sorted(matching.match(points[:25]))
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_indexscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        assert sorted(matching.match(points[:25])) == found
        assert found
