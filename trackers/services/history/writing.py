"""Plays windows of the timeline and writes the difference to what is stored.

The caller holds the locks of the trackers (`locking.lock_trackers`) and the transaction.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from foundation import bulk
from trackers.models import Retraction
from trackers.rules import timeline
from trackers.rules.corrections import Corrections, NewStay, StoredEvent, StoredStay, correct
from trackers.rules.timeline import Event, Sighting, Stay, Timeline
from trackers.services.history import publishing, reading
from trackers.services.history.windows import Position, Scope, Window, behind

RETRACT = """
UPDATE {} AS stored
SET retracted_at = %(now)s,
    retracted_after = %(after)s,
    retracted_in_id = %(job_id)s::bigint,
    retracted_by_seen_at = wrong.seen_at,
    retracted_by_fingerprint = wrong.fingerprint
FROM unnest(%(ids)b::bigint[], %(seen_ats)b::timestamptz[], %(fingerprints)b::bytea[])
    AS wrong (id, seen_at, fingerprint)
WHERE stored.id = wrong.id
"""
RETRACT_EVENTS = RETRACT.format("trackers_geofenceevent")
RETRACT_STAYS = RETRACT.format("trackers_statuschange")
END_STAYS = """
UPDATE trackers_statuschange AS stay
SET ended_at = ending.ended_at
FROM unnest(%(ids)b::bigint[], %(ended_ats)b::timestamptz[]) AS ending (id, ended_at)
WHERE stay.id = ending.id
"""
STAY_IDS = """
SELECT nextval(pg_get_serial_sequence('trackers_statuschange', 'id')) FROM generate_series(1, %(wanted)s::integer)
"""
STAY_COLUMNS = {
    "id": "int8",
    "tracker_id": "int8",
    "assignment_id": "int8",
    "status": "text",
    "location_id": "int8",
    "started_at": "timestamptz",
    "fingerprint": "bytea",
    "ended_at": "timestamptz",
    "recorded_at": "timestamptz",
}
EVENT_COLUMNS = {
    "tracker_id": "int8",
    "assignment_id": "int8",
    "type": "text",
    "location_id": "int8",
    "occurred_at": "timestamptz",
    "fingerprint": "bytea",
    "recorded_at": "timestamptz",
    "status_change_id": "int8",
}


class Cause(NamedTuple):
    """Why stored rows are found wrong; it is kept with those that are retracted.

    reports: the new ones that count, by assignment and in event order, where these are the cause.
    """

    retraction: Retraction
    job_id: int | None = None
    reports: Mapping[int, Sequence[Position]] = {}

    def report_for(self, assignment_id: int, row: Position) -> tuple[datetime | None, bytes | None]:
        """The new report that corrected a row: the last one up to it, or else the first, which a confirmation may
        have waited for."""
        reports = self.reports.get(assignment_id)
        if not reports:
            return None, None
        return reports[max(bisect_right(reports, row) - 1, 0)]


class Span(NamedTuple):
    """A tracker's time from since (inclusive) to until (exclusive; None: without end)."""

    tracker_id: int
    since: datetime
    until: datetime | None


@dataclass(slots=True)
class Rewritten:
    """What a rewrite wrote: the new events by type, how many stays, and the trackers of which anything was not right
    before.

    spans: in which time the status of trackers is another now. played: how many reports were played.
    """

    events: Counter[str] = field(default_factory=Counter)
    stays_added: int = 0
    stays_retracted: int = 0
    tracker_ids: set[int] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)
    played: int = 0

    def add(self, other: "Rewritten") -> None:
        self.events += other.events
        self.stays_added += other.stays_added
        self.stays_retracted += other.stays_retracted
        self.tracker_ids |= other.tracker_ids
        self.spans += other.spans
        self.played += other.played


class Correction(NamedTuple):
    """What must change in an assignment; wrong: where in event order the rows to be retracted stand, by their id;
    spans: in which time the status changes; played: of how many reports it is told."""

    scope: Scope
    corrections: Corrections
    wrong_stays: dict[int, Position]
    wrong_events: dict[int, Position]
    spans: list[Span]
    played: int


def rewrite(windows: Sequence[Window], *, cause: Cause, now: datetime) -> Rewritten:
    """Play each window from its reports and make the stored history and events say the same."""
    return _write(compare(windows), cause, now)


