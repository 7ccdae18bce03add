"""Writes status history and events, where they differ from what the reports say.

The caller holds the locks of the trackers (`locking.lock_trackers`) and the transaction.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from foundation import bulk
from trackers.models import Retraction
from trackers.rules.comparison import Difference, NewPeriod, PeriodEnd
from trackers.rules.timeline import Event, StatusPeriod
from trackers.services.history import publishing
from trackers.services.history.comparing import AssignmentDifference, Span
from trackers.services.history.publishing import PublishedChange
from trackers.services.history.windows import Scope

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
RETRACT_PERIODS = RETRACT.format("trackers_statuschange")
END_PERIODS = """
UPDATE trackers_statuschange AS period
SET ended_at = ending.ended_at
FROM unnest(%(ids)b::bigint[], %(ended_ats)b::timestamptz[]) AS ending (id, ended_at)
WHERE period.id = ending.id
"""
SET_VERDICTS = """
UPDATE trackers_locationreport AS report
SET verdict = changed.verdict
FROM unnest(
    %(tracker_ids)b::bigint[], %(seen_ats)b::timestamptz[], %(fingerprints)b::bytea[], %(verdicts)b::text[]
) AS changed (tracker_id, seen_at, fingerprint, verdict)
WHERE report.tracker_id = changed.tracker_id
    AND report.seen_at = changed.seen_at
    AND report.fingerprint = changed.fingerprint
