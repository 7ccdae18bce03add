"""What is not as it should be with a tracker: detectors from reports, from the hours in which it was seen, and from
its history, all under one assignment and in time order.

Pure: values in, values out. Distances are great circles in metres, good to half a per cent. Each detector gives the
episodes of one kind; the measure of an episode is

    IMPOSSIBLE_SPEED   km/h that it would take at least
    SILENT             hours of silence that are usual enough for this tracker
    NEVER_REPORTED     hours that it was given
    OFF_ROUTE          km that the route by this point is too long
    BACK_TO_STORAGE    hours that it was away
    LONG_STAY          days that a status may last
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from trackers.rules.distances import great_circle_m
from trackers.rules.episodes import Episode, Finding, Kind, join
from trackers.rules.verdicts import excess_m

# The usual gap between reports is the median of this many; with fewer than the least it is not known.
GAPS_FOR_RHYTHM = 20
LEAST_GAPS = 5
# One report may lie about where it is; two in a row are taken at their word.
PLACE_CONFIRMATIONS = 2
LEAST_ELAPSED = timedelta(seconds=1)
HOUR = timedelta(hours=1)


class Thresholds(NamedTuple):
    """The settings ALERT_…, in their units."""

    silent_factor: float
    silent_min: timedelta
    silent_max: timedelta
    never_reported_after: timedelta
    off_route_detour: float
    off_route_slack_m: float
    long_storage: timedelta
    long_transit: timedelta
    back_after: timedelta


class EvaluatedReport(NamedTuple):
    """A report that counts, or else an outlier or one that is held. accuracy_m: 0 if unknown. battery is a `Battery`
    code or empty.

    abroad: the code of the country on whose land it lies and should not; empty on land where it may be; None where
    that can't be told: at sea, close to a border, or because nobody said where it may be.
    """

    seen_at: datetime
    latitude: float
    longitude: float
    accuracy_m: float
    battery: str
    counts: bool = True
    abroad: str | None = None

    @property
    def point(self) -> tuple[float, float]:
        """(latitude, longitude)"""
        return (self.latitude, self.longitude)


class SeenHour(NamedTuple):
    """An hour in which the tracker was seen."""

    first_seen_at: datetime
    last_seen_at: datetime


class StatusPeriod(NamedTuple):
    """status is a `GeoStatus` code; ended_at is None while it lasts."""

    status: str
    location_id: int | None
    started_at: datetime
    ended_at: datetime | None


class Leg(NamedTuple):
    """A route that shipments of the run may take, between a storage and a delivery location (latitude, longitude), and
    how long it is directly."""

    origin: tuple[float, float]
    destination: tuple[float, float]
    direct_m: float


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between (latitude, longitude) in degrees."""
    return great_circle_m(*one, *other)


def impossible_speed(reports: Sequence[EvaluatedReport], *, ongoing: Episode | None = None) -> list[Episode]:
    """From a report that is an outlier, or held, to the next one that counts: one of them lies, or two devices have
    the same key."""
    findings = []
    before: EvaluatedReport | None = None
    for report in reports:
        if report.counts:
            before = report
            findings.append(Finding(report.seen_at, False))
        else:
            findings.append(Finding(report.seen_at, True, before and _speed_kmh(before, report)))
    return join(Kind.IMPOSSIBLE_SPEED, findings, ongoing=ongoing)


def _speed_kmh(before: EvaluatedReport, after: EvaluatedReport) -> float:
    """What it would take at least."""
    elapsed = max(after.seen_at - before.seen_at, LEAST_ELAPSED)
    return float(round(excess_m(before, after) / 1000 / (elapsed / HOUR)))


def battery_low(reports: Sequence[EvaluatedReport], *, ongoing: Episode | None = None) -> list[Episode]:
    """From the first report that says low or critical to the next that says better; others say nothing."""
    findings = [
        Finding(report.seen_at, report.battery in ("LOW", "CRITICAL") if report.battery else None)
        for report in reports
    ]
    return join(Kind.BATTERY_LOW, findings, ongoing=ongoing)


def off_route(
    reports: Sequence[EvaluatedReport],
    legs: Sequence[Leg],
    *,
    detour: float,
    slack_m: float,
    ongoing: Episode | None = None,
) -> list[Episode]:
    """No leg of the run leads by this point without a route longer than `detour` times the direct one plus the slack.

    A point on a road that is at most `detour` times as long as the direct route between its ends always passes: to and
    from it can't be longer than the road. Without a leg there is no route to leave.
    """
    if not legs:
        return []
    ends = {end for leg in legs for end in (leg.origin, leg.destination)}
    findings = []
    for report in reports:
        away_m = {end: distance_m(report.point, end) for end in ends}
        excess_m = min(away_m[leg.origin] + away_m[leg.destination] - detour * leg.direct_m for leg in legs)
        findings.append(_off_route(report, excess_m - slack_m))
    return join(Kind.OFF_ROUTE, findings, ongoing=ongoing, confirmations=PLACE_CONFIRMATIONS)


def _off_route(report: EvaluatedReport, excess_m: float) -> Finding:
    """Its error circle counts twice: to the point and from it."""
    excess_m -= 2 * report.accuracy_m
    return Finding(report.seen_at, excess_m > 0, float(round(max(excess_m, 0) / 1000)))


def left_country(reports: Sequence[EvaluatedReport], *, ongoing: Episode | None = None) -> list[Episode]:
    """From the first of two in a row that lie in countries where they should not to the next where they may be."""
    findings = [
        Finding(
            report.seen_at,
            None if report.abroad is None else bool(report.abroad),
            country=report.abroad or "",
        )
        for report in reports
    ]
    return join(Kind.LEFT_COUNTRY, findings, ongoing=ongoing, confirmations=PLACE_CONFIRMATIONS)


