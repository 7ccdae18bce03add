"""Areas as people give them, right and wrong, for every way in."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple


class Given(NamedTuple):
    """says: what a refusal names, empty for what is taken; at: the field; path: where in the area."""

    name: str
    area: Any
    center: tuple[float, float] | None = None
    says: str = ""
    at: str = "area"
    path: str = ""


def polygon(*rings: list[Any], **members: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings), **members}


def box(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def bracket(line: float, hole: float, edge: float) -> list[list[float]]:
    """Half of a frame that is cut at a longitude, open towards it."""
    corners = [[line, 10], [edge, 10], [edge, 10.02], [line, 10.02]]
    return [*corners, [line, 10.015], [hole, 10.015], [hole, 10.005], [line, 10.005], [line, 10]]


def around(corners: int) -> list[list[float]]:
    turns = [2 * math.pi * number / corners for number in range(corners)]
    ring = [[5 + 0.001 * math.cos(turn), 52 + 0.001 * math.sin(turn)] for turn in turns]
    return [*ring, ring[0]]


def published() -> list[Given]:
    """Cases from reports about comparable systems."""
    cases = json.loads((Path(__file__).parent / "cases" / "fences.json").read_text())["cases"]
    return [Given(each["name"], each["area"], tuple(each["center"]), each.get("says", "")) for each in cases]


SQUARE = box(5.19, 52.19, 5.21, 52.21)
HOLE = box(5.195, 52.195, 5.205, 52.205)
UTM = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
CRS84 = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
FIJI = box(179.9, -18.7, 180.1, -18.5)

TAKEN = [
    Given("square", polygon(SQUARE)),
    Given("a centre of its own", polygon(SQUARE), (5.2, 52.2)),
    Given("a centre at the edge", polygon(SQUARE), (5.19, 52.21)),
    Given("clockwise", polygon(SQUARE[::-1])),
    Given("a hole", polygon(SQUARE, HOLE)),
    Given("repeated corners", polygon([SQUARE[0], *SQUARE[:3], *SQUARE[2:], SQUARE[0]])),
    Given("heights and measures", polygon([[*corner, 3, 4] for corner in SQUARE])),
    Given("named reference system", polygon(SQUARE, crs=CRS84)),
    Given("bbox", polygon(SQUARE, bbox=[5.19, 52.19, 5.21, 52.21])),
    Given("one of several", {"type": "MultiPolygon", "coordinates": [[SQUARE]]}),
    Given("most corners", polygon(around(2_000))),
    Given("another turn of the map", polygon([[x + 360, y] for x, y in SQUARE]), (5.2, 52.2)),
    Given("east of the date line", polygon(box(180, 10, 180.02, 10.02)), (-179.99, 10.01)),
    Given("west of the date line", polygon(box(179.98, 10, 180, 10.02)), (179.99, 10.01)),
    Given("west of it on the other turn", polygon(box(-180.02, 10, -180, 10.02)), (179.99, 10.01)),
    Given("over it on the other turn", polygon(box(-180.01, 10, -179.99, 10.02)), (180, 10.01)),
    Given("near a pole", polygon(box(0, 89.9, 10, 89.95))),
    Given("a slip of the map", polygon(box(0, 0, 0.01, 0.01)), (0.005, 0.005)),
    Given(
        "halves with a hole over the cut",
        {
            "type": "MultiPolygon",
            "coordinates": [[bracket(-180, -179.995, -179.99)], [bracket(180, 179.995, 179.99)]],
        },
    ),
    Given(
        "halves as features",
        {
            "type": "FeatureCollection",
            "name": "yard",
            "features": [
                {"type": "Feature", "properties": None, "geometry": polygon(box(-180, 10, -179.99, 10.02))},
                {"type": "Feature", "properties": {}, "geometry": polygon(box(179.99, 10, 180, 10.02))},
            ],
        },
    ),
]

REFUSED = [
    Given("a number", 5, says="no GeoJSON object"),
    Given("true", True, says="no GeoJSON object"),
    Given("a list", [SQUARE], says="no GeoJSON object"),
    Given("empty object", {}, says="Give a GeoJSON polygon"),
    Given("point", {"type": "Point", "coordinates": [5, 52]}, says="centre and a radius"),
    Given("line", {"type": "LineString", "coordinates": SQUARE}, says="draw a polygon"),
    Given("collection", {"type": "GeometryCollection", "geometries": [polygon(SQUARE)]}, says="one polygon"),
    Given("wrong case", {"type": "polygon", "coordinates": [SQUARE]}, says="not 'polygon'"),
    Given("type is a list", {"type": ["Polygon"], "coordinates": [SQUARE]}, says="Give a GeoJSON polygon"),
    Given("no coordinates", {"type": "Polygon"}, says="no coordinates"),
    Given("coordinates are none", {"type": "Polygon", "coordinates": None}, says="rings", path="coordinates"),
    Given("empty", polygon(), says="rings", path="coordinates"),
    Given("empty ring", polygon([]), says="corners", path="coordinates[0]"),
    Given(
        "corners are numbers", polygon([5, 52, 6, 53]), says="[longitude, latitude]", path="coordinates[0][0]"
    ),
    Given("half a corner", polygon([[5], *SQUARE]), says="[longitude, latitude]", path="coordinates[0][0]"),
    Given("text for a number", polygon([["5.19", 52.19], *SQUARE[1:]]), says="without quotes"),
    Given("truth for a number", polygon([[True, 52.19], *SQUARE[1:]]), says="no number"),
    Given("nothing for a number", polygon([[None, 52.19], *SQUARE[1:]]), says="no number"),
    Given("a height in words", polygon([[*SQUARE[0], "high"], *SQUARE[1:]]), says="no number"),
    Given("huge whole number", polygon([[10**400, 52.19], *SQUARE[1:]]), says="too many digits"),
    Given("not closed", polygon(SQUARE[:-1]), says="not closed", path="coordinates[0]"),
    Given("two corners", polygon([*SQUARE[:2], SQUARE[0]]), says="three corners", path="coordinates[0]"),
    Given("one corner four times", polygon([SQUARE[0]] * 4), says="no size"),
    Given("there and back", polygon([*SQUARE[:3], SQUARE[1], SQUARE[0]]), says="crosses itself"),
    Given("on one line", polygon([[5, 52], [5.1, 52], [5.2, 52], [5, 52]]), says="no size"),
    Given("smaller than a letter", polygon(box(5, 52, 5.000001, 52.000001)), says="no size"),
    Given("spike", polygon([*SQUARE[:2], [5.25, 52.19], *SQUARE[1:]]), says="crosses itself"),
    Given(
        "eight",
        polygon([[5, 52], [5.1, 52.1], [5.2, 52], [5.2, 52.2], [5.1, 52.1], [5, 52.2], [5, 52]]),
        says="crosses itself",
    ),
    Given("hole as large as the area", polygon(SQUARE, SQUARE), says="hole"),
    Given("hole over the edge", polygon(SQUARE, [[x + 0.01, y] for x, y in HOLE]), says="hole crosses"),
    Given(
        "hole in a hole", polygon(SQUARE, HOLE, box(5.199, 52.199, 5.201, 52.201)), says="within another hole"
    ),
    Given(
        "hole crosses itself",
        polygon(SQUARE, [HOLE[0], HOLE[2], HOLE[1], HOLE[3], HOLE[0]]),
        says="hole crosses itself",
    ),
    Given("hole outside over the date line", polygon(FIJI, box(-179.8, -18.6, -179.7, -18.55)), says="hole"),
    Given(
        "several",
        {"type": "MultiPolygon", "coordinates": [[SQUARE], [box(6, 52, 6.01, 52.01)]]},
        says="2 polygons",
    ),
    Given(
        "several side by side",
        {"type": "MultiPolygon", "coordinates": [[box(5, 52, 5.01, 52.01)], [box(5.01, 52, 5.02, 52.01)]]},
        says="2 polygons",
    ),
    Given(
        "halves that don't meet",
        {
            "type": "MultiPolygon",
            "coordinates": [[box(179.99, 10, 180, 10.01)], [box(-180, 11, -179.99, 11.01)]],
        },
        says="don't meet",
    ),
    Given(
        "halves of one side",
        {
            "type": "MultiPolygon",
            "coordinates": [[box(179.99, 10, 180, 10.01)], [box(179.98, 11, 180, 11.01)]],
        },
        says="2 polygons",
    ),
    Given(
        "a half beside another area",
        {"type": "MultiPolygon", "coordinates": [[box(179.99, 10, 180, 10.01)], [SQUARE]]},
        says="2 polygons",
    ),
    Given(
        "several features",
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "properties": {}, "geometry": polygon(SQUARE)},
                {"type": "Feature", "properties": {}, "geometry": polygon(box(6, 52, 6.01, 52.01))},
            ],
        },
        says="2 polygons",
    ),
    Given("no features", {"type": "FeatureCollection", "features": []}, says="features", path="features"),
    Given("feature of nothing", {"type": "Feature", "properties": {}, "geometry": None}, says="no geometry"),
    Given(
        "feature in a feature",
        {"type": "Feature", "geometry": {"type": "Feature", "geometry": polygon(SQUARE)}},
        says="not a feature",
        path="geometry",
    ),
    Given(
        "feature with two shapes",
        {"type": "Feature", "geometry": polygon(SQUARE), "coordinates": [SQUARE]},
        says="'coordinates'",
    ),
    Given("unknown member", polygon(SQUARE, holes=[HOLE]), says="'holes'"),
    Given("bbox of nothing", polygon(SQUARE, bbox=[]), says="bbox"),
    Given("other reference system", polygon(SQUARE, crs=UTM), says="WGS 84"),
    Given(
        "other reference system of a file",
        {
            "type": "FeatureCollection",
            "crs": UTM,
            "features": [{"type": "Feature", "geometry": polygon(SQUARE)}],
        },
        says="WGS 84",
    ),
    Given("too many corners", polygon(around(2_001)), says="2,001 corners"),
    Given(
        "latitude beyond 90",
        polygon([[5, 52], [6, 95], [6, 52], [5, 52]]),
        says="seem to be swapped",
        path="coordinates[0][1]",
    ),
    Given(
        "latitude beyond all",
        polygon([[5, 52], [6, 9500], [6, 52], [5, 52]]),
        says="-90 to 90",
        path="coordinates[0][1]",
    ),
    Given(
        "longitude beyond a turn",
        polygon([[1000, 52], [1001, 52], [1001, 53], [1000, 52]]),
        says="-180 to 180",
    ),
    Given(
        "latitude first over the date line",
        polygon([[y, x] for x, y in FIJI]),
        (180, -18.6),
        says="seem to be swapped",
    ),
    Given("too large", polygon(box(4, 52, 6, 53)), says="more than 10,000 km²"),
    Given(
        "opposite corners",
        polygon([[0, 0], [90, 45], [180, 0], [0, 0]]),
        says="other side",
        path="coordinates[0][2]",
    ),
    Given(
        "nearly opposite corners", polygon([[0, 0.1], [179.9, 0], [179.9, 0.2], [0, 0.1]]), says="other side"
    ),
    Given(
        "half of the globe", polygon([[0, 0], [90, 0], [179, 1], [-90, 0], [0, 0]]), says="half of the globe"
    ),
    Given("all of the globe", polygon(box(-180, -90, 180, 90)), says="around the globe"),
    Given("a belt", polygon(box(-180, 10, 180, 10.1)), says="around the globe"),
    Given("polar cap", polygon([[0, 89.9], [90, 89.9], [180, 89.9], [-90, 89.9], [0, 89.9]]), says="pole"),
    Given("corner at a pole", polygon([[0, 90], [10, 89.9], [20, 89.9], [0, 90]]), says="pole"),
    Given(
        "edge over a pole", polygon([[0, 89.9], [180, 89.9], [180, 89.8], [0, 89.8], [0, 89.9]]), says="pole"
    ),
    Given("centre outside", polygon(SQUARE), (5.3, 52.2), says="outside of the area", at="center"),
    Given(
        "centre across the date line", polygon(FIJI), (178, -18.6), says="outside of the area", at="center"
    ),
    Given("centre swapped", polygon(SQUARE), (52.2, 5.2), says="seem to be swapped"),
]
