"""Reads for a tracker's page. Each is bounded and served by an index of the tracker."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.contrib.gis.db.models.functions import Distance
from django.db.models import Q, QuerySet

from locations.models import SHAPE_OF_LOCATION, Location
from trackers.models import (
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
FENCES_ON_MAP = 200
STAYS_LISTED = 30
EVENTS_LISTED = 20
STAYS_IN_STRIP = 2000
NEAR_M = 100_000


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


def assignments_of(tracker: Tracker) -> list[Assignment]:
    return list(tracker.assignments.select_related("run__brand__client").order_by("-period"))


def reports_page(tracker: Tracker, after: Cursor | None) -> tuple[list[LocationReport], Cursor | None]:
    """A page of the tracker's reports, newest first, and where the next one begins if there is one."""
    reports = LocationReport.objects.filter(tracker=tracker).order_by("-seen_at", "-fingerprint")
    if after:
        older = Q(seen_at__lt=after.seen_at) | Q(seen_at=after.seen_at, fingerprint__lt=after.fingerprint)
        reports = reports.filter(older, seen_at__lte=after.seen_at)
    rows = list(reports[: REPORTS_PER_PAGE + 1])
    page = rows[:REPORTS_PER_PAGE]
    if len(rows) == len(page):
        return page, None
    return page, Cursor(page[-1].seen_at, bytes(page[-1].fingerprint))


def reports_since(tracker: Tracker, start: datetime) -> list[LocationReport]:
    """The newest reports since `start`, oldest first."""
    reports = LocationReport.objects.filter(tracker=tracker, seen_at__gte=start)
    return list(reports.order_by("-seen_at", "-fingerprint")[:REPORTS_ON_MAP])[::-1]


def stays_since(tracker: Tracker, start: datetime) -> list[StatusChange]:
    """Valid stays that reach beyond `start`, in order."""
    reaching = Q(ended_at=None) | Q(ended_at__gte=start)
    stays = tracker.status_changes.valid().filter(reaching).order_by("-started_at")
    return list(_with_location(stays)[:STAYS_IN_STRIP])[::-1]


def stays_of(assignments: Sequence[Assignment]) -> list[StatusChange]:
    """The newest stays, the retracted ones among them: one index by assignment leads to both."""
    stays = StatusChange.objects.filter(assignment__in=[assignment.pk for assignment in assignments])
    stays = stays.select_related("retracted_in").defer("retracted_in__old_shape")
    return list(_with_location(stays).order_by("-started_at", "-pk")[:STAYS_LISTED])


def events_of(tracker: Tracker, stays: Sequence[StatusChange]) -> list[GeofenceEvent]:
    """The newest valid events, and the retracted arrivals and departures of the stays, newest first."""
    valid = tracker.events.valid().order_by("-occurred_at", "-fingerprint")
    events = list(_with_location(valid)[:EVENTS_LISTED])
    retracted = GeofenceEvent.objects.filter(
        status_change__in=[stay.pk for stay in stays], retracted_at__isnull=False
    ).select_related("retracted_in")
    if len(events) == EVENTS_LISTED:
        retracted = retracted.filter(occurred_at__gte=events[-1].occurred_at)
    events += _with_location(retracted)[:EVENTS_LISTED]
    return sorted(events, key=lambda event: (event.occurred_at, event.pk), reverse=True)


def seen_hours(tracker: Tracker, start: datetime) -> list[datetime]:
    hours = HourlyPosition.objects.filter(tracker=tracker, bucket_at__gte=start).order_by("bucket_at")
    return list(hours.values_list("bucket_at", flat=True))


def days_since(tracker: Tracker, start: datetime) -> list[DailyPosition]:
    days = DailyPosition.objects.filter(tracker=tracker, bucket_at__gte=start)
    return list(_with_location(days).order_by("-bucket_at")[:31])


def fences_for_map(
    tracker: Tracker, stays: Sequence[StatusChange], assignments: Sequence[Assignment]
) -> list[Location]:
    """Where the tracker stayed, and the nearest locations of its latest run."""
    stayed = {stay.location_id for stay in stays if stay.location_id}
    fences = list(Location.objects.filter(pk__in=sorted(stayed)[:FENCES_ON_MAP]))
    latest = next((row for row in assignments if row.pk == tracker.latest_assignment_id), None)
    if latest and tracker.last_position:
        nearest = Location.objects.filter(runs=latest.run_id).exclude(pk__in=stayed)
        nearest = nearest.annotate(away=Distance("center", tracker.last_position)).order_by("away")
        fences += nearest[: FENCES_ON_MAP - len(fences)]
    return fences


def other_fences(location: Location | None) -> list[Location]:
    """Fences near a location, or the newest ones for a location that has no place yet."""
    others = Location.objects.all()
    if location is None or location.pk is None:
        return list(others.order_by("-pk")[:FENCES_ON_MAP])
    others = others.exclude(pk=location.pk).filter(fence__dwithin=(location.center, NEAR_M))
    return list(others.annotate(away=Distance("center", location.center)).order_by("away")[:FENCES_ON_MAP])


def _with_location(rows: QuerySet) -> QuerySet:
    return rows.select_related("location").defer(*SHAPE_OF_LOCATION)
