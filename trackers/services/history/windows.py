"""Which part of an assignment's timeline can change when reports arrive, or when the assignment itself changes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from foundation import bulk, sql
from trackers.rules.comparison import StoredPeriod
from trackers.rules.timeline import CREATED, Place, Policy, Status, StatusPeriod
from trackers.rules.verdicts import Fix, is_reachable

ASSIGNMENTS_OF_TRACKERS = sql.load("trackers/assignments_of_trackers")
PERIODS_BEFORE = sql.load("trackers/status_periods_before")
REPORTS_BEFORE = sql.load("trackers/reports_before")
ACCEPTED_BEFORE_CUTOFF = """
SELECT assignment_id, seen_at, ST_Y(position::geometry), ST_X(position::geometry), accuracy_m
FROM trackers_acceptedbeforecutoff
WHERE assignment_id = ANY(%(assignment_ids)b::bigint[])
"""

BEGINNING = datetime(1, 1, 2, tzinfo=UTC)


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
    client_id: int
    since: datetime
    until: datetime
    ends_at: datetime | None
    max_accuracy_m: int
    exit_accuracy_cap_m: int
    max_speed_kmh: int
    entry_accuracy_factor: int
    confirmations: int
    kept_from: datetime | None
    began_at: datetime
    activated_at: datetime | None

    @property
    def policy(self) -> Policy:
        return Policy(self.confirmations, self.entry_accuracy_factor)


class Window(NamedTuple):
    """An assignment's timeline from the moment `since` on; before it the tracker was at `start`, in the period
    `before`. last_accepted: the last report before it that counts, if any; none is held at that moment."""

    scope: Scope
    since: datetime
    start: Place
    before: StoredPeriod | None
    last_accepted: Fix | None


class Past(NamedTuple):
    """What an assignment's reports before a moment say of it, with what was decided by later ones.

    accepted: the last ones that count, latest first; those from before the retention cutoff come last. undecided_at:
    when the report after them was seen that does not count, if there is one.
    """

    accepted: Sequence[Fix]
    undecided_at: datetime | None


NOTHING = Past((), None)


def load_scopes(tracker_ids: Collection[int]) -> list[Scope]:
    """All assignments of the trackers, by tracker and time."""
    return bulk.fetch_rows(ASSIGNMENTS_OF_TRACKERS, {"tracker_ids": list(tracker_ids)}, Scope)


def whole(scopes: Iterable[Scope]) -> list[Window]:
    """Windows over entire assignments, or all of them that lies after the retention cutoff.

    There they begin in the period that is stored: what it rests on may be gone.
    """
    moments = {scope: scope.kept_from or BEGINNING for scope in scopes}
    frozen = {scope: moment for scope, moment in moments.items() if scope.kept_from}
    periods = _periods_before(frozen) if frozen else {}
    pasts = _pasts(frozen) if frozen else {}
    return [
        _in_period(
            scope,
            moment,
            periods.get(scope.assignment_id, ()),
            pasts.get(scope.assignment_id, NOTHING).accepted,
        )
        for scope, moment in moments.items()
    ]


def from_moment(scopes: Iterable[Scope], moment: datetime) -> list[Window]:
    """The smallest windows that an assignment can change which begins or ends at `moment`: also before it, what only
    later reports decided."""
    affected = [scope for scope in scopes if scope.ends_at is None or scope.ends_at >= moment]
    return since_first_change(dict.fromkeys(affected, moment))


def since_first_change(firsts: Mapping[Scope, datetime]) -> list[Window]:
    """The smallest windows that new reports, the first of each assignment at the given moment, can change.

    A report before them that they may decide about, held or not, belongs to the window. With one confirmation it
    begins there. With n, up to n - 1 accepted reports before that may still wait for confirmation: the window begins
    with these, if the period before it began earlier, and otherwise with that period's own first report. A period that
    n reports before the change belong to was confirmed by them, and nothing after them can take that back;
    docs/timeline.md has the proof.
    """
    pasts = _pasts(firsts)
    decided = {
        scope: _decided_until(scope, moment, pasts[scope.assignment_id]) for scope, moment in firsts.items()
    }
    periods = _periods_before(decided)
    return [
        _window(scope, moment, periods[scope.assignment_id], pasts[scope.assignment_id].accepted)
        for scope, moment in decided.items()
    ]


def _decided_until(scope: Scope, moment: datetime, past: Past) -> datetime:
    """The moment of the report that reports from `moment` on decide about, or else `moment`.

    A report that doesn't count, after the last one that does, was held until then. So was the last one that counts, if
    it can't be reached from the one before: the next one agreed with it.
    """
    accepted = past.accepted
    undecided_at = past.undecided_at
    if undecided_at is None and len(accepted) > 1:
        last, one_before = accepted[0], accepted[1]
        if not is_reachable(one_before, last, scope.max_speed_kmh):
            undecided_at = last.seen_at
    return moment if undecided_at is None or undecided_at < scope.since else undecided_at


def _window(
    scope: Scope, moment: datetime, periods: Sequence[StoredPeriod], accepted: Sequence[Fix]
) -> Window:
    if scope.confirmations == 1 or not periods:
        return _in_period(scope, moment, periods, accepted)
    began_at = periods[0].period.started_at
    earlier = [fix for fix in accepted if scope.since <= fix.seen_at < moment][: _reports_that_decide(scope)]
    if len(earlier) == _reports_that_decide(scope) and earlier[-1].seen_at >= began_at:
        return _in_period(scope, earlier[scope.confirmations - 2].seen_at, periods, accepted)
    if scope.kept_from and began_at < scope.kept_from:
        return _in_period(scope, scope.kept_from, periods, accepted)
    return _in_period(scope, began_at, periods[1:], accepted)


def _in_period(
    scope: Scope, moment: datetime, periods: Sequence[StoredPeriod], accepted: Sequence[Fix]
) -> Window:
    """The window from a moment on in the latest of these periods, or in none."""
    last_accepted = next((fix for fix in accepted if fix.seen_at < moment), None)
    if not periods:
        return Window(scope, moment, CREATED, None, last_accepted)
    return Window(scope, moment, periods[0].period.place, periods[0], last_accepted)


def _reports_that_decide(scope: Scope) -> int:
    """How many accepted reports of a period before a change settle that it stands."""
    return scope.confirmations


def _periods_before(moments: Mapping[Scope, datetime]) -> defaultdict[int, list[StoredPeriod]]:
    periods: defaultdict[int, list[StoredPeriod]] = defaultdict(list)
    for assignment_id, *row in bulk.fetch_all(PERIODS_BEFORE, moment_arrays(moments.items())):
        periods[assignment_id].append(stored_period(row))
    for rows in periods.values():
        rows.sort(key=lambda row: row.period.started_at, reverse=True)
    return periods


def _pasts(moments: Mapping[Scope, datetime]) -> dict[int, Past]:
    """By assignment: one accepted report more than decide, since the last of them may have been held."""
    parameters = moment_arrays(moments.items()) | {
        "sinces": [scope.began_at for scope in moments],
        "untils": [scope.until for scope in moments],
        "wanted": [_reports_that_decide(scope) + 1 for scope in moments],
    }
    accepted: defaultdict[int, list[Fix]] = defaultdict(list)
    undecided: dict[int, datetime] = {}
    for assignment_id, counts, *fix in bulk.fetch_all(REPORTS_BEFORE, parameters):
        if counts:
            accepted[assignment_id].append(Fix._make(fix))
        else:
            undecided[assignment_id] = fix[0]
    _add_from_before_the_cutoff(accepted, moments)
    return {
        scope.assignment_id: Past(
            sorted(accepted[scope.assignment_id], reverse=True), undecided.get(scope.assignment_id)
        )
        for scope in moments
    }


def _add_from_before_the_cutoff(
    accepted: defaultdict[int, list[Fix]], moments: Mapping[Scope, datetime]
) -> None:
    """Where reports are gone, the last of them that counted was kept."""
    frozen = [
        scope.assignment_id for scope in moments if scope.kept_from and scope.began_at < scope.kept_from
    ]
    if not frozen:
        return
    for assignment_id, *row in bulk.fetch_all(ACCEPTED_BEFORE_CUTOFF, {"assignment_ids": frozen}):
        kept = Fix._make(row)
        if kept.seen_at not in {fix.seen_at for fix in accepted[assignment_id]}:
            accepted[assignment_id].append(kept)


def moment_arrays(moments: Iterable[tuple[Scope, datetime]]) -> dict[str, list[Any]]:
    """The arrays by which the statements in `trackers/sql` take moments within assignments."""
    rows = [(scope.assignment_id, scope.tracker_id, moment) for scope, moment in moments]
    return bulk.transposed(rows, ("assignment_ids", "tracker_ids", "moments"))


def stored_period(row: Sequence[Any]) -> StoredPeriod:
    """From (id, status, location_id, started_at, fingerprint, ended_at): a tuple, since a recomputation reads these by
    the ten thousand."""
    id_, status, location_id, started_at, fingerprint, ended_at = row
    return StoredPeriod(
        id_, StatusPeriod(Place(Status(status), location_id), started_at, fingerprint), ended_at
    )
