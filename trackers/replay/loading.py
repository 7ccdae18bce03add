"""Loads a world into the database, feeds its reports to `record_reports` and reads the result."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib.gis.geos import Point
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from clients.models import ProductionRun
from clients.services import runs, tenants
from clients.services.runs import RunValues
from foundation import batching
from locations import fences
from locations.areas.globe import wrapped
from locations.fences import Fence, InvalidFenceError
from locations.models import Location
from locations.services import locations
from locations.services.locations import LocationValues
from trackers.incoming import FINGERPRINT_BYTES, IncomingReport, RecordOutcome
from trackers.models import Assignment, GeofenceEvent, LocationReport, StatusChange, Tracker
from trackers.replay.world import World, WorldError, WorldLocation, run_names
from trackers.services import history, reports


def load(world: World, settled: Sequence[Fence], *, now: datetime) -> dict[str, int]:
    """Create the world's rows, its locations with these fences; returns the trackers' ids by MAC."""
    made = _create_runs(world, now)
    _create_locations(world, settled, made)
    return _create_trackers(world, made, now)


def settled_fences(world: World) -> list[Fence]:
    """The fences of the world's locations, as they are stored. Raises WorldError, which names the path in the file."""
    return [_settled_fence(location, f"locations[{index}]") for index, location in enumerate(world.locations)]


def feed(world: World, tracker_ids: dict[str, int], *, batch: int, now: datetime) -> RecordOutcome:
    """Record the world's reports as they stand, `batch` at a time."""
    outcome = RecordOutcome()
    for incoming in batching.batches(_incoming(world, tracker_ids), batch):
        outcome.add(reports.record_reports(incoming, now=now))
    return outcome


def result(tracker_ids: dict[str, int], outcome: RecordOutcome, settled: Sequence[Fence]) -> dict[str, Any]:
    """What the store says now, ready for JSON; with warnings where a form would have asked about an area."""
    warnings = [
        f"{fences.large_area(fence.size_m2)} - at `locations[{index}].area`"
        for index, fence in enumerate(settled)
        if fence.is_large
    ]
    ids = list(tracker_ids.values())
    names = dict(Location.objects.values_list("id", "name"))
    history, events = _history(ids, names), _events(ids, names)
    rows = Tracker.objects.in_bulk(ids)
    return {
        "trackers": {
            mac: {
                "status": rows[id_].status,
                "location": names.get(rows[id_].location_id or 0),
                "history": history[id_],
                "events": events[id_],
            }
            for mac, id_ in tracker_ids.items()
        },
        "reports": {"stored": outcome.stored, "duplicates": outcome.duplicates, "rejected": outcome.rejected},
        **({"warnings": warnings} if warnings else {}),
    }


def _settled_fence(location: WorldLocation, path: str) -> Fence:
    has_center = location.lat is not None and location.lon is not None
    center = Point(location.lon, location.lat, srid=4326) if has_center else None
    try:
        return fences.settle(center=center, radius_m=location.radius_m, area=location.given_area)
    except InvalidFenceError as error:
        at = {"center": "lat"}.get(error.field, error.field)
        within = f".{error.path}" if error.path else ""
        raise WorldError(f"{error.said} - at `{path}.{at}{within}`") from error


def _create_runs(world: World, now: datetime) -> dict[str, ProductionRun]:
    client = tenants.add_client(name=f"Replay {now.isoformat()}", actor=None, now=now)
    brand = tenants.add_brand(client=client, name="Replay", actor=None)
    values = [
        RunValues(
            brand=brand,
            name=run.name,
            start_date=run.start_date,
            end_date=run.end_date,
            max_accuracy_m=run.policy.max_accuracy_m,
            exit_accuracy_cap_m=run.policy.exit_accuracy_cap_m,
            entry_accuracy_factor=run.policy.entry_accuracy_factor,
            max_speed_kmh=run.policy.max_speed_kmh,
            confirmations=run.policy.confirmations,
        )
        for run in world.runs
    ]
    return {run.name: run for run in runs.add_checked_runs(values=values, actor=None)}


def _create_locations(world: World, settled: Sequence[Fence], runs_by_name: dict[str, ProductionRun]) -> None:
    values = [
        LocationValues(
            name=location.name,
            kind=location.kind.upper(),
            center=fence.center,
            radius_m=location.radius_m,
            area=fence.area,
            active_from=location.active_from,
            runs=[runs_by_name[name] for name in dict.fromkeys(run_names(location.runs, world))],
        )
        for location, fence in zip(world.locations, settled, strict=True)
    ]
    locations.add_checked_locations(values=values, actor=None)


def _create_trackers(world: World, runs_by_name: dict[str, ProductionRun], now: datetime) -> dict[str, int]:
    macs = dict.fromkeys(tracker.mac for tracker in world.trackers)
    # Under other MACs: the database may have trackers with the world's own.
    rows = Tracker.objects.bulk_create(
        Tracker(mac=os.urandom(6).hex(":").upper(), state=Tracker.State.ACTIVE) for _ in macs
    )
    ids: dict[str, int] = {mac: row.pk for mac, row in zip(macs, rows, strict=True)}
    Assignment.objects.bulk_create(
        Assignment(
            tracker_id=ids[tracker.mac],
            run=runs_by_name[run_names(None if tracker.run is None else [tracker.run], world)[0]],
            period=DateTimeTZRange(tracker.from_, tracker.to),
        )
        for tracker in world.trackers
    )
    history.refresh_trackers(list(ids.values()), now=now)
    return ids


def _incoming(world: World, tracker_ids: dict[str, int]) -> Iterator[IncomingReport]:
    for report in world.reports:
        identity = report.identity()
        yield IncomingReport(
            tracker_id=tracker_ids[report.mac],
            seen_at=report.seen_at.astimezone(UTC),
            fingerprint=identity[:FINGERPRINT_BYTES],
            latitude=report.lat,
            longitude=wrapped(report.lon),
            accuracy_m=report.accuracy_m,
            confidence=report.confidence,
            battery="",
            source=LocationReport.Source.REPLAY,
            payload=identity,
            hashed_key="",
        )


def _history(tracker_ids: Sequence[int], names: dict[int, str]) -> defaultdict[int, list[dict[str, Any]]]:
    rows = StatusChange.objects.valid().filter(tracker__in=tracker_ids)
    history: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.order_by("started_at", "fingerprint"):
        history[row.tracker_id].append(
            {
                "status": row.status,
                "location": names.get(row.location_id or 0),
                "started_at": _iso(row.started_at),
                "ended_at": None if row.ended_at is None else _iso(row.ended_at),
            }
        )
    return history


def _events(tracker_ids: Sequence[int], names: dict[int, str]) -> defaultdict[int, list[dict[str, Any]]]:
    rows = GeofenceEvent.objects.valid().filter(tracker__in=tracker_ids)
    events: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    # One report makes at most an EXIT and an ENTRY, and leaves before it arrives.
    for row in rows.order_by("occurred_at", "fingerprint", "-type"):
        events[row.tracker_id].append(
            {
                "type": row.type,
                "location": names.get(row.location_id or 0),
                "occurred_at": _iso(row.occurred_at),
            }
        )
    return events


def _iso(moment_: datetime) -> str:
    return moment_.astimezone(UTC).isoformat().replace("+00:00", "Z")
