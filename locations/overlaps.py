"""Fences that overlap: of several that a report lies in, the timeline takes one, which nobody may have meant."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from foundation import bulk, sql
from locations.fences import Fence
from locations.models import Location

OVERLAPPING_FENCES = sql.load("locations/overlapping_fences")
NAMED = 5


class Overlapping(NamedTuple):
    """Another location of the same runs; kind is one of Location.Kind."""

    name: str
    kind: str


def overlapping(
    fence: Fence, *, radius_m: float, run_ids: Sequence[int], own_id: int | None, now: datetime
) -> list[Overlapping]:
    """Locations of these runs, without the fence's own, whose fences overlap with it or touch it, the nearest first: at
    most one more than are named."""
    parameters = {
        "shape": (fence.area or fence.center).hexewkb.decode(),
        "centre": fence.center.hexewkb.decode(),
        "radius_m": 0.0 if fence.area else float(radius_m),
        "run_ids": list(run_ids),
        "own_id": own_id or 0,
        "now": now,
        "most": NAMED + 1,
    }
    return bulk.fetch_rows(OVERLAPPING_FENCES, parameters, Overlapping)


def warning(found: Sequence[Overlapping]) -> str:
    """What to tell somebody who draws a fence that overlaps with these; empty where there are none."""
    if not found:
        return ""
    named = [f"{each.name} ({Location.Kind(each.kind).label.lower()})" for each in found[:NAMED]]
    more = ["others"] if len(found) > NAMED else []
    *most, last = [*named, *more]
    text = f"{', '.join(most)} and {last}" if most else last
    return (
        f"This fence overlaps with {text} of its runs. A report that lies in several is at a delivery location rather"
        " than at a storage location, then where the tracker is already, then at the nearest centre."
    )
