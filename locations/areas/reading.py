"""GeoJSON as people have it, read into the rings of areas. Pure.

A polygon by itself, in a Feature, or alone in a FeatureCollection or MultiPolygon; as a text or parsed already. Heights
and measures are dropped. What is no area says what to do instead.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from foundation import strict_json
from locations.areas.errors import AreaError, PathPart

MAX_CORNERS = 2_000
# Maps that go on over the date line write longitudes beyond 180; more than one turn of them is a mistake.
MAX_LONGITUDE = 540

# What 180.164609 and -179.835391 differ by in floating point, and more.
_SAME_DEG = 1e-9

# GeoJSON in WGS 84, as files still name it although it is the only one allowed.
_WGS84 = re.compile(r"(?i)(CRS:?84|EPSG:{1,2}4326|.*:OGC:.*:CRS84|.*:EPSG:.*:4326)")
_MEMBERS = {
    "Polygon": {"type", "coordinates", "bbox", "crs"},
    "MultiPolygon": {"type", "coordinates", "bbox", "crs"},
}
# What an object can't have beside what it holds: two shapes, of which one would be ignored.
_OTHER_SHAPES = {"Feature": {"coordinates", "features", "geometries"}}
_OTHER_SHAPES["FeatureCollection"] = {"coordinates", "geometry", "geometries"}
_INSTEAD = {
    "Point": "A point has no size: give a centre and a radius for a circle, or draw a polygon",
    "MultiPoint": "Points have no size: draw a polygon",
    "LineString": "A line has no size: draw a polygon",
    "MultiLineString": "Lines have no size: draw a polygon",
    "GeometryCollection": "A GeometryCollection is not taken: give the one polygon that is meant",
}
_EXPECTED = "Give a GeoJSON polygon, such as one that is drawn on the map"


class Position(NamedTuple):
    """Degrees; a longitude may lie beyond ±180 as far as MAX_LONGITUDE."""

    longitude: float
    latitude: float


class Ring(NamedTuple):
    """A closed ring as it was given, and where it stands in the GeoJSON."""

    positions: list[Position]
    path: tuple[PathPart, ...]


# The outline, then the holes.
Rings = list[Ring]


def read_areas(given: object) -> list[Rings]:
    """The areas that a GeoJSON text or value holds: one, or the parts of one that is cut at the date line.

    Raises AreaError.
    """
    value = _parsed(given) if isinstance(given, str | bytes) else given
    found = list(_polygons(value, ()))
    if not found:
        raise AreaError(f"There is no polygon in it. {_EXPECTED}.")
    refuse_corners(sum(_corners(coordinates) for coordinates, _ in found))
    return [_rings(coordinates, path) for coordinates, path in found]


def refuse_corners(number: int) -> None:
    """Raise AreaError for more corners than an area may have; the repeated last one of each ring is not counted."""
    if number > MAX_CORNERS:
        raise AreaError(f"It has {number:,} corners, more than {MAX_CORNERS:,}: simplify it.")


def _corners(coordinates: object) -> int:
    rings = coordinates if isinstance(coordinates, list | tuple) else ()
    return sum(max(len(ring) - 1, 0) for ring in rings if isinstance(ring, list | tuple))


def _parsed(text: str | bytes) -> object:
    """A byte order mark is what some editors put before a text, and nobody sees it."""
    try:
        written = text.decode("utf-8") if isinstance(text, bytes) else text
        return strict_json.decode(written.removeprefix("\ufeff"))
    except strict_json.UnfitJsonError as error:
        raise AreaError(f"The area can't be used: {error.message}. {_EXPECTED}.") from None
    except ValueError as error:
        said = error.msg if isinstance(error, json.JSONDecodeError) and not error.pos else error
        raise AreaError(f"This is not GeoJSON ({said}). {_EXPECTED}.") from None


def _polygons(value: object, path: tuple[PathPart, ...]) -> Iterator[tuple[Any, tuple[PathPart, ...]]]:
    """The coordinates of each polygon in a GeoJSON object, and where they stand."""
    if not isinstance(value, Mapping):
        raise AreaError(f"This is no GeoJSON object. {_EXPECTED}.", *path)
    kind = value.get("type")
    _check_reference_system(value.get("crs"), path)
    _check_members(kind, value, path)
    match kind:
        case "Polygon":
            yield value["coordinates"], (*path, "coordinates")
        case "MultiPolygon":
            inner = (*path, "coordinates")
            for number, coordinates in enumerate(_listed(value["coordinates"], inner, "polygons")):
                yield coordinates, (*inner, number)
        case "Feature":
            if value.get("geometry") is None:
                raise AreaError(f"The feature has no geometry. {_EXPECTED}.", *path)
            yield from _geometry(value["geometry"], (*path, "geometry"))
        case "FeatureCollection":
            inner = (*path, "features")
            for number, feature in enumerate(_listed(value.get("features"), inner, "features")):
                if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
                    raise AreaError("This is no feature.", *inner, number)
                yield from _polygons(feature, (*inner, number))
        case _:
            said = (
                _INSTEAD.get(kind, f"{_EXPECTED}, not {_shown(kind)}") if isinstance(kind, str) else _EXPECTED
            )
            raise AreaError(f"{said}.", *path)


def _geometry(value: object, path: tuple[PathPart, ...]) -> Iterator[tuple[Any, tuple[PathPart, ...]]]:
    """A feature holds a geometry, and no further feature."""
    if isinstance(value, Mapping) and value.get("type") in ("Feature", "FeatureCollection"):
        raise AreaError("A feature holds a geometry, not a feature.", *path)
    yield from _polygons(value, path)


def _check_members(kind: object, value: Mapping[str, Any], path: tuple[PathPart, ...]) -> None:
    if not isinstance(kind, str):
        return
    members = value.keys()
    if kind in _MEMBERS:
        if "coordinates" not in value:
            raise AreaError("It has no coordinates.", *path)
        if unknown := sorted(str(name) for name in members - _MEMBERS[kind]):
            raise AreaError(f"A {kind} has no {_shown(unknown[0])}: take it out.", *path)
        box = value.get("bbox")
        if "bbox" in value and not (
            isinstance(box, list) and len(box) in (4, 6) and all(map(_is_number, box))
        ):
            raise AreaError("A bbox is four or six numbers: take it out, it is not needed.", *path)
    elif second := sorted(members & _OTHER_SHAPES.get(kind, set())):
        raise AreaError(f"A {kind} has no {_shown(second[0])}: take it out.", *path)


def _check_reference_system(crs: object, path: tuple[PathPart, ...]) -> None:
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else crs
    if not (isinstance(name, str) and _WGS84.fullmatch(name)):
        raise AreaError(
            f"Its coordinates are in {_shown(name)}: export it in WGS 84 (EPSG:4326), in degrees.", *path
        )


def _rings(coordinates: object, path: tuple[PathPart, ...]) -> Rings:
    given = _listed(coordinates, path, "rings")
    return [_ring(ring, (*path, number)) for number, ring in enumerate(given)]


def _ring(given: object, path: tuple[PathPart, ...]) -> Ring:
    positions = [
        _position(position, (*path, number))
        for number, position in enumerate(_listed(given, path, "corners"))
    ]
    first, last = positions[0], positions[-1]
    if len(positions) < 4:
        raise AreaError("A ring has at least three corners, and ends with the first again.", *path)
    apart_deg = math.remainder(last.longitude - first.longitude, 360)
    if last.latitude != first.latitude or abs(apart_deg) > _SAME_DEG:
        raise AreaError("The ring is not closed: its last corner must be the first again.", *path)
    return Ring(positions, path)


def _position(given: object, path: tuple[PathPart, ...]) -> Position:
    if not isinstance(given, list | tuple) or not 2 <= len(given) <= 4:
        raise AreaError("A corner is [longitude, latitude].", *path)
    for value in given:
        if not _is_number(value):
            raise AreaError(f"{_shown(value)} is no number: write degrees as numbers, without quotes.", *path)
    longitude, latitude = given[:2]
    if not abs(latitude) <= 90:
        is_swapped = abs(latitude) <= MAX_LONGITUDE and abs(longitude) <= 90
        advice = "latitude and longitude seem to be swapped, GeoJSON writes the longitude first"
        raise AreaError(
            f"Latitudes go from -90 to 90, and {_shown(latitude)} is none"
            f"{f': {advice}' if is_swapped else ''}.",
            *path,
        )
    if not abs(longitude) <= MAX_LONGITUDE:
        raise AreaError(
            f"Longitudes go from -180 to 180, at most a turn beyond it, and {_shown(longitude)} is none.",
            *path,
        )
    return Position(float(longitude), float(latitude))


def _listed(value: object, path: tuple[PathPart, ...], what: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise AreaError(f"A list of {what} is missing here.", *path)
    return value


def _is_number(value: object) -> bool:
    """Also one that is too large for a coordinate, which is said elsewhere; a NaN is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and not _is_nan(value)


def _is_nan(value: int | float) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _shown(value: object) -> str:
    """Short enough for a message; a number of a thousand digits must not fail on the way."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**20:
        return "a number with too many digits"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
