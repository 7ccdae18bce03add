"""The world file of `manage.py replay`: its format, and what is wrong with one. Pure."""

import hashlib
import math
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Literal

import msgspec

from foundation import json_paths, strict_json
from locations.areas.globe import MAX_CENTRE_LONGITUDE
from trackers.mac import parse_mac

# Beyond these a moment may have no counterpart in UTC.
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)

Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-MAX_CENTRE_LONGITUDE, le=MAX_CENTRE_LONGITUDE)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Mac(str):
    """A MAC address, in any notation in the file and in ours here."""

    __slots__ = ()


class Moment(datetime):
    """A point in time in UTC. In the file a bare date means its midnight in UTC."""


class WorldError(ValueError):
    """The file can't be replayed; the message names the path in it."""


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Policy(_Strict):
    max_accuracy_m: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 250
    exit_accuracy_cap_m: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 100
    entry_accuracy_factor: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    max_speed_kmh: Annotated[int, msgspec.Meta(ge=10, le=3_000)] = 1_000
    confirmations: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1


class Run(_Strict):
    name: Name
    start_date: date
    end_date: date
    policy: Policy = msgspec.field(default_factory=Policy)


class WorldLocation(_Strict):
    """area: GeoJSON as it stands in the file, which `locations.fences` reads; empty for a circle, which needs `lat` and
    `lon`."""

    name: Name
    kind: Literal["storage", "delivery"]
    lat: Latitude | None = None
    lon: Longitude | None = None
    radius_m: Annotated[float, msgspec.Meta(gt=0, le=100_000)] = 100
    runs: list[str] | None = None
    area: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    active_from: Moment | None = None

    @property
    def given_area(self) -> bytes | None:
        text = bytes(self.area)
        return text if text not in (b"", b"null") else None


class WorldTracker(_Strict):
    mac: Mac
    from_: Moment = msgspec.field(name="from")
    run: str | None = None
    to: Moment | None = None


class WorldReport(_Strict):
    mac: Mac
    seen_at: Instant
    lat: Latitude
    lon: Longitude
    accuracy_m: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None
    confidence: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None

    def identity(self) -> bytes:
        """32 bytes that are equal where every value is."""
        values = (
            self.mac,
            self.seen_at.astimezone(UTC),
            self.lat,
            self.lon,
            self.accuracy_m,
            self.confidence,
        )
        return hashlib.sha256(repr(values).encode()).digest()


class World(_Strict):
    runs: list[Run]
    locations: list[WorldLocation]
    trackers: list[WorldTracker]
    reports: list[WorldReport]


