"""Gives trackers to production runs and takes them back: the only writes of assignments.

Whatever an assignment changes for reports that are there already - their fences, who sees them, the tracker's own
row - is recomputed in the same transaction; where it begins so far back that there are many, their history under it
follows in the background.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.contrib.postgres.fields import RangeBoundary
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Value

from clients.models import ProductionRun
from foundation import bulk, wording
from foundation.errors import DomainError
from trackers.models import Assignment, Retraction, Tracker
from trackers.models.history import time_range
from trackers.services import history, locking, recomputation
from trackers.services.history import Cause

_MACS_NAMED = 5
CAUSE = Cause(Retraction.ASSIGNMENT)
# Recomputed within the transaction that assigns: a second or so. A job recomputes more, in batches.
REPORTS_AT_ONCE = 5_000
MORE_REPORTS = """
SELECT count(*) > %(most)s::integer
FROM (
    SELECT FROM unnest(%(tracker_ids)b::bigint[]) AS chosen (tracker_id)
    JOIN trackers_locationreport AS report
        ON report.tracker_id = chosen.tracker_id AND report.seen_at >= %(start)s::timestamptz
    LIMIT %(most)s::integer + 1
) AS since
"""
OVERLAPPING = """
SELECT tracker.mac
FROM trackers_assignment AS assignment JOIN trackers_tracker AS tracker ON tracker.id = assignment.tracker_id
WHERE assignment.tracker_id = ANY(%(tracker_ids)b::bigint[])
    AND assignment.period && tstzrange(%(start)s::timestamptz, NULL)
"""
ADD_ASSIGNMENTS = """
INSERT INTO trackers_assignment (tracker_id, run_id, period)
SELECT tracker_id, %(run_id)s::bigint, tstzrange(%(start)s::timestamptz, NULL)
FROM unnest(%(tracker_ids)b::bigint[]) AS assigned (tracker_id)
RETURNING id, tracker_id
"""
END_IN_FORCE = """
UPDATE trackers_assignment SET period = tstzrange(lower(period), %(at)s::timestamptz)
WHERE tracker_id = ANY(%(tracker_ids)b::bigint[]) AND period @> %(at)s::timestamptz
    AND lower(period) < %(at)s::timestamptz
"""
ACTIVATE = """
UPDATE trackers_assignment SET activated_at = %(now)s::timestamptz
WHERE tracker_id = ANY(%(tracker_ids)b::bigint[])
    AND (upper_inf(period) OR upper(period) > %(now)s::timestamptz)
"""
# Deleting them would make the database look for their events, which no index finds.
WITHDRAW_PLANNED = """
UPDATE trackers_assignment AS assignment
SET period = tstzrange(%(at)s::timestamptz + planned.number * interval '1 microsecond',
                       %(at)s::timestamptz + (planned.number + 1) * interval '1 microsecond')
