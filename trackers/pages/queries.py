"""Reads for a tracker's page: what the user may see of its past. Each is bounded, and served by an index."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.gis.db.models.functions import Distance
from django.db.models import Q, QuerySet

from foundation.tenancy import Viewer, sees_everything
from locations.models import SHAPE_OF_LOCATION, Location
from locations.pages.fences import FENCES_ON_MAP
from trackers.models import (
    Alert,
    Assignment,
    DailyPosition,
    GeofenceEvent,
    HourlyPosition,
    LocationReport,
    StatusChange,
    Tracker,
)

REPORTS_PER_PAGE = 25
REPORTS_ON_MAP = 1000
HISTORY_LISTED = 30
EVENTS_LISTED = 20
STATUS_PERIODS_IN_STRIP = 2000
DAYS_LISTED = 31
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# Of assignments; None stands for all of time.
Periods = Sequence[Any] | None


class Cursor(NamedTuple):
    """The last report of a page; the next page begins after it."""

    seen_at: datetime
    fingerprint: bytes

    def __str__(self) -> str:
        return f"{self.seen_at.isoformat()}~{self.fingerprint.hex()}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """None if the text is no cursor."""
        moment, _, fingerprint = text.partition("~")
        try:
            seen_at = datetime.fromisoformat(moment)
            return cls(seen_at, bytes.fromhex(fingerprint)) if seen_at.tzinfo else None
        except ValueError:
            return None


def assignments_of(tracker: Tracker, user: Viewer) -> list[Assignment]:
    mine = Assignment.objects.visible_to(user).filter(tracker=tracker)
    return list(mine.select_related("run__brand__client").order_by("-period"))


def open_alerts(tracker: Tracker, user: Viewer) -> set[str]:
    """The kinds of the tracker's alerts that are open."""
    mine = Alert.objects.visible_to(user).open().filter(tracker=tracker)
    return set(mine.values_list("kind", flat=True))


def periods_of(assignments: Sequence[Assignment], user: Viewer) -> Periods:
    """When the tracker was the user's to see."""
    return None if sees_everything(user) else [assignment.period for assignment in assignments]


def reports_page(
    tracker: Tracker, user: Viewer, after: Cursor | None
) -> tuple[list[LocationReport], Cursor | None]:
    """A page of the tracker's reports, newest first, and where the next one begins if there is one."""
    reports = _reports_of(tracker, user)
    if after:
        older = Q(seen_at__lt=after.seen_at) | Q(seen_at=after.seen_at, fingerprint__lt=after.fingerprint)
        reports = reports.filter(older, seen_at__lte=after.seen_at)
    rows = list(reports[: REPORTS_PER_PAGE + 1])
    page = rows[:REPORTS_PER_PAGE]
    if len(rows) == len(page):
        return page, None
    return page, Cursor(page[-1].seen_at, bytes(page[-1].fingerprint))


def reports_since(tracker: Tracker, user: Viewer, start: datetime) -> list[LocationReport]:
    """The newest reports since `start`, oldest first."""
    return list(_reports_of(tracker, user).filter(seen_at__gte=start)[:REPORTS_ON_MAP])[::-1]


def status_since(tracker: Tracker, user: Viewer, start: datetime) -> list[StatusChange]:
    """Valid status periods that reach beyond `start`, in order."""
    reaching = Q(ended_at=None) | Q(ended_at__gte=start)
    rows = StatusChange.objects.visible_to(user).filter(tracker=tracker).valid()
    rows = rows.filter(reaching).order_by("-started_at")
    return list(_with_location(rows)[:STATUS_PERIODS_IN_STRIP])[::-1]


def status_of(assignments: Sequence[Assignment]) -> list[StatusChange]:
    """The newest status periods, the retracted ones among them: one index by assignment leads to both."""
    rows = StatusChange.objects.filter(assignment__in=[assignment.pk for assignment in assignments])
    rows = rows.select_related("retracted_in").defer("retracted_in__old_shape")
    return list(_with_location(rows).order_by("-started_at", "-pk")[:HISTORY_LISTED])


def events_of(tracker: Tracker, user: Viewer, periods: Sequence[StatusChange]) -> list[GeofenceEvent]:
    """The newest valid events, and the retracted arrivals and departures of the status periods, newest first."""
    valid = GeofenceEvent.objects.visible_to(user).filter(tracker=tracker).valid()
    events = list(_with_location(valid.order_by("-occurred_at", "-fingerprint"))[:EVENTS_LISTED])
    retracted = GeofenceEvent.objects.filter(
        status_change__in=[period.pk for period in periods], retracted_at__isnull=False
    ).select_related("retracted_in")
    if len(events) == EVENTS_LISTED:
        retracted = retracted.filter(occurred_at__gte=events[-1].occurred_at)
    events += _with_location(retracted)[:EVENTS_LISTED]
    return sorted(events, key=lambda event: (event.occurred_at, event.pk), reverse=True)


def seen_hours(tracker: Tracker, start: datetime, *, within: Periods) -> list[datetime]:
    """The beginnings of the hours with reports, in order."""
    rows = HourlyPosition.objects.filter(tracker=tracker, bucket_at__gte=start).order_by("bucket_at")
    hours = rows.values_list("bucket_at", flat=True)
    return [hour for hour in hours if _lies_within(hour, HOUR, within)]


def days_since(tracker: Tracker, start: datetime, *, within: Periods) -> list[DailyPosition]:
    """Days with reports, newest first."""
    days = DailyPosition.objects.filter(tracker=tracker, bucket_at__gte=start).order_by("-bucket_at")
    listed = _with_location(days)[:DAYS_LISTED]
    return [day for day in listed if _lies_within(day.bucket_at, DAY, within)]


def fences_for_map(
    tracker: Tracker, periods: Sequence[StatusChange], assignments: Sequence[Assignment]
) -> list[Location]:
    """Where the tracker was, and the nearest locations of its latest run."""
    visited = {period.location_id for period in periods if period.location_id}
    fences = list(Location.objects.filter(pk__in=sorted(visited)[:FENCES_ON_MAP]))
    latest = next((row for row in assignments if row.pk == tracker.latest_assignment_id), None)
    if latest and tracker.last_position:
        nearest = Location.objects.filter(runs=latest.run_id).exclude(pk__in=visited)
        nearest = nearest.annotate(away=Distance("center", tracker.last_position)).order_by("away")
        fences += nearest[: FENCES_ON_MAP - len(fences)]
    return fences


def _reports_of(tracker: Tracker, user: Viewer) -> QuerySet[LocationReport]:
    mine = LocationReport.objects.visible_to(user).filter(tracker=tracker)
    return mine.order_by("-seen_at", "-fingerprint")


def _lies_within(start: datetime, length: timedelta, periods: Periods) -> bool:
    """Whether all of an hour or a day lies in one of the periods: a rollup can't be divided."""
    return periods is None or any(
        start in period and (period.upper is None or start + length <= period.upper) for period in periods
    )


def _with_location(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_related("location").defer(*SHAPE_OF_LOCATION)
