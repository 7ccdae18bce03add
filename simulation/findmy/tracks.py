"""Where a simulated tracker truly is at a moment. Pure; points are (latitude, longitude) in degrees.

Times are Unix seconds. Great circles on the mean sphere: within 0.5 % of the spheroid, well below the
noise that is added to every report.
"""

import csv
import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

Point = tuple[float, float]
EARTH_RADIUS_M = 6_371_008.8


def distance_m(start: Point, end: Point) -> float:
    """Return the great-circle distance in metres (haversine)."""
    latitude_a, longitude_a = map(math.radians, start)
    latitude_b, longitude_b = map(math.radians, end)
    half = (
        math.sin((latitude_b - latitude_a) / 2) ** 2
        + math.cos(latitude_a) * math.cos(latitude_b) * math.sin((longitude_b - longitude_a) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, half)))


def interpolate(start: Point, end: Point, fraction: float) -> Point:
    """Return the point at this fraction, 0 to 1, of the great circle from start to end."""
    angle = distance_m(start, end) / EARTH_RADIUS_M
    if angle < 1e-12:
        return start
    weight_a = math.sin((1 - fraction) * angle) / math.sin(angle)
    weight_b = math.sin(fraction * angle) / math.sin(angle)
    x, y, z = (weight_a * a + weight_b * b for a, b in zip(_vector(start), _vector(end), strict=True))
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def offset(point: Point, north_m: float, east_m: float) -> Point:
    """Return the point moved by some metres, not meant for more than a few kilometres."""
    latitude, longitude = point
    moved = max(-90.0, min(90.0, latitude + math.degrees(north_m / EARTH_RADIUS_M)))
    parallel_m = EARTH_RADIUS_M * max(1e-6, math.cos(math.radians(latitude)))
    turned = longitude + math.degrees(east_m / parallel_m)
    return moved, (turned + 180) % 360 - 180


@dataclass(frozen=True, slots=True)
class Stop:
    """A point at which a shipment stops. stay_s: seconds spent there."""

    position: Point
    stay_s: float


class Fix(NamedTuple):
    """Where a tracker truly is at a Unix time."""

    at_s: float
    point: Point


@dataclass(frozen=True, slots=True)
class _Leg:
    starts_s: float
    ends_s: float
    start: Point
    end: Point


@dataclass(frozen=True)
class Itinerary:
    """A shipment: waits at the origin, travels through its stops, arrives and stays.

    departs_at: None never leaves. speed_kmh: on the road, stops not counted.
    """

    active_from: datetime
    origin: Point
    destination: Point
    departs_at: datetime | None
    stops: tuple[Stop, ...]
    speed_kmh: float

    @property
    def begins_s(self) -> float:
        """Unix time of the first moment at which the tracker can be seen."""
        return self.active_from.timestamp()

    @property
    def arrives_s(self) -> float:
        """Unix time of the arrival at the destination; infinite for one that never leaves."""
        return self._legs[-1].ends_s if self._legs else math.inf

    def next_fix(self, after_s: float) -> Fix:
        """Return the moment itself and where the tracker is then: it can be seen at any time."""
        return Fix(after_s, self.position_at(after_s))

    def position_at(self, moment_s: float) -> Point:
        """Return where the tracker is at this Unix time."""
        here = self.origin
        for leg in self._legs:
            if moment_s < leg.starts_s:
                break
            if moment_s < leg.ends_s:
                done = (moment_s - leg.starts_s) / (leg.ends_s - leg.starts_s)
                return interpolate(leg.start, leg.end, done)
            here = leg.end
        return here

    @cached_property
    def _legs(self) -> tuple[_Leg, ...]:
        if self.departs_at is None:
            return ()
        legs = []
        clock_s, here = self.departs_at.timestamp(), self.origin
        for stop in (*self.stops, Stop(self.destination, 0.0)):
            ends_s = clock_s + distance_m(here, stop.position) / (self.speed_kmh / 3.6)
            legs.append(_Leg(clock_s, ends_s, here, stop.position))
            clock_s, here = ends_s + stop.stay_s, stop.position
        return tuple(legs)


@dataclass(frozen=True, slots=True)
class Trace:
    """A recorded route: moments in Unix seconds, ascending, and as many points."""

    moments_s: tuple[float, ...]
    points: tuple[Point, ...]

    @property
    def begins_s(self) -> float:
        """Unix time of the first recorded fix."""
        return self.moments_s[0]

    def next_fix(self, after_s: float) -> Fix | None:
        """Return the first recorded fix at or after the moment, or None after the last."""
        index = bisect_left(self.moments_s, after_s)
        if index == len(self.moments_s):
            return None
        return Fix(self.moments_s[index], self.points[index])


Track = Itinerary | Trace


def replay_csv(path: Path, *, starts_at: datetime | None = None) -> dict[str, Trace]:
    """Read recorded vehicle positions as one trace a vehicle, named by `vehicle_id`.

    Columns used: vehicle_id, timestamp (UTC, no zone written), latitude, longitude. starts_at: when the
    earliest row of the file happens; without it the recorded times are kept.

    Raises OSError; ValueError or KeyError for a file of another kind.
    """
    rows: dict[str, list[tuple[float, Point]]] = {}
    for vehicle, moment_s, point in _csv_rows(path):
        rows.setdefault(vehicle, []).append((moment_s, point))
    if not rows:
        raise ValueError(f"{path.name} holds no positions")
    earliest_s = min(moment_s for fixes in rows.values() for moment_s, _ in fixes)
    shift_s = starts_at.timestamp() - earliest_s if starts_at else 0.0
    traces = {}
    for vehicle, fixes in sorted(rows.items()):
        ordered = sorted(dict(fixes).items())
        traces[vehicle] = Trace(
            tuple(moment_s + shift_s for moment_s, _ in ordered), tuple(point for _, point in ordered)
        )
    return traces


def _csv_rows(path: Path) -> Iterator[tuple[str, float, Point]]:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            moment = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC)
            yield row["vehicle_id"], moment.timestamp(), (float(row["latitude"]), float(row["longitude"]))


def _vector(point: Point) -> tuple[float, float, float]:
    latitude, longitude = map(math.radians, point)
    return (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )
