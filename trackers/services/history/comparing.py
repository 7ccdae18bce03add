"""Derives windows of the timeline from their reports and tells what is stored otherwise. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from trackers.rules import comparison, timeline, verdicts
from trackers.rules.comparison import Difference, NewVerdict, StoredEvent, StoredPeriod
from trackers.rules.timeline import Timeline
from trackers.rules.verdicts import Assessment, Report
from trackers.services.history import reading
from trackers.services.history.windows import Scope, Window

# PostgreSQL knows no moment between two of these.
NEXT_MOMENT = timedelta(microseconds=1)


class Span(NamedTuple):
    """A tracker's time from since (inclusive) to until (exclusive; None: without end)."""

    tracker_id: int
    since: datetime
    until: datetime | None


class AssignmentDifference(NamedTuple):
    """What must change in an assignment.

    wrong_…: the rows to be retracted. spans: in which time the status changes. reports: how many were read.
    """

    scope: Scope
    difference: Difference
    wrong_periods: list[StoredPeriod]
    wrong_events: list[StoredEvent]
    spans: list[Span]
    reports: int


def compare(windows: Sequence[Window]) -> list[AssignmentDifference]:
    """How the stored history of each window differs from what its reports say."""
    reports = reading.reports(windows)
    periods, events = reading.stored(windows)
    return [
        _compare_whole(window, reports[window.scope.assignment_id], periods, events) for window in windows
    ]


def compare_first(
    window: Window, *, beyond: datetime, most: int
) -> tuple[AssignmentDifference, datetime | None]:
    """The same for the first `most` reports of a window; returns also the moment where the rest begins, None if that
    was all.

    The rest begins with a report that is held or waits for confirmation. It begins after `beyond`: where that is not
    so, more reports are taken.
    """
    while True:
        reports = reading.first_reports(window, most=most)
        if len(reports) < most:
            return _compare_whole(window, reports, *reading.stored([window])), None
        assessment = assess(window, reports)
        derived, waiting = timeline.derive_first(
            assessment.accepted, policy=window.scope.policy, start=window.start
        )
        undecided = [report.seen_at for report in (assessment.held, waiting) if report]
        rest = min(undecided, default=reports[-1].seen_at + NEXT_MOMENT)
        if rest > beyond:
            return _compare_up_to(rest, window, reports, assessment, derived), rest
        most *= 2


def assess(window: Window, reports: Sequence[Report]) -> Assessment:
    """The verdicts on a window's reports, in event order."""
    scope = window.scope
    return verdicts.assess(
        reports,
        max_accuracy_m=scope.max_accuracy_m,
        max_speed_kmh=scope.max_speed_kmh,
        last_accepted=window.last_accepted,
    )


def _compare_up_to(
    rest: datetime, window: Window, reports: Sequence[Report], assessment: Assessment, derived: Timeline
) -> AssignmentDifference:
    scope = window.scope
    periods, events = reading.stored([window], end=rest)
    new_verdicts = comparison.compare_verdicts(reports, assessment.verdicts)
    found = _difference(
        window,
        len(reports),
        [new for new in new_verdicts if new.seen_at < rest],
        derived,
        periods[scope.assignment_id],
        events[scope.assignment_id],
        reading.next_period(scope, rest) or scope.ends_at,
    )
    # What changes after the first reports shows in the events of the later ones.
    changed = Span(scope.tracker_id, max(window.since, scope.since), rest)
    return found._replace(spans=[] if found.difference.is_empty else [changed])


def _compare_whole(
    window: Window,
    reports: Sequence[Report],
    periods: Mapping[int, list[StoredPeriod]],
    events: Mapping[int, list[StoredEvent]],
) -> AssignmentDifference:
    scope = window.scope
    assessment = assess(window, reports)
    return _difference(
        window,
        len(reports),
        comparison.compare_verdicts(reports, assessment.verdicts),
        timeline.derive(assessment.accepted, policy=scope.policy, start=window.start),
        periods[scope.assignment_id],
        events[scope.assignment_id],
        scope.ends_at,
    )


def _difference(
    window: Window,
    reports: int,
    new_verdicts: list[NewVerdict],
    derived: Timeline,
    periods: Sequence[StoredPeriod],
    events: Sequence[StoredEvent],
    ends_at: datetime | None,
) -> AssignmentDifference:
    difference = comparison.compare(
        derived, before=window.before, periods=periods, events=events, ends_at=ends_at
    )
    difference.verdicts_to_set = new_verdicts
    wrong_periods, wrong_events = set(difference.periods_to_retract), set(difference.events_to_retract)
    stored = [*periods, *([window.before] if window.before else [])]
    return AssignmentDifference(
        scope=window.scope,
        difference=difference,
        wrong_periods=[row for row in periods if row.id in wrong_periods],
        wrong_events=[row for row in events if row.id in wrong_events],
        spans=_changed_spans(window.scope.tracker_id, difference, stored),
        reports=reports,
    )


def _changed_spans(tracker_id: int, difference: Difference, stored: Iterable[StoredPeriod]) -> list[Span]:
    """From the first moment at which the status changes to the last one; nothing if it doesn't."""
    by_id = {row.id: row for row in stored}
    times: list[tuple[datetime | None, datetime | None]] = [
        (new.period.started_at, new.ended_at) for new in difference.periods_to_add
    ]
    times += [(by_id[id_].period.started_at, by_id[id_].ended_at) for id_ in difference.periods_to_retract]
    times += [(by_id[end.id].ended_at, end.ended_at) for end in difference.periods_to_end]
    moments = [moment for pair in times for moment in pair]
    known = [moment for moment in moments if moment is not None]
    if not known:
        return []
    return [Span(tracker_id, min(known), None if None in moments else max(known))]
