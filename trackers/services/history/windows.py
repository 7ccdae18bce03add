"""Which part of an assignment's timeline must be replayed when reports arrive."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from foundation import bulk, sql
from trackers.rules.corrections import StoredStay
from trackers.rules.timeline import CREATED, Place, Status, Stay

ASSIGNMENTS_OF_TRACKERS = sql.load("trackers/assignments_of_trackers")
STAYS_BEFORE = sql.load("trackers/stays_before")
USABLE_REPORTS_BEFORE = sql.load("trackers/usable_reports_before")


class Position(NamedTuple):
    """A place in event order. An empty fingerprint comes before every report of that moment."""

    seen_at: datetime
    fingerprint: bytes


BEGINNING = Position(datetime(1, 1, 2, tzinfo=UTC), b"")


def behind(position: Position) -> Position:
    """The next place in event order."""
    return Position(position.seen_at, position.fingerprint + b"\0")


class Scope(NamedTuple):
    """An assignment with what its run rules.

    since, until: where the assignment's period and the run's dates overlap, half-open; reports outside make no
    event. ends_at: the assignment's own end, which closes its last stay. kept_from: the retention horizon, from which
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
    """An assignment's timeline from `position` on; before it the tracker was at `start`, in the stay `before`."""

    scope: Scope
    position: Position
    start: Place
    before: StoredStay | None


def load_scopes(tracker_ids: Collection[int]) -> list[Scope]:
    """All assignments of the trackers, by tracker and time."""
    rows = bulk.fetch_all(ASSIGNMENTS_OF_TRACKERS, {"tracker_ids": list(tracker_ids)})
    return [Scope._make(row) for row in rows]


def whole(scopes: Iterable[Scope]) -> list[Window]:
    """Windows over entire assignments, or all of them that is behind the retention horizon.

    There they begin in the stay that is stored: what it rests on may be gone.
    """
    starts = {scope: Position(scope.kept_from, b"") if scope.kept_from else BEGINNING for scope in scopes}
    frozen = {scope: position for scope, position in starts.items() if scope.kept_from}
    stays = _stays_before(frozen) if frozen else {}
    return [
        _in_stay(scope, position, stays[scope.assignment_id])
        if stays.get(scope.assignment_id)
        else Window(scope, position, CREATED, None)
        for scope, position in starts.items()
    ]


def from_moment(scopes: Iterable[Scope], moment: datetime) -> list[Window]:
    """The smallest windows that an assignment can change which begins or ends at `moment`: also before it, what only
    later reports confirmed."""
    concerned = [scope for scope in scopes if scope.ends_at is None or scope.ends_at >= moment]
    return since_first_change(dict.fromkeys(concerned, Position(moment, b"")))


def _in_stay(scope: Scope, position: Position, stays: Sequence[StoredStay]) -> Window:
    return Window(scope, position, stays[0].stay.place, stays[0])


def since_first_change(firsts: Mapping[Scope, Position]) -> list[Window]:
    """The smallest windows that new reports, the first of each assignment at the given position, can change.

    With one confirmation the window begins at the first new report. With more, earlier reports may still wait for
    confirmation: it begins n - 1 usable reports before, if the stay that it begins in was confirmed by then
    (n reports before that), and otherwise with that stay's own first report.
    """
    stays = _stays_before(firsts)
    earlier = _usable_before({scope: at for scope, at in firsts.items() if scope.confirmations > 1})
    return [
        _window(scope, position, stays[scope.assignment_id], earlier[scope.assignment_id])
        for scope, position in firsts.items()
    ]


def _window(scope: Scope, position: Position, stays: list[StoredStay], earlier: list[Position]) -> Window:
    if not stays:
        return Window(scope, position, CREATED, None)
    latest = stays[0]
    if scope.confirmations == 1:
        return _in_stay(scope, position, stays)
    stay_began = Position(latest.stay.started_at, latest.stay.fingerprint)
    enough = 2 * scope.confirmations - 1
    if len(earlier) == enough and earlier[-1] >= stay_began:
        return Window(scope, earlier[scope.confirmations - 2], latest.stay.place, latest)
    if scope.kept_from and stay_began.seen_at < scope.kept_from:
        return _in_stay(scope, Position(scope.kept_from, b""), stays)
    if len(stays) == 1:
        return Window(scope, stay_began, CREATED, None)
    return Window(scope, stay_began, stays[1].stay.place, stays[1])


def _stays_before(firsts: Mapping[Scope, Position]) -> defaultdict[int, list[StoredStay]]:
    stays: defaultdict[int, list[StoredStay]] = defaultdict(list)
    for assignment_id, *row in bulk.fetch_all(STAYS_BEFORE, position_arrays(firsts.items())):
        stays[assignment_id].append(stored_stay(row))
    for rows in stays.values():
        rows.sort(key=lambda row: (row.stay.started_at, row.stay.fingerprint), reverse=True)
    return stays


def _usable_before(firsts: Mapping[Scope, Position]) -> defaultdict[int, list[Position]]:
    earlier: defaultdict[int, list[Position]] = defaultdict(list)
    if firsts:
        parameters = position_arrays(firsts.items()) | {
            "sinces": [scope.since for scope in firsts],
            "max_accuracies_m": [scope.max_accuracy_m for scope in firsts],
            "wanted": [2 * scope.confirmations - 1 for scope in firsts],
        }
        for assignment_id, *row in bulk.fetch_all(USABLE_REPORTS_BEFORE, parameters):
            earlier[assignment_id].append(Position(*row))
    for rows in earlier.values():
        rows.sort(reverse=True)
    return earlier


def position_arrays(positions: Iterable[tuple[Scope, Position]]) -> dict[str, list[Any]]:
    """The arrays by which the statements in `trackers/sql` take positions within assignments."""
    rows = [(scope.assignment_id, scope.tracker_id, *position) for scope, position in positions]
    return bulk.transposed(rows, ("assignment_ids", "tracker_ids", "seen_ats", "fingerprints"))


def stored_stay(row: Sequence[Any]) -> StoredStay:
    """From (id, status, location_id, started_at, fingerprint, ended_at)."""
    id_, status, location_id, started_at, fingerprint, ended_at = row
    return StoredStay(id_, Stay(Place(Status(status), location_id), started_at, fingerprint), ended_at)
