"""Reads across the trackers' models. Each takes what the user may see already, and narrows it."""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.contrib.gis.db.models import PointField
from django.db.models import (
    Case,
    CharField,
    DateField,
    DateTimeField,
    Exists,
    F,
    FloatField,
    Func,
    OuterRef,
    Q,
    QuerySet,
    TextChoices,
    Value,
    When,
)
from django.db.models.functions import Cast, Lower, Replace

from foundation import bulk, sql
from foundation.tenancy import Viewer, sees_everything
from locations import geojson
from locations.models import SHAPE_OF_LOCATION, SHAPE_OF_PLACE
from trackers.incoming import ReportIdentity
from trackers.mac import InvalidMacError, parse_mac
from trackers.models import Assignment, LocationReport, Tracker
from trackers.naming import Name, name_of

STORED_AMONG = sql.load("trackers/stored_among")
MAX_TRACK_POINTS = 5_000
# Of a beginning that many trackers have in common.
FOUND_AT_MOST = 500

_NO_HEX_DIGIT = re.compile(r"[^0-9A-F]")
_MAC_SEPARATORS = re.compile(r"[:\-. _]")
_MAC_BEGINNING = re.compile(r"[0-9A-F]{1,12}")
_BETWEEN_WORDS = re.compile(r"[\s,;]+")


class Counted(TextChoices):
    """What became of a report that was seen in a run."""

    YES = "yes", "Counts"
    SUPERSEDED = "superseded", "Superseded"
    INACCURATE = "inaccurate", "Inaccurate"
    OUTLIER = "outlier", "Outlier"
    HELD = "held", "Held"


class TrackPoint(NamedTuple):
    seen_at: datetime
    received_at: datetime
    longitude: float
    latitude: float
    accuracy_m: float | None
    battery: str
    counted: str | None


def stored_among(identities: Sequence[ReportIdentity]) -> set[ReportIdentity]:
    """Those of the reports that are in the store; one query."""
    if not identities:
        return set()
    arrays = bulk.transposed(identities, ("tracker_ids", "seen_ats", "fingerprints"))
    return set(bulk.fetch_rows(STORED_AMONG, arrays, ReportIdentity))


class Resolved(NamedTuple):
    """Who is meant by names, each under its MAC or, where it is none, its serial.

    ids: of the trackers, in the order of the names. unknown: nobody's. ambiguous: those of several trackers, as the MAC
    of one may be the serial of another.
    """

    ids: dict[str, int]
    unknown: list[str]
    ambiguous: list[str]


def resolve(trackers: QuerySet[Tracker], names: Iterable[Name]) -> Resolved:
    """Find among these trackers those that are named, by MAC or serial; two queries, by index.

    A serial is taken as it is written; where no tracker has it so, in upper or in lower case.
    """
    names = list(names)
    by_mac = dict(trackers.filter(mac__in={name.mac for name in names}).values_list("mac", "pk"))
    spellings = {spelling for name in names for spelling in _spellings(name)}
    by_serial = dict(trackers.filter(serial__in=spellings).values_list("serial", "pk"))
    resolved = Resolved({}, [], [])
    for name in names:
        serials = [by_serial[each] for each in _spellings(name) if each in by_serial]
        exact = [by_serial[name.text]] if name.text in by_serial else serials
        meant = {*([by_mac[name.mac]] if name.mac in by_mac else []), *exact}
        if len(meant) == 1:
            resolved.ids[str(name)] = meant.pop()
        else:
            (resolved.ambiguous if meant else resolved.unknown).append(str(name))
    return resolved


def _spellings(name: Name) -> set[str]:
    return {name.text, name.text.upper(), name.text.lower()} - {""}


def search_trackers(trackers: QuerySet[Tracker], text: str) -> QuerySet[Tracker]:
    """Trackers with this MAC, in any notation, or with this text in their MAC or serial."""
    try:
        mac = parse_mac(text)
    except InvalidMacError:
        pass
    else:
        return trackers.filter(Q(mac=mac) | Q(serial=text.strip()))
    matching = Q(serial__icontains=text.strip())
    digits = _MAC_SEPARATORS.sub("", text.upper())
    if digits and not _NO_HEX_DIGIT.search(digits):
        trackers = trackers.alias(mac_digits=Replace("mac", Value(":"), Value("")))
        matching |= Q(mac_digits__contains=digits)
    return trackers.filter(matching)


