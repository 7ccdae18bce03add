"""Derives windows of the timeline from their reports and tells what is stored otherwise. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from trackers.rules import comparison, timeline
from trackers.rules.comparison import Difference, StoredEvent, StoredPeriod
from trackers.rules.timeline import Sighting, Timeline
from trackers.services.history import reading
from trackers.services.history.windows import Position, Scope, Window, just_after


class Span(NamedTuple):
    """A tracker's time from since (inclusive) to until (exclusive; None: without end)."""

    tracker_id: int
    since: datetime
    until: datetime | None


class AssignmentDifference(NamedTuple):
    """What must change in an assignment.

    wrong_…: the positions in event order of the rows to be retracted, by their id. spans: in which time the status
    changes. reports: how many were read.
    """

    scope: Scope
    difference: Difference
    wrong_periods: dict[int, Position]
    wrong_events: dict[int, Position]
    spans: list[Span]
    reports: int


def compare(windows: Sequence[Window]) -> list[AssignmentDifference]:
    """How the stored history of each window differs from what its reports say."""
    sightings = reading.sightings(windows)
    periods, events = reading.stored(windows)
    return [
        _compare_whole(window, sightings[window.scope.assignment_id], periods, events) for window in windows
    ]


def compare_first(window: Window, *, most: int) -> tuple[AssignmentDifference, Position | None]:
    """The same for the first `most` reports of a window; returns also where the rest begins, None if that was all.

    It gets somewhere if `most` is at least twice the confirmations: a window begins up to n - 1 reports before what
    is new, and up to n - 1 are left to the rest.
    """
    sightings = reading.first_sightings(window, most=most)
    if len(sightings) < most:
        return _compare_whole(window, sightings, *reading.stored([window])), None
    scope = window.scope
    derived, waiting = timeline.derive_first(sightings, confirmations=scope.confirmations, start=window.start)
    rest = _position_of(waiting) if waiting else just_after(_position_of(sightings[-1]))
    periods, events = reading.stored([window], end=rest)
    found = _difference(
        window,
        len(sightings),
        derived,
        periods[scope.assignment_id],
        events[scope.assignment_id],
        reading.next_period(scope, rest) or scope.ends_at,
    )
    # What changes after the first reports shows in the events of the later ones.
    changed = Span(scope.tracker_id, max(window.position.seen_at, scope.since), rest.seen_at)
    return found._replace(spans=[] if found.difference.is_empty else [changed]), rest


def _compare_whole(
    window: Window,
    sightings: Sequence[Sighting],
    periods: Mapping[int, list[StoredPeriod]],
    events: Mapping[int, list[StoredEvent]],
) -> AssignmentDifference:
    scope = window.scope
    derived = timeline.derive(sightings, confirmations=scope.confirmations, start=window.start)
    return _difference(
        window,
        len(sightings),
        derived,
        periods[scope.assignment_id],
        events[scope.assignment_id],
        scope.ends_at,
    )


def _difference(
    window: Window,
    reports: int,
    derived: Timeline,
    periods: Sequence[StoredPeriod],
    events: Sequence[StoredEvent],
    ends_at: datetime | None,
) -> AssignmentDifference:
    difference = comparison.compare(
        derived, before=window.before, periods=periods, events=events, ends_at=ends_at
    )
    wrong_periods, wrong_events = set(difference.periods_to_retract), set(difference.events_to_retract)
    stored = [*periods, *([window.before] if window.before else [])]
    return AssignmentDifference(
        scope=window.scope,
        difference=difference,
        wrong_periods={
            row.id: Position(row.period.started_at, row.period.fingerprint)
            for row in periods
            if row.id in wrong_periods
        },
        wrong_events={
            row.id: Position(row.occurred_at, row.fingerprint) for row in events if row.id in wrong_events
        },
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


def _position_of(sighting: Sighting) -> Position:
    return Position(sighting.seen_at, sighting.fingerprint)