def _changed_spans(tracker_id: int, corrections: Corrections, stored: Iterable[StoredStay]) -> list[Span]:
    """From the first moment at which the corrections change the status to the last one; nothing if they don't."""
    by_id = {row.id: row for row in stored}
    times: list[tuple[datetime | None, datetime | None]] = [
        (new.stay.started_at, new.ended_at) for new in corrections.stays_to_add
    ]
    times += [(by_id[id_].stay.started_at, by_id[id_].ended_at) for id_ in corrections.stays_to_retract]
    times += [(by_id[id_].ended_at, ended_at) for id_, ended_at in corrections.stays_to_end]
    moments = [moment for pair in times for moment in pair]
    known = [moment for moment in moments if moment is not None]
    if not known:
        return []
    return [Span(tracker_id, min(known), None if None in moments else max(known))]


def rewrite_part(
    window: Window, *, most: int, cause: Cause, now: datetime
) -> tuple[Rewritten, Position | None]:
    """Rewrite the first reports of a window; returns where the rest begins, None if that was all.

    Between the parts the history is right up to there, and behind it as it was before. A part makes headway if `most`
    is at least thrice the confirmations: it begins up to 2n - 1 reports before what is new, and leaves up to n - 1.
    """
    sightings = reading.first_sightings(window, most=most)
    if len(sightings) < most:
        return _write([_compare_whole(window, sightings, *reading.stored([window]))], cause, now), None
    scope = window.scope
    played, waiting = timeline.play_part(sightings, confirmations=scope.confirmations, start=window.start)
    rest = _sighting_position(waiting) if waiting else behind(_sighting_position(sightings[-1]))
    stays, events = reading.stored([window], end=rest)
    correction = _correction(
        window,
        len(sightings),
        played,
        stays[scope.assignment_id],
        events[scope.assignment_id],
        reading.next_stay(scope, rest) or scope.ends_at,
    )
    # What changes behind the part shows in the events of the later ones.
    changed = Span(scope.tracker_id, max(window.position.seen_at, scope.since), rest.seen_at)
    spans = [] if correction.corrections.is_empty else [changed]
    return _write([correction._replace(spans=spans)], cause, now), rest


def compare(windows: Sequence[Window]) -> list[Correction]:
    """Play each window from its reports and tell what is stored otherwise. Reads only."""
    sightings = reading.sightings(windows)
    stays, events = reading.stored(windows)
    return [
        _compare_whole(window, sightings[window.scope.assignment_id], stays, events) for window in windows
    ]


def _compare_whole(
    window: Window,
    sightings: Sequence[Sighting],
    stays: Mapping[int, list[StoredStay]],
    events: Mapping[int, list[StoredEvent]],
) -> Correction:
    scope = window.scope
    played = timeline.play(sightings, confirmations=scope.confirmations, start=window.start)
    return _correction(
        window, len(sightings), played, stays[scope.assignment_id], events[scope.assignment_id], scope.ends_at
    )


def _correction(
    window: Window,
    reports: int,
    played: Timeline,
    stays: Sequence[StoredStay],
    events: Sequence[StoredEvent],
    ends_at: datetime | None,
) -> Correction:
    corrections = correct(played, before=window.before, stays=stays, events=events, ends_at=ends_at)
    wrong_stays, wrong_events = set(corrections.stays_to_retract), set(corrections.events_to_retract)
    return Correction(
        window.scope,
        corrections,
        {row.id: _stay_position(row) for row in stays if row.id in wrong_stays},
        {row.id: _event_position(row) for row in events if row.id in wrong_events},
        _changed_spans(
            window.scope.tracker_id, corrections, [*stays, *([window.before] if window.before else [])]
        ),
        reports,
    )


def _stay_position(row: StoredStay) -> Position:
    return Position(row.stay.started_at, row.stay.fingerprint)


def _event_position(row: StoredEvent) -> Position:
    return Position(row.occurred_at, row.fingerprint)


def _sighting_position(sighting: Sighting) -> Position:
    return Position(sighting.seen_at, sighting.fingerprint)