def parse_world(text: bytes) -> World:
    """Decode and check a world. Raises WorldError with one line that names the path in the file."""
    try:
        strict_json.refuse_repeated(text)
        world = msgspec.json.decode(text, type=World, dec_hook=_decode)
    except strict_json.UnfitJsonError as error:
        raise WorldError(error.message) from None
    except msgspec.ValidationError as error:
        raise WorldError(_with_path(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WorldError(f"not JSON: {error}{_where(text, str(error))}") from None
    except RecursionError:
        path = json_paths.path_of_depth(text.decode(errors="replace"), strict_json.MAX_DEPTH)
        raise WorldError(f"nested too deeply - at `{path}`") from None
    _check_runs(world)
    _check_locations(world)
    _check_trackers(world)
    _check_reports(world)
    return world


def _with_path(message: str) -> str:
    """A decoder's message with the path as the file's reader would write it; it names none for the top level."""
    if " - at `" not in message:
        return f"{message} - at the top level"
    return message.replace("`$.", "`").replace("`$`", "the top level")


def _where(text: bytes, message: str) -> str:
    """The path of the byte that a decoder's message names."""
    found = re.search(r"\(byte (\d+)\)", message)
    before = text[: int(found[1])].decode(errors="replace") if found else ""
    path = json_paths.path_at(before, len(before)) if before else ""
    return f" - at `{path}`" if path else ""


def run_names(names: Sequence[str] | None, world: World) -> Sequence[str]:
    """The runs named; the only one where none is named and there is just one."""
    if names is not None:
        return names
    return [run.name for run in world.runs] if len(world.runs) == 1 else []


def batch_size(text: str) -> int:
    """A number of reports. Raises WorldError if it is none from 1 to a billion."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise WorldError(f"--batch {text}: write a number of at least 1")
    return int(text)


def in_order(reports: list[WorldReport], order: str) -> list[WorldReport]:
    """Reports as `file`, `event` or `shuffle:SEED` say. Raises WorldError for another order."""
    kind, _, seed = order.partition(":")
    if order == "file":
        return reports
    if order == "event":
        return sorted(reports, key=lambda report: report.seen_at)
    if kind == "shuffle" and seed:
        return random.Random(seed).sample(reports, len(reports))  # noqa: S311 (not for secrets)
    raise WorldError(f"--order {order}: write file, event or shuffle:SEED")


def with_late(reports: list[WorldReport], late: str) -> list[WorldReport]:
    """Move a random part of the reports, `FRACTION:SEED`, after all others. Raises WorldError if it is malformed."""
    fraction_text, separator, seed = late.partition(":")
    try:
        fraction = float(fraction_text)
    except ValueError:
        fraction = math.nan
    if not (separator and seed and 0 <= fraction <= 1):
        raise WorldError(f"--late {late}: write FRACTION:SEED with a fraction from 0 to 1, as in 0.3:5")
    delayed = set(random.Random(seed).sample(range(len(reports)), round(fraction * len(reports))))  # noqa: S311
    on_time = [report for index, report in enumerate(reports) if index not in delayed]
    return on_time + [reports[index] for index in sorted(delayed)]


def _decode(type_: type, value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got {value!r}")
    if type_ is Mac:
        return Mac(parse_mac(value))
    moment = Moment.fromisoformat(value)
    if moment.tzinfo is None:
        if "T" in value or ":" in value:
            raise ValueError(f"{value!r} needs a time zone, as in 2026-01-31T12:00:00Z")
        moment = moment.replace(tzinfo=UTC)
    if not EARLIEST <= moment <= LATEST:
        raise ValueError(f"{value} is out of range")
    return moment.astimezone(UTC)


def _check_runs(world: World) -> None:
    _require_unique((run.name for run in world.runs), "runs")
    for index, run in enumerate(world.runs):
        if run.end_date < run.start_date:
            raise WorldError(
                f"end_date {run.end_date} is before start_date {run.start_date} - at `runs[{index}]`"
            )


def _check_locations(world: World) -> None:
    _require_unique((location.name for location in world.locations), "locations")
    for index, location in enumerate(world.locations):
        path = f"locations[{index}]"
        _require_known_runs(location.runs, world, f"{path}.runs")
        for name in ("lat", "lon"):
            if getattr(location, name) is None and (location.lat != location.lon or not location.given_area):
                raise WorldError(f"`{name}` is missing: a circle needs its centre - at `{path}`")


def _check_trackers(world: World) -> None:
    periods: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for index, tracker in enumerate(world.trackers):
        path = f"trackers[{index}]"
        _require_known_runs(None if tracker.run is None else [tracker.run], world, f"{path}.run")
        begin: datetime = tracker.from_
        end = tracker.to or datetime.max.replace(tzinfo=UTC)
        if end <= begin:
            raise WorldError(f"`to` must be after `from` - at `{path}.to`")
        earlier = periods[tracker.mac]
        if any(begin < other_end and other_begin < end for other_begin, other_end in earlier):
            raise WorldError(f"{tracker.mac} has another period that overlaps with this one - at `{path}`")
        earlier.append((begin, end))


def _check_reports(world: World) -> None:
    known = {tracker.mac for tracker in world.trackers}
    for index, report in enumerate(world.reports):
        if report.mac not in known:
            raise WorldError(f"{report.mac} is none of the trackers - at `reports[{index}].mac`")
        if not EARLIEST <= report.seen_at <= LATEST:
            raise WorldError(f"{report.seen_at.isoformat()} is out of range - at `reports[{index}].seen_at`")


def _require_known_runs(names: Sequence[str] | None, world: World, path: str) -> None:
    if names is None and len(world.runs) != 1:
        raise WorldError(f"name the run: there are {len(world.runs)} - at `{path}`")
    known = {run.name for run in world.runs}
    for name in names or ():
        if name not in known:
            raise WorldError(f"there is no run {name!r} - at `{path}`")


def _require_unique(names: Iterable[str], path: str) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            raise WorldError(f"the name {name!r} is taken already - at `{path}[{index}].name`")
        seen.add(name)
