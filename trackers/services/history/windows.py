"""Which part of an assignment's timeline can change when reports arrive, or when the assignment itself changes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from foundation import bulk, sql
from trackers.rules.comparison import StoredPeriod
from trackers.rules.timeline import CREATED, Place, Status, StatusPeriod

ASSIGNMENTS_OF_TRACKERS = sql.load("trackers/assignments_of_trackers")
PERIODS_BEFORE = sql.load("trackers/status_periods_before")
USABLE_REPORTS_BEFORE = sql.load("trackers/usable_reports_before")


class Position(NamedTuple):
    """A position in event order. An empty fingerprint comes before every report of that moment."""

    seen_at: datetime
    fingerprint: bytes


BEGINNING = Position(datetime(1, 1, 2, tzinfo=UTC), b"")


def just_after(position: Position) -> Position:
    """The next position in event order."""
    return Position(position.seen_at, position.fingerprint + b"\0")


class Scope(NamedTuple):
    """An assignment with what its run rules.

    since, until: where the assignment's period and the run's dates overlap, half-open; reports outside make no
    event. ends_at: the assignment's own end, which closes its last period. kept_from: the retention cutoff, from which
    on reports are kept, if any was ever dropped; `since` is never before it, and `began_at` may be.
    activated_at: when the tracker was sent, if that was later.
    """

    assignment_id: int
    tracker_id: int
    run_id: int
    since: datetime
    until: datetime
    ends_at: datetime | None
    max_accuracy_m: int
    exit_accuracy_cap_m: int
    confirmations: int
    kept_from: datetime | None
    began_at: datetime
    activated_at: datetime | None


class Window(NamedTuple):
    """An assignment's timeline from `position` on; before it the tracker was at `start`, in the period `before`."""

    scope: Scope
    position: Position
    start: Place
    before: StoredPeriod | None


def load_scopes(tracker_ids: Collection[int]) -> list[Scope]:
    """All assignments of the trackers, by tracker and time."""
    return bulk.fetch_rows(ASSIGNMENTS_OF_TRACKERS, {"tracker_ids": list(tracker_ids)}, Scope)


def whole(scopes: Iterable[Scope]) -> list[Window]:
    """Windows over entire assignments, or all of them that lies after the retention cutoff.

    There they begin in the period that is stored: what it rests on may be gone.
    """
    starts = {scope: Position(scope.kept_from, b"") if scope.kept_from else BEGINNING for scope in scopes}
    frozen = {scope: position for scope, position in starts.items() if scope.kept_from}
    periods = _periods_before(frozen) if frozen else {}
    return [
        _in_period(scope, position, periods[scope.assignment_id])
        if periods.get(scope.assignment_id)
        else Window(scope, position, CREATED, None)
        for scope, position in starts.items()
    ]


def from_moment(scopes: Iterable[Scope], moment: datetime) -> list[Window]:
    """The smallest windows that an assignment can change which begins or ends at `moment`: also before it, what only
    later reports confirmed."""
    affected = [scope for scope in scopes if scope.ends_at is None or scope.ends_at >= moment]
    return since_first_change(dict.fromkeys(affected, Position(moment, b"")))


def _in_period(scope: Scope, position: Position, periods: Sequence[StoredPeriod]) -> Window:
    return Window(scope, position, periods[0].period.place, periods[0])


def since_first_change(firsts: Mapping[Scope, Position]) -> list[Window]:
    """The smallest windows that new reports, the first of each assignment at the given position, can change.

    With one confirmation the window begins at the first new report. With n, up to n - 1 usable reports before it may
    still wait for confirmation: the window begins with these, if the period before it began earlier, and otherwise
    with that period's own first report. A period that n reports before the change belong to was confirmed by them, and
    nothing after them can take that back; docs/timeline.md has the proof.
    """
    periods = _periods_before(firsts)
    earlier = _usable_before({scope: at for scope, at in firsts.items() if scope.confirmations > 1})
    return [
        _window(scope, position, periods[scope.assignment_id], earlier[scope.assignment_id])
        for scope, position in firsts.items()
    ]


def _window(scope: Scope, position: Position, periods: list[StoredPeriod], earlier: list[Position]) -> Window:
    if not periods:
        return Window(scope, position, CREATED, None)
    latest = periods[0]
    if scope.confirmations == 1:
        return _in_period(scope, position, periods)
    period_began = Position(latest.period.started_at, latest.period.fingerprint)
    if len(earlier) == _reports_that_decide(scope) and earlier[-1] >= period_began:
        return Window(scope, earlier[scope.confirmations - 2], latest.period.place, latest)
    if scope.kept_from and period_began.seen_at < scope.kept_from:
        return _in_period(scope, Position(scope.kept_from, b""), periods)
    if len(periods) == 1:
        return Window(scope, period_began, CREATED, None)
    return Window(scope, period_began, periods[1].period.place, periods[1])


def _reports_that_decide(scope: Scope) -> int:
    """How many usable reports of a period before a change settle that it stands."""
    return scope.confirmations


def _periods_before(firsts: Mapping[Scope, Position]) -> defaultdict[int, list[StoredPeriod]]:
    periods: defaultdict[int, list[StoredPeriod]] = defaultdict(list)
    for assignment_id, *row in bulk.fetch_all(PERIODS_BEFORE, position_arrays(firsts.items())):
        periods[assignment_id].append(stored_period(row))
    for rows in periods.values():
        rows.sort(key=lambda row: (row.period.started_at, row.period.fingerprint), reverse=True)
    return periods


def _usable_before(firsts: Mapping[Scope, Position]) -> defaultdict[int, list[Position]]:
    earlier: defaultdict[int, list[Position]] = defaultdict(list)
    if firsts:
        parameters = position_arrays(firsts.items()) | {
            "sinces": [scope.since for scope in firsts],
            "max_accuracies_m": [scope.max_accuracy_m for scope in firsts],
            "wanted": [_reports_that_decide(scope) for scope in firsts],
        }
        for assignment_id, seen_at, fingerprint in bulk.fetch_all(USABLE_REPORTS_BEFORE, parameters):
            earlier[assignment_id].append(Position(seen_at, fingerprint))
    for rows in earlier.values():
        rows.sort(reverse=True)
    return earlier


def position_arrays(positions: Iterable[tuple[Scope, Position]]) -> dict[str, list[Any]]:
    """The arrays by which the statements in `trackers/sql` take positions within assignments."""
    rows = [(scope.assignment_id, scope.tracker_id, *position) for scope, position in positions]
    return bulk.transposed(rows, ("assignment_ids", "tracker_ids", "seen_ats", "fingerprints"))


def stored_period(row: Sequence[Any]) -> StoredPeriod:
    """From (id, status, location_id, started_at, fingerprint, ended_at): a tuple, since a recomputation reads these by
    the ten thousand."""
    id_, status, location_id, started_at, fingerprint, ended_at = row
    return StoredPeriod(
        id_, StatusPeriod(Place(Status(status), location_id), started_at, fingerprint), ended_at
    )
