"""Plays windows of the timeline and writes the difference to what is stored.

The caller holds the locks of the trackers (`locking.lock_trackers`) and the transaction.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from clients import bulk
from locations import matching
from trackers import timeline
from trackers.corrections import Corrections, NewStay, StoredEvent, StoredStay, correct
from trackers.services.windows import SQL, Position, Scope, Window, position_arrays, stored_stay
from trackers.timeline import Candidate, Event, EventType, Sighting, Stay

SIGHTINGS = matching.statement(
    points=(SQL / "usable_reports_from.sql").read_text(),
    columns=["assignment_id", "seen_at", "fingerprint", "reach_m"],
)
STAYS_FROM = (SQL / "stays_from.sql").read_text()
EVENTS_FROM = (SQL / "events_from.sql").read_text()

RETRACT = "UPDATE {} SET retracted_at = %(now)s WHERE id = ANY(%(ids)b::bigint[])"
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


class Span(NamedTuple):
    """A tracker's time from since (inclusive) to until (exclusive; None: without end)."""

    tracker_id: int
    since: datetime
    until: datetime | None


@dataclass(slots=True)
class Rewritten:
    """What a rewrite wrote: the new events by type, and the trackers of which anything was not right before.

    spans: in which time the status of trackers is another now.
    """

    events: Counter[str] = field(default_factory=Counter)
    tracker_ids: set[int] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)


class _Correction(NamedTuple):
    scope: Scope
    corrections: Corrections


def rewrite(windows: Sequence[Window], *, now: datetime) -> Rewritten:
    """Play each window from its reports and make the stored history and events say the same."""
    sightings = _sightings(windows)
    stays, events = _stored_stays(windows), _stored_events(windows)
    changes: list[_Correction] = []
    spans: list[Span] = []
    for window in windows:
        scope = window.scope
        played = timeline.play(
            sightings[scope.assignment_id], confirmations=scope.confirmations, start=window.start
        )
        corrections = correct(
            played,
            before=window.before,
            stays=stays[scope.assignment_id],
            events=events[scope.assignment_id],
            ends_at=scope.ends_at,
        )
        changes.append(_Correction(scope, corrections))
        stored = [*stays[scope.assignment_id], *([window.before] if window.before else [])]
        spans += _changed_span(scope.tracker_id, corrections, stored)
    rewritten = _write(changes, now)
    rewritten.spans = spans
    return rewritten


def _changed_span(tracker_id: int, corrections: Corrections, stored: Iterable[StoredStay]) -> list[Span]:
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


def _sightings(windows: Sequence[Window]) -> defaultdict[int, list[Sighting]]:
    """The windows' usable reports, measured against the fences, by assignment and in event order."""
    from_ = [(window.scope, max(window.position, Position(window.scope.since, b""))) for window in windows]
    parameters = position_arrays(from_) | {
        "run_ids": [scope.run_id for scope, _ in from_],
        "untils": [scope.until for scope, _ in from_],
        "max_accuracies_m": [scope.max_accuracy_m for scope, _ in from_],
        "exit_accuracy_caps_m": [scope.exit_accuracy_cap_m for scope, _ in from_],
    }
    sightings: defaultdict[int, list[Sighting]] = defaultdict(list)
    near: dict[tuple[int, datetime, bytes], list[Candidate]] = {}
    for assignment_id, seen_at, fingerprint, reach_m, *measured in bulk.fetch_all(SIGHTINGS, parameters):
        candidates = [] if measured[0] is None else [Candidate(*measured)]
        known = near.setdefault((assignment_id, seen_at, fingerprint), candidates)
        if known is candidates:
            sightings[assignment_id].append(Sighting(seen_at, fingerprint, reach_m, known))
        else:
            known += candidates
    for reports in sightings.values():
        reports.sort(key=_event_order)
    return sightings


def _event_order(sighting: Sighting) -> tuple[datetime, bytes]:
    return sighting.seen_at, sighting.fingerprint


def _stored_stays(windows: Sequence[Window]) -> defaultdict[int, list[StoredStay]]:
    stays: defaultdict[int, list[StoredStay]] = defaultdict(list)
    for assignment_id, *row in bulk.fetch_all(STAYS_FROM, _window_arrays(windows)):
        stays[assignment_id].append(stored_stay(row))
    return stays


def _stored_events(windows: Sequence[Window]) -> defaultdict[int, list[StoredEvent]]:
    events: defaultdict[int, list[StoredEvent]] = defaultdict(list)
    for assignment_id, id_, type_, *rest in bulk.fetch_all(EVENTS_FROM, _window_arrays(windows)):
        events[assignment_id].append(StoredEvent(id_, EventType(type_), *rest))
    return events


def _window_arrays(windows: Sequence[Window]) -> dict[str, list[object]]:
    return position_arrays((window.scope, window.position) for window in windows)


def _write(changes: Sequence[_Correction], now: datetime) -> Rewritten:
    """Retract first and end next: then no constraint is violated on the way, not even for a moment."""
    _retract(RETRACT_EVENTS, [i for change in changes for i in change.corrections.events_to_retract], now)
    _retract(RETRACT_STAYS, [i for change in changes for i in change.corrections.stays_to_retract], now)
    _end([ending for change in changes for ending in change.corrections.stays_to_end])
    added = _add_stays([(c.scope, new) for c in changes for new in c.corrections.stays_to_add], now)
    return Rewritten(
        events=_add_events(changes, added, now),
        tracker_ids={c.scope.tracker_id for c in changes if not c.corrections.is_empty},
    )


def _retract(statement: str, ids: list[int], now: datetime) -> None:
    if ids:
        bulk.execute(statement, {"ids": ids, "now": now})


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
    changes: Iterable[_Correction], added: dict[tuple[int, Stay], int], now: datetime
) -> Counter[str]:
    rows = []
    counts: Counter[str] = Counter()
    for scope, corrections in changes:
        for event in corrections.events_to_add:
            rows.append(_event_row(scope, event, corrections, added, now))
            counts[event.type.value] += 1
    if rows:
        bulk.copy_rows("trackers_geofenceevent", EVENT_COLUMNS, rows)
    return counts


def _event_row(
    scope: Scope, event: Event, corrections: Corrections, added: dict[tuple[int, Stay], int], now: datetime
) -> tuple[object, ...]:
    status_change_id = None
    if event.stay is not None:
        status_change_id = corrections.kept.get(event.stay) or added[scope.assignment_id, event.stay]
    return (
        scope.tracker_id,
        scope.assignment_id,
        event.type,
        event.location_id,
        event.occurred_at,
        event.fingerprint,
        now,
        status_change_id,
    )
