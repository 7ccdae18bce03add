"""The nearest place to points: a whole batch in one statement."""

from collections.abc import Sequence
from typing import NamedTuple

from foundation import bulk, sql

NEAREST_PLACE = sql.load("locations/nearest_place")
NEAREST_IN_DEGREES = sql.load("locations/nearest_in_degrees")

# Farther away than this, no place says where something is.
MAX_DISTANCE_M = 100_000


class Near(NamedTuple):
    """A place (its GeoNames id) and how far away it is, in metres."""

    place_id: int
    distance_m: float


def statement(*, points: str, columns: Sequence[str]) -> str:
    """The query that finds the nearest places to the points of another query, so that they need not leave the database.

    points: a query of (at, …), at being geography or null. The result has the given columns of it, then place_id and
    place_m, both null where nothing is near.
    """
    return NEAREST_PLACE.format(
        points=points,
        columns=", ".join(f"point.{column}" for column in columns),
        cap_m=MAX_DISTANCE_M,
        ten_nearest=NEAREST_IN_DEGREES.format(number=10, condition="true"),
        hundred_nearest=NEAREST_IN_DEGREES.format(number=100, condition="close.id IS NULL"),
    )


NEAREST_TO_COORDINATES = statement(points=sql.load("locations/coordinates"), columns=["ordinality"])


def nearest(coordinates: Sequence[tuple[float, float]]) -> list[Near | None]:
    """The nearest place to each (longitude, latitude), in their order; None where none is near."""
    rows = bulk.fetch_all(NEAREST_TO_COORDINATES, bulk.transposed(coordinates, ("longitudes", "latitudes")))
    return [Near(*row[1:]) if row[1] is not None else None for row in sorted(rows)]
