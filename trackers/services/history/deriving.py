"""Derives from a tracker's reports all that follows from them: its status history and events, its rollups, its own
row, and that its alerts are to be evaluated. Each function is the content of one transaction.

A late report and a changed fence meet here: both find the windows of the timeline that they affect
(`windows`), compare what is stored there with what the reports say (`comparing`), and write the difference
(`writing`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction

from foundation import batching, bulk, sql
from trackers.incoming import IncomingReport
from trackers.models import Retraction, Tracker
from trackers.rules.verdicts import Report, event_order, is_usable
from trackers.services import locking
from trackers.services.history import (
    comparing,
    evaluation_queue,
    reading,
    rollups,
    summaries,
    windows,
    writing,
)
from trackers.services.history.comparing import AssignmentDifference
from trackers.services.history.windows import Scope, Window
from trackers.services.history.writing import Cause, NewReport, Written

WITH_REPORTS_OR_HISTORY = sql.load("trackers/trackers_with_reports_or_history")
# Read and compared at once, however few reports they have.
TRACKERS_AT_ONCE = 100


def follow_reports(new: Sequence[IncomingReport], *, now: datetime) -> Written:
    """Make everything follow from reports that were just stored.

    The caller holds the locks of their trackers (`locking.lock_trackers`) and the transaction.
    """
    tracker_ids = sorted({report.tracker_id for report in new})
    by_scope = _by_scope(windows.load_scopes(tracker_ids), new)
    written = Written()
    if by_scope:
        firsts = {scope: min(report.seen_at for report in reports) for scope, reports in by_scope.items()}
        causes = {scope.assignment_id: _usable(scope, reports) for scope, reports in by_scope.items()}
        differences = comparing.compare(windows.since_first_change(firsts))
        written = writing.write(differences, cause=Cause(Retraction.REPORT, reports=causes), now=now)
    seen = [*((report.tracker_id, report.seen_at) for report in new), *written.reassessed]
    summaries.refresh_trackers(tracker_ids, now=now)
    rollups.refresh(seen, spans=written.spans)
    evaluation_queue.mark_seen(seen, now=now)
    return written


def recompute_trackers(
    *,
    tracker_ids: Collection[int],
    cause: Cause,
    now: datetime,
    since: datetime | None = None,
    state: Tracker.State | None = None,
) -> Written:
    """Recompute all assignments of the trackers and write the difference to what is stored: one transaction.

    since: nothing before it changed, so that only what lies after it is read, and before it what was confirmed by
    reports after it. Assignments that end at that moment or later are part of it. state: the lifecycle state that the
    trackers come into, in the same write of their rows.

    A tracker that never reported costs no more than its row. The result names the trackers of which anything was
    wrong. Raises `locking.UnknownTrackerError`.
    """
    written = Written()
    with transaction.atomic():
        locking.lock_trackers(tracker_ids)
        with_past = bulk.fetch_values(WITH_REPORTS_OR_HISTORY, {"tracker_ids": list(tracker_ids)})
        for ids in batching.batches(with_past, TRACKERS_AT_ONCE):
            scopes = windows.load_scopes(ids)
            chosen = windows.whole(scopes) if since is None else windows.from_moment(scopes, since)
            batch = writing.write(comparing.compare(chosen), cause=cause, now=now)
            rollups.refresh(batch.reassessed, spans=batch.spans)
            written.add(batch)
        written.tracker_ids |= summaries.refresh_trackers(tracker_ids, now=now, state=state)
        evaluation_queue.mark_changed(written.tracker_ids, now=now)
    return written


def recompute_batch(
    *, tracker_id: int, begin: datetime, reports: int, cause: Cause, now: datetime
) -> tuple[Written, datetime | None]:
    """Recompute a tracker's next `reports` reports from a moment on; one transaction.

    Returns also where the next batch begins, None if that was all. The batch is of the assignment that is in force at
    the moment, or else of the next one. Between two batches the history is right before that moment, and after it
    as it was. Raises `locking.UnknownTrackerError`.
    """
    with transaction.atomic():
        locking.lock_trackers([tracker_id])
        scopes = windows.load_scopes([tracker_id])
        ahead = [scope for scope in scopes if scope.ends_at is None or scope.ends_at > begin]
        written, rest = Written(), None
        if ahead:
            difference, rest = comparing.compare_first(
                _window_at(ahead[0], begin), beyond=begin, most=reports
            )
            written = writing.write([difference], cause=cause, now=now)
            if rest is None and len(ahead) > 1:
                rest = ahead[0].ends_at
        if rest is None:
            written.tracker_ids |= summaries.refresh_trackers([tracker_id], now=now)
        rollups.refresh(written.reassessed, spans=written.spans)
        evaluation_queue.mark_changed(written.tracker_ids, now=now)
    return written, rest


def compare_trackers(tracker_ids: Collection[int]) -> list[AssignmentDifference]:
    """What recomputing these trackers would write, by assignment. Reads only."""
    return comparing.compare(windows.whole(windows.load_scopes(tracker_ids)))


def accepted_reports(tracker_ids: Collection[int]) -> list[tuple[Window, list[Report]]]:
    """All assignments of the trackers, each with its reports that count, measured against the fences as they are
    now."""
    chosen = windows.whole(windows.load_scopes(tracker_ids))
    found = reading.reports(chosen)
    return [
        (window, comparing.assess(window, found[window.scope.assignment_id]).accepted) for window in chosen
    ]


def _window_at(scope: Scope, begin: datetime) -> Window:
    """The window from `begin`, or of the whole assignment where it begins later."""
    if begin <= scope.since:
        [window] = windows.whole([scope])
    else:
        [window] = windows.since_first_change({scope: begin})
    return window


def _by_scope(
    scopes: Iterable[Scope], new: Iterable[IncomingReport]
) -> defaultdict[Scope, list[IncomingReport]]:
    """The new reports by the assignment that was in force, without those that were seen under none."""
    of_tracker: dict[int, list[Scope]] = {}
    for scope in scopes:
        of_tracker.setdefault(scope.tracker_id, []).append(scope)
    found: defaultdict[Scope, list[IncomingReport]] = defaultdict(list)
    for report in new:
        for scope in of_tracker.get(report.tracker_id, ()):
            if scope.since <= report.seen_at < scope.until:
                found[scope].append(report)
    return found


def _usable(scope: Scope, reports: Iterable[IncomingReport]) -> list[NewReport]:
    usable = sorted(
        (report for report in reports if is_usable(report.accuracy_m, scope.max_accuracy_m)),
        key=lambda it: event_order(it.seen_at, it.accuracy_m, it.fingerprint),
        reverse=True,
    )
    first_of_moments = {report.seen_at: NewReport(report.seen_at, report.fingerprint) for report in usable}
    return sorted(first_of_moments.values())
