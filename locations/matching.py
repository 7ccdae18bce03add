"""Geofence matching: a whole batch of points against all fences, in one statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from foundation import bulk, sql

MATCH_FENCES = sql.load("locations/match_fences")
POINTS_FROM_ARRAYS = sql.load("locations/points_from_arrays")


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
    entry_radius_m: of the circle, or of the circle that is as large as the area.
    """

    point: int
    location_id: int
    is_delivery: bool
    inside: bool
    gap_m: float
    centre_m: float
    entry_radius_m: float


def statement(*, points: str, columns: Sequence[str]) -> str:
    """The query that matches the points of another query, so that they need not leave the database.

    points: a query of (run_id, seen_at, at, reach_m, …), at being geography. The result has the given columns of it,
    then location_id, is_delivery, inside, gap_m, centre_m and entry_radius_m as in `Match`, all null for a point that
    is near nothing.
    """
    return MATCH_FENCES.format(points=points, columns=", ".join(f"point.{column}" for column in columns))


MATCH_ARRAYS = statement(points=POINTS_FROM_ARRAYS, columns=["point"])


def match(points: Sequence[Point]) -> list[Match]:
    """Every location, active then and linked to the point's run, that the point is in or within reach of."""
    if not points:
        return []
    parameters = bulk.transposed(points, ("run_ids", "seen_ats", "longitudes", "latitudes", "reaches_m"))
    rows = bulk.fetch_all(MATCH_ARRAYS, parameters)
    return [Match._make(row) for row in rows if row[1] is not None]
