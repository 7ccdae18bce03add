"""What is derived from reports and history: the tracker's own columns and the rollups."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from clients import bulk
from trackers.models import DailyPosition, HourlyPosition, Tracker
from trackers.services.windows import SQL

REFRESH_TRACKERS = (SQL / "refresh_trackers.sql").read_text()
_REFRESH_ROLLUPS = (SQL / "refresh_rollups.sql").read_text()
REFRESH_HOURS = _REFRESH_ROLLUPS.format(table=HourlyPosition._meta.db_table, unit="hour")
REFRESH_DAYS = _REFRESH_ROLLUPS.format(table=DailyPosition._meta.db_table, unit="day")


def refresh_trackers(
    tracker_ids: Collection[int], *, now: datetime, state: Tracker.State | None = None
) -> set[int]:
    """Make the trackers' rows say how their latest assignment stands, and bring them into `state` if one is given, in
    one write; returns the trackers that said otherwise."""
    parameters = {"tracker_ids": list(tracker_ids), "now": now, "state": state}
    return {row[0] for row in bulk.fetch_all(REFRESH_TRACKERS, parameters)}


def refresh_rollups(sightings: Iterable[tuple[int, datetime]]) -> None:
    """Recompute the hours and days (in UTC) that new reports, given as (tracker id, seen at), fall into."""
    hours = {
        (tracker_id, at.astimezone(UTC).replace(minute=0, second=0, microsecond=0))
        for tracker_id, at in sightings
    }
    days = {(tracker_id, hour.replace(hour=0)) for tracker_id, hour in hours}
    for statement, buckets in ((REFRESH_HOURS, hours), (REFRESH_DAYS, days)):
        bulk.execute(statement, bulk.transposed(sorted(buckets), ("tracker_ids", "bucket_ats")))
