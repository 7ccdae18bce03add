"""The plan file that tells the local gateway what its simulated fleet does. Only public keys are in it.

    {"seed": 7,
     "started_at": "2026-03-01T12:00:00Z",
     "delay_scale": 0.05,            optional, 1: factor on the published delays after started_at
     "backlog_spread_s": 40,         optional, 40: what was seen before started_at is published within
                                     this many seconds after it
     "median_gap_s": 900,            optional, 900: median time between two reports of a tracker
     "reports_per_key": 20,          optional, 20: how many the network still holds of a key, as Apple's
                                     backend keeps only the latest few
     "trackers": [
       {"mac": "E2:7B:7C:0B:3A:2F",                        the address of one of its keys
        "advertisement_keys": ["Ynt8Czovt6R4rFZw6ZcxlKX9oLwHkbB1Bqc93Q=="],
        "battery": "FULL",                                 optional: FULL, MEDIUM, LOW, CRITICAL or null
        "itinerary": {"active_from": "2026-02-26T08:00:00Z",
                      "origin": [52.379, 4.899],           latitude, longitude
                      "destination": [52.52, 13.405],
                      "departs_at": "2026-02-27T06:00:00Z",  null: stays at the origin
                      "stops": [{"position": [52.28, 8.05], "stay_s": 2700}],   optional
                      "speed_kmh": 75}},
       {"mac": ..., "advertisement_keys": [...],
        "replay": {"csv": "bus.csv",                       relative to the plan file
                   "vehicle": "4716",
                   "starts_at": "2026-03-01T11:00:00Z"}}]}   optional: when the file's first row happens

Every tracker has either an itinerary or a replay. Moments carry their zone. Unknown fields are errors.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from foundation import strict_json
from ingestion.findmy.protocol import Battery
from keys import advertisement
from simulation.findmy.tracks import Itinerary, Point, Stop, Track, replay_csv
from trackers.mac import InvalidMacError, parse_mac

_T = TypeVar("_T")
_REQUIRED: Any = object()


class PlanError(ValueError):
    """A plan that can't be followed; the message begins with the path in the file."""


