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
from locations import fences
from locations.fences import Fence, InvalidFenceError
from locations.models import DEFAULT_RADIUS_M, Location


class LocationValues(TypedDict, total=False):
    """A circle of `radius_m` around `center` (WGS 84), or the `area` where one is given, as a polygon or GeoJSON (see
    `locations.fences`); active from, inclusive, until, exclusive. confirm_large: an area of 25 km² or more is meant."""

    name: str
    kind: str
    address: str
    center: Point | None
    radius_m: float
    area: Polygon | Mapping[str, Any] | str | None
    confirm_large: bool
    runs: Sequence[ProductionRun]
    active_from: datetime | None
    active_until: datetime | None
    free_time_h: int | None
    created_at: datetime


# What is no column of the row.
_BESIDE = ("runs", "confirm_large")


def refuse_invalid(location: Location | None, values: Mapping[str, Any]) -> None:
    """Raise InvalidValuesError if the location, or a new one, can't get these values. Those missing are kept."""
    settled(location, values)


def settled(location: Location | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the fence as it is stored. Raises InvalidValuesError if the location, or a new one, can't get
    them. Those missing are kept."""
    wrong: dict[str, str] = {}
    found = dict(values)
    begins = values.get("active_from", location.active_from if location else None)
    ends = values.get("active_until", location.active_until if location else None)
    if begins and ends and ends <= begins:
        wrong["active_until"] = "Must be later than the beginning."
    try:
        if fence := _fence_of(location, values):
            if _is_new_and_large(fence, location) and not values.get("confirm_large"):
                fences.refuse_unconfirmed(fence)
            found |= {"center": fence.center, "area": fence.area}
    except InvalidFenceError as error:
        wrong |= error.fields
    if wrong:
        raise InvalidValuesError(wrong)
    return found


def question(location: Location | None, values: Mapping[str, Any]) -> str:
    """What somebody has to confirm before the location, or a new one, gets these values; empty if nothing. Raises
    InvalidValuesError."""
    fence = _fence_of(location, values)
    return fences.large_area(fence.size_m2) if fence and _is_new_and_large(fence, location) else ""


def _fence_of(location: Location | None, values: Mapping[str, Any]) -> Fence | None:
    """The fence that the values make; None if they leave it as it is. Raises InvalidFenceError."""
    radius_m = values.get("radius_m", location.radius_m if location else DEFAULT_RADIUS_M)
    if location and not {"center", "area"} & values.keys():
        fences.refuse_radius(radius_m)
        return None
    area = values.get("area", location.area if location else None)
    center = values.get("center", location.center if location and area is None else None)
    return fences.settle(center=center, radius_m=radius_m, area=area)


def _is_new_and_large(fence: Fence, location: Location | None) -> bool:
    stored_area = location.area if location else None
    is_new = fence.area is not None and not (stored_area and fence.area.equals_exact(stored_area))
    return is_new and fence.is_large


def add_location(*, actor: User | None, **values: Unpack[LocationValues]) -> Location:
    """Add a location; `name`, `kind`, and `center` or `area` are needed. Raises InvalidValuesError."""
    with transaction.atomic():
        return _save(Location(), None, values, actor)


def add_checked_locations(*, values: Sequence[LocationValues], actor: User | None) -> list[Location]:
    """Add many locations, with their runs, in two statements, for a source that has checked them and made their
    fences: here only the database does. Raises IntegrityError."""
    link = Location.runs.through
    with transaction.atomic(), audit.acting(actor):
        added = Location.objects.bulk_create(
            Location(**{name: value for name, value in each.items() if name not in _BESIDE})
            for each in values
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
    found = settled(stored, values)
    of_row = {name: value for name, value in found.items() if name not in _BESIDE}
    rows.give(row, of_row, known=LocationValues.__annotations__)
    with audit.acting(actor):
        rows.save(row)
        if "runs" in values:
            row.runs.set(values["runs"])
    return row
