"""What windows of the timeline are derived from, and what is stored of them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from foundation import bulk, sql
from locations import matching
from trackers.rules.comparison import StoredEvent, StoredPeriod
from trackers.rules.timeline import EventType
from trackers.rules.verdicts import Candidate, Report, event_order
from trackers.services.history.windows import Scope, Window, moment_arrays, stored_period

REPORTS_FROM = sql.load("trackers/reports_from")
# The fields of a `Report` follow the first one.
REPORT_COLUMNS = [
    "assignment_id",
    "seen_at",
    "fingerprint",
    "latitude",
    "longitude",
    "accuracy_m",
    "reach_m",
    "verdict",
]
REPORTS = matching.statement(
    points=REPORTS_FROM.format(
        moments="""unnest(
    %(assignment_ids)b::bigint[], %(tracker_ids)b::bigint[], %(moments)b::timestamptz[], %(run_ids)b::bigint[],
    %(untils)b::timestamptz[], %(exit_accuracy_caps_m)b::integer[]
)""",
        first="",
    ),
    columns=REPORT_COLUMNS,
)
# The planner has to know the values: only then does it stop at the last one wanted, instead of sorting all of them.
FIRST_REPORTS = matching.statement(
    points=REPORTS_FROM.format(
        moments="""(VALUES (
    %(assignment_ids)s::bigint, %(tracker_ids)s::bigint, %(moments)s::timestamptz, %(run_ids)s::bigint,
    %(untils)s::timestamptz, %(exit_accuracy_caps_m)s::integer
))""",
        first="ORDER BY seen_at FETCH FIRST %(most)s ROWS WITH TIES",
    ),
    columns=REPORT_COLUMNS,
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
    AND started_at >= %(moment)s
ORDER BY started_at
LIMIT 1
"""


def reports(chosen: Sequence[Window]) -> defaultdict[int, list[Report]]:
    """The windows' reports, measured against the fences, by assignment and in event order."""
    return _measured(bulk.fetch_all(REPORTS, _reports_of(chosen)))


def first_reports(window: Window, *, most: int) -> list[Report]:
    """A window's first `most` reports, likewise; all of the last one's moment, even if these are more."""
    single = {name: values[0] for name, values in _reports_of([window]).items()}
    rows = bulk.fetch_all(FIRST_REPORTS, single | {"most": most}, prepare=False)
    return _measured(rows)[window.scope.assignment_id]


def stored(
    chosen: Sequence[Window], *, end: datetime | None = None
) -> tuple[defaultdict[int, list[StoredPeriod]], defaultdict[int, list[StoredEvent]]]:
    """The windows' valid rows, by assignment; those before `end`, if one is given."""
    arrays = moment_arrays((window.scope, window.since) for window in chosen)
    arrays["ends"] = [end] * len(chosen)
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


def next_period(scope: Scope, moment: datetime) -> datetime | None:
    """When the first valid period begins at a moment or later, if there is one."""
    parameters = {"tracker_id": scope.tracker_id, "assignment_id": scope.assignment_id, "moment": moment}
    return next(iter(bulk.fetch_values(NEXT_PERIOD, parameters)), None)


def _reports_of(chosen: Sequence[Window]) -> dict[str, list[Any]]:
    moments = [(window.scope, max(window.since, window.scope.since)) for window in chosen]
    return moment_arrays(moments) | {
        "run_ids": [scope.run_id for scope, _ in moments],
        "untils": [scope.until for scope, _ in moments],
        "exit_accuracy_caps_m": [scope.exit_accuracy_cap_m for scope, _ in moments],
    }


def _measured(rows: list[tuple[Any, ...]]) -> defaultdict[int, list[Report]]:
    """A row is a report with one of the fences near it, or with none: REPORT_COLUMNS, then a Candidate's fields.

    Tuples, by position: a batch of a recomputation reads tens of thousands of them.
    """
    found: defaultdict[int, list[Report]] = defaultdict(list)
    rows.sort(key=itemgetter(0, 1, 2))
    known, candidates = None, []
    with_ties = set()
    for row in rows:
        if row[:3] != known:
            if known and row[:2] == known[:2]:
                with_ties.add(row[0])
            known, candidates = row[:3], list[Candidate]()
            found[row[0]].append(Report._make((*row[1:8], candidates)))
        if row[8] is not None:
            candidates.append(Candidate._make(row[8:]))
    for assignment_id in with_ties:
        found[assignment_id].sort(key=lambda it: event_order(it.seen_at, it.accuracy_m, it.fingerprint))
    return found
