"""Laws of fences: nothing that is given breaks them, and PostGIS finds the same places in an area as arithmetic that
knows nothing of it, anywhere on the globe.
"""

import json
import math
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from django.contrib.gis.geos import Polygon
from hypothesis import given
from hypothesis import strategies as st

from locations import fences, matching
from locations.fences import InvalidFenceError
from locations.matching import Point
from locations.models import Location
from locations.services import locations
from tests.factories import RunFactory
from tests.laws import law
from tests.locations.given_areas import FIJI, SQUARE, TAKEN, polygon

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, tzinfo=UTC)
METRES_PER_DEGREE = 111_195

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-400, 400)
    | st.integers(10**300, 10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["Polygon", "MultiPolygon", "Feature", "FeatureCollection", "GeometryCollection", "Point"]
    )
)
NAMES = st.sampled_from(
    ["type", "coordinates", "geometry", "features", "geometries", "bbox", "crs", "properties"]
)
RUBBISH = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(value=RUBBISH)
@law(1_000)
def test_rubbish_is_refused_by_its_field(value: Any) -> None:
    settle_or_refuse(value)
    if isinstance(value, str):
        return
    settle_or_refuse(json.dumps(value))


@st.composite
def damaged(draw: Any) -> Any:
    """An area that is right but for one value somewhere."""
    area = json.loads(
        json.dumps(draw(st.sampled_from([polygon(SQUARE), polygon(FIJI), *(it.area for it in TAKEN)])))
    )
    at: Any = area
    while True:
        keys = [*at] if isinstance(at, dict) else [*range(len(at))]
        key = draw(st.sampled_from(keys))
        if not isinstance(at[key], list | dict) or not at[key] or draw(st.integers(0, 3)) == 0:
            at[key] = draw(RUBBISH | st.floats(-400, 400))
            return area
        at = at[key]


@given(area=damaged())
@law(1_000)
def test_area_with_one_wrong_value_is_taken_or_refused_by_its_field(area: Any) -> None:
    settle_or_refuse(area)


def settle_or_refuse(area: Any) -> None:
    with suppress(InvalidFenceError):
        fence = fences.settle(center=None, radius_m=100, area=area)
        if area is not None:
            assert fence.area
            assert 1 <= fence.size_m2 <= 10_000e6
            assert all(abs(lon) <= 180 and abs(lat) <= 90 for ring in fence.area.coords for lon, lat in ring)


class Star(NamedTuple):
    """An area around a centre, its corners and places to look at as (east, north) in metres of the plane there."""

    longitude: float
    latitude: float
    radius_m: float
    corners: list[tuple[float, float]]
    places: list[tuple[float, float]]
    written: str

    def position(self, east_m: float, north_m: float) -> tuple[float, float]:
        """Its longitude may lie beyond ±180."""
        narrowed = math.cos(math.radians(self.latitude))
        return (
            self.longitude + east_m / METRES_PER_DEGREE / narrowed,
            self.latitude + north_m / METRES_PER_DEGREE,
        )

    def ring(self) -> list[list[float]]:
        found = [[*self.position(*corner)] for corner in self.corners]
        return [*found, found[0]]

    def bend_m(self) -> float:
        """How far a great circle leaves the straight line between two corners, at most."""
        longest_m = 2 * self.radius_m
        return longest_m**2 / (8 * 6_371_000) * math.tan(math.radians(abs(self.latitude) + 0.1)) + 0.5


@st.composite
def stars(draw: Any) -> Star:
    longitude = draw(st.floats(-180, 180) | st.floats(179.99, 180) | st.floats(-180, -179.99))
    latitude = draw(st.floats(-84, 84))
    radius_m = draw(st.floats(50, 5_000))
    number = draw(st.integers(3, 12))
    shares = draw(st.lists(st.floats(0.2, 1), min_size=number, max_size=number))
    corners = [
        (
            radius_m * share * math.cos(2 * math.pi * index / number),
            radius_m * share * math.sin(2 * math.pi * index / number),
        )
        for index, share in enumerate(shares)
    ]
    offset = st.floats(-1.2, 1.2).map(lambda share: share * radius_m)
    places = draw(st.lists(st.tuples(offset, offset), min_size=20, max_size=20))
    written = draw(st.sampled_from(["goes on", "wrapped", "a turn on", "in halves", "clockwise"]))
    return Star(longitude, latitude, radius_m, corners, places, written)


def written(star: Star) -> dict[str, Any]:
    ring = star.ring()
    if star.written == "wrapped":
        ring = [[wrapped(lon), lat] for lon, lat in ring]
    if star.written == "a turn on":
        ring = [[lon + (360 if star.longitude < 0 else -360), lat] for lon, lat in ring]
    if star.written == "clockwise":
        ring = ring[::-1]
    if star.written == "in halves":
        return halves(ring)
    return polygon(ring)


def halves(ring: list[list[float]]) -> dict[str, Any]:
    """Cut at the date line; one polygon if it does not come there."""
    whole = Polygon(ring)
    parts = []
    for turn in (-360, 0, 360):
        part = whole.intersection(Polygon.from_bbox((-180 + turn, -90, 180 + turn, 90)))
        pieces = [part] if isinstance(part, Polygon) else [*part]
        parts += [
            [[[lon - turn, lat] for lon, lat in corners] for corners in piece.coords]
            for piece in pieces
            if isinstance(piece, Polygon) and piece.area
        ]
    return {"type": "MultiPolygon", "coordinates": parts}


def wrapped(longitude: float) -> float:
    return longitude - 360 * round(longitude / 360)


def is_inside(star: Star, east_m: float, north_m: float) -> bool | None:
    """By the even number of edges that a ray crosses; None where the edge is too near to tell."""
    inside = False
    for (ax, ay), (bx, by) in zip(star.corners, [*star.corners[1:], star.corners[0]], strict=True):
        along = ((east_m - ax) * (bx - ax) + (north_m - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
        along = min(1.0, max(0.0, along))
        away_m = math.hypot(east_m - ax - along * (bx - ax), north_m - ay - along * (by - ay))
        if away_m < star.bend_m():
            return None
        if (ay > north_m) != (by > north_m) and east_m < ax + (north_m - ay) / (by - ay) * (bx - ax):
            inside = not inside
    return inside


@given(star=stars())
@law(300)
def test_places_in_an_area_are_those_that_arithmetic_finds(star: Star) -> None:
    run = RunFactory()
    values = {"kind": "STORAGE", "runs": [run], "active_from": None, "confirm_large": True, "actor": None}
    location = locations.add_location(name="Yard", area=written(star), **values)
    expected = [is_inside(star, *place) for place in star.places]
    positions = [star.position(*place) for place in star.places]
    points = [Point(run.pk, NOW, wrapped(lon), lat, 0.0) for lon, lat in positions]
    found = {it.point for it in matching.match(points) if it.inside}
    told = {index for index, inside in enumerate(expected) if inside}
    unsure = {index for index, inside in enumerate(expected) if inside is None}
    assert found - unsure == told
    stored = Location.objects.get(pk=location.pk)
    away_m = (
        math.hypot(
            math.remainder(stored.center.x - star.longitude, 360) * math.cos(math.radians(star.latitude)),
            stored.center.y - star.latitude,
        )
        * METRES_PER_DEGREE
    )
    assert away_m <= star.radius_m * 1.01 + 1
