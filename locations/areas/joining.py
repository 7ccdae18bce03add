"""The parts of an area that was cut at the date line, as RFC 7946 (3.1.9) has it, joined to one."""

import math
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import cast

from django.contrib.gis.geos import GEOSGeometry, Polygon
from django.contrib.gis.geos.error import GEOSException

from locations.areas import globe
from locations.areas.errors import AreaError
from locations.areas.reading import Position, Ring, Rings

# A tenth of a metre: what is closer to the date line was cut there.
_AT_DATE_LINE_DEG = 1e-6
_IN_LINE_DEG = 1e-8
_SEVERAL = (
    "There are {number} polygons, and an area is one: keep the one that is meant. Only the parts of an area that is cut"
    " at the date line are joined."
)


def joined(areas: Sequence[Rings]) -> Rings:
    """One area as it is; of several the one that they are together. Raises AreaError if they are none."""
    if len(areas) == 1:
        return areas[0]
    try:
        parts = [Polygon(*rings) for rings in _over_the_date_line(areas)]
        whole = reduce(lambda one, other: one.union(other), parts[1:], cast(GEOSGeometry, parts[0]))
    except GEOSException:
        raise AreaError("The parts of the area can't be joined: draw it as one.") from None
    if not isinstance(whole, Polygon):
        raise AreaError("The parts of the area don't meet at the date line: draw it as one.")
    if not math.isclose(whole.area, sum(part.area for part in parts), rel_tol=1e-9):
        raise AreaError("The parts of the area overlap: draw it as one.")
    return [Ring(list(_without_seam(ring.coords)), ("coordinates",)) for ring in whole]


def _over_the_date_line(areas: Sequence[Rings]) -> Iterator[list[list[Position]]]:
    """Each part with longitudes that go on beyond 180; all of them have to reach that far, from both sides."""
    sides = set()
    for rings in areas:
        outline, *holes = [globe.unrolled(ring.positions) for ring in rings]
        extent = globe.extent_of(outline)
        east, west = _distance_to_date_line(extent.east), _distance_to_date_line(extent.west)
        if min(east, west) > _AT_DATE_LINE_DEG or extent.east - extent.west >= 180:
            raise AreaError(_SEVERAL.format(number=len(areas)))
        is_west_of_it = east <= west
        sides.add(is_west_of_it)
        edge = extent.east if is_west_of_it else extent.west
        turns = round((180 - edge) / 360)
        yield [[_snapped(position, turns) for position in ring] for ring in (outline, *holes)]
    if len(sides) == 1:
        raise AreaError(_SEVERAL.format(number=len(areas)))


def _distance_to_date_line(longitude: float) -> float:
    return abs(math.remainder(longitude - 180, 360))


def _snapped(position: Position, turns: int) -> Position:
    longitude = position.longitude + 360 * turns
    return Position(180.0 if abs(longitude - 180) <= _AT_DATE_LINE_DEG else longitude, position.latitude)


def _without_seam(coordinates: Sequence[Sequence[float]]) -> Iterator[Position]:
    """The ring without the corners that the cut alone has made."""
    corners = coordinates[:-1]
    kept = [
        Position(corner[0], corner[1])
        for number, corner in enumerate(corners)
        if not _is_of_the_cut(corners[number - 1], corner, corners[(number + 1) % len(corners)])
    ]
    yield from kept
    yield kept[0]


def _is_of_the_cut(before: Sequence[float], corner: Sequence[float], after: Sequence[float]) -> bool:
    if corner[0] != 180.0 or not min(before[0], after[0]) < 180 < max(before[0], after[0]):
        return False
    on_the_way = (180 - before[0]) / (after[0] - before[0])
    return abs(before[1] + on_the_way * (after[1] - before[1]) - corner[1]) <= _IN_LINE_DEG
