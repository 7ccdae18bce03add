"""The demo world as a plan for the local gateway's fleet. Only public keys are in it."""

import csv
import json
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from keys import selectors
from simulation.demo.shipments import SEED
from simulation.demo.world import BUSES, World, shipped
from simulation.findmy.tracks import Itinerary, Stop

# Twenty keys a device and a report every half an hour: the network never has to forget a report of the last days.
MEDIAN_GAP_S = 1_500
BACKLOG_SPREAD_S = 40
# Live reports come a twentieth as late as in the real network, where an hour is nothing.
DELAY_SCALE = 0.05
BUS_CSV = "liverpool_bus_route14.csv"
BUSES_LEFT_BEFORE = timedelta(minutes=75)


def bus_csv() -> Path:
    """Where the recorded bus positions (UK Bus Open Data Service) are, if they are there.

    GLIMPSE_BUS_CSV names the file; otherwise a `data` folder in the checkout or in a folder beside it has it.
    """
    if named := os.environ.get("GLIMPSE_BUS_CSV"):
        return Path(named).resolve()
    found = sorted(settings.BASE_DIR.parent.glob(f"*/data/{BUS_CSV}"))
    return found[0].resolve() if found else settings.BASE_DIR / "data" / BUS_CSV


def vehicles(path: Path) -> list[str]:
    """The buses in the file, by name; none if there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return sorted({row["vehicle_id"] for row in csv.DictReader(file)})[:BUSES]


def write_plan(path: Path, world: World) -> None:
    """Write the plan file as a whole or not at all; the same world gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(plan_document(world), indent=1) + "\n", "utf-8")
    draft.replace(path)


def plan_document(world: World) -> dict[str, Any]:
    """The plan as `simulation.findmy.plan` reads it."""
    keys = selectors.public_keys_of(tracker_ids=[tracker.pk for tracker in world.trackers])
    journeys = [
        {"battery": shipment.battery, "itinerary": _itinerary(shipment.itinerary)}
        for _, shipment in shipped(world)
    ]
    journeys += _recomputations(world, len(world.trackers) - len(journeys))
    return {
        "seed": SEED,
        "started_at": world.base.isoformat(),
        "delay_scale": DELAY_SCALE,
        "backlog_spread_s": BACKLOG_SPREAD_S,
        "median_gap_s": MEDIAN_GAP_S,
        "trackers": [
            {
                "mac": tracker.mac,
                "advertisement_keys": [key.encoded_key for key in keys[tracker.pk]],
                **journey,
            }
            for tracker, journey in zip(world.trackers, journeys, strict=False)
        ],
    }


def _itinerary(itinerary: Itinerary) -> dict[str, Any]:
    return {
        "active_from": itinerary.active_from.isoformat(),
        "origin": list(itinerary.origin),
        "destination": list(itinerary.destination),
        "departs_at": _moment(itinerary.departs_at),
        "stops": _stops(itinerary.stops),
        "speed_kmh": itinerary.speed_kmh,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _stops(stops: Sequence[Stop]) -> list[dict[str, Any]]:
    return [{"position": list(stop.position), "stay_s": stop.stay_s} for stop in stops]


def _recomputations(world: World, buses: int) -> list[dict[str, Any]]:
    path = bus_csv()
    starts_at = (world.base - BUSES_LEFT_BEFORE).isoformat()
    return [
        {"replay": {"csv": str(path), "vehicle": vehicle, "starts_at": starts_at}}
        for vehicle in vehicles(path)[:buses]
    ]
