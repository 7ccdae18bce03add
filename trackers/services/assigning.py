"""Gives trackers to production runs and takes them back: the only writes of assignments.

Whatever an assignment changes for reports that are there already - their fences, who sees them, the tracker's own
row - is recomputed in the same transaction.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.contrib.postgres.fields import RangeBoundary
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Value

from clients.errors import DomainError
from clients.models import ProductionRun
from trackers.models import Assignment, Retraction, Tracker
from trackers.models.history import TsTzRange
from trackers.services import horizon, locking, replaying
from trackers.services.rewriting import Cause

_MACS_NAMED = 5
CAUSE = Cause(Retraction.ASSIGNMENT)


class AssignmentOverlap(DomainError):
    """A tracker would be in two runs at once."""

    code = "assignment_overlap"


class NotAssigned(DomainError):
    """A tracker is in no run that could be ended at that moment."""

    code = "not_assigned"


def assign(
    *, tracker_ids: Collection[int], run: ProductionRun, start: datetime, now: datetime
) -> list[Assignment]:
    """Put the trackers into `run` from `start` on, without an end; one transaction, by tracker id.

    Reports that are there already since `start` belong to the run from now on, and nothing of an earlier assignment
    shows on the trackers' rows any more. Raises AssignmentOverlap, naming MACs, if a tracker is in a run at `start`
    or later, and `locking.UnknownTracker`.
    """
    period = DateTimeTZRange(start, None, "[)")
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        overlapping = Assignment.objects.filter(tracker__in=tracker_ids, period__overlap=period)
        if macs := list(overlapping.values_list("tracker__mac", flat=True)):
            raise AssignmentOverlap(
                f"Already in a run at {start:%Y-%m-%d %H:%M} UTC or later: {name_macs(macs)}."
                " Release them first, or begin after that."
            )
        assignments = Assignment.objects.bulk_create(
            Assignment(tracker_id=tracker_id, run=run, period=period) for tracker_id in sorted(tracker_ids)
        )
        replaying.replay_trackers(tracker_ids=tracker_ids, cause=CAUSE, now=now)
    return assignments


def release(*, tracker_ids: Collection[int], at: datetime, now: datetime) -> None:
    """End the trackers' open assignments at `at`, exclusive; one transaction.

    The history of each closes there; reports of that moment or later belong to no run. Raises NotAssigned, naming
    MACs, if a tracker has no open assignment that began before `at`, `horizon.BeforeHorizon`, and
    `locking.UnknownTracker`.
    """
    horizon.require_kept(at)
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        open_ = Assignment.objects.filter(
            tracker__in=tracker_ids, period__upper_inf=True, period__startswith__lt=at
        )
        assigned = set(open_.values_list("tracker_id", flat=True))
        if missing := set(tracker_ids) - assigned:
            macs = Tracker.objects.filter(pk__in=missing).values_list("mac", flat=True)
            raise NotAssigned(
                f"In no run that began before {at:%Y-%m-%d %H:%M} UTC and still lasts: {name_macs(macs)}."
            )
        open_.update(period=TsTzRange(F("period__startswith"), Value(at), RangeBoundary()))
        replaying.replay_trackers(tracker_ids=tracker_ids, cause=CAUSE, now=now)


def name_macs(macs: Iterable[str]) -> str:
    """The first few MACs in order, and how many more there are, for a message."""
    ordered = sorted(macs)
    named = ", ".join(ordered[:_MACS_NAMED])
    return named if len(ordered) <= _MACS_NAMED else f"{named} and {len(ordered) - _MACS_NAMED} more"
