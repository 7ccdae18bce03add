"""What windows of the timeline are derived from, and what is stored of them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from foundation import bulk, sql
from locations import matching
from trackers.rules.comparison import StoredEvent, StoredPeriod
from trackers.rules.timeline import Candidate, EventType, Sighting
from trackers.services.history import windows
from trackers.services.history.windows import Position, Scope, Window, position_arrays, stored_period

USABLE_REPORTS_FROM = sql.load("trackers/usable_reports_from")
SIGHTING_COLUMNS = ["assignment_id", "seen_at", "fingerprint", "reach_m"]
SIGHTINGS = matching.statement(
    points=USABLE_REPORTS_FROM.format(
        positions="""unnest(
    %(assignment_ids)b::bigint[], %(tracker_ids)b::bigint[], %(seen_ats)b::timestamptz[], %(fingerprints)b::bytea[],
    %(run_ids)b::bigint[], %(untils)b::timestamptz[], %(max_accuracies_m)b::integer[],
    %(exit_accuracy_caps_m)b::integer[]
)""",
        first="",
    ),
    columns=SIGHTING_COLUMNS,
)
# The planner has to know the values: only then does it stop at the last one wanted, instead of sorting all of them.
FIRST_SIGHTINGS = matching.statement(
    points=USABLE_REPORTS_FROM.format(
        positions="""(VALUES (
    %(assignment_ids)s::bigint, %(tracker_ids)s::bigint, %(seen_ats)s::timestamptz, %(fingerprints)s::bytea,
    %(run_ids)s::bigint, %(untils)s::timestamptz, %(max_accuracies_m)s::integer,
    %(exit_accuracy_caps_m)s::integer
))""",
        first="ORDER BY seen_at, fingerprint LIMIT %(most)s",
    ),
    columns=SIGHTING_COLUMNS,
)
VALID_ROWS_FROM = sql.load("trackers/valid_rows_from")
PERIODS_FROM = VALID_ROWS_FROM.format(
    table="trackers_statuschange",
    columns="id, status, location_id, started_at, fingerprint, ended_at",
    began="started_at",
)
EVENTS_FROM = VALID_ROWS_FROM.format(
    table="trackers_geofenceevent",
    columns="id, type, location_id, occurred_at, fingerprint, status_change_id",
    began="occurred_at",
)
NEXT_PERIOD = """
SELECT started_at FROM trackers_statuschange
WHERE tracker_id = %(tracker_id)s AND assignment_id = %(assignment_id)s AND retracted_at IS NULL
    AND started_at >= %(seen_at)s AND (started_at, fingerprint) >= (%(seen_at)s, %(fingerprint)s)
ORDER BY started_at
LIMIT 1
"""


def sightings(chosen: Sequence[Window]) -> defaultdict[int, list[Sighting]]:
    """The windows' usable reports, measured against the fences, by assignment and in event order."""
    return _measured(bulk.fetch_all(SIGHTINGS, _reports_of(chosen)))


def measured_windows(tracker_ids: Collection[int]) -> list[tuple[Window, list[Sighting]]]:
    """All assignments of the trackers, each with its usable reports, measured against the fences as they are now."""
    chosen = windows.whole(windows.load_scopes(tracker_ids))
    found = sightings(chosen)
    return [(window, found[window.scope.assignment_id]) for window in chosen]


def first_sightings(window: Window, *, most: int) -> list[Sighting]:
    """The first so many of a window's usable reports, likewise."""
    single = {name: values[0] for name, values in _reports_of([window]).items()}
    rows = bulk.fetch_all(FIRST_SIGHTINGS, single | {"most": most}, prepare=False)
    return _measured(rows)[window.scope.assignment_id]


def stored(
    chosen: Sequence[Window], *, end: Position | None = None
) -> tuple[defaultdict[int, list[StoredPeriod]], defaultdict[int, list[StoredEvent]]]:
    """The windows' valid rows, by assignment; those before `end`, if one is given."""
    arrays = position_arrays((window.scope, window.position) for window in chosen)
    arrays["end_seen_ats"] = [end.seen_at if end else None] * len(chosen)
    arrays["end_fingerprints"] = [end.fingerprint if end else None] * len(chosen)
    periods: defaultdict[int, list[StoredPeriod]] = defaultdict(list)
    for assignment_id, *row in bulk.fetch_all(PERIODS_FROM, arrays):
        periods[assignment_id].append(stored_period(row))
    events: defaultdict[int, list[StoredEvent]] = defaultdict(list)
    for assignment_id, id_, type_, location_id, occurred_at, fingerprint, status_change_id in bulk.fetch_all(
        EVENTS_FROM, arrays
    ):
        events[assignment_id].append(
            StoredEvent(id_, EventType(type_), location_id, occurred_at, fingerprint, status_change_id)
        )
    return periods, events


def next_period(scope: Scope, position: Position) -> datetime | None:
    """When the first valid period begins at a position in event order or later, if there is one."""
    parameters = {"tracker_id": scope.tracker_id, "assignment_id": scope.assignment_id}
    return next(iter(bulk.fetch_values(NEXT_PERIOD, parameters | position._asdict())), None)


def _reports_of(chosen: Sequence[Window]) -> dict[str, list[Any]]:
    from_ = [(window.scope, max(window.position, Position(window.scope.since, b""))) for window in chosen]
    return position_arrays(from_) | {
        "run_ids": [scope.run_id for scope, _ in from_],
        "untils": [scope.until for scope, _ in from_],
        "max_accuracies_m": [scope.max_accuracy_m for scope, _ in from_],
        "exit_accuracy_caps_m": [scope.exit_accuracy_cap_m for scope, _ in from_],
    }


def _measured(rows: list[tuple[Any, ...]]) -> defaultdict[int, list[Sighting]]:
    """A row is a report with one of the fences near it, or with none: SIGHTING_COLUMNS, then a Candidate's fields.

    Tuples, by position: a batch of a recomputation reads tens of thousands of them.
    """
    found: defaultdict[int, list[Sighting]] = defaultdict(list)
    rows.sort(key=itemgetter(0, 1, 2))
    known, candidates = None, []
    for row in rows:
        if row[:3] != known:
            known, candidates = row[:3], list[Candidate]()
            found[row[0]].append(Sighting(row[1], row[2], row[3], candidates))
        if row[4] is not None:
            candidates.append(Candidate._make(row[4:]))
    return found