FROM (
    SELECT id, row_number() OVER (PARTITION BY tracker_id ORDER BY lower(period)) - 1 AS number
    FROM trackers_assignment
    WHERE tracker_id = ANY(%(tracker_ids)b::bigint[]) AND lower(period) >= %(at)s::timestamptz
) AS planned
WHERE assignment.id = planned.id
"""


class AssignmentOverlapError(DomainError):
    """A tracker would be in two runs at once."""

    code = "assignment_overlap"


class NotAssignedError(DomainError):
    """A tracker is in no run that could be ended at that moment."""

    code = "not_assigned"


def assign(
    *,
    tracker_ids: Collection[int],
    run: ProductionRun,
    start: datetime,
    now: datetime,
    state: Tracker.State | None = None,
) -> list[Assignment]:
    """Put the trackers into `run` from `start` on, without an end, and into `state` if one is given; one transaction,
    by tracker id.

    Reports that are there already since `start` belong to the run since then, and nothing of an earlier assignment
    shows on the trackers' rows any more. If there are more than REPORTS_AT_ONCE of them, a RecomputationJob writes
    their history. Raises AssignmentOverlapError, naming MACs, if a tracker is in a run at `start` or later, and
    `locking.UnknownTrackerError`.
    """
    arrays = {"tracker_ids": list(tracker_ids), "start": start}
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        if macs := [mac for (mac,) in bulk.fetch_all(OVERLAPPING, arrays)]:
            raise AssignmentOverlapError(
                f"Already in a run at {start:%Y-%m-%d %H:%M} UTC or later: {name_macs(macs)}."
                " Release them first, or begin after that."
            )
        added = bulk.fetch_all(ADD_ASSIGNMENTS, arrays | {"run_id": run.pk})
        if _are_many(arrays):
            recomputation.queue_assignment(run=run, tracker_ids=tracker_ids, start=start, now=now)
            history.refresh_trackers(tracker_ids, now=now, state=state)
        else:
            history.recompute_trackers(
                tracker_ids=tracker_ids, cause=CAUSE, now=now, since=start, state=state
            )
        history.mark_changed(tracker_ids, now=now)
    period = DateTimeTZRange(start, None, "[)")
    return [
        Assignment(id=id_, tracker_id=tracker_id, run=run, period=period)
        for tracker_id, id_ in sorted((tracker_id, id_) for id_, tracker_id in added)
    ]


def activate(*, tracker_ids: Collection[int], now: datetime) -> None:
    """Make the trackers ACTIVE; one transaction. Their reports are fetched, and expected, after that.

    Raises `locking.UnknownTrackerError`.
    """
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        Tracker.objects.filter(pk__in=tracker_ids).update(state=Tracker.State.ACTIVE, updated_at=now)
        bulk.execute(ACTIVATE, {"tracker_ids": list(tracker_ids), "now": now})


def release(*, tracker_ids: Collection[int], at: datetime, now: datetime) -> None:
    """End the trackers' open assignments at `at`, exclusive; one transaction.

    The history of each closes there; reports of that moment or later belong to no run. Raises NotAssignedError, naming
    MACs, if a tracker has no open assignment that began before `at`, `history.BeforeCutoffError`, and
    `locking.UnknownTrackerError`.
    """
    history.require_kept(at)
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        open_ = Assignment.objects.filter(
            tracker__in=tracker_ids, period__upper_inf=True, period__startswith__lt=at
        )
        assigned = set(open_.values_list("tracker_id", flat=True))
        if missing := set(tracker_ids) - assigned:
            macs = Tracker.objects.filter(pk__in=missing).values_list("mac", flat=True)
            raise NotAssignedError(
                f"In no run that began before {at:%Y-%m-%d %H:%M} UTC and still lasts: {name_macs(macs)}."
            )
        open_.update(period=time_range(F("period__startswith"), Value(at), RangeBoundary()))
        history.recompute_trackers(tracker_ids=tracker_ids, cause=CAUSE, now=now, since=at)
        history.mark_changed(tracker_ids, now=now)


def end_all(*, tracker_ids: Collection[int], at: datetime, now: datetime, state: Tracker.State) -> None:
    """Let no assignment of the trackers go on beyond `at`, exclusive, if they have any, and bring them into `state`;
    one transaction.

    Those that are planned for later shrink to the microsecond of `at`. Raises `history.BeforeCutoffError`
    and `locking.UnknownTrackerError`.
    """
    history.require_kept(at)
    arrays = {"tracker_ids": list(tracker_ids), "at": at}
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        bulk.execute(END_IN_FORCE, arrays)
        bulk.execute(WITHDRAW_PLANNED, arrays)
        history.recompute_trackers(tracker_ids=tracker_ids, cause=CAUSE, now=now, since=at, state=state)
        history.mark_changed(tracker_ids, now=now)


def _are_many(arrays: dict[str, object]) -> bool:
    ((many,),) = bulk.fetch_all(MORE_REPORTS, arrays | {"most": REPORTS_AT_ONCE})
    return bool(many)


def name_macs(macs: Iterable[str]) -> str:
    """The first few MACs in order, and how many more there are, for a message."""
    return wording.some_of(sorted(macs), most=_MACS_NAMED)
