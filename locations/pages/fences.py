"""Fences as the maps in pages expect them, and which of them a location's map shows."""

import json
from collections.abc import Iterable
from typing import Any

from django.contrib.gis.db.models.functions import Distance

from locations import geojson
from locations.models import Location

FENCES_ON_MAP = 200
NEAR_M = 100_000


def features(locations: Iterable[Location]) -> dict[str, Any]:
    """A GeoJSON FeatureCollection of polygons, whose longitudes may go on over the date line, and of points with
    `radius_m`."""
    return {"type": "FeatureCollection", "features": [_feature(location) for location in locations]}


def _feature(location: Location) -> dict[str, Any]:
    properties: dict[str, Any] = {"name": location.name, "kind": location.kind}
    if not location.area:
        properties["radius_m"] = location.radius_m
    geometry = geojson.drawn(location.area) if location.area else json.loads(location.center.geojson)
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def others_near(location: Location | None) -> list[Location]:
    """Other locations near one, nearest first; the newest ones while it has no position yet."""
    others = Location.objects.all()
    if location is None or location.pk is None:
        return list(others.order_by("-pk")[:FENCES_ON_MAP])
    others = others.exclude(pk=location.pk).filter(fence__dwithin=(location.center, NEAR_M))
    return list(others.annotate(away=Distance("center", location.center)).order_by("away")[:FENCES_ON_MAP])
