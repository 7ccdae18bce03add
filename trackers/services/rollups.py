"""Hours and days of each tracker: refreshed in the transaction that changes what they sum up.

The caller holds the locks of the trackers (`locking.lock_trackers`) and the transaction, except for `rebuild`.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from clients import bulk
from trackers.models import DailyPosition, HourlyPosition
from trackers.models.reports import WAYPOINT_ACCURACY_M
from trackers.services import locking
from trackers.services.rewriting import Span
from trackers.services.windows import SQL

HOUR = timedelta(hours=1)
# The last hour that Python knows has no end that it knows.
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
HOURS_WITH_NEXT_LEG = (SQL / "hours_with_next_leg.sql").read_text()
_BUCKETS_IN_SPANS = (SQL / "buckets_in_spans.sql").read_text()
HOURS_IN_SPANS = _BUCKETS_IN_SPANS.format(table=HourlyPosition._meta.db_table, unit="hour")
DAYS_IN_SPANS = _BUCKETS_IN_SPANS.format(table=DailyPosition._meta.db_table, unit="day")
REFRESH_HOURS = (SQL / "refresh_hours.sql").read_text()
REFRESH_DAYS = (SQL / "refresh_days.sql").read_text()
HOURS_OF_REPORTS = """
SELECT DISTINCT tracker_id, date_trunc('hour', seen_at, 'UTC')
FROM trackers_locationreport
WHERE tracker_id = ANY(%(tracker_ids)b::bigint[])
    AND seen_at >= coalesce(%(since)s::timestamptz, '-infinity')
    AND seen_at < coalesce(%(until)s::timestamptz, 'infinity')
"""

Bucket = tuple[int, datetime]


class Run(NamedTuple):
    """Consecutive hours of a tracker, from since to until (exclusive)."""

    tracker_id: int
    since: datetime
    until: datetime


def refresh(sightings: Iterable[Bucket], *, spans: Collection[Span]) -> None:
    """Recompute all buckets that a write has changed.

    sightings: the new reports as (tracker id, seen at). They change their own hours and those of the way points that
    follow them. spans: where the status is another now; they change every bucket that they reach into.
    """
    hours = {(tracker_id, _hour_of(at)) for tracker_id, at in sightings}
    hours |= _hours_with_next_leg(hours)
    days: set[Bucket] = set()
    if spans:
        arrays = bulk.transposed(list(spans), Span._fields)
        in_spans = {f"{name}s": values for name, values in arrays.items()}
        hours |= {(row[0], row[1].astimezone(UTC)) for row in bulk.fetch_all(HOURS_IN_SPANS, in_spans)}
        days |= {(row[0], row[1].astimezone(UTC)) for row in bulk.fetch_all(DAYS_IN_SPANS, in_spans)}
    _recompute(hours, days)


def rebuild(
    *, tracker_ids: Collection[int], since: datetime | None = None, until: datetime | None = None
) -> int:
    """Recompute the buckets of all reports that are kept, or of those between two months; one transaction.

    Returns how many hours there are. Raises `locking.UnknownTracker` if a tracker doesn't exist.
    """
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        parameters = {"tracker_ids": list(tracker_ids), "since": since, "until": until}
        hours = {(row[0], row[1].astimezone(UTC)) for row in bulk.fetch_all(HOURS_OF_REPORTS, parameters)}
        _recompute(hours, set())
    return len(hours)


def _recompute(hours: set[Bucket], days: set[Bucket]) -> None:
    """The hours first: days are made of them."""
    if hours:
        columns = bulk.transposed(_runs_of(hours), ("tracker_ids", "sinces", "untils"))
        bulk.execute(REFRESH_HOURS, columns | {"waypoint_m": WAYPOINT_ACCURACY_M})
    days |= {(tracker_id, hour.replace(hour=0)) for tracker_id, hour in hours}
    if days:
        bulk.execute(REFRESH_DAYS, bulk.transposed(sorted(days), ("tracker_ids", "bucket_ats")))


def _hours_with_next_leg(hours: set[Bucket]) -> set[Bucket]:
    if not hours:
        return set()
    columns = bulk.transposed(
        [(run.tracker_id, run.until) for run in _runs_of(hours)], ("tracker_ids", "untils")
    )
    rows = bulk.fetch_all(HOURS_WITH_NEXT_LEG, columns | {"waypoint_m": WAYPOINT_ACCURACY_M})
    return {(tracker_id, hour.astimezone(UTC)) for tracker_id, hour in rows}


def _runs_of(hours: Iterable[Bucket]) -> list[Run]:
    runs: list[Run] = []
    for tracker_id, hour in sorted(hours):
        if runs and runs[-1].tracker_id == tracker_id and runs[-1].until == hour:
            runs[-1] = runs[-1]._replace(until=_end_of(hour))
        else:
            runs.append(Run(tracker_id, hour, _end_of(hour)))
    return runs


def _end_of(hour: datetime) -> datetime:
    return hour + HOUR if hour < END_OF_TIME - HOUR else END_OF_TIME


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
