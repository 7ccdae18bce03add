"""Whether rings make an area, as it is drawn and as it lies on the globe."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from django.contrib.gis.geos import Polygon

from locations.areas.errors import AreaError
from locations.areas.globe import Plane
from locations.areas.reading import Position

# GEOS writes a line to the log for each `valid` that is false, and none for the reason.
_VALID = "Valid Geometry"
Corners = list[tuple[float, float]]
_NO_SIZE = "The area has no size: give at least three corners that are not on one line."
_PLACE = re.compile(r"\[(\S+) (\S+)\]")
_OF_HOLES = {
    "Hole lies outside": "A hole lies outside of the area: take it out, or draw it inside",
    "Holes are nested": "A hole lies within another hole: take one of them out",
    "Interior is disconnected": "The holes cut the area in pieces: draw one piece",
    "Duplicate Rings": "A hole is as large as the area, or is there twice: take it out",
}


def valid_polygon(rings: Sequence[Sequence[Position]], plane: Plane) -> list[list[Position]]:
    """The rings without repeated corners, the outline counterclockwise and the holes clockwise.

    rings: closed, their longitudes going on over the date line. Raises AreaError if they make no area: as they are
    drawn, with straight edges on the map, or on the globe, with great circles.
    """
    cleaned = [_without_repeats(ring) for ring in rings]
    _refuse_invalid([_pairs(ring) for ring in cleaned], Position)
    projected = [[plane.project(position) for position in ring] for ring in cleaned]
    for ring in projected:
        ring[-1] = ring[0]
    _refuse_invalid(projected, plane.unproject)
    return [_turned(ring, left=number == 0) for number, ring in enumerate(cleaned)]


def _without_repeats(ring: Sequence[Position]) -> list[Position]:
    closed = [*ring[:-1], ring[0]]
    kept = [closed[0], *(after for before, after in pairwise(closed) if after != before)]
    if len(kept) < 4:
        raise AreaError(_NO_SIZE)
    return kept


def _refuse_invalid(rings: Sequence[Corners], place_of: Callable[[float, float], Position]) -> None:
    for number, ring in enumerate(rings):
        alone = Polygon(ring)
        if not isinstance(alone.convex_hull, Polygon):
            raise AreaError(_NO_SIZE)
        reason = alone.valid_reason
        if reason != _VALID:
            what = "A hole" if number else "The outline"
            where = _place(reason, place_of)
            raise AreaError(f"{what} crosses itself{where}: move its corners, so that no two edges meet.")
    reason = Polygon(*rings).valid_reason
    if reason != _VALID:
        said = next((text for start, text in _OF_HOLES.items() if reason.startswith(start)), None)
        said = said or "A hole crosses the outline or another hole: draw it inside"
        raise AreaError(f"{said}{_place(reason, place_of)}.")


def _place(reason: str, place_of: Callable[[float, float], Position]) -> str:
    found = _PLACE.search(reason)
    if not found:
        return ""
    longitude, latitude = place_of(float(found[1]), float(found[2]))
    return f", near latitude {latitude:.5f}, longitude {(longitude + 180) % 360 - 180:.5f}"


def _pairs(ring: Sequence[Position]) -> Corners:
    return [(position.longitude, position.latitude) for position in ring]


def _turned(ring: list[Position], *, left: bool) -> list[Position]:
    x, y = ring[0]
    doubled = sum(
        (before.longitude - x) * (after.latitude - y) - (after.longitude - x) * (before.latitude - y)
        for before, after in pairwise(ring)
    )
    return ring if (doubled > 0) == left else ring[::-1]