@dataclass(frozen=True, slots=True)
class PlannedTracker:
    """A device of the fleet. advertisement_keys: 28 bytes each, advertised in turn."""

    mac: str
    advertisement_keys: tuple[bytes, ...]
    battery: Battery | None
    track: Track


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole fleet; see the module for the meaning of each field."""

    seed: int
    started_at: datetime
    delay_scale: float
    backlog_spread_s: float
    median_gap_s: float
    reports_per_key: int
    trackers: tuple[PlannedTracker, ...]


def load_plan(path: Path) -> Plan:
    """Read a plan file. Raises PlanError, also if it can't be read or is no JSON."""
    try:
        document = strict_json.decode(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PlanError(f"{path}: {error}") from error
    return parse_plan(document, folder=path.parent)


def parse_plan(document: Any, *, folder: Path) -> Plan:
    """Check a plan. folder: what relative CSV paths start from. Raises PlanError."""
    fields = _Fields(document, "plan")
    plan = Plan(
        seed=fields.take("seed", _integer),
        started_at=fields.take("started_at", _moment),
        delay_scale=fields.take("delay_scale", _number(0, 100), 1.0),
        backlog_spread_s=fields.take("backlog_spread_s", _number(0, 86_400), 40.0),
        median_gap_s=fields.take("median_gap_s", _number(1, 86_400), 900.0),
        reports_per_key=round(fields.take("reports_per_key", _number(1, 10_000), 20.0)),
        trackers=fields.take("trackers", lambda value, path: _trackers(value, path, folder)),
    )
    fields.finish()
    return plan


class _Fields:
    """Takes the fields of a JSON object one by one, then refuses what is left."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise PlanError(f"{path}: must be an object")
        self._left = dict(value)
        self._path = path

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str, convert: Callable[[Any, str], _T], default: _T = _REQUIRED) -> _T:
        if name in self._left:
            return convert(self._left.pop(name), f"{self._path}.{name}")
        if default is _REQUIRED:
            raise PlanError(f"{self._path}.{name}: is missing")
        return default

    def finish(self) -> None:
        if self._left:
            raise PlanError(f"{self._path}.{min(self._left)}: is no known field")


def _trackers(value: Any, path: str, folder: Path) -> tuple[PlannedTracker, ...]:
    trackers = tuple(
        _tracker(item, f"{path}[{index}]", folder) for index, item in enumerate(_list(value, path))
    )
    seen: set[bytes] = set()
    for index, tracker in enumerate(trackers):
        if not seen.isdisjoint(tracker.advertisement_keys):
            raise PlanError(f"{path}[{index}].advertisement_keys: another tracker has this key")
        seen.update(tracker.advertisement_keys)
    return trackers


def _tracker(value: Any, path: str, folder: Path) -> PlannedTracker:
    fields = _Fields(value, path)
    mac = fields.take("mac", _mac)
    keys = fields.take("advertisement_keys", _keys)
    if mac not in map(advertisement.mac_address, keys):
        raise PlanError(f"{path}.mac: is not the address of one of its keys")
    if ("itinerary" in fields) == ("replay" in fields):
        raise PlanError(f"{path}: needs either an itinerary or a replay")
    full: Battery | None = Battery.FULL
    battery = fields.take("battery", _battery, full)
    track: Track
    if "itinerary" in fields:
        track = fields.take("itinerary", _itinerary)
    else:
        track = fields.take("replay", lambda replay, at: _replay(replay, at, folder))
    fields.finish()
    return PlannedTracker(mac, keys, battery, track)


def _itinerary(value: Any, path: str) -> Itinerary:
    fields = _Fields(value, path)
    itinerary = Itinerary(
        active_from=fields.take("active_from", _moment),
        origin=fields.take("origin", _point),
        destination=fields.take("destination", _point),
        departs_at=fields.take("departs_at", _moment_or_null),
        stops=fields.take("stops", _stops, ()),
        speed_kmh=fields.take("speed_kmh", _number(1, 1_000)),
    )
    fields.finish()
    if itinerary.departs_at and itinerary.departs_at < itinerary.active_from:
        raise PlanError(f"{path}.departs_at: is before active_from")
    return itinerary


def _stops(value: Any, path: str) -> tuple[Stop, ...]:
    stops = []
    for index, item in enumerate(_list(value, path)):
        fields = _Fields(item, f"{path}[{index}]")
        stops.append(Stop(fields.take("position", _point), fields.take("stay_s", _number(0, 10_000_000))))
        fields.finish()
    return tuple(stops)


def _replay(value: Any, path: str, folder: Path) -> Track:
    fields = _Fields(value, path)
    file = folder / fields.take("csv", _text)
    vehicle = fields.take("vehicle", _text)
    starts_at = fields.take("starts_at", _moment_or_null, None)
    fields.finish()
    try:
        traces = replay_csv(file, starts_at=starts_at)
    except (OSError, ValueError, KeyError) as error:
        raise PlanError(f"{path}.csv: {error}") from error
    if vehicle not in traces:
        raise PlanError(f"{path}.vehicle: the file has only {', '.join(traces)}")
    return traces[vehicle]


def _list(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise PlanError(f"{path}: must be a list")
    return value


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise PlanError(f"{path}: must be a text")
    return value


def _integer(value: Any, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise PlanError(f"{path}: must be a whole number")
    return value


def _number(least: float, most: float) -> Callable[[Any, str], float]:
    def convert(value: Any, path: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise PlanError(f"{path}: must be a number from {least:g} to {most:g}")
        return float(value)

    return convert


def _moment(value: Any, path: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(value, path))
    except ValueError as error:
        raise PlanError(f"{path}: must be an ISO 8601 moment") from error
    if moment.tzinfo is None:
        raise PlanError(f"{path}: must say its time zone")
    return moment


def _moment_or_null(value: Any, path: str) -> datetime | None:
    return None if value is None else _moment(value, path)


def _point(value: Any, path: str) -> Point:
    if not isinstance(value, list) or len(value) != 2:
        raise PlanError(f"{path}: must be [latitude, longitude]")
    return _number(-90, 90)(value[0], f"{path}[0]"), _number(-180, 180)(value[1], f"{path}[1]")


def _battery(value: Any, path: str) -> Battery | None:
    if value is None:
        return None
    try:
        return Battery(value)
    except ValueError as error:
        raise PlanError(f"{path}: must be one of {', '.join(Battery)}, or null") from error


def _mac(value: Any, path: str) -> str:
    try:
        return parse_mac(_text(value, path))
    except InvalidMacError as error:
        raise PlanError(f"{path}: {error}") from error


def _keys(value: Any, path: str) -> tuple[bytes, ...]:
    keys = []
    for index, item in enumerate(_list(value, path)):
        try:
            key = base64.b64decode(_text(item, f"{path}[{index}]"), validate=True)
            advertisement.load_public_key(key)
        except (binascii.Error, advertisement.InvalidAdvertisementKeyError) as error:
            raise PlanError(f"{path}[{index}]: {error}") from error
        keys.append(key)
    if not keys:
        raise PlanError(f"{path}: needs at least one key")
    return tuple(keys)
