"""What is derived from reports and history on the trackers' own rows."""

from collections.abc import Collection
from datetime import datetime

from clients import bulk
from trackers.services.windows import SQL

REFRESH_TRACKERS = (SQL / "refresh_trackers.sql").read_text()


def refresh_trackers(tracker_ids: Collection[int], *, now: datetime) -> set[int]:
    """Make the trackers' rows say how their latest assignment stands; returns the trackers that said otherwise."""
    return {
        row[0] for row in bulk.fetch_all(REFRESH_TRACKERS, {"tracker_ids": list(tracker_ids), "now": now})
    }
