"""Geofence matching: a whole batch of points against all fences, in one statement."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from clients import bulk

MATCH_FENCES = (Path(__file__).parent / "sql" / "match_fences.sql").read_text()


class Point(NamedTuple):
    """Where something was seen. reach_m: how far outside a fence it may lie and still be of interest."""

    run_id: int
    seen_at: datetime
    longitude: float
    latitude: float
    reach_m: float


class Match(NamedTuple):
    """A location near a point; point is the point's index in the batch.

    inside: within the radius or the area, boundary included, on the spheroid.
    gap_m: metres from the fence's edge outwards; zero or negative inside.
    centre_m: metres to the location's centre.
    """

    point: int
    location_id: int
    is_delivery: bool
    inside: bool
    gap_m: float
    centre_m: float


def match(points: Sequence[Point]) -> list[Match]:
    """Every location, active then and linked to the point's run, that the point is in or within reach of."""
    if not points:
        return []
    parameters = bulk.transposed(points, ("run_ids", "seen_ats", "longitudes", "latitudes", "reaches_m"))
    return [Match._make(row) for row in bulk.fetch_all(MATCH_FENCES, parameters)]
