"""What a tracker's page shows around its form: how it stands, its timeline, its way and its tables."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest

from foundation.admin import display
from locations.models import Location
from trackers import strips
from trackers.admin import panels, selectors
from trackers.models import Assignment, GeoStatus, LocationReport, StatusChange, Tracker
from trackers.rules import timeline

WINDOWS_DAYS = (1, 7, 30, 90)
DEFAULT_DAYS = 7
# Beyond this a tracker that should report is called silent.
SILENT_AFTER = timedelta(hours=24)


def page_context(tracker: Tracker, request: HttpRequest, now: datetime) -> dict[str, Any]:
    days = _days(request.GET.get("days", ""))
    start = now - timedelta(days=days)
    assignments = selectors.assignments_of(tracker)
    stays = selectors.stays_since(tracker, start)
    listed_stays = selectors.stays_of(assignments)
    page, following = selectors.reports_page(
        tracker, selectors.Cursor.parse(request.GET.get("reports_after", ""))
    )
    on_map = selectors.reports_since(tracker, start)
    return {
        "tracker": tracker,
        "now": now,
        "standing": standing(tracker, assignments, now),
        "days": days,
        "windows": WINDOWS_DAYS,
        "strip": _strip(tracker, stays, start, now),
        "track": {
            "reports": _report_features(on_map, stays, assignments),
            "fences": fence_features(selectors.fences_for_map(tracker, stays, assignments)),
        },
        "map_is_cut": len(on_map) == selectors.REPORTS_ON_MAP,
        "reports": [(report, why_unused(report, assignments)) for report in page],
        "reports_following": str(following) if following else "",
        "reports_paged": "reports_after" in request.GET,
        "events": selectors.events_of(tracker, listed_stays),
        "history": listed_stays,
        "rollups": selectors.days_since(tracker, start),
        "assignments": assignments,
        "panels": panels.load_panels(tracker, now),
    }


def standing(tracker: Tracker, assignments: Sequence[Assignment], now: datetime) -> dict[str, Any]:
    """How the tracker stands, in words."""
    latest = next((row for row in assignments if row.pk == tracker.latest_assignment_id), None)
    since = tracker.status_since
    seen = tracker.last_seen_at
    silent = tracker.state == Tracker.State.ACTIVE and (seen is None or now - seen > SILENT_AFTER)
    return {
        "run": latest.run if latest else None,
        "in_force": bool(latest and now in latest.period),
        "lasting": display.duration(now - since) if since else "",
        "silent": silent,
    }


def why_unused(report: LocationReport, assignments: Iterable[Assignment]) -> str:
    """Why a report makes no event, or nothing if it does."""
    for assignment in assignments:
        if report.seen_at not in assignment.period:
            continue
        run = assignment.run
        if not run.start_date <= report.seen_at.astimezone(UTC).date() <= run.end_date:
            return "outside the run's dates"
        if not timeline.is_usable(report.accuracy_m, run.max_accuracy_m):
            return f"less accurate than {run.max_accuracy_m} m"
        return ""
    return "in no run then"


def fence_features(locations: Iterable[Location]) -> dict[str, Any]:
    """As the maps expect fences: polygons, or points with `radius_m`."""
    return _collection(
        _feature(
            json.loads((location.area or location.center).geojson),
            {
                "name": location.name,
                "kind": location.kind,
                **({} if location.area else {"radius_m": location.radius_m}),
            },
        )
        for location in locations
    )


def _days(text: str) -> int:
    return int(text) if text in map(str, WINDOWS_DAYS) else DEFAULT_DAYS


def _strip(tracker: Tracker, stays: Sequence[StatusChange], start: datetime, now: datetime) -> strips.Strip:
    spans = [
        strips.Span(
            stay.status,
            f"{stay.get_status_display()}: {stay.location}" if stay.location else stay.get_status_display(),
            stay.started_at,
            stay.ended_at,
        )
        for stay in stays
    ]
    hours = selectors.seen_hours(tracker, start - timedelta(hours=1))
    return strips.draw(spans, seen_hours=hours, start=start, end=now)


def _report_features(
    reports: Iterable[LocationReport], stays: Sequence[StatusChange], assignments: Sequence[Assignment]
) -> dict[str, Any]:
    starts = [stay.started_at for stay in stays]
    return _collection(
        _report_feature(report, _stay_at(report.seen_at, starts, stays), not why_unused(report, assignments))
        for report in reports
    )


def _stay_at(moment: datetime, starts: list[datetime], stays: Sequence[StatusChange]) -> StatusChange | None:
    position = bisect_right(starts, moment)
    if not position:
        return None
    stay = stays[position - 1]
    return stay if stay.ended_at is None or moment < stay.ended_at else None


def _report_feature(report: LocationReport, stay: StatusChange | None, usable: bool) -> dict[str, Any]:
    return _feature(
        {"type": "Point", "coordinates": [round(x, 6) for x in report.position.coords]},
        {
            "seen_at": report.seen_at.isoformat(),
            "received_at": report.received_at.isoformat(),
            "accuracy_m": report.accuracy_m,
            "usable": usable,
            "status": stay.status if stay else GeoStatus.CREATED.value,
            "location": stay.location.name if stay and stay.location else None,
        },
    )


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _collection(features: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}
