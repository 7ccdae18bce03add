"""How the fetches of a tracker go."""

from dataclasses import dataclass
from datetime import datetime

from foundation.tenancy import Viewer
from ingestion.models import FetchState, FetchTally
from trackers.models import RejectedReport, Tracker

DAYS_LISTED = 14
REJECTED_LISTED = 10


@dataclass(frozen=True)
class TrackersFetching:
    """state: None for a tracker that was never queued. tallies: by day, rejected: reports; newest first."""

    state: FetchState | None
    tallies: list[FetchTally]
    rejected: list[RejectedReport]
    now: datetime


def of_tracker(tracker: Tracker, *, user: Viewer, now: datetime) -> TrackersFetching:
    """For staff, who see every tracker."""
    tallies = FetchTally.objects.filter(tracker=tracker).order_by("-day")
    rejected = RejectedReport.objects.filter(tracker=tracker).order_by("-last_received_at")
    return TrackersFetching(
        state=FetchState.objects.filter(pk=tracker.pk).first(),
        tallies=list(tallies[:DAYS_LISTED]),
        rejected=list(rejected[:REJECTED_LISTED]),
        now=now,
    )
