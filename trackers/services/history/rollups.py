"""Hours and days of each tracker: refreshed in the transaction that changes what they sum up.

The caller holds the locks of the trackers (`locking.lock_trackers`) and the transaction, except for `rebuild_rollups`.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from foundation import bulk, sql
from trackers.models import DailyPosition, HourlyPosition
from trackers.models.reports import WAYPOINT_ACCURACY_M
from trackers.services import locking
from trackers.services.history.comparing import Span

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Longer gaps begin another way: what lasts through them is told for each of their hours.
SAME_WAY = timedelta(days=7)
# The last hour that Python knows has no end that it knows.
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
HOURS_WITH_NEXT_LEG = sql.load("trackers/hours_with_next_leg")
REFRESH_HOURS = sql.load("trackers/refresh_hours")
REFRESH_DAYS = sql.load("trackers/refresh_days")
_STANDING_OF_BUCKETS = sql.load("trackers/standing_of_buckets")
REFRESH_STANDING = sql.load("trackers/refresh_standing").format(
    hours=_STANDING_OF_BUCKETS.format(table=HourlyPosition._meta.db_table, unit="hour"),
    days=_STANDING_OF_BUCKETS.format(table=DailyPosition._meta.db_table, unit="day"),
)
HOURS_OF_REPORTS = """
SELECT DISTINCT tracker_id, date_trunc('hour', seen_at, 'UTC')
FROM trackers_locationreport
WHERE tracker_id = ANY(%(tracker_ids)b::bigint[])
    AND seen_at >= coalesce(%(since)s::timestamptz, '-infinity')
    AND seen_at < coalesce(%(until)s::timestamptz, 'infinity')
"""

Bucket = tuple[int, datetime]


class Run(NamedTuple):
    """Consecutive hours of a tracker, from since to until (exclusive). Between runs of the same way it has no reports,
    so that the leg into one of them begins in the one before."""

    tracker_id: int
    since: datetime
    until: datetime
    way: int


def refresh(reports: Iterable[Bucket], *, spans: Collection[Span]) -> None:
    """Recompute all buckets that a write has changed.

    reports: the new reports as (tracker id, seen at). They change their own hours and those of the way points that
    follow them. spans: where the status is another now; of every bucket that they reach into they change what its
    stays tell.
    """
    hours = {(tracker_id, _hour_of(at)) for tracker_id, at in reports}
    _recompute(_runs_of(hours | _hours_with_next_leg(hours)))
    if spans:
        arrays = bulk.transposed(list(spans), Span._fields)
        bulk.execute(REFRESH_STANDING, {f"{name}s": values for name, values in arrays.items()})


def rebuild_rollups(
    *, tracker_ids: Collection[int], since: datetime | None = None, until: datetime | None = None
) -> int:
    """Recompute the buckets of all reports that are kept, or of those between two months; one transaction.

    Returns how many hours there are. Raises `locking.UnknownTrackerError` if a tracker doesn't exist.
    """
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        parameters = {"tracker_ids": list(tracker_ids), "since": since, "until": until}
        hours = {
            (tracker_id, hour.astimezone(UTC))
            for tracker_id, hour in bulk.fetch_all(HOURS_OF_REPORTS, parameters)
        }
        _recompute(_runs_of(hours, gap=SAME_WAY))
    return len(hours)


def _recompute(runs: Sequence[Run]) -> None:
    """The hours first: days are made of them."""
    if not runs:
        return
    columns = bulk.transposed(runs, ("tracker_ids", "sinces", "untils", "ways"))
    bulk.execute(REFRESH_HOURS, columns | {"waypoint_m": WAYPOINT_ACCURACY_M})
    days = sorted({day for run in runs for day in _days_of(run)})
    bulk.execute(REFRESH_DAYS, bulk.transposed(days, ("tracker_ids", "bucket_ats")))


def _hours_with_next_leg(hours: set[Bucket]) -> set[Bucket]:
    if not hours:
        return set()
    columns = bulk.transposed(
        [(run.tracker_id, run.until) for run in _runs_of(hours)], ("tracker_ids", "untils")
    )
    rows = bulk.fetch_all(HOURS_WITH_NEXT_LEG, columns | {"waypoint_m": WAYPOINT_ACCURACY_M})
    return {(tracker_id, hour.astimezone(UTC)) for tracker_id, hour in rows}


def _runs_of(hours: Iterable[Bucket], *, gap: timedelta = timedelta(0)) -> list[Run]:
    """With a gap the hours are all that have reports: runs that follow within it are of the same way."""
    runs: list[Run] = []
    for tracker_id, hour in sorted(hours):
        before = runs[-1] if runs and runs[-1].tracker_id == tracker_id else None
        if before and before.until == hour:
            runs[-1] = before._replace(until=_end_of(hour))
        else:
            follows = before is not None and hour - before.until <= gap
            runs.append(Run(tracker_id, hour, _end_of(hour), runs[-1].way if follows else len(runs)))
    return runs


def _days_of(run: Run) -> Iterator[Bucket]:
    day = run.since.replace(hour=0)
    while day < run.until:
        yield run.tracker_id, day
        if day > END_OF_TIME - DAY:
            break
        day += DAY


def _end_of(hour: datetime) -> datetime:
    return hour + HOUR if hour < END_OF_TIME - HOUR else END_OF_TIME


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
