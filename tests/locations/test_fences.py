"""One rule for every way in: what is refused, by which field, and what is stored of what is taken."""

import json
import math
from typing import Any

import pytest
from django.contrib.gis.geos import Point, Polygon
from django.db import IntegrityError, transaction

from foundation.errors import InvalidValuesError
from locations import fences, geojson
from locations.fences import InvalidFenceError
from locations.models import Location
from locations.services import locations
from tests.factories import StorageFactory
from tests.locations.given_areas import FIJI, REFUSED, SQUARE, TAKEN, Given, box, polygon, published

pytestmark = pytest.mark.django_db

EVERY = [*published(), *TAKEN, *REFUSED]
every_case = pytest.mark.parametrize("given", EVERY, ids=[each.name for each in EVERY])


def settle(given: Given) -> fences.Fence:
    center = Point(*given.center, srid=4326) if given.center else None
    return fences.settle(center=center, radius_m=100, area=given.area)


@every_case
def test_what_is_wrong_is_said_at_its_field(given: Given) -> None:
    if not given.says:
        assert settle(given).area
        return
    with pytest.raises(InvalidFenceError) as refused:
        settle(given)
    error = refused.value
    assert (list(error.fields), error.path if given.path else "") == ([given.at], given.path)
    assert given.says in error.fields[given.at]


@every_case
def test_text_is_read_as_its_value_is(given: Given) -> None:
    try:
        expected: Any = settle(given)
    except InvalidFenceError as error:
        expected = error.field
    try:
        found: Any = settle(given._replace(area=json.dumps(given.area)))
    except InvalidFenceError as error:
        found = error.field
    assert found == expected


def test_byte_order_mark_is_not_seen() -> None:
    text = f"\ufeff{json.dumps(polygon(SQUARE))}\r\n"
    assert fences.settle(center=None, radius_m=100, area=text) == settle(Given("", polygon(SQUARE)))
    assert fences.settle(center=None, radius_m=100, area=text.encode()).area
    with pytest.raises(InvalidFenceError):
        fences.settle(center=None, radius_m=100, area=b"\xff{}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not GeoJSON"),
        ("no json", "not GeoJSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"type": "Polygon", "coordinates": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"type": "Polygon", "coordinates": [[[NaN, 1], [2, 1], [2, 2], [NaN, 1]]]}', "NaN is no number"),
        ('{"type": "Polygon", "coordinates": [[[-Infinity, 1], [2, 1], [2, 2], [1, 1]]]}', "no number"),
        ('{"type": "Polygon", "coordinates": [[[1e400, 1], [2, 1], [2, 2], [1e400, 1]]]}', "too large"),
        (
            '{"type": "Polygon", "coordinates": [[[' + "9" * 5_000 + ", 1], [2, 1], [2, 2], [1, 1]]]}",
            "too many",
        ),
        ('{"type": "Polygon", "type": "Polygon", "coordinates": []}', "there twice"),
        ("null", "no GeoJSON object"),
        ('"Polygon"', "no GeoJSON object"),
        ("{", "not GeoJSON"),
    ],
)
def test_text_that_is_no_area_is_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidFenceError, match=says) as refused:
        fences.settle(center=None, radius_m=100, area=text)
    assert refused.value.field == "area"


@pytest.mark.parametrize(
    ("center", "radius_m", "field"),
    [
        ((181, 0), 100, "center"),
        ((5, 90.1), 100, "center"),
        ((9.19, -95.8), 100, "center"),
        ((math.nan, 52), 100, "center"),
        ((5, math.inf), 100, "center"),
        ((0, 0), 100, "center"),
        ((0.000006, 0.000006), 100, "center"),
        (None, 100, "center"),
        ((5, 52), 0, "radius_m"),
        ((5, 52), -1, "radius_m"),
        ((5, 52), 100_000.1, "radius_m"),
        ((5, 52), math.nan, "radius_m"),
        ((5, 52), math.inf, "radius_m"),
    ],
)
def test_circle_that_is_none_is_refused(
    center: tuple[float, float] | None, radius_m: float, field: str
) -> None:
    with pytest.raises(InvalidFenceError) as refused:
        fences.settle(center=Point(*center) if center else None, radius_m=radius_m)
    assert list(refused.value.fields) == [field]


def test_circle_is_wrapped() -> None:
    fence = fences.settle(center=Point(180.2, -18.6), radius_m=100)
    assert fence.center.coords == (-179.8, -18.6)
    assert fences.settle(center=Point(0.00001, 0), radius_m=100).center.coords == (0.00001, 0)