def find_trackers(trackers: QuerySet[Tracker], text: str) -> QuerySet[Tracker]:
    """Trackers as staff type them: MACs in any notation and serials, several at once, or how a MAC or serial begins.

    Index lookups only: nothing is searched in the middle of a column. Of a beginning that many have in common, the
    first FOUND_AT_MOST are found.
    """
    words = [name_of(word) for word in _BETWEEN_WORDS.split(text.strip()) if word]
    if not words:
        return trackers
    if name_of(text).mac:
        return trackers.filter(pk__in=_named(trackers, [name_of(text)]))
    if len(words) > 1 and (named := _named(trackers, words)):
        return trackers.filter(pk__in=named)
    found: set[int] = set()
    # One index each: together they would be sorted out row by row.
    for matching in _beginnings(text.strip()):
        ids = trackers.filter(matching).select_related(None).order_by().values_list("pk", flat=True)
        found.update(ids[:FOUND_AT_MOST])
    return trackers.filter(pk__in=found)


def of_found_trackers(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Rows whose `tracker` is found by the text."""
    return rows.filter(tracker__in=find_trackers(Tracker.objects.all(), text).values("pk"))


def _named(trackers: QuerySet[Tracker], names: Sequence[Name]) -> set[int]:
    """The trackers that have one of these names, also where several have it."""
    named = (
        Q(mac__in={name.mac for name in names}),
        Q(serial__in={each for name in names for each in _spellings(name)}),
    )
    ids: set[int] = set()
    for matching in named:
        ids.update(trackers.filter(matching).select_related(None).order_by().values_list("pk", flat=True))
    return ids


def _beginnings(text: str) -> list[Q]:
    matching = [Q(serial__startswith=serial) for serial in sorted({text, text.upper()})]
    digits = _MAC_SEPARATORS.sub("", text.upper())
    if _MAC_BEGINNING.fullmatch(digits):
        prefix = ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))
        matching.append(Q(mac__startswith=prefix))
    return matching


def macs_by_id(ids: Collection[int]) -> dict[int, str]:
    """The MACs of these trackers, whoever sees them."""
    return dict(Tracker.objects.filter(pk__in=ids).values_list("pk", "mac")) if ids else {}


def not_seen_since(trackers: QuerySet[Tracker], moment: datetime) -> QuerySet[Tracker]:
    """Trackers that were not seen after `moment`, or never."""
    return trackers.filter(Q(last_seen_at__lte=moment) | Q(last_seen_at=None))


def of_mac(rows: QuerySet[Any], mac: str) -> QuerySet[Any]:
    """Rows of the tracker with this normalised MAC.

    The id is looked up by a subquery that does not depend on the row: to the planner it is a constant, so that the
    index by tracker and time also gives the order. A join would have to sort all rows of the tracker.
    """
    return rows.filter(tracker_id=Tracker.objects.filter(mac=mac).values("pk")[:1])


def mac_of_serial(user: Viewer, serial: str) -> str | None:
    """The MAC of the tracker with this serial, if the user may see it or could once; None otherwise."""
    if not serial.isprintable():
        return None
    trackers = Tracker.objects.filter(serial=serial)
    if not sees_everything(user):
        once = Assignment.objects.visible_to(user).filter(tracker=OuterRef("pk"))
        trackers = trackers.filter(Exists(once))
    return trackers.values_list("mac", flat=True).first()


def of_trackers_under(rows: QuerySet[Any], assignments: QuerySet[Assignment]) -> QuerySet[Any]:
    """Rows of the trackers of these assignments, whenever: makes the index by tracker and time usable."""
    return rows.filter(tracker__in=assignments.values("tracker"))


def reports_under(
    reports: QuerySet[LocationReport], assignments: QuerySet[Assignment]
) -> QuerySet[LocationReport]:
    """Reports that were seen while one of these assignments was in force."""
    in_force = assignments.filter(tracker=OuterRef("tracker"), period__contains=OuterRef("seen_at"))
    return reports.filter(Exists(in_force))


def rows_under(rows: QuerySet[Any], assignments: QuerySet[Assignment]) -> QuerySet[Any]:
    """Events or status changes of these assignments."""
    return rows.filter(assignment__in=assignments.values("pk"))


def reports_for_api(reports: QuerySet[LocationReport]) -> QuerySet[LocationReport]:
    """With the tracker's `mac`, and what became of the report: `counted` is a code of `Counted`, or None if it was seen
    in no run; `usable` tells whether it was in one, and accurate enough for it."""
    day = Cast(
        Func(Value("UTC"), OuterRef("seen_at"), function="timezone", output_field=DateTimeField()),
        DateField(),
    )
    in_run = Assignment.objects.filter(
        tracker=OuterRef("tracker"),
        period__contains=OuterRef("seen_at"),
        run__start_date__lte=day,
        run__end_date__gte=day,
    )
    counted = Case(
        When(~Exists(in_run), then=Value(None)),
        When(verdict="", then=Value(Counted.YES)),
        default=Lower("verdict"),
        output_field=CharField(),
    )
    usable = Case(
        When(counted=Counted.INACCURATE, then=Value(False)),
        When(counted__isnull=False, then=Value(True)),
        default=Value(False),
    )
    return reports.annotate(mac=F("tracker__mac"), counted=counted, usable=usable)


def reports_that_came_to(reports: QuerySet[Any], counted: Sequence[str]) -> QuerySet[Any]:
    """Those of `reports_for_api` of which one of these codes of `Counted` is true. By what is stored, so that the few
    that are not plausible are found by their index."""
    verdicts = ["" if code == Counted.YES else code.upper() for code in counted]
    return reports.filter(verdict__in=verdicts, counted__isnull=False)


def rows_for_api(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Events or status changes with the tracker's `mac`, their run and their location (without its geometry)."""
    with_names: QuerySet[Any] = rows.annotate(mac=F("tracker__mac")).select_related(
        "assignment__run", "location"
    )
    return with_names.defer(*SHAPE_OF_LOCATION)


def trackers_for_api(trackers: QuerySet[Tracker]) -> QuerySet[Tracker]:
    """With their client, run and location (without its geometry)."""
    return trackers.select_related("latest_assignment__run__brand__client", "location", "near").defer(
        *SHAPE_OF_LOCATION, *SHAPE_OF_PLACE
    )


def tracker_features(trackers: QuerySet[Tracker]) -> str:
    """Where trackers were last seen, as a GeoJSON FeatureCollection; those without a position are left out."""
    run = "latest_assignment__run"
    as_feature = geojson.feature(
        id_field="mac",
        geometry=geojson.geometry("last_position"),
        properties={
            "mac": F("mac"),
            "serial": F("serial"),
            "state": F("state"),
            "status": F("status"),
            "status_since": geojson.UtcText("status_since"),
            "location": F("location__name"),
            "run": F(f"{run}__name"),
            "brand": F(f"{run}__brand__name"),
            "client": F(f"{run}__brand__client__name"),
            "last_seen_at": geojson.UtcText("last_seen_at"),
            "last_received_at": geojson.UtcText("last_received_at"),
            "accuracy_m": F("last_accuracy_m"),
            "battery": F("battery"),
        },
    )
    return geojson.feature_collection(trackers.filter(last_position__isnull=False), as_feature)


def track_features(mac: str, reports: QuerySet[Any]) -> str:
    """The newest MAX_TRACK_POINTS of a tracker's `reports_for_api`, oldest first: a line through those that count, then
    points."""
    flat = Cast("position", PointField(geography=False))
    rows = reports.order_by("-seen_at", "-fingerprint").values(
        "seen_at",
        "received_at",
        "accuracy_m",
        "battery",
        "counted",
        longitude=Func(flat, function="ST_X", output_field=FloatField()),
        latitude=Func(flat, function="ST_Y", output_field=FloatField()),
    )
    points = [TrackPoint(**row) for row in rows[: MAX_TRACK_POINTS + 1]]
    truncated = len(points) > MAX_TRACK_POINTS
    points = points[:MAX_TRACK_POINTS][::-1]
    line = [point for point in points if point.counted == Counted.YES]
    features = [_line_feature(mac, line)] if len(line) > 1 else []
    features += [_point_feature(point) for point in points]
    return geojson.join_features((json.dumps(feature) for feature in features), truncated=truncated)


def _line_feature(mac: str, points: list[TrackPoint]) -> dict[str, Any]:
    properties = {
        "mac": mac,
        "first_seen_at": _utc(points[0].seen_at),
        "last_seen_at": _utc(points[-1].seen_at),
    }
    coordinates = [_position(point) for point in points]
    geometry = {"type": "LineString", "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _point_feature(point: TrackPoint) -> dict[str, Any]:
    properties = {
        "seen_at": _utc(point.seen_at),
        "received_at": _utc(point.received_at),
        "accuracy_m": point.accuracy_m,
        "battery": point.battery,
        "counted": point.counted,
        "usable": point.counted not in (None, Counted.INACCURATE),
    }
    geometry = {"type": "Point", "coordinates": _position(point)}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _position(point: TrackPoint) -> list[float]:
    return [round(point.longitude, 6), round(point.latitude, 6)]


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
