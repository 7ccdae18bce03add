"""The arithmetic of areas on the globe: longitudes that go on over the date line, and the plane in which great circles
are straight. Pure. Degrees, if not said otherwise.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from locations.areas.errors import AreaError
from locations.areas.reading import Position, Ring

# Maps write longitudes near the date line as 180.2 or -180.2; half a degree is taken, more is a mistake.
MAX_CENTRE_LONGITUDE = 180.5
# An edge is the shorter way between two corners; of those on opposite sides of the globe there is none.
MAX_EDGE_DEG = 179.0
# From the middle of an area to its farthest corner: 5,000 km. Beyond, no plane shows it.
MAX_REACH_DEG = 45.0
# A tenth of a millimetre: what is closer to a pole lies on it.
_AT_POLE_DEG = 1e-9

# What a turn of the map leaves of a longitude: a hundredth of a millimetre, without the noise of the addition.
_DIGITS = 10

Vector = tuple[float, float, float]


class Extent(NamedTuple):
    """West and east may lie beyond ±180; west <= east."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, longitude: float, latitude: float, *, margin: float) -> bool:
        """Whether the place lies in it, on whichever turn of the map its longitude is."""
        turned = longitude + 360 * math.ceil((self.west - margin - longitude) / 360)
        is_beside = turned <= self.east + margin
        return is_beside and self.south - margin <= latitude <= self.north + margin

    def widened(self, longitude: float, latitude: float) -> "Extent":
        """So that it holds this place too."""
        middle = (self.west + self.east) / 2
        near = middle + math.remainder(longitude - middle, 360)
        return Extent(
            min(self.west, near), min(self.south, latitude), max(self.east, near), max(self.north, latitude)
        )


class Plane(NamedTuple):
    """The gnomonic projection around a middle: great circles are straight lines in it, over the date line too."""

    middle: Vector
    east: Vector
    north: Vector

    def project(self, position: Sequence[float]) -> tuple[float, float]:
        vector = vector_of(position[0], position[1])
        depth = _dot(vector, self.middle)
        return _dot(vector, self.east) / depth, _dot(vector, self.north) / depth

    def unproject(self, x: float, y: float) -> Position:
        east, north, up = (
            self.middle[axis] + x * self.east[axis] + y * self.north[axis] for axis in range(3)
        )
        return Position(
            math.degrees(math.atan2(north, east)), math.degrees(math.atan2(up, math.hypot(east, north)))
        )


def wrapped(longitude: float) -> float:
    """A longitude within -180 to 180."""
    return longitude if -180 <= longitude <= 180 else round((longitude + 180) % 360 - 180, _DIGITS)


def unrolled(positions: Sequence[Sequence[float]]) -> list[Position]:
    """The same ring with longitudes that go on over the date line: each edge is the shorter way."""
    longitude, latitude = positions[0][:2]
    found = [Position(longitude, latitude)]
    for longitude, latitude, *_ in positions[1:]:
        before = found[-1].longitude
        step = longitude - before
        turns = 0 if abs(step) <= 180 else round(step / 360)
        found.append(Position(longitude - 360 * turns, latitude))
    return found


def settled(rings: Sequence[Sequence[Sequence[float]]]) -> list[list[Position]]:
    """Rings on the one turn of the map where the middle of the outline is within ±180, the holes beside it."""
    outline, *holes = [unrolled(ring) for ring in rings]
    extent = extent_of(outline)
    middle = (extent.west + extent.east) / 2
    shift = -360 * math.floor((middle + 180) / 360)
    middle += shift
    beside = [_shifted(hole, 360 * round((middle - hole[0].longitude) / 360)) for hole in holes]
    return [_shifted(outline, shift), *beside]


def extent_of(positions: Sequence[Position]) -> Extent:
    longitudes = [position.longitude for position in positions]
    latitudes = [position.latitude for position in positions]
    return Extent(min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def plane_of(rings: Sequence[Ring]) -> Plane:
    """The plane in which an area can be looked at. Raises AreaError where there is none: its edges must be the shorter
    way between two corners, and all of it near its middle."""
    for ring in rings:
        _refuse_opposite(ring)
    vectors = [vector_of(*position) for position in rings[0].positions[:-1]]
    total = tuple(math.fsum(vector[axis] for vector in vectors) for axis in range(3))
    length = math.hypot(*total)
    middle: Vector = (
        (total[0] / length, total[1] / length, total[2] / length) if length > 1e-9 else vectors[0]
    )
    for ring in rings:
        for position in ring.positions:
            if _angle_deg(middle, vector_of(*position)) > MAX_REACH_DEG:
                raise AreaError("The area reaches around half of the globe: draw a smaller one.", *ring.path)
    flat = math.hypot(middle[0], middle[1])
    east: Vector = (-middle[1] / flat, middle[0] / flat, 0.0) if flat > 1e-9 else (0.0, 1.0, 0.0)
    return Plane(middle, east, _cross(middle, east))


def refuse_poles(rings: Sequence[Ring]) -> None:
    """Maps that people draw on have no poles: an area may come near one, not around it. Raises AreaError."""
    for ring in rings:
        found = unrolled(ring.positions)
        steps = [abs(after.longitude - before.longitude) for before, after in pairwise(found)]
        at_pole = any(90 - abs(position.latitude) <= _AT_POLE_DEG for position in found)
        over_pole = max(steps) >= 180 - _AT_POLE_DEG
        around = abs(found[-1].longitude - found[0].longitude) > 1
        extent = extent_of(found)
        if at_pole or over_pole or around or extent.east - extent.west >= 180:
            raise AreaError("The area lies around or at a pole: give a circle there.", *ring.path)


def vector_of(longitude: float, latitude: float) -> Vector:
    """The place on a sphere of radius 1."""
    at, up = math.radians(longitude), math.radians(latitude)
    return math.cos(up) * math.cos(at), math.cos(up) * math.sin(at), math.sin(up)


def _refuse_opposite(ring: Ring) -> None:
    for number, (one, other) in enumerate(pairwise(ring.positions)):
        if abs(other.longitude - one.longitude) >= 360 - _AT_POLE_DEG:
            raise AreaError("The area goes around the globe: draw a smaller one.", *ring.path, number)
        if _angle_deg(vector_of(*one), vector_of(*other)) >= MAX_EDGE_DEG:
            raise AreaError(
                "The next corner is on the other side of the globe: draw a smaller area.", *ring.path, number
            )


def _shifted(positions: Sequence[Position], by: float) -> list[Position]:
    if not by:
        return list(positions)
    return [Position(round(longitude + by, _DIGITS), latitude) for longitude, latitude in positions]


def _angle_deg(one: Vector, other: Vector) -> float:
    return math.degrees(math.atan2(math.hypot(*_cross(one, other)), _dot(one, other)))


def _dot(one: Vector, other: Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _cross(one: Vector, other: Vector) -> Vector:
    return (
        one[1] * other[2] - one[2] * other[1],
        one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    )
