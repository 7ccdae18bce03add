"""Rebuilds whole assignments from their reports, after something other than a report changed."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from trackers.models import Assignment, StatusChange, Tracker
from trackers.services import locking, rollups, summaries, windows
from trackers.services.rewriting import Rewritten, rewrite

TRACKERS_PER_TRANSACTION = 50


def replay_trackers(*, tracker_ids: Collection[int], now: datetime) -> Rewritten:
    """Recompute all assignments of the trackers, write the difference, refresh their rows and rollups: one transaction.

    The result names the trackers of which anything was not right. Raises `locking.UnknownTracker` if one doesn't
    exist.
    """
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        rewritten = rewrite(windows.whole(windows.load_scopes(tracker_ids)), now=now)
        rollups.refresh((), spans=rewritten.spans)
        rewritten.tracker_ids |= summaries.refresh_trackers(tracker_ids, now=now)
    return rewritten


def replay_next(*, trackers: QuerySet[Tracker], after: int, now: datetime) -> int | None:
    """Replay the next few of `trackers`, by id, behind `after`; returns the last one's id, None if that was all.

    A long replay is a row of such calls, so that live reports are not kept waiting and a killed worker loses one.
    """
    chunk = list(
        trackers.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:TRACKERS_PER_TRANSACTION]
    )
    if chunk:
        replay_trackers(tracker_ids=chunk, now=now)
    return chunk[-1] if len(chunk) == TRACKERS_PER_TRANSACTION else None


def concerned_by_location(location_id: int) -> QuerySet[Tracker]:
    """Trackers whose history a change of this location can change: those of its runs, and those that stayed there."""
    assigned = Assignment.objects.filter(run__locations=location_id).values("tracker")
    stayed = StatusChange.objects.valid().filter(location=location_id).values("tracker")
    return Tracker.objects.filter(Q(pk__in=assigned) | Q(pk__in=stayed))


def concerned_by_run(run_id: int) -> QuerySet[Tracker]:
    """Trackers whose history a change of this run's dates or policy can change."""
    return Tracker.objects.filter(pk__in=Assignment.objects.filter(run=run_id).values("tracker"))
