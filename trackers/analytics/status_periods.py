"""Status periods and dwell times within a range, for a tracker, a run, an order, a client or a location.

Whom they are for is said by a queryset of assignments, which begins with `visible_to`: the tenant's bounds are those
of the assignments. Retracted rows never count; periods that began before the range, or go on, do.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from django.db.models import QuerySet

from foundation import sql
from trackers.analytics import scopes
from trackers.analytics.scopes import Range
from trackers.models import Assignment, GeoStatus

Row = TypeVar("Row")

STATUS_PERIODS_IN_RANGE = sql.load("trackers/status_periods_in_range")
VISITS_AT_LOCATION = sql.load("trackers/visits_at_location")
PAGE_OF_STATUS_PERIODS = sql.load("trackers/page_of_status_periods")
DWELL_BY_LOCATION = sql.load("trackers/dwell_by_location")

PERIODS_PER_PAGE = 500
LOCATIONS_LISTED = 200


class StatusPeriod(NamedTuple):
    """A status period, clipped to the range: from_at to until_at. ended_at is None while it lasts.

    reports: how many there are from from_at to before until_at, those too inaccurate to count among them; the first
    and the last of them. location_id and location_name are None in transit.
    """

    id: int
    tracker_id: int
    mac: str
    assignment_id: int
    status: str
    location_id: int | None
    location_name: str | None
    started_at: datetime
    ended_at: datetime | None
    from_at: datetime
    until_at: datetime
    first_report_at: datetime | None
    last_report_at: datetime | None
    reports: int

    @property
    def label(self) -> str:
        return str(GeoStatus(self.status).label)

    @property
    def duration(self) -> timedelta:
        """How long it lasted within the range."""
        return self.until_at - self.from_at

    @property
    def key(self) -> "Key":
        return Key(self.tracker_id, self.started_at, self.id)


class Key(NamedTuple):
    """A place in the order of status periods: by tracker, then by time."""

    tracker_id: int
    started_at: datetime
    id: int


class Page(NamedTuple):
    periods: list[StatusPeriod]
    following: Key | None


class Dwell(NamedTuple):
    """Visits to a location. Lengths are of whole visits, those that go on until now; detention is what lies beyond the
    location's free time within the range, `detained` how many of the visits have any."""

    location_id: int
    name: str
    kind: str
    free_time: timedelta | None
    visits: int
    ongoing: int
    median: timedelta
    p90: timedelta
    longest: timedelta
    detention: timedelta
    detained: int

    @property
    def detention_h(self) -> float:
        return self.detention / timedelta(hours=1)


def page_of_periods(
    assignments: QuerySet[Assignment],
    within: Range,
    *,
    now: datetime,
    location_id: int | None = None,
    after: Key | None = None,
    limit: int = PERIODS_PER_PAGE,
) -> Page:
    """At most `limit` (500) periods that overlap the range, by tracker and time, and after which the next page begins.

    With `location_id` those at this location only.
    """
    begin = after or Key(0, within.since, 0)
    most = min(limit, PERIODS_PER_PAGE)
    parameters = {
        "after_tracker": begin.tracker_id,
        "after_started_at": begin.started_at,
        "after_id": begin.id,
        "limit": most + 1,
    }
    rows = _fetch(StatusPeriod, PAGE_OF_STATUS_PERIODS, assignments, within, now, location_id, parameters)
    periods = rows[:most]
    return Page(periods, periods[-1].key if len(rows) > len(periods) else None)


def dwell_by_location(
    assignments: QuerySet[Assignment],
    within: Range,
    *,
    now: datetime,
    location_id: int | None = None,
    limit: int = LOCATIONS_LISTED,
) -> list[Dwell]:
    """Dwell times of the visits that overlap the range, at the locations with most visits first."""
    return _fetch(Dwell, DWELL_BY_LOCATION, assignments, within, now, location_id, {"limit": limit})


def _fetch(
    row_type: type[Row],
    statement: str,
    assignments: QuerySet[Assignment],
    within: Range,
    now: datetime,
    location_id: int | None,
    parameters: dict[str, Any],
) -> list[Row]:
    periods = STATUS_PERIODS_IN_RANGE if location_id is None else VISITS_AT_LOCATION
    parameters |= {"since": within.since, "until": within.until, "now": now, "location_id": location_id}
    return scopes.fetch_rows(statement.replace("{periods}", periods), assignments, parameters, row_type)