"""
PERIOD_IDS = """
SELECT nextval(pg_get_serial_sequence('trackers_statuschange', 'id')) FROM generate_series(1, %(wanted)s::integer)
"""
PERIOD_COLUMNS = {
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


class NewReport(NamedTuple):
    """A report that just arrived, of those at its moment the first in event order."""

    seen_at: datetime
    fingerprint: bytes


class Cause(NamedTuple):
    """Why stored rows are found wrong; it is kept with those that are retracted.

    reports: the new ones that are usable, by assignment and in event order, where these are the cause.
    """

    retraction: Retraction
    job_id: int | None = None
    reports: Mapping[int, Sequence[NewReport]] = {}

    def report_for(self, assignment_id: int, moment: datetime) -> NewReport | None:
        """The new report that showed a row of that moment to be wrong: the last one up to it, or else the first, which
        decided about earlier ones."""
        reports = self.reports.get(assignment_id)
        if not reports:
            return None
        return reports[max(bisect_right(reports, moment, key=attrgetter("seen_at")) - 1, 0)]


@dataclass(slots=True)
class Written:
    """What was written: the new events by type, how many periods, and the trackers of which anything was not right
    before.

    spans: in which time the status of trackers is another now. reassessed: the reports, by tracker and time, of which
    it is another now whether they count. reports: how many were read for it.
    """

    events: Counter[str] = field(default_factory=Counter)
    periods_added: int = 0
    periods_retracted: int = 0
    tracker_ids: set[int] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)
    reassessed: list[tuple[int, datetime]] = field(default_factory=list)
    reports: int = 0

    def add(self, other: "Written") -> None:
        self.events += other.events
        self.periods_added += other.periods_added
        self.periods_retracted += other.periods_retracted
        self.tracker_ids |= other.tracker_ids
        self.spans += other.spans
        self.reassessed += other.reassessed
        self.reports += other.reports


def write(changes: Sequence[AssignmentDifference], *, cause: Cause, now: datetime) -> Written:
    """Make the stored history, events and verdicts say what the reports say: the one place that writes them.

    Retracts first and ends next: then no constraint is violated on the way, not even for a moment.
    """
    events = [(c.scope, row.id, row.occurred_at) for c in changes for row in c.wrong_events]
    _retract(RETRACT_EVENTS, events, cause, now)
    periods = [(c.scope, row.id, row.period.started_at) for c in changes for row in c.wrong_periods]
    _retract(RETRACT_PERIODS, periods, cause, now)
    _end([ending for change in changes for ending in change.difference.periods_to_end])
    added = _add_periods([(c.scope, new) for c in changes for new in c.difference.periods_to_add], now)
    added_events = _add_events(changes, added, now)
    publishing.publish_changes(_to_publish(changes, added, cause.retraction.value), now=now)
    return Written(
        events=added_events,
        periods_added=len(added),
        periods_retracted=len(periods),
        tracker_ids={c.scope.tracker_id for c in changes if not c.difference.is_empty},
        spans=[span for change in changes for span in change.spans],
        reassessed=_set_verdicts(changes),
        reports=sum(change.reports for change in changes),
    )


def _retract(
    statement: str, wrong: Iterable[tuple[Scope, int, datetime]], cause: Cause, now: datetime
) -> None:
    """wrong: rows by their id and moment."""
    reports = {id_: cause.report_for(scope.assignment_id, moment) for scope, id_, moment in wrong}
    if reports:
        parameters = {
            "ids": list(reports),
            "seen_ats": [report and report.seen_at for report in reports.values()],
            "fingerprints": [report and report.fingerprint for report in reports.values()],
            "now": now,
            "after": cause.retraction.value,
            "job_id": cause.job_id,
        }
        bulk.execute(statement, parameters)


def _set_verdicts(changes: Sequence[AssignmentDifference]) -> list[tuple[int, datetime]]:
    """Returns of which reports, by tracker and time."""
    rows = [
        (change.scope.tracker_id, *new) for change in changes for new in change.difference.verdicts_to_set
    ]
    if rows:
        bulk.execute(
            SET_VERDICTS, bulk.transposed(rows, ("tracker_ids", "seen_ats", "fingerprints", "verdicts"))
        )
    return [(tracker_id, seen_at) for tracker_id, seen_at, *_ in rows]


def _end(endings: list[PeriodEnd]) -> None:
    if endings:
        bulk.execute(END_PERIODS, bulk.transposed(endings, ("ids", "ended_ats")))


def _add_periods(
    additions: list[tuple[Scope, NewPeriod]], now: datetime
) -> dict[tuple[int, StatusPeriod], int]:
    if not additions:
        return {}
    ids = bulk.fetch_values(PERIOD_IDS, {"wanted": len(additions)})
    bulk.copy_rows(
        "trackers_statuschange",
        PERIOD_COLUMNS,
        (
            (
                id_,
                scope.tracker_id,
                scope.assignment_id,
                new.period.place.status,
                new.period.place.location_id,
                new.period.started_at,
                new.period.fingerprint,
                new.ended_at,
                now,
            )
            for id_, (scope, new) in zip(ids, additions, strict=True)
        ),
    )
    return {(scope.assignment_id, new.period): id_ for id_, (scope, new) in zip(ids, additions, strict=True)}


def _add_events(
    changes: Iterable[AssignmentDifference], added: dict[tuple[int, StatusPeriod], int], now: datetime
) -> Counter[str]:
    rows = []
    counts: Counter[str] = Counter()
    for change in changes:
        for event in change.difference.events_to_add:
            rows.append(_event_row(change, event, added, now))
            counts[event.type.value] += 1
    if rows:
        bulk.copy_rows("trackers_geofenceevent", EVENT_COLUMNS, rows)
    return counts


def _to_publish(
    changes: Iterable[AssignmentDifference], added: dict[tuple[int, StatusPeriod], int], after: str
) -> list[PublishedChange]:
    found: list[PublishedChange] = []
    for change in changes:
        scope, difference = change.scope, change.difference
        retracted = [publishing.of_retracted_event(scope, row, after) for row in change.wrong_events]
        found += filter(None, retracted)
        found += [publishing.of_retracted_period(scope, row, after) for row in change.wrong_periods]
        for event in difference.events_to_add:
            status_change_id = _status_change_id(scope, event, difference, added)
            if status_change_id is not None:
                found.append(publishing.of_crossing(scope, event, status_change_id))
        found += [
            publishing.of_period(scope, new.period, added[scope.assignment_id, new.period])
            for new in difference.periods_to_add
        ]
    return found


def _status_change_id(
    scope: Scope, event: Event, difference: Difference, added: dict[tuple[int, StatusPeriod], int]
) -> int | None:
    if event.period is None:
        return None
    return difference.kept.get(event.period) or added[scope.assignment_id, event.period]


def _event_row(
    change: AssignmentDifference, event: Event, added: dict[tuple[int, StatusPeriod], int], now: datetime
) -> tuple[object, ...]:
    scope = change.scope
    return (
        scope.tracker_id,
        scope.assignment_id,
        event.type,
        event.location_id,
        event.occurred_at,
        event.fingerprint,
        now,
        _status_change_id(scope, event, change.difference, added),
    )
