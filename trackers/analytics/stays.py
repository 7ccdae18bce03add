"""Stays and dwell times within a range, for a tracker, a run, an order, a client or a location.

Whom they are for is said by a queryset of assignments, which begins with `visible_to`: the tenant's bounds are those
of the assignments. Retracted rows never count; stays that began before the range, or go on, do.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet

from foundation import sql
from trackers.analytics import scopes
from trackers.analytics.scopes import Range
from trackers.models import Assignment, GeoStatus

STAYS_IN_RANGE = sql.load("trackers/stays_in_range")
STAYS_AT_LOCATION = sql.load("trackers/stays_at_location")
PAGE_OF_STAYS = sql.load("trackers/page_of_stays")
DWELL_BY_LOCATION = sql.load("trackers/dwell_by_location")

STAYS_PER_PAGE = 500
LOCATIONS_LISTED = 200


class Stay(NamedTuple):
    """A stay, clipped to the range: from_at to until_at. ended_at is None while it lasts.

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
    """A place in the order of stays: by tracker, then by time."""

    tracker_id: int
    started_at: datetime
    id: int


class Page(NamedTuple):
    stays: list[Stay]
    following: Key | None


class Dwell(NamedTuple):
    """Stays at a location. Lengths are of whole stays, those that go on until now; chargeable is what lies beyond
    the location's free time within the range, `detained` the number of stays that this concerns."""

    location_id: int
    name: str
    kind: str
    free_time: timedelta | None
    stays: int
    ongoing: int
    median: timedelta
    p90: timedelta
    longest: timedelta
    chargeable: timedelta
    detained: int

    @property
    def chargeable_h(self) -> float:
        return self.chargeable / timedelta(hours=1)


def page_of_stays(
    assignments: QuerySet[Assignment],
    within: Range,
    *,
    now: datetime,
    location_id: int | None = None,
    after: Key | None = None,
    limit: int = STAYS_PER_PAGE,
) -> Page:
    """At most `limit` (500) stays that overlap the range, by tracker and time, and behind which the next page begins.

    With `location_id` those at this location only.
    """
    begin = after or Key(0, within.since, 0)
    most = min(limit, STAYS_PER_PAGE)
    parameters = {
        "after_tracker": begin.tracker_id,
        "after_started_at": begin.started_at,
        "after_id": begin.id,
        "limit": most + 1,
    }
    rows = _fetch(PAGE_OF_STAYS, assignments, within, now, location_id, parameters)
    stays = [Stay._make(row) for row in rows[:most]]
    return Page(stays, stays[-1].key if len(rows) > len(stays) else None)


def dwell_by_location(
    assignments: QuerySet[Assignment],
    within: Range,
    *,
    now: datetime,
    location_id: int | None = None,
    limit: int = LOCATIONS_LISTED,
) -> list[Dwell]:
    """Dwell times of the stays that overlap the range, at the locations with most stays first."""
    rows = _fetch(DWELL_BY_LOCATION, assignments, within, now, location_id, {"limit": limit})
    return [_dwell(*row) for row in rows]


def _fetch(
    statement: str,
    assignments: QuerySet[Assignment],
    within: Range,
    now: datetime,
    location_id: int | None,
    parameters: dict[str, Any],
) -> list[tuple[Any, ...]]:
    stays = STAYS_IN_RANGE if location_id is None else STAYS_AT_LOCATION
    parameters |= {"since": within.since, "until": within.until, "now": now, "location_id": location_id}
    return scopes.fetch(statement.replace("{stays}", stays), assignments, parameters)


def _dwell(
    location_id: int,
    name: str,
    kind: str,
    free_time_h: int | None,
    stays: int,
    ongoing: int,
    *rest: float,
) -> Dwell:
    median_s, p90_s, longest_s, chargeable_s, detained = rest
    free_time = None if free_time_h is None else timedelta(hours=free_time_h)
    return Dwell(
        location_id,
        name,
        kind,
        free_time,
        stays,
        ongoing,
        timedelta(seconds=median_s),
        timedelta(seconds=p90_s),
        timedelta(seconds=longest_s),
        timedelta(seconds=chargeable_s),
        int(detained),
    )