def _write(changes: Sequence[Correction], cause: Cause, now: datetime) -> Rewritten:
    """Retract first and end next: then no constraint is violated on the way, not even for a moment."""
    _retract(RETRACT_EVENTS, [(c.scope, c.wrong_events) for c in changes], cause, now)
    retracted = _retract(RETRACT_STAYS, [(c.scope, c.wrong_stays) for c in changes], cause, now)
    _end([ending for change in changes for ending in change.corrections.stays_to_end])
    added = _add_stays([(c.scope, new) for c in changes for new in c.corrections.stays_to_add], now)
    events = _add_events(changes, added, now)
    publishing.publish_changes(
        retracted_events=[id_ for change in changes for id_ in change.wrong_events],
        retracted_periods=[id_ for change in changes for id_ in change.wrong_stays],
        added_periods=list(added.values()),
        crossings=_crossings(changes, added),
        now=now,
    )
    return Rewritten(
        events=events,
        stays_added=len(added),
        stays_retracted=retracted,
        tracker_ids={c.scope.tracker_id for c in changes if not c.corrections.is_empty},
        spans=[span for change in changes for span in change.spans],
        played=sum(change.played for change in changes),
    )


def _retract(
    statement: str, wrong: Iterable[tuple[Scope, dict[int, Position]]], cause: Cause, now: datetime
) -> int:
    rows = [
        (id_, *cause.report_for(scope.assignment_id, position))
        for scope, of_assignment in wrong
        for id_, position in of_assignment.items()
    ]
    if rows:
        arrays = bulk.transposed(rows, ("ids", "seen_ats", "fingerprints"))
        why = {"now": now, "after": cause.retraction.value, "job_id": cause.job_id}
        bulk.execute(statement, arrays | why)
    return len(rows)


def _end(endings: list[tuple[int, datetime | None]]) -> None:
    if endings:
        bulk.execute(END_STAYS, bulk.transposed(endings, ("ids", "ended_ats")))


def _add_stays(additions: list[tuple[Scope, NewStay]], now: datetime) -> dict[tuple[int, Stay], int]:
    if not additions:
        return {}
    ids = [row[0] for row in bulk.fetch_all(STAY_IDS, {"wanted": len(additions)})]
    bulk.copy_rows(
        "trackers_statuschange",
        STAY_COLUMNS,
        (
            (
                id_,
                scope.tracker_id,
                scope.assignment_id,
                new.stay.place.status,
                new.stay.place.location_id,
                new.stay.started_at,
                new.stay.fingerprint,
                new.ended_at,
                now,
            )
            for id_, (scope, new) in zip(ids, additions, strict=True)
        ),
    )
    return {(scope.assignment_id, new.stay): id_ for id_, (scope, new) in zip(ids, additions, strict=True)}


def _add_events(
    changes: Iterable[Correction], added: dict[tuple[int, Stay], int], now: datetime
) -> Counter[str]:
    rows = []
    counts: Counter[str] = Counter()
    for scope, corrections, *_ in changes:
        for event in corrections.events_to_add:
            rows.append(_event_row(scope, event, corrections, added, now))
            counts[event.type.value] += 1
    if rows:
        bulk.copy_rows("trackers_geofenceevent", EVENT_COLUMNS, rows)
    return counts


def _crossings(
    changes: Iterable[Correction], added: dict[tuple[int, Stay], int]
) -> list[publishing.Crossing]:
    found = []
    for change in changes:
        for event in change.corrections.events_to_add:
            status_change_id = _status_change_id(change.scope, event, change.corrections, added)
            if status_change_id is not None:
                found.append(publishing.Crossing(status_change_id, event.type.value))
    return found


def _status_change_id(
    scope: Scope, event: Event, corrections: Corrections, added: dict[tuple[int, Stay], int]
) -> int | None:
    if event.stay is None:
        return None
    return corrections.kept.get(event.stay) or added[scope.assignment_id, event.stay]


def _event_row(
    scope: Scope, event: Event, corrections: Corrections, added: dict[tuple[int, Stay], int], now: datetime
) -> tuple[object, ...]:
    return (
        scope.tracker_id,
        scope.assignment_id,
        event.type,
        event.location_id,
        event.occurred_at,
        event.fingerprint,
        now,
        _status_change_id(scope, event, corrections, added),
    )