def allowed_silence(gaps: Sequence[timedelta], thresholds: Thresholds) -> timedelta:
    """How long a tracker may be silent after these gaps: a multiple of the median of the latest, within bounds."""
    if len(gaps) < LEAST_GAPS:
        return thresholds.silent_max
    latest = sorted(gaps[-GAPS_FOR_RHYTHM:])
    usual = latest[len(latest) // 2]
    return min(max(thresholds.silent_factor * usual, thresholds.silent_min), thresholds.silent_max)


def silent(
    before: Sequence[SeenHour],
    hours: Sequence[SeenHour],
    *,
    until: datetime,
    thresholds: Thresholds,
) -> tuple[list[Episode], datetime | None]:
    """Gaps that are too long for this tracker, from when it was last seen to when it was seen again, or to `until`,
    if it goes on. Also the moment when the present silence will have become too long.

    before: the hours that tell its rhythm, up to GAPS_FOR_RHYTHM + 1; only gaps after their last are evaluated.
    """
    seen = [*before, *hours]
    if not seen:
        return [], None
    gaps = [max(later.first_seen_at - hour.last_seen_at, timedelta()) for hour, later in pairwise(seen)]
    episodes = []
    for number in range(max(len(before) - 1, 0), len(gaps)):
        allowed = allowed_silence(gaps[:number], thresholds)
        if gaps[number] > allowed:
            last = seen[number].last_seen_at
            episodes.append(_silence(Kind.SILENT, last, allowed, seen[number + 1].first_seen_at))
    last, allowed = seen[-1].last_seen_at, allowed_silence(gaps, thresholds)
    if until - last > allowed:
        return [*episodes, _silence(Kind.SILENT, last, allowed, None)], None
    return episodes, last + allowed


def never_reported(
    first_seen_at: datetime | None, *, since: datetime, until: datetime, thresholds: Thresholds
) -> list[Episode]:
    """Expected since `since`, and not seen in the time that it was given."""
    allowed = thresholds.never_reported_after
    if (first_seen_at or until) - since <= allowed:
        return []
    return [_silence(Kind.NEVER_REPORTED, since, allowed, first_seen_at)]


def _silence(kind: Kind, since: datetime, allowed: timedelta, ended_at: datetime | None) -> Episode:
    return Episode(kind, since, since + allowed, ended_at, round(allowed / HOUR, 1))


def left_delivery(periods: Sequence[StatusPeriod]) -> list[Episode]:
    """Away from the delivery location where it had arrived, until it is delivered again, wherever."""
    episodes: list[Episode] = []
    current: Episode | None = None
    for before, after in pairwise(periods):
        delivered = after.status == "DELIVERED"
        if current and delivered:
            episodes.append(current._replace(ended_at=after.started_at))
            current = None
        elif current:
            current = current._replace(latest_at=after.started_at)
        elif before.status == "DELIVERED" and not delivered:
            current = Episode(
                Kind.LEFT_DELIVERY, after.started_at, after.started_at, location_id=before.location_id
            )
    return [*episodes, current] if current else episodes


def back_to_storage(periods: Sequence[StatusPeriod], *, back_after: timedelta) -> list[Episode]:
    """At a storage location where it had been before, after at least `back_after`, or after it was delivered."""
    episodes = []
    left_at: dict[int | None, datetime] = {}
    delivered_at: datetime | None = None
    for visit in _visits(periods, back_after):
        if visit.status == "DELIVERED":
            delivered_at = visit.started_at
        elif visit.status == "IN_STORAGE":
            away_since = left_at.get(visit.location_id) or delivered_at
            if away_since:
                episodes.append(_return(visit, visit.started_at - away_since))
            if visit.ended_at:
                left_at[visit.location_id] = visit.ended_at
    return episodes


def _return(visit: StatusPeriod, away: timedelta) -> Episode:
    return Episode(
        Kind.BACK_TO_STORAGE,
        visit.started_at,
        visit.started_at,
        visit.ended_at,
        round(away / HOUR, 1),
        visit.location_id,
    )


def _visits(periods: Sequence[StatusPeriod], back_after: timedelta) -> list[StatusPeriod]:
    """Visits, joined where the tracker was away for less than `back_after` and not delivered meanwhile."""
    visits: list[StatusPeriod] = []
    open_: dict[int | None, int] = {}
    for period in periods:
        if period.location_id is None:
            continue
        number = open_.get(period.location_id)
        ended_at = visits[number].ended_at if number is not None else None
        if number is not None and ended_at and period.started_at - ended_at < back_after:
            visits[number] = visits[number]._replace(ended_at=period.ended_at)
            continue
        if period.status == "DELIVERED":
            open_.clear()
        open_[period.location_id] = len(visits)
        visits.append(period)
    return visits


def long_periods(
    periods: Sequence[StatusPeriod], *, until: datetime, thresholds: Thresholds
) -> tuple[list[Episode], datetime | None]:
    """Status periods in storage or in transit that lasted too long, from the moment when they did. Also the moment
    when the present one will."""
    limits = {"IN_STORAGE": thresholds.long_storage, "IN_TRANSIT": thresholds.long_transit}
    episodes = []
    becomes_long_at = None
    for period in periods:
        limit = limits.get(period.status)
        if limit is None:
            continue
        long_at = period.started_at + limit
        if long_at < (period.ended_at or until):
            days = round(limit / timedelta(days=1), 1)
            episodes.append(
                Episode(Kind.LONG_STAY, long_at, long_at, period.ended_at, days, period.location_id)
            )
        elif period.ended_at is None:
            becomes_long_at = long_at
    return episodes, becomes_long_at
