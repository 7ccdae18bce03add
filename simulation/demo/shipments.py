"""Who ships what in the demo world, from where to where, and when. Pure: follows from one moment, `base`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from random import Random

from simulation.demo import places
from simulation.demo.places import Place
from simulation.findmy.tracks import Itinerary, Stop, distance_m, interpolate

SEED = 20_260
SHIPMENTS_PER_RUN = 15
# Assignments begin so long before the base; the gateway holds a week.
SHIPPED_BEFORE = timedelta(days=6)
_ARRIVED_BEFORE_H = (4.0, 108.0)
_LEAVING_WITHIN_MIN = 10
_MOST_DETOUR = 1.3
_REST_EVERY_M = 350_000
_REST_S = 2_700
_HUB_STAY_S = 9 * 3_600


class Phase(Enum):
    STORED = "stored"
    LEAVING = "leaving"
    ON_THE_WAY = "on the way"
    DELIVERED = "delivered"


# One entry per shipment of two runs: 3 stored, 3 leaving, 5 on the way and 19 delivered of 30.
PHASES = tuple(
    {0: Phase.STORED, 1: Phase.LEAVING, 2: Phase.ON_THE_WAY}.get(number % 10)
    or (Phase.ON_THE_WAY if number in (7, 17) else Phase.DELIVERED)
    for number in range(30)
)


@dataclass(frozen=True, slots=True)
class DemoRun:
    """A production run of the demo world, with the policy that its timeline follows."""

    client: str
    brand: str
    name: str
    storages: tuple[Place, ...]
    deliveries: tuple[Place, ...]
    confirmations: int = 1
    max_accuracy_m: int = 120

    @property
    def places(self) -> tuple[Place, ...]:
        return (*self.storages, *self.deliveries)


@dataclass(frozen=True, slots=True)
class Shipment:
    """One tracker's journey."""

    run: DemoRun
    phase: Phase
    origin: Place
    destination: Place
    hub: Place | None
    battery: str
    itinerary: Itinerary = field(repr=False)


RUNS = (
    DemoRun(
        "Halden Coffee",
        "Halden Professional",
        "Espresso bars, autumn",
        (places.MAASVLAKTE, places.DUISBURG),
        (places.WESTHAFEN, places.HAFENCITY, places.NORDHAVN, places.LETNANY),
    ),
    DemoRun(
        "Halden Coffee",
        "Halden Home",
        "Home grinders",
        (places.VENLO, places.LEIPZIG),
        (places.FREUDENAU, places.WOLA, places.RIEM),
        confirmations=2,
    ),
    DemoRun(
        "Lumen Displays",
        "Lumen Retail",
        "Shop windows",
        (places.BOLOGNA, places.LEIPZIG),
        (places.RHO, places.ALTSTETTEN, places.PART_DIEU, places.RIEM),
    ),
    DemoRun(
        "Lumen Displays",
        "Lumen Events",
        "Trade fair stands",
        (places.ZARAGOZA, places.MAASVLAKTE),
        (places.RUNGIS, places.TOUR_ET_TAXIS, places.ZONA_FRANCA, places.MERCAMADRID),
        confirmations=2,
    ),
)
BUS_RUN = DemoRun(
    "Lumen Displays",
    "Lumen Events",
    "Bus advertising, route 14",
    (places.QUEEN_SQUARE,),
    (places.CROXTETH,),
)


def shipments(base: datetime) -> list[Shipment]:
    """All shipments, run by run; the same for the same `base`, which is when the demo begins."""
    draw = Random(SEED)  # noqa: S311 (repeatable on purpose)
    return [
        _shipment(draw, run, PHASES[(number * SHIPMENTS_PER_RUN + index) % len(PHASES)], index, base)
        for number, run in enumerate(RUNS)
        for index in range(SHIPMENTS_PER_RUN)
    ]


def _shipment(draw: Random, run: DemoRun, phase: Phase, index: int, base: datetime) -> Shipment:
    origin = run.storages[index % len(run.storages)]
    destination = run.deliveries[index % len(run.deliveries)]
    hub = _hub(run, origin, destination) if index % 5 == 4 else None
    stops = _stops(origin, destination, hub)
    speed_kmh = round(draw.uniform(68, 82), 1)
    duration = _duration(origin, destination, stops, speed_kmh)
    departs_at = {
        Phase.STORED: None,
        Phase.LEAVING: base + timedelta(minutes=draw.uniform(0, _LEAVING_WITHIN_MIN)),
        Phase.ON_THE_WAY: base - draw.uniform(0.2, 0.7) * duration,
        Phase.DELIVERED: base - timedelta(hours=draw.uniform(*_ARRIVED_BEFORE_H)) - duration,
    }[phase]
    active_from = base - SHIPPED_BEFORE + timedelta(minutes=draw.uniform(5, 90))
    itinerary = Itinerary(active_from, origin.center, destination.center, departs_at, stops, speed_kmh)
    battery = draw.choices(["FULL", "MEDIUM", "LOW", "CRITICAL"], [70, 20, 8, 2])[0]
    return Shipment(run, phase, origin, destination, hub, battery, itinerary)


def _hub(run: DemoRun, origin: Place, destination: Place) -> Place | None:
    """Another storage location of the run that is hardly a detour."""
    most_m = _MOST_DETOUR * distance_m(origin.center, destination.center)
    for place in run.storages:
        by_way_m = distance_m(origin.center, place.center) + distance_m(place.center, destination.center)
        if place != origin and by_way_m <= most_m:
            return place
    return None


def _stops(origin: Place, destination: Place, hub: Place | None) -> tuple[Stop, ...]:
    """A rest every few hours; the hub, where there is one, for a night."""
    if hub is None:
        return _rests(origin, destination)
    return (*_rests(origin, hub), Stop(hub.center, _HUB_STAY_S), *_rests(hub, destination))


def _rests(start: Place, end: Place) -> tuple[Stop, ...]:
    legs = int(distance_m(start.center, end.center) // _REST_EVERY_M) + 1
    return tuple(Stop(interpolate(start.center, end.center, leg / legs), _REST_S) for leg in range(1, legs))


def _duration(origin: Place, destination: Place, stops: Sequence[Stop], speed_kmh: float) -> timedelta:
    ways = [origin.center, *(stop.position for stop in stops), destination.center]
    driven_m = sum(distance_m(start, end) for start, end in pairwise(ways))
    return timedelta(seconds=driven_m / (speed_kmh / 3.6) + sum(stop.stay_s for stop in stops))
