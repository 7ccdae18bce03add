"""Read TopoJSON into shapely geometries, cut at 180° longitude."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from shapely import MultiPolygon, Polygon, box, make_valid, unary_union
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry
from shapely.ops import linemerge

Point = tuple[float, float]
WORLD_COPIES = (-720, -360, 0, 360, 720)


class Topology:
    """A TopoJSON document with its arcs decoded to degrees."""

    def __init__(self, document: dict) -> None:
        self.objects = document["objects"]
        self.arcs = [_decode(arc, document["transform"]) for arc in document["arcs"]]

    def geometries(self, layer: str) -> list[dict]:
        """Return the TopoJSON geometries of a layer."""
        return self.objects[layer]["geometries"]

    def polygon(self, geometry: dict) -> BaseGeometry:
        """Return a Polygon or MultiPolygon geometry within -180..180."""
        parts = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        return unary_union([self._part(rings) for rings in parts])

    def lines(self, geometry: dict) -> list[list[Point]]:
        """Return the lines of a LineString or MultiLineString geometry."""
        parts = geometry["arcs"] if geometry["type"] == "MultiLineString" else [geometry["arcs"]]
        return [self._join(arcs) for arcs in parts]

    def shared_borders(self, layer: str) -> BaseGeometry:
        """Return the lines that two geometries of a polygon layer have in common: borders without coasts."""
        owners: Counter[int] = Counter()
        for geometry in self.geometries(layer):
            owners.update({arc if arc >= 0 else ~arc for arc in _flatten(geometry["arcs"])})
        return linemerge([self.arcs[arc] for arc, count in sorted(owners.items()) if count > 1])

    def _part(self, rings: list[list[int]]) -> BaseGeometry:
        outer, *holes = (_cut_at_180(self._join(ring)) for ring in rings)
        return outer.difference(unary_union(holes))

    def _join(self, arcs: list[int]) -> list[Point]:
        points: list[Point] = []
        for index in arcs:
            arc = self.arcs[index] if index >= 0 else self.arcs[~index][::-1]
            points.extend(arc[1:] if points else arc)
        return points


def _decode(arc: list[list[int]], transform: dict) -> list[Point]:
    (scale_x, scale_y), (move_x, move_y) = transform["scale"], transform["translate"]
    x = y = 0
    points = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        points.append((x * scale_x + move_x, y * scale_y + move_y))
    return points


def _flatten(arcs: list) -> Iterator[int]:
    for item in arcs:
        if isinstance(item, int):
            yield item
        else:
            yield from _flatten(item)


def _cut_at_180(ring: list[Point]) -> BaseGeometry:
    """Return the area of a ring that may have been stitched over 180°, as it lies within -180..180.

    The ring is unrolled, so that no step is longer than half the world, and each copy of the world then
    takes its share. A ring that goes once around the world encloses a pole and is closed along it.
    """
    points = [ring[0]]
    for (before, _), (after, latitude) in pairwise(ring):
        step = (after - before + 180) % 360 - 180
        points.append((points[-1][0] + step, latitude))
    if abs(points[-1][0] - points[0][0]) > 180:
        pole = -90 if points[0][1] < 0 else 90
        points += [(points[-1][0], pole), (points[0][0], pole)]
    if len(points) < 4:
        return MultiPolygon()
    area = make_valid(Polygon(points))
    copies = [translate(area, shift).intersection(box(-180, -90, 180, 90)) for shift in WORLD_COPIES]
    return unary_union([copy for copy in copies if copy.area])