def test_hexagon_over_the_date_line_has_its_centre_there() -> None:
    drawn, wrapped = (
        settle(each) for each in published() if "hexagon" in each.name or "wrapped" in each.name
    )
    assert drawn == wrapped
    assert abs(math.remainder(drawn.center.x - 180, 360)) < 1e-6
    assert drawn.center.y == pytest.approx(-18.623, abs=1e-3)
    assert drawn.size_m2 == pytest.approx(779.2e6, rel=1e-3)
    assert all(abs(longitude) <= 180 for longitude, _ in drawn.area.coords[0])


def test_halves_are_stored_as_the_one_area_that_was_cut() -> None:
    [halves] = [settle(each) for each in published() if "cut in two" in each.name]
    assert halves.area.equals_exact(fences.settle(center=None, radius_m=100, area=polygon(FIJI)).area)


def test_a_hole_over_the_cut_is_one_hole() -> None:
    [given] = [each for each in TAKEN if each.name == "halves with a hole over the cut"]
    fence = settle(given)
    whole = polygon(box(179.99, 10, 180.01, 10.02), box(179.995, 10.005, 180.005, 10.015)[::-1])
    assert fence.size_m2 == pytest.approx(fences.settle(center=None, radius_m=1, area=whole).size_m2)
    assert len(fence.area) == 2


@pytest.mark.parametrize("given", TAKEN, ids=[each.name for each in TAKEN])
def test_what_is_stored_can_be_given_again(given: Given) -> None:
    """As the form holds it, as the API answers it, and as it is stored."""
    fence = settle(given)
    location = locations.add_location(
        name="Yard", kind="STORAGE", area=given.area, confirm_large=True, actor=None
    )
    stored = Location.objects.annotate(cut=geojson.geometry(geojson.CutAtTheDateLine("area"), digits=9)).get()
    assert stored.area.equals_exact(fence.area)
    assert location.center.coords == pytest.approx(stored.center.coords, abs=1e-9)
    for area in (geojson.drawn_text(stored.area), stored.cut, stored.area):
        again = fences.settle(center=stored.center, radius_m=100, area=area)
        assert again.size_m2 == pytest.approx(fence.size_m2, rel=1e-6, abs=0.01)
        assert again.area.num_points == fence.area.num_points


def test_api_shows_an_area_over_the_date_line_in_two_parts() -> None:
    locations.add_location(name="Yard", kind="STORAGE", area=polygon(FIJI), confirm_large=True, actor=None)
    cut = Location.objects.values_list(geojson.geometry(geojson.CutAtTheDateLine("area")), flat=True).get()
    assert cut["type"] == "MultiPolygon"
    spans = [sorted({longitude for longitude, _ in part[0]}) for part in cut["coordinates"]]
    assert sorted(spans) == [[-180, -179.9], [179.9, 180]]


@pytest.mark.parametrize(
    ("box_", "found"),
    [
        ((179, -19, 179.95, -18), True),
        ((-179.95, -19, -179, -18), True),
        ((179, -19, -179, -18), True),
        ((179.99, -18.6, -179.99, -18.55), True),
        ((-60, -19, -40, -18), False),
        ((0, -19, 20, -18), False),
        ((170, -19, 179, -18), False),
        ((-179, -19, -170, -18), False),
        ((-180, -90, 180, 90), True),
        ((-180, -19, 0, -18), True),
        ((160, -17, -160, -10), False),
    ],
)
@pytest.mark.parametrize("shape", ["area", "circle"])
def test_box_finds_what_crosses_the_date_line_where_it_is(
    box_: tuple[float, ...], found: bool, shape: str
) -> None:
    values = {"area": polygon(FIJI)} if shape == "area" else {"center": Point(180, -18.6), "radius_m": 10_000}
    locations.add_location(name="Yard", kind="STORAGE", confirm_large=True, actor=None, **values)
    rows = geojson.in_box(Location.objects.all(), "fence", geojson.Box(*box_))
    assert rows.exists() is found


@pytest.mark.parametrize("latitude", [90, -90, 89.9])
def test_box_finds_a_circle_around_a_pole(latitude: float) -> None:
    locations.add_location(
        name="Station", kind="STORAGE", center=Point(0, latitude), radius_m=50_000, actor=None
    )
    for west in (-170, -20, 0, 100):
        for width in (5, 60):
            south, north = (89.99, 90) if latitude > 0 else (-90, -89.99)
            rows = geojson.in_box(
                Location.objects.all(), "fence", geojson.Box(west, south, west + width, north)
            )
            assert rows.exists(), (west, width)
    assert not geojson.in_box(Location.objects.all(), "fence", geojson.Box(-180, -80, 180, 80)).exists()


