"""What a tracker's page shows: how it stands, its timeline, its route and its tables."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from clients.models import ProductionRun
from foundation.tenancy import Viewer
from locations.pages import fences
from trackers.models import (
    Alert,
    Assignment,
    DailyPosition,
    GeofenceEvent,
    GeoStatus,
    LocationReport,
    StatusChange,
    Tracker,
)
from trackers.pages import queries, strips
from trackers.pages.strips import Strip

WINDOWS_DAYS = (1, 7, 30, 90)
DEFAULT_DAYS = 7
Verdict = LocationReport.Verdict
WHY_NOT_COUNTED: dict[str, str] = {
    Verdict.SUPERSEDED: "a more accurate report is of the same moment",
    Verdict.INACCURATE: "less accurate than {run.max_accuracy_m} m",
    Verdict.OUTLIER: "outlier: over {run.max_speed_kmh:,} km/h to get there",
    Verdict.HELD: "unconfirmed: over {run.max_speed_kmh:,} km/h to get there",
}


@dataclass(frozen=True)
class Standing:
    """The run of the latest assignment, whether that is in force, and how long the status has lasted.

    silent, never_reported: whether an alert of this kind is open, for alerts alone say what is too long for a tracker.
    """

    run: ProductionRun | None
    in_force: bool
    lasting: timedelta | None
    silent: bool
    never_reported: bool


class ListedReport(NamedTuple):
    """not_counted: why the report makes no event; empty if it counts."""

    report: LocationReport
    not_counted: str


@dataclass(frozen=True)
class TrackerPage:
    """track: the features that the map draws. map_is_cut: there are more reports than it shows.

    reports_following: where the next page of reports begins, if there is one; reports_paged: this is not the first.
    history and events hold retracted rows too.
    """

    tracker: Tracker
    now: datetime
    standing: Standing
    days: int
    windows: tuple[int, ...]
    strip: Strip
    track: dict[str, Any]
    map_is_cut: bool
    reports: list[ListedReport]
    reports_following: str
    reports_paged: bool
    events: list[GeofenceEvent]
    history: list[StatusChange]
    rollups: list[DailyPosition]
    assignments: list[Assignment]


def show(tracker: Tracker, *, user: Viewer, days: str, reports_after: str, now: datetime) -> TrackerPage:
    """The page of a tracker that the user may see; of its past, what belongs to the user's clients.

    days: length of the timeline, one of WINDOWS_DAYS; reports_after: `reports_following` of the page before. Either
    may be any text.
    """
    length = chosen_days(days, WINDOWS_DAYS, DEFAULT_DAYS)
    start = now - timedelta(days=length)
    assignments = queries.assignments_of(tracker, user)
    periods = queries.periods_of(assignments, user)
    periods_on_strip = queries.status_since(tracker, user, start)
    listed = queries.status_of(assignments)
    page, following = queries.reports_page(tracker, user, queries.Cursor.parse(reports_after))
    on_map = queries.reports_since(tracker, user, start)
    hours = queries.seen_hours(tracker, start - timedelta(hours=1), within=periods)
    return TrackerPage(
        tracker=tracker,
        now=now,
        standing=standing(tracker, assignments, queries.open_alerts(tracker, user), now),
        days=length,
        windows=WINDOWS_DAYS,
        strip=_strip(periods_on_strip, hours, start, now),
        track={
            "reports": _report_features(on_map, periods_on_strip, assignments),
            "fences": fences.features(queries.fences_for_map(tracker, periods_on_strip, assignments)),
        },
        map_is_cut=len(on_map) == queries.REPORTS_ON_MAP,
        reports=[ListedReport(report, why_not_counted(report, assignments)) for report in page],
        reports_following=str(following) if following else "",
        reports_paged=bool(reports_after),
        events=queries.events_of(tracker, user, listed),
        history=listed,
        rollups=queries.days_since(tracker, start, within=periods),
        assignments=assignments,
    )


def standing(
    tracker: Tracker, assignments: Sequence[Assignment], open_alerts: Collection[str], now: datetime
) -> Standing:
    """open_alerts: their kinds."""
    latest = next((row for row in assignments if row.pk == tracker.latest_assignment_id), None)
    since = tracker.status_since
    return Standing(
        run=latest.run if latest else None,
        in_force=bool(latest and now in latest.period),
        lasting=now - since if since else None,
        silent=Alert.Kind.SILENT in open_alerts,
        never_reported=Alert.Kind.NEVER_REPORTED in open_alerts,
    )


def why_not_counted(report: LocationReport, assignments: Iterable[Assignment]) -> str:
    """Why a report makes no event, or nothing if it counts."""
    for assignment in assignments:
        if report.seen_at not in assignment.period:
            continue
        run = assignment.run
        if not run.start_date <= report.seen_at.astimezone(UTC).date() <= run.end_date:
            return "outside the run's dates"
        return WHY_NOT_COUNTED.get(report.verdict, "").format(run=run)
    return "in no run then"


def is_page_of_reports(text: str) -> bool:
    """Whether a page of reports can begin after this."""
    return queries.Cursor.parse(text) is not None


def chosen_days(text: str, windows: Sequence[int], default: int) -> int:
    """The window that the text names, or the default."""
    return int(text) if text in map(str, windows) else default


def _strip(
    periods: Sequence[StatusChange], hours: Sequence[datetime], start: datetime, now: datetime
) -> Strip:
    spans = [
        strips.Span(
            period.status,
            f"{period.get_status_display()}: {period.location}"
            if period.location
            else period.get_status_display(),
            period.started_at,
            period.ended_at,
        )
        for period in periods
    ]
    return strips.draw(spans, seen_hours=hours, start=start, end=now)


def _report_features(
    reports: Iterable[LocationReport], periods: Sequence[StatusChange], assignments: Sequence[Assignment]
) -> dict[str, Any]:
    starts = [period.started_at for period in periods]
    features = [
        _report_feature(
            report, _period_at(report.seen_at, starts, periods), why_not_counted(report, assignments)
        )
        for report in reports
    ]
    return {"type": "FeatureCollection", "features": features}


def _period_at(
    moment: datetime, starts: list[datetime], periods: Sequence[StatusChange]
) -> StatusChange | None:
    position = bisect_right(starts, moment)
    if not position:
        return None
    period = periods[position - 1]
    return period if period.ended_at is None or moment < period.ended_at else None


def _report_feature(report: LocationReport, period: StatusChange | None, not_counted: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(x, 6) for x in report.position.coords]},
        "properties": {
            "seen_at": report.seen_at.isoformat(),
            "received_at": report.received_at.isoformat(),
            "accuracy_m": report.accuracy_m,
            "verdict": report.verdict,
            "not_counted": not_counted,
            "status": period.status if period else GeoStatus.CREATED.value,
            "location": period.location.name if period and period.location else None,
        },
    }
