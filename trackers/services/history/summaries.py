"""What is derived from reports and history on the trackers' own rows."""

from collections.abc import Collection
from datetime import datetime

from foundation import bulk, sql
from trackers.models import Tracker

REFRESH_TRACKERS = sql.load("trackers/refresh_trackers")


def refresh_trackers(
    tracker_ids: Collection[int], *, now: datetime, state: Tracker.State | None = None
) -> set[int]:
    """Make the trackers' rows say how their latest assignment stands, and bring them into `state` if one is given, in
    one write; returns the trackers that said otherwise."""
    parameters = {"tracker_ids": list(tracker_ids), "now": now, "state": state}
    return set(bulk.fetch_values(REFRESH_TRACKERS, parameters))
