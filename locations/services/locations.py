"""Storage and delivery locations: what they may be, and their writes with the runs that they serve.

What follows for histories, and the published fact, is done by `trackers.services.changes`, which calls these: use that
unless nothing can follow.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.contrib.gis.geos import Point, Polygon
from django.db import transaction

from clients.models import ProductionRun, User
from foundation import audit, rows
from foundation.errors import InvalidValuesError
from locations.models import MAX_RADIUS_M, Location


class LocationValues(TypedDict, total=False):
    """A circle of `radius_m` around `center` (WGS 84), or the `area` where one is given; active from, inclusive, until,
    exclusive."""

    name: str
    kind: str
    address: str
    center: Point
    radius_m: float
    area: Polygon | None
    runs: Sequence[ProductionRun]
    active_from: datetime | None
    active_until: datetime | None
    free_time_h: int | None
    created_at: datetime


def refuse_invalid(location: Location | None, values: Mapping[str, Any]) -> None:
    """Raise InvalidValuesError if the location, or a new one, can't get these values. Those missing are kept."""
    wrong: dict[str, str] = {}
    radius_m = values.get("radius_m")
    if radius_m is not None and not 0 < radius_m <= MAX_RADIUS_M:
        wrong["radius_m"] = f"Between 1 and {MAX_RADIUS_M} metres."
    begins = values.get("active_from", location.active_from if location else None)
    ends = values.get("active_until", location.active_until if location else None)
    if begins and ends and ends <= begins:
        wrong["active_until"] = "Must be later than the beginning."
    center, area = values.get("center"), values.get("area")
    if center is not None and not (-180 <= center.x <= 180 and -90 <= center.y <= 90):
        wrong["center"] = "Longitudes go from -180 to 180, latitudes from -90 to 90."
    if area is not None and (problem := _problem_of(area)):
        wrong["area"] = problem
    if wrong:
        raise InvalidValuesError(wrong)


def _problem_of(area: Any) -> str:
    if not isinstance(area, Polygon) or area.empty:
        return "The area must be one polygon."
    west, south, east, north = area.extent
    if west < -180 or south < -90 or east > 180 or north > 90:
        return "Longitudes go from -180 to 180, latitudes from -90 to 90."
    return "" if area.valid else f"The polygon crosses itself: {area.valid_reason}."


def add_location(*, actor: User | None, **values: Unpack[LocationValues]) -> Location:
    """Add a location; `name`, `kind` and `center` are needed. Raises InvalidValuesError."""
    with transaction.atomic():
        return _save(Location(), None, values, actor)


def add_checked_locations(*, values: Sequence[LocationValues], actor: User | None) -> list[Location]:
    """Add many locations, with their runs, in two statements, for a source that has checked them: here only the
    database does. Raises IntegrityError."""
    link = Location.runs.through
    with transaction.atomic(), audit.acting(actor):
        added = Location.objects.bulk_create(
            Location(**{name: value for name, value in each.items() if name != "runs"}) for each in values
        )
        link.objects.bulk_create(
            link(location_id=location.pk, productionrun_id=run.pk)
            for location, each in zip(added, values, strict=True)
            for run in each.get("runs", ())
        )
    return added


def change_location(*, location: Location, actor: User | None, **values: Unpack[LocationValues]) -> Location:
    """Change these values of a stored location, and return it as it is now. Raises InvalidValuesError."""
    with transaction.atomic():
        stored = Location.objects.defer("fence").select_for_update(no_key=True).get(pk=location.pk)
        return _save(stored, stored, values, actor)


def delete_location(*, location: Location, actor: User | None) -> None:
    """Delete a location that no history, event or alert names. Raises InUseError."""
    with transaction.atomic(), audit.acting(actor):
        rows.delete(location, otherwise="histories name it. Give it an end instead.")


def _save(row: Location, stored: Location | None, values: LocationValues, actor: User | None) -> Location:
    refuse_invalid(stored, values)
    of_row = {name: value for name, value in values.items() if name != "runs"}
    rows.give(row, of_row, known=LocationValues.__annotations__)
    with audit.acting(actor):
        rows.save(row)
        if "runs" in values:
            row.runs.set(values["runs"])
    return row
