"""The safety net: recomputes timelines from their reports and mends what is stored otherwise."""

from datetime import datetime

import structlog
from django.db.models import Exists, OuterRef

from trackers.models import Assignment, TimelineCheck, Tracker
from trackers.services import replaying
from trackers.services.replaying import TRACKERS_PER_TRANSACTION

log = structlog.get_logger(__name__)


def reconcile_sample(*, trackers: int, now: datetime) -> TimelineCheck:
    """Verify the `trackers` trackers that were verified longest ago, repair them and record the drift found."""
    ids = list(
        Tracker.objects.filter(Exists(Assignment.objects.filter(tracker=OuterRef("pk"))))
        .order_by("verified_at", "id")
        .values_list("id", flat=True)[:trackers]
    )
    drifted: set[int] = set()
    for start in range(0, len(ids), TRACKERS_PER_TRANSACTION):
        chunk = ids[start : start + TRACKERS_PER_TRANSACTION]
        drifted |= replaying.replay_trackers(tracker_ids=chunk, now=now).tracker_ids
        Tracker.objects.filter(pk__in=chunk).update(verified_at=now)
    if drifted:
        log.error("timeline_drift", trackers=len(ids), drifted=sorted(drifted)[:20])
    return TimelineCheck.objects.create(checked_at=now, trackers=len(ids), drifted=len(drifted))
