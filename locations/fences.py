"""The one place that decides which fence is stored for what was given: for form, API, import and replay alike.

A fence is valid on the globe, not in the plane: its edges are great circles, and it may cross the date line. Longitudes
are wrapped, heights dropped, the two halves of an area that is cut at the date line (RFC 7946, 3.1.9) joined.
"""

import math
from typing import NamedTuple

from django.contrib.gis.geos import Point, Polygon

from foundation import bulk, sql
from foundation.errors import InvalidValuesError
from locations.areas import globe, joining, reading, shaping
from locations.areas.errors import AreaError
from locations.areas.globe import MAX_CENTRE_LONGITUDE, Extent
from locations.models import MAX_AREA_M2, MAX_RADIUS_M

MEASURE_AREA = sql.load("locations/measure_area")

# From this size on, somebody has to say that it is meant: few sites are that large, and a slip of the hand easily is.
LARGE_AREA_M2 = 25e6
MIN_AREA_M2 = 1.0
# A centre has as many digits as a form shows.
_CENTRE_MARGIN_DEG = 1e-5
# Within a metre of 0°, 0°, where nothing is and where data without a position ends.
_NOWHERE_DEG = 1 / 111_195


class InvalidFenceError(InvalidValuesError):
    """No fence can be made of what was given. path: where in the area's GeoJSON, empty for all of it."""

    def __init__(self, field: str, message: str, path: str = "") -> None:
        super().__init__({field: f"{message} (at {path})" if path else message})
        self.field = field
        self.said = message
        self.path = path


class Fence(NamedTuple):
    """As it is stored. center: of an area its own; size_m2: of the area, on the spheroid, 0 for a circle."""

    center: Point
    area: Polygon | None
    size_m2: float

    @property
    def is_large(self) -> bool:
        """So large that it is asked about."""
        return self.size_m2 >= LARGE_AREA_M2


class Measured(NamedTuple):
    size_m2: float
    longitude: float
    latitude: float


def settle(*, center: Point | None, radius_m: float, area: object = None) -> Fence:
    """The fence to be stored: the area where one is given, otherwise a circle of `radius_m` around the centre.

    area: GeoJSON, as a text or parsed, or a polygon. A centre that is given with an area must lie within the area's
    extent and is then replaced by the area's own. Raises InvalidFenceError, which names the field.
    """
    refuse_radius(radius_m)
    if center is not None:
        center = _settled_center(center)
    if area is None:
        return Fence(_center_of_circle(center), None, 0.0)
    try:
        return _settled_area(area, center)
    except AreaError as error:
        raise InvalidFenceError("area", error.message, error.path) from error


def refuse_radius(radius_m: float) -> None:
    """Raise InvalidFenceError for a radius that no circle can have."""
    if not 0 < radius_m <= MAX_RADIUS_M:
        raise InvalidFenceError("radius_m", f"More than 0 and at most {MAX_RADIUS_M:,} metres.")


def refuse_unconfirmed(fence: Fence) -> None:
    """Raise InvalidFenceError for an area so large that somebody has to confirm it first."""
    if fence.is_large:
        raise InvalidFenceError("area", f"{large_area(fence.size_m2)} Confirm it with confirm_large.")


def large_area(size_m2: float) -> str:
    """What is asked before a large area is stored."""
    return f"The area is {size_m2 / 1e6:,.0f} km². Is it meant to be so large?"


def _settled_center(center: Point) -> Point:
    longitude, latitude = center.x, center.y
    if not (abs(longitude) <= MAX_CENTRE_LONGITUDE and abs(latitude) <= 90):
        message = "Longitudes go from -180 to 180, latitudes from -90 to 90"
        is_swapped = abs(latitude) <= MAX_CENTRE_LONGITUDE and abs(longitude) <= 90
        swapped = ": latitude and longitude seem to be swapped" if is_swapped else ""
        raise InvalidFenceError("center", f"{message}{swapped}.")
    return Point(globe.wrapped(longitude), latitude, srid=4326)


def _center_of_circle(center: Point | None) -> Point:
    if center is None:
        raise InvalidFenceError("center", "Give the centre of a circle, or draw an area.")
    if math.hypot(center.x, center.y) <= _NOWHERE_DEG:
        raise InvalidFenceError(
            "center", "0°, 0° is no place, but what is left of a missing one: give the centre."
        )
    return center


def _settled_area(given: object, center: Point | None) -> Fence:
    areas = reading.read_areas(_geojson_of(given) if isinstance(given, Polygon) else given)
    rings = joining.joined(areas)
    reading.refuse_corners(sum(len(ring.positions) - 1 for ring in rings))
    plane = globe.plane_of(rings)
    globe.refuse_poles(rings)
    positions = globe.settled([ring.positions for ring in rings])
    drawn = shaping.valid_polygon(positions, plane)
    area = Polygon(*([(globe.wrapped(x), y) for x, y in ring] for ring in drawn), srid=4326)
    [measured] = bulk.fetch_rows(MEASURE_AREA, {"area": area.hexewkb.decode()}, Measured)
    if measured.size_m2 < MIN_AREA_M2:
        raise AreaError(f"The area has no size: it is smaller than {MIN_AREA_M2:g} m².")
    if center is not None:
        _refuse_center_outside(
            center, globe.extent_of(drawn[0]).widened(measured.longitude, measured.latitude)
        )
    if measured.size_m2 > MAX_AREA_M2:
        size = f"{measured.size_m2 / 1e6:,.0f} km²"
        raise AreaError(f"The area is {size}, more than {MAX_AREA_M2 / 1e6:,.0f} km²: draw a smaller one.")
    return Fence(Point(measured.longitude, measured.latitude, srid=4326), area, measured.size_m2)


def _refuse_center_outside(center: Point, extent: Extent) -> None:
    if extent.holds(center.x, center.y, margin=_CENTRE_MARGIN_DEG):
        return
    if extent.holds(center.y, center.x, margin=_CENTRE_MARGIN_DEG):
        raise AreaError(
            "Latitude and longitude seem to be swapped: the centre lies in the area only if they are exchanged."
            " GeoJSON writes the longitude first."
        )
    raise InvalidFenceError(
        "center", "The centre lies outside of the area: leave it out, or give one that lies in the area."
    )


def _geojson_of(polygon: Polygon) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [list(ring.coords) for ring in polygon] if polygon else []}
