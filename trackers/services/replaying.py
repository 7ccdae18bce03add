"""Rebuilds whole assignments from their reports, after something other than a report changed."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from clients import bulk
from trackers.models import Assignment, StatusChange, Tracker
from trackers.services import locking, summaries, watching, windows
from trackers.services.rewriting import Rewritten, rewrite

TRACKERS_PER_TRANSACTION = 50
WITH_PAST = (windows.SQL / "trackers_with_past.sql").read_text()


def replay_trackers(
    *, tracker_ids: Collection[int], now: datetime, state: Tracker.State | None = None
) -> Rewritten:
    """Recompute all assignments of the trackers, write the difference and refresh their rows, in one transaction;
    with the rows they come into `state`, if one is given.

    A tracker that never reported costs no more than its row; the others are played a few at a time. The result names
    the trackers of which anything was not right. Raises `locking.UnknownTracker` if one doesn't exist.
    """
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        rewritten = Rewritten()
        with_past = [row[0] for row in bulk.fetch_all(WITH_PAST, {"tracker_ids": list(tracker_ids)})]
        for start in range(0, len(with_past), TRACKERS_PER_TRANSACTION):
            chunk = with_past[start : start + TRACKERS_PER_TRANSACTION]
            part = rewrite(windows.whole(windows.load_scopes(chunk)), now=now)
            rewritten.events += part.events
            rewritten.tracker_ids |= part.tracker_ids
        rewritten.tracker_ids |= summaries.refresh_trackers(tracker_ids, now=now, state=state)
        watching.mark_changed(rewritten.tracker_ids, now=now)
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
