"""History: what follows from a tracker's reports, and what recomputes it.

Others call what is named in `__all__`. Two functions write history, each for one transaction: `follow_reports` when
reports arrived, `recompute_trackers` (or `recompute_batch`, for a tracker of very many reports) when anything else
changed that decides about it. Both keep the trackers' rows and rollups in step, and make their alerts due.
"""

from trackers.services.history.comparing import AssignmentDifference
from trackers.services.history.cutoff import (
    BeforeCutoffError,
    advance_cutoff,
    frozen_before,
    require_kept,
)
from trackers.services.history.deriving import (
    accepted_reports,
    compare_trackers,
    follow_reports,
    recompute_batch,
    recompute_trackers,
)
from trackers.services.history.evaluation_queue import mark_changed, mark_runs, mark_seen
from trackers.services.history.nearest_places import find_all_again, find_places
from trackers.services.history.rollups import rebuild_rollups
from trackers.services.history.summaries import refresh_trackers
from trackers.services.history.windows import BEGINNING, Scope, Window, load_scopes
from trackers.services.history.writing import Cause, Written

__all__ = [
    "BEGINNING",
    "AssignmentDifference",
    "BeforeCutoffError",
    "Cause",
    "Scope",
    "Window",
    "Written",
    "accepted_reports",
    "advance_cutoff",
    "compare_trackers",
    "find_all_again",
    "find_places",
    "follow_reports",
    "frozen_before",
    "load_scopes",
    "mark_changed",
    "mark_runs",
    "mark_seen",
    "rebuild_rollups",
    "recompute_batch",
    "recompute_trackers",
    "refresh_trackers",
    "require_kept",
]