class TestServices:
    def test_large_area_is_confirmed_once(self) -> None:
        area = polygon(box(5, 52, 5.08, 52.06))
        with pytest.raises(InvalidValuesError, match=r"37 km². Is it meant to be so large\? .*confirm_large"):
            locations.add_location(name="Yard", kind="STORAGE", area=area, actor=None)
        location = locations.add_location(
            name="Yard", kind="STORAGE", area=area, confirm_large=True, actor=None
        )
        locations.change_location(location=location, name="Port", actor=None)
        locations.change_location(location=location, area=area, actor=None)
        with pytest.raises(InvalidValuesError, match="confirm_large"):
            locations.change_location(location=location, area=polygon(box(5, 52, 5.09, 52.06)), actor=None)
        locations.change_location(location=location, area=polygon(SQUARE), actor=None)

    def test_area_just_below_the_limit_is_not_asked_about(self) -> None:
        locations.add_location(
            name="Yard", kind="STORAGE", area=polygon(box(0.01, 0.01, 0.0548, 0.0549)), actor=None
        )
        assert Location.objects.get().entry_radius_m == pytest.approx(math.sqrt(24.76e6 / math.pi), rel=1e-2)

    def test_centre_of_an_area_that_is_changed_alone_stays_its_own(self) -> None:
        location = locations.add_location(name="Yard", kind="STORAGE", area=polygon(SQUARE), actor=None)
        locations.change_location(location=location, center=Point(5.195, 52.195), actor=None)
        assert Location.objects.get().center.coords == pytest.approx((5.2, 52.2), abs=1e-4)
        with pytest.raises(InvalidValuesError) as refused:
            locations.change_location(location=location, center=Point(6, 52.2), actor=None)
        assert list(refused.value.fields) == ["center"]

    def test_area_that_is_moved_takes_its_centre_along(self) -> None:
        location = locations.add_location(name="Yard", kind="STORAGE", area=polygon(SQUARE), actor=None)
        moved = locations.change_location(
            location=location, area=polygon(box(6.19, 52.19, 6.21, 52.21)), actor=None
        )
        assert moved.center.x == pytest.approx(6.2, abs=1e-4)

    def test_area_that_is_taken_out_leaves_a_circle(self) -> None:
        location = locations.add_location(name="Yard", kind="STORAGE", area=polygon(SQUARE), actor=None)
        changed = locations.change_location(location=location, area=None, actor=None)
        assert (changed.area, changed.center.x) == (None, pytest.approx(5.2, abs=1e-4))
        with pytest.raises(InvalidValuesError, match="draw an area"):
            locations.change_location(location=location, center=None, actor=None)

    def test_polygons_from_python_are_held_to_the_same(self) -> None:
        crossing = Polygon(((179.9, -18.7), (180.01, -18.7), (180.01, -18.69), (179.9, -18.7)), srid=4326)
        locations.add_location(name="Yard", kind="STORAGE", area=crossing, actor=None)
        assert Location.objects.get().area.extent[0] == -179.99
        with pytest.raises(InvalidValuesError) as refused:
            locations.add_location(name="Yard", kind="STORAGE", area=Polygon(), actor=None)
        assert list(refused.value.fields) == ["area"]


class TestDatabase:
    def test_holds_the_number_of_corners(self) -> None:
        turns = [number / 400 for number in range(2_001)]
        corners = [(5 + math.cos(turn) / 100, 52 + math.sin(turn) / 100) for turn in turns]
        area = Polygon((*corners, corners[0]))
        with pytest.raises(IntegrityError, match="at_most_2000_corners"), transaction.atomic():
            StorageFactory(area=area)

    def test_holds_that_an_area_has_a_size(self) -> None:
        with pytest.raises(IntegrityError, match="of_some_size"), transaction.atomic():
            StorageFactory(area=Polygon(((5, 52), (5, 52), (5, 52), (5, 52))))

    def test_holds_that_a_centre_is_on_the_globe(self) -> None:
        with pytest.raises(IntegrityError, match="center_on_the_globe"), transaction.atomic():
            StorageFactory(center=Point(math.nan, math.nan))
